/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON documents: the answers of the admin socket, and those of commands, which --json writes and from which their text is printed
 * (cli/page.h). These functions make and read one.
 */
#ifndef MTLSD_CONTROL_DOCUMENT_H
#define MTLSD_CONTROL_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t; /* jansson's */

/* A string of any bytes: what is not UTF-8 is escaped as %XX. NULL text gives null. */
struct json_t *document_text(const char *text);
struct json_t *document_strings(const char *const *items, size_t n);
/* "2026-01-31T23:59:59Z" for seconds since 1970; null for 0. */
struct json_t *document_time(int64_t seconds);
/* Whole days from now until then, as text_days_left; null where then is 0. */
struct json_t *document_days(int64_t then, int64_t now);
/* Appends item, which is taken, to the list. NULL when memory runs out, or item is NULL: the list is freed, so that no row is lost unseen. */
struct json_t *document_append(struct json_t *list, struct json_t *item);
/*
 * An object from "key:t key:i ...": t const char * (as document_text), w int64_t (as document_time), i int, I int64_t, z size_t, U uint64_t,
 * b int as a boolean, f double, and o struct json_t *, which is taken. NULL: out of memory, or an o is NULL.
 */
struct json_t *document_object(const char *members, ...);
/* Sets further members of such an object; NULL object and a failure give NULL. */
struct json_t *document_add(struct json_t *object, const char *members, ...);

/* The value at "key", "key.key" or, in a list, "key.0.key"; or NULL. */
const struct json_t *document_get(const struct json_t *object, const char *path);
const char *document_string(const struct json_t *object, const char *path, const char *otherwise);
long long document_number(const struct json_t *object, const char *path); /* 0: there is none */
bool document_truth(const struct json_t *object, const char *path);

#endif
