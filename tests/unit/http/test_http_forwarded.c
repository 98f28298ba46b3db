/* SPDX-License-Identifier: Apache-2.0 */
/* Row C1: what a client claims about its address is not believed, and a trusted proxy is believed only as far as it saw. */
#include "mtlsd/http/http_forwarded.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct ip_range trusted[2];
static struct http_forwarded how;

static void set_up(void)
{
    ck_assert_int_eq(ip_range_parse("10.0.0.0/8", &trusted[0], NULL), 0);
    ck_assert_int_eq(ip_range_parse("2001:db8:1::/48", &trusted[1], NULL), 0);
    how = (struct http_forwarded){.peer = span_from_str("10.0.0.1"), .proto = "https", .believe = true, .trusted = trusted, .n_trusted = 2};
}

/* Name and value by turns. */
static struct http_head head_of(const char *const *fields, struct http_field *list)
{
    struct http_head head = {.request = true, .fields = list};
    for (; fields[0] != NULL; fields += 2)
        list[head.n_fields++] = (struct http_field){span_from_str(fields[0]), span_from_str(fields[1])};
    return head;
}

static const char *lines_of(const char *const *fields, size_t room)
{
    static char text[8192];
    struct http_field list[8];
    struct http_head head = head_of(fields, list);
    struct bytes out;
    bytes_init(&out, room);
    http_forwarded_append(&out, &how, &head);
    snprintf(text, sizeof(text), "%s%.*s", out.failed ? "failed " : "", (int)out.len, out.len > 0 ? (const char *)bytes_span(&out).ptr : "");
    bytes_clear(&out);
    return text;
}

static const char *client_of(const char *const *fields)
{
    static char text[HTTP_FORWARDED_TEXT];
    struct http_field list[8];
    struct http_head head = head_of(fields, list);
    http_forwarded_client(&how, &head, text);
    return text;
}

#define XFF "X-Forwarded-For"

static const struct {
    const char *why;
    const char *fields[5];
    const char *list, *client; /* list: without the proxy's own address at its end */
} chains[] = {
    {"none", {NULL}, "", "10.0.0.1"},
    {"one", {XFF, "192.0.2.1"}, "192.0.2.1, ", "192.0.2.1"},
    {"the rightmost that is not trusted", {XFF, "203.0.113.9, 192.0.2.1, 10.2.3.4"}, "203.0.113.9, 192.0.2.1, 10.2.3.4, ", "192.0.2.1"},
    {"all are trusted", {XFF, "10.0.0.3, 10.0.0.2"}, "10.0.0.3, 10.0.0.2, ", "10.0.0.3"},
    {"several fields are one list", {XFF, "192.0.2.1", "x-forwarded-for", "192.0.2.2,,"}, "192.0.2.1, 192.0.2.2, ", "192.0.2.2"},
    {"a port", {XFF, "192.0.2.1:4711"}, "192.0.2.1:4711, ", "192.0.2.1"},
    {"IPv6", {XFF, "2001:db8::1"}, "2001:db8::1, ", "2001:db8::1"},
    {"IPv6 in brackets", {XFF, "[2001:DB8::1]"}, "[2001:DB8::1], ", "2001:db8::1"},
    {"with a port", {XFF, "[2001:db8::1]:80"}, "[2001:db8::1]:80, ", "2001:db8::1"},
    {"trusted IPv6", {XFF, "192.0.2.1, [2001:db8:1::7]:80"}, "192.0.2.1, [2001:db8:1::7]:80, ", "192.0.2.1"},
    {"IPv4 in IPv6 is IPv4", {XFF, "192.0.2.1, ::ffff:10.1.1.1"}, "192.0.2.1, ::ffff:10.1.1.1, ", "192.0.2.1"},
    {"unknown hides what is before it", {XFF, "192.0.2.1, unknown, 10.0.0.2"}, "192.0.2.1, unknown, 10.0.0.2, ", "10.0.0.2"},
    {"so does an obfuscated name", {XFF, "192.0.2.1, _a-B.9"}, "192.0.2.1, _a-B.9, ", "10.0.0.1"},
    {"a word drops what is before it", {XFF, "192.0.2.1, word, 192.0.2.2"}, "192.0.2.2, ", "192.0.2.2"},
    {"also in an earlier field", {XFF, "192.0.2.1, 1.2.3", XFF, "192.0.2.2"}, "192.0.2.2, ", "192.0.2.2"},
    {"a word at the end drops all", {XFF, "192.0.2.1, 10.0.0.2;x"}, "", "10.0.0.1"},
    {"a quote", {XFF, "\"192.0.2.1\", 192.0.2.2"}, "192.0.2.2, ", "192.0.2.2"},
    {"a port that is none", {XFF, "192.0.2.1:0"}, "", "10.0.0.1"},
    {"a port too high", {XFF, "192.0.2.1:65536"}, "", "10.0.0.1"},
    {"a bracket left open", {XFF, "[2001:db8::1"}, "", "10.0.0.1"},
    {"IPv4 in brackets", {XFF, "[192.0.2.1]"}, "", "10.0.0.1"},
    {"a zone", {XFF, "fe80::1%eth0"}, "", "10.0.0.1"},
    {"octal", {XFF, "010.0.0.1"}, "", "10.0.0.1"},
    {"empty brackets", {XFF, "[]"}, "", "10.0.0.1"},
    {"only a name's mark", {XFF, "_"}, "", "10.0.0.1"},
    {"empty", {XFF, ""}, "", "10.0.0.1"},
    {"another spelling comes from the client", {"X_Forwarded_For", "192.0.2.1"}, "", "10.0.0.1"},
    {"the other kind of field is not read", {"Forwarded", "for=192.0.2.1"}, "", "10.0.0.1"},
};

START_TEST(C1_reads_the_chain_of_a_trusted_proxy_from_the_right)
{
    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
        char wanted[512];
        snprintf(wanted, sizeof(wanted), "X-Forwarded-For: %s10.0.0.1\r\nX-Real-IP: %s\r\nX-Forwarded-Proto: https\r\n", chains[i].list, chains[i].client);
        const char *lines = lines_of(chains[i].fields, 4096);
        ck_assert_msg(strcmp(lines, wanted) == 0, "%s: %s", chains[i].why, lines);
        ck_assert_msg(strcmp(client_of(chains[i].fields), chains[i].client) == 0, "%s: %s", chains[i].why, client_of(chains[i].fields));
    }
}
END_TEST

START_TEST(C1_believes_no_other_client)
{
    static const char *const fields[] = {XFF, "192.0.2.1", "X-Forwarded-Proto", "http", "X-Forwarded-Host", "evil.example", "Host", "a.example", NULL};
    how.believe = false;
    ck_assert_str_eq(lines_of(fields, 4096), "X-Forwarded-For: 10.0.0.1\r\nX-Real-IP: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example\r\n");
    ck_assert_str_eq(client_of(fields), "10.0.0.1");
    how.rfc7239 = true;
    ck_assert_str_eq(lines_of((const char *const[]){"Forwarded", "for=192.0.2.1", NULL}, 4096), "Forwarded: for=10.0.0.1;proto=https\r\n");
}
END_TEST

START_TEST(passes_what_a_trusted_proxy_says_of_scheme_host_and_port)
{
    static const struct {
        const char *why;
        bool hold_host;
        const char *fields[7];
        const char *rest;
    } cases[] = {
        {"its scheme", false, {"X-Forwarded-Proto", "http"}, "X-Forwarded-Proto: http\r\n"},
        {"no scheme", false, {"X-Forwarded-Proto", "javascript"}, "X-Forwarded-Proto: https\r\n"},
        {"two, one of which may be the client's", false, {"X-Forwarded-Proto", "http", "X-Forwarded-Proto", "http"}, "X-Forwarded-Proto: https\r\n"},
        {"its host", false, {"Host", "a", "X-Forwarded-Host", "b.example:81"}, "X-Forwarded-Proto: https\r\nX-Forwarded-Host: b.example:81\r\n"},
        {"no host", false, {"Host", "a", "X-Forwarded-Host", "b, c"}, "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a\r\n"},
        {"routes chose by another", true, {"Host", "a:80", "X-Forwarded-Host", "b"}, "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a:80\r\n"},
        {"routes chose by the same", true, {"Host", "a:80", "X-Forwarded-Host", "A"}, "X-Forwarded-Proto: https\r\nX-Forwarded-Host: A\r\n"},
        {"its port", false, {"X-Forwarded-Port", "8443"}, "X-Forwarded-Proto: https\r\nX-Forwarded-Port: 8443\r\n"},
        {"no port", false, {"X-Forwarded-Port", "84a"}, "X-Forwarded-Proto: https\r\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        how.hold_host = cases[i].hold_host;
        const char *rest = strstr(lines_of(cases[i].fields, 4096), "X-Forwarded-Proto");
        ck_assert_msg(strcmp(rest, cases[i].rest) == 0, "%s: %s", cases[i].why, rest);
    }
}
END_TEST

#define OURS "for=10.0.0.1;proto=https"

START_TEST(C1_appends_to_forwarded_what_is_well_formed)
{
    static const struct {
        const char *why, *value, *list, *client;
        bool hold_host;
    } cases[] = {
        {"plain", "for=192.0.2.1", "for=192.0.2.1, ", "192.0.2.1", false},
        {"with more", "For=\"[2001:db8::1]:80\"; proto=http;by=_x;host=\"b:1\", for=10.0.0.2", "For=\"[2001:db8::1]:80\"; proto=http;by=_x;host=\"b:1\", for=10.0.0.2, ", "2001:db8::1", false},
        {"a comma in quotes", "for=192.0.2.1;ext=\"a,for=10.0.0.9\"", "for=192.0.2.1;ext=\"a,for=10.0.0.9\", ", "192.0.2.1", false},
        {"an extension", "secret=x", "secret=x, ", "10.0.0.1", false},
        {"unknown", "for=192.0.2.1, for=unknown", "for=192.0.2.1, for=unknown, ", "10.0.0.1", false},
        {"empty elements", ",for=192.0.2.1,,", "for=192.0.2.1, ", "192.0.2.1", false},
        {"an open quote", "for=192.0.2.1, for=\"192.0.2.2", "", "10.0.0.1", false},
        {"a backslash", "for=\"192.0.2.1\\\"\"", "", "10.0.0.1", false},
        {"for twice", "for=192.0.2.1;for=192.0.2.2", "", "10.0.0.1", false},
        {"no value", "for=, for=192.0.2.2", "", "10.0.0.1", false},
        {"no address", "for=word", "", "10.0.0.1", false},
        {"no parameter", "192.0.2.1", "", "10.0.0.1", false},
        {"a space for a semicolon", "for=192.0.2.1 proto=http", "", "10.0.0.1", false},
        {"the host that routes looked at", "for=192.0.2.1;host=A", "for=192.0.2.1;host=A, ", "192.0.2.1", true},
        {"another host", "for=192.0.2.1;host=b", "", "10.0.0.1", true},
    };
    how.rfc7239 = true;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char wanted[512];
        const char *const fields[] = {"forwarded", cases[i].value, "Host", "a", NULL};
        how.hold_host = cases[i].hold_host;
        snprintf(wanted, sizeof(wanted), "Forwarded: %s" OURS ";host=\"a\"\r\n", cases[i].list);
        const char *lines = lines_of(fields, 4096);
        ck_assert_msg(strcmp(lines, wanted) == 0, "%s: %s", cases[i].why, lines);
        ck_assert_msg(strcmp(client_of(fields), cases[i].client) == 0, "%s: %s", cases[i].why, client_of(fields));
    }
}
END_TEST

START_TEST(keeps_the_last_of_very_many)
{
    char value[4096] = "";
    const char *const fields[] = {XFF, value, NULL};
    for (int i = 0; i < 40; i++)
        snprintf(value + strlen(value), sizeof(value) - strlen(value), "10.9.9.%d,", i);
    const char *lines = lines_of(fields, 4096);
    ck_assert_msg(strncmp(lines, "X-Forwarded-For: 10.9.9.8, 10.9.9.9, ", 37) == 0, "%s", lines);
    ck_assert_str_eq(client_of(fields), "10.9.9.8");
    memset(value, 'a', sizeof(value) - 1);
    value[0] = '_';
    ck_assert_str_eq(strchr(lines_of(fields, 4096), ' '), " 10.0.0.1\r\nX-Real-IP: 10.0.0.1\r\nX-Forwarded-Proto: https\r\n");
}
END_TEST

START_TEST(says_when_there_is_no_room)
{
    static const char *const fields[] = {XFF, "192.0.2.1", "Forwarded", "for=192.0.2.1", "Host", "a", NULL};
    for (int kind = 0; kind < 2; kind++) {
        how.rfc7239 = kind == 1;
        size_t whole = strlen(lines_of(fields, 4096));
        for (size_t room = 1; room < whole; room++)
            ck_assert_msg(strncmp(lines_of(fields, room), "failed", 6) == 0, "%zu", room);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_forwarded");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, C1_reads_the_chain_of_a_trusted_proxy_from_the_right);
    tcase_add_test(tc, C1_believes_no_other_client);
    tcase_add_test(tc, passes_what_a_trusted_proxy_says_of_scheme_host_and_port);
    tcase_add_test(tc, C1_appends_to_forwarded_what_is_well_formed);
    tcase_add_test(tc, keeps_the_last_of_very_many);
    tcase_add_test(tc, says_when_there_is_no_room);
    suite_add_tcase(s, tc);
    return s;
}
