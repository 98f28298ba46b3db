/* SPDX-License-Identifier: Apache-2.0 */
/* Rows C13 and C14 of the security list. */
#include "mtlsd/proxy/early_answer.h"
#include "t.h"

#include <string.h>

enum { UTC = 1800000000 };

static struct config_listener conf;
static struct plan_listener listener;
static struct early_answer answer;

static void set_up(void)
{
    conf = (struct config_listener){.protocol = CONFIG_PROTOCOL_HTTP};
    listener = (struct plan_listener){.conf = &conf};
    answer = (struct early_answer){0};
}

static void tear_down(void)
{
    early_answer_clear(&answer);
}

static const char *text_at(enum reason reason, int64_t utc)
{
    static char text[4096];
    struct span s = early_answer(&answer, &listener, reason, utc);
    ck_assert_uint_lt(s.len, sizeof(text));
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return text;
}

static const char *text_for(enum reason reason)
{
    return text_at(reason, UTC);
}

START_TEST(http_client_is_given_a_whole_answer)
{
    const char *text = text_for(REASON_OVERLOADED);
    ck_assert_ptr_eq(strstr(text, "HTTP/1.1 503 Service Unavailable\r\n"), text);
    ck_assert_ptr_nonnull(strstr(text, "Retry-After: 1\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "Connection: close\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\"reason\":\"overloaded\""));
    text = text_for(REASON_TOO_MANY_CONNECTIONS);
    ck_assert_ptr_eq(strstr(text, "HTTP/1.1 429 Too Many Requests\r\n"), text);
    ck_assert_ptr_nonnull(strstr(text, "\"reason\":\"too_many_connections\""));
}
END_TEST

START_TEST(tls_client_is_given_an_alert_whatever_the_protocol)
{
    listener.tls = (struct tls_context *)&conf; /* that it is there is all that counts */
    for (int tcp = 0; tcp < 2; tcp++) {
        conf.protocol = tcp ? CONFIG_PROTOCOL_TCP : CONFIG_PROTOCOL_HTTP;
        struct span s = early_answer(&answer, &listener, REASON_OVERLOADED, UTC);
        ck_assert_uint_eq(s.len, 7);
        ck_assert_int_eq(memcmp(s.ptr, "\x15\x03\x03\x00\x02\x02\x50", 7), 0);
    }
}
END_TEST

START_TEST(plain_tcp_client_is_given_nothing)
{
    conf.protocol = CONFIG_PROTOCOL_TCP;
    ck_assert_uint_eq(early_answer(&answer, &listener, REASON_OVERLOADED, UTC).len, 0);
}
END_TEST

START_TEST(answer_is_that_of_its_second_and_reason)
{
    const uint8_t *first = early_answer(&answer, &listener, REASON_OVERLOADED, UTC).ptr;
    ck_assert_ptr_eq(early_answer(&answer, &listener, REASON_OVERLOADED, UTC).ptr, first); /* it is not written again */
    ck_assert_ptr_nonnull(strstr(text_at(REASON_OVERLOADED, UTC), "Date: Fri, 15 Jan 2027 08:00:00 GMT\r\n"));
    ck_assert_ptr_nonnull(strstr(text_at(REASON_OVERLOADED, UTC + 1), "Date: Fri, 15 Jan 2027 08:00:01 GMT\r\n"));
    ck_assert_ptr_nonnull(strstr(text_at(REASON_TOO_MANY_CONNECTIONS, UTC + 1), " 429 "));
    ck_assert_ptr_nonnull(strstr(text_at(REASON_OVERLOADED, UTC + 1), " 503 "));
}
END_TEST

START_TEST(answer_names_the_contact_of_its_listener)
{
    static char contact[] = "ops@example.com";
    ck_assert_ptr_null(strstr(text_at(REASON_OVERLOADED, UTC), "contact"));
    conf.contact = contact;
    ck_assert_ptr_nonnull(strstr(text_at(REASON_OVERLOADED, UTC), "\"contact\":\"ops@example.com\""));
    conf.contact = NULL;
    ck_assert_ptr_null(strstr(text_at(REASON_OVERLOADED, UTC), "contact"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("early_answer");
    TCase *t = tcase_create("early_answer");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, http_client_is_given_a_whole_answer);
    tcase_add_test(t, tls_client_is_given_an_alert_whatever_the_protocol);
    tcase_add_test(t, plain_tcp_client_is_given_nothing);
    tcase_add_test(t, answer_names_the_contact_of_its_listener);
    tcase_add_test(t, answer_is_that_of_its_second_and_reason);
    suite_add_tcase(s, t);
    return s;
}
