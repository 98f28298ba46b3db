/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of directives, as nginx and Apache have it. */
#ifndef MTLSD_CLI_IMPORT_BLOCK_H
#define MTLSD_CLI_IMPORT_BLOCK_H

#include "import.h"

#define IMPORT_BLOCKS_MAX 50000
#define IMPORT_DEPTH_MAX 32

struct import_block {
    char **w; /* owned, as the words; NULL at the top */
    size_t n, line;
    struct import_block *parent, *first, *last, *next;
};

/* Appends a directive with a copy of the words' pointers, which are its own then. NULL: out of memory. */
struct import_block *import_block_add(struct import_block *to, char **words, size_t n, size_t line);
void import_block_free(struct import_block *top);
const struct import_block *import_block_own(const struct import_block *in, const char *word);  /* directly in it, or NULL */
const struct import_block *import_block_find(const struct import_block *in, const char *word); /* in it or inherited, with a value */
const char *import_block_value(const struct import_block *in, const char *word);                  /* its first value, inherited too, or NULL */

#endif
