/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/report.h"

#include <stddef.h>

enum refused_by report_blame(enum reason reason)
{
    switch (reason) {
    case REASON_VALID:
    case REASON_UNDECIDED:
        return REFUSED_BY_NOBODY;
    case REASON_OUR_CERTIFICATE_REFUSED:
    case REASON_CLIENT_REFUSED_CERTIFICATE:
    case REASON_TLS_FAILED:
    case REASON_CLIENT_CLOSED:
    case REASON_CLIENT_STALLED:
    case REASON_PROXY_REFUSED:
    case REASON_STARTTLS_FAILED:
    case REASON_UPSTREAM_PROTOCOL:
        return REFUSED_BY_PEER;
    case REASON_DNS_FAILED:
    case REASON_CONNECT_REFUSED:
    case REASON_CONNECT_TIMEOUT:
    case REASON_HANDSHAKE_TIMEOUT:
    case REASON_UPSTREAM_CLOSED:
    case REASON_RESPONSE_TIMEOUT:
    case REASON_TRUNCATED:
        return REFUSED_BY_NETWORK;
    default:
        return REFUSED_BY_US;
    }
}

const char *report_blame_word(enum refused_by by)
{
    static const char *const words[] = {NULL, "us", "peer", "network"};
    return words[by];
}
