/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_engine_internal.h"
#include "tls_tickets.h"

#include <string.h>

/* A resumed TLS 1.2 session usually brings no new ticket; the one it was resumed by stays good, and the library gives that one again. */
static bool has_ticket(const struct tls_engine *e)
{
    if (gnutls_session_get_flags(e->session) & GNUTLS_SFLAGS_SESSION_TICKET)
        return true;
    return gnutls_protocol_get_version(e->session) == GNUTLS_TLS1_2 && gnutls_session_is_resumed(e->session) != 0;
}

static void keep_ticket(struct tls_engine *e)
{
    if (e->tickets == NULL || e->ticket_seen || !has_ticket(e))
        return;
    if (e->verdict != NULL && e->verdict->requires_staple) /* a resumed session brings no new OCSP answer, and the old one ends */
        return;
    e->ticket_seen = true;
    gnutls_datum_t data;
    if (gnutls_session_get_data2(e->session, &data) == 0)
        tls_tickets_put(e->tickets, e->ctx->id, data, e->ours);
}

/* A record was read and brought nothing. Part of a record is none: a slow peer is no flood. */
static bool ate_a_record(struct tls_engine *e)
{
    uint8_t number[8];
    if (gnutls_record_get_state(e->session, 1, NULL, NULL, NULL, number) != 0 || memcmp(number, e->last_record, sizeof(number)) == 0)
        return false;
    memcpy(e->last_record, number, sizeof(number));
    return true;
}

/* Nothing came of what was read. True: more waits behind it, and no socket event will say so. */
static bool goes_on_without_content(struct tls_engine *e, size_t before)
{
    keep_ticket(e);
    if (ate_a_record(e) && ++e->empty_records > EMPTY_RECORDS_MAX) {
        tls_engine_send_alert(e, GNUTLS_A_UNEXPECTED_MESSAGE);
        tls_engine_fail(e, REASON_TLS_FAILED, "the peer sent too many TLS records without content");
        return false;
    }
    size_t left = tls_engine_wire_in_left(e);
    e->maybe_app = left < before && left > 0;
    return e->maybe_app;
}

/* After content: to find nothing costs the library half as much as a record, so it is asked again only where something can be found. */
static bool goes_on_after_content(struct tls_engine *e)
{
    e->maybe_app = e->wire_ended || tls_engine_wire_in_left(e) > 0 || gnutls_record_check_pending(e->session) > 0;
    return e->maybe_app;
}

/* The library is not asked: it would call that a cut, and take no further record of ours. */
static bool has_ended_plainly(const struct tls_engine *e)
{
    return e->ends_plainly && e->wire_ended && tls_engine_wire_in_left(e) == 0 && gnutls_record_check_pending(e->session) == 0;
}

static bool close_in(struct tls_engine *e)
{
    e->peer_closed = true;
    e->maybe_app = false;
    return false;
}

/* One record's worth. True: call again. */
static bool read_record(struct tls_engine *e, uint8_t *buf, size_t size, size_t *got)
{
    if (has_ended_plainly(e))
        return close_in(e);
    size_t before = tls_engine_wire_in_left(e);
    ssize_t rc = gnutls_record_recv(e->session, buf, size);
    if (rc > 0) {
        e->app_seen = true;
        e->empty_records = 0;
        *got = (size_t)rc;
        return goes_on_after_content(e);
    }
    if (rc == 0)
        return close_in(e);
    if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED)
        return goes_on_without_content(e, before);
    if (rc == GNUTLS_E_REHANDSHAKE) {
        tls_engine_renegotiate(e);
        return e->maybe_app;
    }
    if (rc == GNUTLS_E_REAUTH_REQUEST) {
        tls_engine_reauthenticate(e);
        return !e->failed && goes_on_after_content(e);
    }
    tls_engine_fail_by_code(e, (int)rc);
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

bool tls_engine_idle_in(struct tls_engine *e, struct span wire, int64_t now)
{
    uint8_t byte;
    tls_engine_wire_in(e, wire, now);
    size_t got = tls_engine_app_read(e, &byte, 1);
    tls_engine_wire_keep(e);
    return got == 0 && (tls_engine_flags(e) & (TLS_HANDSHAKING | TLS_HAS_APP | TLS_HAS_WIRE | TLS_CLOSED | TLS_FAILED)) == 0;
}

size_t tls_engine_app_write(struct tls_engine *e, struct span app)
{
    size_t done = 0;
    while (done < app.len && (tls_engine_flags(e) & TLS_TAKES_APP)) {
        size_t n = app.len - done < RECORD_BYTES ? app.len - done : RECORD_BYTES;
        ssize_t rc = gnutls_record_send(e->session, app.ptr + done, n);
        if (rc < 0) {
            tls_engine_fail_by_code(e, (int)rc);
            break;
        }
        done += (size_t)rc;
    }
    return done;
}

void tls_engine_app_end(struct tls_engine *e)
{
    if (e->ended || e->failed || e->handshaking || e->renegotiating)
        return;
    e->ended = true;
    int rc = gnutls_bye(e->session, GNUTLS_SHUT_WR);
    if (rc < 0 && rc != GNUTLS_E_AGAIN && rc != GNUTLS_E_INTERRUPTED)
        tls_engine_fail_by_code(e, rc);
}
