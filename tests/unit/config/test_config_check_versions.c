/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"
#include "t.h"

#define UP(tls) "upstreams = { up = { targets = [ \"api.example:443\" ]; tls = { " tls " }; }; };\nlisteners = { app = { bind = \"127.0.0.1:1\"; upstream = \"up\"; }; };"
#define LISTEN(tls) CONFIG_ROWS_BACK "identities = { me = { bundle = \"me.pem\"; }; };\nlisteners = { app = { bind = \":1\"; upstream = \"up\"; tls = { identity = \"me\"; " tls " }; }; };"

static const struct config_row refused[] = {
    {"an upstream's highest below its lowest", UP("min_version = \"1.3\"; max_version = \"1.2\";"), "max_version: 1.2 is below min_version"},
    {"a listener's", LISTEN("min_version = \"1.3\"; max_version = \"1.2\";"), "max_version: 1.2 is below min_version"},
    {"a version that is not spoken", UP("max_version = \"1.1\";"), "1.2 | 1.3"},
};
static const struct config_row taken[] = {
    {"1.2 alone", UP("max_version = \"1.2\";"), NULL},
    {"1.3 alone", UP("min_version = \"1.3\"; max_version = \"1.3\";"), NULL},
    {"both ends written out", LISTEN("min_version = \"1.2\"; max_version = \"1.2\";"), NULL},
};

START_TEST(refuses_a_range_without_a_version)
{
    config_rows_refused(&refused[_i]);
}
END_TEST

START_TEST(takes_any_other)
{
    config_rows_taken(&taken[_i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_check_versions");
    TCase *t = tcase_create("versions");
    tcase_add_loop_test(t, refuses_a_range_without_a_version, 0, CONFIG_ROWS_COUNT(refused));
    tcase_add_loop_test(t, takes_any_other, 0, CONFIG_ROWS_COUNT(taken));
    suite_add_tcase(s, t);
    return s;
}
