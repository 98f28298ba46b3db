/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_engine.h"
#include "tls_context.h"
#include "tls_tickets.h"

#include "mtlsd/base/address.h"
#include "mtlsd/base/bytes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 *   handshaking --handshake done, peer accepted--> open --close_notify in--> open, peer_closed
 *        |                                           |
 *        +----------------- any failure -------------+--> failed (sticky)
 *
 * The wire-in port is a borrowed span and, behind it, the bytes kept from earlier; GnuTLS pulls from the older first. Everything that
 * GnuTLS pushes goes to wire_out, which always takes it: the engine stops taking application bytes above a mark instead, so the
 * library never sees a short push and a record is never half sent.
 */
enum {
    WIRE_OUT_MARK = 256 * 1024,
    WIRE_OUT_MAX = WIRE_OUT_MARK + 128 * 1024, /* a flight of the handshake on top */
    WIRE_IN_MAX = 1024 * 1024,
    RECORD_BYTES = 16384,
    HANDSHAKE_MESSAGE_MAX = 65536, /* a chain that does not fit is hostile (security A7) */
    HANDSHAKE_BYTES_MAX = 4 * HANDSHAKE_MESSAGE_MAX, /* the library gathers a message of 16 MiB before it finds it too long */
    EMPTY_RECORDS_MAX = 32,        /* security D2 */
    CHAIN_MAX = 65, /* one more than the judge looks at, so that it sees what is too many */
};

struct tls_engine {
    struct tls_context *ctx; /* counted */
    gnutls_session_t session;
    struct tls_tickets *tickets; /* not owned; NULL: none kept */
    tls_accept_fn accept;
    void *accept_ctx;
    int64_t now; /* of the call in progress, for the judge */
    struct span lent;
    struct bytes kept;
    struct bytes wire_out;
    bool handshaking, opened, judged, peer_closed, ended, failed, wire_ended, app_seen, ticket_seen, maybe_app;
    unsigned empty_records;
    size_t handshake_bytes;
    unsigned alert_to_send;
    int alert_received, alert_sent;
    enum reason reason;
    uint8_t first_bytes[8]; /* what the peer began with, to tell a plaintext peer apart */
    size_t n_first_bytes;
    char *text; /* the sentence of a failure */
    struct tls_verdict *verdict;
    struct tls_peer *peer;
};

static void fail(struct tls_engine *e, enum reason reason, const char *text)
{
    if (e->failed)
        return;
    e->failed = true;
    e->handshaking = false;
    e->maybe_app = false;
    e->reason = reason;
    e->text = strdup(text); /* NULL is shown as no text */
    bytes_clear(&e->kept);
    e->lent = span_of(NULL, 0);
}

static void send_alert(struct tls_engine *e, unsigned alert)
{
    if (e->alert_sent < 0 && gnutls_alert_send(e->session, GNUTLS_AL_FATAL, (gnutls_alert_description_t)alert) >= 0)
        e->alert_sent = (int)alert;
}

/* ---- the ports GnuTLS sees ---- */

static ssize_t pull(gnutls_transport_ptr_t ptr, void *buf, size_t size)
{
    struct tls_engine *e = ptr;
    struct span from = e->kept.len > 0 ? bytes_span(&e->kept) : e->lent;
    if (from.len == 0) {
        if (e->wire_ended)
            return 0;
        gnutls_transport_set_errno(e->session, EAGAIN);
        return -1;
    }
    size_t n = size < from.len ? size : from.len;
    memcpy(buf, from.ptr, n);
    if (e->kept.len > 0)
        bytes_consume(&e->kept, n);
    else
        e->lent = span_skip(e->lent, n);
    return (ssize_t)n;
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned int ms)
{
    struct tls_engine *e = ptr;
    (void)ms;
    return e->kept.len > 0 || e->lent.len > 0 || e->wire_ended;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const giovec_t *iov, int n)
{
    struct tls_engine *e = ptr;
    size_t total = 0;
    for (int i = 0; i < n; i++)
        total += iov[i].iov_len;
    uint8_t *room = bytes_reserve(&e->wire_out, total);
    if (room == NULL) {
        gnutls_transport_set_errno(e->session, ENOMEM);
        return -1;
    }
    for (int i = 0; i < n; i++) {
        memcpy(room, iov[i].iov_base, iov[i].iov_len);
        room += iov[i].iov_len;
    }
    bytes_commit(&e->wire_out, total);
    return (ssize_t)total;
}

/* ---- judging ---- */

static size_t peer_ders(const struct tls_engine *e, struct span ders[CHAIN_MAX])
{
    unsigned n = 0;
    const gnutls_datum_t *list = gnutls_certificate_get_peers(e->session, &n);
    if (list == NULL)
        return 0;
    if (n > CHAIN_MAX)
        n = CHAIN_MAX;
    for (unsigned i = 0; i < n; i++)
        ders[i] = span_of(list[i].data, list[i].size);
    return n;
}

static enum reason default_accept(const struct tls_engine *e, const struct tls_verdict *verdict, unsigned *alert)
{
    if (verdict->status == REASON_NONE && e->ctx->accepting && e->ctx->ask != TLS_ASK_REQUIRED)
        return REASON_VALID;
    *alert = tls_judge_alert(verdict->status);
    return verdict->status;
}

/* Judges the peer and asks whether it may pass. 0, or -1 with the reason recorded and alert_to_send set. */
static int judge_peer(struct tls_engine *e)
{
    if (e->judged)
        return 0;
    struct span ders[CHAIN_MAX];
    size_t n = peer_ders(e, ders);
    if (e->verdict == NULL && (e->verdict = calloc(1, sizeof(*e->verdict))) == NULL) {
        fail(e, REASON_INTERNAL, "out of memory");
        return -1;
    }
    if (n == 0 && e->ctx->accepting && e->ctx->ask == TLS_ASK_NONE)
        e->verdict->status = REASON_NONE;
    else
        tls_context_judge(e->ctx, ders, n, e->now, e->verdict);
    struct err err = {0};
    if (n > 0 && e->peer == NULL && (e->peer = tls_peer_new(ders, n, &err)) == NULL && e->verdict->status == REASON_VALID)
        e->verdict->status = REASON_MALFORMED;
    unsigned alert = 0;
    enum reason answer = default_accept(e, e->verdict, &alert);
    if (answer == REASON_VALID && e->accept != NULL)
        answer = e->accept(e->accept_ctx, e->verdict, e->peer, &alert);
    if (answer == REASON_VALID) {
        e->judged = true;
        return 0;
    }
    e->alert_to_send = alert != 0 ? alert : GNUTLS_A_BAD_CERTIFICATE;
    e->reason = answer != REASON_UNDECIDED ? answer : REASON_INTERNAL;
    return -1;
}

static int on_verify(gnutls_session_t session)
{
    struct tls_engine *e = gnutls_session_get_ptr(session);
    return judge_peer(e) == 0 ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

static void refuse_peer(struct tls_engine *e)
{
    enum reason reason = e->reason;
    send_alert(e, e->alert_to_send);
    const char *text = e->verdict != NULL && e->verdict->text[0] != '\0' ? e->verdict->text : "the peer's certificate was refused";
    if (reason == REASON_NOT_ALLOWED)
        text = "the certificate is genuine, but no allow rule matches it";
    fail(e, reason, text);
}

/* ---- making and starting ---- */

static int setup_session(struct tls_engine *e)
{
    unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL;
    if (e->ctx->accepting)
        flags |= GNUTLS_SERVER | GNUTLS_NO_TICKETS;
    else
        flags |= GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT | GNUTLS_KEY_SHARE_TOP | (e->tickets == NULL ? GNUTLS_NO_TICKETS : 0);
    if (gnutls_init(&e->session, flags) < 0)
        return -1;
    gnutls_session_set_ptr(e->session, e);
    gnutls_transport_set_ptr(e->session, e);
    gnutls_transport_set_pull_function(e->session, pull);
    gnutls_transport_set_pull_timeout_function(e->session, pull_timeout);
    gnutls_transport_set_vec_push_function(e->session, push);
    gnutls_handshake_set_max_packet_length(e->session, HANDSHAKE_MESSAGE_MAX);
    gnutls_handshake_set_timeout(e->session, GNUTLS_INDEFINITE_TIMEOUT); /* the driver keeps the time */
    gnutls_session_set_verify_function(e->session, on_verify);
    if (gnutls_priority_set(e->session, e->ctx->priority) < 0)
        return -1;
    return gnutls_credentials_set(e->session, GNUTLS_CRD_CERTIFICATE, e->ctx->credentials);
}

static bool is_ip_literal(const char *name)
{
    struct address a = {.kind = ADDRESS_TCP};
    snprintf(a.host, sizeof(a.host), "%s", name);
    return address_is_literal(&a);
}

static void setup_accepting(struct tls_engine *e)
{
    static const gnutls_certificate_request_t asks[] = {
        [TLS_ASK_NONE] = GNUTLS_CERT_IGNORE,
        [TLS_ASK_OPTIONAL] = GNUTLS_CERT_REQUEST,
        [TLS_ASK_REQUIRED] = GNUTLS_CERT_REQUIRE,
    };
    gnutls_certificate_server_set_request(e->session, asks[e->ctx->ask]);
}

static int setup_connecting(struct tls_engine *e)
{
    const char *name = e->ctx->server_name;
    if (name != NULL && !is_ip_literal(name) &&
        gnutls_server_name_set(e->session, GNUTLS_NAME_DNS, name, strlen(name)) < 0)
        return -1;
    gnutls_datum_t ticket;
    if (e->tickets != NULL && tls_tickets_take(e->tickets, e->ctx->id, &ticket)) {
        gnutls_session_set_data(e->session, ticket.data, ticket.size); /* refused: a full handshake follows */
        gnutls_memset(ticket.data, 0, ticket.size);
        gnutls_free(ticket.data);
    }
    return 0;
}

struct tls_engine *tls_engine_new(struct tls_context *ctx, struct tls_tickets *tickets, tls_accept_fn accept, void *accept_ctx,
                                  struct err *err)
{
    struct tls_engine *e = calloc(1, sizeof(*e));
    if (e == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    e->ctx = tls_context_ref(ctx);
    e->tickets = ctx->accepting ? NULL : tickets;
    e->accept = accept;
    e->accept_ctx = accept_ctx;
    e->handshaking = true;
    e->alert_received = e->alert_sent = -1;
    bytes_init(&e->kept, WIRE_IN_MAX);
    bytes_init(&e->wire_out, WIRE_OUT_MAX);
    if (setup_session(e) < 0 || (!ctx->accepting && setup_connecting(e) != 0)) {
        err_set(err, ERR_MEMORY, "the TLS library made no session");
        tls_engine_free(e);
        return NULL;
    }
    if (ctx->accepting)
        setup_accepting(e);
    return e;
}

void tls_engine_free(struct tls_engine *e)
{
    if (e == NULL)
        return;
    if (e->session != NULL)
        gnutls_deinit(e->session);
    bytes_clear(&e->kept);
    bytes_clear(&e->wire_out);
    tls_peer_free(e->peer);
    free(e->verdict);
    free(e->text);
    tls_context_unref(e->ctx);
    free(e);
}

unsigned tls_engine_flags(const struct tls_engine *e)
{
    unsigned flags = 0;
    if (e->handshaking)
        flags |= TLS_HANDSHAKING;
    if (e->wire_out.len > 0)
        flags |= TLS_HAS_WIRE;
    if (!e->handshaking && !e->failed && !e->ended && e->wire_out.len < WIRE_OUT_MARK)
        flags |= TLS_TAKES_APP;
    if (e->maybe_app)
        flags |= TLS_HAS_APP;
    if (e->peer_closed)
        flags |= TLS_CLOSED;
    if (e->failed)
        flags |= TLS_FAILED;
    return flags;
}

/* ---- failures, told apart ---- */

static size_t wire_in_left(const struct tls_engine *e)
{
    return e->kept.len + e->lent.len;
}

static bool alert_is_about_certificate(int alert)
{
    switch (alert) {
    case GNUTLS_A_HANDSHAKE_FAILURE: /* what TLS 1.2 servers say when they miss a certificate */
    case GNUTLS_A_BAD_CERTIFICATE:
    case GNUTLS_A_UNSUPPORTED_CERTIFICATE:
    case GNUTLS_A_CERTIFICATE_REVOKED:
    case GNUTLS_A_CERTIFICATE_EXPIRED:
    case GNUTLS_A_CERTIFICATE_UNKNOWN:
    case GNUTLS_A_UNKNOWN_CA:
    case GNUTLS_A_ACCESS_DENIED:
    case GNUTLS_A_DECRYPT_ERROR:
    case GNUTLS_A_CERTIFICATE_REQUIRED:
        return true;
    default:
        return false;
    }
}

static bool server_asked(const struct tls_engine *e)
{
    return !e->ctx->accepting && gnutls_certificate_client_get_request_status(e->session) != 0;
}

static void fail_by_alert(struct tls_engine *e)
{
    e->alert_received = (int)gnutls_alert_get(e->session);
    const char *name = tls_alert_name(e->alert_received);
    bool about_ours = alert_is_about_certificate(e->alert_received) && !e->app_seen &&
                      (e->ctx->accepting ? e->alert_received != GNUTLS_A_HANDSHAKE_FAILURE : server_asked(e));
    char text[200];
    if (about_ours && e->ctx->identity == NULL)
        snprintf(text, sizeof(text), "the peer asked for a certificate, we have none to send, and it answered with the alert %s", name);
    else if (about_ours)
        snprintf(text, sizeof(text), "the peer refused our certificate with the alert %s", name);
    else
        snprintf(text, sizeof(text), "the peer ended TLS with the alert %s", name);
    fail(e, about_ours ? REASON_OUR_CERTIFICATE_REFUSED : REASON_TLS_FAILED, text);
}

static void fail_not_tls(struct tls_engine *e, int rc)
{
    char text[300], seen[9] = "";
    for (size_t i = 0; i < e->n_first_bytes; i++)
        seen[i] = e->first_bytes[i] >= ' ' && e->first_bytes[i] < 0x7f ? (char)e->first_bytes[i] : '.';
    bool plain = e->n_first_bytes > 0 && e->first_bytes[0] != 22 && e->first_bytes[0] != 21;
    if (plain)
        snprintf(text, sizeof(text), "the peer does not speak TLS on this port: it began with \"%s\"", seen);
    else
        snprintf(text, sizeof(text), "TLS failed: %s", gnutls_strerror(rc));
    fail(e, REASON_TLS_FAILED, text);
}

static void fail_by_end(struct tls_engine *e)
{
    if (!e->handshaking)
        fail(e, REASON_TRUNCATED, "the connection ended without a TLS close_notify");
    else if (e->ctx->accepting)
        fail(e, REASON_CLIENT_CLOSED, "the client closed the connection during the TLS handshake");
    else
        fail(e, REASON_UPSTREAM_CLOSED, "the server closed the connection during the TLS handshake");
}

/* In TLS 1.2 the library calls any alert in the place of the client's certificate a missing certificate, as SSL 3 had it. */
static bool alert_instead_of_certificate(const struct tls_engine *e)
{
    gnutls_alert_description_t alert = gnutls_alert_get(e->session);
    return alert != GNUTLS_A_CLOSE_NOTIFY && alert != GNUTLS_A_SSL3_NO_CERTIFICATE;
}

static void fail_by_code(struct tls_engine *e, int rc)
{
    switch (rc) {
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
        fail_by_alert(e);
        return;
    case GNUTLS_E_PREMATURE_TERMINATION:
    case GNUTLS_E_PULL_ERROR:
        fail_by_end(e);
        return;
    case GNUTLS_E_UNEXPECTED_PACKET_LENGTH:
        if (e->wire_ended && wire_in_left(e) == 0) { /* the end came inside a record */
            fail_by_end(e);
            return;
        }
        break;
    case GNUTLS_E_NO_CERTIFICATE_FOUND:
    case GNUTLS_E_CERTIFICATE_REQUIRED:
        if (e->ctx->accepting && alert_instead_of_certificate(e)) {
            fail_by_alert(e);
            return;
        }
        if (e->ctx->accepting) {
            bool v13 = gnutls_protocol_get_version(e->session) == GNUTLS_TLS1_3;
            send_alert(e, v13 ? GNUTLS_A_CERTIFICATE_REQUIRED : GNUTLS_A_HANDSHAKE_FAILURE);
            fail(e, REASON_NONE, "the client presented no certificate");
            return;
        }
        break;
    case GNUTLS_E_KEY_USAGE_VIOLATION:
        send_alert(e, GNUTLS_A_UNSUPPORTED_CERTIFICATE);
        fail(e, REASON_WRONG_PURPOSE, "the peer's certificate may not be used to sign (its keyUsage says so): is it a CA's own?");
        return;
    case GNUTLS_E_ASN1_DER_ERROR:
    case GNUTLS_E_ASN1_TAG_ERROR:
    case GNUTLS_E_ASN1_ELEMENT_NOT_FOUND:
    case GNUTLS_E_ASN1_GENERIC_ERROR:
    case GNUTLS_E_ASN1_VALUE_NOT_VALID:
        send_alert(e, GNUTLS_A_BAD_CERTIFICATE);
        fail(e, REASON_MALFORMED, "the peer's certificate cannot be parsed");
        return;
    default:
        break;
    }
    int level = 0;
    int alert = gnutls_error_to_alert(rc, &level);
    send_alert(e, alert > 0 ? (unsigned)alert : GNUTLS_A_INTERNAL_ERROR);
    fail_not_tls(e, rc);
}

/* ---- handshake ---- */

static void finish_handshake(struct tls_engine *e)
{
    /* A resumed session skipped the verify callback, and without a certificate there was none to call it for. */
    if (judge_peer(e) != 0) {
        refuse_peer(e);
        return;
    }
    bool resumed = gnutls_session_is_resumed(e->session) != 0;
    if (!e->ctx->accepting && e->ctx->identity != NULL && e->ctx->require_client_auth && !resumed && !server_asked(e)) {
        send_alert(e, GNUTLS_A_ACCESS_DENIED);
        fail(e, REASON_OUR_CERTIFICATE_NOT_REQUESTED,
             "the server never asked for our certificate: it cannot know who we are");
        return;
    }
    e->handshaking = false;
    e->opened = true;
    e->maybe_app = true;
}

/* A message that spans records, or several in one read, may need more than one call: what was read already brings no further event. */
static int handshake_on(struct tls_engine *e)
{
    size_t before;
    int rc;
    do {
        before = wire_in_left(e);
        rc = gnutls_handshake(e->session);
    } while (rc == GNUTLS_E_AGAIN && wire_in_left(e) > 0 && wire_in_left(e) < before);
    return rc;
}

static void advance_handshake(struct tls_engine *e)
{
    int rc = handshake_on(e);
    if (rc == GNUTLS_E_SUCCESS) {
        finish_handshake(e);
        return;
    }
    if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED)
        return;
    if (rc == GNUTLS_E_WARNING_ALERT_RECEIVED && e->empty_records++ < EMPTY_RECORDS_MAX) {
        advance_handshake(e);
        return;
    }
    if (e->reason != REASON_UNDECIDED && !e->judged && e->alert_to_send != 0)
        refuse_peer(e);
    else
        fail_by_code(e, rc);
}

void tls_engine_start(struct tls_engine *e, int64_t now)
{
    e->now = now;
    if (e->handshaking && !e->ctx->accepting)
        advance_handshake(e);
}

void tls_engine_wire_in(struct tls_engine *e, struct span wire, int64_t now)
{
    e->now = now;
    if (e->failed)
        return;
    if (e->handshaking && (e->handshake_bytes += wire.len) > HANDSHAKE_BYTES_MAX) {
        send_alert(e, GNUTLS_A_HANDSHAKE_FAILURE);
        fail(e, REASON_TLS_FAILED, "the peer's part of the TLS handshake is too long");
        return;
    }
    for (size_t i = 0; e->n_first_bytes < sizeof(e->first_bytes) && i < wire.len; i++)
        e->first_bytes[e->n_first_bytes++] = wire.ptr[i];
    if (e->kept.len > 0 || e->lent.len > 0) {
        tls_engine_wire_keep(e);
        if (bytes_append_span(&e->kept, wire) != 0) {
            fail(e, REASON_OVERLOADED, "no memory for bytes from the wire");
            return;
        }
    } else {
        e->lent = wire;
    }
    if (e->handshaking)
        advance_handshake(e);
    else
        e->maybe_app = true;
}

void tls_engine_wire_keep(struct tls_engine *e)
{
    struct span rest = e->lent;
    e->lent = span_of(NULL, 0);
    if (rest.len > 0 && bytes_append_span(&e->kept, rest) != 0)
        fail(e, REASON_OVERLOADED, "no memory for bytes from the wire");
}

void tls_engine_wire_eof(struct tls_engine *e, int64_t now)
{
    e->now = now;
    e->wire_ended = true;
    if (e->failed || e->peer_closed)
        return;
    if (e->handshaking)
        advance_handshake(e);
    else
        e->maybe_app = true; /* what is still readable comes first, then app_read finds the end */
}

/* ---- application bytes ---- */

static void keep_ticket(struct tls_engine *e)
{
    if (e->tickets == NULL || e->ticket_seen || (gnutls_session_get_flags(e->session) & GNUTLS_SFLAGS_SESSION_TICKET) == 0)
        return;
    e->ticket_seen = true;
    gnutls_datum_t data;
    if (gnutls_session_get_data2(e->session, &data) == 0)
        tls_tickets_put(e->tickets, e->ctx->id, data);
}

/* One record's worth. True: call again. */
static bool read_record(struct tls_engine *e, uint8_t *buf, size_t size, size_t *got)
{
    size_t before = wire_in_left(e);
    ssize_t rc = gnutls_record_recv(e->session, buf, size);
    if (rc > 0) {
        e->app_seen = true;
        e->empty_records = 0;
        *got = (size_t)rc;
        return true;
    }
    if (rc == 0) {
        e->peer_closed = true;
        e->maybe_app = false;
        return false;
    }
    if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED) {
        keep_ticket(e);
        /* A ticket, a key update or an empty record was eaten and more may wait behind it: no socket event will say so. */
        if (wire_in_left(e) == before || wire_in_left(e) == 0) {
            e->maybe_app = false;
            return false;
        }
        if (++e->empty_records <= EMPTY_RECORDS_MAX)
            return true;
        send_alert(e, GNUTLS_A_UNEXPECTED_MESSAGE);
        fail(e, REASON_TLS_FAILED, "the peer sent too many TLS records without content");
        return false;
    }
    if (rc == GNUTLS_E_REHANDSHAKE) {
        send_alert(e, GNUTLS_A_NO_RENEGOTIATION);
        fail(e, REASON_TLS_FAILED, "the peer tried to renegotiate");
        return false;
    }
    fail_by_code(e, (int)rc);
    return false;
}

size_t tls_engine_app_read(struct tls_engine *e, uint8_t *buf, size_t size)
{
    if (e->handshaking || e->failed || e->peer_closed || !e->maybe_app)
        return 0;
    size_t total = 0;
    bool again = true;
    while (again && total < size) {
        size_t got = 0;
        again = read_record(e, buf + total, size - total, &got);
        total += got;
    }
    return total;
}

size_t tls_engine_app_write(struct tls_engine *e, struct span app)
{
    size_t done = 0;
    while (done < app.len && (tls_engine_flags(e) & TLS_TAKES_APP)) {
        size_t n = app.len - done < RECORD_BYTES ? app.len - done : RECORD_BYTES;
        ssize_t rc = gnutls_record_send(e->session, app.ptr + done, n);
        if (rc < 0) {
            fail_by_code(e, (int)rc);
            break;
        }
        done += (size_t)rc;
    }
    return done;
}

void tls_engine_app_end(struct tls_engine *e)
{
    if (e->ended || e->failed || e->handshaking)
        return;
    e->ended = true;
    int rc = gnutls_bye(e->session, GNUTLS_SHUT_WR);
    if (rc < 0 && rc != GNUTLS_E_AGAIN && rc != GNUTLS_E_INTERRUPTED)
        fail_by_code(e, rc);
}

struct span tls_engine_wire_out(const struct tls_engine *e)
{
    return bytes_span(&e->wire_out);
}

void tls_engine_wire_sent(struct tls_engine *e, size_t n)
{
    bytes_consume(&e->wire_out, n);
}

void tls_engine_wire_take(struct tls_engine *e, struct bytes *taken)
{
    bytes_take(&e->wire_out, taken);
}

/* ---- what is known ---- */

void tls_engine_facts(const struct tls_engine *e, struct tls_facts *out)
{
    *out = (struct tls_facts){
        .reason = e->failed ? e->reason : REASON_UNDECIDED,
        .text = e->text != NULL ? e->text : "",
        .alert_received = e->alert_received,
        .alert_sent = e->alert_sent,
        .verdict = e->verdict,
        .peer = e->peer,
    };
    if (!e->opened)
        return;
    out->version = gnutls_protocol_get_name(gnutls_protocol_get_version(e->session));
    out->cipher = gnutls_cipher_get_name(gnutls_cipher_get(e->session));
    out->resumed = gnutls_session_is_resumed(e->session) != 0;
    out->asked_for_ours = server_asked(e);
    out->ours_sent = out->asked_for_ours && gnutls_certificate_get_ours(e->session) != NULL;
}

enum reason tls_engine_rejudge(struct tls_engine *e, struct tls_context *ctx, int64_t now)
{
    if (e->handshaking || e->failed || e->verdict == NULL || ctx->accepting != e->ctx->accepting)
        return REASON_UNDECIDED;
    struct span ders[CHAIN_MAX];
    size_t n = peer_ders(e, ders);
    struct tls_verdict fresh = {0};
    if (n == 0 && ctx->accepting && ctx->ask == TLS_ASK_NONE)
        fresh.status = REASON_NONE;
    else
        tls_context_judge(ctx, ders, n, now, &fresh);
    bool may_lack = ctx->accepting && ctx->ask != TLS_ASK_REQUIRED;
    *e->verdict = fresh;
    if (fresh.status == REASON_VALID || (fresh.status == REASON_NONE && may_lack))
        return REASON_VALID;
    return fresh.status;
}

void tls_engine_refuse(struct tls_engine *e)
{
    if (e->handshaking || e->failed || e->verdict == NULL)
        return;
    send_alert(e, tls_judge_alert(e->verdict->status));
    fail(e, e->verdict->status, e->verdict->text);
}
