/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"
#include "world.h"

#include "mtlsd/control/explain.h"

#include <stdio.h>
#include <string.h>

static struct world w;
static struct findings findings;
static struct snapshot *s;

static const char listeners[] = "app = { bind = \"127.0.0.1:8080\"; upstream = \"partner\"; };\n"
                                "proxy = { bind = \":3128\"; forward_proxy = {}; insecure_expose = true; routes = ({ host = \"a.example\"; upstream = \"partner\"; }); };\n"
                                "local = { bind = \"unix:/run/x.sock\"; upstream = \"partner\"; };\n"
                                "raw = { bind = \"127.0.0.1:9443\"; protocol = \"tcp\"; upstream = \"partner\"; };\n"
                                "}; \n";

static void set_up(void)
{
    world_make(&w);
    findings_init(&findings);
    char *end = strrchr(w.config, '}'); /* of the group of listeners */
    snprintf(end, (size_t)(w.config + sizeof(w.config) - end), "%s", listeners);
    s = world_load(&w, 1, &findings);
    for (size_t i = 0; i < findings.n && s == NULL; i++)
        ck_abort_msg("%s: %s", findings.items[i].where, findings.items[i].text);
}

static void tear_down(void)
{
    snapshot_unref(s);
    findings_clear(&findings);
    world_clear(&w);
}

static const struct {
    const char *name, *request;
    const char *picked; /* NULL: none */
    const char *says, *why;
} picks[] = {
    {"raw", NULL, "raw", "", "by name"},
    {"rwa", NULL, NULL, "there is no listener \"rwa\"; there are: public, app", "by a name that is none"},
    {NULL, NULL, "public", "", "a certificate: the only one that asks for one"},
    {NULL, "GET http://127.0.0.1:8080/", "app", "", "by the port"},
    {NULL, "GET https://127.0.0.1:8443/", "public", "", "by the port, with TLS"},
    {NULL, "GET http://127.0.0.1:8443/", NULL, "--listener", "plaintext does not lead to a port with TLS"},
    {NULL, "GET http://any.example:3128/", "proxy", "", "the name does not choose, the port does"},
    {NULL, "GET http://127.0.0.1:9443/", NULL, "--listener", "a tcp listener knows no requests"},
    {NULL, "GET http://[::1]:8080/", "app", "", "a port after an IPv6 literal"},
    {NULL, "GET /x", NULL, "public, app, proxy, local, raw", "a path leads nowhere, and the choice is told"},
    {NULL, "GET", NULL, "METHOD TARGET", "half a request"},
};

START_TEST(finds_the_listener_that_is_meant)
{
    struct err err = {0};
    const struct plan_listener *got = explain_pick_listener(s, picks[_i].name, picks[_i].request, &err);
    ck_assert_msg((got == NULL) == (picks[_i].picked == NULL), "%s: %s", picks[_i].why, err.text);
    if (got != NULL)
        ck_assert_msg(strcmp(got->conf->name, picks[_i].picked) == 0, "%s: %s", picks[_i].why, got->conf->name);
    else
        ck_assert_msg(err.kind == ERR_USAGE && strstr(err.text, picks[_i].says) != NULL, "%s: %s", picks[_i].why, err.text);
}
END_TEST

static const struct {
    const char *listener, *request, *field;
    const char *head; /* NULL: refused */
    const char *why;
} heads[] = {
    {"app", "GET http://a.example:8080/x?y", NULL, "GET /x?y HTTP/1.1\r\nHost: a.example:8080\r\n\r\n", "a URL becomes a path and Host"},
    {"app", "GET http://a.example", NULL, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "without a path"},
    {"app", "GET http://a.example?y", NULL, "GET /?y HTTP/1.1\r\nHost: a.example\r\n\r\n", "with a query only"},
    {"app", "GET http://a.example/a/../%61", NULL, "GET /a/../%61 HTTP/1.1\r\nHost: a.example\r\n\r\n", "nothing is tidied up"},
    {"app", "POST /x", NULL, "POST /x HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n", "a path: Host is the listener"},
    {"app", "GET /x", "Host: b.example", "GET /x HTTP/1.1\r\nHost: b.example\r\n\r\n", "or what is given"},
    {"app", "GET http://a.example/", "host: b.example", "GET / HTTP/1.1\r\nhost: b.example\r\n\r\n", "which wins over the URL"},
    {"app", "GET /x", "X-A: b: c", "GET /x HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX-A: b: c\r\n\r\n", "a field with a colon in it"},
    {"app", "GET /x HTTP/1.0", NULL, "GET /x HTTP/1.0\r\n\r\n", "HTTP/1.0 needs no Host"},
    {"app", "  GET   /x  ", NULL, "GET /x HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n", "spaces between words"},
    {"local", "GET /x", NULL, "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n", "a unix socket has no address"},
    {"proxy", "GET http://a.example/x", NULL, "GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\n\r\n", "a forward proxy gets it whole"},
    {"proxy", "CONNECT a.example:443", NULL, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", "CONNECT"},
    {"proxy", "GET /x", NULL, "GET /x HTTP/1.1\r\nHost: localhost:3128\r\n\r\n", "bound to everything"},
    {"app", "GET", NULL, NULL, "no target"},
    {"app", "", NULL, NULL, "nothing"},
    {"app", "GET /x HTTP/2", NULL, "GET /x HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n", "HTTP/2 is asked about in the words that the gate knows"},
    {"proxy", "GET http://a.example/x HTTP/2", NULL, "GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n", "it has no whole URL as its target"},
    {"app", "CONNECT http://a.example/chat HTTP/2", NULL, "GET /chat HTTP/1.1\r\nHost: a.example\r\n\r\n", "a WebSocket"},
    {"proxy", "CONNECT a.example:443 HTTP/2", NULL, NULL, "a tunnel, which HTTP/2 is not served"},
    {"app", "GET /x HTTP/3", NULL, NULL, "another version"},
    {"app", "GET /x HTTP/1.1 y", NULL, NULL, "a word too many"},
    {"app", "GET /x\r\nX: y", NULL, NULL, "a line break"},
    {"app", "GET /x", "X-A", NULL, "a field without a colon"},
    {"app", "GET /x", ": b", NULL, "a field without a name"},
    {"app", "GET /x", "X-A: b\r\nX-B: c", NULL, "two fields in one"},
};

START_TEST(writes_the_head_that_a_client_sends)
{
    struct err err = {0};
    struct bytes out;
    bytes_init(&out, 4096);
    const struct plan_listener *l = explain_pick_listener(s, heads[_i].listener, NULL, &err);
    ck_assert_ptr_nonnull(l);
    int rc = explain_write_request(&out, l, heads[_i].request, &heads[_i].field, heads[_i].field != NULL ? 1 : 0, &err);
    ck_assert_msg((rc == 0) == (heads[_i].head != NULL), "%s: %s", heads[_i].why, err.text);
    if (rc == 0)
        ck_assert_msg(span_equals_str(bytes_span(&out), heads[_i].head), "%s: %.*s", heads[_i].why, (int)out.len, (const char *)out.data);
    else
        ck_assert_int_eq(err.kind, ERR_USAGE);
    bytes_clear(&out);
}
END_TEST

START_TEST(knows_what_tls_is_asked_for)
{
    static const struct {
        const char *request, *name;
    } rows[] = {
        {"GET https://shop.example/x", "shop.example"}, {"GET https://Shop.Example.:8443", "Shop.Example."}, {"GET HTTPS://a/", "a"},
        {"GET http://shop.example/", ""},               {"GET /x", ""},                                      {"GET https://[::1]:8443/", ""},
        {"GET https:///x", ""},                         {"GET", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(span_equals_str(explain_server_name(rows[i].request), rows[i].name), "%s", rows[i].request);
}
END_TEST

START_TEST(says_when_a_request_is_too_large)
{
    struct err err = {0};
    struct bytes out;
    bytes_init(&out, 8);
    ck_assert_int_eq(explain_write_request(&out, explain_pick_listener(s, "app", NULL, &err), "GET /longer", NULL, 0, &err), -1);
    ck_assert_int_eq(err.kind, ERR_MEMORY);
    bytes_clear(&out);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("explain_request");
    TCase *t = tcase_create("explain_request");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, finds_the_listener_that_is_meant, 0, sizeof(picks) / sizeof(picks[0]));
    tcase_add_loop_test(t, writes_the_head_that_a_client_sends, 0, sizeof(heads) / sizeof(heads[0]));
    tcase_add_test(t, knows_what_tls_is_asked_for);
    tcase_add_test(t, says_when_a_request_is_too_large);
    suite_add_tcase(suite, t);
    return suite;
}
