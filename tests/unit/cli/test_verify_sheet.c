/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"
#include "verify/verify.h"

#include <stdio.h>
#include <string.h>

static char text[16384];

static const char *sheet_of(const char *json)
{
    struct bytes out;
    struct page page = {.out = &out};
    json_error_t error;
    json_t *document = json_loads(json, 0, &error);
    ck_assert_msg(document != NULL, "%s", error.text);
    bytes_init(&out, sizeof(text) - 1);
    verify_sheet_print(&page, document);
    ck_assert_int_eq(page_end(&page), 0);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, (const char *)bytes_span(&out).ptr);
    json_decref(document);
    bytes_clear(&out);
    return text;
}

#define REST "\"purpose\":\"client\",\"at\":0,\"trust\":{\"cas\":1,\"crls\":2,\"revoked\":0}}"

START_TEST(a_valid_certificate_is_told_in_a_few_lines)
{
    ck_assert_str_eq(sheet_of("{\"status\":\"valid\",\"detail\":\"good\",\"findings\":[],\"names\":[\"a.example\",\"b.example\"],\"listener\":null,"
                              "\"chain\":[{\"parsed\":true,\"subject\":\"CN=x\",\"issuer\":\"CN=CA\",\"key\":\"Ed25519\",\"serial\":\"1\",\"not_before\":0,"
                              "\"not_after\":86400,\"sha256\":\"ab\"},{\"parsed\":false,\"bytes\":7}]," REST),
                     "status     valid\nbecause    good\nverified   as a client, at 1970-01-01T00:00:00Z\nexpected   a.example\n           b.example\n"
                     "trust      1 CA, 2 CRLs, 0 revoked\n"
                     "\n[0] subject    CN=x\n    issuer     CN=CA\n    valid      1970-01-01T00:00:00Z to 1970-01-02T00:00:00Z\n    key        Ed25519\n"
                     "    serial     1\n    sha256     ab\n"
                     "\n[1] cannot be parsed (7 bytes)\n");
}
END_TEST

START_TEST(the_same_advice_is_given_once)
{
    sheet_of("{\"status\":\"expired\",\"detail\":\"d\",\"openssl_error\":10,\"alert\":{\"name\":\"certificate_expired\",\"number\":45},\"findings\":["
             "{\"reason\":\"expired\",\"detail\":\"one\",\"hint\":\"renew it\"},{\"reason\":\"expired\",\"detail\":\"two\",\"hint\":\"renew it\"},"
             "{\"reason\":\"weak\",\"detail\":\"three\",\"hint\":\"larger\"}]," REST);
    ck_assert_ptr_nonnull(strstr(text, "sent as    alert certificate_expired (45), OpenSSL's number 10\n"
                                       "problems   expired        one\n           expired        two\n                          -> renew it\n"
                                       "           weak           three\n                          -> larger\n"));
}
END_TEST

START_TEST(says_what_the_listener_does)
{
    static const struct {
        const char *status, *listener, *says;
    } rows[] = {
        {"valid", "\"lets_in\":true,\"answers\":0", "listener   l at a.conf:3: lets it in\n"},
        {"expired", "\"lets_in\":true,\"answers\":0", ": lets it in (tolerate), for routes that name the status"},
        {"expired", "\"lets_in\":false,\"answers\":0", ": refuses the handshake\n"},
        {"not_allowed", "\"lets_in\":false,\"answers\":403", "sent as    HTTP 403, OpenSSL's number 50\nlistener   l at a.conf:3: answers each request with 403\n"},
    };
    char json[1000];
    snprintf(json, sizeof(json), "{\"status\":\"%s\",\"detail\":\"d\",\"openssl_error\":50,\"listener\":{\"name\":\"l\",\"where\":\"a.conf:3\",%s}," REST,
             rows[_i].status, rows[_i].listener);
    ck_assert_msg(strstr(sheet_of(json), rows[_i].says) != NULL, "%s", text);
}
END_TEST

/* C8 */
START_TEST(prints_nothing_raw_that_a_certificate_holds)
{
    sheet_of("{\"status\":\"valid\",\"detail\":\"\\u001b[2J\",\"names\":[\"\\n\"],\"chain\":[{\"parsed\":true,\"subject\":\"CN=\\u202e\\r\",\"issuer\":\"\\u009b\","
             "\"serial\":\"\\u0007\"}],\"findings\":[{\"reason\":\"expired\",\"detail\":\"\\u001b\"}]," REST);
    for (const char *c = text; *c != '\0'; c++)
        ck_assert_msg((*c >= 0x20 && *c < 0x7f) || *c == '\n', "byte %02x", (unsigned char)*c);
    ck_assert_ptr_nonnull(strstr(text, "CN=%E2%80%AE%0D\n"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("verify_sheet");
    TCase *c = tcase_create("verify_sheet");
    tcase_add_test(c, a_valid_certificate_is_told_in_a_few_lines);
    tcase_add_test(c, the_same_advice_is_given_once);
    tcase_add_loop_test(c, says_what_the_listener_does, 0, 4);
    tcase_add_test(c, prints_nothing_raw_that_a_certificate_holds);
    suite_add_tcase(s, c);
    return s;
}
