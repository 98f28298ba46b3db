/* SPDX-License-Identifier: Apache-2.0 */
/* What routes say with variables, on the way from a client to a backend, and that nobody but us says it. */
#include "http_chain.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static const size_t steps[] = {1, WIRE_ALL};

static char client[] = "X-Client", error[] = "X-Error", kind[] = "X-Kind", proxy[] = "X-SSL-Protocol", where[] = "here:1";
static char cn[] = "{cert.cn}", number[] = "{cert.error}", constant[] = "fixed", version[] = "{tls.version}", none[] = "{cert.uri}", id[] = "{request.id}";
static char up[] = "upstream", me[] = "/users/me", all[] = "/users";
static char slash_a[] = "/a", slash_b[] = "/b", elsewhere[] = "https://new.example{request.uri}", own[] = "{request.uri}", same_host[] = "https://www.{request.host}/x",
            late[] = "/late?error={cert.error}&cn={cert.cn}";
static struct config_header sets[] = {{client, cn}, {error, number}, {kind, constant}, {proxy, version}}, sets_nothing[] = {{client, none}}, sets_id[] = {{kind, id}},
                            sets_constant[] = {{client, constant}};

static struct wire_socket *ask(const char *request)
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, request);
    return app;
}

static bool backend_got(const char *text)
{
    return wire_ever_said(&wire_backend_socket(&http_chain, 0)->up, text) || wire_was_asked(&http_chain, text);
}

START_TEST(a_route_tells_its_backend_what_the_client_is) /* C1 */
{
    const struct config_route route = {.where = where, .set_headers = sets, .n_set_headers = 4};
    http_chain.step = steps[_i];
    wire_set_routes(&http_chain.verifier, &route, 1);
    ask("GET / HTTP/1.1\r\nHost: x\r\nX-Client: spoofed\r\nx_client: spoofed\r\nX~Client: spoofed\r\nX-SSL-Protocol: spoofed\r\n"
        "X-Kind: spoofed\r\n\r\n");
    ck_assert(!backend_got("spoofed"));
    ck_assert(backend_got("X-Client: client\r\n"));
    ck_assert(backend_got("X-Error: 0\r\n"));
    ck_assert(backend_got("X-Kind: fixed\r\n"));
    ck_assert(backend_got("X-SSL-Protocol: TLSv1."));
}
END_TEST

START_TEST(a_client_that_names_the_field_in_connection_does_not_remove_it) /* C1 */
{
    const struct config_route route = {.where = where, .set_headers = sets, .n_set_headers = 4};
    wire_set_routes(&http_chain.verifier, &route, 1);
    ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: X-Client, x_error, X-SSL-Protocol\r\n\r\n");
    ck_assert(backend_got("X-Client: client\r\n") && backend_got("X-Error: 0\r\n") && backend_got("X-SSL-Protocol: TLSv1."));
}
END_TEST

START_TEST(a_trailer_does_not_claim_it_either) /* C11 */
{
    const struct config_route route = {.where = where, .set_headers = sets, .n_set_headers = 4};
    wire_set_routes(&http_chain.verifier, &route, 1);
    ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX_Client: spoofed\r\nX-Other: passes\r\n\r\n");
    ck_assert(backend_got("X-Client: client\r\n"));
    ck_assert(backend_got("X-Other: passes\r\n"));
    ck_assert(!backend_got("spoofed"));
}
END_TEST

START_TEST(the_field_is_removed_where_another_route_decides) /* C1 */
{
    const struct config_route routes[] = {{.where = where, .path = slash_a, .set_headers = sets, .n_set_headers = 4}, {.where = where, .path = slash_b}};
    wire_set_routes(&http_chain.verifier, routes, 2);
    ask("GET /b HTTP/1.1\r\nHost: x\r\nX-Client: spoofed\r\nX_Error: spoofed\r\nX-Kind: passes\r\n\r\n");
    ck_assert(!backend_got("spoofed"));
    ck_assert(backend_got("X-Kind: passes\r\n")); /* it is set from no variable */
}
END_TEST

START_TEST(a_value_that_is_not_there_leaves_no_field_and_no_claim)
{
    const struct config_route route = {.where = where, .set_headers = sets_nothing, .n_set_headers = 1};
    wire_set_routes(&http_chain.verifier, &route, 1);
    ask("GET / HTTP/1.1\r\nHost: x\r\nX-Client: spoofed\r\n\r\n");
    ck_assert(!backend_got("spoofed") && !backend_got("X-Client"));
}
END_TEST

START_TEST(the_first_of_two_routes_for_one_path_sets_the_field) /* C12 */
{
    const struct config_route routes[] = {{.where = where, .upstream = up, .path = me, .set_headers = sets, .n_set_headers = 4},
                                          {.where = where, .upstream = up, .path = all, .set_headers = sets_constant, .n_set_headers = 1}};
    wire_set_routes(&http_chain.verifier, routes, 2);
    ask("GET /users/ME HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert(backend_got("X-Client: client\r\n"));
    ck_assert(!backend_got("X-Client: fixed\r\n"));
}
END_TEST

START_TEST(the_later_of_two_routes_for_one_path_does_not_set_it_again) /* C12 */
{
    const struct config_route routes[] = {{.where = where, .upstream = up, .path = me, .set_headers = sets_constant, .n_set_headers = 1},
                                          {.where = where, .upstream = up, .path = all, .set_headers = sets, .n_set_headers = 4}};
    wire_set_routes(&http_chain.verifier, routes, 2);
    ask("GET /users/ME HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert(backend_got("X-Client: fixed\r\n"));
    ck_assert(!backend_got("X-Client: client\r\n"));
    ck_assert(backend_got("X-Error: 0\r\n"));
}
END_TEST

static const struct {
    const char *why, *route, *request, *answer;
} redirects[] = {
    {"to another host", elsewhere, "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n", "\r\nLocation: https://new.example/a?b=c\r\n"},
    {"C15: which stays that host", elsewhere, "GET //evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", "\r\nLocation: https://new.example//evil.example/\r\n"},
    {"C15: a path is no host", own, "GET //evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", "\r\nLocation: /evil.example/\r\n"},
    {"to the same host", same_host, "GET / HTTP/1.1\r\nHost: a.example:8080\r\n\r\n", "\r\nLocation: https://www.a.example/x\r\n"},
    {"with the number of the status", late, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\r\nLocation: /late?error=0&cn=client\r\n"},
};

START_TEST(a_redirect_may_say_what_was_asked_for)
{
    const struct config_route route = {.where = where, .redirect = (char *)(uintptr_t)redirects[_i].route, .redirect_status = 302};
    http_chain.injector.up_conf.host = CONFIG_HOST_PRESERVE;
    http_chain.injector.up_conf.host_given = true;
    wire_set_routes(&http_chain.verifier, &route, 1);
    struct wire_socket *app = ask(redirects[_i].request);
    ck_assert_msg(strstr(wire_got(app), redirects[_i].answer) != NULL, "%s: %s", redirects[_i].why, wire_got(app));
}
END_TEST

START_TEST(a_redirect_to_the_same_host_needs_one) /* C15 */
{
    const struct config_route route = {.where = where, .redirect = same_host, .redirect_status = 302};
    wire_set_routes(&http_chain.injector, &route, 1);
    ck_assert_ptr_nonnull(strstr(wire_got(ask("GET / HTTP/1.0\r\n\r\n")), "needs the host of the request"));
    ck_assert_ptr_nonnull(strstr(wire_got(ask("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")), "Location: https://www.a.example/x\r\n"));
}
END_TEST

START_TEST(a_redirect_that_would_be_too_long_is_none)
{
    static char request[18 * 1024];
    const struct config_route route = {.where = where, .redirect = elsewhere, .redirect_status = 302};
    wire_set_routes(&http_chain.verifier, &route, 1);
    snprintf(request, sizeof(request), "GET /%017000d HTTP/1.1\r\nHost: x\r\n\r\n", 0);
    struct wire_socket *app = ask(request);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 431 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "longer than 16 KiB"));
}
END_TEST

static char page[] = "<p>{cert.cn} {request.uri}", html[] = "text/html", text_plain[] = "text/plain", still[] = "no variables\n";

START_TEST(a_route_may_answer_with_a_text_of_its_own)
{
    const struct config_route routes[] = {
        {.where = where, .path = slash_a, .respond = 403, .respond_body = page, .respond_type = html},
        {.where = where, .path = slash_b, .respond = 200, .respond_body = still, .respond_type = text_plain},
    };
    http_chain.step = steps[_i];
    wire_set_routes(&http_chain.verifier, routes, 2);
    struct wire_socket *app = wire_connect(&http_chain);
    for (int again = 0; again < 2; again++) { /* and the connection goes on */
        http_chain_ask(app, "GET /a?<i> HTTP/1.1\r\nHost: x\r\n\r\n");
        ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 403 "));
        ck_assert_ptr_nonnull(strstr(wire_got(app), "\r\nContent-Type: text/html; charset=utf-8\r\n"));
        ck_assert_ptr_nonnull(strstr(wire_got(app), "\r\nX-Content-Type-Options: nosniff\r\n"));
        ck_assert_ptr_nonnull(strstr(wire_got(app), "\r\nCache-Control: no-store\r\n"));
        ck_assert_ptr_nonnull(strstr(wire_got(app), "\r\n\r\n<p>client &#x2F;a&#x3F;&#x3C;i&#x3E;"));
        ck_assert_int_eq(wire_last(&http_chain.verifier)->reason, REASON_DENIED);
        http_chain_ask(app, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
        ck_assert_ptr_nonnull(strstr(wire_got(app), "\r\n\r\nno variables\n"));
        ck_assert_int_eq(wire_last(&http_chain.verifier)->reason, REASON_VALID);
    }
    ck_assert_uint_eq(http_chain.verifier.connects, 0);
}
END_TEST

START_TEST(head_has_the_length_of_the_text_and_not_the_text)
{
    const struct config_route route = {.where = where, .respond = 200, .respond_body = still, .respond_type = text_plain};
    wire_set_routes(&http_chain.verifier, &route, 1);
    struct wire_socket *app = ask("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(wire_got(app), "ontent-Length: 13\r\n"));
    ck_assert_ptr_null(strstr(wire_got(app), "no variables"));
    http_chain_ask(app, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(wire_got(app), "no variables"));
}
END_TEST

START_TEST(a_long_text_is_sent_whole)
{
    static char longer[200 * 1024 + 1];
    memset(longer, 'x', sizeof(longer) - 1);
    const struct config_route route = {.where = where, .respond = 200, .respond_body = longer, .respond_type = text_plain};
    wire_set_routes(&http_chain.verifier, &route, 1);
    struct wire_socket *app = ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *body = strstr(wire_got(app), "\r\n\r\n");
    ck_assert_ptr_nonnull(body);
    ck_assert_uint_eq(strspn(body + 4, "x"), sizeof(longer) - 1);
}
END_TEST

START_TEST(each_request_has_its_own_number)
{
    const struct config_route route = {.where = where, .set_headers = sets_id, .n_set_headers = 1};
    wire_set_routes(&http_chain.verifier, &route, 1);
    struct wire_socket *app = ask("GET / HTTP/1.1\r\nHost: x\r\nX-Kind: spoofed\r\n\r\n");
    char first[sizeof(wire_last(&http_chain.verifier)->id)];
    memcpy(first, wire_last(&http_chain.verifier)->id, sizeof(first));
    ck_assert_uint_eq(strlen(first), 32);
    ck_assert(backend_got(first) && !backend_got("spoofed"));
    http_chain_ask(app, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_str_ne(wire_last(&http_chain.verifier)->id, first);
    ck_assert_uint_eq(strlen(wire_last(&http_chain.injector)->id), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_text");
    TCase *t = tcase_create("exchange_text");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(t, http_chain_open, http_chain_close);
    tcase_add_loop_test(t, a_route_tells_its_backend_what_the_client_is, 0, 2);
    tcase_add_test(t, a_client_that_names_the_field_in_connection_does_not_remove_it);
    tcase_add_test(t, a_trailer_does_not_claim_it_either);
    tcase_add_test(t, the_field_is_removed_where_another_route_decides);
    tcase_add_test(t, a_value_that_is_not_there_leaves_no_field_and_no_claim);
    tcase_add_test(t, the_first_of_two_routes_for_one_path_sets_the_field);
    tcase_add_test(t, the_later_of_two_routes_for_one_path_does_not_set_it_again);
    tcase_add_loop_test(t, a_redirect_may_say_what_was_asked_for, 0, (int)(sizeof(redirects) / sizeof(redirects[0])));
    tcase_add_test(t, a_redirect_to_the_same_host_needs_one);
    tcase_add_test(t, a_redirect_that_would_be_too_long_is_none);
    tcase_add_loop_test(t, a_route_may_answer_with_a_text_of_its_own, 0, 2);
    tcase_add_test(t, head_has_the_length_of_the_text_and_not_the_text);
    tcase_add_test(t, a_long_text_is_sent_whole);
    tcase_add_test(t, each_request_has_its_own_number);
    suite_add_tcase(s, t);
    return s;
}
