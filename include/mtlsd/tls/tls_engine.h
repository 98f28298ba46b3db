/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS as a computation: bytes in, bytes out, and flags for what is possible now. It has four ports: application and
 * wire, in and out. It uses no socket and no clock. The driver moves bytes and looks at the flags. The first failure is
 * sticky and has a reason; send the pending wire bytes even then, because they are the alert.
 */
#ifndef MTLSD_TLS_TLS_ENGINE_H
#define MTLSD_TLS_TLS_ENGINE_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/base/span.h"
#include "mtlsd/tls/tls_identity.h"
#include "mtlsd/tls/tls_judge.h"
#include "mtlsd/tls/tls_peer.h"
#include "mtlsd/tls/tls_trust.h"

/* Everything a kind of connection has in common: made once per tls block of a snapshot, immutable, shared. */
struct tls_context;

enum tls_ask { TLS_ASK_NONE, TLS_ASK_OPTIONAL, TLS_ASK_REQUIRED }; /* accepting side: the client's certificate */

enum { TLS_ALPN_MAX = 8, TLS_ALPN_NAME_MAX = 31 }; /* what the library takes */
/* When no application protocol is agreed on. OPTIONAL: go on without. MATCH: refuse a client that offers other names only. REQUIRED: also refuse a
 * peer without ALPN. A server that chooses a name that was not offered is always refused. */
enum tls_alpn_need { TLS_ALPN_OPTIONAL, TLS_ALPN_MATCH, TLS_ALPN_REQUIRED };

enum { TLS_OTHERS_MAX = 31 };
enum tls_versions { TLS_VERSIONS_ALL /* 1.2 and 1.3 */, TLS_VERSIONS_13, TLS_VERSIONS_12 }; /* also with a priority string */

struct tls_context_spec {
    bool accepting;                /* true: we are the TLS server */
    struct tls_identity *identity; /* NULL only when connecting */
    struct tls_identity *const *others; /* presented instead to a server that names their CA, or to a client that accepts no key before; at most TLS_OTHERS_MAX */
    size_t n_others;
    struct tls_trust *trust;       /* NULL only when accepting with TLS_ASK_NONE */
    enum tls_ask ask;              /* accepting */
    uint64_t tolerate;             /* accepting: bits (1 << enum reason). A client's certificate passes with its verdict when everything found
                                    * wrong with it is among these; whether there must be one is ask's business alone */
    bool tickets;                  /* accepting: sessions may be resumed. The certificate of a resumed session is verified again, and accept is
                                    * asked. A ticket is valid for this context only, until the revocation lists of its trust change */
    const char *server_name;       /* connecting: SNI (none for an IP literal) and the name to expect */
    const char *const *expect;     /* connecting: names to expect instead; n_expect 0: server_name */
    size_t n_expect;
    bool require_client_auth;      /* connecting with an identity: a server that does not ask for it is refused */
    bool post_handshake_auth;      /* connecting with an identity: a server of TLS 1.3 may request it later */
    bool renegotiation;            /* the same, of TLS 1.2 */
    enum tls_versions versions;
    const char *priority;          /* GnuTLS priority string, NULL: ours */
    const char *const *alpn;       /* application protocols (RFC 7301), the preferred one first; n_alpn 0: no ALPN */
    size_t n_alpn;
    enum tls_alpn_need alpn_need;
    const struct tls_context *like; /* one made before, to share what is the same in both; NULL: none */
};

/* References identity and trust. NULL + err. */
struct tls_context *tls_context_new(const struct tls_context_spec *spec, struct err *err);
struct tls_context *tls_context_ref(struct tls_context *ctx);
void tls_context_unref(struct tls_context *ctx);
/* Whether a peer so judged may pass: valid, none where it may lack one, or tolerated. */
bool tls_context_lets_pass(const struct tls_context *ctx, const struct tls_verdict *verdict);

/* Handshake caches of a worker, not shared between threads. Session tickets of upstreams: each is used once, with the context that it was made
 * under. So a new identity, trust or name never resumes an old session. And valid chains of both sides: a peer with the same chain, context, lists
 * and dates is not verified again. */
struct tls_tickets;
struct tls_tickets *tls_tickets_new(size_t max_per_context);
void tls_tickets_free(struct tls_tickets *t);
void tls_tickets_forget_all(struct tls_tickets *t);

enum tls_flag {
    TLS_HANDSHAKING = 1,
    TLS_HAS_WIRE = 2,  /* bytes wait to be sent to the peer */
    TLS_TAKES_APP = 4, /* the peer was verified and application bytes may be written */
    TLS_HAS_APP = 8,   /* app_read may have something: call it until it gives nothing */
    TLS_CLOSED = 16,   /* the peer said close_notify: a clean end of its direction */
    TLS_FAILED = 32,
    TLS_WAITS = 64, /* accepting: all but done with the handshake, for the OCSP answer about the client: call tls_engine_look_again when there is one */
};

/* Called once per handshake, after the peer's chain was verified and before the handshake can succeed. The status is valid, none (no certificate,
 * where none is needed) or tolerated. Return REASON_VALID to go on, another reason to refuse with *alert. */
typedef enum reason (*tls_accept_fn)(void *ctx, const struct tls_verdict *verdict, const struct tls_peer *peer, unsigned *alert);

struct tls_engine;

/* accept may be NULL: then all of those pass. tickets may be NULL: nothing is remembered. */
struct tls_engine *tls_engine_new(struct tls_context *ctx, struct tls_tickets *tickets, tls_accept_fn accept, void *accept_ctx, struct err *err);
void tls_engine_free(struct tls_engine *e);

unsigned tls_engine_flags(const struct tls_engine *e); /* bits of enum tls_flag */

/* A connecting engine makes its first bytes here. */
void tls_engine_start(struct tls_engine *e, int64_t now);
/* Lends bytes from the wire; they must stay valid until tls_engine_wire_keep, which copies what was not yet eaten. Advances the handshake. */
void tls_engine_wire_in(struct tls_engine *e, struct span wire, int64_t now);
void tls_engine_wire_keep(struct tls_engine *e);
/* The wire ended. Without close_notify before, that is REASON_TRUNCATED. */
void tls_engine_wire_eof(struct tls_engine *e, int64_t now);
/* With TLS_WAITS, when answers came. give_up: decide without one, as if the responder had failed. */
void tls_engine_look_again(struct tls_engine *e, bool give_up, int64_t now);
/* With TLS_WAITS, for whom: a number that is the same for the same OCSP responder. */
uint64_t tls_engine_awaits(const struct tls_engine *e);
/* Decrypts into buf. 0: nothing now, look at the flags. */
size_t tls_engine_app_read(struct tls_engine *e, uint8_t *buf, size_t size);
/* Bytes from the wire while nothing is expected of the peer. True: they concern TLS alone (a late ticket) and the connection may stay as it is.
 * False: the peer spoke out of turn, ended, failed, or wants an answer. Keeps what was not eaten. */
bool tls_engine_idle_in(struct tls_engine *e, struct span wire, int64_t now);
/* Encrypts one or more records; gives how many bytes were taken (0 unless TLS_TAKES_APP). */
size_t tls_engine_app_write(struct tls_engine *e, struct span app);
/* Says close_notify: nothing more will be written. */
void tls_engine_app_end(struct tls_engine *e);
/* The pending wire bytes, in one piece; valid until the next call. */
struct span tls_engine_wire_out(const struct tls_engine *e);
void tls_engine_wire_sent(struct tls_engine *e, size_t n);

struct tls_sni;

struct tls_facts { /* borrowed from the engine */
    enum reason reason; /* why it failed; REASON_UNDECIDED while it has not */
    const char *text;   /* the sentence */
    int alert_received, alert_sent; /* -1: none */
    const char *version;            /* NULL until the two agreed on one */
    const char *cipher;             /* NULL before the handshake is done */
    const char *suite;              /* IANA's name of the cipher suite; likewise */
    const char *alpn;               /* the application protocol that both ends agreed on; NULL: none */
    bool resumed;
    bool asks; /* accepting: for the client's certificate */
    bool asked_for_ours; /* connecting: the server asked for a certificate */
    bool ours_sent;
    bool asked_later; /* connecting: the server asked for it after the handshake */
    const struct tls_identity *ours; /* the certificate that we present if the peer requests one; NULL: none */
    const char *accepted_cas; /* connecting: CAs that the server named, if it named none of ours; NULL: it did not */
    const struct tls_verdict *verdict;
    const struct tls_peer *peer; /* NULL: no certificate */
    const char *server_name;     /* accepting, if the policy depends on it (tls/tls_sni.h): the server name that the client sent; NULL: none */
    const struct tls_sni *sni;   /* likewise: what the policy was chosen by; a host with another one is not for this connection (security A9). NULL: one policy for all */
    size_t policy;               /* the policy that was chosen */
};
void tls_engine_facts(const struct tls_engine *e, struct tls_facts *out);
/* Accepting: the name that the client asked for, also where nothing depends on it; NULL: none. Looked up when asked, for those few who tell it on. */
enum { TLS_SERVER_NAME_SIZE = 256 };
const char *tls_engine_server_name(const struct tls_engine *e, char room[TLS_SERVER_NAME_SIZE]);
/* The certificate that we present on this connection; on a listener with several, known only after the ClientHello. NULL: none. Borrowed from the
 * context. */
const struct tls_identity *tls_engine_identity(const struct tls_engine *e);
/* Accepting: the registry of the trust that verifies the client; NULL: it has none. Borrowed from the context. */
const struct tls_registry *tls_engine_registry(const struct tls_engine *e);
/* The application protocol that both ends agreed on, "h2"; NULL: none, or the handshake is not done. Borrowed from the context. */
const char *tls_engine_alpn(const struct tls_engine *e);
/* Connecting, before it starts: of the context's application protocols, offers this one alone. name is static. */
void tls_engine_offer_only(struct tls_engine *e, const char *name);
/* The protocol inside says where its messages and its sessions end, and many of its peers say no close_notify (MySQL): an end without it is none the less clean. */
void tls_engine_ends_plainly(struct tls_engine *e);
const char *tls_alert_name(int alert); /* "unknown_ca"; "none" for -1 */

/* Judges the peer of a finished handshake again, under another context of the same role (after a reload). REASON_VALID: it may stay, be it tolerated;
 * the verdict says more. */
enum reason tls_engine_rejudge(struct tls_engine *e, struct tls_context *ctx, int64_t now);
/* The same for a peer with an open request or tunnel. A date that has passed since (of its chain or of a revocation list) does not end it: the
 * verdict stays, but is outdated. Everything else counts. */
enum reason tls_engine_rejudge_running(struct tls_engine *e, struct tls_context *ctx, int64_t now);
/* Whether the registry still says the same of the peer of a finished handshake, who is valid. Costs a lookup, so that a change of one row does not
 * verify every peer again. false: ask tls_engine_rejudge. */
bool tls_engine_keeps_row(struct tls_engine *e, struct tls_context *ctx, int64_t now);
/* A date has passed since the peer was judged, of its chain or of a revocation list: the verdict may be another one now. */
bool tls_engine_is_outdated(const struct tls_engine *e, int64_t now);
/* The certificate of ours that the peer has seen on this connection, if ctx presents another one instead; NULL: it presents the same, or the peer has
 * seen none. ctx NULL: nothing is presented any more. */
const struct tls_identity *tls_engine_replaced(struct tls_engine *e, struct tls_context *ctx);
/* The peer has seen a certificate of ours. A resumed session stands for that of the first handshake, if the server requested one there. */
bool tls_engine_has_presented(const struct tls_engine *e);
/* Ends a finished connection: the alert waits for the wire, the engine has failed with that reason. text NULL: what the last judgement said. */
void tls_engine_refuse(struct tls_engine *e, enum reason reason, const char *text);

/* Once per process, before any thread. Removes SSLKEYLOGFILE from the environment. */
MUST_CHECK int tls_library_start(struct err *err);

#endif
