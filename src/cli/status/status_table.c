/* SPDX-License-Identifier: Apache-2.0 */
#include "status_table.h"

#include "mtlsd/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 10, WIDEST = 48 };

struct status_table_cell {
    char text[STATUS_TABLE_CELL];
};

void status_table_say(struct status_table *s, const char *text)
{
    if (!s->failed && bytes_append_str(s->out, text) != 0)
        s->failed = true;
}

static struct status_table_cell *add_cell(struct status_table *s)
{
    struct status_table_cell *cells = realloc(s->cells, (s->n + 1) * sizeof(*cells));
    if (cells == NULL) {
        s->failed = true;
        return NULL;
    }
    s->cells = cells;
    s->cells[s->n].text[0] = '\0';
    return &s->cells[s->n++];
}

void status_table_text(struct status_table *s, const char *text)
{
    struct bytes plain;
    struct status_table_cell *cell = add_cell(s);
    bytes_init(&plain, STATUS_TABLE_CELL * 4);
    if (cell != NULL && text_append_percent(&plain, span_from_str(text)) == 0)
        snprintf(cell->text, sizeof(cell->text), "%.*s", (int)plain.len,
                 plain.len > 0 ? (const char *)bytes_span(&plain).ptr : "");
    if (cell != NULL && plain.len >= sizeof(cell->text))
        memcpy(cell->text + sizeof(cell->text) - sizeof("..."), "...", sizeof("..."));
    bytes_clear(&plain);
}

const char *status_table_digits(long long n, char text[STATUS_TABLE_DIGITS])
{
    char digits[32];
    int len = snprintf(digits, sizeof(digits), "%lld", n);
    size_t k = 0;
    for (int i = 0; i < len; i++) {
        text[k++] = digits[i];
        bool between = i + 1 < len && (len - 1 - i) % 3 == 0 && digits[i] != '-';
        if (between)
            text[k++] = ',';
    }
    text[k] = '\0';
    return text;
}

void status_table_number(struct status_table *s, long long n)
{
    char text[STATUS_TABLE_DIGITS];
    status_table_text(s, status_table_digits(n, text));
}

void status_table_begin(struct status_table *s, const char *const *titles, size_t n, unsigned right)
{
    s->columns = n;
    s->right = right;
    s->n = 0;
    for (size_t i = 0; i < n; i++)
        status_table_text(s, titles[i]);
}

static void put_cell(struct status_table *s, const char *text, size_t width, bool right)
{
    if (!s->failed && bytes_printf(s->out, right ? "%*s" : "%-*s", (int)width, text) != 0)
        s->failed = true;
}

void status_table_end(struct status_table *s)
{
    size_t widths[MAX_COLUMNS] = {0};
    bool empty = s->n <= s->columns;
    for (size_t i = 0; i < s->n; i++) {
        size_t n = strlen(s->cells[i].text);
        n = n > WIDEST ? WIDEST : n;
        if (n > widths[i % s->columns])
            widths[i % s->columns] = n;
    }
    for (size_t i = 0; !empty && i < s->n; i++) {
        size_t column = i % s->columns;
        bool last = column + 1 == s->columns, right = (s->right >> column) & 1;
        status_table_say(s, "  ");
        put_cell(s, s->cells[i].text, last && !right ? 0 : widths[column], right);
        status_table_say(s, last ? "\n" : "");
    }
    status_table_say(s, empty ? "" : "\n");
}

/* Text from a document, made harmless. */
void status_table_say_plain(struct status_table *s, const char *text)
{
    struct bytes plain;
    bytes_init(&plain, 64 << 10);
    if (text_append_percent(&plain, span_from_str(text)) != 0 ||
        bytes_append_span(s->out, bytes_span(&plain)) != 0)
        s->failed = true;
    bytes_clear(&plain);
}

void status_table_say_line(struct status_table *s, const char *label, const char *text)
{
    if (!s->failed && bytes_printf(s->out, "  %-12s", label) != 0)
        s->failed = true;
    status_table_say_plain(s, text);
    status_table_say(s, "\n");
}
