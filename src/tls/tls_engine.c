/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_engine_internal.h"
#include "tls_alpn.h"
#include "tls_priority.h"
#include "tls_tickets.h"

#include "mtlsd/base/address.h"

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
size_t tls_engine_wire_in_left(const struct tls_engine *e)
{
    return e->kept.len + e->lent.len;
}

/* ---- the ports GnuTLS sees ---- */

static void note_last(struct tls_engine *e, struct span taken)
{
    size_t n = taken.len < sizeof(e->last_bytes) ? taken.len : sizeof(e->last_bytes);
    memmove(e->last_bytes, e->last_bytes + n, sizeof(e->last_bytes) - n);
    memcpy(e->last_bytes + sizeof(e->last_bytes) - n, taken.ptr + taken.len - n, n);
}

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
    if (e->handshaking)
        note_last(e, span_of(from.ptr, n));
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

/* ---- making and starting ---- */

static bool is_ip_literal(const char *name)
{
    struct address a = {.kind = ADDRESS_TCP};
    snprintf(a.host, sizeof(a.host), "%s", name);
    return address_is_literal(&a);
}

static int allow_tickets(struct tls_engine *e)
{
    uint8_t key[TLS_TICKET_KEY_BYTES];
    gnutls_datum_t datum = {key, sizeof(key)};
    if (tls_context_ticket_key(e->ctx, key) != 0)
        return GNUTLS_E_RANDOM_FAILED;
    int rc = gnutls_session_ticket_enable_server(e->session, &datum);
    gnutls_db_set_cache_expiration(e->session, TICKET_SECONDS);
    gnutls_memset(key, 0, sizeof(key));
    return rc;
}

int tls_engine_adopt_context(struct tls_engine *e)
{
    static const gnutls_certificate_request_t asks[] = {
        [TLS_ASK_NONE] = GNUTLS_CERT_IGNORE,
        [TLS_ASK_OPTIONAL] = GNUTLS_CERT_REQUEST,
        [TLS_ASK_REQUIRED] = GNUTLS_CERT_REQUIRE,
    };
    int rc = gnutls_priority_set(e->session, e->ctx->priority->set);
    if (rc >= 0 && e->ctx->credentials != NULL)
        rc = gnutls_credentials_set(e->session, GNUTLS_CRD_CERTIFICATE, e->ctx->credentials);
    if (rc >= 0 && e->ctx->accepting)
        gnutls_certificate_server_set_request(e->session, asks[e->ctx->ask]);
    return rc >= 0 && e->ctx->tickets ? allow_tickets(e) : rc;
}

static int setup_session(struct tls_engine *e)
{
    unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL;
    if (e->ctx->accepting)
        flags |= GNUTLS_SERVER | GNUTLS_NO_TICKETS;
    else
        flags |= GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT | e->ctx->priority->key_shares | (e->tickets == NULL ? GNUTLS_NO_TICKETS : 0) |
                 (e->ctx->post_handshake_auth ? GNUTLS_POST_HANDSHAKE_AUTH : 0);
    if (gnutls_init(&e->session, flags) < 0)
        return -1;
    gnutls_session_set_ptr(e->session, e);
    gnutls_transport_set_ptr(e->session, e);
    gnutls_transport_set_pull_function(e->session, pull);
    gnutls_transport_set_pull_timeout_function(e->session, pull_timeout);
    gnutls_transport_set_vec_push_function(e->session, push);
    gnutls_handshake_set_max_packet_length(e->session, HANDSHAKE_MESSAGE_MAX);
    gnutls_handshake_set_timeout(e->session, GNUTLS_INDEFINITE_TIMEOUT); /* the driver keeps the time */
    gnutls_session_set_verify_function(e->session, tls_engine_on_verify);
    if (e->ctx->accepting && (e->ctx->sni != NULL || e->ctx->n_others > 0))
        gnutls_handshake_set_hook_function(e->session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_PRE, tls_engine_on_message);
    else
        gnutls_handshake_set_hook_function(e->session, GNUTLS_HANDSHAKE_CERTIFICATE_PKT, GNUTLS_HOOK_PRE, tls_engine_on_certificate);
    return tls_engine_adopt_context(e);
}

static int setup_connecting(struct tls_engine *e)
{
    const char *name = e->ctx->server_name;
    if (name != NULL && !is_ip_literal(name) &&
        gnutls_server_name_set(e->session, GNUTLS_NAME_DNS, name, strlen(name)) < 0)
        return -1;
    gnutls_datum_t ticket;
    if (e->tickets != NULL && tls_tickets_take(e->tickets, e->ctx->id, &ticket, &e->ours)) {
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
    e->verdicts = tickets != NULL ? tls_tickets_verdicts(tickets) : NULL;
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
        gnutls_handshake_set_post_client_hello_function(e->session, tls_engine_on_hello);
    return e;
}

void tls_engine_free(struct tls_engine *e)
{
    if (e == NULL)
        return;
    if (e->session != NULL)
        gnutls_deinit(e->session);
    tls_engine_ocsp_release(e);
    bytes_clear(&e->kept);
    bytes_clear(&e->wire_out);
    tls_peer_free(e->peer);
    free(e->verdict);
    free(e->text);
    free(e->unfit_cas);
    free(e->server_name);
    tls_context_unref(e->front);
    tls_context_unref(e->ctx);
    free(e);
}

/* Of an engine that does anything but carry bytes. */
static unsigned rare_flags(const struct tls_engine *e)
{
    unsigned flags = 0;
    if (e->handshaking)
        flags |= TLS_HANDSHAKING;
    if (e->peer_closed)
        flags |= TLS_CLOSED;
    if (e->failed)
        flags |= TLS_FAILED;
    if (e->waits && !e->failed)
        flags |= TLS_WAITS;
    return flags;
}

unsigned tls_engine_flags(const struct tls_engine *e)
{
    unsigned flags = (e->wire_out.len > 0 ? TLS_HAS_WIRE : 0u) | (e->maybe_app ? TLS_HAS_APP : 0u);
    bool rare = e->handshaking | e->peer_closed | e->failed | e->waits; /* asked many times a request: one jump for all */
    bool takes_none = e->handshaking | e->renegotiating | e->failed | e->ended | (e->wire_out.len >= WIRE_OUT_MARK);
    if (!takes_none)
        flags |= TLS_TAKES_APP;
    return rare ? flags | rare_flags(e) : flags;
}

/* ---- handshake ---- */

static void note_agreed(struct tls_engine *e, const char *alpn)
{
    bool asked = tls_engine_server_asked(e);
    e->agreed = (struct tls_agreed){
        .version = gnutls_protocol_get_name(gnutls_protocol_get_version(e->session)),
        .cipher = gnutls_cipher_get_name(gnutls_cipher_get(e->session)),
        .suite = gnutls_ciphersuite_get(e->session),
        .alpn = alpn,
        .resumed = gnutls_session_is_resumed(e->session) != 0,
        .asked_for_ours = asked,
        .ours_sent = asked && gnutls_certificate_get_ours(e->session) != NULL,
    };
}

static void finish_handshake(struct tls_engine *e)
{
    if (tls_engine_shows_withdrawn(e)) { /* it resumed a session */
        tls_engine_refuse_withdrawn(e);
        return;
    }
    /* A resumed session skipped the verify callback, and without a certificate there was none to call it for. */
    if (tls_engine_judge_peer(e) != 0) {
        e->waits = false;
        tls_engine_refuse_peer(e);
        return;
    }
    e->waits = !e->judged; /* for an answer about the client */
    if (e->waits)
        return;
    const char *alpn;
    if (!tls_alpn_agreed(e->ctx->alpn, e->session, &alpn)) {
        tls_engine_refuse_alpn(e);
        return;
    }
    bool resumed = gnutls_session_is_resumed(e->session) != 0;
    bool asked = tls_engine_server_asked(e);
    if (!resumed && !asked)
        e->ours = (struct tls_ours){0}; /* of a ticket that was refused */
    if (!e->ctx->accepting && e->ctx->identity != NULL && e->ctx->require_client_auth && !resumed && !asked) {
        tls_engine_send_alert(e, GNUTLS_A_ACCESS_DENIED);
        tls_engine_fail(e, REASON_OUR_CERTIFICATE_NOT_REQUESTED,
             "the server never requested our certificate: it cannot verify us");
        return;
    }
    e->handshaking = false;
    e->opened = true;
    note_agreed(e, alpn);
    e->maybe_app = true;
}

/* A message that spans records, or several in one read, may need more than one call: what was read already brings no further event. */
/* Once, before the handshake: the library adds to a list that was set before, and it adds an empty one. On a listener with several contexts the first
 * counts, as the library reads the client's names before the hook that chooses. */
static int name_protocols(struct tls_engine *e)
{
    e->named = true;
    if (e->only == NULL)
        return tls_alpn_offer(e->ctx->alpn, e->session);
    gnutls_datum_t one = {(unsigned char *)(uintptr_t)e->only, (unsigned)strlen(e->only)};
    return gnutls_alpn_set_protocols(e->session, &one, 1, GNUTLS_ALPN_MANDATORY);
}

static int handshake_on(struct tls_engine *e)
{
    size_t before;
    int rc;
    do {
        before = tls_engine_wire_in_left(e);
        rc = e->named ? 0 : name_protocols(e);
        rc = rc < 0 ? rc : gnutls_handshake(e->session);
    } while (rc == GNUTLS_E_AGAIN && tls_engine_wire_in_left(e) > 0 && tls_engine_wire_in_left(e) < before);
    return rc;
}

static void advance_handshake(struct tls_engine *e)
{
    if (e->waits) /* the library has finished its part: a further call would begin another one */
        return;
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
    if (tls_engine_shows_withdrawn(e))
        tls_engine_refuse_withdrawn(e);
    else if (e->reason != REASON_UNDECIDED && !e->judged && e->alert_to_send != 0)
        tls_engine_refuse_peer(e);
    else
        tls_engine_fail_by_code(e, rc);
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
    if ((e->handshaking || e->renegotiating) && (e->handshake_bytes += wire.len) > HANDSHAKE_BYTES_MAX) {
        tls_engine_send_alert(e, GNUTLS_A_HANDSHAKE_FAILURE);
        tls_engine_fail(e, REASON_TLS_FAILED, "the peer's part of the TLS handshake is too long");
        return;
    }
    for (size_t i = 0; e->n_first_bytes < sizeof(e->first_bytes) && i < wire.len; i++)
        e->first_bytes[e->n_first_bytes++] = wire.ptr[i];
    if (e->kept.len > 0 || e->lent.len > 0) {
        tls_engine_wire_keep(e);
        if (bytes_append_span(&e->kept, wire) != 0) {
            tls_engine_fail(e, REASON_OVERLOADED, "no memory for bytes from the wire");
            return;
        }
    } else {
        e->lent = wire;
    }
    if (e->handshaking)
        advance_handshake(e);
    else if (e->renegotiating)
        tls_engine_go_on_renegotiating(e);
    else
        e->maybe_app = true;
}

void tls_engine_look_again(struct tls_engine *e, bool give_up, int64_t now)
{
    if (!e->waits || e->failed)
        return;
    e->now = now;
    e->gives_up = give_up;
    finish_handshake(e);
}

void tls_engine_wire_keep(struct tls_engine *e)
{
    struct span rest = e->lent;
    e->lent = span_of(NULL, 0);
    if (rest.len > 0 && bytes_append_span(&e->kept, rest) != 0)
        tls_engine_fail(e, REASON_OVERLOADED, "no memory for bytes from the wire");
}

void tls_engine_wire_eof(struct tls_engine *e, int64_t now)
{
    e->now = now;
    e->wire_ended = true;
    if (e->failed || e->peer_closed)
        return;
    if (e->handshaking)
        advance_handshake(e);
    else if (e->renegotiating)
        tls_engine_go_on_renegotiating(e);
    else
        e->maybe_app = true; /* what is still readable comes first, then app_read finds the end */
}

/* ---- what waits for the wire, and what is known ---- */

struct span tls_engine_wire_out(const struct tls_engine *e)
{
    return bytes_span(&e->wire_out);
}

void tls_engine_wire_sent(struct tls_engine *e, size_t n)
{
    bytes_consume(&e->wire_out, n);
}

void tls_engine_offer_only(struct tls_engine *e, const char *name)
{
    e->only = name;
}

void tls_engine_ends_plainly(struct tls_engine *e)
{
    e->ends_plainly = true;
}

const char *tls_engine_alpn(const struct tls_engine *e)
{
    return e->agreed.alpn;
}

void tls_engine_facts(const struct tls_engine *e, struct tls_facts *out)
{
    *out = (struct tls_facts){
        .reason = e->failed ? e->reason : REASON_UNDECIDED,
        .text = e->text != NULL ? e->text : "",
        .alert_received = e->alert_received,
        .alert_sent = e->alert_sent,
        .ours = tls_engine_identity(e),
        .accepted_cas = e->unfit_cas,
        .verdict = e->verdict,
        .peer = e->peer,
        .server_name = e->server_name,
        .sni = e->front != NULL ? e->front->sni : NULL,
        .policy = e->policy,
        .asks = e->ctx->accepting && e->ctx->ask != TLS_ASK_NONE,
    };
    if (!e->opened) {
        if (gnutls_kx_get(e->session) != 0) /* until then the library names the newest version that was offered */
            out->version = gnutls_protocol_get_name(gnutls_protocol_get_version(e->session));
        return;
    }
    out->version = e->agreed.version;
    out->cipher = e->agreed.cipher;
    out->suite = e->agreed.suite;
    out->alpn = e->agreed.alpn;
    out->resumed = e->agreed.resumed;
    out->asked_for_ours = e->agreed.asked_for_ours;
    out->ours_sent = e->agreed.ours_sent;
    out->asked_later = e->agreed.asked_later;
}
