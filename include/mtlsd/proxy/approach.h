/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connects to a target without a client: from a connected socket, through the upstream's proxy and a PROXY header
 * without a client, to verified TLS. Bytes in, bytes out; a driver connects, moves the bytes and keeps the time.
 */
#ifndef MTLSD_PROXY_APPROACH_H
#define MTLSD_PROXY_APPROACH_H

#include "mtlsd/proxy/exchange.h"
#include "mtlsd/proxy/uplink.h"

enum approach_state {
    APPROACH_CONNECT, /* the driver connects */
    APPROACH_OPEN,    /* a proxy on the way was asked for a tunnel */
    APPROACH_SECURE,  /* the TLS handshake */
    APPROACH_THERE,
    APPROACH_FAILED,
};

struct approach {
    struct uplink *uplink; /* owned, unless it was taken */
    enum approach_state state;
    enum reason reason; /* of a failure */
    const char *hint;   /* static: what to do; NULL: what the reason's row says */
    char text[640];     /* a sentence */
};

/* http: the uplink gets a reader of responses. tickets: to resume by; NULL: a whole handshake. -1 + err. */
MUST_CHECK int approach_init(struct approach *a, const struct plan_target *target, bool http, struct tls_tickets *tickets, struct err *err);
void approach_clear(struct approach *a);

void approach_on_connected(struct approach *a, struct moment now);
/* Until it is there. The driver calls tls_engine_wire_keep when it is done with what came. */
void approach_on_wire(struct approach *a, struct span wire, struct moment now);
void approach_on_eof(struct approach *a, struct moment now);
/* Its time is over. */
void approach_on_late(struct approach *a);
void approach_fail(struct approach *a, enum reason reason, const char *text);
/* Fails if the engine did, also after the handshake. */
void approach_look(struct approach *a);

#endif
