/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes that a client and a server still need when both connections are ready and one of them, or both, began in plaintext
 * (proxy/starttls.h): a client that we greeted must not see the greeting of the server, one whose server's greeting was left behind in plaintext
 * gets one of ours, PostgreSQL's clients are told that there is no TLS before they log in, and MySQL's packets of the login are numbered again. Bytes
 * in, bytes out; as soon as it is over, everything passes as it is.
 */
#ifndef MTLSD_PROXY_STARTTLS_JOIN_H
#define MTLSD_PROXY_STARTTLS_JOIN_H

#include "mtlsd/proxy/starttls.h"

struct starttls_packets { /* of MySQL, in one direction */
    uint8_t head[4];
    size_t n_head;
    size_t left;  /* of the packet's payload */
    size_t at;    /* in the payload */
    bool first;   /* it is the client's login */
    bool over;    /* the login is */
};

struct starttls_join {
    enum config_starttls kind;
    bool down, up; /* which side began in plaintext */
    bool over;
    bool holds_client; /* nothing of the client may go to the server yet */
    bool gss_refused, tls_refused;
    struct bytes part; /* came and is not whole */
    struct starttls_packets packets[2];
};

/* kind: of the side, or the sides, that began in plaintext. */
void starttls_join_init(struct starttls_join *j, enum config_starttls kind, bool down, bool up);
void starttls_join_clear(struct starttls_join *j);

/* Both are ready: appends what the client gets first. -1: out of memory. */
MUST_CHECK int starttls_join_begin(const struct starttls_join *j, struct bytes *to_client);
/* Appends what these bytes lead to. REASON_VALID: go on. Anything else ends the connection, with its sentence. */
enum reason starttls_join_pass(struct starttls_join *j, bool from_client, struct span in, struct bytes *to_client, struct bytes *to_server,
                               struct err *err);

#endif
