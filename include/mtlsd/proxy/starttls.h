/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The talk of two peers in plaintext before they start TLS on the same connection: PostgreSQL's SSLRequest, MySQL's, STARTTLS of SMTP, IMAP and LDAP.
 * One object is one end of that talk: towards a server, which it asks for TLS, or towards a client, which has to ask. Bytes in, bytes to say and a
 * verdict out. Nothing of a client is ever among what is said to a server here, but for the 32 bytes of flags that begin MySQL's login. No byte may
 * follow the go-ahead: an attacker on the network could have put it there (security B2; CVE-2011-0411, CVE-2021-23222). If the other end declines, the
 * connection ends.
 */
#ifndef MTLSD_PROXY_STARTTLS_H
#define MTLSD_PROXY_STARTTLS_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/config/config.h"

enum {
    STARTTLS_IN_MAX = 8192,  /* a line or message of the peer */
    STARTTLS_MESSAGES_MAX = 64,
    STARTTLS_MYSQL_HEADER = 32, /* flags, largest packet, character set, filler */
};

struct starttls {
    enum config_starttls kind;
    bool answers;        /* towards a client */
    bool direct;         /* in has the first bytes of TLS: PostgreSQL's clients may begin with it, and MySQL's wait for no go-ahead */
    bool wants_greeting; /* MySQL, towards a client: give it the server's by starttls_greet */
    bool wants_client;   /* MySQL, towards a server: give it the begin of the client's login by starttls_login */
    bool offered;        /* SMTP: the server has STARTTLS */
    unsigned step;       /* the protocol's own */
    unsigned messages;
    struct bytes in;       /* came, and is not understood yet */
    struct bytes out;      /* to be sent to the peer before TLS; the caller consumes it */
    struct bytes greeting; /* MySQL: the server's */
    uint8_t login[STARTTLS_MYSQL_HEADER]; /* MySQL, towards a client: what it asked with */
};

void starttls_init(struct starttls *s, enum config_starttls kind, bool answers);
void starttls_clear(struct starttls *s);

/* The connection stands: what we say first is in out. -1: out of memory. */
MUST_CHECK int starttls_begin(struct starttls *s);
/* REASON_UNDECIDED: more is needed. REASON_VALID: start TLS when out was sent. Anything else: the connection ends, after out was sent; the sentence
 * is in err. */
enum reason starttls_in(struct starttls *s, struct span wire, struct err *err);
/* The peer closed. */
enum reason starttls_eof(const struct starttls *s, struct err *err);

/* MySQL. The first bytes of the server, until its greeting is whole, which the client gets with an offer of TLS. REASON_UNDECIDED: go on. */
enum reason starttls_greet(struct starttls *s, struct span in, struct err *err);
/* Whether a greeting, a whole packet, offers TLS. */
void starttls_offer(struct bytes *greeting, bool tls);
/* The server is asked for TLS with the flags of the client's login; NULL: there is no client, as in a health check. */
enum reason starttls_login(struct starttls *s, const uint8_t login[STARTTLS_MYSQL_HEADER], struct err *err);

#endif
