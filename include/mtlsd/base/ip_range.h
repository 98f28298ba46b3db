/* SPDX-License-Identifier: Apache-2.0 */
/* An IP address or all that begin alike: "10.0.0.1", "10.0.0.0/8", "2001:db8::/32". IPv4 and IPv6 are never the same, mapped ones neither. */
#ifndef MTLSD_BASE_IP_RANGE_H
#define MTLSD_BASE_IP_RANGE_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/span.h"

struct ip_range {
    uint8_t bytes[16];
    size_t n;      /* 4 or 16 */
    unsigned bits; /* that count */
};

/* ERR_CONFIG for what is no address, and for bits set behind those that count: a typing error that would widen or narrow what is meant. */
MUST_CHECK int ip_range_parse(const char *text, struct ip_range *out, struct err *err);
bool ip_range_holds(const struct ip_range *r, struct span address); /* raw bytes in network order */

#endif
