/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer of a command is one JSON document: --json writes it, and the text is printed from it (page.h). These
 * functions make, read and write one.
 */
#ifndef MTLSD_CLI_DOCUMENT_H
#define MTLSD_CLI_DOCUMENT_H

#include "page.h"

#include <jansson.h>
#include <stdio.h>

/* A string of any bytes: what is not UTF-8 is escaped as %XX. NULL text gives null. */
json_t *document_text(const char *text);
json_t *document_strings(const char *const *items, size_t n);
/* Appends item, which is taken, to the list. NULL when memory runs out, or item is NULL: the list is freed, so that no row is lost unseen. */
json_t *document_append(json_t *list, json_t *item);
/*
 * An object from "key:t key:i ...": t const char * (as document_text), i int, I int64_t, b int as a boolean, f double, and o json_t *, which is
 * taken. NULL when memory runs out or an o is NULL.
 */
json_t *document_object(const char *members, ...);
/* Sets further members of such an object; NULL object and a failure give NULL. */
json_t *document_add(json_t *object, const char *members, ...);

/* The value at "key", "key.key" or, in a list, "key.0.key"; or NULL. */
const json_t *document_get(const json_t *object, const char *path);
const char *document_string(const json_t *object, const char *path, const char *otherwise);
json_int_t document_number(const json_t *object, const char *path); /* 0: there is none */
bool document_truth(const json_t *object, const char *path);

/* Takes document (NULL: out of memory) and writes it on stdout, as it is or as print shows it. Gives 0, or -1 when memory ran out. */
typedef void (*document_print_fn)(struct page *page, const json_t *document);
MUST_CHECK int document_show(json_t *document, bool as_json, document_print_fn print);
MUST_CHECK int document_show_on(FILE *to, json_t *document, document_print_fn print);

#endif
