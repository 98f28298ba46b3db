/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_subject.h"
#include "certs.h"
#include "t.h"

#define C "2.5.4.6"
#define L "2.5.4.7"
#define ST "2.5.4.8"
#define DER(text) {(const uint8_t *)(text), sizeof(text) - 1}

static struct tls_peer *peer_of(const struct certs_order *order)
{
    struct certs made;
    struct err err = {0};
    certs_make(order, &made);
    struct tls_peer *peer = tls_peer_new(made.der, &err);
    ck_assert_msg(peer != NULL, "%s", err.text);
    certs_clear(&made);
    return peer;
}

START_TEST(finds_the_one_country_state_and_locality)
{
    struct tls_peer *peer = peer_of(&(struct certs_order){
        .cn = "x", .parts = {{C, DER("\x13\x02" "DE")}, {ST, DER("\x0c\x03" "S\xc3\xbc")}, {L, DER("\x0c\x06" "Munich")}}});
    ck_assert(span_equals_str(tls_subject_find(peer, TLS_SUBJECT_C).value, "DE"));
    ck_assert(span_equals_str(tls_subject_find(peer, TLS_SUBJECT_ST).value, "S\xc3\xbc"));
    ck_assert(span_equals_str(tls_subject_find(peer, TLS_SUBJECT_L).value, "Munich"));
    ck_assert(!tls_subject_is_odd(peer));
    tls_peer_free(peer);
}
END_TEST

/* A5, A6: what two readers take for two values has none here. */
START_TEST(a6_has_no_value_of_several_or_of_another_string_type)
{
    const struct {
        const char *why;
        struct certs_order order;
        size_t n;
        bool odd_part, odd_subject;
    } rows[] = {
        {"no country", {.cn = "DE"}, 0, false, false},
        {"two countries", {.parts = {{C, DER("\x13\x02" "DE")}, {C, DER("\x13\x02" "FR")}}}, 2, false, false},
        {"one country twice", {.parts = {{C, DER("\x13\x02" "DE")}, {C, DER("\x13\x02" "DE")}}}, 2, false, false},
        {"a BMPString", {.parts = {{C, DER("\x1e\x04\0D\0E")}}}, 1, true, true},
        {"a UniversalString", {.parts = {{C, DER("\x1c\x08\0\0\0D\0\0\0E")}}}, 1, true, true},
        {"a UTF8String that is none", {.parts = {{C, DER("\x0c\x02" "D\xff")}}}, 1, true, true},
        {"a T61String of letters that readers differ in", {.parts = {{C, DER("\x14\x02" "D\xc4")}}}, 1, true, true},
        {"an INTEGER", {.parts = {{C, DER("\x02\x02" "DE")}}}, 1, true, true},
        {"another part that is odd", {.parts = {{ST, DER("\x1e\x04\0D\0E")}}}, 0, false, true},
        {"another part with a control character", {.parts = {{ST, DER("\x0c\x03" "a\nb")}}}, 0, false, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_peer *peer = peer_of(&rows[i].order);
        struct tls_subject_value found = tls_subject_find(peer, TLS_SUBJECT_C);
        ck_assert_msg(found.n == rows[i].n && found.odd == rows[i].odd_part && found.value.len == 0, "%s", rows[i].why);
        ck_assert_msg(tls_subject_is_odd(peer) == rows[i].odd_subject, "%s", rows[i].why);
        tls_peer_free(peer);
    }
}
END_TEST

START_TEST(a5_keeps_every_byte_of_a_value)
{
    struct tls_peer *peer = peer_of(&(struct certs_order){.parts = {{C, DER("\x0c\x04" "DE\0x")}}});
    ck_assert(span_equals(tls_subject_find(peer, TLS_SUBJECT_C).value, span_of("DE\0x", 4)));
    ck_assert(tls_subject_is_odd(peer));
    tls_peer_free(peer);
}
END_TEST

START_TEST(a_peer_without_a_certificate_has_an_odd_subject)
{
    struct tls_peer peer = {.n_names = 0};
    struct tls_subject_value found = tls_subject_find(&peer, TLS_SUBJECT_C);
    ck_assert(found.odd && found.value.len == 0 && tls_subject_is_odd(&peer));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_subject");
    TCase *c = tcase_create("subject");
    tcase_add_test(c, finds_the_one_country_state_and_locality);
    tcase_add_test(c, a6_has_no_value_of_several_or_of_another_string_type);
    tcase_add_test(c, a5_keeps_every_byte_of_a_value);
    tcase_add_test(c, a_peer_without_a_certificate_has_an_odd_subject);
    suite_add_tcase(s, c);
    return s;
}
