/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/proxy/plan.h"

#include <stdlib.h>
#include <string.h>

static struct tls_context *const SOME_TLS = (struct tls_context *)1; /* only asked whether it is there */

static const struct {
    const char *why, *host, *server_name, *literal, *expected;
    unsigned port;
    bool tls, unix_socket;
} rows[] = {
    {"a name on the usual port", "api.example", NULL, NULL, "api.example", 443, true, false},
    {"a name on another port", "api.example", NULL, NULL, "api.example:8443", 8443, true, false},
    {"443 is not usual without TLS", "api.example", NULL, NULL, "api.example:443", 443, false, false},
    {"80 is usual without TLS", "api.example", NULL, NULL, "api.example", 80, false, false},
    {"the name that SNI asks for, not the address", "127.0.0.1", "api.example", NULL, "api.example:8443", 8443, true, false},
    {"an IPv6 address stands in brackets", "::1", NULL, NULL, "[::1]:8443", 8443, true, false},
    {"an IPv6 address on the usual port too", "::1", NULL, NULL, "[::1]", 443, true, false},
    {"a unix socket has no name of its own", "", NULL, NULL, "localhost", 0, false, true},
    {"the literal wins over everything", "::1", "api.example", "other.example", "other.example", 8443, true, false},
};

START_TEST(names_the_upstream)
{
    struct config_upstream conf = {.host = rows[_i].literal != NULL ? CONFIG_HOST_LITERAL : CONFIG_HOST_UPSTREAM};
    struct config_target there = {.address = {.kind = rows[_i].unix_socket ? ADDRESS_UNIX : ADDRESS_TCP, .port = (uint16_t)rows[_i].port}};
    memcpy(there.address.host, rows[_i].host, strlen(rows[_i].host) + 1);
    conf.tls.server_name = (char *)(uintptr_t)rows[_i].server_name;
    conf.host_literal = (char *)(uintptr_t)rows[_i].literal;
    struct plan_upstream up = {.conf = &conf};
    struct plan_target target = {.conf = &there, .upstream = &up, .tls = rows[_i].tls ? SOME_TLS : NULL};
    char out[300];
    struct span host = plan_host_field(&target, out, sizeof(out));
    ck_assert_msg(span_equals_str(host, rows[_i].expected), "%s: %.*s", rows[_i].why, (int)host.len, (const char *)host.ptr);
}
END_TEST

START_TEST(what_was_made_once_is_given_again)
{
    struct config_upstream conf = {0};
    struct plan_upstream up = {.conf = &conf};
    char made[] = "api.example:8443", out[300];
    struct plan_target target = {.upstream = &up, .host = made};
    ck_assert(span_equals_str(plan_host_field(&target, out, sizeof(out)), made));
}
END_TEST

START_TEST(is_empty_rather_than_cut)
{
    struct config_upstream conf = {0};
    struct config_target there = {.address = {.kind = ADDRESS_TCP, .host = "2001:db8::1", .port = 65535}};
    struct plan_upstream up = {.conf = &conf};
    struct plan_target target = {.conf = &there, .upstream = &up};
    static const char whole[] = "[2001:db8::1]:65535";
    for (size_t size = 0; size < 2 * sizeof(whole); size++) {
        char *out = malloc(size + 1);
        ck_assert_ptr_nonnull(out);
        out[size] = '!';
        struct span host = plan_host_field(&target, out, size);
        ck_assert_msg(span_equals_str(host, size < strlen(whole) ? "" : whole), "of %zu", size);
        ck_assert_int_eq(out[size], '!');
        free(out);
    }
}
END_TEST

static const struct config_route nothing;

START_TEST(a_route_without_edits_has_none)
{
    struct http_edit *edit = (struct http_edit *)1; /* anything */
    ck_assert_int_eq(plan_edit(&nothing, NULL, NULL, &edit), 0);
    ck_assert_ptr_null(edit);
}
END_TEST

START_TEST(the_edits_of_a_route_are_those_of_its_configuration)
{
    char a[] = "X-A", b[] = "X-B", one[] = "1", two[] = "2", c[] = "X-C";
    char *removed[] = {c};
    struct config_header set[] = {{a, one}, {b, two}};
    struct config_route conf = {.set_headers = set, .n_set_headers = 2, .remove_headers = {.items = removed, .n = 1}};
    struct http_edit *edit;
    ck_assert_int_eq(plan_edit(&conf, NULL, NULL, &edit), 0);
    ck_assert_uint_eq(edit->n_set, 2);
    ck_assert(span_equals_str(edit->set[1].name, "X-B") && span_equals_str(edit->set[1].value, "2"));
    ck_assert_uint_eq(edit->n_remove, 1);
    ck_assert(span_equals_str(edit->remove[0], "X-C"));
    free(edit);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("plan");
    TCase *tc = tcase_create("host");
    tcase_add_loop_test(tc, names_the_upstream, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(tc, a_route_without_edits_has_none);
    tcase_add_test(tc, the_edits_of_a_route_are_those_of_its_configuration);
    tcase_add_test(tc, what_was_made_once_is_given_again);
    tcase_add_test(tc, is_empty_rather_than_cut);
    suite_add_tcase(s, tc);
    return s;
}
