/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"
#include "mtlsd/config/config.h"
#include "t.h"

#define LOGS_LINE(text) CONFIG_ROWS_BACK CONFIG_ROWS_LOCAL text "\n"
#define S "target = \"stderr\"; what = \"events\""
#define LOG(target) CONFIG_ROWS_BACK CONFIG_ROWS_LOCAL "log = { target = \"" target "\"; };\n"

static const struct config_row refused[] = {
    {"capitals", LOG("STDOUT"), "log.target: \"STDOUT\" would be a file of that name: write \"stdout\"; for such a file write \"./STDOUT\""},
    {"capitals of the default", LOG("Stderr"), "write \"stderr\""},
    {"a dash", LOG("-"), "write \"stdout\" or \"stderr\""},
    {"syslog", LOG("syslog"), "write \"stderr\", which systemd"},
    {"the journal", LOG("journald"), "write \"stderr\", which systemd"},
    {"no log", LOG("off"), "write \"/dev/null\""},
    {"another field", LOG("a.%n.log"), "the fields of a date are"},
    {"a field of a folder", LOG("/a/%Y/b.log"), "a folder cannot have fields"},
    {"a rotated terminal", LOGS_LINE("log = { target = \"stdout\"; rotate = \"1d\"; };"), "log.rotate: has no effect without a file"},
    {"no period and no size", LOGS_LINE("log = { target = \"a\"; rotate = \"daily\"; };"), "\"daily\" is neither a duration nor a size"},
    {"a number", LOGS_LINE("log = { target = \"a\"; rotate = \"100\"; };"), "neither a duration nor a size"},
    {"a part of a second", LOGS_LINE("log = { target = \"a\"; rotate = \"1500ms\"; };"), "write whole seconds"},
    {"a tiny file", LOGS_LINE("log = { target = \"a\"; rotate = \"1KiB\"; };"), "1KiB is too little: from 64KiB"},
    {"events of a web server", LOGS_LINE("log = { format = \"combined\"; what = \"events\"; };"), "log.what: this format has requests only"},
    {"more of it", LOGS_LINE("logs = { a = { target = \"a\"; format = \"combined\"; what = [ \"requests\", \"events\" ]; }; };"),
     "logs.a.what: this format has requests only: make another log"},
    {"C8: a line in a pattern", LOGS_LINE("log = { format = \"{status}\\n\"; };"), "log.format: holds a control character"},
    {"a variable that there is not", LOGS_LINE("log = { format = \"{request.mehtod}\"; };"), "log.format: there is no variable {request.mehtod}: did you mean {request.method}?"},
    {"a certificate", LOGS_LINE("log = { format = \"{cert.pem}\"; };"), "log.format: {cert.pem} is too long for a log"},
    {"variables of nginx", LOGS_LINE("log = { format = \"$remote_addr $status\"; };"), "log.format: \"$remote_addr $status\" has no variable: they are written as {client.address}"},
    {"variables of Apache", LOGS_LINE("log = { format = \"%h %>s\"; };"), "has no variable"},
    {"another word", LOGS_LINE("log = { format = \"jsn\"; };"), "log.format: \"jsn\" is not a valid value, did you mean \"json\"?"},
    {"events of a pattern", LOGS_LINE("logs = { a = { target = \"a\"; format = \"{status}\"; what = \"events\"; }; };"), "logs.a.what: this format has requests only"},
    {"no kind of line", LOGS_LINE("logs = { a = { target = \"a\"; }; };"), "what is missing"},
    {"no target", LOGS_LINE("logs = { a = { what = \"events\"; }; };"), "target is missing"},
    {"a word as a target", LOGS_LINE("logs = { a = { target = \"syslog\"; what = \"events\"; }; };"), "logs.a.target: \"syslog\" would be a file"},
    {"the file of the main log", LOGS_LINE("log = { target = \"a\"; }; logs = { b = { target = \"a\"; what = \"events\"; }; };"), "the main log has the same file"},
    {"one file twice", LOGS_LINE("logs = { a = { target = \"a\"; what = \"events\"; }; b = { target = \"a\"; what = \"requests\"; }; };"), "logs.a has the same file"},
    {"nine", LOGS_LINE("logs = { a = { " S "; }; b = { " S "; }; c = { " S "; }; d = { " S "; }; e = { " S "; }; f = { " S "; }; g = { " S "; }; h = { " S "; }; i = { " S "; }; };"),
     "more than 8 logs"},
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
    {"a name with the date", LOG("access.%Y-%m-%d.log"), NULL},
    {"rotated by both", LOGS_LINE("log = { target = \"a\"; rotate = [ \"12h\", \"100MiB\" ]; };"), NULL},
    {"a pattern", LOGS_LINE("log = { format = \"{client.address} {status} \\\"{request.uri}\\\"\"; };"), NULL},
    {"a pattern of another log", LOGS_LINE("logs = { a = { target = \"a\"; format = \"{status}\"; what = \"requests\"; }; };"), NULL},
    {"two on one terminal", LOGS_LINE("logs = { a = { " S "; }; b = { " S "; }; };"), NULL},
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
