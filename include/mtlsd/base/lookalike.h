/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Characters that word processors, web pages and input methods put where a plain one is meant: typographic quotes, dashes, no-break
 * spaces. A person does not see the difference, so a message about one has to name it.
 */
#ifndef MTLSD_BASE_LOOKALIKE_H
#define MTLSD_BASE_LOOKALIKE_H

#include "mtlsd/base/span.h"

struct lookalike {
    uint32_t code;     /* of the character, or the byte where text is no UTF-8 */
    size_t len;        /* bytes it takes in the text; 0: the text begins with ASCII, or is empty */
    bool is_utf8;
    const char *name;  /* "a typographic quote"; NULL: it looks like nothing else */
    const char *plain; /* the plain text to type instead; "": remove it; NULL where name is NULL */
};

enum { LOOKALIKE_TEXT = 120 };

/* The character that text begins with. */
struct lookalike lookalike_at(struct span text);
/* Where the first one in text stands that is meant as that plain character ("\"", "-"); text.len when there is none. */
size_t lookalike_find(struct span text, const char *plain);
/* A sentence without its place: "U+201C is a typographic quote: type the plain \" in its place". ASCII only. len must not be 0. */
void lookalike_explain(const struct lookalike *l, char out[LOOKALIKE_TEXT]);

#endif
