/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All errors and warnings of a configuration, each with its place, so that a person can fix them all at once.
 * The configuration reader, the snapshot builder and check use it.
 */
#ifndef MTLSD_BASE_FINDINGS_H
#define MTLSD_BASE_FINDINGS_H

#include "mtlsd/base/attr.h"
#include <stddef.h>

enum finding_level {
    FINDING_NOTE,
    FINDING_WARNING,
    FINDING_FAULT, /* an error of one thing, which will not work; the rest does, so nothing is refused for it but by check */
    FINDING_ERROR,
};

struct finding {
    enum finding_level level;
    char *where; /* "mtlsd.conf:12", a file, or "" */
    char *text;
    size_t times; /* a note or warning that is true of several places is one finding, with the first of them; an error: 1 */
};

struct findings {
    struct finding *items; /* owned */
    size_t n;
    size_t errors; /* faults are not among them */
    size_t faults;
    size_t warnings;
    int out_of_memory; /* a finding was lost: treat as an error */
};

void findings_init(struct findings *f);
void findings_clear(struct findings *f);
void findings_add(struct findings *f, enum finding_level level, const char *where, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
const char *finding_level_word(enum finding_level level); /* "note", "warning", "error" */
int findings_failed(const struct findings *f); /* not 0 when there is an error or memory ran out */

#endif
