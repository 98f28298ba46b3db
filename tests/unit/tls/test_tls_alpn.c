/* SPDX-License-Identifier: Apache-2.0 */
/* The application protocol that two ends agree on, and which of them may go on without one (RFC 7301). */
#include "t.h"

#include "ends.h"
#include "tls_context.h"

#include <string.h>

static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
static struct raw_tls raw;

enum { NOBODY, CLIENT, SERVER }; /* who refuses */

#define LONGEST "a-name-of-thirty-one-bytes-here"
_Static_assert(sizeof(LONGEST) - 1 == TLS_ALPN_NAME_MAX, "as long as can be");

static const struct {
    const char *client[9], *server[9];
    const char *agreed;
    enum tls_alpn_need client_need, server_need;
    int refuses;
    const char *why;
} meetings[] = {
    {{NULL}, {NULL}, NULL, TLS_ALPN_OPTIONAL, TLS_ALPN_OPTIONAL, NOBODY, "neither speaks ALPN"},
    {{"h2", "http/1.1"}, {"h2", "http/1.1"}, "h2", TLS_ALPN_MATCH, TLS_ALPN_MATCH, NOBODY, "the first of both"},
    {{"h2", "http/1.1"}, {"http/1.1", "h2"}, "http/1.1", TLS_ALPN_MATCH, TLS_ALPN_MATCH, NOBODY, "the server's order counts"},
    {{"http/1.1", "h2"}, {"h2", "http/1.1"}, "h2", TLS_ALPN_MATCH, TLS_ALPN_MATCH, NOBODY, "whatever the client prefers"},
    {{"x", "http/1.1"}, {"h2", "http/1.1"}, "http/1.1", TLS_ALPN_REQUIRED, TLS_ALPN_REQUIRED, NOBODY, "the one that both have"},
    {{"postgresql"}, {"postgresql"}, "postgresql", TLS_ALPN_REQUIRED, TLS_ALPN_REQUIRED, NOBODY, "a name of another protocol"},
    {{"1", "2", "3", "4", "5", "6", "7", LONGEST}, {LONGEST, "b", "c", "d", "e", "f", "g", "i"}, LONGEST, TLS_ALPN_REQUIRED, TLS_ALPN_REQUIRED, NOBODY,
     "as many and as long as can be"},
    {{"h2"}, {NULL}, NULL, TLS_ALPN_OPTIONAL, TLS_ALPN_OPTIONAL, NOBODY, "a server without ALPN"},
    {{"h2"}, {NULL}, NULL, TLS_ALPN_MATCH, TLS_ALPN_OPTIONAL, NOBODY, "a server without ALPN has not chosen another"},
    {{"h2"}, {NULL}, NULL, TLS_ALPN_REQUIRED, TLS_ALPN_OPTIONAL, CLIENT, "a server without ALPN where it is required"},
    {{NULL}, {"h2"}, NULL, TLS_ALPN_OPTIONAL, TLS_ALPN_OPTIONAL, NOBODY, "a client without ALPN"},
    {{NULL}, {"h2"}, NULL, TLS_ALPN_OPTIONAL, TLS_ALPN_MATCH, NOBODY, "a client without ALPN has not offered others only"},
    {{NULL}, {"h2"}, NULL, TLS_ALPN_OPTIONAL, TLS_ALPN_REQUIRED, SERVER, "a client without ALPN where it is required"},
    {{"h2"}, {"http/1.1"}, NULL, TLS_ALPN_OPTIONAL, TLS_ALPN_OPTIONAL, NOBODY, "nothing in common, and none is needed"},
    {{"h2"}, {"http/1.1"}, NULL, TLS_ALPN_REQUIRED, TLS_ALPN_OPTIONAL, CLIENT, "nothing in common, and the client needs it"},
    {{"h2"}, {"http/1.1"}, NULL, TLS_ALPN_OPTIONAL, TLS_ALPN_MATCH, SERVER, "nothing in common, and the server needs it"},
    {{"H2"}, {"h2"}, NULL, TLS_ALPN_OPTIONAL, TLS_ALPN_MATCH, SERVER, "names are bytes"},
    {{"h2c"}, {"h2"}, NULL, TLS_ALPN_OPTIONAL, TLS_ALPN_MATCH, SERVER, "a name that begins like another"},
    {{"h"}, {"h2"}, NULL, TLS_ALPN_OPTIONAL, TLS_ALPN_MATCH, SERVER, "a name that is the begin of another"},
};
enum { N_MEETINGS = sizeof(meetings) / sizeof(meetings[0]) };

static void meet(size_t i, int version, size_t step)
{
    struct wire_side client = {.priority = version, .alpn_need = meetings[i].client_need}, server = {.alpn_need = meetings[i].server_need};
    memcpy(client.alpn, meetings[i].client, sizeof(client.alpn));
    memcpy(server.alpn, meetings[i].server, sizeof(server.alpn));
    ends_open(&client, &server);
    ends_run(step);
}

static void expect_agreed(const struct ends_end *end, const char *name, const char *why)
{
    const char *told = tls_engine_alpn(end->e);
    ends_expect_open(end, why);
    ck_assert_msg((ends_facts.alpn == NULL) == (name == NULL), "%s: %s", why, ends_facts.alpn != NULL ? ends_facts.alpn : "none");
    ck_assert_msg(name == NULL || strcmp(ends_facts.alpn, name) == 0, "%s: %s", why, ends_facts.alpn);
    ck_assert_ptr_eq(told, ends_facts.alpn);
}

static void expect_refusal(const struct ends_end *by, const struct ends_end *other, const char *why)
{
    ends_expect_failed(by, REASON_ALPN_MISMATCH, why);
    ck_assert_msg(ends_facts.alert_sent == 120, "%s: alert %d", why, ends_facts.alert_sent);
    ck_assert_msg(strstr(ends_facts.text, "ALPN") != NULL, "%s: %s", why, ends_facts.text);
    ends_expect_failed(other, REASON_TLS_FAILED, why);
    ck_assert_msg(ends_facts.alert_received == 120, "%s: alert %d", why, ends_facts.alert_received);
    ck_assert_msg(strstr(ends_facts.text, "no_application_protocol") != NULL, "%s: %s", why, ends_facts.text);
}

START_TEST(both_ends_agree_on_a_protocol_or_one_refuses)
{
    for (size_t i = 0; i < N_MEETINGS; i++) {
        meet(i, _i, i % 2 == 0 ? ENDS_ALL : 1);
        if (meetings[i].refuses == CLIENT)
            expect_refusal(&ends_client, &ends_server, meetings[i].why);
        else if (meetings[i].refuses == SERVER)
            expect_refusal(&ends_server, &ends_client, meetings[i].why);
        else {
            expect_agreed(&ends_client, meetings[i].agreed, meetings[i].why);
            expect_agreed(&ends_server, meetings[i].agreed, meetings[i].why);
        }
        ends_close();
    }
}
END_TEST

/* ---- a server that lies ---- */

/* An answer of another length would break the handshake's lengths: of one length, only its name is wrong. */
static void twist(struct bytes *wire)
{
    uint8_t *p = wire->data + wire->head;
    for (size_t i = 0; i + 4 <= wire->len; i++)
        if (memcmp(p + i, "left", 4) == 0)
            memcpy(p + i, "wrng", 4);
}

START_TEST(a_server_that_chooses_what_was_not_offered_is_refused) /* TLS 1.2: its answer is in the clear */
{
    gnutls_datum_t name = {(unsigned char *)(uintptr_t) "left", 4};
    ends_open_one(&ends_client, wire_pki_connecting(&ends_pki, &(struct wire_side){.alpn = {"left"}}), NULL, NULL);
    raw_tls_server(&raw, &ends_pki, priorities[0], NULL);
    ck_assert_int_eq(gnutls_alpn_set_protocols(raw.session, &name, 1, 0), 0);
    tls_engine_start(ends_client.e, WIRE_NOW);
    struct span hello = tls_engine_wire_out(ends_client.e);
    ck_assert_int_eq(bytes_append_span(&raw.in, hello), 0);
    tls_engine_wire_sent(ends_client.e, hello.len);
    raw_tls_pump(&raw);
    twist(&raw.out);
    ends_feed(&ends_client, bytes_span(&raw.out));
    ends_expect_failed(&ends_client, REASON_ALPN_MISMATCH, "another name");
    ck_assert_int_eq(ends_facts.alert_sent, 120);
    raw_tls_clear(&raw);
    ends_close();
}
END_TEST

/* ---- resumption, and several identities ---- */

static void offer(const char *name)
{
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)name, (unsigned)strlen(name)};
    ck_assert_int_eq(gnutls_alpn_set_protocols(raw.session, &datum, 1, 0), 0);
}

static void connect_offering(struct tls_context *ctx, int version, const char *name, const gnutls_datum_t *ticket)
{
    ends_open_one(&ends_server, tls_context_ref(ctx), NULL, NULL);
    raw_tls_client(&raw, &ends_pki, priorities[version], GNUTLS_FORCE_CLIENT_CERT);
    if (ticket != NULL)
        ck_assert_int_eq(gnutls_session_set_data(raw.session, ticket->data, ticket->size), 0);
    if (name != NULL)
        offer(name);
    ends_run_raw(&ends_server, &raw, ENDS_ALL);
}

static void leave(void)
{
    raw_tls_clear(&raw);
    ends_close_one(&ends_server);
}

START_TEST(a_resumed_session_agrees_anew)
{
    gnutls_datum_t ticket = {0};
    struct tls_context *ctx = wire_pki_accepting(&ends_pki, &(struct wire_side){.tickets = true, .alpn = {"a", "b"}, .alpn_need = TLS_ALPN_MATCH});
    connect_offering(ctx, _i, "a", NULL);
    expect_agreed(&ends_server, "a", "the first connection");
    ck_assert_int_eq(gnutls_session_get_data2(raw.session, &ticket), 0);
    leave();

    connect_offering(ctx, _i, "b", &ticket);
    expect_agreed(&ends_server, "b", "another name");
    ck_assert(ends_facts.resumed);
    leave();

    connect_offering(ctx, _i, NULL, &ticket);
    expect_agreed(&ends_server, NULL, "none");
    ck_assert(ends_facts.resumed);
    leave();

    connect_offering(ctx, _i, "c", &ticket);
    ends_expect_failed(&ends_server, REASON_ALPN_MISMATCH, "a name that is not served");
    leave();
    gnutls_free(ticket.data);
    tls_context_unref(ctx);
}
END_TEST

START_TEST(a_listener_with_several_identities_has_the_same_protocols_for_all)
{
    static const char *const names[] = {"a.example", "b.example"};
    for (size_t i = 0; i < 4; i++) {
        struct tls_context *contexts[2];
        for (size_t k = 0; k < 2; k++)
            contexts[k] = wire_pki_accepting(&ends_pki, &(struct wire_side){.alpn = {"h2", "http/1.1"}, .alpn_need = TLS_ALPN_MATCH});
        ends_open_one(&ends_server, wire_pki_by_name(names, contexts, 2, NULL), NULL, NULL);
        raw_tls_client(&raw, &ends_pki, priorities[_i], GNUTLS_FORCE_CLIENT_CERT);
        ck_assert_int_eq(gnutls_server_name_set(raw.session, GNUTLS_NAME_DNS, names[i % 2], strlen(names[i % 2])), 0);
        offer(i < 2 ? "http/1.1" : "left");
        ends_run_raw(&ends_server, &raw, i % 2 == 0 ? 1 : ENDS_ALL);
        if (i < 2)
            expect_agreed(&ends_server, "http/1.1", names[i % 2]);
        else
            ends_expect_failed(&ends_server, REASON_ALPN_MISMATCH, names[i % 2]);
        leave();
    }
}
END_TEST

START_TEST(identities_with_different_protocols_make_no_listener)
{
    struct err err = {0};
    static const char *const names[] = {"a.example", "b.example"};
    struct tls_context *contexts[] = {
        wire_pki_accepting(&ends_pki, &(struct wire_side){.alpn = {"h2"}}),
        wire_pki_accepting(&ends_pki, &(struct wire_side){.alpn = {"http/1.1"}}),
        wire_pki_accepting(&ends_pki, &(struct wire_side){.alpn = {"h2"}, .alpn_need = TLS_ALPN_MATCH}),
        wire_pki_accepting(&ends_pki, &(struct wire_side){0}),
    };
    for (size_t i = 1; i < 4; i++) {
        struct tls_sni_entry entries[] = {{&names[0], 1, contexts[0]}, {&names[1], 1, contexts[i]}};
        ck_assert_ptr_null(tls_sni_new(&(struct tls_sni_spec){.entries = entries, .n = 2}, &err));
        ck_assert_ptr_null(tls_sni_new(&(struct tls_sni_spec){.entries = entries, .n = 1, .otherwise = contexts[i]}, &err));
    }
    for (size_t i = 0; i < 4; i++)
        tls_context_unref(contexts[i]);
}
END_TEST

START_TEST(names_that_cannot_be_offered_make_no_context)
{
    static const struct {
        const char *alpn[9];
        size_t n;
        const char *says;
    } rows[] = {
        {{"h2", ""}, 2, "1 to 31 bytes"},
        {{"a-name-of-thirty-two-bytes-is-it"}, 1, "1 to 31 bytes"},
        {{"1", "2", "3", "4", "5", "6", "7", "8", "9"}, 9, "more than 8"},
    };
    struct tls_context *good = wire_pki_connecting(&ends_pki, &(struct wire_side){0});
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = {0};
        struct tls_context_spec spec = {.trust = good->trust, .server_name = WIRE_NAME, .alpn = rows[i].alpn, .n_alpn = rows[i].n};
        ck_assert_ptr_null(tls_context_new(&spec, &err));
        ck_assert_msg(strstr(err.text, rows[i].says) != NULL, "%s", err.text);
    }
    tls_context_unref(good);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_alpn");
    TCase *t = tcase_create("alpn");
    tcase_add_unchecked_fixture(t, ends_make, ends_drop);
    tcase_add_loop_test(t, both_ends_agree_on_a_protocol_or_one_refuses, 0, 2);
    tcase_add_test(t, a_server_that_chooses_what_was_not_offered_is_refused);
    tcase_add_loop_test(t, a_resumed_session_agrees_anew, 0, 2);
    tcase_add_loop_test(t, a_listener_with_several_identities_has_the_same_protocols_for_all, 0, 2);
    tcase_add_test(t, identities_with_different_protocols_make_no_listener);
    tcase_add_test(t, names_that_cannot_be_offered_make_no_context);
    suite_add_tcase(s, t);
    return s;
}
