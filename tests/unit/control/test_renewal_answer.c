/* SPDX-License-Identifier: Apache-2.0 */
/* E8 */
#include "mtlsd/control/renewal_answer.h"
#include "t.h"

#include <string.h>

static enum renewal_outcome read_answer(enum renewal_kind kind, unsigned status, const char *type, const char *body, struct bytes *pem, struct err *err)
{
    struct renewal_reply reply = {.status = status};
    bytes_init(&reply.body, 1 << 20);
    bytes_append_str(&reply.body, body);
    memcpy(reply.type, type, strlen(type) + 1);
    *err = (struct err){0};
    enum renewal_outcome outcome = renewal_answer_read(kind, &reply, pem, err);
    bytes_clear(&reply.body);
    return outcome;
}

START_TEST(an_answer_without_certificates_is_refused_with_words)
{
    static const char json[] = "application/json", pkcs7[] = "application/pkcs7-mime";
    static const struct row { enum renewal_kind kind; unsigned status; const char *type, *body, *says; } rows[] = {
        {RENEWAL_EST, 302, pkcs7, "", "a redirect (302), which is not followed"},
        {RENEWAL_EST, 401, pkcs7, "who?\x1b[2J", "does not accept the certificate in use for a renewal (401): who?[2J"},
        {RENEWAL_EST, 403, pkcs7, "", "does not accept the certificate in use"},
        {RENEWAL_EST, 500, pkcs7, "oops", "status 500: oops"},
        {RENEWAL_EST, 204, pkcs7, "", "status 204"},
        {RENEWAL_EST, 200, "text/html", "x", "Content-Type \"text/html\""},
        {RENEWAL_EST, 200, "", "x", "Content-Type \"\""},
        {RENEWAL_EST, 200, pkcs7, "", "the answer is empty"},
        {RENEWAL_EST, 200, "APPLICATION/PKCS7-MIME; smime-type=certs-only", "!!", "not base64"},
        {RENEWAL_EST, 201, pkcs7, "x", "status 201"},
        {RENEWAL_STEP, 404, json, "{}", "has no /1.0/rekey (404)"},
        {RENEWAL_STEP, 201, json, "", "no JSON object"},
        {RENEWAL_STEP, 201, json, "{}", "no JSON object"},
        {RENEWAL_STEP, 201, json, "{\"crt\":7}", "no JSON object"},
        {RENEWAL_STEP, 201, json, "{\"certChain\":[{}]}", "no JSON object"},
        {RENEWAL_STEP, 201, json, "{\"crt\":\"a\",\"crt\":\"b\"}", "no JSON object"},
        {RENEWAL_STEP, 201, json, "{\"certChain\":[1,2,3,4,5,6,7,8,9,10,11]}", "no JSON object"},
    };
    struct bytes pem;
    struct err err;
    ck_assert_int_eq(read_answer(rows[_i].kind, rows[_i].status, rows[_i].type, rows[_i].body, &pem, &err), RENEWAL_REFUSED);
    ck_assert_msg(strstr(err.text, rows[_i].says) != NULL, "%s, where \"%s\" is due", err.text, rows[_i].says);
    ck_assert_uint_eq(pem.len, 0);
}
END_TEST

START_TEST(a_ca_may_answer_later)
{
    struct bytes pem;
    struct err err;
    ck_assert_int_eq(read_answer(RENEWAL_EST, 202, "", "", &pem, &err), RENEWAL_LATER);
}
END_TEST

START_TEST(reads_the_chain_of_step_ca_in_both_forms)
{
    struct bytes pem;
    struct err err;
    ck_assert_int_eq(read_answer(RENEWAL_STEP, 201, "application/json", "{\"crt\":\"A\",\"ca\":\"B\",\"certChain\":[\"A\",\"B\"],\"tlsOptions\":{}}", &pem, &err), RENEWAL_ANSWERED);
    ck_assert(span_equals_str(bytes_span(&pem), "A\nB\n"));
    bytes_clear(&pem);
    ck_assert_int_eq(read_answer(RENEWAL_STEP, 201, "application/json", "{\"crt\":\"A\",\"ca\":\"B\"}", &pem, &err), RENEWAL_ANSWERED);
    ck_assert(span_equals_str(bytes_span(&pem), "A\nB\n"));
    bytes_clear(&pem);
}
END_TEST

START_TEST(asks_as_each_of_the_servers_wants_it)
{
    struct bytes out;
    struct err err = {0};
    struct renewal_question q = {RENEWAL_EST, "ca.example:443", "/.well-known/est/simplereenroll", span_from_str("DER")};
    ck_assert_int_eq(renewal_answer_ask(&q, &out, &err), 0);
    bytes_append(&out, "", 1);
    ck_assert_ptr_nonnull(strstr((const char *)bytes_span(&out).ptr, "POST /.well-known/est/simplereenroll HTTP/1.1\r\nHost: ca.example:443\r\n"));
    ck_assert_ptr_nonnull(strstr((const char *)bytes_span(&out).ptr, "Content-Type: application/pkcs10\r\nContent-Transfer-Encoding: base64\r\nContent-Length: 4\r\n"));
    ck_assert_ptr_nonnull(strstr((const char *)bytes_span(&out).ptr, "\r\n\r\nREVS"));
    bytes_clear(&out);
    q = (struct renewal_question){RENEWAL_STEP, "ca.example:9000", "/1.0/rekey", span_from_str("DER")};
    ck_assert_int_eq(renewal_answer_ask(&q, &out, &err), 0);
    bytes_append(&out, "", 1);
    ck_assert_ptr_nonnull(strstr((const char *)bytes_span(&out).ptr, "\r\n\r\n{\"csr\":\"-----BEGIN CERTIFICATE REQUEST-----\\nREVS\\n-----END CERTIFICATE REQUEST-----\\n\"}"));
    bytes_clear(&out);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("renewal_answer");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, an_answer_without_certificates_is_refused_with_words, 0, 17);
    tcase_add_test(c, a_ca_may_answer_later);
    tcase_add_test(c, reads_the_chain_of_step_ca_in_both_forms);
    tcase_add_test(c, asks_as_each_of_the_servers_wants_it);
    suite_add_tcase(s, c);
    return s;
}
