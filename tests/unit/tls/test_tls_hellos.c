/* SPDX-License-Identifier: Apache-2.0 */
/* Honest clients are let in whichever versions they offer, and what TLS 1.2 needs is asked of TLS 1.2 alone (A14). */
#include "t.h"

#include "client_hellos.h"
#include "ends.h"

#include <stdlib.h>
#include <string.h>

enum { HELLO_MAX = 4096, HANDSHAKE_RECORD = 22, SERVER_HELLO = 2, HANDSHAKE_FAILURE = 40, PROTOCOL_VERSION = 70 };

static const struct {
    const char *why;
    int priority;
    enum client_offers speaks;
} engines[] = {
    {"TLS 1.2 alone", WIRE_PRIORITY_12, OFFERS_12},
    {"TLS 1.3 alone", WIRE_PRIORITY_13, OFFERS_13},
    {"both", WIRE_PRIORITY_ANY, OFFERS_BOTH},
};
enum { N_ENGINES = sizeof(engines) / sizeof(engines[0]) };

static size_t decode(const char *hex, uint8_t *out, size_t size)
{
    size_t n = strlen(hex) / 2;
    ck_assert_uint_le(n, size);
    for (size_t i = 0; i < n; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return n;
}

static void feed_hello(const struct client_hello *hello, size_t step)
{
    uint8_t bytes[HELLO_MAX];
    struct span rest = span_of(bytes, decode(hello->hex, bytes, sizeof(bytes)));
    for (; rest.len > 0; rest = span_skip(rest, rest.len < step ? rest.len : step))
        ends_feed(&ends_server, span_of(rest.ptr, rest.len < step ? rest.len : step));
}

static void expect_answer(const struct client_hello *hello, bool common, const char *why)
{
    struct span out = tls_engine_wire_out(ends_server.e);
    ends_look(&ends_server);
    if (!common && out.len > 0 && out.ptr[0] == HANDSHAKE_RECORD) { /* TLS 1.2 without a look at supported_versions: the client refuses it */
        ck_assert_msg(strcmp(ends_facts.version, "TLS1.2") == 0, "%s, %s, to %s: %s", hello->program, hello->how, why, ends_facts.version);
        return;
    }
    if (!common) {
        ck_assert_msg(ends_facts.reason == REASON_TLS_FAILED &&
                          (ends_facts.alert_sent == PROTOCOL_VERSION || ends_facts.alert_sent == HANDSHAKE_FAILURE),
                      "%s, %s, to %s: %d %s", hello->program, hello->how, why, ends_facts.reason, ends_facts.text);
        return;
    }
    ck_assert_msg(out.len > 5 && out.ptr[0] == HANDSHAKE_RECORD && out.ptr[5] == SERVER_HELLO, "%s, %s, to %s: %s", hello->program, hello->how,
                  why, ends_facts.text);
    ck_assert_uint_eq(tls_engine_flags(ends_server.e) & TLS_FAILED, 0);
}

START_TEST(a_recorded_client_is_answered_in_every_version_we_share) /* A14 */
{
    for (size_t i = 0; i < N_CLIENT_HELLOS; i++) {
        for (size_t step = 1; step <= HELLO_MAX; step += HELLO_MAX - 1) {
            ends_open_one(&ends_server, wire_pki_accepting(&ends_pki, &(struct wire_side){.priority = engines[_i].priority}), NULL, NULL);
            feed_hello(&client_hellos[i], step);
            expect_answer(&client_hellos[i], (client_hellos[i].offers & engines[_i].speaks) != 0, engines[_i].why);
            ends_close();
        }
    }
}
END_TEST

START_TEST(a_recorded_client_is_answered_where_the_server_name_decides) /* A14, A8 */
{
    static const char *const names[] = {"localhost"};
    for (size_t i = 0; i < N_CLIENT_HELLOS; i++) {
        struct tls_context *contexts[] = {wire_pki_accepting(&ends_pki, &(struct wire_side){.priority = engines[_i].priority})};
        struct tls_context *otherwise = wire_pki_accepting(&ends_pki, &(struct wire_side){.priority = engines[_i].priority});
        ends_open_one(&ends_server, wire_pki_by_name(names, contexts, 1, otherwise), NULL, NULL);
        feed_hello(&client_hellos[i], HELLO_MAX);
        expect_answer(&client_hellos[i], (client_hellos[i].offers & engines[_i].speaks) != 0, engines[_i].why);
        ends_close();
    }
}
END_TEST

/* ---- secure renegotiation (RFC 5746): what a peer of TLS 1.2 has to offer, though nobody ever renegotiates ---- */

static const struct {
    const char *why, *ours, *theirs;
    bool passes;
} secure[] = {
    {"1.3, the peer has it", NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.3", true},
    {"1.3, the peer has it not", NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.3:%DISABLE_SAFE_RENEGOTIATION", true},
    {"1.2, the peer has it", NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2", true},
    {"1.2, the peer has it not", NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION", false},
    {"both, the peer has it not", NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION", true},
    {"our own string, 1.3", "NORMAL", "NORMAL:-VERS-ALL:+VERS-TLS1.3:%DISABLE_SAFE_RENEGOTIATION", true},
    {"our own string, 1.2, the peer has it", "NORMAL", "NORMAL:-VERS-ALL:+VERS-TLS1.2", true},
    {"our own string, 1.2", "NORMAL", "NORMAL:-VERS-ALL:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION", false},
    {"our own string, unsafe", "NORMAL:%UNSAFE_RENEGOTIATION", "NORMAL:-VERS-ALL:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION", false},
};
enum { N_SECURE = sizeof(secure) / sizeof(secure[0]) };

static void expect_secure(const struct ends_end *end, const struct raw_tls *raw, int row)
{
    if (secure[row].passes) {
        ends_expect_open(end, secure[row].why);
        ck_assert_msg(raw->failure == 0, "%s: %s", secure[row].why, gnutls_strerror(raw->failure));
        return;
    }
    ends_expect_failed(end, REASON_TLS_FAILED, secure[row].why);
    ck_assert_msg(ends_facts.alert_sent == GNUTLS_A_HANDSHAKE_FAILURE, "%s: alert %d", secure[row].why, ends_facts.alert_sent);
    ck_assert_msg(strstr(ends_facts.text, "RFC 5746") != NULL, "%s: %s", secure[row].why, ends_facts.text);
}

START_TEST(secure_renegotiation_is_asked_of_clients_of_tls_12_only) /* A14, A10 */
{
    for (int ask = TLS_ASK_NONE; ask <= TLS_ASK_REQUIRED; ask++) {
        struct raw_tls raw;
        struct wire_side side = {.asks_given = true, .ask = (enum tls_ask)ask, .string = secure[_i].ours};
        ends_open_one(&ends_server, wire_pki_accepting(&ends_pki, &side), NULL, NULL);
        raw_tls_client(&raw, &ends_pki, secure[_i].theirs, GNUTLS_FORCE_CLIENT_CERT);
        ends_run_raw(&ends_server, &raw, ENDS_ALL);
        expect_secure(&ends_server, &raw, _i);
        raw_tls_clear(&raw);
        ends_close();
    }
}
END_TEST

START_TEST(secure_renegotiation_is_asked_of_servers_of_tls_12_only) /* A14, A10 */
{
    struct raw_tls raw;
    ends_open_one(&ends_client, wire_pki_connecting(&ends_pki, &(struct wire_side){.string = secure[_i].ours}), NULL, NULL);
    raw_tls_server(&raw, &ends_pki, secure[_i].theirs, NULL);
    ends_run_raw(&ends_client, &raw, ENDS_ALL);
    expect_secure(&ends_client, &raw, _i);
    if (!secure[_i].passes) /* it is refused before it learns who we are */
        ck_assert_ptr_null(gnutls_certificate_get_peers(raw.session, &(unsigned){0}));
    raw_tls_clear(&raw);
    ends_close();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_hellos");
    TCase *c = tcase_create("hellos");
    tcase_add_unchecked_fixture(c, ends_make, ends_drop);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, a_recorded_client_is_answered_in_every_version_we_share, 0, N_ENGINES);
    tcase_add_loop_test(c, a_recorded_client_is_answered_where_the_server_name_decides, 0, N_ENGINES);
    tcase_add_loop_test(c, secure_renegotiation_is_asked_of_clients_of_tls_12_only, 0, N_SECURE);
    tcase_add_loop_test(c, secure_renegotiation_is_asked_of_servers_of_tls_12_only, 0, N_SECURE);
    suite_add_tcase(s, c);
    return s;
}
