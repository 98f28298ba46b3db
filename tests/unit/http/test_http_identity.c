/* SPDX-License-Identifier: Apache-2.0 */
/* Row C2: what a certificate says can never end a line, a value or a list, and never reads as more than was
 * proven. */
#include "mtlsd/http/http_identity.h"
#include "certs.h"
#include "mtlsd/base/text.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

enum { BOTH = HTTP_IDENTITY_RFC9440 | HTTP_IDENTITY_X_SSL, ALL = BOTH | HTTP_IDENTITY_NGINX };

static const struct tls_verdict valid = {.status = REASON_VALID};
static const struct tls_verdict expired = {
    .status = REASON_EXPIRED, .openssl_error = 10, .text = "certificate CN=a: expired 2025-01-03T00:00:00Z"};
static const struct tls_verdict none = {.status = REASON_NONE};

static struct tls_peer peer_with(const struct tls_name *names, size_t n)
{
    return (struct tls_peer){
        .subject = "CN=a,O=b",
        .issuer = "CN=ca",
        .sha256 = "00ff",
        .serial = "0a",
        .not_before = 0,
        .not_after = 86400,
        .names = names,
        .n_names = n,
        .der = span_of("\x30\x03\x02\x01\x05", 5),
    };
}

static char *lines_of(unsigned presets, const struct tls_verdict *v, const char *word,
                      const struct tls_peer *peer)
{
    struct bytes out;
    bytes_init(&out, 1 << 20);
    ck_assert_int_eq(http_identity_append(&out, presets, v, word, peer), 0);
    char *text = span_dup(bytes_span(&out));
    bytes_clear(&out);
    return text;
}

START_TEST(writes_rfc9440_as_byte_sequences)
{
    struct tls_peer peer = peer_with(NULL, 0);
    char *text = lines_of(HTTP_IDENTITY_RFC9440, &valid, "valid", &peer);
    ck_assert_str_eq(text, "Client-Cert: :MAMCAQU=:\r\n");
    free(text);
}
END_TEST

/* RFC 9440 section 2.3. */
START_TEST(writes_the_way_as_a_list_and_only_for_a_valid_certificate)
{
    const struct span path[] = {span_of("\x30\x01\x01", 3), span_of("\x30\x01\x02", 3)};
    struct tls_peer peer = peer_with(NULL, 0);
    peer.path = path;
    peer.n_path = 2;
    char *text = lines_of(HTTP_IDENTITY_RFC9440, &valid, "valid", &peer);
    ck_assert_str_eq(text, "Client-Cert: :MAMCAQU=:\r\nClient-Cert-Chain: :MAEB:, :MAEC:\r\n");
    free(text);
    text = lines_of(HTTP_IDENTITY_RFC9440, &expired, "expired", &peer);
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

START_TEST(writes_nginx_for_each_outcome)
{
    struct tls_peer peer = peer_with(NULL, 0);
    char *text = lines_of(HTTP_IDENTITY_NGINX, &valid, "valid", &peer);
    ck_assert_str_eq(text, "ssl-client-verify: SUCCESS\r\nssl-client-subject-dn: CN=a,O=b\r\nssl-client-issuer-dn: CN=ca\r\n"
                           "ssl-client-cert: -----BEGIN%20CERTIFICATE-----%0AMAMCAQU%3D%0A-----END%20CERTIFICATE-----%0A\r\n");
    free(text);
    text = lines_of(HTTP_IDENTITY_NGINX, &expired, "expired", &peer);
    ck_assert_str_eq(text, "ssl-client-verify: FAILED:expired\r\nssl-client-subject-dn: CN=a,O=b\r\nssl-client-issuer-dn: CN=ca\r\n");
    free(text);
    text = lines_of(HTTP_IDENTITY_NGINX, &none, "none", NULL);
    ck_assert_str_eq(text, "ssl-client-verify: NONE\r\n");
    free(text);
}
END_TEST

/* X-SSL-Error is the number itself, where there is one. */
START_TEST(tells_the_number_of_an_error_and_nothing_for_none)
{
    static const struct {
        struct tls_verdict v;
        const char *line; /* NULL: none */
    } rows[] = {{{.status = REASON_VALID}, NULL},
                {{.status = REASON_NONE}, NULL},
                {{.status = REASON_REVOKED, .openssl_error = 23}, "\r\nX-SSL-Error: 23\r\n"},
                {{.status = REASON_UNKNOWN_CA, .openssl_error = 20}, "\r\nX-SSL-Error: 20\r\n"},
                {{.status = REASON_UNKNOWN_CA, .openssl_error = 18}, "\r\nX-SSL-Error: 18\r\n"}};
    struct tls_peer peer = peer_with(NULL, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = lines_of(HTTP_IDENTITY_X_SSL, &rows[i].v, "x", &peer);
        ck_assert_msg(rows[i].line != NULL ? strstr(text, rows[i].line) != NULL : strstr(text, "X-SSL-Error") == NULL, "row %zu: %s", i, text);
        free(text);
    }
}
END_TEST

START_TEST(writes_x_ssl_for_a_valid_certificate)
{
    static const uint8_t v4[] = {127, 0, 0, 1}, v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    const struct tls_name names[] = {
        {TLS_NAME_CN, span_from_str("a")},
        {TLS_NAME_O, span_from_str("b")},
        {TLS_NAME_DNS, span_from_str("a.example")},
        {TLS_NAME_URI, span_from_str("spiffe://d/w")},
        {TLS_NAME_EMAIL, span_from_str("a@example")},
        {TLS_NAME_IP, span_of(v4, 4)},
        {TLS_NAME_IP, span_of(v6, 16)},
        {TLS_NAME_OTHER, span_from_str("x")},
    };
    struct tls_peer peer = peer_with(names, sizeof(names) / sizeof(names[0]));
    char *text = lines_of(HTTP_IDENTITY_X_SSL, &valid, "valid", &peer);
    ck_assert_str_eq(text,
                     "X-SSL-Client-Verify: 0\r\n"
                     "X-SSL-Client-Status: valid\r\n"
                     "X-SSL-Client-DN: CN=a,O=b\r\n"
                     "X-SSL-Issuer: CN=ca\r\n"
                     "X-SSL-Client-Serial: 0a\r\n"
                     "X-SSL-Client-SHA256: 00ff\r\n"
                     "X-SSL-Client-NotBefore: 1970-01-01T00:00:00Z\r\n"
                     "X-SSL-Client-NotAfter: 1970-01-02T00:00:00Z\r\n"
                     "X-SSL-Client-SAN: DNS:a.example, URI:spiffe://d/w, email:a@example, IP:127.0.0.1, "
                     "IP:2001:db8:0:0:0:0:0:1\r\n"
                     "X-SSL-Client-CN: a\r\n");
    free(text);
}
END_TEST

START_TEST(tells_an_expired_certificate_by_number_and_word_and_sends_no_Client_Cert)
{
    struct tls_peer peer = peer_with(NULL, 0);
    char *text = lines_of(BOTH, &expired, "expired", &peer);
    ck_assert_ptr_nonnull(strstr(text, "X-SSL-Client-Verify: 10\r\nX-SSL-Client-Status: expired\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "X-SSL-Error: 10\r\n"));
    ck_assert_ptr_null(strstr(text, "Client-Cert: "));
    free(text);
}
END_TEST

START_TEST(x_ssl_tells_version_and_cipher_in_the_words_of_openssl)
{
    static const struct {
        unsigned presets;
        const char *version, *suite, *lines;
    } rows[] = {{HTTP_IDENTITY_X_SSL, "TLS1.3", "TLS_AES_256_GCM_SHA384", "X-SSL-Protocol: TLSv1.3\r\nX-SSL-Cipher: TLS_AES_256_GCM_SHA384\r\n"},
                {ALL, "TLS1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "X-SSL-Protocol: TLSv1.2\r\nX-SSL-Cipher: ECDHE-RSA-AES256-GCM-SHA384\r\n"},
                {HTTP_IDENTITY_X_SSL, NULL, NULL, ""},
                {HTTP_IDENTITY_RFC9440 | HTTP_IDENTITY_NGINX, "TLS1.3", "TLS_AES_256_GCM_SHA384", ""}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bytes out;
        bytes_init(&out, 1000);
        ck_assert_int_eq(http_identity_append_tls(&out, rows[i].presets, rows[i].version, rows[i].suite), 0);
        ck_assert(span_equals_str(bytes_span(&out), rows[i].lines));
        bytes_clear(&out);
    }
}
END_TEST

START_TEST(knows_which_fields_a_preset_writes)
{
    ck_assert(http_identity_writes(HTTP_IDENTITY_X_SSL, span_from_str("x_ssl_client_cn")));
    ck_assert(http_identity_writes(ALL, span_from_str("SSL-Client-Cert")));
    ck_assert(!http_identity_writes(HTTP_IDENTITY_NGINX, span_from_str("X-SSL-Client-CN")));
    ck_assert(!http_identity_writes(ALL, span_from_str("X-SSL-Client")));
}
END_TEST

START_TEST(C1_never_says_verified_without_a_valid_certificate)
{
    static const struct tls_verdict undecided = {.status = REASON_UNDECIDED},
                                    numberless = {.status = REASON_WEAK};
    const struct tls_verdict *const verdicts[] = {NULL, &none, &expired, &undecided, &numberless};
    struct tls_peer peer = peer_with(NULL, 0);
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
        for (int with_peer = 0; with_peer < 2; with_peer++) {
            char *text = lines_of(ALL, verdicts[i], "none", with_peer ? &peer : NULL);
            ck_assert_msg(strstr(text, "X-SSL-Client-Verify: 0") == NULL, "verdict %zu:\n%s", i, text);
            ck_assert_msg(strstr(text, "Client-Cert: ") == NULL && strstr(text, "ssl-client-cert") == NULL, "verdict %zu:\n%s", i, text);
            ck_assert_msg(strstr(text, "SUCCESS") == NULL, "verdict %zu:\n%s", i, text);
            free(text);
        }
}
END_TEST

START_TEST(says_none_without_a_certificate)
{
    char *text = lines_of(BOTH, &none, "none", NULL);
    ck_assert_str_eq(text, "X-SSL-Client-Verify: 1\r\nX-SSL-Client-Status: none\r\n");
    free(text);
}
END_TEST

START_TEST(says_nothing_unasked)
{
    struct tls_peer peer = peer_with(NULL, 0);
    char *text = lines_of(0, &valid, "valid", &peer);
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

static const struct {
    const char *why, *cn;
    size_t n; /* 0: as long as the string */
    const char *written;
} cns[] = {
    {"plain", "alice", 0, "alice"},
    {"a second field line", "a\r\nX-SSL-Client-Verify: 0", 0, "a%0D%0AX-SSL-Client-Verify: 0"},
    {"the end of the head", "a\r\n\r\nGET /", 0, "a%0D%0A%0D%0AGET /"},
    {"bare LF", "a\nb", 0, "a%0Ab"},
    {"bare CR", "a\rb", 0, "a%0Db"},
    {"NUL", "admin\0.evil", 11, "admin%00.evil"},
    {"NUL at the end", "admin\0", 6, "admin%00"},
    {"quotes", "a\"b\"", 0, "a%22b%22"},
    {"comma", "a,b", 0, "a%2Cb"},
    {"semicolon", "a;b", 0, "a%3Bb"},
    {"equals sign", "a=b", 0, "a=b"},
    {"backslash", "a\\b", 0, "a%5Cb"},
    {"percent", "a%0D%0Ab", 0, "a%250D%250Ab"},
    {"UTF-8", "J\303\274rgen", 0, "J%C3%BCrgen"},
    {"no UTF-8", "\377", 0, "%FF"},
    {"DEL and ESC", "\177\033[2J", 0, "%7F%1B[2J"},
    {"tab", "a\tb", 0, "a%09b"},
    {"space inside", "a b", 0, "a b"},
    {"space in front, which readers trim", " admin", 0, "%20admin"},
    {"space behind, which readers trim", "admin ", 0, "admin%20"},
    {"only spaces", "   ", 0, "%20 %20"},
    {"tab in front", "\tadmin", 0, "%09admin"},
    {"comma first and last", ",a,", 0, "%2Ca%2C"},
};

START_TEST(C2_encodes_what_a_CN_must_not_say)
{
    const char *bytes = cns[_i].cn;
    size_t n = cns[_i].n > 0 ? cns[_i].n : strlen(bytes);
    const struct tls_name name = {TLS_NAME_CN, span_of(bytes, n)};
    struct tls_peer peer = peer_with(&name, 1);
    char *text = lines_of(HTTP_IDENTITY_X_SSL, &valid, "valid", &peer);
    char wanted[128];
    snprintf(wanted, sizeof(wanted), "\r\nX-SSL-Client-CN: %s\r\n", cns[_i].written);
    ck_assert_msg(strstr(text, wanted) != NULL, "%s:\n%s", cns[_i].why, text);
    free(text);
}
END_TEST

START_TEST(C2_keeps_every_byte_of_every_text_on_its_line)
{
    for (int c = 0; c < 256; c++) {
        char value[] = {'a', (char)c, 'b', '\0'};
        const struct tls_name names[] = {
            {TLS_NAME_CN, span_of(value, 3)},  {TLS_NAME_DNS, span_of(value, 3)},
            {TLS_NAME_URI, span_of(value, 3)}, {TLS_NAME_EMAIL, span_of(value, 3)},
            {TLS_NAME_IP, span_of(value, 3)},
        };
        struct tls_peer peer = peer_with(names, 5);
        peer.subject = peer.issuer = peer.serial = value;
        struct tls_verdict v = expired;
        memcpy(v.text, value, sizeof(value));
        char *text = lines_of(ALL, &v, "expired", &peer);
        size_t lines = 0;
        for (const char *t = text; *t != '\0'; t++) {
            ck_assert_msg((*t >= 0x20 && *t < 0x7f) || *t == '\r' || *t == '\n', "byte %02x:\n%s",
                          (unsigned)c, text);
            lines += *t == '\n' ? 1 : 0;
        }
        ck_assert_msg(lines == 14, "byte %02x makes %zu lines:\n%s", (unsigned)c, lines, text);
        free(text);
    }
}
END_TEST

START_TEST(C2_lets_no_name_look_like_two_in_the_list)
{
    const struct tls_name names[] = {{TLS_NAME_URI, span_from_str("spiffe://a/x, DNS:admin.example")},
                                     {TLS_NAME_DNS, span_from_str("a.example;b")}};
    struct tls_peer peer = peer_with(names, 2);
    char *text = lines_of(HTTP_IDENTITY_X_SSL, &valid, "valid", &peer);
    ck_assert_msg(
        strstr(text, "X-SSL-Client-SAN: URI:spiffe://a/x%2C%20DNS:admin.example, DNS:a.example%3Bb\r\n") !=
            NULL,
        "%s", text);
    free(text);
}
END_TEST

START_TEST(C2_tells_no_name_that_was_cut)
{
    struct tls_peer peer = peer_with(NULL, 0);
    peer.subject_cut = true;
    char *text = lines_of(ALL, &valid, "valid", &peer);
    ck_assert(strstr(text, "CN=a") == NULL && strstr(text, "X-SSL-Issuer: CN=ca\r\n") != NULL && strstr(text, "issuer-dn: CN=ca\r\n") != NULL);
    free(text);
    peer.subject_cut = false;
    peer.issuer_cut = true;
    text = lines_of(ALL, &valid, "valid", &peer);
    ck_assert(strstr(text, "CN=ca") == NULL && strstr(text, "X-SSL-Client-DN: CN=a,O=b\r\n") != NULL && strstr(text, "subject-dn: CN=a,O=b\r\n") != NULL);
    free(text);
}
END_TEST

START_TEST(C2_leaves_out_what_is_too_long_rather_than_cut_it)
{
    static char big[32769];
    memset(big, 'x', sizeof(big) - 1);
    const struct tls_name names[] = {{TLS_NAME_CN, span_of(big, 32768)}, {TLS_NAME_DNS, span_of(big, 32768)}};
    struct tls_peer peer = peer_with(names, 2);
    peer.subject = big;
    peer.der = span_of(big, 32768);
    const struct span path[] = {span_of("\x30\x01\x01", 3)}; /* a chain without its certificate must not be told */
    peer.path = path;
    peer.n_path = 1;
    char *text = lines_of(ALL, &valid, "valid", &peer);
    static const char *const absent[] = {"X-SSL-Client-CN", "X-SSL-Client-SAN", "X-SSL-Client-DN", "subject-dn",
                                         "Client-Cert", "client-cert", "xxxx"};
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        ck_assert_msg(strstr(text, absent[i]) == NULL, "%s", absent[i]);
    ck_assert_ptr_nonnull(strstr(text, "X-SSL-Issuer: CN=ca\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "X-SSL-Client-Verify: 0\r\n"));
    free(text);
}
END_TEST

START_TEST(A17_tells_a_distinguished_name_of_up_to_16_KiB)
{
    static char dn[16 * 1024 + 2];
    memset(dn, 'x', sizeof(dn) - 1);
    struct tls_peer peer = peer_with(NULL, 0);
    peer.subject = peer.issuer = dn;
    static const char *const fields[] = {"X-SSL-Client-DN: x", "X-SSL-Issuer: x", "ssl-client-subject-dn: x", "ssl-client-issuer-dn: x"};
    for (size_t over = 0; over < 2; over++) {
        dn[16 * 1024 + over] = '\0';
        char *text = lines_of(ALL, &valid, "valid", &peer);
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
            ck_assert_msg((strstr(text, fields[i]) != NULL) == (over == 0), "%s", fields[i]);
        free(text);
        dn[16 * 1024 + over] = 'x';
    }
}
END_TEST

START_TEST(C2_caps_what_encoding_makes_longer)
{
    static char big[6000];
    memset(big, 1, sizeof(big));
    const struct tls_name name = {TLS_NAME_CN, span_of(big, sizeof(big))};
    struct tls_peer peer = peer_with(&name, 1);
    char *text = lines_of(HTTP_IDENTITY_X_SSL, &valid, "valid", &peer);
    ck_assert_ptr_null(strstr(text, "X-SSL-Client-CN"));
    free(text);
}
END_TEST

START_TEST(writes_no_line_for_an_absent_name)
{
    struct tls_peer peer = peer_with(NULL, 0);
    char *text = lines_of(HTTP_IDENTITY_X_SSL, &valid, "valid", &peer);
    ck_assert_ptr_null(strstr(text, "X-SSL-Client-CN"));
    ck_assert_ptr_null(strstr(text, "X-SSL-Client-SAN"));
    free(text);
}
END_TEST

START_TEST(fails_when_there_is_no_room)
{
    struct tls_peer peer = peer_with(NULL, 0);
    char *text = lines_of(BOTH, &valid, "valid", &peer);
    size_t whole = strlen(text);
    free(text);
    for (size_t max = 0; max <= whole; max++) {
        struct bytes out;
        bytes_init(&out, max);
        ck_assert_int_eq(http_identity_append(&out, BOTH, &valid, "valid", &peer), max < whole ? -1 : 0);
        bytes_clear(&out);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_identity");
    TCase *tc = tcase_create("presets");
    tcase_add_test(tc, x_ssl_tells_version_and_cipher_in_the_words_of_openssl);
    tcase_add_test(tc, knows_which_fields_a_preset_writes);
    tcase_add_test(tc, writes_rfc9440_as_byte_sequences);
    tcase_add_test(tc, writes_the_way_as_a_list_and_only_for_a_valid_certificate);
    tcase_add_test(tc, writes_nginx_for_each_outcome);
    tcase_add_test(tc, tells_the_number_of_an_error_and_nothing_for_none);
    tcase_add_test(tc, writes_x_ssl_for_a_valid_certificate);
    tcase_add_test(tc, tells_an_expired_certificate_by_number_and_word_and_sends_no_Client_Cert);
    tcase_add_test(tc, C1_never_says_verified_without_a_valid_certificate);
    tcase_add_test(tc, says_none_without_a_certificate);
    tcase_add_test(tc, says_nothing_unasked);
    tcase_add_loop_test(tc, C2_encodes_what_a_CN_must_not_say, 0, (int)(sizeof(cns) / sizeof(cns[0])));
    tcase_add_test(tc, C2_keeps_every_byte_of_every_text_on_its_line);
    tcase_add_test(tc, C2_lets_no_name_look_like_two_in_the_list);
    tcase_add_test(tc, C2_tells_no_name_that_was_cut);
    tcase_add_test(tc, C2_leaves_out_what_is_too_long_rather_than_cut_it);
    tcase_add_test(tc, A17_tells_a_distinguished_name_of_up_to_16_KiB);
    tcase_add_test(tc, C2_caps_what_encoding_makes_longer);
    tcase_add_test(tc, writes_no_line_for_an_absent_name);
    tcase_add_test(tc, fails_when_there_is_no_room);
    suite_add_tcase(s, tc);
    return s;
}
