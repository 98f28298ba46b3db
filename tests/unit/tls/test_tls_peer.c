/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "certs.h"
#include "mtlsd/tls/tls_peer.h"
#include "openssl_pki.h"

#include <string.h>

static struct tls_peer *peer_of(const struct certs_order *order)
{
    struct certs made;
    struct err err = {0};
    certs_make(order, &made);
    struct tls_peer *peer = tls_peer_new(made.der, &err);
    ck_assert_msg(peer != NULL, "%s", err.text);
    certs_clear(&made); /* the peer keeps its own copy */
    return peer;
}

static size_t count(const struct tls_peer *peer, enum tls_name_type type, struct span value)
{
    size_t n = 0;
    for (size_t i = 0; i < peer->n_names; i++)
        n += peer->names[i].type == type && span_equals(peer->names[i].value, value);
    return n;
}

START_TEST(reads_every_name_in_order)
{
    struct tls_peer *peer =
        peer_of(&(struct certs_order){.o = "Acme",
                                      .ou = "staff",
                                      .second_ou = "ops",
                                      .cn = "alice",
                                      .serial = 0xab01,
                                      .sans = {"dns:a.example", "uri:spiffe://td/a", "email:a@b.example",
                                               "ip:192.0.2.1", "dns:b.example"}});
    const struct {
        enum tls_name_type type;
        struct span value;
    } expected[] = {{TLS_NAME_O, span_from_str("Acme")},
                    {TLS_NAME_OU, span_from_str("staff")},
                    {TLS_NAME_OU, span_from_str("ops")},
                    {TLS_NAME_CN, span_from_str("alice")},
                    {TLS_NAME_DNS, span_from_str("a.example")},
                    {TLS_NAME_URI, span_from_str("spiffe://td/a")},
                    {TLS_NAME_EMAIL, span_from_str("a@b.example")},
                    {TLS_NAME_IP, span_of("\xc0\x00\x02\x01", 4)},
                    {TLS_NAME_DNS, span_from_str("b.example")}};
    ck_assert_uint_eq(peer->n_names, 9);
    for (size_t i = 0; i < 9; i++) {
        ck_assert_int_eq(peer->names[i].type, expected[i].type);
        ck_assert(span_equals(peer->names[i].value, expected[i].value));
    }
    ck_assert(span_equals_str(tls_peer_first(peer, TLS_NAME_DNS), "a.example"));
    ck_assert(span_equals_str(tls_peer_first(peer, TLS_NAME_OU), "staff"));
    ck_assert_uint_eq(tls_peer_first(peer, TLS_NAME_OTHER).len, 0);
    ck_assert_str_eq(peer->serial, "ab01");
    ck_assert_str_eq(peer->subject, "CN=alice,OU=ops,OU=staff,O=Acme");
    ck_assert_int_eq(peer->not_before, CERTS_NOW - CERTS_DAY);
    ck_assert_int_eq(peer->not_after, CERTS_NOW + 365 * CERTS_DAY);
    tls_peer_free(peer);
}
END_TEST

START_TEST(a5_keeps_a_name_in_the_type_it_came_in)
{
    static const char id[] = "spiffe://td/a";
    static const uint8_t other[] = "\x30\x18\xa0\x16\x06\x03\x2a\x03\x04\xa0\x0f\x0c\x0d"
                                   "spiffe://td/a";
    const struct certs_order orders[] = {{.cn = id},
                                         {.sans = {"dns:spiffe://td/a"}},
                                         {.sans = {"email:spiffe://td/a"}},
                                         {.raw_san = {other, sizeof(other) - 1}}};
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct tls_peer *peer = peer_of(&orders[i]);
        ck_assert_uint_eq(peer->n_names, 1);
        ck_assert_int_ne(peer->names[0].type, TLS_NAME_URI);
        ck_assert_uint_eq(tls_peer_first(peer, TLS_NAME_URI).len, 0);
        tls_peer_free(peer);
    }
}
END_TEST

START_TEST(a5_shows_both_of_two_uris)
{
    struct tls_peer *peer =
        peer_of(&(struct certs_order){.sans = {"uri:spiffe://td/a", "uri:spiffe://td/b"}});
    ck_assert_uint_eq(count(peer, TLS_NAME_URI, span_from_str("spiffe://td/a")), 1);
    ck_assert_uint_eq(count(peer, TLS_NAME_URI, span_from_str("spiffe://td/b")), 1);
    tls_peer_free(peer);
}
END_TEST

START_TEST(a5_keeps_every_byte_of_a_value)
{
    static const uint8_t raw[] = "\x30\x15\x86\x13"
                                 "spiffe://t/a\0,\n\xd0\xb0%2";
    struct tls_peer *peer = peer_of(&(struct certs_order){.raw_san = {raw, sizeof(raw) - 1}});
    ck_assert_uint_eq(count(peer, TLS_NAME_URI, span_of(raw + 4, sizeof(raw) - 5)), 1);
    tls_peer_free(peer);
    peer = peer_of(&(struct certs_order){.cn = "a,OU=admin", .ou = "staff"});
    ck_assert_uint_eq(count(peer, TLS_NAME_CN, span_from_str("a,OU=admin")), 1);
    ck_assert_uint_eq(count(peer, TLS_NAME_OU, span_from_str("admin")), 0);
    tls_peer_free(peer);
}
END_TEST

/* A5: nothing here has a buffer that a name of 32 KiB could outgrow. */
START_TEST(a5_keeps_a_very_long_name_whole)
{
    enum { LONG = 32768 };
    static uint8_t raw[LONG + 8] = {0x30, 0x82, (LONG + 4) >> 8, (LONG + 4) & 0xff,
                                    0x82, 0x82, LONG >> 8,       LONG & 0xff};
    memset(raw + 8, 'x', LONG);
    struct tls_peer *peer = peer_of(&(struct certs_order){.cn = "c", .raw_san = {raw, sizeof(raw)}});
    ck_assert_uint_eq(tls_peer_first(peer, TLS_NAME_DNS).len, LONG);
    tls_peer_free(peer);
}
END_TEST

static struct tls_peer *peer_from(const struct openssl_pki *pki, const char *file)
{
    struct err err = {0};
    struct span der = openssl_pki_read(pki, file);
    struct tls_peer *peer = tls_peer_new(der, &err);
    ck_assert_msg(peer != NULL, "%s: %s", file, err.text);
    certs_free(der);
    return peer;
}

/* A6: every relative name counts, also the second OU and two in one set. Of two CNs none does, for rules and headers alike: nginx, HAProxy and
 * Apache read the first of them, Go and the oldest RFCs the last. */
START_TEST(a6_iterates_all_relative_names)
{
    struct openssl_pki pki;
    openssl_pki_make(&pki);
    struct tls_peer *peer = peer_from(&pki, "multi.der"); /* /O=Acme/OU=staff/CN=first+OU=ops/CN=second */
    ck_assert_uint_eq(tls_peer_first(peer, TLS_NAME_CN).len, 0);
    ck_assert_uint_eq(count(peer, TLS_NAME_OTHER, span_from_str("first")), 1);
    ck_assert_uint_eq(count(peer, TLS_NAME_OTHER, span_from_str("second")), 1);
    ck_assert_uint_eq(peer->n_cns, 2);
    ck_assert_uint_eq(count(peer, TLS_NAME_OU, span_from_str("staff")), 1);
    ck_assert_uint_eq(count(peer, TLS_NAME_OU, span_from_str("ops")), 1);
    ck_assert_uint_eq(count(peer, TLS_NAME_O, span_from_str("Acme")), 1);
    tls_peer_free(peer);
    openssl_pki_clear(&pki);
}
END_TEST

/* A6: a string of two bytes per letter is not the ASCII name it would print as. */
START_TEST(a6_does_not_translate_strings)
{
    struct openssl_pki pki;
    openssl_pki_make(&pki);
    struct tls_peer *peer = peer_from(&pki, "bmp.der");
    ck_assert_uint_eq(tls_peer_first(peer, TLS_NAME_CN).len, 0);
    ck_assert_uint_eq(tls_peer_first(peer, TLS_NAME_OU).len, 0);
    ck_assert_uint_ne(count(peer, TLS_NAME_OTHER, span_of("\0a\0d\0m\0i\0n", 10)), 0);
    ck_assert(peer->n_cns == 1 && peer->has_odd_names);
    ck_assert_str_eq(peer->subject, "CN=#1e0a00610064006d0069006e,OU=#1e0a00610064006d0069006e"); /* A17: nor do headers */
    tls_peer_free(peer);
    peer = peer_from(&pki, "t61.der");
    ck_assert_uint_eq(count(peer, TLS_NAME_OU, span_from_str("admin")), 1);
    ck_assert_str_eq(peer->subject, "CN=admin,OU=admin");
    ck_assert(!peer->has_odd_names);
    tls_peer_free(peer);
    peer = peer_from(&pki, "latin1.der");
    ck_assert_uint_eq(tls_peer_first(peer, TLS_NAME_CN).len, 0); /* the letter depends on the reader */
    ck_assert_str_eq(peer->subject, "CN=#140472656ee9");
    tls_peer_free(peer);
    peer = peer_from(&pki, "hexlike.der");
    ck_assert_str_eq(peer->subject, "CN=\\#140472656ee9");
    tls_peer_free(peer);
    peer = peer_from(&pki, "twocns.der"); /* a CN that no rule can read is a CN all the same */
    ck_assert_uint_eq(tls_peer_first(peer, TLS_NAME_CN).len, 0);
    ck_assert_uint_eq(peer->n_cns, 2);
    tls_peer_free(peer);
    openssl_pki_clear(&pki);
}
END_TEST

/* C2, A17: what is cut, or stands for no name at all, says so. */
START_TEST(says_when_a_text_is_not_the_name)
{
    enum { MOST = 16 * 1024 };
    static char dn[MOST + 16];
    const struct {
        const char *why;
        size_t length;
        bool cut;
    } rows[] = {{"short", 64, false}, {"of several KiB", 5000, false}, {"the longest that is kept", MOST - 3, false}, {"one byte more", MOST - 3 + 1, true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memset(dn, 'x', sizeof(dn));
        memcpy(dn, "CN=", 3);
        dn[3 + rows[i].length] = '\0';
        struct tls_peer *peer = peer_of(&(struct certs_order){.dn = dn});
        ck_assert_msg(peer->subject_cut == rows[i].cut && peer->issuer_cut == rows[i].cut && !peer->subject_empty, "%s", rows[i].why);
        ck_assert_msg((strcmp(peer->subject, dn) == 0) == !rows[i].cut && strncmp(dn, peer->subject, strlen(peer->subject)) == 0, "%s", rows[i].why);
        ck_assert_msg(!rows[i].cut || strlen(peer->subject) == 1023, "%s", rows[i].why);
        tls_peer_free(peer);
    }
    struct tls_peer *nameless = peer_of(&(struct certs_order){.sans = {"dns:a.example"}});
    ck_assert(nameless->subject_cut && nameless->subject_empty);
    ck_assert_str_eq(nameless->subject, "(no name)");
    tls_peer_free(nameless);
}
END_TEST

START_TEST(keeps_a_copy_of_the_certificate)
{
    struct certs ca, leaf;
    struct err err = {0};
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &ca);
    certs_make(&(struct certs_order){.cn = "c", .issuer = &ca}, &leaf);
    struct tls_peer *peer = tls_peer_new(leaf.der, &err);
    ck_assert_ptr_nonnull(peer);
    ck_assert(span_equals(peer->der, leaf.der) && peer->der.ptr != leaf.der.ptr);
    ck_assert_uint_eq(peer->n_path, 0);
    ck_assert_str_eq(peer->issuer, "CN=Root");
    ck_assert_uint_eq(strlen(peer->sha256), 64);
    ck_assert_uint_eq(strlen(peer->spki_sha256), 64);
    tls_peer_free(peer);
    certs_clear(&leaf);
    certs_clear(&ca);
}
END_TEST

/* A path belongs to one judgement: the next one's takes its place, and none is none. */
START_TEST(keeps_copies_of_the_path_it_was_given_last)
{
    struct certs leaf;
    struct err err = {0};
    char first[] = "first", second[] = "second one";
    const struct span one[] = {span_from_str(first)}, two[] = {span_from_str(second), span_from_str(first)}, turned[] = {two[1], two[0]};
    certs_make(&(struct certs_order){.cn = "c"}, &leaf);
    struct tls_peer *peer = tls_peer_new(leaf.der, &err);
    tls_peer_set_path(peer, two, 2, true);
    tls_peer_set_path(peer, two, 2, true);
    ck_assert_uint_eq(peer->n_path, 2);
    ck_assert(span_equals_str(peer->path[0], "second one") && span_equals_str(peer->path[1], "first"));
    ck_assert(peer->path[1].ptr != (const uint8_t *)first);
    tls_peer_set_path(peer, turned, 2, true);
    ck_assert(span_equals_str(peer->path[0], "first"));
    tls_peer_set_path(peer, one, 1, true);
    ck_assert_uint_eq(peer->n_path, 1);
    tls_peer_set_path(peer, NULL, 0, true);
    ck_assert(peer->n_path == 0 && peer->path == NULL);
    tls_peer_free(peer);
    certs_clear(&leaf);
}
END_TEST

START_TEST(refuses_what_is_no_certificate)
{
    struct certs leaf;
    certs_make(&(struct certs_order){.cn = "c", .sans = {"dns:a.example"}}, &leaf);
    for (size_t cut = 0; cut < leaf.der.len; cut++) {
        struct err err = {0};
        /* an exact copy, so that the sanitizer sees a read past the end */
        struct span part = span_of(leaf.der.ptr, cut);
        struct span copy = certs_join(&part, 1);
        ck_assert_ptr_null(tls_peer_new(copy, &err));
        ck_assert_int_eq(err.kind, ERR_PROTOCOL);
        certs_free(copy);
    }
    ck_assert_ptr_null(tls_peer_new(span_of(NULL, 0), NULL));
    certs_clear(&leaf);
}
END_TEST

/* Two subjectAltName extensions could show one reader this name and another that. */
START_TEST(a5_refuses_an_extension_that_appears_twice)
{
    static const uint8_t second[] = "\x30\x0b\x82\x09"
                                    "b.example";
    struct certs made;
    certs_make(&(struct certs_order){.sans = {"dns:a.example"},
                                     .extension = "2.5.29.99",
                                     .extension_value = {second, sizeof(second) - 1}},
               &made);
    uint8_t *oid = memmem(made.der.ptr, made.der.len, "\x55\x1d\x63", 3);
    ck_assert_ptr_nonnull(oid);
    struct tls_peer *peer = tls_peer_new(made.der, NULL);
    ck_assert_ptr_nonnull(peer);
    tls_peer_free(peer);
    oid[2] = 0x11; /* subjectAltName */
    ck_assert_ptr_null(tls_peer_new(made.der, NULL));
    certs_clear(&made);
}
END_TEST

START_TEST(a_copy_has_nothing_of_the_original)
{
    struct tls_peer *peer = peer_of(&(struct certs_order){.o = "Acme", .cn = "alice", .serial = 0xab01, .sans = {"dns:a.example", "uri:spiffe://td/a"}});
    const struct span path[] = {span_from_str("issuer"), span_from_str("root")};
    tls_peer_set_path(peer, path, 2, true);
    struct tls_peer *copy = tls_peer_copy(peer);
    ck_assert_ptr_nonnull(copy);
    ck_assert(span_equals(copy->der, peer->der));
    ck_assert_str_eq(copy->subject, "CN=alice,O=Acme");
    ck_assert_str_eq(copy->serial, "ab01");
    ck_assert_uint_eq(copy->n_names, 4);
    ck_assert(span_equals_str(tls_peer_first(copy, TLS_NAME_DNS), "a.example"));
    ck_assert(span_equals_str(copy->names[3].value, "spiffe://td/a"));
    ck_assert_uint_eq(copy->n_path, 2);
    ck_assert(span_equals_str(copy->path[1], "root"));
    ck_assert(copy->by_anchor);
    tls_peer_free(peer); /* the sanitizer finds what still points there */
    ck_assert_str_eq(copy->issuer, "CN=alice,O=Acme");
    ck_assert(span_equals_str(tls_peer_first(copy, TLS_NAME_CN), "alice"));
    ck_assert(span_equals_str(copy->path[0], "issuer"));
    tls_peer_free(copy);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_peer");
    TCase *c = tcase_create("peer");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, reads_every_name_in_order);
    tcase_add_test(c, a5_keeps_a_name_in_the_type_it_came_in);
    tcase_add_test(c, a5_shows_both_of_two_uris);
    tcase_add_test(c, a5_keeps_every_byte_of_a_value);
    tcase_add_test(c, a5_keeps_a_very_long_name_whole);
    tcase_add_test(c, a6_iterates_all_relative_names);
    tcase_add_test(c, a6_does_not_translate_strings);
    tcase_add_test(c, says_when_a_text_is_not_the_name);
    tcase_add_test(c, keeps_a_copy_of_the_certificate);
    tcase_add_test(c, keeps_copies_of_the_path_it_was_given_last);
    tcase_add_test(c, a_copy_has_nothing_of_the_original);
    tcase_add_test(c, refuses_what_is_no_certificate);
    tcase_add_test(c, a5_refuses_an_extension_that_appears_twice);
    suite_add_tcase(s, c);
    return s;
}
