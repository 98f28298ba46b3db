/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static int got_argc;
static char *got_word;

static int run_one(int argc, char **argv)
{
    got_argc = argc;
    got_word = argv[0];
    return 7;
}

static int run_never(int argc, char **argv)
{
    (void)argc, (void)argv;
    ck_abort_msg("another command was run");
}

static const char *elsewhere(const char *word)
{
    return strcmp(word, "begin") == 0 ? "x one" : NULL;
}

static const struct command table[] = {{"one", run_one, "the first"}, {"once", run_never, "another"}};
static const struct command_group group = {.prefix = "x", .before = "Commands:", .after = "", .instead = elsewhere, .table = table, .n = 2};

static int dispatch(const char *word)
{
    char name[] = "x", first[16], last[] = "--flag";
    snprintf(first, sizeof(first), "%s", word);
    char *argv[] = {name, first, last, NULL};
    return command_dispatch(&group, 3, argv);
}

START_TEST(runs_the_command_of_the_word_with_what_follows)
{
    ck_assert_int_eq(dispatch("one"), 7);
    ck_assert_int_eq(got_argc, 2);
}
END_TEST

START_TEST(a_part_of_a_word_and_a_word_of_others_run_nothing)
{
    static const char *const words[] = {"on", "onc", "onee", "ONE", "", "begin", "-x"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        ck_assert_msg(dispatch(words[i]) == COMMAND_USAGE, "%s", words[i]);
}
END_TEST

START_TEST(help_is_fine_and_no_word_is_not)
{
    char name[] = "x";
    char *argv[] = {name, NULL};
    ck_assert_int_eq(dispatch("--help"), COMMAND_FINE);
    ck_assert_int_eq(dispatch("help"), COMMAND_FINE);
    ck_assert_int_eq(command_dispatch(&group, 1, argv), COMMAND_USAGE);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("command_dispatch");
    TCase *t = tcase_create("command_dispatch");
    tcase_add_test(t, runs_the_command_of_the_word_with_what_follows);
    tcase_add_test(t, a_part_of_a_word_and_a_word_of_others_run_nothing);
    tcase_add_test(t, help_is_fine_and_no_word_is_not);
    suite_add_tcase(s, t);
    return s;
}
