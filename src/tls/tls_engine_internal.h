/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of an engine, shared by its files: tls_engine.c (making, the wire, the handshake), tls_engine_hello.c (the choice of a policy),
 * tls_engine_peer.c (verifying the peer), tls_engine_app.c (application bytes), tls_engine_late.c (our certificate, later), tls_engine_ours.c (which one) and tls_engine_refusals.c (failures). */
#ifndef MTLSD_TLS_TLS_ENGINE_INTERNAL_H
#define MTLSD_TLS_TLS_ENGINE_INTERNAL_H

#include "tls_context.h"
#include "tls_internal.h"
#include "tls_tickets.h"

#include "mtlsd/base/bytes.h"

enum {
    WIRE_OUT_MARK = 256 * 1024,
    WIRE_OUT_MAX = WIRE_OUT_MARK + 128 * 1024, /* a flight of the handshake on top */
    WIRE_IN_MAX = 1024 * 1024,
    RECORD_BYTES = 16384,
    HANDSHAKE_MESSAGE_MAX = TLS_MESSAGE_MAX_BYTES + 16384, /* the library counts whole records; the judge is exact */
    HANDSHAKE_BYTES_MAX = 4 * HANDSHAKE_MESSAGE_MAX, /* the library gathers a message of 16 MiB before it finds it too long */
    EMPTY_RECORDS_MAX = 32,        /* security D2 */
    TICKET_SECONDS = 300,
    ALERT_RECORD_BYTES = 7,        /* of an alert that is not encrypted */
    CHAIN_MAX = 65, /* one more than the judge looks at, so that it sees what is too many */
};

struct tls_agreed { /* what a handshake settled for good: asked for with each report */
    const char *version, *cipher, *suite, *alpn;
    bool resumed, asked_for_ours, ours_sent, asked_later;
};

struct tls_judging { /* one judgement of the peer */
    struct tls_engine *e;
    const struct tls_context *ctx;
    int64_t now;
    struct tls_presented sent;
    struct tls_verdict *out;
    struct tls_path path; /* of the verdict */
};
/* tls_engine_ocsp.c: what the OCSP responder says of a client, beside what the client sent. judge is called once or twice. */
bool tls_engine_ocsp_asks(const struct tls_context *ctx);
void tls_engine_ocsp_judge(struct tls_judging *j, void (*judge)(struct tls_judging *j));
/* The same question has no answer yet, and it is still waited for. */
bool tls_engine_ocsp_is_awaited(const struct tls_engine *e);
/* An open connection whose client is asked about for the first time goes on meanwhile, by the verdict so far: then, which ends soon. */
bool tls_engine_ocsp_spares(const struct tls_engine *e, const struct tls_context *ctx, int64_t now, struct tls_verdict *then);
void tls_engine_ocsp_release(struct tls_engine *e);

struct tls_engine {
    struct tls_context *ctx; /* counted; on a listener with several: the chosen one, once it is chosen */
    struct tls_context *front; /* counted: what chose it; NULL: there was no choice */
    char *server_name;         /* the client asked for, where there is a choice; NULL: none */
    size_t policy;
    gnutls_session_t session;
    struct tls_tickets *tickets; /* not owned; NULL: none kept */
    struct tls_verdict_cache *verdicts; /* not owned; NULL: each peer is verified again */
    tls_accept_fn accept;
    void *accept_ctx;
    int64_t now; /* of the call in progress, for the judge */
    struct span lent;
    struct bytes kept;
    struct bytes wire_out;
    struct tls_agreed agreed; /* once opened */
    bool ends_plainly; /* an end without close_notify is clean */
    const char *only; /* the one protocol (ALPN) to offer, static; NULL: those of ctx */
    bool named;       /* the protocols were given to the library */
    bool renegotiating; /* TLS 1.2, once opened */
    uint8_t late_requests; /* for our certificate */
    struct tls_ours ours;  /* of a resumed session that of the first handshake */
    bool ours_chosen;      /* on this connection */
    bool suites_ecdsa, suites_rsa; /* that the client offers for TLS 1.2 */
    struct tls_ocsp_row *ocsp; /* held: of the client's certificate; NULL: nothing is asked about it */
    uint64_t awaits;           /* the responder */
    bool awaits_answer;        /* of the client's OCSP responder, as the last judgement found */
    bool asked_in_vain;        /* the question before that one got no answer */
    bool waits;                /* the handshake is done but for that */
    bool gives_up;             /* it is no longer waited for */
    bool handshaking, opened, judged, peer_closed, ended, failed, wire_ended, app_seen, ticket_seen, maybe_app;
    unsigned empty_records; /* since bytes of the application came */
    uint8_t last_record[8]; /* number of the last record that brought nothing */
    size_t handshake_bytes;
    size_t bytes_before_ours; /* of those: how many had come when our certificate left; 0: it has not */
    uint8_t last_bytes[ALERT_RECORD_BYTES]; /* that the library took during the handshake */
    unsigned alert_to_send;
    const char *why; /* of a refusal that is not the verdict's; fixed text */
    int alert_received, alert_sent;
    enum reason reason;
    uint8_t first_bytes[8]; /* what the peer began with, to tell a plaintext peer apart */
    size_t n_first_bytes;
    char *text; /* the sentence of a failure */
    char *unfit_cas; /* the server named these CAs, and none of them issued a certificate of ours; NULL: it did not */
    struct tls_verdict *verdict;
    struct tls_peer *peer;
};

/* Records the first failure; later ones change nothing. */
void tls_engine_fail(struct tls_engine *e, enum reason reason, const char *text);
/* The failure that a GnuTLS error code stands for, with the alert that tells the peer. */
void tls_engine_fail_by_code(struct tls_engine *e, int rc);
void tls_engine_send_alert(struct tls_engine *e, unsigned alert);
/* No application protocol that both ends speak (RFC 7301 section 3.2). */
void tls_engine_refuse_alpn(struct tls_engine *e);

/* Judges the peer and asks whether it may pass. 0, or -1 with the reason recorded and alert_to_send set. */
MUST_CHECK int tls_engine_judge_peer(struct tls_engine *e);
int tls_engine_on_verify(gnutls_session_t session); /* the same, as the library calls it */
/* The library's hook for a Certificate message, before anything in it is used. */
/* Notes the cipher suites of the client's hello, and does what tls_engine_on_certificate does. For a listener with several identities. */
int tls_engine_on_message(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming, const gnutls_datum_t *message);
int tls_engine_on_certificate(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming, const gnutls_datum_t *message);
void tls_engine_refuse_peer(struct tls_engine *e);  /* fails for what tls_engine_judge_peer recorded */
/* The server requests our certificate after the handshake: answers, or fails. */
void tls_engine_reauthenticate(struct tls_engine *e);
void tls_engine_renegotiate(struct tls_engine *e);
void tls_engine_go_on_renegotiating(struct tls_engine *e);
bool tls_engine_is_same_peer(const struct tls_engine *e); /* as the library has it now, and as it was verified */
/* Connecting: a certificate was asked for. */
bool tls_engine_server_asked(const struct tls_engine *e);

/* Sets up a session by its context. A negative error code of the library: it failed. */
MUST_CHECK int tls_engine_adopt_context(struct tls_engine *e);
/* The library's call when the whole ClientHello was read: chooses the context by the server name. */
int tls_engine_on_hello(gnutls_session_t session);

/* The context that decides about this peer now that its listener has another. NULL: its server name is not served any more. */
const struct tls_context *tls_engine_choose_again(struct tls_engine *e, struct tls_context *ctx);

size_t tls_engine_wire_in_left(const struct tls_engine *e); /* bytes that came and were not yet eaten */

/* The identity of this connection was taken back (tls_identity_withdraw): it was presented, or would be now. */
bool tls_engine_shows_withdrawn(const struct tls_engine *e);
void tls_engine_refuse_withdrawn(struct tls_engine *e);

#endif
