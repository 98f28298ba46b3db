/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/proxy_connect.h"

enum { ANSWER_HEAD_MAX = 16 * 1024, ANSWER_FIELDS_MAX = 100, PROXY_AUTHENTICATION_REQUIRED = 407 };

int proxy_connect_ask(struct bytes *out, const struct address *to)
{
    char name[sizeof(to->host) + 16];
    address_format(to, name, sizeof(name));
    return bytes_printf(out, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", name, name);
}

struct http1 *proxy_connect_reader(void)
{
    struct http1 *reader = http1_new(false, ANSWER_HEAD_MAX, ANSWER_FIELDS_MAX);
    if (reader != NULL)
        http1_expect_no_body(reader); /* a 2xx has none whatever its fields say; of anything else only the status is of interest */
    return reader;
}

static enum reason judge_status(unsigned status, struct err *err)
{
    if (status / 100 == 2)
        return REASON_VALID;
    if (status == PROXY_AUTHENTICATION_REQUIRED)
        err_set(err, ERR_PROTOCOL, "the proxy answered 407 to CONNECT: it requires a password, which is not supported");
    else
        err_set(err, ERR_PROTOCOL, "the proxy answered %u to CONNECT", status);
    return REASON_PROXY_REFUSED;
}

enum reason proxy_connect_read(struct http1 *reader, struct span *in, struct err *err)
{
    struct span data;
    enum reason verdict = REASON_UNDECIDED;
    for (;;) {
        switch (http1_next(reader, in, &data)) {
        case HTTP1_MORE:
            return REASON_UNDECIDED;
        case HTTP1_HEAD:
            if (http1_head(reader)->status >= 200 && (verdict = judge_status(http1_head(reader)->status, err)) != REASON_VALID)
                return verdict;
            break;
        case HTTP1_END:
            if (verdict == REASON_VALID)
                return verdict;
            break; /* of an interim response */
        default:
            if (http1_reason(reader) == REASON_INTERNAL) {
                err_set(err, ERR_MEMORY, "%s", http1_detail(reader));
                return REASON_INTERNAL;
            }
            err_set(err, ERR_PROTOCOL, "the proxy's answer to CONNECT is not HTTP: %s", http1_detail(reader));
            return REASON_PROXY_REFUSED;
        }
    }
}

enum reason proxy_connect_eof(struct err *err)
{
    err_set(err, ERR_PROTOCOL, "the proxy closed without an answer to CONNECT");
    return REASON_PROXY_REFUSED;
}
