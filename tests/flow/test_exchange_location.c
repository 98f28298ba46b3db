/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that name the upstream: by default a plaintext client is not led past us, to an https that lacks our certificate. */
#include "http_chain.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static const char GET[] = "GET / HTTP/1.1\r\nHost: shop.example:8080\r\n\r\n";

enum asked { SAID_NOTHING, SAID_TRUE, SAID_FALSE };

static void configure(struct wire_node *n, enum asked asked)
{
    n->down_conf.rewrite_location_given = asked != SAID_NOTHING;
    n->down_conf.rewrite_location = asked == SAID_TRUE;
}

static const struct {
    const char *why, *field, *at_app;
    enum asked asked;
} cases[] = {
    {"made ours by default", "Location: https://" WIRE_NAME "/a?b#c", "Location: http://shop.example:8080/a?b#c", SAID_NOTHING},
    {"made ours when told to", "Location: https://" WIRE_NAME "/a", "Location: http://shop.example:8080/a", SAID_TRUE},
    {"left alone when told to", "Location: https://" WIRE_NAME "/a", "Location: https://" WIRE_NAME "/a", SAID_FALSE},
    {"in small letters", "location: https://" WIRE_NAME "/a", "location: http://shop.example:8080/a", SAID_NOTHING},
    {"with its usual port", "Location: https://" WIRE_NAME ":443/a", "Location: http://shop.example:8080/a", SAID_NOTHING},
    {"without a path", "Location: https://" WIRE_NAME, "Location: http://shop.example:8080", SAID_NOTHING},
    {"another host's", "Location: https://elsewhere.example/a", "Location: https://elsewhere.example/a", SAID_NOTHING},
    {"another port's", "Location: https://" WIRE_NAME ":444/a", "Location: https://" WIRE_NAME ":444/a", SAID_NOTHING},
    {"another scheme's", "Location: http://" WIRE_NAME "/a", "Location: http://" WIRE_NAME "/a", SAID_NOTHING},
    {"a path", "Location: /a", "Location: /a", SAID_NOTHING},
    {"Content-Location", "Content-Location: https://" WIRE_NAME "/a", "Content-Location: http://shop.example:8080/a", SAID_NOTHING},
    {"Refresh", "Refresh: 0; url=https://" WIRE_NAME "/a", "Refresh: 0; url=http://shop.example:8080/a", SAID_NOTHING},
    {"Refresh of somebody else", "Refresh: 0; url=https://elsewhere.example/", "Refresh: 0; url=https://elsewhere.example/", SAID_NOTHING},
    {"a field like it", "X-Location: https://" WIRE_NAME "/a", "X-Location: https://" WIRE_NAME "/a", SAID_NOTHING},
};

static void answer_with(const char *field)
{
    static char reply[400];
    snprintf(reply, sizeof(reply), "HTTP/1.1 201 Created\r\nA: b\r\n%s\r\nContent-Length: 0\r\n\r\n", field);
    http_chain.reply = reply;
}

START_TEST(an_address_of_the_upstream_is_made_ours)
{
    char line[300];
    configure(&http_chain.injector, cases[_i].asked);
    answer_with(cases[_i].field);
    snprintf(line, sizeof(line), "\r\n%s\r\n", cases[_i].at_app);
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert_msg(strcasestr(wire_got(app), line) != NULL, "%s: %s", cases[_i].why, wire_got(app));
    ck_assert_msg(strstr(wire_got(app), "\r\nA: b\r\n") != NULL, "%s: %s", cases[_i].why, wire_got(app));
}
END_TEST

/* What is asked by another name than its own. */
START_TEST(an_upstream_may_name_itself_by_either_name)
{
    static char other[] = "public.example";
    static const char *const fields[] = {"Location: https://" WIRE_NAME "/a", "Location: https://public.example/a"};
    http_chain.injector.route_conf[0].set_host_given = true;
    http_chain.injector.route_conf[0].set_host = CONFIG_HOST_LITERAL;
    http_chain.injector.route_conf[0].set_host_literal = other;
    for (size_t i = 0; i < 2; i++) {
        answer_with(fields[i]);
        struct wire_socket *app = wire_connect(&http_chain);
        http_chain_ask(app, GET);
        ck_assert_msg(strstr(wire_got(app), "Location: http://shop.example:8080/a\r\n") != NULL, "%s", wire_got(app));
    }
}
END_TEST

START_TEST(all_three_are_made_ours_in_one_answer)
{
    answer_with("Location: https://" WIRE_NAME "/1\r\nContent-Location: https://" WIRE_NAME "/2\r\nRefresh: 3;URL=\"https://" WIRE_NAME "/3\"");
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Location: http://shop.example:8080/1\r\n"));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Content-Location: http://shop.example:8080/2\r\n"));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Refresh: 3;URL=\"http://shop.example:8080/3\"\r\n"));
    ck_assert_ptr_null(strstr(wire_got(app), WIRE_NAME));
}
END_TEST

START_TEST(a_verifier_leaves_addresses_alone_unless_told)
{
    static const struct {
        enum asked asked;
        const char *at_app;
    } rows[] = {{SAID_NOTHING, "Location: http://" WIRE_NAME "/a\r\n"}, {SAID_TRUE, "Location: https://" WIRE_NAME "/a\r\n"}};
    configure(&http_chain.injector, SAID_FALSE);
    answer_with("Location: http://" WIRE_NAME "/a");
    for (size_t i = 0; i < 2; i++) {
        configure(&http_chain.verifier, rows[i].asked);
        struct wire_socket *app = wire_connect(&http_chain);
        http_chain_ask(app, GET);
        ck_assert_msg(strstr(wire_got(app), rows[i].at_app) != NULL, "%s", wire_got(app));
    }
}
END_TEST

START_TEST(a_client_without_host_gets_what_was_said)
{
    answer_with("Location: https://" WIRE_NAME "/a");
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, "GET / HTTP/1.0\r\n\r\n");
    ck_assert_msg(strstr(wire_got(app), "Location: https://" WIRE_NAME "/a\r\n") != NULL, "%s", wire_got(app));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_location");
    TCase *t = tcase_create("flow");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(t, http_chain_open, http_chain_close);
    tcase_add_loop_test(t, an_address_of_the_upstream_is_made_ours, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(t, an_upstream_may_name_itself_by_either_name);
    tcase_add_test(t, all_three_are_made_ours_in_one_answer);
    tcase_add_test(t, a_verifier_leaves_addresses_alone_unless_told);
    tcase_add_test(t, a_client_without_host_gets_what_was_said);
    suite_add_tcase(s, t);
    return s;
}
