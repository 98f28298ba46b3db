/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "exchange_internal.h"
#include "wire_pki.h"

#include <stdio.h>
#include <string.h>

static struct wire_pki pki;
static struct tls_context *accepting;
static struct config_listener conf;
static struct config_upstream up_conf;
static struct config_target target_conf;
static struct plan_upstream upstream;
static struct plan_target target;
static struct plan_listener listener;
static struct proxy_env env;
static struct client client_of_x;
static struct exchange x;

static void setup(void)
{
    struct err err = {0};
    wire_pki_make(&pki);
    accepting = wire_pki_accepting(&pki, &(struct wire_side){0});
    conf = (struct config_listener){0};
    up_conf = (struct config_upstream){0};
    target_conf = (struct config_target){.address = {.kind = ADDRESS_TCP, .host = "api.example", .port = 8080}};
    upstream = (struct plan_upstream){.conf = &up_conf, .targets = &target, .n_targets = 1};
    target = (struct plan_target){.conf = &target_conf, .upstream = &upstream};
    listener = (struct plan_listener){.conf = &conf};
    x = (struct exchange){.client = &client_of_x, .listener = &listener, .way = {.target = &target}};
    client_of_x.env = &env;
    bytes_init(&client_of_x.who.identity, 64 * 1024);
    client_of_x.link.tls = tls_engine_new(accepting, NULL, NULL, NULL, &err);
    ck_assert_ptr_nonnull(client_of_x.link.tls);
}

static void drop(void)
{
    tls_engine_free(client_of_x.link.tls);
    bytes_clear(&client_of_x.who.identity);
    tls_context_unref(accepting);
    wire_pki_clear(&pki);
}

/* The lines added for a client at that address whose request has this Host (NULL: none), and how it ended. */
static const char *added(const char *client, const char *host, size_t room, int *rc)
{
    static char text[4096];
    struct http_field field = {span_from_str("host"), span_from_str(host)};
    struct http_head head = {.request = true, .minor = 1, .fields = &field, .n_fields = host != NULL};
    struct bytes out;
    bytes_init(&out, room);
    snprintf(client_of_x.who.address.text, sizeof(client_of_x.who.address.text), "%s", client);
    const struct admission a = {.head = &head};
    *rc = exchange_added_fields(&x, &a, &out);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, out.len > 0 ? (const char *)bytes_span(&out).ptr : "");
    bytes_clear(&out);
    return text;
}

START_TEST(says_where_a_request_came_from)
{
    static const struct {
        const char *why;
        enum config_forwarded forwarded;
        bool plaintext;
        const char *client, *host, *lines;
    } cases[] = {
        {"off says nothing", CONFIG_FORWARDED_OFF, false, "192.0.2.1", "a", ""},
        {"x", CONFIG_FORWARDED_X, false, "192.0.2.1", "a.example",
         "X-Forwarded-For: 192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example\r\n"},
        {"x without TLS or Host", CONFIG_FORWARDED_X, true, "192.0.2.1", NULL,
         "X-Forwarded-For: 192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n"},
        {"rfc7239", CONFIG_FORWARDED_RFC7239, false, "192.0.2.1", "a:81", "Forwarded: for=192.0.2.1;proto=https;host=\"a:81\"\r\n"},
        {"IPv6 stands in quotes", CONFIG_FORWARDED_RFC7239, true, "2001:db8::1", NULL, "Forwarded: for=\"[2001:db8::1]\";proto=http\r\n"},
        {"a socket has no address", CONFIG_FORWARDED_RFC7239, true, "unix", NULL, "Forwarded: for=unknown;proto=http\r\n"},
        {"a Host with a quote is left out", CONFIG_FORWARDED_RFC7239, true, "192.0.2.1", "a\";for=\"10.0.0.1", "Forwarded: for=192.0.2.1;proto=http\r\n"},
        {"a Host with a backslash too", CONFIG_FORWARDED_RFC7239, true, "192.0.2.1", "a\\", "Forwarded: for=192.0.2.1;proto=http\r\n"},
    };
    struct tls_engine *tls = client_of_x.link.tls;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int rc;
        conf.forwarded = cases[i].forwarded;
        client_of_x.link.tls = cases[i].plaintext ? NULL : tls;
        const char *lines = added(cases[i].client, cases[i].host, 4096, &rc);
        ck_assert_msg(rc == 0 && strcmp(lines, cases[i].lines) == 0, "%s: %d %s", cases[i].why, rc, lines);
    }
    client_of_x.link.tls = tls;
}
END_TEST

START_TEST(lines_that_do_not_fit_refuse_the_request)
{
    static const enum config_forwarded kinds[] = {CONFIG_FORWARDED_X, CONFIG_FORWARDED_RFC7239};
    for (size_t i = 0; i < 2; i++) {
        int rc;
        conf.forwarded = kinds[i];
        size_t whole = strlen(added("192.0.2.1", "a.example", 4096, &rc));
        for (size_t room = 1; room < whole; room++) {
            added("192.0.2.1", "a.example", room, &rc);
            ck_assert_msg(rc == -1, "room for %zu of %zu", room, whole);
        }
    }
}
END_TEST

START_TEST(an_identity_nobody_proved_is_told_as_none) /* A2 */
{
    int rc;
    ck_assert_str_eq(added("192.0.2.1", "a", 4096, &rc), ""); /* nothing without a preset */
    conf.identity_headers = CONFIG_HEADERS_RFC9440 | CONFIG_HEADERS_X_SSL;
    char first[1024];
    snprintf(first, sizeof(first), "%s", added("192.0.2.1", "a", 4096, &rc));
    ck_assert_int_eq(rc, 0);
    ck_assert_msg(strstr(first, "none") != NULL || strstr(first, "NONE") != NULL, "%s", first);
    ck_assert_msg(strstr(first, "SUCCESS") == NULL && strstr(first, "valid") == NULL, "%s", first);
    ck_assert_str_eq(added("192.0.2.1", "a", 4096, &rc), first); /* once more for the next request */
    added("192.0.2.1", "a", strlen(first) - 1, &rc);
    ck_assert_int_eq(rc, -1);
}
END_TEST

START_TEST(host_is_the_clients_or_the_upstreams)
{
    static const struct {
        const char *why;
        bool verifier, given;
        enum config_host how;
        const char *value; /* "": the client's is kept */
    } cases[] = {
        {"an injector by default", false, false, CONFIG_HOST_UPSTREAM, "api.example:8080"},
        {"a verifier by default", true, false, CONFIG_HOST_UPSTREAM, ""},
        {"an injector told to keep it", false, true, CONFIG_HOST_PRESERVE, ""},
        {"a verifier told to change it", true, true, CONFIG_HOST_UPSTREAM, "api.example:8080"},
        {"a literal", true, true, CONFIG_HOST_LITERAL, "other.example"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char literal[] = "other.example", buf[300];
        listener.tls = cases[i].verifier ? accepting : NULL;
        up_conf.host_given = cases[i].given;
        up_conf.host = cases[i].how;
        up_conf.host_literal = cases[i].how == CONFIG_HOST_LITERAL ? literal : NULL;
        struct span value = exchange_host_field(&x, buf, sizeof(buf));
        ck_assert_msg(span_equals_str(value, cases[i].value), "%s: %.*s", cases[i].why, (int)value.len, (const char *)value.ptr);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_fields");
    TCase *c = tcase_create("fields");
    tcase_add_checked_fixture(c, setup, drop);
    tcase_add_test(c, says_where_a_request_came_from);
    tcase_add_test(c, lines_that_do_not_fit_refuse_the_request);
    tcase_add_test(c, an_identity_nobody_proved_is_told_as_none);
    tcase_add_test(c, host_is_the_clients_or_the_upstreams);
    suite_add_tcase(s, c);
    return s;
}
