/* SPDX-License-Identifier: Apache-2.0 */
/* An address as a person writes it, taken apart. Nothing is resolved here. */
#ifndef MTLSD_BASE_ADDRESS_H
#define MTLSD_BASE_ADDRESS_H

#include "mtlsd/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum address_kind {
    ADDRESS_TCP,
    ADDRESS_UNIX,
    ADDRESS_SYSTEMD, /* a listening socket that the service manager passes, by name */
    ADDRESS_SELF,    /* what we serve ourselves; it is never written */
};

struct address {
    enum address_kind kind;
    char host[256]; /* host name or literal without brackets; "" means every interface */
    uint16_t port;
    char path[108]; /* unix: socket path; systemd: name */
};

/* "127.0.0.1:8080", "[::1]:8080", ":8443", "name:443", "unix:/run/x.sock", "systemd:web". */
MUST_CHECK int address_parse(const char *text, struct address *out, struct err *err);
bool address_is_literal(const struct address *a);  /* the host is an IP address, not a name */
bool address_is_loopback(const struct address *a); /* 127.0.0.0/8, ::1, "localhost" or a unix socket. Also systemd: that socket
                                                    * is looked at when it is passed (io/order.c). */
/* Both name the same place to listen on: same path, or same port and host, however an IP address is spelt.
 * Port 0 is never the same. */
bool address_same(const struct address *a, const struct address *b);
void address_format(const struct address *a, char *out, size_t out_size);

#endif
