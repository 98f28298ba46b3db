/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"
#include "mtlsd/config/config.h"
#include "t.h"

#define LOG(target) CONFIG_ROWS_BACK CONFIG_ROWS_LOCAL "log = { target = \"" target "\"; };\n"

static const struct config_row refused[] = {
    {"capitals", LOG("STDOUT"), "log.target: \"STDOUT\" would be a file of that name: write \"stdout\"; for such a file write \"./STDOUT\""},
    {"capitals of the default", LOG("Stderr"), "write \"stderr\""},
    {"a dash", LOG("-"), "write \"stdout\" or \"stderr\""},
    {"syslog", LOG("syslog"), "write \"stderr\", which systemd"},
    {"the journal", LOG("journald"), "write \"stderr\", which systemd"},
    {"no log", LOG("off"), "write \"/dev/null\""},
};

START_TEST(a_word_that_would_become_a_file_is_refused)
{
    config_rows_refused(&refused[_i]);
}
END_TEST

static const struct config_row taken[] = {
    {"standard output", LOG("stdout"), NULL},
    {"standard error", LOG("stderr"), NULL},
    {"a file", LOG("mtlsd.log"), NULL},
    {"a file of such a name, meant", LOG("./syslog"), NULL},
    {"no log", LOG("/dev/null"), NULL},
    {"a device that may be a socket", LOG("/dev/stdout"), "write \"stdout\""},
    {"the other one", LOG("/dev/stderr"), "write \"stderr\""},
};

START_TEST(the_others_are_taken)
{
    config_rows_taken(&taken[_i]);
}
END_TEST

START_TEST(tells_the_places_apart)
{
    struct config c = {0};
    ck_assert_int_eq(config_log_place(&c), CONFIG_LOG_STDERR);
    char err[] = "stderr", out[] = "stdout", file[] = "/etc/mtlsd/stdout";
    c.log_target = err;
    ck_assert_int_eq(config_log_place(&c), CONFIG_LOG_STDERR);
    c.log_target = out;
    ck_assert_int_eq(config_log_place(&c), CONFIG_LOG_STDOUT);
    c.log_target = file;
    ck_assert_int_eq(config_log_place(&c), CONFIG_LOG_FILE);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_log");
    TCase *t = tcase_create("places");
    tcase_add_loop_test(t, a_word_that_would_become_a_file_is_refused, 0, CONFIG_ROWS_COUNT(refused));
    tcase_add_loop_test(t, the_others_are_taken, 0, CONFIG_ROWS_COUNT(taken));
    tcase_add_test(t, tells_the_places_apart);
    suite_add_tcase(s, t);
    return s;
}
