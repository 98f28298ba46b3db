/* SPDX-License-Identifier: Apache-2.0 */
/* The engine at its ends: who is refused, how each side hears of it, and what is no TLS at all. What is delivered
 * lies in memory of its own that is gone afterwards, as a socket's read buffer is. */
#include "t.h"

#include "mtlsd/base/bytes.h"
#include "wire.h"
#include "wire_pki.h"

#include <string.h>

enum { ALL = 1 << 20, QUEUE_MAX = 8 << 20 };

struct end {
    struct tls_engine *e;
    struct tls_context *ctx;
    struct bytes got;
    uint8_t spoil; /* xor for the last byte of what is delivered to it */
    int64_t now;
};

static struct wire_pki pki;
static struct end client, server;
static struct tls_facts facts;
static const int versions[] = {WIRE_PRIORITY_12, WIRE_PRIORITY_13};
static const char *const version_names[] = {"TLS1.2", "TLS1.3"};

static void make(void)
{
    wire_pki_make(&pki);
}

static void drop(void)
{
    wire_pki_clear(&pki);
}

static void open_end(struct end *end, struct tls_context *ctx, tls_accept_fn accept, void *accept_ctx)
{
    struct err err = {0};
    *end = (struct end){.ctx = ctx, .e = tls_engine_new(ctx, NULL, accept, accept_ctx, &err), .now = WIRE_NOW};
    ck_assert_msg(end->e != NULL, "%s", err.text);
    bytes_init(&end->got, QUEUE_MAX);
}

static void close_end(struct end *end)
{
    if (end->e == NULL)
        return;
    tls_engine_free(end->e);
    tls_context_unref(end->ctx);
    bytes_clear(&end->got);
    *end = (struct end){0};
}

static void close_both(void)
{
    close_end(&client);
    close_end(&server);
}

static void open_both(const struct wire_side *connecting, const struct wire_side *accepting)
{
    open_end(&client, wire_pki_connecting(&pki, connecting), NULL, NULL);
    open_end(&server, wire_pki_accepting(&pki, accepting), NULL, NULL);
}

static void read_all(struct end *end)
{
    uint8_t buf[3000];
    while (tls_engine_flags(end->e) & TLS_HAS_APP) {
        size_t n = tls_engine_app_read(end->e, buf, sizeof(buf));
        ck_assert_int_eq(bytes_append(&end->got, buf, n), 0);
    }
}

/* While it shakes hands no application byte goes either way, whatever came so far (B2, B3). */
static void expect_no_app_yet(struct end *end)
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

static void feed(struct end *to, struct span wire)
{
    uint8_t *lent = malloc(wire.len);
    ck_assert_ptr_nonnull(lent);
    memcpy(lent, wire.ptr, wire.len);
    lent[wire.len - 1] ^= to->spoil;
    to->spoil = 0;
    tls_engine_wire_in(to->e, span_of(lent, wire.len), to->now);
    expect_no_app_yet(to);
    read_all(to);
    tls_engine_wire_keep(to->e);
    free(lent);
}

static bool deliver(struct end *from, struct end *to, size_t step)
{
    struct span out = tls_engine_wire_out(from->e);
    size_t n = out.len < step ? out.len : step;
    ck_assert_int_eq((tls_engine_flags(from->e) & TLS_HAS_WIRE) != 0, out.len > 0);
    if (n == 0)
        return false;
    feed(to, span_of(out.ptr, n));
    tls_engine_wire_sent(from->e, n);
    return true;
}

static void run(size_t step)
{
    expect_no_app_yet(&client);
    tls_engine_start(client.e, client.now);
    tls_engine_start(server.e, server.now); /* an accepting engine has nothing to say first */
    for (bool moved = true; moved;) {
        moved = deliver(&client, &server, step);
        moved = deliver(&server, &client, step) || moved;
    }
}

static const struct tls_facts *look(const struct end *end)
{
    tls_engine_facts(end->e, &facts);
    return &facts;
}

static void expect_open(const struct end *end, const char *why)
{
    look(end);
    ck_assert_msg((tls_engine_flags(end->e) & (TLS_TAKES_APP | TLS_FAILED | TLS_HANDSHAKING)) == TLS_TAKES_APP, "%s: %s", why, facts.text);
    ck_assert_int_eq(facts.reason, REASON_UNDECIDED);
}

static void expect_failed(const struct end *end, enum reason reason, const char *why)
{
    look(end);
    unsigned flags = tls_engine_flags(end->e);
    ck_assert_msg(flags & TLS_FAILED, "%s: did not fail", why);
    ck_assert_msg((flags & (TLS_TAKES_APP | TLS_HAS_APP | TLS_HANDSHAKING)) == 0, "%s: flags %u", why, flags);
    ck_assert_msg(facts.reason == reason, "%s: reason %d, %s", why, facts.reason, facts.text);
    ck_assert_msg(facts.text[0] != '\0', "%s: no words", why);
    ck_assert_msg(end->got.len == 0, "%s: an application byte came out", why);
}

static void say(struct end *end, const char *text)
{
    ck_assert_uint_eq(tls_engine_app_write(end->e, span_from_str(text)), strlen(text));
}

static void expect_got(const struct end *end, const char *text, const char *why)
{
    ck_assert_msg(span_equals_str(bytes_span(&end->got), text), "%s: %zu bytes", why, end->got.len);
}

START_TEST(what_waits_for_the_wire_can_be_taken_whole)
{
    struct bytes taken;
    bytes_init(&taken, QUEUE_MAX);
    open_both(&(struct wire_side){0}, &(struct wire_side){0});
    run(ALL);
    say(&client, "taken");
    size_t waits = tls_engine_wire_out(client.e).len;
    tls_engine_wire_take(client.e, &taken);
    ck_assert_uint_eq(taken.len, waits);
    ck_assert_uint_eq(tls_engine_flags(client.e) & TLS_HAS_WIRE, 0);
    feed(&server, bytes_span(&taken));
    expect_got(&server, "taken", "through a queue");
    bytes_clear(&taken);
    close_both();
}
END_TEST

/* ---- ends ---- */

START_TEST(an_end_without_close_notify_is_a_truncation) /* B7 */
{
    open_both(&(struct wire_side){.priority = versions[_i]}, &(struct wire_side){0});
    run(ALL);
    say(&client, "half a message");
    run(ALL);
    tls_engine_wire_eof(server.e, WIRE_NOW);
    ck_assert_uint_ne(tls_engine_flags(server.e) & TLS_HAS_APP, 0);
    read_all(&server);
    expect_got(&server, "half a message", "what came before is not lost");
    bytes_clear(&server.got);
    expect_failed(&server, REASON_TRUNCATED, version_names[_i]);
    ck_assert_uint_eq(tls_engine_flags(server.e) & TLS_CLOSED, 0);
    close_both();
}
END_TEST

START_TEST(an_end_inside_a_record_is_a_truncation) /* B7 */
{
    open_both(&(struct wire_side){.priority = versions[_i]}, &(struct wire_side){0});
    run(ALL);
    say(&client, "never whole");
    struct span out = tls_engine_wire_out(client.e);
    feed(&server, span_of(out.ptr, out.len - 1));
    tls_engine_wire_eof(server.e, WIRE_NOW);
    read_all(&server);
    expect_failed(&server, REASON_TRUNCATED, version_names[_i]);
    close_both();
}
END_TEST

START_TEST(an_end_during_the_handshake_says_who_went)
{
    open_both(&(struct wire_side){.priority = versions[_i]}, &(struct wire_side){0});
    tls_engine_start(client.e, WIRE_NOW);
    deliver(&client, &server, 100);
    tls_engine_wire_eof(server.e, WIRE_NOW);
    expect_failed(&server, REASON_CLIENT_CLOSED, "the client went");
    tls_engine_wire_eof(client.e, WIRE_NOW);
    expect_failed(&client, REASON_UPSTREAM_CLOSED, "the server went");
    close_both();
}
END_TEST

/* ---- peers that are refused ---- */

static const struct {
    const char *why;
    struct wire_side bad, good;
    bool other_ca;
    enum reason reason;
    int alert;
} refused[] = {
    {"another CA", {0}, {0}, true, REASON_UNKNOWN_CA, 48},
    {"self-signed", {.bad = TLS_PKI_SELF_SIGNED}, {0}, false, REASON_UNKNOWN_CA, 48},
    {"expired", {.bad = TLS_PKI_EXPIRED}, {0}, false, REASON_EXPIRED, 45},
    {"not yet valid", {.bad = TLS_PKI_NOT_YET_VALID}, {0}, false, REASON_NOT_YET_VALID, 42},
    {"for the other purpose", {.bad = TLS_PKI_WRONG_PURPOSE}, {0}, false, REASON_WRONG_PURPOSE, 43},
    {"revoked", {0}, {.revokes_peer = true}, false, REASON_REVOKED, 44},
};

static void expect_refusal(size_t row, struct end *judge, struct end *bad, const char *why)
{
    expect_failed(judge, refused[row].reason, why);
    ck_assert_int_eq(facts.verdict->status, refused[row].reason);
    ck_assert_msg(facts.alert_sent == refused[row].alert, "%s: alert %d", why, facts.alert_sent);
    look(bad);
    ck_assert_msg(facts.reason == REASON_OUR_CERTIFICATE_REFUSED, "%s: %d %s", why, facts.reason, facts.text);
    ck_assert_msg(facts.alert_received == refused[row].alert, "%s: alert %d, %s", why, facts.alert_received, facts.text);
    ck_assert_uint_eq(bad->got.len, 0);
}

START_TEST(a_refused_client_hears_the_alert_of_the_verdict) /* A4, A13 */
{
    for (size_t row = 0; row < sizeof(refused) / sizeof(refused[0]); row++) {
        struct wire_side bad = refused[row].bad, good = refused[row].good;
        bad.priority = versions[_i];
        bad.issuer = refused[row].other_ca ? &pki.other_ca : NULL;
        open_both(&bad, &good);
        run(row % 2 == 0 ? 1 : ALL);
        expect_refusal(row, &server, &client, refused[row].why);
        close_both();
    }
}
END_TEST

START_TEST(a_refused_server_hears_the_alert_and_nothing_else) /* B1, B3 */
{
    for (size_t row = 0; row < sizeof(refused) / sizeof(refused[0]); row++) {
        struct wire_side bad = refused[row].bad, good = refused[row].good;
        good.priority = versions[_i];
        bad.issuer = refused[row].other_ca ? &pki.other_ca : NULL;
        open_both(&good, &bad);
        run(row % 2 == 0 ? 1 : ALL);
        expect_refusal(row, &client, &server, refused[row].why);
        close_both();
    }
}
END_TEST

START_TEST(a_server_of_another_name_is_refused) /* B1 */
{
    open_both(&(struct wire_side){.priority = versions[_i]}, &(struct wire_side){.name = "other.example"});
    run(ALL);
    expect_failed(&client, REASON_NAME_MISMATCH, version_names[_i]);
    ck_assert_int_eq(facts.alert_sent, 42);
    close_both();
}
END_TEST

START_TEST(no_certificate_passes_only_where_it_may) /* A2 */
{
    static const struct {
        const char *why;
        enum tls_ask ask;
        bool passes;
    } cases[] = {
        {"required", TLS_ASK_REQUIRED, false},
        {"optional", TLS_ASK_OPTIONAL, true},
        {"not asked", TLS_ASK_NONE, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_both(&(struct wire_side){.no_certificate = true, .priority = versions[_i]}, &(struct wire_side){.ask = cases[i].ask, .asks_given = true});
        run(ALL);
        if (cases[i].passes) {
            expect_open(&server, cases[i].why);
            ck_assert_int_eq(facts.verdict->status, REASON_NONE); /* and never valid */
            ck_assert_ptr_null(facts.peer);
        } else {
            expect_failed(&server, REASON_NONE, cases[i].why);
            ck_assert_int_eq(facts.alert_sent, _i == 0 ? 40 : 116);
            expect_failed(&client, REASON_OUR_CERTIFICATE_REFUSED, cases[i].why);
            ck_assert_ptr_nonnull(strstr(facts.text, "we have none to send"));
        }
        close_both();
    }
}
END_TEST

START_TEST(a_server_that_never_asks_is_refused_where_we_insist) /* B6 */
{
    static const struct {
        const char *why;
        struct wire_side connecting;
        bool passes;
    } cases[] = {
        {"we insist", {0}, false},
        {"we do not", {.does_not_insist = true}, true},
        {"we have none", {.no_certificate = true}, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wire_side connecting = cases[i].connecting;
        connecting.priority = versions[_i];
        open_both(&connecting, &(struct wire_side){.ask = TLS_ASK_NONE, .asks_given = true});
        run(ALL);
        if (cases[i].passes) {
            expect_open(&client, cases[i].why);
            ck_assert(!facts.asked_for_ours && !facts.ours_sent);
        } else {
            expect_failed(&client, REASON_OUR_CERTIFICATE_NOT_REQUESTED, cases[i].why);
            ck_assert_int_eq(facts.alert_sent, 49);
            ck_assert_int_eq(look(&server)->alert_received, 49);
        }
        close_both();
    }
}
END_TEST

/* ---- the hook ---- */

struct hook {
    enum reason answer, saw;
    unsigned alert, asked;
    bool saw_peer;
};

static enum reason on_accept(void *ctx, const struct tls_verdict *verdict, const struct tls_peer *peer, unsigned *alert)
{
    struct hook *h = ctx;
    h->asked++;
    h->saw = verdict->status;
    h->saw_peer = peer != NULL;
    *alert = h->alert;
    return h->answer;
}

START_TEST(the_hook_can_refuse_and_cannot_forgive)
{
    static const struct {
        const char *why;
        struct wire_side connecting;
        struct hook hook;
        unsigned asked;
        enum reason reason;
        int alert;
    } cases[] = {
        {"it agrees", {0}, {.answer = REASON_VALID}, 1, REASON_VALID, -1},
        {"no rule matches", {0}, {.answer = REASON_NOT_ALLOWED, .alert = 49}, 1, REASON_NOT_ALLOWED, 49},
        {"it names no alert", {0}, {.answer = REASON_NOT_ALLOWED}, 1, REASON_NOT_ALLOWED, 42},
        {"it does not decide", {0}, {.answer = REASON_UNDECIDED, .alert = 49}, 1, REASON_INTERNAL, 49},
        {"it agrees to an expired one", {.bad = TLS_PKI_EXPIRED}, {.answer = REASON_VALID}, 0, REASON_EXPIRED, 45},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hook hook = cases[i].hook;
        struct wire_side connecting = cases[i].connecting;
        connecting.priority = versions[_i];
        open_end(&client, wire_pki_connecting(&pki, &connecting), NULL, NULL);
        open_end(&server, wire_pki_accepting(&pki, &(struct wire_side){0}), on_accept, &hook);
        run(1);
        ck_assert_msg(hook.asked == cases[i].asked, "%s: asked %u times", cases[i].why, hook.asked);
        if (cases[i].asked > 0)
            ck_assert_msg(hook.saw == REASON_VALID && hook.saw_peer, "%s: saw %d", cases[i].why, hook.saw);
        if (cases[i].reason == REASON_VALID) {
            expect_open(&server, cases[i].why);
        } else {
            expect_failed(&server, cases[i].reason, cases[i].why);
            ck_assert_msg(facts.alert_sent == cases[i].alert, "%s: alert %d", cases[i].why, facts.alert_sent);
            ck_assert_int_eq(look(&client)->alert_received, cases[i].alert);
        }
        close_both();
    }
}
END_TEST

/* ---- what is no TLS, or was changed on its way ---- */

START_TEST(a_peer_without_tls_is_quoted) /* B2 */
{
    static const struct {
        const char *why, *bytes, *says;
        bool to_client;
    } cases[] = {
        {"a browser", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "it began with \"GET /", false},
        {"an HTTP server", "HTTP/1.1 400 Bad Request\r\n\r\n", "it began with \"HTTP/", true},
        {"a mail server", "220 mail.example ESMTP\r\n", "it began with \"220 m", true},
        {"what cannot be shown", "\x01\x02\"\x7f\xff" "abcdef", "it began with \"..\"..", false},
        {"a record longer than any", "\x16\x03\x01\xff\xff....", "TLS failed: ", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t step = 1; step <= 64; step += 63) {
            open_both(&(struct wire_side){0}, &(struct wire_side){0});
            tls_engine_start(client.e, WIRE_NOW);
            struct end *victim = cases[i].to_client ? &client : &server;
            struct span rest = span_from_str(cases[i].bytes);
            for (; rest.len > 0; rest = span_skip(rest, rest.len < step ? rest.len : step))
                feed(victim, span_of(rest.ptr, rest.len < step ? rest.len : step));
            expect_failed(victim, REASON_TLS_FAILED, cases[i].why);
            ck_assert_msg(strstr(facts.text, cases[i].says) != NULL, "%s: %s", cases[i].why, facts.text);
            close_both();
        }
    }
}
END_TEST

START_TEST(bytes_that_nobody_reads_have_a_bound) /* D1 */
{
    static const uint8_t junk[64 * 1024];
    open_both(&(struct wire_side){0}, &(struct wire_side){0});
    run(ALL);
    for (int i = 0; i < 15; i++) {
        tls_engine_wire_in(server.e, span_of(junk, sizeof(junk)), WIRE_NOW);
        tls_engine_wire_keep(server.e);
        ck_assert_uint_eq(tls_engine_flags(server.e) & TLS_FAILED, 0);
    }
    for (int i = 0; i < 2; i++)
        tls_engine_wire_in(server.e, span_of(junk, sizeof(junk)), WIRE_NOW);
    tls_engine_wire_keep(server.e);
    expect_failed(&server, REASON_OVERLOADED, "more than a megabyte");
    close_both();
}
END_TEST

START_TEST(the_first_failure_stays_and_its_alert_still_leaves)
{
    open_both(&(struct wire_side){.bad = TLS_PKI_EXPIRED, .priority = versions[_i]}, &(struct wire_side){0});
    tls_engine_start(client.e, WIRE_NOW);
    while (!(tls_engine_flags(server.e) & TLS_FAILED)) {
        deliver(&client, &server, ALL);
        if (!(tls_engine_flags(server.e) & TLS_FAILED))
            deliver(&server, &client, ALL);
    }
    ck_assert_uint_ne(tls_engine_flags(server.e) & TLS_HAS_WIRE, 0);
    struct span out = tls_engine_wire_out(server.e);
    struct bytes before;
    bytes_init(&before, QUEUE_MAX);
    ck_assert_int_eq(bytes_append_span(&before, out), 0);
    feed(&server, span_from_str("GET / HTTP/1.1\r\n\r\n"));
    tls_engine_wire_eof(server.e, WIRE_NOW);
    tls_engine_app_end(server.e);
    tls_engine_start(server.e, WIRE_NOW);
    ck_assert_int_eq(tls_engine_rejudge(server.e, server.ctx, WIRE_NOW), REASON_UNDECIDED);
    expect_failed(&server, REASON_EXPIRED, version_names[_i]);
    ck_assert_ptr_nonnull(strstr(facts.text, "expired"));
    ck_assert(span_equals(tls_engine_wire_out(server.e), bytes_span(&before)));
    run(ALL);
    ck_assert_int_eq(look(&client)->alert_received, 45);
    bytes_clear(&before);
    close_both();
}
END_TEST

/* ---- judged again ---- */

START_TEST(a_peer_is_judged_again_under_new_rules)
{
    open_both(&(struct wire_side){.priority = versions[_i]}, &(struct wire_side){0});
    ck_assert_int_eq(tls_engine_rejudge(server.e, server.ctx, WIRE_NOW), REASON_UNDECIDED); /* nobody is there yet */
    run(ALL);
    struct tls_context *revoking = wire_pki_accepting(&pki, &(struct wire_side){.revokes_peer = true});
    struct tls_context *other = wire_pki_accepting(&pki, &(struct wire_side){.trusts = &pki.other_ca});
    struct tls_context *renamed = wire_pki_connecting(&pki, &(struct wire_side){.name = "other.example"});
    const struct {
        const char *why;
        struct end *end;
        struct tls_context *ctx;
        int64_t now;
        enum reason reason;
    } cases[] = {
        {"nothing changed", &server, server.ctx, WIRE_NOW, REASON_VALID},
        {"it was revoked", &server, revoking, WIRE_NOW, REASON_REVOKED},
        {"its CA is trusted no more", &server, other, WIRE_NOW, REASON_UNKNOWN_CA},
        {"it has expired", &server, server.ctx, WIRE_NOW + 400LL * WIRE_DAY, REASON_EXPIRED},
        {"another name is expected", &client, renamed, WIRE_NOW, REASON_NAME_MISMATCH},
        {"under the rules of the other role", &server, client.ctx, WIRE_NOW, REASON_UNDECIDED},
        {"and all is well again", &server, server.ctx, WIRE_NOW, REASON_VALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum reason reason = tls_engine_rejudge(cases[i].end->e, cases[i].ctx, cases[i].now);
        ck_assert_msg(reason == cases[i].reason, "%s: %d", cases[i].why, reason);
        if (reason != REASON_UNDECIDED)
            ck_assert_msg(look(cases[i].end)->verdict->status == reason, "%s: the verdict says %d", cases[i].why, facts.verdict->status);
    }
    tls_context_unref(revoking);
    tls_context_unref(other);
    tls_context_unref(renamed);
    close_both();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_engine_refusals");
    TCase *c = tcase_create("engine");
    tcase_add_unchecked_fixture(c, make, drop);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, what_waits_for_the_wire_can_be_taken_whole);
    tcase_add_loop_test(c, an_end_without_close_notify_is_a_truncation, 0, 2);
    tcase_add_loop_test(c, an_end_inside_a_record_is_a_truncation, 0, 2);
    tcase_add_loop_test(c, an_end_during_the_handshake_says_who_went, 0, 2);
    tcase_add_loop_test(c, a_refused_client_hears_the_alert_of_the_verdict, 0, 2);
    tcase_add_loop_test(c, a_refused_server_hears_the_alert_and_nothing_else, 0, 2);
    tcase_add_loop_test(c, a_server_of_another_name_is_refused, 0, 2);
    tcase_add_loop_test(c, no_certificate_passes_only_where_it_may, 0, 2);
    tcase_add_loop_test(c, a_server_that_never_asks_is_refused_where_we_insist, 0, 2);
    tcase_add_loop_test(c, the_hook_can_refuse_and_cannot_forgive, 0, 2);
    tcase_add_test(c, a_peer_without_tls_is_quoted);
    tcase_add_test(c, bytes_that_nobody_reads_have_a_bound);
    tcase_add_loop_test(c, the_first_failure_stays_and_its_alert_still_leaves, 0, 2);
    tcase_add_loop_test(c, a_peer_is_judged_again_under_new_rules, 0, 2);
    suite_add_tcase(s, c);
    return s;
}
