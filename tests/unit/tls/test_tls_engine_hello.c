/* SPDX-License-Identifier: Apache-2.0 */
/* The policy of several that a ClientHello gets, however it is spelled and cut (A8), and what belongs to it afterwards (A9). */
#include "t.h"

#include "mtlsd/tls/tls_sni.h"

#include "ends.h"

#include <string.h>

static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
static const char *const names[] = {"strict.example", "*.other.example", "open.example"};
static struct raw_tls raw;

enum { STRICT, OTHER, OPEN, REFUSED }; /* the good client passes the first, is unknown to the second, and is not asked by the third */

static struct tls_context *listener(struct tls_context *otherwise)
{
    struct tls_context *contexts[] = {
        wire_pki_accepting(&ends_pki, &(struct wire_side){.cn = "strict"}),
        wire_pki_accepting(&ends_pki, &(struct wire_side){.cn = "other", .trusts = &ends_pki.other_ca}),
        wire_pki_accepting(&ends_pki, &(struct wire_side){.cn = "open", .asks_given = true, .ask = TLS_ASK_NONE}),
    };
    return wire_pki_by_name(names, contexts, 3, otherwise);
}

static void expect_policy(int policy, const char *name, const char *why)
{
    const char *text = name[0] != '\0' ? name : NULL;
    switch (policy) {
    case STRICT:
        ends_expect_open(&ends_server, why);
        ck_assert_msg(ends_facts.verdict->status == REASON_VALID, "%s: %d", why, ends_facts.verdict->status);
        break;
    case OTHER:
        ends_expect_failed(&ends_server, REASON_UNKNOWN_CA, why);
        break;
    case OPEN:
        ends_expect_open(&ends_server, why);
        ck_assert_msg(ends_facts.verdict->status == REASON_NONE && ends_facts.peer == NULL, "%s: %d", why, ends_facts.verdict->status);
        break;
    default:
        ends_expect_failed(&ends_server, REASON_TLS_FAILED, why);
        ck_assert_msg(ends_facts.alert_sent == 112, "%s: alert %d", why, ends_facts.alert_sent);
        return;
    }
    ck_assert_msg((text == NULL) == (ends_facts.server_name == NULL), "%s: a name", why);
    if (text != NULL)
        ck_assert_str_eq(ends_facts.server_name, text);
    char room[TLS_SERVER_NAME_SIZE];
    const char *told = tls_engine_server_name(ends_server.e, room);
    ck_assert_msg((told == NULL) == (text == NULL) && (text == NULL || strcmp(told, text) == 0), "%s: told another name", why);
}

static const struct {
    const char *name;
    int policy;
    const char *why;
} hellos[] = {
    {"strict.example", STRICT, "by its name"},
    {"STRICT.Example", STRICT, "upper case"},
    {"strict.example.", STRICT, "a dot at the end"},
    {"a.other.example", OTHER, "by its suffix"},
    {"open.example", OPEN, "the lax one, for those who ask for it"},
    {"", REFUSED, "no name is not the lax one"},
    {"nobody.example", REFUSED, "an unknown name neither"},
    {"127.0.0.1", REFUSED, "an address is no name"},
    {"other.example", REFUSED, "the suffix itself"},
    {"open.example.evil", REFUSED, "a name behind another"},
};
enum { N_HELLOS = sizeof(hellos) / sizeof(hellos[0]) };

static void open_named(const char *name, int version, struct tls_context *otherwise)
{
    ends_open_one(&ends_server, listener(otherwise), NULL, NULL);
    raw_tls_client(&raw, &ends_pki, priorities[version], GNUTLS_FORCE_CLIENT_CERT);
    if (name[0] != '\0')
        ck_assert_int_eq(gnutls_server_name_set(raw.session, GNUTLS_NAME_DNS, name, strlen(name)), 0);
}

static void close_named(void)
{
    raw_tls_clear(&raw);
    ends_close_one(&ends_server);
}

START_TEST(the_name_in_the_hello_chooses) /* A8 */
{
    for (size_t i = 0; i < N_HELLOS; i++) {
        open_named(hellos[i].name, _i, NULL);
        ends_run_raw(&ends_server, &raw, i % 2 == 0 ? 1 : ENDS_ALL);
        expect_policy(hellos[i].policy, hellos[i].name, hellos[i].why);
        close_named();
    }
}
END_TEST

/* The library refuses other bytes than those of names before we see them, with an alert of its own, in some versions. */
static const char *const malformed[] = {
    ".open.example", "..open.example", "a..other.example", ".other.example", ".", "open.example..", "*.other.example",
    "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-0123456789.other.example",
};
enum { N_MALFORMED = sizeof(malformed) / sizeof(malformed[0]) };

static void expect_malformed(const char *name)
{
    ends_expect_failed(&ends_server, REASON_TLS_FAILED, name);
    ck_assert_msg(ends_facts.alert_sent == 112 || name[0] == '*', "%s: alert %d", name, ends_facts.alert_sent);
}

START_TEST(a_malformed_name_has_no_policy_not_even_what_is_otherwise) /* A15 */
{
    for (size_t i = 0; i < N_MALFORMED; i++) {
        open_named(malformed[i], _i, wire_pki_accepting(&ends_pki, &(struct wire_side){.asks_given = true, .ask = TLS_ASK_NONE}));
        ends_run_raw(&ends_server, &raw, ENDS_ALL);
        expect_malformed(malformed[i]);
        close_named();
    }
}
END_TEST

START_TEST(a_malformed_name_is_refused_where_there_is_one_policy_for_all) /* A15 */
{
    for (size_t i = 0; i < N_MALFORMED; i++) {
        ends_open_one(&ends_server, wire_pki_accepting(&ends_pki, &(struct wire_side){.cn = "server"}), NULL, NULL);
        raw_tls_client(&raw, &ends_pki, priorities[_i], GNUTLS_FORCE_CLIENT_CERT);
        ck_assert_int_eq(gnutls_server_name_set(raw.session, GNUTLS_NAME_DNS, malformed[i], strlen(malformed[i])), 0);
        ends_run_raw(&ends_server, &raw, ENDS_ALL);
        expect_malformed(malformed[i]);
        close_named();
    }
}
END_TEST

START_TEST(what_is_otherwise_is_for_those_without_a_policy_only) /* A8 */
{
    for (size_t i = 0; i < N_HELLOS; i++) {
        open_named(hellos[i].name, _i, wire_pki_accepting(&ends_pki, &(struct wire_side){.trusts = &ends_pki.other_ca}));
        ends_run_raw(&ends_server, &raw, ENDS_ALL);
        expect_policy(hellos[i].policy == REFUSED ? OTHER : hellos[i].policy, hellos[i].name, hellos[i].why);
        close_named();
    }
}
END_TEST

/* Puts the content of the records that wait into records of so many bytes. */
static void cut_records(struct bytes *wire, size_t size)
{
    struct bytes out;
    struct span rest = bytes_span(wire);
    bytes_init(&out, ENDS_QUEUE_MAX);
    while (rest.len > 5) {
        size_t len = (size_t)(rest.ptr[3] << 8 | rest.ptr[4]);
        struct span content = span_of(rest.ptr + 5, len);
        uint8_t head[5] = {rest.ptr[0], rest.ptr[1], rest.ptr[2]};
        while (content.len > 0) {
            size_t n = content.len < size ? content.len : size;
            head[3] = (uint8_t)(n >> 8);
            head[4] = (uint8_t)n;
            ck_assert_int_eq(bytes_append(&out, head, 5), 0);
            ck_assert_int_eq(bytes_append(&out, content.ptr, n), 0);
            content = span_skip(content, n);
        }
        rest = span_skip(rest, 5 + len);
    }
    bytes_clear(wire);
    *wire = out;
}

START_TEST(a_hello_in_pieces_gets_no_laxer_policy) /* A8 */
{
    static const size_t sizes[] = {1, 2, 5, 43, 200};
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        for (size_t i = 0; i < N_HELLOS; i++) {
            open_named(hellos[i].name, _i, NULL);
            raw_tls_pump(&raw);
            cut_records(&raw.out, sizes[s]);
            ends_run_raw(&ends_server, &raw, i % 2 == 0 ? 1 : ENDS_ALL);
            expect_policy(hellos[i].policy, hellos[i].name, hellos[i].why);
            close_named();
        }
    }
}
END_TEST

static int send_padding(gnutls_session_t session, gnutls_buffer_t buffer)
{
    static uint8_t zeros[60 * 1024];
    (void)session;
    return gnutls_buffer_append_data(buffer, zeros, sizeof(zeros)) == 0 ? (int)sizeof(zeros) : -1;
}

static int ignore(gnutls_session_t session, const unsigned char *data, size_t len)
{
    (void)session;
    (void)data;
    (void)len;
    return 0;
}

START_TEST(a_hello_of_60_kib_is_read_to_its_end) /* A8 */
{
    for (size_t i = 0; i < N_HELLOS; i++) {
        open_named(hellos[i].name, _i, NULL);
        ck_assert_int_eq(gnutls_session_ext_register(raw.session, "padding of a test", 0xfd7e, GNUTLS_EXT_TLS, ignore, send_padding, NULL, NULL, NULL,
                                                     GNUTLS_EXT_FLAG_CLIENT_HELLO),
                         0);
        raw_tls_pump(&raw);
        ck_assert_uint_gt(raw.out.len, 60 * 1024);
        ends_run_raw(&ends_server, &raw, 1000);
        expect_policy(hellos[i].policy, hellos[i].name, hellos[i].why);
        close_named();
    }
}
END_TEST

START_TEST(a_name_that_is_none_is_refused)
{
    struct span name = span_of("strict.example\0.evil", 20);
    open_named("", _i, NULL);
    static const char plain[] = "strict-example--evil";
    ck_assert_int_eq(gnutls_server_name_set(raw.session, GNUTLS_NAME_DNS, plain, 20), 0);
    raw_tls_pump(&raw);
    uint8_t *at = memmem(raw.out.data + raw.out.head, raw.out.len, plain, 20);
    ck_assert_ptr_nonnull(at);
    memcpy(at, name.ptr, name.len); /* what the library would not send */
    ends_run_raw(&ends_server, &raw, ENDS_ALL);
    ck_assert(tls_engine_flags(ends_server.e) & TLS_FAILED);
    close_named();
}
END_TEST

/* As the gate asks it (policy/admit.c). */
static bool serves(const struct tls_engine *e, struct span host)
{
    struct tls_facts facts;
    tls_engine_facts(e, &facts);
    return facts.sni == NULL || tls_sni_policy(facts.sni, host) == facts.policy;
}

START_TEST(hosts_belong_to_the_policy_of_their_name) /* A9 */
{
    static const struct {
        const char *host;
        bool strict, otherwise;
        const char *why;
    } hosts[] = {
        {"strict.example", true, false, "the name itself"},
        {"STRICT.example.", true, false, "spelled otherwise"},
        {"open.example", false, false, "another policy"},
        {"a.other.example", false, false, "another policy by suffix"},
        {"nobody.example", false, true, "nobody's"},
        {"127.0.0.1", false, true, "an address"},
        {"", false, true, "none"},
    };
    for (int with = 0; with < 2; with++) {
        open_named(with ? "someone.example" : "strict.example", _i, with ? wire_pki_accepting(&ends_pki, &(struct wire_side){0}) : NULL);
        ends_run_raw(&ends_server, &raw, ENDS_ALL);
        ends_expect_open(&ends_server, "good");
        for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
            bool is_served = serves(ends_server.e, span_from_str(hosts[i].host));
            ck_assert_msg(is_served == (with ? hosts[i].otherwise : hosts[i].strict), "%s: %s", hosts[i].host, hosts[i].why);
        }
        close_named();
    }
    ends_open(&(struct wire_side){0}, &(struct wire_side){0});
    ends_run(ENDS_ALL);
    ck_assert(serves(ends_server.e, span_from_str("any.example"))); /* one policy for all */
    ends_close();
}
END_TEST

START_TEST(judged_again_by_the_policy_its_name_has_now) /* A9, B5 */
{
    static const char *const swapped_names[] = {"strict.example"}, *const gone_names[] = {"another.example"};
    open_named("strict.example", _i, NULL);
    ends_run_raw(&ends_server, &raw, ENDS_ALL);
    struct tls_context *swapped = wire_pki_accepting(&ends_pki, &(struct wire_side){.trusts = &ends_pki.other_ca});
    struct tls_context *kept = wire_pki_accepting(&ends_pki, &(struct wire_side){0});
    struct tls_context *alone = wire_pki_accepting(&ends_pki, &(struct wire_side){0});
    struct tls_context *now_unknown = wire_pki_by_name(swapped_names, &swapped, 1, NULL);
    struct tls_context *now_gone = wire_pki_by_name(gone_names, &kept, 1, NULL);
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, ends_server.ctx, WIRE_NOW), REASON_VALID);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tls_engine_rejudge(ends_server.e, now_unknown, WIRE_NOW), REASON_UNKNOWN_CA);
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, now_gone, WIRE_NOW), REASON_UNDECIDED);
    ck_assert(!serves(ends_server.e, span_from_str("another.example")));
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, alone, WIRE_NOW), REASON_VALID);
    ck_assert(serves(ends_server.e, span_from_str("another.example")));
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, now_unknown, WIRE_NOW), REASON_UNKNOWN_CA);
    tls_context_unref(alone);
    tls_context_unref(now_unknown);
    tls_context_unref(now_gone);
    close_named();
}
END_TEST

/* The chosen policy may want other versions than were offered before it was known. */
START_TEST(the_version_is_that_of_the_chosen_policy)
{
    static const char *const two[] = {"new.example", "old.example"};
    static const struct {
        const char *name, *priority, *version;
    } rows[] = {
        {"new.example", "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", "TLS1.3"},
        {"old.example", "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", "TLS1.2"},
        {"new.example", "NORMAL:-VERS-ALL:+VERS-TLS1.2", NULL},
        {"old.example", "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_context *contexts[] = {
            wire_pki_accepting(&ends_pki, &(struct wire_side){.priority = WIRE_PRIORITY_13}),
            wire_pki_accepting(&ends_pki, &(struct wire_side){.priority = WIRE_PRIORITY_12}),
        };
        ends_open_one(&ends_server, wire_pki_by_name(two, contexts, 2, NULL), NULL, NULL);
        raw_tls_client(&raw, &ends_pki, rows[i].priority, GNUTLS_FORCE_CLIENT_CERT);
        ck_assert_int_eq(gnutls_server_name_set(raw.session, GNUTLS_NAME_DNS, rows[i].name, strlen(rows[i].name)), 0);
        ends_run_raw(&ends_server, &raw, ENDS_ALL);
        if (rows[i].version != NULL) {
            ends_expect_open(&ends_server, rows[i].name);
            ck_assert_str_eq(ends_facts.version, rows[i].version);
        } else {
            ends_expect_failed(&ends_server, REASON_TLS_FAILED, rows[i].name);
        }
        close_named();
    }
}
END_TEST

/* The server asks for another key share, and the client says hello again: with the same name (0), or with another one for which the rules are lax. */
START_TEST(a_second_hello_asks_for_the_same_name) /* A8 */
{
    static const char *const two[] = {"strict.example", "laxest.example"};
    struct tls_context *contexts[] = {
        wire_pki_accepting(&ends_pki, &(struct wire_side){0}),
        wire_pki_accepting(&ends_pki, &(struct wire_side){.asks_given = true, .ask = TLS_ASK_NONE}),
    };
    ends_open_one(&ends_server, wire_pki_by_name(two, contexts, 2, NULL), NULL, NULL);
    raw_tls_client(&raw, &ends_pki, "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X448:+GROUP-SECP256R1",
                   GNUTLS_FORCE_CLIENT_CERT | GNUTLS_KEY_SHARE_TOP);
    ck_assert_int_eq(gnutls_server_name_set(raw.session, GNUTLS_NAME_DNS, two[0], strlen(two[0])), 0);
    raw_tls_pump(&raw);
    ends_feed(&ends_server, bytes_span(&raw.out));
    bytes_clear(&raw.out);
    struct span retry = tls_engine_wire_out(ends_server.e);
    ck_assert_int_eq(bytes_append_span(&raw.in, retry), 0);
    tls_engine_wire_sent(ends_server.e, retry.len);
    raw_tls_pump(&raw);
    uint8_t *name = memmem(raw.out.data + raw.out.head, raw.out.len, two[0], strlen(two[0]));
    ck_assert_msg(name != NULL, "there was no second hello");
    memcpy(name, two[_i], strlen(two[_i]));
    ends_run_raw(&ends_server, &raw, ENDS_ALL);
    if (_i == 0)
        expect_policy(STRICT, two[0], "the same name");
    else
        expect_policy(REFUSED, two[1], "another name");
    close_named();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_engine_hello");
    TCase *c = tcase_create("hello");
    tcase_add_unchecked_fixture(c, ends_make, ends_drop);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, the_name_in_the_hello_chooses, 0, 2);
tcase_add_loop_test(c, a_malformed_name_has_no_policy_not_even_what_is_otherwise, 0, 2);
tcase_add_loop_test(c, a_malformed_name_is_refused_where_there_is_one_policy_for_all, 0, 2);
    tcase_add_loop_test(c, what_is_otherwise_is_for_those_without_a_policy_only, 0, 2);
    tcase_add_loop_test(c, a_hello_in_pieces_gets_no_laxer_policy, 0, 2);
    tcase_add_loop_test(c, a_hello_of_60_kib_is_read_to_its_end, 0, 2);
    tcase_add_loop_test(c, a_name_that_is_none_is_refused, 0, 2);
    tcase_add_loop_test(c, hosts_belong_to_the_policy_of_their_name, 0, 2);
    tcase_add_loop_test(c, judged_again_by_the_policy_its_name_has_now, 0, 2);
    tcase_add_test(c, the_version_is_that_of_the_chosen_policy);
    tcase_add_loop_test(c, a_second_hello_asks_for_the_same_name, 0, 2);
    suite_add_tcase(s, c);
    return s;
}
