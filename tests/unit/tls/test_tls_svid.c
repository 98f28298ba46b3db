/* SPDX-License-Identifier: Apache-2.0 */
/* A5: which certificates an agent may call an SVID or a bundle. */
#include "mtlsd/tls/tls_svid.h"
#include "t.h"

#include "workload_messages.h"

#include "mtlsd/tls/tls_chain.h"

#include <string.h>

static struct workload_world w;

static void make(void)
{
    workload_world_make(&w);
}

static void clear(void)
{
    workload_world_clear(&w);
}

static struct tls_svid one(void)
{
    return (struct tls_svid){span_from_str("spiffe://a.example/one"), w.one_chain, w.one_key};
}

static void refuses(const struct tls_svid *svid, const char *says)
{
    struct tls_svid_facts facts;
    struct err err = {0};
    ck_assert_int_eq(tls_svid_check(svid, &facts, &err), -1);
    ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
    ck_assert_msg(strstr(err.text, says) != NULL, "%s", err.text);
}

START_TEST(accepts_a_leaf_with_its_key_and_intermediates)
{
    struct tls_svid_facts facts;
    struct err err = {0};
    struct tls_svid svid = one();
    ck_assert_msg(tls_svid_check(&svid, &facts, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(facts.n, 2);
    ck_assert_int_gt(facts.not_after, CERTS_NOW);
    ck_assert_int_lt(facts.not_before, CERTS_NOW);
    svid.key = (struct span){0};
    ck_assert_int_eq(tls_svid_check(&svid, &facts, &err), 0);
}
END_TEST

START_TEST(refuses_another_id_than_the_declared_one)
{
    struct tls_svid svid = one();
    svid.id = span_from_str("spiffe://a.example/on");
    refuses(&svid, "another ID");
}
END_TEST

START_TEST(refuses_a_key_of_another_certificate)
{
    struct tls_svid svid = one();
    svid.key = w.two_key;
    refuses(&svid, "does not belong to its certificate");
    svid.key = span_of("no key", 6);
    refuses(&svid, "not readable PKCS#8");
}
END_TEST

START_TEST(refuses_a_chain_that_is_not_whole)
{
    struct tls_svid svid = one();
    svid.chain = span_of(NULL, 0);
    refuses(&svid, "no certificate");
    svid.chain = span_of(w.one_chain.ptr, w.one_chain.len - 1);
    refuses(&svid, "not readable");
    svid.chain = certs_join((const struct span[]){w.one.der, w.two.der}, 2);
    refuses(&svid, "no CA");
    certs_free(svid.chain);
}
END_TEST

static const struct {
    struct certs_order order;
    const char *says;
} leaves[] = {
    {{.cn = "x", .ca = true, .sans = {"uri:spiffe://a.example/one"}}, "is a CA"},
    {{.cn = "x", .usage = GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_CERT_SIGN, .sans = {"uri:spiffe://a.example/one"}}, "may sign certificates"},
    {{.cn = "x", .usage = GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_CRL_SIGN, .sans = {"uri:spiffe://a.example/one"}}, "may sign certificates"},
    {{.cn = "spiffe://a.example/one", .sans = {"dns:spiffe://a.example/one"}}, "has no URI"},
    {{.cn = "x"}, "has no URI"},
    {{.cn = "x", .sans = {"uri:spiffe://a.example/one", "uri:https://a.example/"}}, "several URIs"},
    {{.cn = "x", .sans = {"uri:spiffe://a.example/one", "uri:spiffe://a.example/one"}}, "several URIs"},
};

START_TEST(refuses_a_leaf_that_is_no_svid)
{
    struct certs c;
    certs_make(&leaves[_i].order, &c);
    refuses(&(struct tls_svid){span_from_str("spiffe://a.example/one"), c.der, {0}}, leaves[_i].says);
    certs_clear(&c);
}
END_TEST

START_TEST(takes_cas_for_a_bundle_and_nothing_else)
{
    struct err err = {0};
    size_t n;
    struct span both = certs_join((const struct span[]){w.root.der, w.other.der}, 2), mixed = certs_join((const struct span[]){w.root.der, w.one.der}, 2);
    ck_assert_int_eq(tls_svid_check_bundle(span_from_str("a.example"), both, &n, &err), 0);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(tls_svid_check_bundle(span_from_str("a.example"), mixed, &n, &err), -1);
    ck_assert_str_eq(err.text, "bundle of a.example: it has a certificate that is no CA");
    err = (struct err){0};
    ck_assert_int_eq(tls_svid_check_bundle(span_from_str("a.example"), span_of(NULL, 0), &n, &err), -1);
    err = (struct err){0};
    ck_assert_int_eq(tls_svid_check_bundle(span_from_str("a.example"), span_of(both.ptr, both.len - 1), &n, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "not readable"));
    certs_free(both);
    certs_free(mixed);
}
END_TEST

START_TEST(writes_pem_that_reads_as_the_same)
{
    struct bytes text;
    struct tls_chain chain;
    struct err err = {0};
    struct tls_svid svid = one();
    bytes_init(&text, 1 << 16);
    ck_assert_int_eq(tls_svid_text(&svid, &text), 0);
    ck_assert_msg(tls_chain_read(&chain, bytes_span(&text), "x", &err) == 0, "%s", err.text);
    ck_assert_uint_eq(chain.n, 2);
    ck_assert(span_equals(chain.ders[0], w.one.der) && span_equals(chain.ders[1], w.middle.der));
    tls_chain_clear(&chain);
    bytes_append(&text, "", 1);
    ck_assert_ptr_nonnull(strstr((const char *)bytes_span(&text).ptr, "-----BEGIN PRIVATE KEY-----\nM"));
    bytes_wipe(&text);
}
END_TEST

START_TEST(takes_the_room_for_a_key_at_once)
{
    struct bytes text;
    struct tls_svid svid = one();
    bytes_init(&text, 600); /* less than it needs */
    ck_assert_int_eq(tls_svid_text(&svid, &text), -1);
    ck_assert_uint_eq(text.len, 0);
    bytes_clear(&text);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_svid");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, make, clear);
    tcase_add_test(t, accepts_a_leaf_with_its_key_and_intermediates);
    tcase_add_test(t, refuses_another_id_than_the_declared_one);
    tcase_add_test(t, refuses_a_key_of_another_certificate);
    tcase_add_test(t, refuses_a_chain_that_is_not_whole);
    tcase_add_loop_test(t, refuses_a_leaf_that_is_no_svid, 0, sizeof(leaves) / sizeof(leaves[0]));
    tcase_add_test(t, takes_cas_for_a_bundle_and_nothing_else);
    tcase_add_test(t, writes_pem_that_reads_as_the_same);
    tcase_add_test(t, takes_the_room_for_a_key_at_once);
    suite_add_tcase(s, t);
    return s;
}
