/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text for people, printed from a JSON document. A form says how an object becomes text:
 *
 *   {key} {key.0.key}  the value: a string, a number, "yes", the strings of a list, or the counts of an object as "9 expired, 3 revoked"
 *   {key|text}         text where there is no value (null, false, 0, "", an empty list or object, or no such key)
 *   {key+sep}          the strings of a list, or the keys of an object, with sep between them (of a list otherwise a space)
 *   {key:how}          how: utc (a time), due (a time; 0 is "-"), days (of seconds), seconds (of milliseconds), left ("3 days !"), "," (1,234,567), count (of a list), rest (one
 *                      less than it); then a width, with > in front for the right side
 *   {key#}             "s" unless the number, or how many there are in the list, is 1
 *   {?key} {!key}      nothing, but there has to be a value, or none
 *   {key=word} {key>n} nothing, but the string has to be word, or the number above n
 *   {,}                ", " if this form has printed something
 *   [...]              only if every {} in it has what it asks for; may hold others; "[[" is a bracket
 *   {^key} {$key}      ^ the key of page.outer; $ as it is: a text that no peer chose, as one of the configuration
 *   {%key}             escaped, but a '%' stays: a path is read as it was written
 *
 * What a peer may have chosen never reaches a terminal raw: text without $ is escaped (text_append_percent). The first failure sticks.
 */
#ifndef MTLSD_CLI_PAGE_H
#define MTLSD_CLI_PAGE_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/control/document.h"

#include <jansson.h>
#include <stdio.h>

enum { PAGE_CELL_MAX = 512 };

struct page_column {
    const char *title; /* ">TITLE": to the right, for numbers */
    const char *form;
};

struct page {
    struct bytes *out;          /* borrowed */
    const struct json_t *outer; /* of an object within another, for ^; may be NULL */
    const struct page_column *columns;
    size_t n_columns, n_cells;
    struct page_cell *cells; /* owned */
    size_t start;            /* of the form that is being printed, in out */
    bool failed;             /* out of memory, or out has failed */
};

void page_say(struct page *p, const char *text); /* as it is */
void page_safe(struct page *p, const char *text); /* escaped */
void page_written(struct page *p, const char *text); /* escaped, but a '%' stays */
void page_printf(struct page *p, const char *fmt, ...) PRINTF_LIKE(2, 3); /* less than PAGE_CELL_MAX bytes; %s as it is */
void page_put(struct page *p, const struct json_t *object, const char *form);
void page_each(struct page *p, const struct json_t *list, const char *form); /* once for each */

/* A table whose columns are as wide as they need to be; nothing without a row. A cell is cut with "..." beyond PAGE_CELL_MAX. */
void page_table(struct page *p, const struct page_column *columns, size_t n);
void page_row(struct page *p, const struct json_t *object);
void page_rows(struct page *p, const struct json_t *list); /* a row for each */
void page_table_end(struct page *p);

/* Frees what is not the caller's. -1: something failed. */
MUST_CHECK int page_end(struct page *p);

/* Takes document (NULL: out of memory) and writes it on stdout, as it is or as print shows it. Gives 0, or -1 when memory ran out. */
typedef void (*page_print_fn)(struct page *page, const json_t *document);
MUST_CHECK int page_show(json_t *document, bool as_json, page_print_fn print);
MUST_CHECK int page_show_on(FILE *to, json_t *document, page_print_fn print);

#endif
