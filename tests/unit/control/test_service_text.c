/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/service_text.h"
#include "t.h"

#include <string.h>

static char text[SERVICE_TEXT_MAX];

START_TEST(names_the_state_and_what_is_wrong)
{
    struct service_facts f = {.state = SERVICE_READY, .clients = 1};
    service_text(&f, text);
    ck_assert_str_eq(text, "READY=1\nSTATUS=1 client");
    f = (struct service_facts){.state = SERVICE_READY, .clients = 12, .last_reload_error = "a.conf is missing"};
    service_text(&f, text);
    ck_assert_str_eq(text, "READY=1\nSTATUS=12 clients; the last reload was refused: a.conf is missing");
    f = (struct service_facts){.state = SERVICE_READY, .clients = 2, .last_handover_error = "it ended\nMAINPID=1"};
    service_text(&f, text);
    ck_assert_str_eq(text, "READY=1\nSTATUS=2 clients; no new process took over: it ended MAINPID=1");
    f = (struct service_facts){.state = SERVICE_STOPPING, .full = true, .ended = "identity \"a\" is expired", .n_ended = 3};
    service_text(&f, text);
    ck_assert_str_eq(text, "STOPPING=1\nSTATUS=draining; 0 clients; clients are refused, because the connection limit is reached; identity \"a\" is "
                           "expired (and 2 more)");
}
END_TEST

START_TEST(gives_the_moment_of_a_reload)
{
    struct service_facts f = {.state = SERVICE_RELOADING, .now_us = 1234567};
    service_text(&f, text);
    ck_assert_str_eq(text, "RELOADING=1\nMONOTONIC_USEC=1234567\nSTATUS=reloading; 0 clients");
}
END_TEST

START_TEST(refuses_an_assignment_inside_a_text)
{
    struct service_facts f = {.state = SERVICE_READY, .last_reload_error = "bad \"x\nMAINPID=1\r\nFDSTORE=1\x7f\"", .ended = "a\nb", .n_ended = 1};
    service_text(&f, text);
    ck_assert_str_eq(text, "READY=1\nSTATUS=0 clients; a b; the last reload was refused: bad \"x MAINPID=1  FDSTORE=1 \"");
}
END_TEST

START_TEST(cuts_long_texts)
{
    char longest[2000];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    struct service_facts f = {.state = SERVICE_RELOADING, .now_us = UINT64_MAX, .clients = UINT64_MAX, .full = true, .last_reload_error = longest, .last_handover_error = longest,
                              .ended = longest, .n_ended = SIZE_MAX};
    service_text(&f, text);
    ck_assert_uint_lt(strlen(text), SERVICE_TEXT_MAX);
    ck_assert_ptr_eq(strstr(text, "RELOADING=1\nMONOTONIC_USEC=18446744073709551615\nSTATUS=reloading; "), text);
}
END_TEST

START_TEST(looks_four_times_in_the_time_of_the_watchdog)
{
    static const struct {
        const char *usec, *pid;
        uint64_t ms;
    } rows[] = {
        {"30000000", NULL, 7500},
        {"30000000", "42", 7500},
        {"30000000", "41", 0}, /* another process is watched */
        {"30000000", "", 0},
        {"30000000", "42 ", 0},
        {NULL, NULL, 0},
        {"", NULL, 0},
        {"0", NULL, 0},
        {"1000", NULL, 10},
        {"-1", NULL, 0},
        {"99999999999999999999", NULL, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_uint_eq(service_watchdog_ms(rows[i].usec, rows[i].pid, 42), rows[i].ms);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("service_text");
    TCase *t = tcase_create("service_text");
    tcase_add_test(t, names_the_state_and_what_is_wrong);
    tcase_add_test(t, gives_the_moment_of_a_reload);
    tcase_add_test(t, refuses_an_assignment_inside_a_text);
    tcase_add_test(t, cuts_long_texts);
    tcase_add_test(t, looks_four_times_in_the_time_of_the_watchdog);
    suite_add_tcase(s, t);
    return s;
}
