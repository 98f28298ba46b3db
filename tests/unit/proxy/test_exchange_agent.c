/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "exchange_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct proxy_env env;
static struct client client = {.env = &env};
static struct config_listener conf;
static const struct plan_listener listener = {.conf = &conf};
static struct exchange x;
static struct http_target target;
static char head_memory[4096];

static void keep(const char *referer, const char *agent)
{
    snprintf(head_memory, sizeof(head_memory), "%s%s", referer, agent);
    struct http_field fields[] = {
        {span_from_str("REFERER"), span_of(head_memory, strlen(referer))},
        {span_from_str("user-agent"), span_of(head_memory + strlen(referer), strlen(agent))},
    };
    struct http_head head = {.request = true, .fields = fields, .n_fields = 2};
    x = (struct exchange){.client = &client, .listener = &listener};
    exchange_agent_keep(&x, &head, &target);
    memset(head_memory, 'z', sizeof(head_memory)); /* the head is gone when the request ends */
}

START_TEST(keeps_what_the_observer_wants_beyond_the_head)
{
    env.observer.wants = OBSERVER_AGENTS;
    struct report r = {0};
    keep("https://a/", "curl/7");
    exchange_agent_report(&x, &r);
    ck_assert(span_equals_str(r.request.referer, "https://a/"));
    ck_assert(span_equals_str(r.request.user_agent, "curl/7"));
    free(x.rare.agent);
    x.rare.agent = NULL;
    r = (struct report){0};
    exchange_agent_report(&x, &r);
    ck_assert_uint_eq(r.request.user_agent.len, 0);
}
END_TEST

#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

START_TEST(keeps_what_a_log_wants_beyond_the_head)
{
    struct http_field fields[] = {{span_from_str("Traceparent"), span_from_str(TRACE)}};
    struct http_head head = {.request = true, .fields = fields, .n_fields = 1};
    const struct http_target asked = {.host = span_from_str("a.example")}, odd = {.host = span_from_str(".example")};
    struct report r = {0};
    env.observer.wants = OBSERVER_HOST | OBSERVER_TRACE;
    x = (struct exchange){.client = &client, .listener = &listener};
    exchange_agent_keep(&x, &head, &asked);
    exchange_agent_report(&x, &r);
    ck_assert(span_equals_str(r.request.host, "a.example"));
    ck_assert(span_equals_str(r.request.traceparent, TRACE));
    ck_assert_uint_eq(r.request.referer.len, 0);
    free(x.rare.agent);
    x = (struct exchange){.client = &client, .listener = &listener};
    fields[0].value = span_from_str("00-0-0-0");
    exchange_agent_keep(&x, &head, &odd);
    ck_assert_ptr_null(x.rare.agent); /* there is nothing to keep */
}
END_TEST

START_TEST(costs_nothing_for_others)
{
    env.observer.wants = 0;
    keep("https://a/", "curl/7");
    ck_assert_ptr_null(x.rare.agent);
}
END_TEST

START_TEST(keeps_the_client_of_a_trusted_proxy)
{
    struct http_field field = {span_from_str("x-forwarded-for"), span_from_str("192.0.2.1")};
    struct http_head head = {.request = true, .fields = &field, .n_fields = 1};
    env.observer.wants = 0;
    conf.trusted_proxies.sockets = true;
    for (int i = 0; i < 3; i++) {
        struct report r = {.client = client.who.address.text};
        snprintf(client.who.address.text, sizeof(client.who.address.text), "%s", i == 0 ? "unix" : i == 1 ? "unknown" : "192.0.2.1");
        client.who.address.known = i == 2;
        x = (struct exchange){.client = &client, .listener = &listener};
        exchange_agent_keep(&x, &head, &target);
        exchange_agent_report(&x, &r);
        ck_assert_int_eq(x.rare.agent != NULL, i == 0);
        ck_assert(i == 0 ? strcmp(r.from.forwarded_for, "192.0.2.1") == 0 : r.from.forwarded_for == NULL);
        free(x.rare.agent);
    }
    conf = (struct config_listener){0};
}
END_TEST

START_TEST(cuts_what_is_long_and_bears_what_is_missing)
{
    static char big[2000];
    env.observer.wants = OBSERVER_AGENTS;
    struct report r = {0};
    memset(big, 'a', sizeof(big) - 1);
    keep(big, "");
    exchange_agent_report(&x, &r);
    ck_assert_uint_eq(r.request.referer.len, 1024);
    ck_assert_uint_eq(r.request.user_agent.len, 0);
    free(x.rare.agent);
    x.rare.agent = NULL;
    r = (struct report){0};
    struct http_head bare = {.request = true};
    exchange_agent_keep(&x, &bare, &target);
    exchange_agent_report(&x, &r);
    ck_assert_uint_eq(r.request.referer.len, 0);
    free(x.rare.agent);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_agent");
    TCase *t = tcase_create("exchange_agent");
    tcase_add_test(t, keeps_the_client_of_a_trusted_proxy);
    tcase_add_test(t, keeps_what_the_observer_wants_beyond_the_head);
    tcase_add_test(t, keeps_what_a_log_wants_beyond_the_head);
    tcase_add_test(t, costs_nothing_for_others);
    tcase_add_test(t, cuts_what_is_long_and_bears_what_is_missing);
    suite_add_tcase(s, t);
    return s;
}
