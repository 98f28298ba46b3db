/* SPDX-License-Identifier: Apache-2.0 */
#include "config_names.h"
#include "config_rows.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

START_TEST(finds_every_name_in_its_own_kind_and_no_other)
{
    static struct config_identity ids[300];
    static char name[] = "id007";
    struct config_upstream ups[] = {{.name = name}};
    static char names[300][8];
    struct config c = {.identities = ids, .n_identities = 300, .upstreams = ups, .n_upstreams = 1};
    for (size_t i = 0; i < 300; i++) { /* not in the order of the alphabet */
        snprintf(names[i], sizeof(names[i]), "id%03zu", i * 7 % 300);
        ids[i].name = names[i];
    }
    ck_assert_uint_eq(config_names_find(&c, CONFIG_NAMES_IDENTITY, "id007"), SIZE_MAX); /* not built yet */
    ck_assert_int_eq(config_names_build(&c), 0);
    for (size_t i = 0; i < 300; i++)
        ck_assert_uint_eq(config_names_find(&c, CONFIG_NAMES_IDENTITY, names[i]), i);
    static const char *const none[] = {"", "id", "id0077", "ID007", "id300", "zz"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        ck_assert_msg(config_names_find(&c, CONFIG_NAMES_IDENTITY, none[i]) == SIZE_MAX, "%s", none[i]);
    ck_assert_uint_eq(config_names_find(&c, CONFIG_NAMES_UPSTREAM, "id007"), 0);
    ck_assert_uint_eq(config_names_find(&c, CONFIG_NAMES_TRUST, "id007"), SIZE_MAX);
    config_names_free(&c);
    ck_assert_ptr_null(c.names);
}
END_TEST

static const struct config_row taken[] = {
    {"used by a route only", CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:1\"; routes = ( { path = \"/a\"; respond = 404; }, { upstream = \"up\"; } ); }; };", NULL},
    {"an upstream that no route names", CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:1\"; routes = ( { respond = 404; } ); }; };", "upstreams.up: nothing uses this upstream"},
    {"an identity", CONFIG_ROWS_BACK CONFIG_ROWS_LOCAL "identities = { me = { bundle = \"a\"; }; };", "identities.me: nothing uses this identity"},
    {"a trust", CONFIG_ROWS_BACK CONFIG_ROWS_LOCAL "trusts = { ca = { ca = \"a\"; }; };", "trusts.ca: nothing uses this trust"},
};

START_TEST(tells_what_nothing_uses)
{
    config_rows_taken(&taken[_i]);
}
END_TEST

START_TEST(a_name_of_nothing_is_refused_and_the_built_in_trust_is_not)
{
    static const struct config_row rows[] = {
        {"an unknown upstream", CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:1\"; upstream = \"upp\"; }; };", "no upstream \"upp\" is defined, did you mean \"up\"?"},
        {"an address in place of a name", CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:1\"; upstream = \"127.0.0.1:9000\"; }; };",
         "\"127.0.0.1:9000\" is no name: write it into upstreams = { NAME = { targets = \"127.0.0.1:9000\"; }; }; and NAME here"},
        {"an upstream called like the trust", CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:1\"; upstream = \"system\"; }; };", "no upstream \"system\" is defined"},
        {"one that is like none", CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:1\"; upstream = \"partner\"; }; };", "no upstream \"partner\" is defined; there are: up"},
        {"one of nothing", "listeners = { app = { bind = \"127.0.0.1:1\"; upstream = \"partner\"; }; };", "no upstream \"partner\" is defined"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        config_rows_refused(&rows[i]);
    const struct config_row system = {"the built-in trust", CONFIG_ROWS_LOCAL "upstreams = { up = { targets = \"a:1\"; tls = { trust = \"system\"; }; }; };", NULL};
    config_rows_taken(&system);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_names");
    TCase *t = tcase_create("config_names");
    tcase_add_test(t, finds_every_name_in_its_own_kind_and_no_other);
    tcase_add_loop_test(t, tells_what_nothing_uses, 0, CONFIG_ROWS_COUNT(taken));
    tcase_add_test(t, a_name_of_nothing_is_refused_and_the_built_in_trust_is_not);
    suite_add_tcase(s, t);
    return s;
}
