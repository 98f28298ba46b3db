/* SPDX-License-Identifier: Apache-2.0 */
#include "config_place.h"
#include "config_slots.h"
#include "t.h"

#include <string.h>

#define LONG_NAME                                                                                            \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

START_TEST(a_place_that_is_none_is_refused)
{
    static const struct config_slots_row cases[] = {
        {"a socket on TCP", "admin", "socket", "127.0.0.1:80", "is not a unix socket"},
        {"a socket that is a path", "admin", "socket", "/run/x.sock", "write \"unix:/run/x.sock\""},
        {"health on a socket", "admin", "health", "unix:/run/x.sock", "is no TCP address"},
        {"health that is passed", "admin", "health", "systemd:health", "is no TCP address"},
        {"health without a host", "admin", "health", "8081", "\":8081\""},
        {"a home", "identity", "bundle", "~/me.pem", "a ~ is not expanded here"},
        {"a home among lists", "trust", "crl", "~/ca.crl", "a ~ is not expanded here"},
        {"a variable", "log", "target", "$HOME/x.log", "there are no variables"},
        {"a socket path that is too long with its folder", "admin", "socket", "unix:" LONG_NAME,
         "is too long"},
        {"a target without a host", "target", "address", ":443", "names no host"},
        {"a target on port 0", "target", "address", "a:0", "nothing listens on port 0"},
        {"a Host with a blank", "upstream", "host", "a b", "is not valid in a Host header"},
        {"a Host that is a header more", "upstream", "host", "a,b", "is not valid in a Host header"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        config_slots_refused(&cases[i]);
    /* and nothing of it was kept */
    ck_assert_ptr_null(config_slots.top.admin_socket);
    ck_assert_ptr_null(config_slots.target.text);
    ck_assert(!config_slots.upstream.host_given);
}
END_TEST

START_TEST(paths_start_at_the_folder_of_their_file)
{
    config_slots_must_set("identity", "bundle", "keys/me.pem");
    ck_assert_str_eq(config_slots.identity.bundle, "/etc/mtlsd/keys/me.pem");
    config_slots_must_set("identity", "bundle", "/abs.pem"); /* the later one stands, the earlier is freed */
    ck_assert_str_eq(config_slots.identity.bundle, "/abs.pem");
    config_slots_must_set("trust", "ca", "system");
    ck_assert_str_eq(config_slots.trust.ca, "system");
    config_slots_must_set("trust", "ca", "system.pem");
    ck_assert_str_eq(config_slots.trust.ca, "/etc/mtlsd/system.pem");
    config_slots_must_set("trust", "crl", "a.crl");
    config_slots_must_set("trust", "crl", "/b.crl");
    ck_assert_uint_eq(config_slots.trust.crl.n, 2);
    ck_assert_str_eq(config_slots.trust.crl.items[0], "/etc/mtlsd/a.crl");
    ck_assert_str_eq(config_slots.trust.crl.items[1], "/b.crl");
    config_slots_must_set("admin", "socket", "unix:admin.sock");
    ck_assert_str_eq(config_slots.top.admin_socket, "/etc/mtlsd/admin.sock");
    config_slots_must_set("listener", "bind", "unix:in.sock");
    ck_assert_str_eq(config_slots.listener.bind[0].path, "/etc/mtlsd/in.sock");
    config_slots_must_set("upstream.tls", "server_name", "api/x"); /* a string is no path */
    ck_assert_str_eq(config_slots.upstream.tls.server_name, "api/x");
}
END_TEST

START_TEST(addresses_keep_what_was_written)
{
    config_slots_must_set("listener", "bind", "127.0.0.1:8443");
    config_slots_must_set("listener", "bind", "[::1]:8444");
    ck_assert_uint_eq(config_slots.listener.n_bind, 2);
    ck_assert_str_eq(config_slots.listener.bind[0].host, "127.0.0.1");
    ck_assert_uint_eq(config_slots.listener.bind[1].port, 8444);
    ck_assert_str_eq(config_slots.listener.bind_text[1], "[::1]:8444");
    config_slots_must_set("target", "address", "api.example:443");
    config_slots_must_set("target", "address", "other.example:444");
    config_slots_must_set("admin", "health", ":8081");
    config_slots_must_set("admin", "health", "10.0.0.1:8082");
    ck_assert_str_eq(config_slots.top.health.text, "10.0.0.1:8082");
    ck_assert_uint_eq(config_slots.top.health.address.port, 8082);
    ck_assert_str_eq(config_slots.target.address.host, "other.example");
    ck_assert_uint_eq(config_slots.target.address.port, 444);
    ck_assert_str_eq(config_slots.target.text, "other.example:444");
}
END_TEST

START_TEST(host_is_a_word_or_a_name)
{
    config_slots_must_set("upstream", "host", "preserve");
    ck_assert(config_slots.upstream.host_given);
    ck_assert_int_eq(config_slots.upstream.host, CONFIG_HOST_PRESERVE);
    ck_assert_ptr_null(config_slots.upstream.host_literal);
    config_slots_must_set("upstream", "host", "api.example:8080");
    ck_assert_int_eq(config_slots.upstream.host, CONFIG_HOST_LITERAL);
    ck_assert_str_eq(config_slots.upstream.host_literal, "api.example:8080");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_place");
    TCase *c = tcase_create("place");
    tcase_add_checked_fixture(c, NULL, config_slots_clear);
    tcase_add_test(c, a_place_that_is_none_is_refused);
    tcase_add_test(c, paths_start_at_the_folder_of_their_file);
    tcase_add_test(c, addresses_keep_what_was_written);
    tcase_add_test(c, host_is_a_word_or_a_name);
    suite_add_tcase(s, c);
    return s;
}
