/* SPDX-License-Identifier: Apache-2.0 */
#include "flags.h"
#include "mtlsd/daemon/command_fail.h"
#include "t.h"

#include <string.h>

static struct {
    const char *ca;
    bool json;
    uint64_t days;
    struct flag_list sans;
} got;

static const struct flag table[] = {
    {.name = "--ca", .brief = "-c", .kind = FLAG_TEXT, .required = true, .target = &got.ca, .value = "FILE", .help = "the CA"},
    {.name = "--json", .kind = FLAG_SWITCH, .target = &got.json, .help = "for programs"},
    {.name = "--days", .kind = FLAG_NUMBER, .target = &got.days, .value = "N", .help = "how long\n(in days)"},
    {.name = "--san", .kind = FLAG_LIST, .target = &got.sans, .value = "NAME", .help = "a name"},
};

static const struct flags spec = {
    .command = "mtlsd test",
    .usage = "--ca FILE FILE...",
    .about = "Tests.",
    .table = table,
    .n = 4,
    .operand = "CHAIN.pem",
    .min_operands = 1,
    .max_operands = 2,
    .after = "Example: none",
};

#define WORDS_MAX 8

static enum flags_outcome parse(const char *const *words, struct flag_list *operands, struct err *err)
{
    char *argv[WORDS_MAX + 1] = {(char *)(uintptr_t)"test"};
    int argc = 1;
    for (; argc <= WORDS_MAX && words[argc - 1] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    memset(&got, 0, sizeof(got));
    *operands = (struct flag_list){.n = 0};
    *err = (struct err){0};
    return flags_parse(&spec, argc, argv, operands, err);
}

static const struct {
    const char *words[WORDS_MAX];
    const char *text, *why;
} wrong[] = {
    {{"--ca", "x"}, "CHAIN.pem is missing", "the operand is needed"},
    {{"chain"}, "--ca FILE is missing", "a required flag"},
    {{"--ca", "x", "a", "b", "c"}, "unexpected word \"c\"", "two operands at most"},
    {{"--ac", "x", "a"}, "unknown flag \"--ac\", did you mean --ca?", "a typo in a word of two letters"},
    {{"--jsno", "a"}, "unknown flag \"--jsno\", did you mean --json?", "a typo"},
    {{"--helo"}, "unknown flag \"--helo\", did you mean --help?", "also for --help"},
    {{"--quite-different", "a"}, "unknown flag \"--quite-different\"; mtlsd test --help lists them", "nothing near it"},
    {{"-x", "a"}, "unknown flag \"-x\"", "a short one"},
    {{"--ca"}, "--ca needs a value: --ca FILE", "the line ends"},
    {{"--ca="}, "--ca needs a value: --ca FILE", "nothing behind ="},
    {{"--ca", ""}, "--ca needs a value: --ca FILE", "an unset shell variable in quotes"},
    {{"--ca", "--json", "a"}, "--ca needs a value (FILE), but the next word is the flag --json", "a forgotten value"},
    {{"--ca", "x", "--ca", "y", "a"}, "--ca is given twice", "which one would count?"},
    {{"--ca", "x", "-c", "y", "a"}, "--ca is given twice", "its short form is the same flag"},
    {{"--ca", "x", "--json", "--json", "a"}, "--json is given twice", "also a switch"},
    {{"--ca", "x", "--json=yes", "a"}, "--json takes no value", "a switch"},
    {{"--ca", "x", "--days", "-1", "a"}, "--days takes a whole number, not \"-1\"", "negative"},
    {{"--ca", "x", "--days", "1.5", "a"}, "--days takes a whole number, not \"1.5\"", "a fraction"},
    {{"--ca", "x", "--days", "0x10", "a"}, "--days takes a whole number, not \"0x10\"", "hex"},
    {{"--ca", "x", "--days", "18446744073709551616", "a"}, "--days takes a whole number", "one more than fits must not wrap"},
    {{"--ca", "x", "--days", "99999999999999999999999", "a"}, "--days takes a whole number", "far more than fits"},
    {{"\xe2\x80\x93json", "a"}, "a lookalike character: type --json", "a short dash of a word processor in place of two"},
    {{"\xe2\x80\x94" "json", "a"}, "a lookalike character: type --json", "a long one"},
    {{"\xe2\x80\x93-json", "a"}, "a lookalike character: type --json", "a dash and a hyphen"},
    {{"\xe2\x80\x93" "c", "x"}, "a lookalike character: type -c", "in front of one letter"},
    {{"--ca", "\xe2\x80\x9cx\xe2\x80\x9d", "a"}, "U+201C is a typographic quote: type the plain \"", "a value in quotes that the shell does not know"},
    {{"--ca=\xe2\x80\x9cx\xe2\x80\x9d", "a"}, "U+201C is a typographic quote", "behind ="},
    {{"--ca", "x", "\xc2\xa0" "a"}, "U+00A0 is a no-break space", "an operand"},
};

START_TEST(refuses_a_wrong_line_with_words_to_act_on)
{
    struct flag_list operands;
    struct err err;
    ck_assert_msg(parse(wrong[_i].words, &operands, &err) == FLAGS_WRONG, "%s: accepted", wrong[_i].why);
    ck_assert_int_eq(err.kind, ERR_USAGE);
    ck_assert_msg(strstr(err.text, wrong[_i].text) != NULL, "%s: said \"%s\"", wrong[_i].why, err.text);
}
END_TEST

START_TEST(reads_every_kind_of_flag_in_any_order)
{
    static const char *const words[] = {"chain", "--san=a", "--days", "30", "-c", "x=y", "--san", "b", NULL};
    struct flag_list operands;
    struct err err;
    ck_assert_int_eq(parse(words, &operands, &err), FLAGS_GO);
    ck_assert_str_eq(got.ca, "x=y");
    ck_assert_uint_eq(got.days, 30);
    ck_assert_uint_eq(got.sans.n, 2);
    ck_assert_str_eq(got.sans.items[0], "a");
    ck_assert_str_eq(got.sans.items[1], "b");
    ck_assert(!got.json);
    ck_assert_uint_eq(operands.n, 1);
}
END_TEST

/* As in `mtlsd check x.conf`. */
START_TEST(a_word_alone_is_told_the_first_flag)
{
    struct flags without = spec;
    char *argv[] = {(char *)(uintptr_t)"test", (char *)(uintptr_t)"x.conf"};
    struct flag_list operands = {.n = 0};
    struct err err = {0};
    without.operand = NULL;
    ck_assert_int_eq(flags_parse(&without, 2, argv, &operands, &err), FLAGS_WRONG);
    ck_assert_str_eq(err.text, "unexpected word \"x.conf\", did you mean --ca x.conf?");
}
END_TEST

START_TEST(keeps_everything_behind_an_equals_sign)
{
    static const char *const words[] = {"--ca=a=b", "chain", NULL};
    struct flag_list operands;
    struct err err;
    ck_assert_int_eq(parse(words, &operands, &err), FLAGS_GO);
    ck_assert_str_eq(got.ca, "a=b");
}
END_TEST

START_TEST(takes_a_value_that_begins_with_a_dash_when_it_is_no_flag)
{
    static const char *const words[] = {"--ca", "-odd-name", "chain", NULL};
    struct flag_list operands;
    struct err err;
    ck_assert_int_eq(parse(words, &operands, &err), FLAGS_GO);
    ck_assert_str_eq(got.ca, "-odd-name");
}
END_TEST

START_TEST(two_dashes_end_the_flags)
{
    static const char *const words[] = {"--ca", "x", "--", "--json", "-", NULL};
    struct flag_list operands;
    struct err err;
    ck_assert_int_eq(parse(words, &operands, &err), FLAGS_GO);
    ck_assert(!got.json);
    ck_assert_uint_eq(operands.n, 2);
    ck_assert_str_eq(operands.items[0], "--json");
    ck_assert_str_eq(operands.items[1], "-");
}
END_TEST

START_TEST(help_wins_over_what_is_missing)
{
    static const char *const words[] = {"--help", NULL}, *const brief[] = {"-h", NULL};
    struct flag_list operands;
    struct err err;
    ck_assert_int_eq(parse(words, &operands, &err), FLAGS_HELP);
    ck_assert_int_eq(parse(brief, &operands, &err), FLAGS_HELP);
}
END_TEST

START_TEST(help_names_every_flag_with_its_value_and_text)
{
    struct bytes out;
    bytes_init(&out, 4096);
    ck_assert_int_eq(flags_help(&spec, &out), 0);
    char *text = span_dup(bytes_span(&out));
    ck_assert_ptr_nonnull(strstr(text, "usage: mtlsd test --ca FILE FILE...\n\nTests.\n"));
    ck_assert_ptr_nonnull(strstr(text, "  -c, --ca FILE             the CA\n"));
    ck_assert_ptr_nonnull(strstr(text, "  --days N                  how long\n                            (in days)\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nExample: none\n"));
    free(text);
    bytes_clear(&out);
}
END_TEST

START_TEST(a_list_has_an_end)
{
    char *argv[2 * FLAGS_LIST_MAX + 4];
    int argc = 0;
    struct flag_list operands = {.n = 0};
    struct err err = {0};
    memset(&got, 0, sizeof(got));
    argv[argc++] = (char *)(uintptr_t)"test";
    for (size_t i = 0; i <= FLAGS_LIST_MAX; i++) {
        argv[argc++] = (char *)(uintptr_t)"--san";
        argv[argc++] = (char *)(uintptr_t)"a";
    }
    ck_assert_int_eq(flags_parse(&spec, argc, argv, &operands, &err), FLAGS_WRONG);
    ck_assert_ptr_nonnull(strstr(err.text, "--san may be given 64 times at most"));
}
END_TEST

START_TEST(a_command_of_one_operand_gets_it_or_says_what_is_missing)
{
    static const struct flags any = {.command = "mtlsd x", .usage = "FILE", .about = "", .operand = "FILE", .max_operands = 9};
    char *words[] = {(char[]){"mtlsd"}, (char[]){"a.pem"}, (char[]){"b.pem"}, NULL};
    const char *file;
    int code = -1;
    ck_assert(flags_read_one(&any, 2, words, &file, &code));
    ck_assert_str_eq(file, "a.pem");
    ck_assert(!flags_read_one(&any, 3, words, &file, &code));
    ck_assert(file == NULL && code == COMMAND_USAGE);
    ck_assert(!flags_read_one(&any, 1, words, &file, &code) && file == NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("flags");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, refuses_a_wrong_line_with_words_to_act_on, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
    tcase_add_test(t, reads_every_kind_of_flag_in_any_order);
    tcase_add_test(t, a_word_alone_is_told_the_first_flag);
    tcase_add_test(t, keeps_everything_behind_an_equals_sign);
    tcase_add_test(t, takes_a_value_that_begins_with_a_dash_when_it_is_no_flag);
    tcase_add_test(t, two_dashes_end_the_flags);
    tcase_add_test(t, help_wins_over_what_is_missing);
    tcase_add_test(t, help_names_every_flag_with_its_value_and_text);
    tcase_add_test(t, a_list_has_an_end);
    tcase_add_test(t, a_command_of_one_operand_gets_it_or_says_what_is_missing);
    suite_add_tcase(s, t);
    return s;
}
