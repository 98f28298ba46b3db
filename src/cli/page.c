/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"
#include "mtlsd/base/text.h"
#include "mtlsd/control/document.h"

#include <assert.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 64, WORD_MAX = 80, DIGITS_MAX = 48, COLUMNS_MAX = 10, WIDEST = 48, VALUE_MAX = 1 << 20, SOON_DAYS = 14 };

/* The text between { and }. */
struct slot {
    char mark, op; /* '\0': none */
    bool outer, raw, written; /* how a string is put */
    char key[KEY_MAX], word[WORD_MAX]; /* word: what stands behind op */
};

struct page_cell {
    char text[PAGE_CELL_MAX];
};

void page_say(struct page *p, const char *text)
{
    bytes_append_str(p->out, text);
}

void page_safe(struct page *p, const char *text)
{
    text_append_percent(p->out, span_from_str(text));
}

void page_written(struct page *p, const char *text)
{
    for (size_t n = strcspn(text, "%"); n > 0 || *text != '\0'; n = strcspn(text, "%")) {
        text_append_percent(p->out, span_of(text, n));
        text += n;
        page_say(p, *text == '%' ? "%" : "");
        text += *text == '%';
    }
}

void page_printf(struct page *p, const char *fmt, ...)
{
    char text[PAGE_CELL_MAX];
    va_list args;
    va_start(args, fmt);
    p->failed = vsnprintf(text, sizeof(text), fmt, args) >= (int)sizeof(text) || p->failed;
    va_end(args);
    page_say(p, text);
}

/* ---- values ---- */

/* 1234567 as 1,234,567 */
static const char *grouped(long long n, char text[DIGITS_MAX])
{
    char digits[32];
    int len = snprintf(digits, sizeof(digits), "%lld", n);
    size_t k = 0;
    for (int i = 0; i < len; i++) {
        text[k++] = digits[i];
        if (i + 1 < len && (len - 1 - i) % 3 == 0 && digits[i] != '-')
            text[k++] = ',';
    }
    text[k] = '\0';
    return text;
}

static bool has_value(const json_t *value)
{
    if (json_is_string(value))
        return json_string_length(value) > 0;
    if (json_is_integer(value))
        return json_integer_value(value) != 0;
    return json_is_real(value) || json_is_true(value) || json_array_size(value) > 0 || json_object_size(value) > 0;
}

/* A number, or how many there are in a list. */
static long long count_of(const json_t *value)
{
    return json_is_array(value) ? (long long)json_array_size(value) : (long long)json_integer_value(value);
}

static bool how_is(const char *how, const char *word)
{
    return strncmp(how, word, strlen(word)) == 0;
}

static void days_left(long long days, char out[DIGITS_MAX])
{
    if (days < 0)
        snprintf(out, DIGITS_MAX, "EXPIRED");
    else
        snprintf(out, DIGITS_MAX, "%lld day%s%s", days, days == 1 ? "" : "s", days < SOON_DAYS ? " !" : "");
}

static void put_number(struct page *p, long long n, const char *how)
{
    char text[DIGITS_MAX];
    if (how_is(how, "due") && n == 0)
        snprintf(text, sizeof(text), "-");
    else if (how_is(how, "utc") || how_is(how, "due"))
        text_utc(text, n);
    else if (how_is(how, "left"))
        days_left(n, text);
    else if (how_is(how, "seconds"))
        snprintf(text, sizeof(text), "%g", (double)n / 1000);
    else if (how_is(how, ","))
        grouped(n, text);
    else
        snprintf(text, sizeof(text), "%lld", how_is(how, "days") ? (long long)text_days_left(n, 0) : n);
    page_say(p, text);
}

static void put_string(struct page *p, const char *text, const struct slot *s)
{
    if (s->written)
        page_written(p, text);
    else if (s->raw)
        page_say(p, text);
    else
        page_safe(p, text);
}

static void put_list(struct page *p, const json_t *list, const struct slot *s)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        page_say(p, i == 0 ? "" : s->op == '+' ? s->word : " ");
        put_string(p, text != NULL ? text : "?", s);
    }
}

/* The keys, or how many there are of each. */
static void put_object(struct page *p, const json_t *object, const struct slot *s)
{
    const char *word, *before = "";
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, word, value) /* which changes nothing, but does not say so */
    {
        page_say(p, before);
        if (s->op != '+')
            page_printf(p, "%lld ", (long long)json_integer_value(value));
        page_safe(p, word);
        before = s->op == '+' ? s->word : ", ";
    }
}

static void put_nothing(struct page *p, const struct slot *s, const char *how)
{
    page_say(p, s->op == '|' ? s->word : how_is(how, ",") ? "0" : how_is(how, "left") ? "-" : "");
}

static void put_value(struct page *p, const json_t *value, const struct slot *s)
{
    const char *how = s->op == ':' ? s->word : "";
    if (s->op == '#')
        page_say(p, count_of(value) == 1 ? "" : "s");
    else if (!has_value(value) && (!json_is_integer(value) || s->op == '|'))
        put_nothing(p, s, how);
    else if (how_is(how, "count") || how_is(how, "rest"))
        page_printf(p, "%lld", count_of(value) - (how[0] == 'r'));
    else if (json_is_string(value))
        put_string(p, json_string_value(value), s);
    else if (json_is_integer(value))
        put_number(p, json_integer_value(value), how);
    else if (json_is_real(value))
        page_printf(p, "%.1f", json_real_value(value));
    else if (json_is_array(value))
        put_list(p, value, s);
    else if (json_is_object(value))
        put_object(p, value, s);
    else
        page_say(p, "yes");
}

/* ---- forms ---- */

/* Reads the slot whose { stands at form; gives what follows its }. */
static const char *read_slot(const char *form, struct slot *s)
{
    *s = (struct slot){.mark = '\0'};
    form++;
    for (; *form != '\0' && strchr("^$%?!", *form) != NULL; form++) {
        s->outer = s->outer || *form == '^';
        s->raw = s->raw || *form == '$';
        s->written = s->written || *form == '%';
        s->mark = *form == '?' || *form == '!' ? *form : s->mark;
    }
    size_t n = strcspn(form, "|+:#=>}"), all = strcspn(form, "}");
    assert(form[all] == '}');
    snprintf(s->key, sizeof(s->key), "%.*s", (int)n, form);
    if (n < all) {
        s->op = form[n];
        snprintf(s->word, sizeof(s->word), "%.*s", (int)(all - n - 1), form + n + 1);
    }
    return form + all + 1;
}

static const json_t *value_of(const struct page *p, const json_t *object, const struct slot *s)
{
    return document_get(s->outer ? p->outer : object, s->key);
}

/* Whether a slot has what it asks for. */
static bool slot_holds(const struct slot *s, const json_t *value)
{
    const char *text = json_string_value(value);
    if (s->op == '=')
        return (text != NULL && strcmp(text, s->word) == 0) == (s->mark != '!');
    if (s->op == '>')
        return (count_of(value) > strtoll(s->word, NULL, 10)) == (s->mark != '!');
    if (s->op == '#' || s->op == '|' || s->key[0] == ',')
        return true;
    return has_value(value) == (s->mark != '!');
}

/* From now on text gets the output, until p->out is set back to the value that this returns. */
static struct bytes *begin_apart(struct page *p, struct bytes *text)
{
    struct bytes *out = p->out;
    bytes_init(text, VALUE_MAX);
    p->out = text;
    return out;
}

static void put_slot(struct page *p, const json_t *object, const struct slot *s)
{
    struct bytes text;
    if (s->key[0] == ',')
        page_say(p, p->out->len > p->start ? ", " : "");
    if (s->mark != '\0' || s->op == '=' || s->op == '>' || s->key[0] == ',')
        return;
    const char *how = s->op == ':' ? s->word + strspn(s->word, "abcdefghijklmnopqrstuvwxyz,") : "";
    bool right = *how == '>';
    int width = (int)strtol(how + right, NULL, 10);
    struct bytes *out = begin_apart(p, &text);
    put_value(p, value_of(p, object, s), s);
    p->out = out;
    int pad = width > (int)text.len ? width - (int)text.len : 0;
    page_printf(p, "%*s", right ? pad : 0, "");
    bytes_append_part(out, &text);
    page_printf(p, "%*s", right ? 0 : pad, "");
}

/* Gives the ] of the group that begins at form, and whether it is to be shown. */
static const char *look_at_group(const struct page *p, const json_t *object, const char *form, bool *holds)
{
    size_t depth = 1;
    *holds = true;
    while (*form != '\0') {
        struct slot s;
        if (*form == '{') {
            form = read_slot(form, &s);
            *holds = *holds && (depth > 1 || slot_holds(&s, value_of(p, object, &s)));
            continue;
        }
        depth += *form == '[';
        depth -= *form == ']';
        if (depth == 0)
            return form;
        form++;
    }
    return form;
}

static void put_until(struct page *p, const json_t *object, const char *form, const char *end)
{
    while (form < end) {
        struct slot s;
        if (*form == '{') {
            form = read_slot(form, &s);
            put_slot(p, object, &s);
        } else if (form[0] == '[' && form[1] != '[') {
            bool holds;
            const char *close = look_at_group(p, object, form + 1, &holds);
            if (holds)
                put_until(p, object, form + 1, close);
            form = close + 1;
        } else {
            form += form[0] == '[';
            bytes_append(p->out, form, 1);
            form++;
        }
    }
}

void page_put(struct page *p, const struct json_t *object, const char *form)
{
    p->start = p->out->len;
    put_until(p, object, form, form + strlen(form));
}

void page_each(struct page *p, const struct json_t *list, const char *form)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        page_put(p, json_array_get(list, i), form);
}

/* ---- tables ---- */

static struct page_cell *add_cell(struct page *p)
{
    struct page_cell *cells = realloc(p->cells, (p->n_cells + 1) * sizeof(*cells));
    p->failed = p->failed || cells == NULL;
    if (cells == NULL)
        return NULL;
    p->cells = cells;
    return &cells[p->n_cells++];
}

void page_table(struct page *p, const struct page_column *columns, size_t n)
{
    p->columns = columns;
    p->n_columns = n;
    p->n_cells = 0;
    for (size_t i = 0; i < n; i++) {
        struct page_cell *cell = add_cell(p);
        if (cell != NULL)
            snprintf(cell->text, sizeof(cell->text), "%s", columns[i].title + (columns[i].title[0] == '>'));
    }
}

void page_row(struct page *p, const struct json_t *object)
{
    for (size_t i = 0; i < p->n_columns; i++) {
        struct bytes text, *out = begin_apart(p, &text);
        struct page_cell *cell = add_cell(p);
        page_put(p, object, p->columns[i].form);
        p->out = out;
        p->failed = p->failed || text.failed;
        if (cell != NULL)
            snprintf(cell->text, sizeof(cell->text), "%.*s", (int)text.len, text.len > 0 ? (const char *)bytes_span(&text).ptr : "");
        if (cell != NULL && text.len >= sizeof(cell->text))
            memcpy(cell->text + sizeof(cell->text) - sizeof("..."), "...", sizeof("..."));
        bytes_clear(&text);
    }
}

void page_rows(struct page *p, const struct json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        page_row(p, json_array_get(list, i));
}

void page_table_end(struct page *p)
{
    size_t widths[COLUMNS_MAX] = {0};
    bool empty = p->n_cells <= p->n_columns;
    for (size_t i = 0; i < p->n_cells; i++) {
        size_t n = strlen(p->cells[i].text), *width = &widths[i % p->n_columns];
        n = n > WIDEST ? WIDEST : n;
        *width = n > *width ? n : *width;
    }
    for (size_t i = 0; !empty && i < p->n_cells; i++) {
        size_t column = i % p->n_columns;
        bool last = column + 1 == p->n_columns, right = p->columns[column].title[0] == '>';
        int width = last && !right ? 0 : (int)widths[column];
        bytes_printf(p->out, right ? "  %*s" : "  %-*s", width, p->cells[i].text);
        page_say(p, last ? "\n" : "");
    }
    page_say(p, empty ? "" : "\n");
}

int page_end(struct page *p)
{
    free(p->cells);
    p->cells = NULL;
    return p->failed || p->out->failed ? -1 : 0;
}

/* ---- showing ---- */

#define PAGE_MAX ((size_t)64 * 1024 * 1024)

int page_show_on(FILE *to, json_t *document, page_print_fn print)
{
    struct bytes out;
    struct page page = {.out = &out};
    if (document == NULL)
        return -1;
    bytes_init(&out, PAGE_MAX);
    print(&page, document);
    int rc = page_end(&page);
    if (out.len > 0)
        fwrite(out.data, 1, out.len, to);
    bytes_clear(&out);
    json_decref(document);
    return rc;
}

int page_show(json_t *document, bool as_json, page_print_fn print)
{
    if (document == NULL || !as_json)
        return page_show_on(stdout, document, print);
    char *text = json_dumps(document, JSON_INDENT(2)); /* first to memory: that stdout takes nothing is said by command_main */
    if (text != NULL)
        puts(text);
    free(text);
    json_decref(document);
    return text != NULL ? 0 : -1;
}
