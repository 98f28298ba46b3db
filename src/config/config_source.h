/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text for the parser, and the origin of each of its lines. libconfig mistreats hostile or wrong input: it ends the
 * process if an @include names a folder, wraps large integers silently, and recurses on nesting. So the files are read
 * here, comments blanked, includes inserted, and texts that it would mistreat refused with their line.
 */
#ifndef MTLSD_CONFIG_SOURCE_H
#define MTLSD_CONFIG_SOURCE_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/findings.h"

struct config_source_line {
    unsigned file; /* index in files */
    unsigned line; /* counted from 1 */
};

struct config_source {
    struct bytes text;                /* ends with a NUL once loaded */
    struct config_source_line *lines; /* owned; lines[i] is the origin of line i + 1 of text */
    size_t n_lines;
    char **files; /* owned; files[0] is the configuration itself */
    size_t n_files;
};

void config_source_init(struct config_source *s);
void config_source_clear(struct config_source *s);

/* Reads path and what it includes. -1 when something stands in findings. */
MUST_CHECK int config_source_load(struct config_source *s, const char *path, struct findings *findings);
/* The same from text; name stands for the file. */
MUST_CHECK int config_source_text(struct config_source *s, const char *text, const char *name,
                                  struct findings *findings);

/* Writes "file:line" of a line of the text. */
void config_source_where(const struct config_source *s, unsigned line, char *out, size_t out_size);
/* The file that a line of the text came from. */
const char *config_source_file(const struct config_source *s, unsigned line);

/* path as seen from the folder of file, on the heap; NULL when out of memory. */
char *config_source_join(const char *file, const char *path);

#endif
