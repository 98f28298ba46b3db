/* SPDX-License-Identifier: Apache-2.0 */
#include "ends.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct wire_pki ends_pki;
struct ends_end ends_client, ends_server;
struct tls_tickets *ends_tickets;
struct tls_facts ends_facts;

void ends_make(void)
{
    wire_pki_make(&ends_pki);
}

void ends_drop(void)
{
    wire_pki_clear(&ends_pki);
}

void ends_open_one(struct ends_end *end, struct tls_context *ctx, tls_accept_fn accept, void *accept_ctx)
{
    struct err err = {0};
    *end = (struct ends_end){.ctx = ctx, .e = tls_engine_new(ctx, ends_tickets, accept, accept_ctx, &err), .now = WIRE_NOW};
    ck_assert_msg(end->e != NULL, "%s", err.text);
    bytes_init(&end->got, ENDS_QUEUE_MAX);
}

void ends_close_one(struct ends_end *end)
{
    if (end->e == NULL)
        return;
    tls_engine_free(end->e);
    tls_context_unref(end->ctx);
    bytes_clear(&end->got);
    *end = (struct ends_end){0};
}

void ends_close(void)
{
    ends_close_one(&ends_client);
    ends_close_one(&ends_server);
}

void ends_open(const struct wire_side *connecting, const struct wire_side *accepting)
{
    ends_open_one(&ends_client, wire_pki_connecting(&ends_pki, connecting), NULL, NULL);
    ends_open_one(&ends_server, wire_pki_accepting(&ends_pki, accepting), NULL, NULL);
}

void ends_read_all(struct ends_end *end)
{
    uint8_t buf[3000];
    while (tls_engine_flags(end->e) & TLS_HAS_APP) {
        size_t n = tls_engine_app_read(end->e, buf, sizeof(buf));
        ck_assert_int_eq(bytes_append(&end->got, buf, n), 0);
    }
}

/* While it shakes hands no application byte goes either way, whatever came so far (B2, B3). */
static void expect_no_app_yet(struct ends_end *end)
{
    uint8_t buf[16];
    unsigned flags = tls_engine_flags(end->e);
    if ((flags & (TLS_HANDSHAKING | TLS_FAILED)) == 0)
        return;
    ck_assert_uint_eq(flags & (TLS_TAKES_APP | TLS_HAS_APP), 0);
    size_t waits = tls_engine_wire_out(end->e).len;
    ck_assert_uint_eq(tls_engine_app_write(end->e, span_from_str("too early")), 0);
    ck_assert_uint_eq(tls_engine_app_read(end->e, buf, sizeof(buf)), 0);
    ck_assert_uint_eq(tls_engine_wire_out(end->e).len, waits);
}

void ends_feed(struct ends_end *to, struct span wire)
{
    uint8_t *lent = malloc(wire.len);
    ck_assert_ptr_nonnull(lent);
    memcpy(lent, wire.ptr, wire.len);
    lent[wire.len - 1] ^= to->spoil;
    to->spoil = 0;
    tls_engine_wire_in(to->e, span_of(lent, wire.len), to->now);
    expect_no_app_yet(to);
    ends_read_all(to);
    tls_engine_wire_keep(to->e);
    free(lent);
}

bool ends_deliver(struct ends_end *from, struct ends_end *to, size_t step)
{
    struct span out = tls_engine_wire_out(from->e);
    size_t n = out.len < step ? out.len : step;
    ck_assert_int_eq((tls_engine_flags(from->e) & TLS_HAS_WIRE) != 0, out.len > 0);
    if (n == 0)
        return false;
    ends_feed(to, span_of(out.ptr, n));
    tls_engine_wire_sent(from->e, n);
    return true;
}

void ends_run(size_t step)
{
    expect_no_app_yet(&ends_client);
    tls_engine_start(ends_client.e, ends_client.now);
    tls_engine_start(ends_server.e, ends_server.now); /* an accepting engine has nothing to say first */
    for (bool moved = true; moved;) {
        moved = ends_deliver(&ends_client, &ends_server, step);
        moved = ends_deliver(&ends_server, &ends_client, step) || moved;
    }
}

void ends_run_raw(struct ends_end *end, struct raw_tls *raw, size_t step)
{
    tls_engine_start(end->e, end->now);
    for (bool moved = true; moved;) {
        raw_tls_pump(raw);
        moved = raw->out.len > 0 || tls_engine_wire_out(end->e).len > 0;
        while (raw->out.len > 0) {
            size_t n = raw->out.len < step ? raw->out.len : step;
            ends_feed(end, span_of(bytes_span(&raw->out).ptr, n));
            bytes_consume(&raw->out, n);
        }
        struct span out = tls_engine_wire_out(end->e);
        ck_assert_int_eq(bytes_append_span(&raw->in, out), 0);
        tls_engine_wire_sent(end->e, out.len);
    }
}

const struct tls_facts *ends_look(const struct ends_end *end)
{
    tls_engine_facts(end->e, &ends_facts);
    return &ends_facts;
}

void ends_expect_open(const struct ends_end *end, const char *why)
{
    ends_look(end);
    ck_assert_msg((tls_engine_flags(end->e) & (TLS_TAKES_APP | TLS_FAILED | TLS_HANDSHAKING)) == TLS_TAKES_APP, "%s: %s", why, ends_facts.text);
    ck_assert_int_eq(ends_facts.reason, REASON_UNDECIDED);
}

void ends_expect_failed(const struct ends_end *end, enum reason reason, const char *why)
{
    ends_look(end);
    unsigned flags = tls_engine_flags(end->e);
    ck_assert_msg(flags & TLS_FAILED, "%s: did not fail", why);
    ck_assert_msg((flags & (TLS_TAKES_APP | TLS_HAS_APP | TLS_HANDSHAKING)) == 0, "%s: flags %u", why, flags);
    ck_assert_msg(ends_facts.reason == reason, "%s: reason %d, %s", why, ends_facts.reason, ends_facts.text);
    ck_assert_msg(ends_facts.text[0] != '\0', "%s: no words", why);
    ck_assert_msg(end->got.len == 0, "%s: an application byte came out", why);
}

void ends_say(struct ends_end *end, const char *text)
{
    ck_assert_uint_eq(tls_engine_app_write(end->e, span_from_str(text)), strlen(text));
}

void ends_expect_got(const struct ends_end *end, const char *text, const char *why)
{
    ck_assert_msg(span_equals_str(bytes_span(&end->got), text), "%s: %zu bytes", why, end->got.len);
}
