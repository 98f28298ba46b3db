/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `check --connect`: a real connection to the target of every upstream, with the TLS context that run would use. It
 * reads after the handshake, because a TLS 1.3 server refuses our certificate only there. An http upstream gets a HEAD
 * request so that it must answer.
 */
#ifndef MTLSD_CLI_CHECK_CONNECT_H
#define MTLSD_CLI_CHECK_CONNECT_H

#include "mtlsd/control/snapshot.h"

struct check_target {
    const struct plan_target *target; /* borrowed from the snapshot */
    enum reason reason;      /* REASON_VALID: accepted */
    const char *refused_by;  /* "us", "peer", "network"; NULL when accepted */
    char text[400];          /* why it was refused; or what is worth knowing; "" */
    char version[16];        /* "" when the two never agreed on one */
    char cipher[40];         /* "" when the handshake was not finished: then not to have asked means nothing yet */
    bool asked, sent;        /* the server asked for a certificate; ours went out */
    int alert_received, alert_sent; /* -1: none */
    const char *hint;        /* static: what to do about reason; NULL: what its row says */
    bool has_peer;
    char subject[400], issuer[400];
    int64_t not_after;
    unsigned http_status;    /* 0: there was no answer, or none was asked for */
    double connect_ms, handshake_ms;
};

struct check_connect {
    struct check_target *targets; /* owned */
    size_t n;
    size_t n_refused;
};

/* Blocks until every target was tried. */
MUST_CHECK int check_connect_run(struct check_connect *c, const struct snapshot *snapshot, struct err *err);
void check_connect_clear(struct check_connect *c);

#endif
