/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flags of one command, driven by a table that also prints the command's --help. "--flag value" and "--flag=value" are the same; "--" ends
 * flags. Unknown flags get a suggestion; a flag that is not a list may be given once. Values borrow from argv.
 */
#ifndef MTLSD_CLI_FLAGS_H
#define MTLSD_CLI_FLAGS_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

#define FLAGS_LIST_MAX 64

enum flag_kind { FLAG_SWITCH, FLAG_TEXT, FLAG_NUMBER, FLAG_LIST };

struct flag_list {
    const char *items[FLAGS_LIST_MAX];
    size_t n;
};

struct flag {
    const char *name;  /* "--config" */
    const char *brief; /* "-c" or NULL */
    enum flag_kind kind;
    bool required;
    void *target;      /* bool, const char *, uint64_t or struct flag_list */
    const char *value; /* what the value is called: "FILE"; NULL for a switch */
    const char *help;  /* lines after the first are indented alike */
};

struct flags {
    const char *command; /* "mtlsd verify" */
    const char *usage;   /* what follows the command in the usage line */
    const char *about;   /* one paragraph */
    const struct flag *table;
    size_t n;
    const char *operand; /* what an operand is called, NULL: none are taken */
    size_t min_operands, max_operands; /* max at most FLAGS_LIST_MAX */
    const char *after;   /* examples; NULL */
};

enum flags_outcome { FLAGS_GO, FLAGS_HELP, FLAGS_WRONG };

/* Pure: fills the targets and the operands. err is set when FLAGS_WRONG. */
enum flags_outcome flags_parse(const struct flags *flags, int argc, char **argv, struct flag_list *operands, struct err *err);
MUST_CHECK int flags_help(const struct flags *flags, struct bytes *out);
/* flags_parse, and then says what is to be said: true to go on, else *exit_code. operands may be NULL when none are taken. */
bool flags_read(const struct flags *flags, int argc, char **argv, struct flag_list *operands, int *exit_code);
/* The same for a command with exactly one operand; the table's numbers of them do not count. */
bool flags_read_one(const struct flags *flags, int argc, char **argv, const char **operand, int *exit_code);

#endif
