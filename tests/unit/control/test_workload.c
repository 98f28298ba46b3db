/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/workload.h"
#include "t.h"

#include "workload_messages.h"

#include "mtlsd/tls/tls_key_memory.h"

#include <stdio.h>
#include <string.h>

#define ID "spiffe://a.example/one"

static struct workload_world w;
static struct bytes message;
static struct workload_set set;
static struct tls_key_memory *memory;

static void make(void)
{
    workload_world_make(&w);
    bytes_init(&message, 1 << 24);
    memory = tls_key_memory_new();
}

static void clear(void)
{
    bytes_clear(&message);
    tls_key_memory_unref(memory);
    workload_world_clear(&w);
}

static struct workload_parts one(void)
{
    return (struct workload_parts){span_from_str(ID), w.one_chain, w.one_key, w.root.der, {0}};
}

static void reads(void)
{
    struct err err = {0};
    ck_assert_msg(workload_set_read(&set, WORKLOAD_X509_SVID, bytes_span(&message), memory, &err) == 0, "%s", err.text);
}

static void refuses_by(enum workload_method method, const char *says)
{
    struct err err = {0};
    ck_assert_int_eq(workload_set_read(&set, method, bytes_span(&message), memory, &err), -1);
    ck_assert_msg(strstr(err.text, says) != NULL, "%s", err.text);
    ck_assert(set.n_svids == 0 && set.n_bundles == 0 && set.svids == NULL && set.bundles == NULL && set.memory == NULL);
}

static void refuses(const char *says)
{
    refuses_by(WORKLOAD_X509_SVID, says);
}

START_TEST(reads_what_an_agent_gives)
{
    workload_world_message(&w, &message);
    reads();
    ck_assert_uint_eq(set.n_svids, 1);
    ck_assert_str_eq(set.svids[0].id, ID);
    ck_assert_str_eq(set.svids[0].hint, "internal");
    ck_assert(span_equals(bytes_span(&set.svids[0].chain), w.one_chain));
    ck_assert(span_equals(set.svids[0].key, w.one_key));
    ck_assert_uint_eq(set.n_bundles, 2);
    ck_assert_str_eq(set.bundles[0].domain, "a.example");
    ck_assert_str_eq(set.bundles[1].domain, "b.example");
    ck_assert(span_equals(bytes_span(&set.bundles[1].ca), w.other.der));
    workload_set_clear(&set);
}
END_TEST

START_TEST(reads_bundles_alone)
{
    struct err err = {0};
    workload_put_bundle(&message, WORKLOAD_BUNDLES, "a.example", w.root.der); /* its bare name */
    workload_put_bundle(&message, WORKLOAD_BUNDLES, "spiffe://b.example", w.other.der);
    ck_assert_int_eq(workload_set_read(&set, WORKLOAD_X509_BUNDLES, bytes_span(&message), NULL, &err), 0);
    ck_assert(set.n_svids == 0 && set.n_bundles == 2);
    workload_set_clear(&set);
    bytes_clear(&message);
    refuses_by(WORKLOAD_X509_BUNDLES, "no bundle");
}
END_TEST

START_TEST(finds_by_the_name_of_a_source)
{
    struct workload_parts two = {span_from_str("spiffe://a.example/two"), w.two.der, w.two_key, w.root.der, {0}}, first = one();
    workload_put_svid(&message, &first);
    workload_put_svid(&message, &two);
    reads();
    ck_assert_str_eq(workload_set_svid(&set, "spiffe:")->id, ID);
    ck_assert_str_eq(workload_set_svid(&set, "spiffe://a.example/two")->id, "spiffe://a.example/two");
    ck_assert_ptr_null(workload_set_svid(&set, "spiffe://a.example/three"));
    ck_assert_ptr_null(workload_set_svid(&set, "spiffe://a.example"));
    ck_assert_str_eq(workload_set_bundle(&set, "spiffe://a.example")->domain, "a.example");
    ck_assert_ptr_null(workload_set_bundle(&set, "spiffe://b.example"));
    ck_assert_ptr_null(workload_set_bundle(&set, "spiffe:"));
    workload_set_clear(&set);
    ck_assert_ptr_null(workload_set_svid(&set, "spiffe:"));
}
END_TEST

static void text_has(const char *source, const char *mark, bool there)
{
    struct bytes text;
    struct err err = {0};
    ck_assert_msg(workload_set_text(&set, source, &text, &err) == 0, "%s", err.text);
    ck_assert((memmem(bytes_span(&text).ptr, text.len, mark, strlen(mark)) != NULL) == there);
    bytes_wipe(&text);
}

START_TEST(gives_pem_by_the_name_of_a_source)
{
    struct bytes text;
    struct err err = {0};
    workload_world_message(&w, &message);
    reads();
    text_has("spiffe:", "BEGIN PRIVATE KEY", true);
    text_has(ID, "BEGIN CERTIFICATE", true);
    text_has("spiffe://b.example", "BEGIN CERTIFICATE", true);
    text_has("spiffe://b.example", "PRIVATE KEY", false);
    static const char *const absent[] = {"spiffe://c.example", "spiffe://a.example/three", "spiffe://b.example/"};
    for (size_t i = 0; i < 3; i++) {
        err = (struct err){0};
        ck_assert_int_eq(workload_set_text(&set, absent[i], &text, &err), -1);
        ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
    }
    workload_set_clear(&set);
}
END_TEST

static const struct {
    const char *id, *says;
} ids[] = {
    {"spiffe://a.example", "well-formed"},     {"spiffe://a.example/", "well-formed"}, {"spiffe://A.example/one", "well-formed"},
    {"spiffe://a.example/one?x", "well-formed"}, {"", "well-formed"},                   {"https://a.example/one", "well-formed"},
    {"spiffe://a.example/two", "another ID"},  {"spiffe://b.example/one", "another ID"},
};

START_TEST(refuses_an_id_that_is_malformed_or_another_one)
{
    struct workload_parts parts = one();
    parts.id = span_from_str(ids[_i].id);
    workload_put_svid(&message, &parts);
    refuses(ids[_i].says);
}
END_TEST

START_TEST(refuses_an_id_with_a_zero_byte)
{
    struct workload_parts parts = one();
    parts.id = span_of(ID "\0x", sizeof(ID "\0x") - 1);
    workload_put_svid(&message, &parts);
    refuses("well-formed");
}
END_TEST

START_TEST(refuses_the_whole_message_for_one_bad_part)
{
    struct workload_parts good = one(), bad = {span_from_str("spiffe://a.example/two"), w.two.der, w.one_key, w.root.der, {0}};
    workload_put_svid(&message, &good);
    workload_put_svid(&message, &bad);
    refuses("does not belong");
    bytes_clear(&message);
    workload_put_svid(&message, &good);
    workload_put_bundle(&message, WORKLOAD_FEDERATED, "spiffe://b.example", w.two.der);
    refuses("no CA");
    bytes_clear(&message);
    workload_put_svid(&message, &good);
    workload_put_bundle(&message, WORKLOAD_FEDERATED, "spiffe://b.example/path", w.other.der);
    refuses("well-formed name");
}
END_TEST

START_TEST(refuses_two_bundles_of_one_trust_domain)
{
    struct workload_parts good = one();
    workload_put_svid(&message, &good);
    workload_put_bundle(&message, WORKLOAD_FEDERATED, "a.example", w.root.der); /* the same one again */
    reads();
    ck_assert_uint_eq(set.n_bundles, 1);
    workload_set_clear(&set);
    workload_put_bundle(&message, WORKLOAD_FEDERATED, "spiffe://a.example", w.other.der);
    refuses("two different ones");
}
END_TEST

START_TEST(refuses_what_has_no_svid_or_no_key)
{
    refuses("no SVID");
    struct workload_parts parts = one();
    parts.key = span_of(NULL, 0);
    workload_put_svid(&message, &parts);
    refuses("without a key");
}
END_TEST

START_TEST(refuses_a_key_where_there_is_no_memory_for_keys)
{
    struct err err = {0};
    workload_world_message(&w, &message);
    ck_assert_int_eq(workload_set_read(&set, WORKLOAD_X509_SVID, bytes_span(&message), NULL, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "with a key"));
}
END_TEST

START_TEST(bounds_counts_and_sizes)
{
    struct workload_parts good = one();
    for (size_t i = 0; i <= WORKLOAD_SVIDS_MAX; i++)
        workload_put_svid(&message, &good);
    refuses("more than 64 SVIDs");
    bytes_clear(&message);
    workload_put_svid(&message, &good);
    for (size_t i = 0; i < WORKLOAD_BUNDLES_MAX; i++) {
        char domain[32];
        snprintf(domain, sizeof(domain), "d%zu.example", i);
        workload_put_bundle(&message, WORKLOAD_FEDERATED, domain, w.other.der);
    }
    refuses("more than 256 bundles");
    bytes_clear(&message);
    struct bytes many;
    bytes_init(&many, 1 << 20);
    for (size_t i = 0; i <= WORKLOAD_CAS_MAX; i++)
        bytes_append_span(&many, w.other.der);
    good.bundle = bytes_span(&many);
    workload_put_svid(&message, &good);
    refuses("more than 64 certificates");
    bytes_clear(&message);
    bytes_clear(&many);
    bytes_append_span(&many, w.one.der);
    for (size_t i = 0; i < WORKLOAD_CHAIN_MAX; i++)
        bytes_append_span(&many, w.middle.der);
    good = one();
    good.chain = bytes_span(&many);
    workload_put_svid(&message, &good);
    refuses("more than 16 certificates");
    bytes_clear(&many);
}
END_TEST

START_TEST(bounds_the_memory_that_a_message_may_ask_for) /* C15: two bytes of each empty SVID ask for a hundred */
{
    static uint8_t many[2 * 1024 * 1024];
    for (size_t i = 0; i < sizeof(many); i += 2)
        many[i] = 0x0a;
    bytes_append(&message, many, sizeof(many));
    refuses("too much memory");
    bytes_clear(&message);
    static uint8_t huge[WORKLOAD_MESSAGE_MAX + 1];
    bytes_append(&message, huge, sizeof(huge));
    refuses("larger than 4 MiB");
}
END_TEST

START_TEST(refuses_bytes_that_are_no_message)
{
    static const char *const texts[] = {"\x0a", "\x0a\x05xx", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "hello, world", "\x0a\x02\x0a\x7f"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        bytes_clear(&message);
        bytes_append_str(&message, texts[i]);
        refuses("");
    }
}
END_TEST

START_TEST(compares_by_certificates_and_bundles)
{
    struct workload_set other;
    struct err err = {0};
    workload_world_message(&w, &message);
    reads();
    bytes_clear(&message);
    struct workload_parts parts = one();
    parts.hint = span_from_str("internal");
    workload_put_bundle(&message, WORKLOAD_FEDERATED, "b.example", w.other.der); /* in another order */
    workload_put_svid(&message, &parts);
    ck_assert_int_eq(workload_set_read(&other, WORKLOAD_X509_SVID, bytes_span(&message), memory, &err), 0);
    ck_assert(workload_set_equals(&set, &other));
    other.svids[0].hint[0] = 'I';
    ck_assert(!workload_set_equals(&set, &other));
    workload_set_clear(&other);
    ck_assert(!workload_set_equals(&set, &other));
    workload_put_bundle(&message, WORKLOAD_FEDERATED, "c.example", w.other.der);
    ck_assert_int_eq(workload_set_read(&other, WORKLOAD_X509_SVID, bytes_span(&message), memory, &err), 0);
    ck_assert(!workload_set_equals(&set, &other));
    workload_set_clear(&other);
    workload_set_clear(&set);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("workload");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, make, clear);
    tcase_add_test(t, reads_what_an_agent_gives);
    tcase_add_test(t, reads_bundles_alone);
    tcase_add_test(t, finds_by_the_name_of_a_source);
    tcase_add_test(t, gives_pem_by_the_name_of_a_source);
    tcase_add_loop_test(t, refuses_an_id_that_is_malformed_or_another_one, 0, sizeof(ids) / sizeof(ids[0]));
    tcase_add_test(t, refuses_an_id_with_a_zero_byte);
    tcase_add_test(t, refuses_the_whole_message_for_one_bad_part);
    tcase_add_test(t, refuses_two_bundles_of_one_trust_domain);
    tcase_add_test(t, refuses_what_has_no_svid_or_no_key);
    tcase_add_test(t, refuses_a_key_where_there_is_no_memory_for_keys);
    tcase_add_test(t, bounds_counts_and_sizes);
    tcase_add_test(t, bounds_the_memory_that_a_message_may_ask_for);
    tcase_add_test(t, refuses_bytes_that_are_no_message);
    tcase_add_test(t, compares_by_certificates_and_bundles);
    suite_add_tcase(s, t);
    return s;
}
