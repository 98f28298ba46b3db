/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line is a table: word, function, one line of help. To add a command: write cmd_<word>.c with
 * int cmd_<word>(int argc, char **argv), declare it here, and add its row in command.c. argv[0] is the word itself.
 */
#ifndef MTLSD_CLI_COMMAND_H
#define MTLSD_CLI_COMMAND_H

#include "mtlsd/daemon/command_fail.h"

#include <stddef.h>

#define COMMAND_CONFIG_PATH "/etc/mtlsd/mtlsd.conf"

typedef int (*command_fn)(int argc, char **argv);

struct command {
    const char *word;
    command_fn run;
    const char *help;
};

int command_main(int argc, char **argv);

/* Finds argv[1] in a table and runs it with argv + 1, for commands that have commands of their own. before and after frame the list of
 * words in the help; prefix is what stands before the word ("mtlsd pki"). instead: the command line that a word of other programs stands for, or
 * NULL; may be NULL itself. */
struct command_group {
    const char *prefix;
    const char *before, *after;
    const char *(*instead)(const char *word);
    const struct command *table;
    size_t n;
};
int command_dispatch(const struct command_group *group, int argc, char **argv);

int cmd_check(int argc, char **argv);
int cmd_client(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_probe(int argc, char **argv);
int cmd_wrap(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_drain(int argc, char **argv);
int cmd_drill(int argc, char **argv);
int cmd_pki(int argc, char **argv);
int cmd_registry(int argc, char **argv);
int cmd_server(int argc, char **argv);
int cmd_renew(int argc, char **argv);
int cmd_target(int argc, char **argv);
int cmd_verify(int argc, char **argv);

#endif
