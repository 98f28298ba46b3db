/* SPDX-License-Identifier: Apache-2.0 */
/* Names of hosts, for a CA that may issue for these alone: exact, or "*.suffix". */
#ifndef MTLSD_TLS_TLS_HOSTS_H
#define MTLSD_TLS_TLS_HOSTS_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/span.h"
#include <stdbool.h>

enum { TLS_HOSTS_NAME = 256 }; /* the room for a name */

struct tls_hosts {
    char **names; /* each and the array owned */
    size_t n;
};

/* text: one name a line. Addresses and texts that are no pattern of a host are left out. -1: out of memory; clear it also then. */
MUST_CHECK int tls_hosts_read(struct tls_hosts *h, struct span text);
void tls_hosts_clear(struct tls_hosts *h);
/* Whether one of them is this host, which fits TLS_HOSTS_NAME. */
bool tls_hosts_match(const struct tls_hosts *h, struct span host);
/* The i-th as a name constraint has it: "*.a.example" and "a.example" are one constraint. */
const char *tls_hosts_constraint(const struct tls_hosts *h, size_t i);

#endif
