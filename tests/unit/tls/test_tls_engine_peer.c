/* SPDX-License-Identifier: Apache-2.0 */
/* Who is refused by the engine, and how each side hears of it. */
#include "t.h"

#include "certs.h"
#include "ends.h"
#include "tls_context.h"

#include <gnutls/abstract.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const int versions[] = {WIRE_PRIORITY_12, WIRE_PRIORITY_13};
static const char *const version_names[] = {"TLS1.2", "TLS1.3"};

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

static void expect_refusal(size_t row, struct ends_end *judge, struct ends_end *bad, const char *why)
{
    ends_expect_failed(judge, refused[row].reason, why);
    ck_assert_int_eq(ends_facts.verdict->status, refused[row].reason);
    ck_assert_msg(ends_facts.alert_sent == refused[row].alert, "%s: alert %d", why, ends_facts.alert_sent);
    ends_look(bad);
    enum reason reason = bad == &ends_server ? REASON_CLIENT_REFUSED_CERTIFICATE : REASON_OUR_CERTIFICATE_REFUSED;
    ck_assert_msg(ends_facts.reason == reason, "%s: %d %s", why, ends_facts.reason, ends_facts.text);
    ck_assert_msg(ends_facts.alert_received == refused[row].alert, "%s: alert %d, %s", why, ends_facts.alert_received, ends_facts.text);
    ck_assert_uint_eq(bad->got.len, 0);
}

static void expect_version(const struct ends_end *end, int version)
{
    static const char *const names[] = {"TLS1.2", "TLS1.3"};
    ends_look(end);
    ck_assert_ptr_nonnull(ends_facts.version);
    ck_assert_str_eq(ends_facts.version, names[version]);
    ck_assert_ptr_null(ends_facts.cipher);
}

START_TEST(a_refused_client_hears_the_alert_of_the_verdict) /* A4, A13 */
{
    for (size_t row = 0; row < sizeof(refused) / sizeof(refused[0]); row++) {
        struct wire_side bad = refused[row].bad, good = refused[row].good;
        bad.priority = versions[_i];
        bad.issuer = refused[row].other_ca ? &ends_pki.other_ca : NULL;
        ends_open(&bad, &good);
        ends_run(row % 2 == 0 ? 1 : ENDS_ALL);
        expect_refusal(row, &ends_server, &ends_client, refused[row].why);
        expect_version(&ends_server, _i);
        ends_close();
    }
}
END_TEST

START_TEST(a_refused_server_hears_the_alert_and_nothing_else) /* B1, B3 */
{
    for (size_t row = 0; row < sizeof(refused) / sizeof(refused[0]); row++) {
        struct wire_side bad = refused[row].bad, good = refused[row].good;
        good.priority = versions[_i];
        bad.issuer = refused[row].other_ca ? &ends_pki.other_ca : NULL;
        ends_open(&good, &bad);
        ends_run(row % 2 == 0 ? 1 : ENDS_ALL);
        expect_refusal(row, &ends_client, &ends_server, refused[row].why);
        ends_close();
    }
}
END_TEST

START_TEST(a_server_of_another_name_is_refused) /* B1 */
{
    ends_open(&(struct wire_side){.priority = versions[_i]}, &(struct wire_side){.name = "other.example"});
    ends_run(ENDS_ALL);
    ends_expect_failed(&ends_client, REASON_NAME_MISMATCH, version_names[_i]);
    ck_assert_int_eq(ends_facts.alert_sent, 42);
    ends_close();
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
        ends_open(&(struct wire_side){.no_certificate = true, .priority = versions[_i]}, &(struct wire_side){.ask = cases[i].ask, .asks_given = true});
        ends_run(ENDS_ALL);
        if (cases[i].passes) {
            ends_expect_open(&ends_server, cases[i].why);
            ck_assert_int_eq(ends_facts.verdict->status, REASON_NONE); /* and never valid */
            ck_assert_ptr_null(ends_facts.peer);
        } else {
            ends_expect_failed(&ends_server, REASON_NONE, cases[i].why);
            ck_assert_int_eq(ends_facts.alert_sent, _i == 0 ? 40 : 116);
            ends_expect_failed(&ends_client, REASON_OUR_CERTIFICATE_REFUSED, cases[i].why);
            ck_assert_ptr_nonnull(strstr(ends_facts.text, "none is configured"));
        }
        ends_close();
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
        ends_open(&connecting, &(struct wire_side){.ask = TLS_ASK_NONE, .asks_given = true});
        ends_run(ENDS_ALL);
        if (cases[i].passes) {
            ends_expect_open(&ends_client, cases[i].why);
            ck_assert(!ends_facts.asked_for_ours && !ends_facts.ours_sent);
        } else {
            ends_expect_failed(&ends_client, REASON_OUR_CERTIFICATE_NOT_REQUESTED, cases[i].why);
            ck_assert_int_eq(ends_facts.alert_sent, 49);
            ck_assert_int_eq(ends_look(&ends_server)->alert_received, 49);
        }
        ends_close();
    }
}
END_TEST

/* ---- keys of absurd sizes ---- */

static int pretend_to_sign(gnutls_privkey_t key, gnutls_sign_algorithm_t algo, void *userdata, unsigned flags, const gnutls_datum_t *data,
                           gnutls_datum_t *signature)
{
    const size_t *bytes = userdata;
    (void)key;
    (void)algo;
    (void)flags;
    (void)data;
    signature->data = gnutls_malloc(*bytes);
    ck_assert_ptr_nonnull(signature->data);
    memset(signature->data, 0x5a, *bytes);
    signature->size = (unsigned)*bytes;
    return 0;
}

static int describe_key(gnutls_privkey_t key, unsigned flags, void *userdata)
{
    const size_t *bytes = userdata;
    (void)key;
    if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO)
        return GNUTLS_PK_RSA;
    if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
        return (int)(*bytes * 8);
    return (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) != 0;
}

/* A client whose certificate shows this key, and that answers CertificateVerify with a signature of the right length. */
static void open_pretender(struct raw_tls *raw, int version, const struct certs *shown, size_t *rsa_bytes)
{
    static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
    gnutls_pcert_st chain; /* what is in it goes to the credentials */
    gnutls_privkey_t key;
    raw_tls_client(raw, &ends_pki, priorities[version], GNUTLS_FORCE_CLIENT_CERT);
    gnutls_certificate_free_keys(raw->credentials);
    gnutls_certificate_set_flags(raw->credentials, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
    ck_assert_int_eq(gnutls_pcert_import_x509(&chain, shown->crt, 0), 0);
    ck_assert_int_eq(gnutls_privkey_init(&key), 0);
    ck_assert_int_eq(gnutls_privkey_import_ext4(key, rsa_bytes, pretend_to_sign, pretend_to_sign, NULL, NULL, describe_key, 0), 0);
    ck_assert_int_ge(gnutls_certificate_set_key(raw->credentials, NULL, 0, &chain, 1, key), 0);
}

START_TEST(no_time_is_spent_on_a_signature_by_an_absurd_key) /* A7 */
{
    const struct {
        const char *why, *says;
        size_t rsa_bytes, exponent_bytes;
    } cases[] = {
        {"16,384 bits", "unreasonable size", 2048, 3},
        {"16,384 bits and an exponent as long", "unreasonable size", 2048, 2047},
        {"an exponent of 2,048 bits", "unreasonable size", 256, 255},
        {"a modulus of 200,000 bits", "unreasonable size", 25000, 3},
        {"a usual key and a false signature", _i == 0 ? "neither sent" : "TLS failed", 256, 3},
    };
    enum reason usual = _i == 0 ? REASON_UNKNOWN_CA : REASON_TLS_FAILED; /* TLS 1.2 judges the chain first, TLS 1.3 the signature */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct certs ca, shown;
        struct raw_tls raw;
        size_t bytes = cases[i].rsa_bytes;
        certs_make(&(struct certs_order){.cn = "CA", .ca = true}, &ca);
        certs_make(&(struct certs_order){.cn = "monster", .issuer = &ca, .rsa_bytes = bytes, .exponent_bytes = cases[i].exponent_bytes}, &shown);
        ends_open_one(&ends_server, wire_pki_accepting(&ends_pki, &(struct wire_side){0}), NULL, NULL);
        open_pretender(&raw, _i, &shown, &bytes);
        clock_t begin = clock();
        ends_run_raw(&ends_server, &raw, ENDS_ALL);
        long ms = (long)((clock() - begin) * 1000 / CLOCKS_PER_SEC);
        ends_expect_failed(&ends_server, i < 4 ? REASON_WEAK : usual, cases[i].why);
        ck_assert_msg(strstr(ends_facts.text, cases[i].says) != NULL, "%s: %s", cases[i].why, ends_facts.text);
        ck_assert_msg(ends_facts.alert_sent == (i < 4 ? 42 : ends_facts.alert_sent), "%s: alert %d", cases[i].why, ends_facts.alert_sent);
        ck_assert(i == 4 || ends_facts.peer == NULL); /* nobody has proven to be it */
        ck_assert_msg(ms < CERTS_WORK_LIMIT_MS, "%s: %ld ms", cases[i].why, ms);
        raw_tls_clear(&raw);
        ends_close();
        certs_clear(&shown);
        certs_clear(&ca);
    }
}
END_TEST

/* ---- which CAs a client is told of ---- */

static int hinted; /* CAs that the server named */

static int count_hints(gnutls_session_t session, const gnutls_datum_t *names, int n, const gnutls_pk_algorithm_t *algos, int n_algos,
                       gnutls_retr2_st *answer)
{
    (void)session;
    (void)names;
    (void)algos;
    (void)n_algos;
    (void)answer;
    hinted = n;
    return 0;
}

/* Trusts the CA of the good client and n - 1 others. */
static struct tls_context *accepting_with_cas(size_t n)
{
    static struct certs others[100];
    static struct tls_file files[101];
    struct err err = {0};
    struct findings notes;
    findings_init(&notes);
    files[0] = (struct tls_file){"ca.pem", bytes_span(&ends_pki.clients_ca.certificate)};
    for (size_t i = 1; i < n; i++) {
        char cn[40];
        snprintf(cn, sizeof(cn), "CA number %zu", i);
        certs_make(&(struct certs_order){.cn = cn, .ca = true}, &others[i - 1]);
        files[i] = (struct tls_file){"ca.pem", others[i - 1].pem};
    }
    struct tls_trust_spec trust = {.name = "many", .ca = files, .n_ca = n};
    struct tls_context *like = wire_pki_accepting(&ends_pki, &(struct wire_side){0});
    struct tls_context_spec spec = {.accepting = true, .ask = TLS_ASK_REQUIRED, .identity = like->identity};
    spec.trust = tls_trust_new(&trust, WIRE_NOW, &notes, &err);
    ck_assert_msg(spec.trust != NULL, "%s", err.text);
    struct tls_context *ctx = tls_context_new(&spec, &err);
    ck_assert_msg(ctx != NULL, "%s", err.text);
    tls_trust_unref(spec.trust);
    tls_context_unref(like);
    findings_clear(&notes);
    for (size_t i = 1; i < n; i++)
        certs_clear(&others[i - 1]);
    return ctx;
}

/* A list of thousands would not fit into what small clients take; a client without a hint sends the certificate it has. */
START_TEST(a_trust_of_very_many_cas_names_none_and_verifies_all_the_same)
{
    static const struct {
        size_t cas;
        int hints;
    } cases[] = {{1, 1}, {100, 100}, {101, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_context *ctx = accepting_with_cas(cases[i].cas);
        struct raw_tls raw;
        hinted = -1;
        raw_tls_client(&raw, &ends_pki, "NORMAL:-VERS-ALL:+VERS-TLS1.3", 0);
        gnutls_certificate_set_retrieve_function(raw.credentials, count_hints);
        ends_open_one(&ends_server, tls_context_ref(ctx), NULL, NULL);
        ends_run_raw(&ends_server, &raw, ENDS_ALL);
        ck_assert_int_eq(hinted, cases[i].hints);
        raw_tls_clear(&raw);
        ends_close_one(&ends_server);
        ends_open_one(&ends_client, wire_pki_connecting(&ends_pki, &(struct wire_side){0}), NULL, NULL);
        ends_open_one(&ends_server, tls_context_ref(ctx), NULL, NULL);
        ends_run(ENDS_ALL);
        ends_expect_open(&ends_server, "the good client");
        ends_close();
        tls_context_unref(ctx);
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
        ends_open_one(&ends_client, wire_pki_connecting(&ends_pki, &connecting), NULL, NULL);
        ends_open_one(&ends_server, wire_pki_accepting(&ends_pki, &(struct wire_side){0}), on_accept, &hook);
        ends_run(1);
        ck_assert_msg(hook.asked == cases[i].asked, "%s: asked %u times", cases[i].why, hook.asked);
        if (cases[i].asked > 0)
            ck_assert_msg(hook.saw == REASON_VALID && hook.saw_peer, "%s: saw %d", cases[i].why, hook.saw);
        if (cases[i].reason == REASON_VALID) {
            ends_expect_open(&ends_server, cases[i].why);
        } else {
            ends_expect_failed(&ends_server, cases[i].reason, cases[i].why);
            ck_assert_msg(ends_facts.alert_sent == cases[i].alert, "%s: alert %d", cases[i].why, ends_facts.alert_sent);
            ck_assert_int_eq(ends_look(&ends_client)->alert_received, cases[i].alert);
        }
        ends_close();
    }
}
END_TEST

START_TEST(a_peer_is_judged_again_under_new_rules)
{
    ends_open(&(struct wire_side){.priority = versions[_i]}, &(struct wire_side){0});
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, ends_server.ctx, WIRE_NOW), REASON_UNDECIDED); /* nobody is there yet */
    ends_run(ENDS_ALL);
    struct tls_context *revoking = wire_pki_accepting(&ends_pki, &(struct wire_side){.revokes_peer = true});
    struct tls_context *other = wire_pki_accepting(&ends_pki, &(struct wire_side){.trusts = &ends_pki.other_ca});
    struct tls_context *renamed = wire_pki_connecting(&ends_pki, &(struct wire_side){.name = "other.example"});
    const struct {
        const char *why;
        struct ends_end *end;
        struct tls_context *ctx;
        int64_t now;
        enum reason reason;
    } cases[] = {
        {"nothing changed", &ends_server, ends_server.ctx, WIRE_NOW, REASON_VALID},
        {"it was revoked", &ends_server, revoking, WIRE_NOW, REASON_REVOKED},
        {"its CA is trusted no more", &ends_server, other, WIRE_NOW, REASON_UNKNOWN_CA},
        {"it has expired", &ends_server, ends_server.ctx, WIRE_NOW + 400LL * WIRE_DAY, REASON_EXPIRED},
        {"another name is expected", &ends_client, renamed, WIRE_NOW, REASON_NAME_MISMATCH},
        {"under the rules of the other role", &ends_server, ends_client.ctx, WIRE_NOW, REASON_UNDECIDED},
        {"and all is well again", &ends_server, ends_server.ctx, WIRE_NOW, REASON_VALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum reason reason = tls_engine_rejudge(cases[i].end->e, cases[i].ctx, cases[i].now);
        ck_assert_msg(reason == cases[i].reason, "%s: %d", cases[i].why, reason);
        if (reason != REASON_UNDECIDED)
            ck_assert_msg(ends_look(cases[i].end)->verdict->status == reason, "%s: the verdict says %d", cases[i].why, ends_facts.verdict->status);
    }
    tls_context_unref(revoking);
    tls_context_unref(other);
    tls_context_unref(renamed);
    ends_close();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_engine_peer");
    TCase *c = tcase_create("engine");
    tcase_add_unchecked_fixture(c, ends_make, ends_drop);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, a_refused_client_hears_the_alert_of_the_verdict, 0, 2);
    tcase_add_loop_test(c, a_refused_server_hears_the_alert_and_nothing_else, 0, 2);
    tcase_add_loop_test(c, a_server_of_another_name_is_refused, 0, 2);
    tcase_add_loop_test(c, no_certificate_passes_only_where_it_may, 0, 2);
    tcase_add_loop_test(c, a_server_that_never_asks_is_refused_where_we_insist, 0, 2);
    tcase_add_loop_test(c, no_time_is_spent_on_a_signature_by_an_absurd_key, 0, 2);
    tcase_add_test(c, a_trust_of_very_many_cas_names_none_and_verifies_all_the_same);
    tcase_add_loop_test(c, the_hook_can_refuse_and_cannot_forgive, 0, 2);
    tcase_add_loop_test(c, a_peer_is_judged_again_under_new_rules, 0, 2);
    suite_add_tcase(s, c);
    return s;
}
