/* SPDX-License-Identifier: Apache-2.0 */
/* The form of OCSP answers. What they are worth is in test_tls_checks_staple.c. */
#include "t.h"

#include "certs.h"
#include "tls_ocsp.h"

#include <string.h>

#define ENTRY_ID "\x30\x1a\x30\x07\x06\x05\x2b\x0e\x03\x02\x1a\x04\x04nnnn\x04\x04kkkk\x02\x03\x00\x81\x05"
#define AT "\x18\x0f" "20260110080000Z"

static const struct {
    const char *why;
    const char *der; /* behind the ID, inside of the entry */
    size_t len;
    int rc;
    enum tls_ocsp_status status;
    int64_t next_update;
} entries[] = {
#define DER(text) text, sizeof(text) - 1
    {"good", DER("\x80\x00" AT), 0, TLS_OCSP_GOOD, 0},
    {"good, with a next update", DER("\x80\x00" AT "\xa0\x11" AT), 0, TLS_OCSP_GOOD, 1768032000},
    {"unknown", DER("\x82\x00" AT), 0, TLS_OCSP_UNKNOWN, 0},
    {"revoked", DER("\xa1\x11" AT AT), 0, TLS_OCSP_REVOKED, 0},
    {"revoked, with a reason", DER("\xa1\x16" AT "\xa0\x03\x0a\x01\x01" AT), 0, TLS_OCSP_REVOKED, 0},
    {"an extension that need not be known", DER("\x80\x00" AT "\xa1\x0b\x30\x09\x30\x07\x06\x01\x2a\x04\x02\x05\x00"), 0, TLS_OCSP_GOOD, 0},
    {"one that must be known", DER("\x80\x00" AT "\xa1\x0e\x30\x0c\x30\x0a\x06\x01\x2a\x01\x01\xff\x04\x02\x05\x00"), -1, 0, 0},
    {"a good one with content", DER("\x80\x01\x00" AT), -1, 0, 0},
    {"another status", DER("\x83\x00" AT), -1, 0, 0},
    {"revoked, without a time", DER("\xa1\x00" AT), -1, 0, 0},
    {"a reason that is not one", DER("\xa1\x16" AT "\xa0\x03\x02\x01\x01" AT), -1, 0, 0},
    {"without a time", DER("\x80\x00"), -1, 0, 0},
    {"a time with two digits of the year", DER("\x80\x00\x17\x0d" "260110080000Z"), -1, 0, 0},
    {"something behind", DER("\x80\x00" AT "\x05\x00"), -1, 0, 0},
    {"two times of the next update", DER("\x80\x00" AT "\xa0\x22" AT AT), -1, 0, 0},
};

START_TEST(reads_an_entry)
{
    uint8_t der[256] = {0x30};
    struct tls_ocsp_entry e;
    size_t id = sizeof(ENTRY_ID) - 1;
    der[1] = (uint8_t)(id + entries[_i].len);
    memcpy(der + 2, ENTRY_ID, id);
    memcpy(der + 2 + id, entries[_i].der, entries[_i].len);
    struct span rest = span_of(der, 2 + id + entries[_i].len);
    ck_assert_msg(tls_ocsp_next_entry(&rest, &e) == entries[_i].rc, "%s", entries[_i].why);
    if (entries[_i].rc != 0)
        return;
    ck_assert_msg(e.status == entries[_i].status && e.next_update == entries[_i].next_update, "%s", entries[_i].why);
    ck_assert_int_eq(e.this_update, 1768032000);
    ck_assert_int_eq(e.revoked_at, e.status == TLS_OCSP_REVOKED ? 1768032000 : 0);
    ck_assert(span_equals_str(e.serial, "\x81\x05") && span_equals_str(e.issuer_name_hash, "nnnn") && span_equals_str(e.issuer_key_hash, "kkkk"));
    ck_assert_uint_eq(rest.len, 0);
}
END_TEST

START_TEST(a_refusal_of_the_responder_is_no_answer_and_no_fault)
{
    struct tls_ocsp_parsed p;
    ck_assert_int_eq(tls_ocsp_parse(span_of("\x30\x03\x0a\x01\x03", 5), &p), 0);
    ck_assert(!p.successful && p.entries.len == 0);
}
END_TEST

static const struct {
    const char *why, *der;
    size_t len;
} damaged[] = {
    {"nothing", DER("")},
    {"not a sequence", DER("\x31\x03\x0a\x01\x03")},
    {"something behind", DER("\x30\x03\x0a\x01\x03\x00")},
    {"no status", DER("\x30\x00")},
    {"an empty status", DER("\x30\x02\x0a\x00")},
    {"success without an answer", DER("\x30\x03\x0a\x01\x00")},
    {"an answer of another kind", DER("\x30\x0e\x0a\x01\x00\xa0\x09\x30\x07\x06\x01\x2a\x04\x02\x30\x00")},
    {"an empty answer", DER("\x30\x16\x0a\x01\x00\xa0\x11\x30\x0f\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01\x04\x02\x30\x00")},
};

START_TEST(refuses_what_is_no_answer)
{
    struct tls_ocsp_parsed p;
    ck_assert_msg(tls_ocsp_parse(span_of(damaged[_i].der, damaged[_i].len), &p) == -1, "%s", damaged[_i].why);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_ocsp");
    TCase *t = tcase_create("form");
    tcase_add_loop_test(t, reads_an_entry, 0, sizeof(entries) / sizeof(entries[0]));
    tcase_add_test(t, a_refusal_of_the_responder_is_no_answer_and_no_fault);
    tcase_add_loop_test(t, refuses_what_is_no_answer, 0, sizeof(damaged) / sizeof(damaged[0]));
    suite_add_tcase(s, t);
    return s;
}
