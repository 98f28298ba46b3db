/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/uplink.h"
#include "t.h"
#include "wire_pki.h"

static struct config_upstream conf;

START_TEST(has_a_reader_of_responses_for_http_only)
{
    struct plan_upstream up = {.conf = &conf};
    struct plan_target plan = {.upstream = &up};
    struct err err = {0};
    struct uplink *http = uplink_new(&plan, true, NULL, &err), *tcp = uplink_new(&plan, false, NULL, &err);
    ck_assert(http != NULL && tcp != NULL);
    ck_assert(http->http != NULL && tcp->http == NULL);
    ck_assert(link_is_open(&http->link) && link_pending(&http->link) == 0);
    ck_assert(!tcp->reset && tcp->exchange == NULL && tcp->uses == 0);
    uplink_free(http);
    uplink_free(tcp);
    uplink_free(NULL);
}
END_TEST

START_TEST(a_tls_link_makes_its_first_bytes_once_the_way_is_open)
{
    static const struct wire_side good;
    struct wire_pki pki;
    struct err err = {0};
    wire_pki_make(&pki);
    struct plan_upstream up = {.conf = &conf};
    struct plan_target plan = {.upstream = &up, .tls = wire_pki_connecting(&pki, &good)};
    struct uplink *u = uplink_new(&plan, true, NULL, &err);
    ck_assert_ptr_nonnull(u);
    ck_assert(link_is_handshaking(&u->link) && !link_is_open(&u->link));
    struct span run;
    ck_assert_uint_eq(link_runs(&u->link, &run, 1), 0);
    uplink_start(u, WIRE_NOW);
    ck_assert_uint_eq(link_runs(&u->link, &run, 1), 1);
    ck_assert_uint_eq(run.ptr[0], 22); /* a handshake record */
    uplink_free(u);
    tls_context_unref(plan.tls);
    wire_pki_clear(&pki);
}
END_TEST

START_TEST(a_proxy_on_the_way_has_a_reader_until_the_way_is_open)
{
    static char text[] = "proxy.example:3128";
    struct config_upstream proxied = {.proxy_text = text};
    struct plan_upstream up = {.conf = &proxied};
    struct plan_target plan = {.upstream = &up};
    struct err err = {0};
    struct uplink *u = uplink_new(&plan, true, NULL, &err);
    ck_assert(u != NULL && u->opening != NULL);
    uplink_start(u, WIRE_NOW);
    ck_assert_ptr_null(u->opening);
    uplink_free(u);
    u = uplink_new(&plan, true, NULL, &err);
    uplink_free(u);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("uplink");
    TCase *t = tcase_create("uplink");
    tcase_add_test(t, has_a_reader_of_responses_for_http_only);
    tcase_add_test(t, a_tls_link_makes_its_first_bytes_once_the_way_is_open);
    tcase_add_test(t, a_proxy_on_the_way_has_a_reader_until_the_way_is_open);
    suite_add_tcase(s, t);
    return s;
}
