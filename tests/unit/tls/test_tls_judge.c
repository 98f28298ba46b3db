/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "judging.h"

#include <string.h>

#define ANY_PURPOSE "2.5.29.37.0"
#define SPAN(bytes)                                                                                          \
    {                                                                                                        \
        (const uint8_t *)(bytes), sizeof(bytes) - 1                                                          \
    }

static struct certs ca;

static void make_ca(void)
{
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &ca);
}

static void clear_ca(void)
{
    certs_clear(&ca);
}

static enum reason judge_one(const struct certs *leaf, enum tls_purpose purpose, const char *name,
                             struct tls_verdict *v)
{
    struct judging j = {.ca = {&ca}, .purpose = purpose, .names = {name}};
    judging_run(&j, &leaf, 1, v);
    return v->status;
}

static const struct row {
    const char *why;
    struct certs_order order;
    enum tls_purpose purpose;
    const char *name;
    enum reason status;
    int error;
} rows[] = {
    {"an ordinary client",
     {.cn = "c", .ekus = {GNUTLS_KP_TLS_WWW_CLIENT}},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_VALID,
     0},
    {"an ordinary server",
     {.cn = "s", .ekus = {GNUTLS_KP_TLS_WWW_SERVER}, .sans = {"dns:a.example"}},
     TLS_PURPOSE_SERVER,
     "a.example",
     REASON_VALID,
     0},
    {"both purposes serve either", {.cn = "b"}, TLS_PURPOSE_CLIENT, NULL, REASON_VALID, 0},
    {"an Ed25519 key", {.cn = "c", .key = CERTS_ED25519}, TLS_PURPOSE_CLIENT, NULL, REASON_VALID, 0},
    {"no keyUsage at all", {.cn = "c", .no_usage = true}, TLS_PURPOSE_CLIENT, NULL, REASON_VALID, 0},
    {"no basicConstraints at all",
     {.cn = "c", .no_basic_constraints = true},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_VALID,
     0},
    {"a known critical extension",
     {.cn = "c", .extension = "2.5.29.32", .extension_critical = true},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_VALID,
     0},
    {"an unknown extension that is not critical",
     {.cn = "c", .extension = "1.2.3.4"},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_VALID,
     0},
    {"A4 serverAuth only, as a client",
     {.cn = "c", .ekus = {GNUTLS_KP_TLS_WWW_SERVER}},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_WRONG_PURPOSE,
     26},
    {"A4 clientAuth only, as a server",
     {.cn = "c", .ekus = {GNUTLS_KP_TLS_WWW_CLIENT}, .sans = {"dns:a.example"}},
     TLS_PURPOSE_SERVER,
     "a.example",
     REASON_WRONG_PURPOSE,
     26},
    {"A4 no extendedKeyUsage",
     {.cn = "c", .no_eku = true},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_WRONG_PURPOSE,
     26},
    {"A4 an extendedKeyUsage of nothing",
     {.cn = "c", .raw_eku = SPAN("\x30\x00")},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_WRONG_PURPOSE,
     26},
    {"A4 anyExtendedKeyUsage",
     {.cn = "c", .ekus = {ANY_PURPOSE}},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_WRONG_PURPOSE,
     26},
    {"A4 codeSigning",
     {.cn = "c", .ekus = {GNUTLS_KP_CODE_SIGNING}},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_WRONG_PURPOSE,
     26},
    {"A4 a damaged extendedKeyUsage",
     {.cn = "c", .raw_eku = SPAN("\x30\x05\x06\x08\x2b")},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_WRONG_PURPOSE,
     26},
    {"A4 keyUsage keyEncipherment only",
     {.cn = "c", .usage = GNUTLS_KEY_KEY_ENCIPHERMENT},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_WRONG_PURPOSE,
     26},
    {"a CA as a leaf",
     {.cn = "c", .ca = true, .usage = GNUTLS_KEY_DIGITAL_SIGNATURE, .ekus = {GNUTLS_KP_TLS_WWW_CLIENT}},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_CONSTRAINT,
     24},
    {"an unknown critical extension",
     {.cn = "c", .extension = "1.2.3.4", .extension_critical = true},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_CONSTRAINT,
     34},
    {"A7 RSA with 1024 bits", {.cn = "c", .key = CERTS_RSA_1024}, TLS_PURPOSE_CLIENT, NULL, REASON_WEAK, 66},
    {"A7 RSA with 16384 bits",
     {.cn = "c", .rsa_bytes = 2048, .exponent_bytes = 3},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_WEAK,
     66},
    {"A7 an RSA exponent of 256 bytes",
     {.cn = "c", .rsa_bytes = 256, .exponent_bytes = 256},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_WEAK,
     66},
    {"ECDSA P-224", {.cn = "c", .key = CERTS_P224}, TLS_PURPOSE_CLIENT, NULL, REASON_WEAK, 66},
    {"a SHA-1 signature", {.cn = "c", .digest = GNUTLS_DIG_SHA1}, TLS_PURPOSE_CLIENT, NULL, REASON_WEAK, 68},
    {"expired a second ago",
     {.cn = "c", .not_after = CERTS_NOW - 1},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_EXPIRED,
     10},
    {"its last second", {.cn = "c", .not_after = CERTS_NOW}, TLS_PURPOSE_CLIENT, NULL, REASON_VALID, 0},
    {"valid in a second",
     {.cn = "c", .not_before = CERTS_NOW + 1},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_NOT_YET_VALID,
     9},
    {"its first second", {.cn = "c", .not_before = CERTS_NOW}, TLS_PURPOSE_CLIENT, NULL, REASON_VALID, 0},
    {"B1 another name",
     {.cn = "s", .sans = {"dns:b.example"}},
     TLS_PURPOSE_SERVER,
     "a.example",
     REASON_NAME_MISMATCH,
     62},
    {"B1 the name in the CN only",
     {.cn = "a.example"},
     TLS_PURPOSE_SERVER,
     "a.example",
     REASON_NAME_MISMATCH,
     62},
    {"B1 the name in the CN beside an e-mail SAN",
     {.cn = "a.example", .sans = {"email:x@b.example"}},
     TLS_PURPOSE_SERVER,
     "a.example",
     REASON_NAME_MISMATCH,
     62},
    {"B1 an empty subjectAltName",
     {.cn = "a.example", .raw_san = SPAN("\x30\x00")},
     TLS_PURPOSE_SERVER,
     "a.example",
     REASON_NAME_MISMATCH,
     62},
    {"B1 an address in the CN",
     {.cn = "192.0.2.1"},
     TLS_PURPOSE_SERVER,
     "192.0.2.1",
     REASON_NAME_MISMATCH,
     62},
    {"B1 an address as a DNS SAN",
     {.cn = "s", .sans = {"dns:192.0.2.1"}},
     TLS_PURPOSE_SERVER,
     "192.0.2.1",
     REASON_NAME_MISMATCH,
     62},
    {"B1 an address as an IP SAN",
     {.cn = "s", .sans = {"ip:192.0.2.1"}},
     TLS_PURPOSE_SERVER,
     "192.0.2.1",
     REASON_VALID,
     0},
    {"B1 a NUL behind the name",
     {.cn = "s",
      .raw_san = SPAN("\x30\x11\x82\x0f"
                      "a.example\0.evil")},
     TLS_PURPOSE_SERVER,
     "a.example",
     REASON_NAME_MISMATCH,
     62},
    {"B1 a NUL in any name",
     {.cn = "s",
      .raw_san = SPAN("\x30\x0f\x82\x0d"
                      "a.example\0.ev")},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_MALFORMED,
     1},
    {"a subjectAltName that is cut",
     {.cn = "s",
      .raw_san = SPAN("\x30\x09\x82\x09"
                      "a.examp")},
     TLS_PURPOSE_CLIENT,
     NULL,
     REASON_MALFORMED,
     1},
};

START_TEST(gives_each_leaf_its_status)
{
    const struct row *row = &rows[_i];
    struct certs_order order = row->order;
    struct certs leaf;
    struct tls_verdict v;
    order.issuer = &ca;
    certs_make(&order, &leaf);
    judge_one(&leaf, row->purpose, row->name, &v);
    ck_assert_msg(v.status == row->status, "%s: %s, not %s (%s)", row->why, judging_word(v.status),
                  judging_word(row->status), v.text);
    ck_assert_msg(v.openssl_error == row->error, "%s: number %d, not %d", row->why, v.openssl_error,
                  row->error);
    ck_assert_msg(v.status == REASON_VALID ? v.all == 0 : (v.all >> v.status & 1) == 1,
                  "%s: its bit is wrong", row->why);
    certs_clear(&leaf);
}
END_TEST

START_TEST(refuses_the_absence_of_a_certificate)
{
    struct tls_verdict v;
    struct judging j = {.ca = {&ca}};
    judging_run(&j, NULL, 0, &v);
    ck_assert_int_eq(v.status, REASON_NONE);
}
END_TEST

START_TEST(tells_each_fault_by_itself_and_the_worst_first)
{
    struct certs other, leaf;
    struct tls_verdict v;
    struct tls_details d;
    certs_make(&(struct certs_order){.cn = "Other", .ca = true}, &other);
    certs_make(&(struct certs_order){.cn = "c", .issuer = &other, .not_after = CERTS_NOW - 1, .ekus = {"1.3.6.1.5.5.7.3.1"}}, &leaf);
    struct tls_trust *trust = judging_trust(&(struct judging){.ca = {&ca}});
    struct tls_question q = {.trust = trust, .now = CERTS_NOW};
    tls_judge_in_detail(&q, &leaf.der, 1, &v, &d);
    ck_assert_uint_eq(d.n, 3);
    ck_assert_int_eq(d.items[0].reason, REASON_UNKNOWN_CA);
    ck_assert_int_eq(d.items[0].openssl_error, 20);
    ck_assert_int_eq(d.items[1].reason, REASON_EXPIRED);
    ck_assert_ptr_nonnull(strstr(d.items[1].text, "expired 20"));
    ck_assert_int_eq(d.items[2].reason, REASON_WRONG_PURPOSE);
    ck_assert_ptr_nonnull(strstr(d.items[2].text, "does not allow TLS client"));
    certs_clear(&other);
    certs_clear(&leaf);
    tls_trust_unref(trust);
}
END_TEST

/* A7: the engine ends a handshake over such a chain, so a file with one is not valid either. */
START_TEST(refuses_a_chain_that_no_handshake_would_take)
{
    enum { MOST = 65536, LONG = 60000 };
    static uint8_t san[LONG + 8] = {0x30, 0x82, (LONG + 4) >> 8, (LONG + 4) & 0xff, 0x82, 0x82, LONG >> 8, LONG & 0xff};
    static uint8_t padding[8192];
    struct certs leaf;
    struct tls_verdict v;
    memset(san + 8, 'x', LONG);
    certs_make(&(struct certs_order){.cn = "c", .issuer = &ca, .raw_san = {san, sizeof(san)}}, &leaf);
    struct tls_trust *trust = judging_trust(&(struct judging){.ca = {&ca}});
    struct tls_question q = {.trust = trust, .now = CERTS_NOW};
    size_t rest = MOST - 4 - leaf.der.len - 2 * 5;
    ck_assert_uint_lt(rest, sizeof(padding));
    for (size_t over = 0; over < 2; over++) {
        struct span ders[] = {leaf.der, span_of(padding, rest + over)}; /* what cannot be read is passed over, and takes room all the same */
        tls_judge(&q, ders, 2, &v);
        ck_assert_msg(v.status == (over > 0 ? REASON_CONSTRAINT : REASON_VALID), "%s", v.text);
    }
    ck_assert_str_eq(v.text, "certificate CN=c: with its chain it takes 65537 bytes of a handshake, and at most 65536 are accepted");
    certs_clear(&leaf);
    tls_trust_unref(trust);
}
END_TEST

START_TEST(refuses_bytes_that_are_no_certificate)
{
    struct certs leaf;
    struct tls_verdict v;
    struct judging j = {.ca = {&ca}};
    struct tls_trust *trust = judging_trust(&j);
    struct tls_question q = {.trust = trust, .now = CERTS_NOW};
    certs_make(&(struct certs_order){.cn = "c", .issuer = &ca}, &leaf);
    for (size_t cut = 0; cut < leaf.der.len; cut++) {
        struct span part = span_of(leaf.der.ptr, cut);
        tls_judge(&q, &part, 1, &v);
        ck_assert_msg(v.status == REASON_MALFORMED, "cut at %zu: %s", cut, judging_word(v.status));
    }
    certs_clear(&leaf);
    tls_trust_unref(trust);
}
END_TEST

/* Any bit of the certificate turned over must cost it the verdict: either it no longer parses or no longer
 * verifies. */
START_TEST(refuses_a_certificate_with_any_byte_changed)
{
    struct certs leaf;
    struct tls_verdict v;
    struct judging j = {.ca = {&ca}};
    struct tls_trust *trust = judging_trust(&j);
    struct tls_question q = {.trust = trust, .now = CERTS_NOW};
    certs_make(&(struct certs_order){.cn = "c", .issuer = &ca}, &leaf);
    uint8_t *bytes = (uint8_t *)(uintptr_t)leaf.der.ptr;
    for (size_t i = 0; i < leaf.der.len; i++) {
        bytes[i] ^= 0x04;
        tls_judge(&q, &leaf.der, 1, &v);
        ck_assert_msg(v.status != REASON_VALID && v.status != REASON_UNDECIDED, "byte %zu: %s", i, v.text);
        bytes[i] ^= 0x04;
    }
    tls_judge(&q, &leaf.der, 1, &v);
    ck_assert_int_eq(v.status, REASON_VALID);
    certs_clear(&leaf);
    tls_trust_unref(trust);
}
END_TEST

START_TEST(tells_foreign_and_self_signed_certificates_apart)
{
    struct certs other, foreign, alone, impostor, child, namesake;
    struct tls_verdict v;
    certs_make(&(struct certs_order){.cn = "Other", .ca = true}, &other);
    certs_make(&(struct certs_order){.cn = "c", .issuer = &other}, &foreign);
    certs_make(&(struct certs_order){.cn = "c"}, &alone);
    certs_make(&(struct certs_order){.cn = "Root", .ca = true},
               &impostor); /* the name of the trusted CA, another key */
    certs_make(&(struct certs_order){.cn = "c", .issuer = &impostor}, &child);
    certs_make(&(struct certs_order){.cn = "Root"}, &namesake);
    struct judging j = {.ca = {&ca}};
    const struct {
        const char *why;
        const struct certs *chain[2];
        size_t n;
        int error;
        const char *says;
    } cases[] = {
        {"issued by a CA that is not trusted",
         {&foreign},
         1,
         20,
         "its issuer CN=Other was neither sent nor is trusted (trusted: CN=Root)"},
        {"the same, its CA sent along",
         {&foreign, &other},
         2,
         19,
         "its chain leads to CN=Other, which is not trusted (trusted: CN=Root)"},
        {"signed by itself", {&alone}, 1, 18, "it is signed by itself, CN=c, which is not trusted"},
        {"A3 a CA of the same name with another key",
         {&child},
         1,
         20,
         "a trusted CA has the name of its issuer, CN=Root, but another key"},
        {"signed by itself under the name of the CA",
         {&namesake},
         1,
         18,
         "a trusted CA has the name of its issuer, CN=Root, but another key"},
        {"the same, that CA sent along",
         {&child, &impostor},
         2,
         19,
         "a trusted CA has the name of its issuer, CN=Root, but another key"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        judging_run(&j, cases[i].chain, cases[i].n, &v);
        ck_assert_msg(v.status == REASON_UNKNOWN_CA, "%s: %s", cases[i].why, v.text);
        ck_assert_msg(v.openssl_error == cases[i].error, "%s: %d", cases[i].why, v.openssl_error);
        ck_assert_msg(strstr(v.text, cases[i].says) != NULL, "%s: %s", cases[i].why, v.text);
    }
    certs_clear(&namesake);
    certs_clear(&child);
    certs_clear(&impostor);
    certs_clear(&alone);
    certs_clear(&foreign);
    certs_clear(&other);
}
END_TEST

START_TEST(refuses_an_anchor_presented_as_a_leaf)
{
    struct tls_verdict v;
    ck_assert_int_ne(judge_one(&ca, TLS_PURPOSE_CLIENT, NULL, &v), REASON_VALID);
}
END_TEST

START_TEST(accepts_a_leaf_with_the_name_of_its_ca)
{
    struct certs leaf;
    struct tls_verdict v;
    certs_make(&(struct certs_order){.cn = "Root", .issuer = &ca}, &leaf);
    judge_one(&leaf, TLS_PURPOSE_CLIENT, NULL, &v);
    ck_assert_msg(v.status == REASON_VALID, "%s", v.text);
    certs_clear(&leaf);
}
END_TEST

START_TEST(lists_everything_and_lets_the_worst_decide)
{
    struct certs other, leaf, root;
    struct certs_crl crl;
    struct tls_verdict v;
    uint64_t serial = 77;
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "Other", .ca = true}, &other);
    certs_make_crl(&(struct certs_crl_order){.issuer = &root, .serials = &serial, .n_serials = 1}, &crl);
    struct certs_order order = {.cn = "c",
                                .issuer = &root,
                                .serial = 77,
                                .not_after = CERTS_NOW - 1,
                                .no_eku = true,
                                .key = CERTS_RSA_1024};
    certs_make(&order, &leaf);
    struct judging j = {.ca = {&root}, .crl = {&crl}};
    const struct certs *chain = &leaf;
    judging_run(&j, &chain, 1, &v);
    ck_assert_int_eq(v.status, REASON_REVOKED);
    ck_assert_int_eq(v.openssl_error, 23);
    ck_assert_uint_eq(v.all, UINT64_C(1) << REASON_REVOKED | UINT64_C(1) << REASON_EXPIRED |
                                 UINT64_C(1) << REASON_WRONG_PURPOSE | UINT64_C(1) << REASON_WEAK);
    j = (struct judging){.ca = {&other}};
    judging_run(&j, &chain, 1, &v);
    ck_assert_int_eq(v.status, REASON_UNKNOWN_CA);
    ck_assert_uint_ne(v.all & UINT64_C(1) << REASON_EXPIRED, 0);
    j = (struct judging){.ca = {&root}};
    judging_run(&j, &chain, 1, &v);
    ck_assert_int_eq(v.status, REASON_EXPIRED);
    certs_crl_clear(&crl);
    certs_clear(&leaf);
    certs_clear(&other);
    certs_clear(&root);
}
END_TEST

START_TEST(says_which_certificate_and_what)
{
    struct certs leaf;
    struct tls_verdict v;
    certs_make(&(struct certs_order){.cn = "alice", .issuer = &ca, .not_after = CERTS_NOW - 1}, &leaf);
    judge_one(&leaf, TLS_PURPOSE_CLIENT, NULL, &v);
    ck_assert_str_eq(v.text, "certificate CN=alice: expired 2026-01-15T11:59:59Z");
    certs_clear(&leaf);
}
END_TEST

/* C8: the sentence ends up in logs. */
START_TEST(keeps_control_bytes_out_of_the_sentence)
{
    struct certs leaf;
    struct tls_verdict v;
    certs_make(
        &(struct certs_order){.cn = "a\r\nforged: \x1b[31m", .issuer = &ca, .not_after = CERTS_NOW - 1},
        &leaf);
    judge_one(&leaf, TLS_PURPOSE_CLIENT, NULL, &v);
    for (const char *p = v.text; *p != '\0'; p++)
        ck_assert_msg((unsigned char)*p >= 0x20 && *p != 0x7f, "%s", v.text);
    certs_clear(&leaf);
}
END_TEST

START_TEST(maps_each_status_to_its_alert)
{
    const struct {
        enum reason status;
        unsigned alert;
    } alerts[] = {{REASON_NONE, 116},         {REASON_EXPIRED, 45},    {REASON_NOT_YET_VALID, 42},
                  {REASON_REVOKED, 44},       {REASON_UNKNOWN_CA, 48}, {REASON_WRONG_PURPOSE, 43},
                  {REASON_NAME_MISMATCH, 42}, {REASON_WEAK, 42},       {REASON_CRL_MISSING, 42},
                  {REASON_CRL_STALE, 42},     {REASON_CONSTRAINT, 42}, {REASON_NOT_ALLOWED, 49},
                  {REASON_STAPLE_MISSING, 113}, {REASON_MALFORMED, 42}};
    for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++)
        ck_assert_uint_eq(tls_judge_alert(alerts[i].status), alerts[i].alert);
}
END_TEST

static const struct {
    int64_t not_before, not_after, this_update, next_update, grace, until; /* relative to now; 0: years away */
    bool no_crl;
    const char *why;
} dates[] = {
    {.not_after = 100, .no_crl = true, .until = 100, .why = "the leaf's end"},
    {.not_after = 100, .next_update = 50, .until = 50, .why = "the list's end comes first"},
    {.not_after = 100, .next_update = 50, .grace = 20, .until = 70, .why = "and may be bridged"},
    {.not_after = 100, .next_update = 200, .until = 100, .why = "or comes later"},
    {.not_before = 10, .not_after = 100, .no_crl = true, .until = 9, .why = "the leaf's beginning"},
    {.not_after = 100, .this_update = 30, .next_update = 40, .until = 29, .why = "the list's beginning"},
    {.not_after = -1, .next_update = 50, .until = 50, .why = "an end that has passed changes nothing any more"},
    {.not_after = 100, .next_update = -1, .until = 100, .why = "nor does a stale list"},
};

/* F1: age is checked by our clock at every use, so a verdict says how long it may be used. */
START_TEST(a_purpose_may_be_absent_only_where_the_trust_says_so_and_never_wrong) /* A4 */
{
    static const struct {
        const char *why;
        struct certs_order order;
        enum reason status;
    } leaves[] = {
        {"no extendedKeyUsage", {.cn = "c", .no_eku = true}, REASON_VALID},
        {"neither that nor keyUsage", {.cn = "c", .no_eku = true, .no_usage = true}, REASON_VALID},
        {"no extendedKeyUsage, expired", {.cn = "c", .no_eku = true, .not_after = CERTS_NOW - 1}, REASON_EXPIRED},
        {"serverAuth only", {.cn = "c", .ekus = {GNUTLS_KP_TLS_WWW_SERVER}}, REASON_WRONG_PURPOSE},
        {"codeSigning only", {.cn = "c", .ekus = {GNUTLS_KP_CODE_SIGNING}}, REASON_WRONG_PURPOSE},
        {"any purpose", {.cn = "c", .ekus = {ANY_PURPOSE}}, REASON_WRONG_PURPOSE},
        {"an extendedKeyUsage of nothing", {.cn = "c", .raw_eku = SPAN("\x30\x00")}, REASON_WRONG_PURPOSE},
        {"a damaged one", {.cn = "c", .raw_eku = SPAN("\x30\x05\x06")}, REASON_WRONG_PURPOSE},
    };
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        struct certs leaf;
        struct certs_order order = leaves[i].order;
        order.issuer = &ca;
        certs_make(&order, &leaf);
        const struct certs *chain[] = {&leaf};
        struct tls_verdict v;
        struct judging j = {.ca = {&ca}, .purpose = TLS_PURPOSE_CLIENT, .purpose_may_be_absent = true};
        judging_run(&j, chain, 1, &v);
        ck_assert_msg(v.status == leaves[i].status, "%s: %s", leaves[i].why, v.text);
        j.purpose_may_be_absent = false;
        judging_run(&j, chain, 1, &v);
        ck_assert_msg((v.all & (UINT64_C(1) << REASON_WRONG_PURPOSE)) != 0, "%s: not said: %s", leaves[i].why, v.text);
        certs_clear(&leaf);
    }
}
END_TEST

START_TEST(a_glance_tells_whether_there_is_any_name)
{
    struct certs named, nameless;
    struct tls_trust *trust = judging_trust(&(struct judging){.ca = {&ca}});
    const struct tls_question q = {.trust = trust, .purpose = TLS_PURPOSE_SERVER, .now = CERTS_NOW};
    certs_make(&(struct certs_order){.cn = "a.example", .issuer = &ca, .sans = {"dns:a.example"}}, &named);
    certs_make(&(struct certs_order){.cn = "a.example", .issuer = &ca}, &nameless);
    ck_assert(!tls_judge_glance(&q, &named.der, 1).nameless);
    ck_assert(tls_judge_glance(&q, &nameless.der, 1).nameless);
    certs_clear(&named);
    certs_clear(&nameless);
    tls_trust_unref(trust);
}
END_TEST

START_TEST(a_glance_tells_purpose_and_issuer_by_their_words)
{
    struct certs other, leaf, far, server;
    certs_make(&(struct certs_order){.cn = "Other", .ca = true}, &other);
    certs_make(&(struct certs_order){.cn = "c", .issuer = &ca, .ekus = {GNUTLS_KP_TLS_WWW_CLIENT}, .not_after = CERTS_NOW - 1}, &leaf);
    certs_make(&(struct certs_order){.cn = "s", .issuer = &ca, .ekus = {GNUTLS_KP_TLS_WWW_SERVER}}, &server);
    certs_make(&(struct certs_order){.cn = "f", .issuer = &other}, &far);
    struct judging j = {.ca = {&ca}};
    struct tls_trust *trust = judging_trust(&j);
    const struct tls_question q = {.trust = trust, .purpose = TLS_PURPOSE_CLIENT, .now = CERTS_NOW};
    const struct {
        const char *why;
        struct span ders[2];
        size_t n;
        bool wrong_purpose, leads_to_trust;
    } glances[] = {
        {"one of its clients, though expired", {leaf.der}, 1, false, true},
        {"one of its servers", {server.der}, 1, true, true},
        {"of another CA", {far.der}, 1, false, false},
        {"of another CA, with one of ours behind it", {far.der, leaf.der}, 2, false, true},
        {"no certificate", {{NULL, 0}}, 0, false, false},
        {"bytes that are none", {SPAN("abc")}, 1, false, false},
    };
    for (size_t i = 0; i < sizeof(glances) / sizeof(glances[0]); i++) {
        struct tls_glance glance = tls_judge_glance(&q, glances[i].ders, glances[i].n);
        ck_assert_msg(glance.wrong_purpose == glances[i].wrong_purpose, "%s: purpose", glances[i].why);
        ck_assert_msg(glance.leads_to_trust == glances[i].leads_to_trust, "%s: trust", glances[i].why);
    }
    tls_trust_unref(trust);
    certs_clear(&other);
    certs_clear(&leaf);
    certs_clear(&far);
    certs_clear(&server);
}
END_TEST

START_TEST(says_what_a_certificate_may_be_used_for)
{
    struct certs client, server, both, open;
    certs_make(&(struct certs_order){.cn = "c", .issuer = &ca, .ekus = {GNUTLS_KP_TLS_WWW_CLIENT}}, &client);
    certs_make(&(struct certs_order){.cn = "s", .issuer = &ca, .ekus = {GNUTLS_KP_TLS_WWW_SERVER}}, &server);
    certs_make(&(struct certs_order){.cn = "b", .issuer = &ca, .ekus = {GNUTLS_KP_TLS_WWW_SERVER, GNUTLS_KP_TLS_WWW_CLIENT}}, &both);
    certs_make(&(struct certs_order){.cn = "o", .issuer = &ca}, &open);
    ck_assert(tls_judge_serves(client.der, TLS_PURPOSE_CLIENT) && !tls_judge_serves(client.der, TLS_PURPOSE_SERVER));
    ck_assert(tls_judge_serves(server.der, TLS_PURPOSE_SERVER) && !tls_judge_serves(server.der, TLS_PURPOSE_CLIENT));
    ck_assert(tls_judge_serves(both.der, TLS_PURPOSE_SERVER) && tls_judge_serves(both.der, TLS_PURPOSE_CLIENT));
    ck_assert(tls_judge_serves(open.der, TLS_PURPOSE_CLIENT));
    ck_assert(!tls_judge_serves(span_from_str("abc"), TLS_PURPOSE_CLIENT));
    certs_clear(&client);
    certs_clear(&server);
    certs_clear(&both);
    certs_clear(&open);
}
END_TEST

START_TEST(says_until_when_dates_leave_it_as_it_is)
{
    struct certs leaf;
    struct certs_crl crl;
    struct tls_verdict v;
    int64_t n = CERTS_NOW;
    certs_make(&(struct certs_order){.cn = "alice", .issuer = &ca, .not_before = dates[_i].not_before != 0 ? n + dates[_i].not_before : 0,
                                     .not_after = n + dates[_i].not_after},
               &leaf);
    certs_make_crl(&(struct certs_crl_order){.issuer = &ca, .this_update = n + (dates[_i].this_update != 0 ? dates[_i].this_update : -1000),
                                             .next_update = n + dates[_i].next_update},
                   &crl);
    const struct certs *chain[] = {&leaf};
    struct judging j = {.ca = {&ca}, .crl_required = true, .crl_grace = dates[_i].grace};
    if (!dates[_i].no_crl)
        j.crl[0] = &crl;
    judging_run(&j, chain, 1, &v);
    ck_assert_msg(v.until == n + dates[_i].until, "%s: %lld", dates[_i].why, (long long)(v.until - n));
    certs_crl_clear(&crl);
    certs_clear(&leaf);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_judge");
    TCase *c = tcase_create("judge");
    tcase_add_checked_fixture(c, make_ca, clear_ca);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, gives_each_leaf_its_status, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(c, refuses_the_absence_of_a_certificate);
    tcase_add_test(c, tells_each_fault_by_itself_and_the_worst_first);
    tcase_add_test(c, refuses_a_chain_that_no_handshake_would_take);
    tcase_add_test(c, refuses_bytes_that_are_no_certificate);
    tcase_add_test(c, refuses_a_certificate_with_any_byte_changed);
    tcase_add_test(c, tells_foreign_and_self_signed_certificates_apart);
    tcase_add_test(c, refuses_an_anchor_presented_as_a_leaf);
    tcase_add_test(c, accepts_a_leaf_with_the_name_of_its_ca);
    tcase_add_test(c, lists_everything_and_lets_the_worst_decide);
    tcase_add_test(c, says_which_certificate_and_what);
    tcase_add_test(c, keeps_control_bytes_out_of_the_sentence);
    tcase_add_test(c, maps_each_status_to_its_alert);
    tcase_add_test(c, a_purpose_may_be_absent_only_where_the_trust_says_so_and_never_wrong);
    tcase_add_test(c, a_glance_tells_whether_there_is_any_name);
    tcase_add_test(c, a_purpose_may_be_absent_only_where_the_trust_says_so_and_never_wrong);
    tcase_add_test(c, a_glance_tells_purpose_and_issuer_by_their_words);
    tcase_add_test(c, says_what_a_certificate_may_be_used_for);
    tcase_add_loop_test(c, says_until_when_dates_leave_it_as_it_is, 0, (int)(sizeof(dates) / sizeof(dates[0])));
    suite_add_tcase(s, c);
    return s;
}
