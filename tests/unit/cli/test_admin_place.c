/* SPDX-License-Identifier: Apache-2.0 */
/* Where a running daemon is reached: by --socket, by --health, or as the configuration says. */
#include "admin_place.h"
#include "mtlsd/daemon/command_fail.h"
#include "t.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char file[64];
static int code;

static void set_up(void)
{
    snprintf(file, sizeof(file), "/tmp/admin_place.%d.conf", (int)getpid());
    code = -1;
}

static void tear_down(void)
{
    unlink(file);
}

static void write_config(const char *admin)
{
    FILE *f = fopen(file, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "%slisteners = { app = { bind = \"127.0.0.1:8080\"; upstream = \"up\"; }; }; upstreams = { up = { targets = [ \"127.0.0.1:9000\" ]; }; };\n", admin);
    ck_assert_int_eq(fclose(f), 0);
}

static void expect_socket(const struct admin_place *w, const char *path)
{
    char *found = admin_place_find(w, &code);
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found, path);
    free(found);
}

START_TEST(a_socket_that_is_given_is_taken_with_and_without_its_prefix)
{
    expect_socket(&(struct admin_place){.socket = "/run/x.sock"}, "/run/x.sock");
    expect_socket(&(struct admin_place){.socket = "unix:/run/x.sock"}, "/run/x.sock");
}
END_TEST

START_TEST(two_places_are_one_too_many)
{
    struct admin_found found;
    ck_assert_ptr_null(admin_place_find(&(struct admin_place){.socket = "/a", .file = "/b"}, &code));
    ck_assert_int_eq(code, COMMAND_USAGE);
    code = -1;
    ck_assert(!admin_place_find_health(&(struct admin_place){.socket = "/a", .health = "127.0.0.1:1"}, &found, &code));
    ck_assert_int_eq(code, COMMAND_USAGE);
    code = -1;
    ck_assert(!admin_place_find_health(&(struct admin_place){.file = "/a", .health = "127.0.0.1:1"}, &found, &code));
    ck_assert(code == COMMAND_USAGE && found.socket == NULL);
}
END_TEST

START_TEST(a_health_address_is_one_of_tcp)
{
    struct admin_found found;
    ck_assert(admin_place_find_health(&(struct admin_place){.health = "127.0.0.1:8081"}, &found, &code));
    ck_assert(found.socket == NULL && found.health.port == 8081);
    ck_assert(!admin_place_find_health(&(struct admin_place){.health = "unix:/run/x"}, &found, &code));
    ck_assert_int_eq(code, COMMAND_USAGE);
    ck_assert(!admin_place_find_health(&(struct admin_place){.health = "no address"}, &found, &code));
}
END_TEST

START_TEST(a_configuration_names_its_socket)
{
    write_config("admin = { socket = \"unix:/run/y.sock\"; };\n");
    expect_socket(&(struct admin_place){.file = file}, "/run/y.sock");
}
END_TEST

START_TEST(a_probe_prefers_the_socket_and_takes_the_health_address_without_one)
{
    struct admin_found found;
    const struct admin_place w = {.file = file};
    write_config("admin = { socket = \"unix:/run/y.sock\"; health = \"127.0.0.1:8081\"; };\n");
    ck_assert(admin_place_find_health(&w, &found, &code));
    ck_assert_str_eq(found.socket, "/run/y.sock");
    free(found.socket);
    write_config("admin = { health = \"127.0.0.1:8081\"; };\n");
    ck_assert(admin_place_find_health(&w, &found, &code));
    ck_assert(found.socket == NULL && found.health.port == 8081);
    ck_assert_ptr_null(admin_place_find(&w, &code)); /* other commands need the socket */
    ck_assert_int_eq(code, COMMAND_REFUSED);
}
END_TEST

START_TEST(without_a_path_of_a_socket_there_is_none)
{
    const struct admin_place w = {.file = file};
    write_config("");
    ck_assert_ptr_null(admin_place_find(&w, &code));
    ck_assert_int_eq(code, COMMAND_REFUSED);
    write_config("admin = { socket = \"systemd:admin\"; };\n");
    code = -1;
    ck_assert_ptr_null(admin_place_find(&w, &code));
    ck_assert_int_eq(code, COMMAND_REFUSED);
    write_config("no configuration");
    code = -1;
    ck_assert_ptr_null(admin_place_find(&w, &code));
    ck_assert_int_eq(code, COMMAND_REFUSED);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("admin_place");
    TCase *t = tcase_create("admin_place");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_socket_that_is_given_is_taken_with_and_without_its_prefix);
    tcase_add_test(t, two_places_are_one_too_many);
    tcase_add_test(t, a_health_address_is_one_of_tcp);
    tcase_add_test(t, a_configuration_names_its_socket);
    tcase_add_test(t, a_probe_prefers_the_socket_and_takes_the_health_address_without_one);
    tcase_add_test(t, without_a_path_of_a_socket_there_is_none);
    suite_add_tcase(s, t);
    return s;
}
