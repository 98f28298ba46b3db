/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include "mtlsd/base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { TABLE_MAX = 32 };

static void print_group(const struct command_group *g, FILE *to)
{
    fprintf(to, "usage: %s COMMAND [FLAGS]\n\n%s\n\n", g->prefix, g->before);
    for (size_t i = 0; i < g->n; i++)
        fprintf(to, "  %-10s%s\n", g->table[i].word, g->table[i].help);
    fprintf(to, "\n%s\n", g->after);
}

static int unknown_word(const struct command_group *g, const char *word)
{
    const char *here = g->instead != NULL ? g->instead(word) : NULL;
    if (here != NULL) {
        fprintf(stderr, "%s: unknown command \"%s\", did you mean: %s\n", g->prefix, word, here);
        return COMMAND_USAGE;
    }
    const char *words[TABLE_MAX];
    assert(g->n <= TABLE_MAX);
    for (size_t i = 0; i < g->n; i++)
        words[i] = g->table[i].word;
    const char *near = text_suggest(word, words, g->n);
    if (near != NULL)
        fprintf(stderr, "%s: unknown command \"%s\", did you mean \"%s\"?\n", g->prefix, word, near);
    else
        fprintf(stderr, "%s: unknown command \"%s\"; \"%s --help\" lists them\n", g->prefix, word, g->prefix);
    return COMMAND_USAGE;
}

int command_dispatch(const struct command_group *g, int argc, char **argv)
{
    if (argc < 2) {
        print_group(g, stderr);
        return COMMAND_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_group(g, stdout);
        return COMMAND_FINE;
    }
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->table[i].word, argv[1]) == 0)
            return g->table[i].run(argc - 1, argv + 1);
    return unknown_word(g, argv[1]);
}
