/* SPDX-License-Identifier: Apache-2.0 */
/* Which bad certificates an accepting engine lets through, and which not (A2). */
#include "t.h"

#include "certs.h"
#include "ends.h"

#include <gnutls/abstract.h>
#include <string.h>

#define BIT(reason) (UINT64_C(1) << (reason))

static const int versions[] = {WIRE_PRIORITY_12, WIRE_PRIORITY_13};

/* Every status a client can have, how to come by it, and all that is wrong then. */
static const struct {
    const char *why;
    struct wire_side client, server;
    bool other_ca;
    enum reason status;
    uint64_t all;
    int alert;
} kinds[] = {
    {"expired", {.bad = TLS_PKI_EXPIRED}, {0}, false, REASON_EXPIRED, BIT(REASON_EXPIRED), 45},
    {"not yet valid", {.bad = TLS_PKI_NOT_YET_VALID}, {0}, false, REASON_NOT_YET_VALID, BIT(REASON_NOT_YET_VALID), 42},
    {"revoked", {0}, {.revokes_peer = true}, false, REASON_REVOKED, BIT(REASON_REVOKED), 44},
    {"of another CA", {0}, {0}, true, REASON_UNKNOWN_CA, BIT(REASON_UNKNOWN_CA), 48},
    {"self-signed", {.bad = TLS_PKI_SELF_SIGNED}, {0}, false, REASON_UNKNOWN_CA, BIT(REASON_UNKNOWN_CA), 48},
    {"a server's", {.bad = TLS_PKI_WRONG_PURPOSE}, {0}, false, REASON_WRONG_PURPOSE, BIT(REASON_WRONG_PURPOSE), 43},
    {"signed with SHA-1", {.bad = TLS_PKI_SHA1}, {0}, false, REASON_WEAK, BIT(REASON_WEAK), 42},
    {"without a list", {0}, {.crl = WIRE_CRL_MISSING}, false, REASON_CRL_MISSING, BIT(REASON_CRL_MISSING), 42},
    {"with a stale list", {0}, {.crl = WIRE_CRL_STALE}, false, REASON_CRL_STALE, BIT(REASON_CRL_STALE), 42},
    {"expired and revoked", {.bad = TLS_PKI_EXPIRED}, {.revokes_peer = true}, false, REASON_REVOKED, BIT(REASON_EXPIRED) | BIT(REASON_REVOKED), 44},
    {"expired, with a stale list", {.bad = TLS_PKI_EXPIRED}, {.crl = WIRE_CRL_STALE}, false, REASON_EXPIRED,
     BIT(REASON_EXPIRED) | BIT(REASON_CRL_STALE), 45},
};
enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void meet(size_t kind, uint64_t tolerate, int version)
{
    struct wire_side c = kinds[kind].client, s = kinds[kind].server;
    c.issuer = kinds[kind].other_ca ? &ends_pki.other_ca : NULL;
    c.priority = version;
    s.tolerate = tolerate;
    ends_open(&c, &s);
    ends_run(ENDS_ALL);
}

static void expect_passed(size_t kind, const char *mask)
{
    ends_expect_open(&ends_server, kinds[kind].why);
    ck_assert_msg(ends_facts.verdict->status == kinds[kind].status, "%s, tolerating %s: %d", kinds[kind].why, mask, ends_facts.verdict->status);
    ck_assert_msg(ends_facts.verdict->all == kinds[kind].all, "%s: %llx", kinds[kind].why, (unsigned long long)ends_facts.verdict->all);
    ck_assert_ptr_nonnull(ends_facts.peer);
    ends_say(&ends_client, "hello");
    ends_run(ENDS_ALL);
    ends_expect_got(&ends_server, "hello", kinds[kind].why);
}

static void expect_refused(size_t kind, const char *mask)
{
    ends_expect_failed(&ends_server, kinds[kind].status, mask);
    ck_assert_msg(ends_facts.alert_sent == kinds[kind].alert, "%s, tolerating %s: alert %d", kinds[kind].why, mask, ends_facts.alert_sent);
    ends_look(&ends_client);
    ck_assert_int_eq(ends_facts.alert_received, kinds[kind].alert);
}

START_TEST(a_bad_certificate_passes_when_all_that_is_wrong_is_tolerated) /* A2 */
{
    const uint64_t everything = ~UINT64_C(0);
    for (size_t k = 0; k < N_KINDS; k++) {
        const uint64_t own = kinds[k].all, worst = BIT(kinds[k].status);
        const struct {
            const char *mask;
            uint64_t bits;
        } masks[] = {
            {"nothing", 0},
            {"that", own},
            {"the worst of it", worst},
            {"all but the worst", everything & ~worst},
            {"another", BIT(kinds[k].status == REASON_WEAK ? REASON_EXPIRED : REASON_WEAK)},
            {"all others", everything & ~own},
            {"that and another", own | BIT(REASON_CONSTRAINT)},
            {"everything", everything},
        };
        for (size_t m = 0; m < sizeof(masks) / sizeof(masks[0]); m++) {
            meet(k, masks[m].bits, versions[_i]);
            if ((own & ~masks[m].bits) == 0)
                expect_passed(k, masks[m].mask);
            else
                expect_refused(k, masks[m].mask);
            ends_close();
        }
    }
}
END_TEST

START_TEST(tolerance_does_not_make_a_certificate_optional) /* A2 */
{
    ends_open(&(struct wire_side){.no_certificate = true, .priority = versions[_i]}, &(struct wire_side){.tolerate = ~UINT64_C(0)});
    ends_run(ENDS_ALL);
    ends_expect_failed(&ends_server, REASON_NONE, "none is not a bad one");
    ends_close();
}
END_TEST

static enum reason refuses_everybody(void *ctx, const struct tls_verdict *verdict, const struct tls_peer *peer, unsigned *alert)
{
    ck_assert_int_eq(verdict->status, REASON_EXPIRED);
    ck_assert_ptr_nonnull(peer);
    *(unsigned *)ctx += 1;
    *alert = 49;
    return REASON_NOT_ALLOWED;
}

START_TEST(whoever_decides_after_hears_of_the_tolerated_one)
{
    unsigned asked = 0;
    ends_open_one(&ends_client, wire_pki_connecting(&ends_pki, &(struct wire_side){.bad = TLS_PKI_EXPIRED, .priority = versions[_i]}), NULL, NULL);
    ends_open_one(&ends_server, wire_pki_accepting(&ends_pki, &(struct wire_side){.tolerate = BIT(REASON_EXPIRED)}), refuses_everybody, &asked);
    ends_run(ENDS_ALL);
    ck_assert_uint_eq(asked, 1);
    ends_expect_failed(&ends_server, REASON_NOT_ALLOWED, "refused by the rules");
    ck_assert_int_eq(ends_facts.alert_sent, 49);
    ends_close();
}
END_TEST

START_TEST(judged_again_the_new_tolerance_counts) /* B5 */
{
    static const struct {
        const char *why;
        uint64_t tolerate;
        bool revokes;
        enum reason answer, status;
    } cases[] = {
        {"the same", BIT(REASON_EXPIRED), false, REASON_VALID, REASON_EXPIRED},
        {"nothing any more", 0, false, REASON_EXPIRED, REASON_EXPIRED},
        {"another", BIT(REASON_REVOKED), false, REASON_EXPIRED, REASON_EXPIRED},
        {"revoked since, which is not", BIT(REASON_EXPIRED), true, REASON_REVOKED, REASON_REVOKED},
        {"revoked since, which is", BIT(REASON_EXPIRED) | BIT(REASON_REVOKED), true, REASON_VALID, REASON_REVOKED},
    };
    struct wire_side client = {.bad = TLS_PKI_EXPIRED, .priority = versions[_i]};
    ends_open(&client, &(struct wire_side){.tolerate = BIT(REASON_EXPIRED)});
    ends_run(ENDS_ALL);
    ends_expect_open(&ends_server, "tolerated");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_context *ctx = wire_pki_accepting(&ends_pki, &(struct wire_side){.tolerate = cases[i].tolerate, .revokes_peer = cases[i].revokes});
        enum reason answer = tls_engine_rejudge(ends_server.e, ctx, WIRE_NOW);
        ck_assert_msg(answer == cases[i].answer, "%s: %d", cases[i].why, answer);
        ends_look(&ends_server);
        ck_assert_msg(ends_facts.verdict->status == cases[i].status, "%s: %d", cases[i].why, ends_facts.verdict->status);
        tls_context_unref(ctx);
    }
    ends_close();
}
END_TEST

/* ---- what our own tools would not even load ---- */

static void import_ca(struct certs *ca)
{
    struct span cert = bytes_span(&ends_pki.clients_ca.certificate), key = bytes_span(&ends_pki.clients_ca.key);
    gnutls_datum_t c = {(unsigned char *)(uintptr_t)cert.ptr, (unsigned)cert.len}, k = {(unsigned char *)(uintptr_t)key.ptr, (unsigned)key.len};
    *ca = (struct certs){0};
    ck_assert_int_eq(gnutls_x509_crt_init(&ca->crt), 0);
    ck_assert_int_eq(gnutls_x509_crt_import(ca->crt, &c, GNUTLS_X509_FMT_PEM), 0);
    ck_assert_int_eq(gnutls_x509_privkey_init(&ca->key), 0);
    ck_assert_int_eq(gnutls_x509_privkey_import2(ca->key, &k, GNUTLS_X509_FMT_PEM, NULL, 0), 0);
}

static void open_raw_with(struct raw_tls *raw, const struct certs_order *like, int version)
{
    static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
    struct certs ca, bad;
    static const char *names[] = {"not read from the certificate"};
    struct certs_order order = *like;
    gnutls_pcert_st chain; /* what is in it goes to the credentials */
    gnutls_privkey_t key;
    import_ca(&ca);
    order.cn = "bad";
    order.issuer = &ca;
    order.not_before = WIRE_NOW - WIRE_DAY;
    order.not_after = WIRE_NOW + WIRE_DAY;
    certs_make(&order, &bad);
    raw_tls_client(raw, &ends_pki, priorities[version], GNUTLS_FORCE_CLIENT_CERT);
    gnutls_certificate_free_keys(raw->credentials);
    gnutls_datum_t pem = {(unsigned char *)(uintptr_t)bad.key_pem.ptr, (unsigned)bad.key_pem.len};
    ck_assert_int_eq(gnutls_privkey_init(&key), 0);
    ck_assert_int_eq(gnutls_privkey_import_x509_raw(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0), 0);
    chain = (gnutls_pcert_st){.type = GNUTLS_CRT_X509, .cert = {gnutls_malloc(bad.der.len), (unsigned)bad.der.len}};
    ck_assert_ptr_nonnull(chain.cert.data); /* put together by hand: the library would not import every one of these */
    memcpy(chain.cert.data, bad.der.ptr, bad.der.len);
    ck_assert_int_eq(gnutls_pubkey_init(&chain.pubkey), 0);
    ck_assert_int_eq(gnutls_pubkey_import_privkey(chain.pubkey, key, 0, 0), 0);
    ck_assert_int_ge(gnutls_certificate_set_key(raw->credentials, names, 1, &chain, 1, key), 0);
    certs_clear(&bad);
    certs_clear(&ca);
}

static const uint8_t newline[] = {0x30, 0x08, 0x82, 0x06, 'a', '\n', '.', 'b', '.', 'c'}, cut[] = {0x30, 0x03, 0x82, 0x06, 'a'};
static const struct {
    const char *why;
    struct certs_order order;
    uint64_t tolerate;
    bool passes;
    enum reason status;
} strange[] = {
    {"a newline in a name", {.raw_san = {newline, sizeof(newline)}}, 0, false, REASON_MALFORMED},
    {"another is tolerated", {.raw_san = {newline, sizeof(newline)}}, ~BIT(REASON_MALFORMED), false, REASON_MALFORMED},
    {"that is tolerated", {.raw_san = {newline, sizeof(newline)}}, BIT(REASON_MALFORMED), true, REASON_MALFORMED},
    {"nobody can read it", {.raw_san = {cut, sizeof(cut)}}, 0, false, REASON_MALFORMED},
    {"nobody can read it, and all is tolerated", {.raw_san = {cut, sizeof(cut)}}, ~UINT64_C(0), false, REASON_MALFORMED},
    {"an unknown critical extension", {.extension = "1.2.3.4", .extension_critical = true}, 0, false, REASON_CONSTRAINT},
    {"another is tolerated", {.extension = "1.2.3.4", .extension_critical = true}, ~BIT(REASON_CONSTRAINT), false, REASON_CONSTRAINT},
    {"that is tolerated", {.extension = "1.2.3.4", .extension_critical = true}, BIT(REASON_CONSTRAINT), true, REASON_CONSTRAINT},
    {"RSA of 1,024 bits", {.key = CERTS_RSA_1024}, 0, false, REASON_WEAK},
    {"another is tolerated", {.key = CERTS_RSA_1024}, ~BIT(REASON_WEAK), false, REASON_WEAK},
    {"that is tolerated", {.key = CERTS_RSA_1024}, BIT(REASON_WEAK), true, REASON_WEAK},
    {"RSA of 16,384 bits, and all is tolerated (A7)", {.rsa_bytes = 2048, .exponent_bytes = 3}, ~UINT64_C(0), false, REASON_WEAK},
};

START_TEST(a_strange_certificate_passes_only_where_that_is_tolerated)
{
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        struct raw_tls raw;
        open_raw_with(&raw, &strange[i].order, _i);
        ends_open_one(&ends_server, wire_pki_accepting(&ends_pki, &(struct wire_side){.tolerate = strange[i].tolerate}), NULL, NULL);
        ends_run_raw(&ends_server, &raw, ENDS_ALL);
        if (strange[i].passes) {
            ends_expect_open(&ends_server, strange[i].why);
            ck_assert_msg(ends_facts.verdict->status == strange[i].status, "%s: %d", strange[i].why, ends_facts.verdict->status);
            ck_assert_ptr_nonnull(ends_facts.peer);
        } else {
            ends_expect_failed(&ends_server, strange[i].status, strange[i].why);
            ck_assert_int_eq(ends_facts.alert_sent, 42);
        }
        raw_tls_clear(&raw);
        ends_close_one(&ends_server);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_tolerate");
    TCase *c = tcase_create("tolerate");
    tcase_add_unchecked_fixture(c, ends_make, ends_drop);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, a_bad_certificate_passes_when_all_that_is_wrong_is_tolerated, 0, 2);
    tcase_add_loop_test(c, tolerance_does_not_make_a_certificate_optional, 0, 2);
    tcase_add_loop_test(c, whoever_decides_after_hears_of_the_tolerated_one, 0, 2);
    tcase_add_loop_test(c, judged_again_the_new_tolerance_counts, 0, 2);
    tcase_add_loop_test(c, a_strange_certificate_passes_only_where_that_is_tolerated, 0, 2);
    suite_add_tcase(s, c);
    return s;
}
