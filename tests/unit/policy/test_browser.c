/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/policy/browser.h"

#include <stdio.h>
#include <string.h>

enum { LOOPBACK, WILDCARD, WILDCARD6, ANY, LAN, NAMED, UNIX, N_BINDS };
#define OK REASON_VALID
#define HOST REASON_HOST_NOT_ALLOWED
#define ORIGIN REASON_ORIGIN_NOT_ALLOWED

static struct address binds[N_BINDS] = {
    [LOOPBACK] = {.host = "127.0.0.1", .port = 8080}, [WILDCARD] = {.host = "0.0.0.0", .port = 8080}, [WILDCARD6] = {.host = "::", .port = 8080},
    [ANY] = {.host = "", .port = 8080},               [LAN] = {.host = "192.168.1.5", .port = 8080},  [NAMED] = {.host = "build-1", .port = 8080},
    [UNIX] = {.kind = ADDRESS_UNIX, .path = "/x"},
};

static char name[] = "app", api[] = "api.partner.example", suffix[] = "*.corp.example", mapped[] = "box.example:9000", plain[] = "plain.example",
            usual[] = "usual.example:80", page[] = "https://app.example", page_port[] = "http://dev.example:3000", null_origin[] = "null";
static char *exact_hosts[] = {api}, *suffix_hosts[] = {suffix}, *listed_hosts[] = {mapped, plain, usual}, *listed_pages[] = {page, page_port},
            *null_pages[] = {null_origin};
static struct config_route routes[] = {{.host = {exact_hosts, 1}}, {.host = {suffix_hosts, 1}}, {.respond = 404}};

static struct config_listener make_listener(int bind)
{
    return (struct config_listener){.name = name, .bind = &binds[bind], .n_bind = 1, .routes = routes, .n_routes = 3, .guards_browsers = true,
                                    .hosts = {listed_hosts, 3}, .allow_origins = {listed_pages, 2}};
}

static struct span text_of(const char *text)
{
    return text != NULL ? span_of(text, strlen(text)) : span_of(NULL, 0);
}

static const struct host_row {
    int bind;
    const char *host;
    unsigned port;
    enum reason reason;
    const char *why;
} hosts[] = {
    {LOOPBACK, "127.0.0.1", 8080, OK, "what programs send"},
    {LOOPBACK, "localhost", 8080, OK, "or this"},
    {LOOPBACK, "LocalHost", 8080, OK, "names have no case"},
    {LOOPBACK, "localhost.", 8080, OK, "a name with its root"},
    {LOOPBACK, "app.localhost", 8080, OK, "names below localhost are loopback (RFC 6761)"},
    {LOOPBACK, "127.9.8.7", 8080, OK, "all of 127.0.0.0/8"},
    {LOOPBACK, "::1", 8080, OK, "IPv6"},
    {LOOPBACK, "[::1]", 8080, OK, "in brackets"},
    {LOOPBACK, "127.0.0.1", 0, OK, "no port: a browser that came to port 8080 would say so"},
    {LOOPBACK, NULL, 0, OK, "HTTP/1.0 without Host, which no browser sends"},
    {LOOPBACK, "evil.example", 8080, HOST, "E1: DNS rebinding"},
    {LOOPBACK, "evil.example", 0, HOST, "E1: and with port 80"},
    {LOOPBACK, "localhost.evil.example", 8080, HOST, "E1: a name that begins like ours"},
    {LOOPBACK, "evil-localhost", 8080, HOST, "E1: a name that ends like ours"},
    {LOOPBACK, "127.0.0.1.evil.example", 8080, HOST, "E1: an address in front of a name"},
    {LOOPBACK, "0x7f.1", 8080, HOST, "E1: hexadecimal"},
    {LOOPBACK, "0x7f000001", 8080, HOST, "E1: hexadecimal, one number"},
    {LOOPBACK, "2130706433", 8080, HOST, "E1: one number"},
    {LOOPBACK, "127.1", 8080, HOST, "E1: short"},
    {LOOPBACK, "0177.0.0.1", 8080, HOST, "E1: octal"},
    {LOOPBACK, "127.0.0.01", 8080, HOST, "E1: a leading zero"},
    {LOOPBACK, "127.0.0.1.", 8080, HOST, "E1: an address with a trailing dot"},
    {LOOPBACK, "[::ffff:127.0.0.1]", 8080, HOST, "E1: IPv4 inside IPv6"},
    {LOOPBACK, "[::ffff:7f00:1]", 8080, HOST, "E1: as browsers write it"},
    {LOOPBACK, "[0:0:0:0:0:0:0:1]", 8080, HOST, "E1: the long form"},
    {LOOPBACK, "[::1%lo]", 8080, HOST, "E1: with a zone"},
    {LOOPBACK, "[::1", 8080, HOST, "E1: half a bracket"},
    {LOOPBACK, "0.0.0.0", 8080, HOST, "E1: the day of 0.0.0.0"},
    {LOOPBACK, "::", 8080, HOST, "E1: and its IPv6 twin"},
    {LOOPBACK, "192.168.1.5", 8080, HOST, "an address that this listener is not bound to"},
    {LOOPBACK, "127.0.0.1", 8081, HOST, "E1: the wrong port"},
    {LOOPBACK, "localhost", 80, HOST, "E1: the usual port, named, and not ours"},
    {LOOPBACK, "localhost", 65616, HOST, "E1: a port that would wrap to ours"},
    {LOOPBACK, "api.partner.example", 8080, OK, "a route's host"},
    {LOOPBACK, "API.Partner.example", 0, OK, "without case or port"},
    {LOOPBACK, "api.partner.example", 443, HOST, "but with our port only"},
    {LOOPBACK, "a.b.corp.example", 8080, OK, "a route's suffix"},
    {LOOPBACK, "corp.example", 8080, HOST, "which the bare suffix is not"},
    {LOOPBACK, "box.example", 9000, OK, "hosts, with the port it names"},
    {LOOPBACK, "box.example", 8080, HOST, "and no other"},
    {LOOPBACK, "box.example", 0, HOST, "nor none, which is port 80"},
    {LOOPBACK, "usual.example", 0, OK, "none is port 80"},
    {LOOPBACK, "plain.example", 1234, OK, "hosts without a port: any"},
    {LAN, "192.168.1.5", 8080, OK, "what it is bound to"},
    {LAN, "192.168.1.6", 8080, HOST, "its neighbour"},
    {LAN, "127.0.0.1", 8080, OK, "loopback is always ours"},
    {NAMED, "Build-1", 8080, OK, "the name it is bound to"},
    {NAMED, "build-2", 8080, HOST, "another"},
    {WILDCARD, "192.168.1.6", 8080, OK, "any literal: a page that rebinds needs a name"},
    {WILDCARD, "2001:db8::1", 8080, OK, "of either family"},
    {WILDCARD6, "10.1.1.1", 8080, OK, "bound to all of IPv6"},
    {ANY, "10.1.1.1", 8080, OK, "bound to all of both"},
    {WILDCARD, "10.1.1.1", 8081, HOST, "with our port"},
    {WILDCARD, "0.0.0.0", 8080, HOST, "E1: never the unspecified address"},
    {WILDCARD6, "::", 8080, HOST, "E1: of either family"},
    {WILDCARD, "10.1.1", 8080, HOST, "E1: canonical spelling only"},
    {WILDCARD, "2001:DB8::1", 8080, HOST, "E1: browsers write lower case"},
    {WILDCARD, "evil.example", 8080, HOST, "E1: a name stays a name"},
    {UNIX, "10.1.1.1", 0, HOST, "a unix socket has no address"},
};

START_TEST(answers_to_its_own_names_only)
{
    const struct host_row *row = &hosts[_i];
    struct config_listener l = make_listener(row->bind);
    struct browser_question q = {.host = text_of(row->host), .port = row->port, .local_port = 8080};
    struct err err = {0};
    enum reason got = browser_judge(&l, &q, &err);
    ck_assert_msg(got == row->reason, "%s: %s: %d %s", row->host, row->why, got, err.text);
    if (got != REASON_VALID)
        ck_assert_msg(strstr(err.text, "hosts of listener app") != NULL, "%s", err.text);
}
END_TEST

START_TEST(reads_no_address_in_front_of_a_nul)
{
    struct config_listener l = make_listener(LOOPBACK);
    struct browser_question q = {.host = span_of("127.0.0.1\0x", 11), .local_port = 8080};
    ck_assert_int_eq(browser_judge(&l, &q, NULL), REASON_HOST_NOT_ALLOWED);
    q.host = span_of("127.0.0.1\0", 10);
    ck_assert_int_eq(browser_judge(&l, &q, NULL), REASON_HOST_NOT_ALLOWED);
}
END_TEST

START_TEST(leaves_an_absolute_target_to_the_routes_on_a_forward_proxy_only)
{
    struct config_listener l = make_listener(LOOPBACK);
    struct browser_question q = {.host = text_of("other.example"), .absolute = true, .local_port = 8080};
    ck_assert_int_eq(browser_judge(&l, &q, NULL), REASON_HOST_NOT_ALLOWED);
    l.forward_proxy.present = true;
    ck_assert_int_eq(browser_judge(&l, &q, NULL), REASON_VALID);
    q.absolute = false;
    ck_assert_int_eq(browser_judge(&l, &q, NULL), REASON_HOST_NOT_ALLOWED);
    q.absolute = true;
    q.origin = text_of("http://evil.example"); /* E1: a page behind the proxy, of another site */
    ck_assert_int_eq(browser_judge(&l, &q, NULL), REASON_ORIGIN_NOT_ALLOWED);
}
END_TEST

START_TEST(takes_the_configured_port_when_the_sockets_is_unknown)
{
    struct config_listener l = make_listener(LOOPBACK);
    struct browser_question q = {.host = text_of("localhost"), .port = 8080};
    ck_assert_int_eq(browser_judge(&l, &q, NULL), REASON_VALID);
    q.port = 8081;
    ck_assert_int_eq(browser_judge(&l, &q, NULL), REASON_HOST_NOT_ALLOWED);
}
END_TEST

static const struct page_row {
    const char *origin, *referer, *fetch_site;
    bool private_network;
    enum reason reason;
    const char *why;
} pages[] = {
    {NULL, NULL, NULL, false, OK, "a program"},
    {"http://127.0.0.1:8080", NULL, NULL, false, OK, "Origin equal to Host"},
    {"HTTP://127.0.0.1:8080", NULL, NULL, false, OK, "a scheme has no case"},
    {"http://127.0.0.1:3000", NULL, NULL, false, ORIGIN, "E1: another port is another origin"},
    {"http://127.0.0.1", NULL, NULL, false, ORIGIN, "E1: port 80"},
    {"http://localhost:8080", NULL, NULL, false, ORIGIN, "E1: another name is another origin"},
    {"https://127.0.0.1:8080", NULL, NULL, false, ORIGIN, "E1: another scheme is another origin"},
    {"http://evil.example", NULL, NULL, false, ORIGIN, "E1: a foreign page"},
    {"http://api.partner.example:8080", NULL, NULL, false, ORIGIN, "E1: a route's host is no origin of this request"},
    {"null", NULL, NULL, false, ORIGIN, "E1: a sandboxed frame or a local file"},
    {"http://127.0.0.1:8080@evil.example", NULL, NULL, false, ORIGIN, "E1: a user that looks like a host"},
    {"http://127.0.0.1:8080\\@evil.example", NULL, NULL, false, ORIGIN, "E1: where parsers differ"},
    {"http://127.0.0.1:8080.evil.example", NULL, NULL, false, ORIGIN, "E1: a port that is none"},
    {"http://127.0.0.1:8080, http://evil.example", NULL, NULL, false, ORIGIN, "E1: a list"},
    {"127.0.0.1:8080", NULL, NULL, false, ORIGIN, "E1: no scheme"},
    {"file://", NULL, NULL, false, ORIGIN, "E1: no host"},
    {"chrome-extension://abcdefgh", NULL, NULL, false, ORIGIN, "E1: a browser's extension"},
    {"https://app.example", NULL, NULL, false, OK, "allow_origins"},
    {"https://app.example:443", NULL, NULL, false, OK, "with its usual port"},
    {"http://app.example", NULL, NULL, false, ORIGIN, "with its scheme only"},
    {"https://app.example:8443", NULL, NULL, false, ORIGIN, "and its port only"},
    {"https://app.example.evil.org", NULL, NULL, false, ORIGIN, "no prefix match"},
    {"https://evil-app.example", NULL, NULL, false, ORIGIN, "no suffix match"},
    {"http://dev.example:3000", NULL, NULL, false, OK, "another port, listed"},

    {NULL, "http://127.0.0.1:8080/page?x#y", NULL, false, OK, "a page of ours"},
    {NULL, "http://127.0.0.1:8080", NULL, false, OK, "without a path"},
    {NULL, "http://127.0.0.1:8080?evil", NULL, false, OK, "with a query only"},
    {NULL, "http://evil.example/127.0.0.1:8080", NULL, false, ORIGIN, "E1: a foreign page"},
    {NULL, "http://127.0.0.1:8080@evil.example/", NULL, false, ORIGIN, "E1: a user that looks like a host"},
    {NULL, "about:client", NULL, false, ORIGIN, "E1: no page of ours"},
    {NULL, "", NULL, false, OK, "an empty Referer says nothing"},
    {NULL, "https://app.example/x", NULL, false, OK, "allow_origins"},
    {"http://127.0.0.1:8080", "http://evil.example/", NULL, false, ORIGIN, "E1: both must hold"},

    {NULL, NULL, "cross-site", false, ORIGIN, "E1: a link or an image on a foreign page"},
    {NULL, NULL, "same-site", false, ORIGIN, "E1: another port of localhost"},
    {NULL, NULL, "none", false, OK, "typed into the address bar"},
    {NULL, NULL, "same-origin", false, OK, "a page of ours"},
    {NULL, NULL, "Same-Origin", false, ORIGIN, "E1: not how browsers write it"},
    {NULL, NULL, "whatever", false, ORIGIN, "E1: a word we do not know"},
    {NULL, NULL, "", false, ORIGIN, "E1: none at all"},
    {"https://app.example", NULL, "cross-site", false, OK, "allow_origins"},
    {NULL, "https://app.example/x", "cross-site", false, OK, "allow_origins, told by the Referer"},
    {"null", "https://app.example/x", "cross-site", false, ORIGIN, "E1: the Origin counts where there is one"},
    {"http://evil.example", NULL, "same-origin", false, ORIGIN, "E1: both must hold"},
    {"http://127.0.0.1:8080", NULL, "cross-site", false, ORIGIN, "E1: our own origin is not cross-site"},

    {"http://127.0.0.1:8080", NULL, NULL, true, ORIGIN, "E1: a preflight for the private network"},
    {NULL, NULL, NULL, true, ORIGIN, "E1: from nowhere"},
    {"https://app.example", NULL, NULL, true, OK, "allow_origins"},
    {"http://evil.example", "https://app.example/x", NULL, true, ORIGIN, "E1: the Origin counts"},
    {"http://127.0.0.1:8080", "https://app.example/x", NULL, true, ORIGIN, "E1: our own Origin does not speak for a listed Referer"},
    {"http://127.0.0.1:8080", "https://app.example/x", "cross-site", false, ORIGIN, "E1: nor for a word of the browser's"},
};

START_TEST(refuses_what_a_page_of_another_origin_sends)
{
    const struct page_row *row = &pages[_i];
    struct config_listener l = make_listener(LOOPBACK);
    struct browser_question q = {.host = text_of("127.0.0.1"), .port = 8080, .local_port = 8080, .origin = text_of(row->origin),
                                 .referer = text_of(row->referer), .fetch_site = text_of(row->fetch_site), .private_network = row->private_network};
    struct err err = {0};
    enum reason got = browser_judge(&l, &q, &err);
    ck_assert_msg(got == row->reason, "%s %s %s: %s: %d", row->origin, row->referer, row->fetch_site, row->why, got);
    if (got != REASON_VALID)
        ck_assert_msg(strstr(err.text, "allow_origins of listener app") != NULL, "%s", err.text);
}
END_TEST

START_TEST(lets_null_pass_by_its_own_name_only)
{
    struct config_listener l = make_listener(LOOPBACK);
    struct browser_question q = {.host = text_of("127.0.0.1"), .port = 8080, .local_port = 8080, .origin = text_of("null")};
    ck_assert_int_eq(browser_judge(&l, &q, NULL), REASON_ORIGIN_NOT_ALLOWED);
    l.allow_origins = (struct config_strings){null_pages, 1};
    ck_assert_int_eq(browser_judge(&l, &q, NULL), REASON_VALID);
    q.origin = text_of("NULL");
    ck_assert_int_eq(browser_judge(&l, &q, NULL), REASON_ORIGIN_NOT_ALLOWED);
    q.origin = text_of("http://null");
    ck_assert_int_eq(browser_judge(&l, &q, NULL), REASON_ORIGIN_NOT_ALLOWED);
}
END_TEST

START_TEST(compares_a_page_with_the_host_of_its_request)
{
    struct config_listener l = make_listener(LOOPBACK);
    static const struct {
        const char *host;
        unsigned port;
        const char *origin;
        enum reason reason;
        const char *why;
    } rows[] = {{"[::1]", 8080, "http://[::1]:8080", OK, "IPv6"},
                {"::1", 8080, "http://[::1]:8080", OK, "whatever the brackets"},
                {"[::1]", 8080, "http://[::1]:8081", ORIGIN, "its port counts"},
                {"LOCALHOST", 8080, "http://localhost:8080", OK, "names have no case"},
                {"api.partner.example", 0, "http://api.partner.example", OK, "port 80 on both sides"},
                {"api.partner.example", 0, "http://api.partner.example:80", OK, "named once"},
                {NULL, 0, "http://127.0.0.1:8080", ORIGIN, "a page and no Host"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct browser_question q = {.host = text_of(rows[i].host), .port = rows[i].port, .local_port = 8080, .origin = text_of(rows[i].origin)};
        ck_assert_msg(browser_judge(&l, &q, NULL) == rows[i].reason, "%s: %s", rows[i].origin, rows[i].why);
    }
}
END_TEST

START_TEST(shows_no_more_of_a_host_than_a_line_holds)
{
    static char huge[60000];
    memset(huge, 'a', sizeof(huge));
    struct config_listener l = make_listener(LOOPBACK);
    struct browser_question q = {.host = span_of(huge, sizeof(huge)), .local_port = 8080};
    struct err err = {0};
    ck_assert_int_eq(browser_judge(&l, &q, &err), REASON_HOST_NOT_ALLOWED);
    ck_assert_ptr_nonnull(strstr(err.text, "hosts of listener app"));
    q = (struct browser_question){.origin = span_of(huge, sizeof(huge))};
    err_clear(&err);
    ck_assert_int_eq(browser_judge(&l, &q, &err), REASON_ORIGIN_NOT_ALLOWED);
    ck_assert_ptr_nonnull(strstr(err.text, "allow_origins of listener app"));
}
END_TEST

START_TEST(reads_the_first_of_each_field_in_any_case) /* E1 */
{
    struct http_field fields[] = {
        {span_from_str("Accept"), span_from_str("*/*")},         {span_from_str("oRIGIN"), span_from_str("a")},      {span_from_str("Origin"), span_from_str("b")},
        {span_from_str("Referer"), span_from_str("c")},          {span_from_str("Origins"), span_from_str("d")},     {span_from_str("sec-fetch-site"), span_from_str("e")},
        {span_from_str("Access-Control-Request-Private-Network"), span_from_str("true")}, {span_of(NULL, 0), span_from_str("f")},
    };
    const struct http_head head = {.request = true, .fields = fields, .n_fields = sizeof(fields) / sizeof(fields[0])};
    struct browser_question q = {.port = 1}, none = {.port = 1};
    browser_read_fields(&head, &q);
    ck_assert(span_equals_str(q.origin, "a") && span_equals_str(q.referer, "c") && span_equals_str(q.fetch_site, "e") && q.private_network);
    browser_read_fields(&(struct http_head){.fields = fields, .n_fields = 1}, &none);
    ck_assert(none.origin.ptr == NULL && none.referer.ptr == NULL && none.fetch_site.ptr == NULL && !none.private_network);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("browser");
    TCase *t = tcase_create("browser");
    tcase_add_loop_test(t, answers_to_its_own_names_only, 0, sizeof(hosts) / sizeof(hosts[0]));
    tcase_add_test(t, reads_no_address_in_front_of_a_nul);
    tcase_add_test(t, leaves_an_absolute_target_to_the_routes_on_a_forward_proxy_only);
    tcase_add_test(t, takes_the_configured_port_when_the_sockets_is_unknown);
    tcase_add_loop_test(t, refuses_what_a_page_of_another_origin_sends, 0, sizeof(pages) / sizeof(pages[0]));
    tcase_add_test(t, lets_null_pass_by_its_own_name_only);
    tcase_add_test(t, compares_a_page_with_the_host_of_its_request);
    tcase_add_test(t, shows_no_more_of_a_host_than_a_line_holds);
    tcase_add_test(t, reads_the_first_of_each_field_in_any_case);
    suite_add_tcase(s, t);
    return s;
}
