/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_values.h"
#include "t.h"

#include <string.h>

static const struct tls_verdict valid = {.status = REASON_VALID}, none = {.status = REASON_NONE};
static const struct tls_verdict expired = {.status = REASON_EXPIRED, .openssl_error = 10};

static const struct tls_name names[] = {
    {TLS_NAME_CN, {(const uint8_t *)"alice, bob", 10}},
    {TLS_NAME_DNS, {(const uint8_t *)"a.example", 9}},
    {TLS_NAME_URI, {(const uint8_t *)"spiffe://d/w,x", 14}},
    {TLS_NAME_URI, {(const uint8_t *)"spiffe://d/2", 12}},
};

static struct tls_peer peer;
static struct http_target target;
static struct http_values values;

static void setup(void)
{
    peer = (struct tls_peer){.subject = "CN=alice\\, bob", .issuer = "CN=ca", .serial = "0a", .sha256 = "00ff", .not_after = 86400, .names = names,
                             .n_names = sizeof(names) / sizeof(names[0]), .der = span_of("abc", 3)};
    target = (struct http_target){.host = span_from_str("a.example"), .port = 8443, .path = span_from_str("/x"), .query = span_from_str("?q=1")};
    values = (struct http_values){
        .asks = true, .verdict = &valid, .words = "valid", .peer = &peer, .tls_version = "TLS1.2", .tls_suite = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        .server_name = "sni.example", .client = "192.0.2.1", .client_port = 4711, .method = span_from_str("GET"), .target = &target,
        .path = span_from_str("/x"), .id = "0123", .listener = "public", .route = "mtlsd.conf:7"};
}

/* The value of one variable as plain text. */
static const char *value_of(enum variable v)
{
    static char text[1024];
    const struct template_part part = {.variable = v};
    struct template_value value = {.unfit = false};
    bytes_init(&value.made, 4096);
    http_values_give(&values, &part, &value);
    struct span got = value.made.len > 0 ? bytes_span(&value.made) : value.text;
    ck_assert_uint_lt(got.len, sizeof(text));
    memcpy(text, got.len > 0 ? (const char *)got.ptr : "", got.len);
    text[got.len] = '\0';
    bytes_clear(&value.made);
    return value.unfit ? "unfit" : text;
}

START_TEST(gives_each_value_of_a_valid_client)
{
    static const struct {
        enum variable v;
        const char *value;
    } rows[] = {
        {VARIABLE_CERT_STATUS, "valid"},       {VARIABLE_CERT_ERROR, "0"},
        {VARIABLE_CERT_VERIFY, "SUCCESS"},     {VARIABLE_CERT_SUBJECT, "CN=alice\\, bob"},
        {VARIABLE_CERT_CN, "alice, bob"},      {VARIABLE_CERT_ISSUER, "CN=ca"},
        {VARIABLE_CERT_SERIAL, "0a"},          {VARIABLE_CERT_SHA256, "00ff"},
        {VARIABLE_CERT_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d"}, /* of "abc", FIPS 180-2 */
        {VARIABLE_CERT_SAN, "DNS:a.example, URI:spiffe://d/w%2Cx, URI:spiffe://d/2"},
        {VARIABLE_CERT_URI, "spiffe://d/w,x"}, {VARIABLE_CERT_NOT_BEFORE, "1970-01-01T00:00:00Z"},
        {VARIABLE_CERT_NOT_AFTER, "1970-01-02T00:00:00Z"},
        {VARIABLE_CERT_PEM, "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n"},
        {VARIABLE_CERT_DER, "YWJj"},           {VARIABLE_REGISTRY, ""}, /* no row */
        {VARIABLE_TLS_VERSION, "TLSv1.2"},
        {VARIABLE_TLS_CIPHER, "ECDHE-RSA-AES256-GCM-SHA384"},
        {VARIABLE_TLS_SNI, "sni.example"},     {VARIABLE_TLS_RESUMED, "false"},
        {VARIABLE_CLIENT_ADDRESS, "192.0.2.1"}, {VARIABLE_CLIENT_PORT, "4711"},
        {VARIABLE_REQUEST_METHOD, "GET"},      {VARIABLE_REQUEST_HOST, "a.example"},
        {VARIABLE_REQUEST_PATH, "/x"},         {VARIABLE_REQUEST_URI, "/x?q=1"},
        {VARIABLE_REQUEST_ID, "0123"},         {VARIABLE_LISTENER, "public"},
        {VARIABLE_ROUTE, "mtlsd.conf:7"},
    };
    ck_assert_uint_eq(sizeof(rows) / sizeof(rows[0]), VARIABLE_TIME); /* those of logs have values in test_access_pattern.c */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(strcmp(value_of(rows[i].v), rows[i].value) == 0, "%s: %s", variable_row(rows[i].v)->word, value_of(rows[i].v));
}
END_TEST

START_TEST(a_tolerated_certificate_is_told_by_its_status_and_never_whole) /* A2 */
{
    values.verdict = &expired;
    values.words = "expired,wrong_purpose";
    ck_assert_str_eq(value_of(VARIABLE_CERT_STATUS), "expired,wrong_purpose");
    ck_assert_str_eq(value_of(VARIABLE_CERT_ERROR), "10");
    ck_assert_str_eq(value_of(VARIABLE_CERT_VERIFY), "FAILED:expired,wrong_purpose");
    ck_assert_str_eq(value_of(VARIABLE_CERT_CN), "alice, bob");
    ck_assert_str_eq(value_of(VARIABLE_CERT_PEM), "");
    ck_assert_str_eq(value_of(VARIABLE_CERT_DER), "");
    values.verdict = NULL;
    ck_assert_str_eq(value_of(VARIABLE_CERT_ERROR), "1");
    ck_assert_str_eq(value_of(VARIABLE_CERT_PEM), "");
}
END_TEST

START_TEST(a_client_without_a_certificate_has_its_status_and_nothing_else)
{
    values.peer = NULL;
    values.verdict = &none;
    values.words = "none";
    ck_assert_str_eq(value_of(VARIABLE_CERT_STATUS), "none");
    ck_assert_str_eq(value_of(VARIABLE_CERT_ERROR), "1");
    ck_assert_str_eq(value_of(VARIABLE_CERT_VERIFY), "NONE");
    for (enum variable v = VARIABLE_CERT_SUBJECT; v <= VARIABLE_CERT_DER; v++)
        ck_assert_msg(value_of(v)[0] == '\0', "%s", variable_row(v)->word);
}
END_TEST

START_TEST(without_tls_or_a_request_for_a_certificate_nothing_is_said_of_them)
{
    values.asks = false;
    values.peer = NULL;
    values.tls_version = NULL;
    for (enum variable v = VARIABLE_CERT_STATUS; v <= VARIABLE_TLS_RESUMED; v++)
        ck_assert_msg(value_of(v)[0] == '\0', "%s", variable_row(v)->word);
    values.tls_version = "TLS1.3";
    values.tls_suite = "TLS_AES_256_GCM_SHA384";
    values.resumed = true;
    ck_assert_str_eq(value_of(VARIABLE_TLS_VERSION), "TLSv1.3");
    ck_assert_str_eq(value_of(VARIABLE_TLS_CIPHER), "TLS_AES_256_GCM_SHA384");
    ck_assert_str_eq(value_of(VARIABLE_TLS_RESUMED), "true");
}
END_TEST

START_TEST(a_name_that_was_cut_is_no_value)
{
    peer.subject_cut = peer.issuer_cut = true;
    ck_assert_str_eq(value_of(VARIABLE_CERT_SUBJECT), "unfit");
    ck_assert_str_eq(value_of(VARIABLE_CERT_ISSUER), "unfit");
    peer.subject_empty = true;
    ck_assert_str_eq(value_of(VARIABLE_CERT_SUBJECT), "");
}
END_TEST

START_TEST(a_host_is_one_that_all_readers_take_for_the_same) /* A15 */
{
    target.host = span_from_str("2001:db8::1");
    ck_assert_str_eq(value_of(VARIABLE_REQUEST_HOST), "[2001:db8::1]");
    static const char *const odd[] = {"", "a@b", "a/b", ".example", "a..b", "a b", "a%2fb"};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        target.host = span_from_str(odd[i]);
        ck_assert_str_eq(value_of(VARIABLE_REQUEST_HOST), "");
    }
}
END_TEST

START_TEST(what_there_is_not_has_no_value)
{
    values = (struct http_values){.path = span_of(NULL, 0)};
    for (enum variable v = VARIABLE_CERT_STATUS; v < VARIABLE_COUNT; v++)
        ck_assert_msg(value_of(v)[0] == '\0', "%s", variable_row(v)->word);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_values");
    TCase *t = tcase_create("http_values");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, gives_each_value_of_a_valid_client);
    tcase_add_test(t, a_tolerated_certificate_is_told_by_its_status_and_never_whole);
    tcase_add_test(t, a_client_without_a_certificate_has_its_status_and_nothing_else);
    tcase_add_test(t, without_tls_or_a_request_for_a_certificate_nothing_is_said_of_them);
    tcase_add_test(t, a_name_that_was_cut_is_no_value);
    tcase_add_test(t, a_host_is_one_that_all_readers_take_for_the_same);
    tcase_add_test(t, what_there_is_not_has_no_value);
    suite_add_tcase(s, t);
    return s;
}
