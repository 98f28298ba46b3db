/* SPDX-License-Identifier: Apache-2.0 */
#include "flags.h"
#include "command.h"
#include "mtlsd/base/lookalike.h"
#include "mtlsd/base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define HELP_MAX ((size_t)64 * 1024)
#define HELP_COLUMN 26

struct reading {
    const struct flags *flags;
    int argc, at;
    char **argv;
    bool given[FLAGS_LIST_MAX]; /* by row of the table */
};

static const struct flag *find_flag(const struct flags *flags, struct span word)
{
    for (size_t i = 0; i < flags->n; i++) {
        const struct flag *f = &flags->table[i];
        if (span_equals_str(word, f->name) || (f->brief != NULL && span_equals_str(word, f->brief)))
            return f;
    }
    return NULL;
}

static int unknown_flag(const struct flags *flags, const char *word, struct err *err)
{
    const char *names[FLAGS_LIST_MAX + 1] = {"--help"};
    for (size_t i = 0; i < flags->n; i++)
        names[i + 1] = flags->table[i].name;
    static const char *const pieces[] = {"--cert", "--certificate", "--crt", "--key", "--private-key", "--pem"};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        if (strcmp(word, pieces[i]) == 0 && find_flag(flags, span_from_str("--bundle")) != NULL)
            return err_set(err, ERR_USAGE, "unknown flag \"%s\": certificate, chain and key are one file here, --bundle PEM (umask 077; cat CERT CHAIN KEY > PEM)", word);
    const char *near = text_suggest(word, names, flags->n + 1);
    if (near != NULL)
        return err_set(err, ERR_USAGE, "unknown flag \"%s\", did you mean %s?", word, near);
    return err_set(err, ERR_USAGE, "unknown flag \"%s\"; %s --help lists them", word, flags->command);
}

static int read_number(const struct flag *f, const char *text, struct err *err)
{
    uint64_t value = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || value > (UINT64_MAX - 9) / 10)
            return err_set(err, ERR_USAGE, "%s takes a whole number, not \"%s\"", f->name, text);
        value = value * 10 + (uint64_t)(*c - '0');
    }
    *(uint64_t *)f->target = value;
    return 0;
}

static int store(const struct flag *f, const char *value, struct err *err)
{
    if (f->kind == FLAG_NUMBER)
        return read_number(f, value, err);
    if (f->kind == FLAG_TEXT) {
        *(const char **)f->target = value;
        return 0;
    }
    struct flag_list *list = f->target;
    if (list->n == FLAGS_LIST_MAX)
        return err_set(err, ERR_USAGE, "%s may be given %d times at most", f->name, FLAGS_LIST_MAX);
    list->items[list->n++] = value;
    return 0;
}

/* Word processors and web pages make a dash of "--" and turn quotes; a shell takes both for letters. */
static int check_plain(const char *word, struct err *err)
{
    struct span text = span_from_str(word);
    struct lookalike l = lookalike_at(text);
    char what[LOOKALIKE_TEXT];
    if (l.name == NULL)
        return 0;
    lookalike_explain(&l, what);
    if (l.plain[0] != '-')
        return err_set(err, ERR_USAGE, "\"%s\" begins with a lookalike character: %s", word, what);
    struct span rest = span_skip(text, l.len);
    while (rest.len > 0 && (rest.ptr[0] == '-' || lookalike_find(rest, "-") == 0))
        rest = span_skip(rest, rest.ptr[0] == '-' ? 1 : lookalike_at(rest).len);
    return err_set(err, ERR_USAGE, "\"%s\" begins with a lookalike character: type %s%.*s", word, rest.len == 1 ? "-" : "--", (int)rest.len,
                   (const char *)rest.ptr);
}

/* The value behind '=', or the next word unless that is a flag itself. */
static const char *value_of(struct reading *r, const struct flag *f, const char *inlined, struct err *err)
{
    const char *value = inlined;
    if (value == NULL && r->at + 1 < r->argc) {
        value = r->argv[r->at + 1];
        if (value[0] == '-' && find_flag(r->flags, span_from_str(value)) != NULL) {
            err_set(err, ERR_USAGE, "%s needs a value (%s), but the next word is the flag %s", f->name, f->value, value);
            return NULL;
        }
        r->at++;
    }
    if (value == NULL || value[0] == '\0') {
        err_set(err, ERR_USAGE, "%s needs a value: %s %s", f->name, f->name, f->value);
        return NULL;
    }
    return check_plain(value, err) == 0 ? value : NULL;
}

static int take_flag(struct reading *r, const char *word, struct err *err)
{
    const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
    struct span name = span_of(word, equals != NULL ? (size_t)(equals - word) : strlen(word));
    const struct flag *f = find_flag(r->flags, name);
    if (f == NULL)
        return unknown_flag(r->flags, word, err);
    bool *given = &r->given[f - r->flags->table];
    if (*given && f->kind != FLAG_LIST)
        return err_set(err, ERR_USAGE, "%s is given twice", f->name);
    *given = true;
    if (f->kind == FLAG_SWITCH) {
        if (equals != NULL)
            return err_set(err, ERR_USAGE, "%s takes no value", f->name);
        *(bool *)f->target = true;
        return 0;
    }
    const char *value = value_of(r, f, equals != NULL ? equals + 1 : NULL, err);
    return value != NULL ? store(f, value, err) : -1;
}

/* Without operands a word alone was most often meant for the flag that a command is about: the first one. */
static int take_operand(const struct reading *r, const char *word, struct flag_list *operands, struct err *err)
{
    const struct flags *flags = r->flags;
    if (flags->operand == NULL && flags->n > 0 && flags->table[0].kind == FLAG_TEXT && !r->given[0])
        return err_set(err, ERR_USAGE, "unexpected word \"%s\", did you mean %s %s?", word, flags->table[0].name, word);
    if (flags->operand == NULL || operands->n == flags->max_operands)
        return err_set(err, ERR_USAGE, "unexpected word \"%s\"", word);
    operands->items[operands->n++] = word;
    return 0;
}

static int check_complete(const struct reading *r, const struct flag_list *operands, struct err *err)
{
    for (size_t i = 0; i < r->flags->n; i++) {
        const struct flag *f = &r->flags->table[i];
        if (f->required && !r->given[i])
            return err_set(err, ERR_USAGE, "%s %s is missing", f->name, f->value);
    }
    if (r->flags->operand != NULL && operands->n < r->flags->min_operands)
        return err_set(err, ERR_USAGE, "%s is missing", r->flags->operand);
    return 0;
}

static bool asks_for_help(const struct flags *flags, const char *word)
{
    return strcmp(word, "--help") == 0 || (strcmp(word, "-h") == 0 && find_flag(flags, span_from_str("-h")) == NULL);
}

enum flags_outcome flags_parse(const struct flags *flags, int argc, char **argv, struct flag_list *operands, struct err *err)
{
    struct reading r = {.flags = flags, .argc = argc, .argv = argv};
    bool flags_end = false;
    assert(flags->n <= FLAGS_LIST_MAX && flags->max_operands <= FLAGS_LIST_MAX);
    for (r.at = 1; r.at < argc; r.at++) {
        const char *word = argv[r.at];
        int rc = 0;
        if (!flags_end && check_plain(word, err) != 0)
            return FLAGS_WRONG;
        if (flags_end || word[0] != '-' || word[1] == '\0')
            rc = take_operand(&r, word, operands, err);
        else if (strcmp(word, "--") == 0)
            flags_end = true;
        else if (asks_for_help(flags, word))
            return FLAGS_HELP;
        else
            rc = take_flag(&r, word, err);
        if (rc != 0)
            return FLAGS_WRONG;
    }
    return check_complete(&r, operands, err) == 0 ? FLAGS_GO : FLAGS_WRONG;
}

static void help_flag(struct bytes *out, const struct flag *f)
{
    char left[128];
    int n = snprintf(left, sizeof(left), "%s%s%s%s%s", f->brief != NULL ? f->brief : "", f->brief != NULL ? ", " : "", f->name,
                     f->value != NULL ? " " : "", f->value != NULL ? f->value : "");
    bytes_printf(out, "  %-*s", HELP_COLUMN, left);
    if (n + 2 > HELP_COLUMN)
        bytes_printf(out, "\n%*s", HELP_COLUMN + 2, "");
    for (const char *line = f->help; line != NULL;) {
        size_t all = strcspn(line, "\n");
        bytes_printf(out, "%.*s\n", (int)all, line);
        line = line[all] != '\0' ? line + all + 1 : NULL;
        bytes_printf(out, "%*s", line != NULL ? HELP_COLUMN + 2 : 0, "");
    }
}

int flags_help(const struct flags *flags, struct bytes *out)
{
    bytes_printf(out, "usage: %s %s\n\n", flags->command, flags->usage);
    bytes_append_str(out, flags->about);
    bytes_append_str(out, flags->n > 0 ? "\n\n" : "\n");
    for (size_t i = 0; i < flags->n; i++)
        help_flag(out, &flags->table[i]);
    bytes_append_str(out, flags->after != NULL ? "\n" : "");
    bytes_append_str(out, flags->after != NULL ? flags->after : "");
    bytes_append_str(out, flags->after != NULL ? "\n" : "");
    return out->failed ? -1 : 0;
}

static void print_help(const struct flags *flags)
{
    struct bytes text;
    bytes_init(&text, HELP_MAX);
    if (flags_help(flags, &text) == 0)
        fwrite(text.data, 1, text.len, stdout);
    bytes_clear(&text);
}

bool flags_read(const struct flags *flags, int argc, char **argv, struct flag_list *operands, int *exit_code)
{
    struct flag_list none = {.n = 0};
    struct err err = {0};
    switch (flags_parse(flags, argc, argv, operands != NULL ? operands : &none, &err)) {
    case FLAGS_GO:
        return true;
    case FLAGS_HELP:
        print_help(flags);
        *exit_code = COMMAND_FINE;
        return false;
    default:
        fprintf(stderr, "%s: %s\nusage: %s %s\n", flags->command, err.text, flags->command, flags->usage);
        *exit_code = COMMAND_USAGE;
        return false;
    }
}

bool flags_read_one(const struct flags *flags, int argc, char **argv, const char **operand, int *exit_code)
{
    struct flags one = *flags;
    struct flag_list operands = {.n = 0};
    one.min_operands = one.max_operands = 1;
    bool go = flags_read(&one, argc, argv, &operands, exit_code);
    *operand = go ? operands.items[0] : NULL;
    return go;
}
