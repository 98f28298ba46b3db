/* SPDX-License-Identifier: Apache-2.0 */
#include "http_field.h"
#include "mtlsd/http/http_guard.h"
#include "t.h"

static const struct {
    const char *name;
    enum http_field_kind kind;
} fields[] = {
    {"Accept", HTTP_FIELD_PLAIN},
    {"User-Agent", HTTP_FIELD_PLAIN},
    {"Content-Type", HTTP_FIELD_PLAIN},
    {"Cookie", HTTP_FIELD_PLAIN},
    {"Authorization", HTTP_FIELD_PLAIN},
    {"Proxy-Authorization", HTTP_FIELD_PROXY},
    {"proxy_authorization", HTTP_FIELD_PROXY},
    {"Proxy-Authenticate", HTTP_FIELD_PLAIN},
    {"Trailer", HTTP_FIELD_TRAILER},
    {"TRAILER", HTTP_FIELD_TRAILER},
    {"Trailers", HTTP_FIELD_PLAIN},
    {"X-Original-URL", HTTP_FIELD_OVERRIDE},
    {"x_rewrite_url", HTTP_FIELD_OVERRIDE},
    {"X-HTTP-Method-Override", HTTP_FIELD_OVERRIDE},
    {"X.HTTP.Method", HTTP_FIELD_OVERRIDE},
    {"X-Method-Override", HTTP_FIELD_OVERRIDE},
    {"X-HTTP-Methods", HTTP_FIELD_PLAIN},
    {"X-Original-Host", HTTP_FIELD_OTHER_HOST},
    {"x_host", HTTP_FIELD_OTHER_HOST},
    {"X-HTTP-Host-Override", HTTP_FIELD_OTHER_HOST},
    {"X-Hosts", HTTP_FIELD_PLAIN},
    {"X-SSL-Any", HTTP_FIELD_OWNED},
    {"SSL_CLIENT_ANY", HTTP_FIELD_OWNED},
    {"X-Request-Id", HTTP_FIELD_PLAIN},
    {"Server", HTTP_FIELD_PLAIN},
    {"Forward", HTTP_FIELD_PLAIN},
    {"Hosts", HTTP_FIELD_PLAIN},
    {"T", HTTP_FIELD_PLAIN},
    {"X", HTTP_FIELD_PLAIN},
    {"C", HTTP_FIELD_PLAIN},
    {"TEE", HTTP_FIELD_PLAIN},
    {"Upgrade-Insecure-Requests", HTTP_FIELD_PLAIN},
    {"Host", HTTP_FIELD_HOST},
    {"hOsT", HTTP_FIELD_HOST},
    {"Connection", HTTP_FIELD_CONNECTION},
    {"CONNECTION", HTTP_FIELD_CONNECTION},
    {"Keep-Alive", HTTP_FIELD_HOP},
    {"Proxy-Connection", HTTP_FIELD_HOP},
    {"proxy_connection", HTTP_FIELD_HOP},
    {"TE", HTTP_FIELD_HOP},
    {"te", HTTP_FIELD_HOP},
    {"Upgrade", HTTP_FIELD_HOP},
    {"HTTP2-Settings", HTTP_FIELD_HOP}, /* half of an upgrade to h2c, also where Connection does not name it */
    {"Content-Length", HTTP_FIELD_LENGTH},
    {"content.length", HTTP_FIELD_LENGTH},
    {"Transfer-Encoding", HTTP_FIELD_CODING},
    {"TRANSFER_ENCODING", HTTP_FIELD_CODING},
    {"Client-Cert", HTTP_FIELD_OWNED},
    {"client_cert_chain", HTTP_FIELD_OWNED},
    {"Client!Cert", HTTP_FIELD_OWNED},
    {"X~SSL+Client|CN", HTTP_FIELD_OWNED},
    {"ssl*client'verify", HTTP_FIELD_OWNED},
    {"X-SSL-Issuer", HTTP_FIELD_OWNED},
    {"X-Forwarded-Client-Cert", HTTP_FIELD_OWNED},
    {"ssl-client-verify", HTTP_FIELD_OWNED},
    {"X-Forwarded-For", HTTP_FIELD_FORWARDED},
    {"x_forwarded_host", HTTP_FIELD_FORWARDED},
    {"X-Real-IP", HTTP_FIELD_FORWARDED},
    {"Forwarded", HTTP_FIELD_FORWARDED},
};

START_TEST(C1_knows_the_kinds_of_fields)
{
    struct span name = span_from_str(fields[_i].name);
    enum http_field_kind kind = http_field_kind_of(name);
    ck_assert_msg(kind == fields[_i].kind, "%s: %d", fields[_i].name, (int)kind);
}
END_TEST

START_TEST(C3_lets_only_plain_fields_trail)
{
    ck_assert(http_field_may_trail(span_from_str("Checksum")));
    ck_assert(http_field_may_trail(span_from_str("grpc-status")));
    ck_assert(http_field_may_trail(span_from_str("Server-Timing")));
    ck_assert(!http_field_may_trail(span_from_str("set_cookie")));
    ck_assert(!http_field_may_trail(span_from_str("Location")));
    ck_assert(!http_field_may_trail(span_from_str("Destination"))); /* C9: a second path */
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (fields[i].kind != HTTP_FIELD_PLAIN)
            ck_assert_msg(!http_field_may_trail(span_from_str(fields[i].name)), "%s", fields[i].name);
}
END_TEST

START_TEST(C11_tells_fields_that_name_another_host)
{
    static const struct {
        const char *name, *value;
        bool other;
    } rows[] = {
        {"X-Forwarded-Host", "a.example", false},         {"x_forwarded_host", "A.example.:8443", false},  {"X-Forwarded-Host", "b.example", true},
        {"X-Forwarded-Host", "a.example, b.example", true}, {"X-Forwarded-Host", "b.example,a.example", true}, {"X-Forwarded-Host", ".a.example", true},
        {"X-Forwarded-Host", "", false},                  {"X-Forwarded-For", "b.example", false},         {"Forwarded", "for=192.0.2.1;proto=https", false},
        {"Forwarded", "for=192.0.2.1; HOST=b.example", true}, {"forwarded", "host=a.example", true},      {"X-Hostname", "b.example", false},
        {"X-Host", "b.example", true}, {"x_original_host", "b.example", true}, {"X-HTTP-Host-Override", "b.example", true}, {"X-Host", "A.example:8443", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_field f = {span_from_str(rows[i].name), span_from_str(rows[i].value)};
        ck_assert_msg(http_guard_names_other_host(&f, span_from_str("a.example")) == rows[i].other, "%s: %s", rows[i].name, rows[i].value);
    }
    struct http_field f = {span_from_str("X-Forwarded-Host"), span_from_str("b.example")};
    ck_assert(http_guard_names_other_host(&f, span_of(NULL, 0)));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_field");
    TCase *tc = tcase_create("kinds");
    tcase_add_loop_test(tc, C1_knows_the_kinds_of_fields, 0, (int)(sizeof(fields) / sizeof(fields[0])));
    tcase_add_test(tc, C3_lets_only_plain_fields_trail);
    tcase_add_test(tc, C11_tells_fields_that_name_another_host);
    suite_add_tcase(s, tc);
    return s;
}
