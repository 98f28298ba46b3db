/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries a target out with a connection of its own, made as run would make it: through the upstream's proxy, with a PROXY header, with STARTTLS, with the
 * target's TLS context. It reads after the handshake, because a TLS 1.3 server refuses our certificate only there. An http upstream gets a HEAD request
 * so that it must answer. Blocking: for commands, and for threads that nothing waits for.
 */
#ifndef MTLSD_IO_PROBE_TARGET_H
#define MTLSD_IO_PROBE_TARGET_H

#include "mtlsd/base/err.h"
#include "mtlsd/control/snapshot.h"
#include "mtlsd/io/probe.h"

struct probe_target_peer { /* the server's certificate */
    char subject[1024], issuer[1024]; /* a longer one is cut */
    int64_t not_after;
    bool present;
};

struct probe_target {
    const struct plan_target *target; /* borrowed */
    enum reason reason;      /* REASON_VALID: accepted */
    const char *hint;        /* static: what to do about reason; NULL: what its row says */
    char text[sizeof(((struct err *)NULL)->text)]; /* why it was refused; or what is worth knowing; "" */
    char version[16];        /* "" when the two never agreed on one */
    char cipher[40];         /* "" when the handshake was not finished: then not to have asked means nothing yet */
    char alpn[TLS_ALPN_NAME_MAX + 1]; /* "" when none was agreed on */
    const struct tls_identity *ours; /* what was presented, or would be; borrowed from the target's context. NULL: none */
    bool asked, sent;        /* the server asked for a certificate; ours went out */
    int alert_received, alert_sent; /* -1: none */
    struct probe_target_peer peer;
    const char *staple_fault; /* static: why its stapled OCSP answer was ignored; NULL: it was not, or there was none */
    unsigned http_status;    /* 0: there was no answer, or none was asked for */
    double connect_ms, handshake_ms;
};

/* target must stand in snapshot, which says whether it speaks HTTP. */
void probe_target_try(struct probe_target *t, const struct snapshot *snapshot, const struct plan_target *target);

#endif
