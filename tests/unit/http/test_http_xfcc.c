/* SPDX-License-Identifier: Apache-2.0 */
/* Rows C1 and C2: who may claim what in X-Forwarded-Client-Cert, and that no name in a certificate can end its value. */
#include "mtlsd/http/http_xfcc.h"
#include "t.h"

#include <stdlib.h>
#include <string.h>

static const struct tls_verdict valid = {.status = REASON_VALID}, expired = {.status = REASON_EXPIRED}, none = {.status = REASON_NONE},
                                undecided = {.status = REASON_UNDECIDED};
static struct tls_name names[4];
static struct tls_peer peer;
static struct http_xfcc how;

static void set_up(void)
{
    names[0] = (struct tls_name){TLS_NAME_CN, span_from_str("a")};
    names[1] = (struct tls_name){TLS_NAME_DNS, span_from_str("a.example")};
    names[2] = (struct tls_name){TLS_NAME_URI, span_from_str("spiffe://d/a")};
    names[3] = (struct tls_name){TLS_NAME_DNS, span_from_str("b.example")};
    peer = (struct tls_peer){.subject = "CN=a,O=b", .sha256 = "00ff", .names = names, .n_names = 4, .der = span_of("\x30\x00", 2)};
    how = (struct http_xfcc){.mode = HTTP_XFCC_SANITIZE_SET, .by = span_from_str("spiffe://d/me"), .verdict = &valid, .peer = &peer};
}

#define OURS "By=spiffe://d/me;Hash=00ff;Subject=\"CN=a,O=b\";URI=spiffe://d/a;DNS=a.example;DNS=b.example"

/* The line for a request with these fields, name and value by turns. */
static const char *line_of(const char *const *fields)
{
    static char text[65536];
    struct http_field list[8];
    struct http_head head = {.request = true, .fields = list};
    for (; fields != NULL && fields[0] != NULL; fields += 2)
        list[head.n_fields++] = (struct http_field){span_from_str(fields[0]), span_from_str(fields[1])};
    struct bytes out;
    bytes_init(&out, sizeof(text) - 1);
    ck_assert_int_eq(http_xfcc_append(&out, &how, &head), 0);
    size_t n = out.len;
    if (n > 0)
        memcpy(text, bytes_span(&out).ptr, n);
    text[n] = '\0';
    bytes_clear(&out);
    return text;
}

#define LINE(value) "X-Forwarded-Client-Cert: " value "\r\n"
static const char *const claims[] = {"x-forwarded-client-cert", "Hash=claimed", NULL};

/* The whole table: five modes, with a valid certificate and without, with a claim and without. */
static const struct {
    enum http_xfcc_mode mode;
    bool proven, claim;
    const char *line;
} table[] = {
    {HTTP_XFCC_SANITIZE, true, true, ""},
    {HTTP_XFCC_SANITIZE, false, true, ""},
    {HTTP_XFCC_SANITIZE_SET, true, true, LINE(OURS)},
    {HTTP_XFCC_SANITIZE_SET, true, false, LINE(OURS)},
    {HTTP_XFCC_SANITIZE_SET, false, true, ""},
    {HTTP_XFCC_FORWARD_ONLY, true, true, LINE("Hash=claimed")},
    {HTTP_XFCC_FORWARD_ONLY, true, false, ""},
    {HTTP_XFCC_FORWARD_ONLY, false, true, ""},
    {HTTP_XFCC_APPEND_FORWARD, true, true, LINE("Hash=claimed," OURS)},
    {HTTP_XFCC_APPEND_FORWARD, true, false, LINE(OURS)},
    {HTTP_XFCC_APPEND_FORWARD, false, true, ""},
    {HTTP_XFCC_ALWAYS_FORWARD_ONLY, true, true, LINE("Hash=claimed")},
    {HTTP_XFCC_ALWAYS_FORWARD_ONLY, false, true, LINE("Hash=claimed")},
    {HTTP_XFCC_ALWAYS_FORWARD_ONLY, false, false, ""},
};

START_TEST(C1_does_what_each_mode_says)
{
    const struct tls_verdict *const unproven[] = {&expired, &none, &undecided, NULL};
    how.mode = table[_i].mode;
    for (size_t i = 0; i < (table[_i].proven ? 1 : 4); i++) {
        how.verdict = table[_i].proven ? &valid : unproven[i];
        ck_assert_msg(strcmp(line_of(table[_i].claim ? claims : NULL), table[_i].line) == 0, "row %d, verdict %zu: %s", _i, i, line_of(claims));
    }
}
END_TEST

START_TEST(C1_a_valid_verdict_without_a_certificate_proves_nobody)
{
    for (int mode = HTTP_XFCC_SANITIZE_SET; mode <= HTTP_XFCC_APPEND_FORWARD; mode++) {
        how.mode = (enum http_xfcc_mode)mode;
        how.peer = NULL;
        ck_assert_str_eq(line_of(claims), "");
    }
}
END_TEST

/* Only the true name carries a claim; one that Connection names, or that could swallow what follows, is dropped whole. */
static const struct {
    const char *why;
    const char *fields[7];
    const char *passed; /* before ours; "": nothing */
} inbound[] = {
    {"two fields", {"X-Forwarded-Client-Cert", "Hash=1", "x-forwarded-client-cert", "Hash=2"}, "Hash=1,Hash=2,"},
    {"joined by a comma", {"X-Forwarded-Client-Cert", "Hash=1,Hash=2"}, "Hash=1,Hash=2,"},
    {"quotes as Envoy writes them", {"X-Forwarded-Client-Cert", "Subject=\"CN=a\\\"b\\,c\";Hash=1"}, "Subject=\"CN=a\\\"b\\,c\";Hash=1,"},
    {"an empty one", {"X-Forwarded-Client-Cert", ""}, ""},
    {"with underscores", {"X_Forwarded_Client_Cert", "Hash=1"}, ""},
    {"with one underscore", {"X-Forwarded_Client-Cert", "Hash=1"}, ""},
    {"with dots", {"X.Forwarded.Client.Cert", "Hash=1"}, ""},
    {"a longer name", {"X-Forwarded-Client-Certs", "Hash=1"}, ""},
    {"named by Connection", {"Connection", "X-Forwarded-Client-Cert", "X-Forwarded-Client-Cert", "Hash=1"}, ""},
    {"named by Connection behind it", {"X-Forwarded-Client-Cert", "Hash=1", "connection", "close, x_forwarded_client_cert"}, ""},
    {"an open quote", {"X-Forwarded-Client-Cert", "Hash=1;Subject=\"CN=x"}, ""},
    {"an open quote in the second", {"X-Forwarded-Client-Cert", "Hash=1", "X-Forwarded-Client-Cert", "Subject=\""}, ""},
    {"a quote closed by an escape only", {"X-Forwarded-Client-Cert", "Subject=\"CN=x\\\""}, ""},
    {"a quote that is open to some", {"X-Forwarded-Client-Cert", "Subject=\"CN=x\\\\\""}, ""},
    {"an escape outside of quotes", {"X-Forwarded-Client-Cert", "By=\\\"x\""}, ""},
    {"a backslash before our comma", {"X-Forwarded-Client-Cert", "By=x\\"}, ""},
    {"bytes beyond ASCII", {"X-Forwarded-Client-Cert", "By=\xc3\xbc"}, ""},
    {"a tab", {"X-Forwarded-Client-Cert", "By=a\tb"}, ""},
};

START_TEST(C1_passes_a_claim_only_where_nobody_can_misread_it)
{
    char wanted[1024] = "X-Forwarded-Client-Cert: ";
    how.mode = HTTP_XFCC_APPEND_FORWARD;
    strncat(wanted, inbound[_i].passed, 500);
    strncat(wanted, OURS "\r\n", 500);
    ck_assert_msg(strcmp(line_of(inbound[_i].fields), wanted) == 0, "%s: %s", inbound[_i].why, line_of(inbound[_i].fields));
}
END_TEST

START_TEST(C2_writes_names_so_that_none_ends_a_value)
{
    static const struct {
        const char *uri;
        size_t n; /* 0: the whole string */
        const char *written;
    } rows[] = {{"plain", 0, ";URI=plain;"},
                {"a,b", 0, ";URI=\"a,b\";"},
                {"a;Hash=1", 0, ";URI=\"a;Hash=1\";"},
                {"a=b", 0, ";URI=\"a=b\";"},
                {"a\"b", 0, ";URI=\"a\\\"b\";"},
                {"a\\", 0, ";URI=a%5C;"},
                {"a,\\", 0, ";URI=\"a,%5C\";"},
                {"a\\\",Hash=1", 0, ";URI=\"a%5C\\\",Hash=1\";"},
                {"a\r\nX: y", 0, ";URI=\"a%0D%0AX: y\";"},
                {"a\0b", 3, ";URI=a%00b;"},
                {"a%22", 0, ";URI=a%2522;"},
                {"\xff", 0, ";URI=%FF;"},
                {"", 0, ";URI=\"\";"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        names[2].value = span_of(rows[i].uri, rows[i].n > 0 ? rows[i].n : strlen(rows[i].uri));
        ck_assert_msg(strstr(line_of(NULL), rows[i].written) != NULL, "row %zu: %s", i, line_of(NULL));
    }
}
END_TEST

START_TEST(C2_keeps_every_byte_on_its_line_and_every_quote_closed)
{
    for (int c = 0; c < 256; c++) {
        char value[] = {'a', (char)c, '\0'};
        for (size_t i = 0; i < 4; i++)
            names[i].value = span_of(value, 2);
        peer.subject = value;
        const char *text = line_of(NULL);
        size_t quotes = 0, n = strlen(text);
        for (size_t i = 0; i + 2 < n; i++) {
            ck_assert_msg(text[i] >= 0x20 && text[i] < 0x7f, "byte %02x: %s", (unsigned)c, text);
            quotes += text[i] == '"' && text[i - 1] != '\\';
        }
        ck_assert_msg(quotes % 2 == 0, "byte %02x: %s", (unsigned)c, text);
    }
}
END_TEST

START_TEST(C2_leaves_out_a_value_that_is_too_long)
{
    static char big[32769];
    memset(big, ',', sizeof(big) - 1);
    peer.subject = big;
    names[1].value = span_of(big, 32768);
    ck_assert_str_eq(line_of(NULL), LINE("By=spiffe://d/me;Hash=00ff;URI=spiffe://d/a;DNS=b.example"));
    peer.subject = "CN=front of a long na";
    peer.subject_cut = true;
    ck_assert_str_eq(line_of(NULL), LINE("By=spiffe://d/me;Hash=00ff;URI=spiffe://d/a;DNS=b.example"));
    peer.subject = "(no name)";
    peer.subject_empty = true; /* Subject="" is what Envoy writes for this, and for nothing else */
    ck_assert_str_eq(line_of(NULL), LINE("By=spiffe://d/me;Hash=00ff;Subject=\"\";URI=spiffe://d/a;DNS=b.example"));
}
END_TEST

START_TEST(tells_certificate_and_chain_when_asked)
{
    how.details = HTTP_XFCC_CERT | HTTP_XFCC_CHAIN;
    how.by = span_of(NULL, 0);
#define PEM "-----BEGIN%20CERTIFICATE-----%0AMAA%3D%0A-----END%20CERTIFICATE-----%0A"
    ck_assert_ptr_nonnull(strstr(line_of(NULL), ": Hash=00ff;Cert=\"" PEM "\";Chain=\"" PEM "\";Subject="));
}
END_TEST

START_TEST(says_so_when_there_is_no_room)
{
    struct http_head head = {.request = true};
    size_t whole = strlen(LINE(OURS));
    for (size_t room = 0; room <= whole; room++) {
        struct bytes out;
        bytes_init(&out, room);
        ck_assert_int_eq(http_xfcc_append(&out, &how, &head), room < whole ? -1 : 0);
        bytes_clear(&out);
    }
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

Suite *suite(void)
{
    Suite *s = suite_create("http_xfcc");
    TCase *t = tcase_create("http_xfcc");
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_loop_test(t, C1_does_what_each_mode_says, 0, COUNT(table));
    tcase_add_test(t, C1_a_valid_verdict_without_a_certificate_proves_nobody);
    tcase_add_loop_test(t, C1_passes_a_claim_only_where_nobody_can_misread_it, 0, COUNT(inbound));
    tcase_add_test(t, C2_writes_names_so_that_none_ends_a_value);
    tcase_add_test(t, C2_keeps_every_byte_on_its_line_and_every_quote_closed);
    tcase_add_test(t, C2_leaves_out_a_value_that_is_too_long);
    tcase_add_test(t, tells_certificate_and_chain_when_asked);
    tcase_add_test(t, says_so_when_there_is_no_room);
    suite_add_tcase(s, t);
    return s;
}
