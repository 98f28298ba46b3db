/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/uplink.h"
#include "t.h"
#include "wire_pki.h"

static struct config_upstream conf;
static struct proxy_env env;

static struct uplink *make(const struct plan_target *plan, bool http)
{
    static const struct moment now = {.us = 1, .utc = WIRE_NOW};
    static const struct config_target target_conf;
    struct err err = {0};
    const struct dial dial = {.target = plan, .address = &target_conf.address};
    struct uplink *u = uplink_new(&env, &dial, http ? UPLINK_HTTP : UPLINK_RAW, NULL, now, &err);
    ck_assert_ptr_nonnull(u);
    return u;
}

static void connected(struct uplink *u)
{
    uplink_on_connected(u, (struct moment){.us = 2, .utc = WIRE_NOW});
}

START_TEST(has_a_reader_of_responses_for_http_only)
{
    struct plan_upstream up = {.conf = &conf};
    struct plan_target plan = {.upstream = &up};
    struct uplink *http = make(&plan, true), *tcp = make(&plan, false);
    ck_assert(http->http != NULL && tcp->http == NULL);
    ck_assert(link_is_open(&http->link) && link_pending(&http->link) == 0);
    ck_assert(!tcp->is.reset && tcp->first == NULL && tcp->carried == 0);
    uplink_free(http);
    uplink_free(tcp);
    uplink_free(NULL);
}
END_TEST

START_TEST(a_tls_link_makes_its_first_bytes_once_the_way_is_open)
{
    static const struct wire_side good;
    struct wire_pki pki;
    wire_pki_make(&pki);
    struct plan_upstream up = {.conf = &conf};
    struct plan_target plan = {.upstream = &up, .tls = wire_pki_connecting(&pki, &good)};
    struct uplink *u = make(&plan, true);
    ck_assert(link_is_handshaking(&u->link) && !link_is_open(&u->link));
    struct span run;
    ck_assert_uint_eq(link_runs(&u->link, &run, 1), 0);
    connected(u);
    ck_assert_uint_eq(link_runs(&u->link, &run, 1), 1);
    ck_assert_uint_eq(run.ptr[0], 22); /* a handshake record */
    uplink_free(u);
    tls_context_unref(plan.tls);
    wire_pki_clear(&pki);
}
END_TEST

static void send_all(struct uplink *u)
{
    struct span run;
    while (link_runs(&u->link, &run, 1) > 0)
        link_sent(&u->link, run.len);
}

START_TEST(an_alert_is_the_last_that_is_said) /* B1 */
{
    static const struct {
        const char *why, *heard;
        bool tls, hello_leaves, reset, lost;
        uint8_t type; /* of the record; 0: nothing is said */
        size_t len;
    } cases[] = {
        {"plaintext", NULL, false, true, false, false, 0, 0},
        {"a handshake that is given up", NULL, true, true, false, false, 0, 0},
        {"refused", "HTTP/1.1 400 Bad Request\r\n\r\n", true, true, false, false, 21, 7},
        {"refused, to be aborted", "HTTP/1.1 400 Bad Request\r\n\r\n", true, true, true, false, 21, 7},
        {"what came before the alert lies there still", "HTTP/1.1 400 Bad Request\r\n\r\n", true, false, false, false, 22, 0},
        {"something before it was lost", "HTTP/1.1 400 Bad Request\r\n\r\n", true, true, false, true, 0, 0},
    };
    static const struct wire_side good;
    struct wire_pki pki;
    wire_pki_make(&pki);
    struct plan_upstream up = {.conf = &conf};
    struct tls_context *tls = wire_pki_connecting(&pki, &good);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct plan_target plan = {.upstream = &up, .tls = cases[i].tls ? tls : NULL};
        struct uplink *u = make(&plan, true);
        connected(u);
        if (cases[i].hello_leaves)
            send_all(u);
        if (cases[i].heard != NULL)
            tls_engine_wire_in(u->link.tls, span_from_str(cases[i].heard), WIRE_NOW);
        u->is.reset = cases[i].reset;
        u->link.broken = cases[i].heard != NULL;
        u->link.lost = cases[i].lost;
        struct span words = uplink_last_words(u);
        ck_assert_msg((words.len > 0) == (cases[i].type != 0), "%s: %zu bytes", cases[i].why, words.len);
        ck_assert_msg(words.len == 0 || words.ptr[0] == cases[i].type, "%s: a record of type %u", cases[i].why, words.ptr[0]);
        ck_assert_msg(cases[i].len == 0 || words.len == cases[i].len, "%s: %zu bytes", cases[i].why, words.len);
        uplink_free(u);
    }
    tls_context_unref(tls);
    wire_pki_clear(&pki);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("uplink");
    TCase *t = tcase_create("uplink");
    tcase_add_test(t, has_a_reader_of_responses_for_http_only);
    tcase_add_test(t, a_tls_link_makes_its_first_bytes_once_the_way_is_open);
    tcase_add_test(t, an_alert_is_the_last_that_is_said);
    suite_add_tcase(s, t);
    return s;
}
