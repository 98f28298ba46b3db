/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/template.h"

#include "mtlsd/base/encode.h"
#include "mtlsd/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- taken apart ---- */

struct taking {
    struct template *t; /* NULL while counting */
    uint8_t *text;      /* where the next byte of text goes */
    size_t n, n_values, n_text;
    size_t begin;       /* of the text that is not a part yet */
    enum template_uri_part at;
    size_t n_slashes;   /* of a URI's "//" */
    bool quoted;        /* a double quote is open */
    size_t line;        /* of the text, from 0 */
};

static bool is_word_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* The word between the braces at the front of s; empty: none stands there. */
static struct span word_at(struct span s)
{
    size_t n = 1;
    while (n < s.len && is_word_byte(s.ptr[n]))
        n++;
    return n > 1 && n < s.len && s.ptr[n] == '}' ? span_of(s.ptr + 1, n - 1) : span_of(NULL, 0);
}

/* Text that is as good as one of ours is taken for a mistake in a file, too. */
static bool is_meant(struct span word)
{
    static const char *const groups[] = {"cert.", "tls.", "client.", "request.", "registry."};
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        if (word.len > strlen(groups[i]) && memcmp(word.ptr, groups[i], strlen(groups[i])) == 0)
            return true;
    return false;
}

static int refuse(struct span s, enum template_syntax syntax, size_t line, struct err *err)
{
    struct span word = word_at(s);
    char text[64], place[40] = "";
    if (syntax == TEMPLATE_OF_FILE)
        snprintf(place, sizeof(place), "line %zu: ", line + 1);
    if (word.len == 0)
        return err_set(err, ERR_CONFIG, "\"%.*s\" is not a variable: write {NAME}, as in {cert.cn}, or {{ for a brace", (int)(s.len < 40 ? s.len : 40),
                       (const char *)s.ptr);
    size_t n = word.len < sizeof(text) - 1 ? word.len : sizeof(text) - 1;
    memcpy(text, word.ptr, n);
    text[n] = '\0';
    const char *near = variable_suggest(text);
    return err_set(err, ERR_CONFIG, "%sthere is no variable {%s}%s%s%s", place, text, near != NULL ? ": did you mean {" : "", near != NULL ? near : "",
                   near != NULL ? "}?" : syntax == TEMPLATE_OF_FILE ? ": write the brace as &#123; if it is text" : ": write {{ if the brace is text");
}

/* NULL: it may stand there. */
static const char *place_refusal(enum variable v, enum template_syntax syntax)
{
    const struct variable_row *row = variable_row(v);
    if (syntax != TEMPLATE_OF_LOG && row->source == VARIABLE_OF_LOG)
        return "is known when the request has ended: it can stand in formats of logs only";
    if (syntax == TEMPLATE_OF_LOG && (v == VARIABLE_CERT_PEM || v == VARIABLE_CERT_DER))
        return "is too long for a log: write {cert.sha256}";
    return NULL;
}

/* Follows a URI through its text: "https://" begins a host, which '/', '?' or '#' ends. */
static void follow(struct taking *k, uint8_t c)
{
    if (c == '?' || c == '#')
        k->at = TEMPLATE_URI_QUERY;
    else if (k->at == TEMPLATE_URI_BEGIN && c == ':')
        k->n_slashes = 1;
    else if (k->at == TEMPLATE_URI_BEGIN && c == '/' && k->n_slashes > 0)
        k->at = ++k->n_slashes == 3 ? TEMPLATE_URI_HOST : k->at;
    else if ((k->at == TEMPLATE_URI_BEGIN || k->at == TEMPLATE_URI_HOST) && c == '/')
        k->at = TEMPLATE_URI_PATH;
}

static void take_byte(struct taking *k, uint8_t c)
{
    if (k->t != NULL)
        k->text[k->n_text] = c;
    k->n_text++;
    k->line += c == '\n';
    k->quoted = k->quoted != (c == '"');
    follow(k, c);
}

static void end_text(struct taking *k)
{
    if (k->n_text == k->begin)
        return;
    if (k->t != NULL)
        k->t->parts[k->n] = (struct template_part){.text = span_of(k->text + k->begin, k->n_text - k->begin)};
    k->n++;
    k->begin = k->n_text;
}

static void take_variable(struct taking *k, enum variable v, struct span name)
{
    end_text(k);
    struct template_part part = {.variable = v, .at = k->at, .quoted = k->quoted};
    if (name.len > 0) {
        part.name = span_of(k->text + k->n_text, name.len);
        if (k->t != NULL)
            memcpy(k->text + k->n_text, name.ptr, name.len);
        k->begin = k->n_text += name.len;
    }
    if (k->t != NULL)
        k->t->parts[k->n] = part;
    k->n++;
    k->n_values++;
    if (k->at == TEMPLATE_URI_HOST && variable_row(v)->form == VARIABLE_TARGET)
        k->at = TEMPLATE_URI_PATH; /* it begins with a slash */
}

/* One brace, variable or byte off the front of s. -1: what stands there is none of these. */
static int take(struct taking *k, struct span *s, enum template_syntax syntax, struct err *err)
{
    enum variable v;
    struct span word = s->ptr[0] == '{' && syntax != TEMPLATE_WITHOUT_VARIABLES ? word_at(*s) : span_of(NULL, 0), name;
    bool of_file = syntax == TEMPLATE_OF_FILE, doubled = !of_file && syntax != TEMPLATE_WITHOUT_VARIABLES && s->len > 1 && (s->ptr[0] == '{' || s->ptr[0] == '}') && s->ptr[1] == s->ptr[0];
    bool found = word.len > 0 && variable_find(word, &v, &name);
    const char *why = found ? place_refusal(v, syntax) : NULL;
    if (why != NULL && (!of_file || is_meant(word)))
        return err_set(err, ERR_CONFIG, "{%s} %s", variable_row(v)->word, why);
    if (found && why == NULL) {
        take_variable(k, v, name);
        *s = span_skip(*s, word.len + 2);
        return 0;
    }
    if (s->ptr[0] == '{' && !doubled && why == NULL && syntax != TEMPLATE_WITHOUT_VARIABLES && (!of_file || is_meant(word)))
        return refuse(*s, syntax, k->line, err);
    take_byte(k, s->ptr[0]);
    *s = span_skip(*s, doubled ? 2 : 1);
    return 0;
}

static int take_all(struct taking *k, struct span s, enum template_syntax syntax, struct err *err)
{
    while (s.len > 0)
        if (take(k, &s, syntax, err) != 0)
            return -1;
    end_text(k);
    return 0;
}

struct template *template_new(struct span text, enum template_syntax syntax, struct err *err)
{
    struct taking count = {0};
    if (take_all(&count, text, syntax, err) != 0)
        return NULL;
    struct template *t = malloc(sizeof(*t) + count.n * sizeof(t->parts[0]) + count.n_text);
    if (t == NULL) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    struct taking fill = {.t = t, .text = (uint8_t *)&t->parts[count.n]};
    t->n = count.n;
    t->n_values = count.n_values;
    int again = take_all(&fill, text, syntax, err);
    (void)again; /* the same text */
    return t;
}

/* ---- put together ---- */

enum { LOGGED_MAX = 1024 /* bytes of one value in a log, which may each grow to six */ };
enum { MADE_MAX = 4 << 20 /* whole, to tell a long value from a lack of memory */, GROWTH_MAX = 8 /* of a byte that is encoded */ };

struct writing {
    const struct template *t;
    enum template_place place;
    struct bytes *out; /* empty at the begin */
};

static int put_field(const struct writing *w, enum variable_form form, struct span text)
{
    bool alone = w->t->n == 1;
    switch (form) {
    case VARIABLE_DN:
        return encode_field(w->out, text, alone ? "" : ",;\"\\");
    case VARIABLE_LIST:
        return encode_field_again(w->out, text, "");
    case VARIABLE_TARGET:
        return encode_field_again(w->out, text, alone ? "" : ",;\"\\");
    case VARIABLE_PEM:
        return encode_component(w->out, text);
    case VARIABLE_TEXT:
    case VARIABLE_HOST:
        break;
    }
    return encode_field(w->out, text, ",;\"\\");
}

/* At the begin of a Location two slashes would name another host, whether they come from one part of it or from two (security C15). */
static struct span without_slashes(const struct writing *w, struct span text)
{
    struct span before = bytes_span(w->out);
    bool begins = before.len == 1 && before.ptr[0] == '/';
    while (begins && text.len > 0 && (text.ptr[0] == '/' || text.ptr[0] == '\\'))
        text = span_skip(text, 1);
    return text;
}

/* It begins with a slash, to end a host before it. */
static int put_target(const struct writing *w, struct span text)
{
    if (w->out->len == 0 || (w->out->len > 1 && (text.len == 0 || text.ptr[0] != '/')))
        bytes_append_str(w->out, "/");
    return encode_target(w->out, without_slashes(w, text));
}

static bool is_dots(struct span text)
{
    return text.len > 0 && text.len <= 2 && text.ptr[0] == '.' && text.ptr[text.len - 1] == '.';
}

static int put_uri(const struct writing *w, const struct template_part *part, struct span text)
{
    enum variable_form form = variable_row(part->variable)->form;
    if (part->at == TEMPLATE_URI_HOST && form == VARIABLE_HOST)
        return bytes_append_span(w->out, text);
    if (part->at != TEMPLATE_URI_QUERY && form == VARIABLE_TARGET)
        return put_target(w, text);
    if (part->at != TEMPLATE_URI_QUERY && is_dots(text))
        return 0; /* they would lead out of the folder, in any encoding */
    return encode_component(w->out, text);
}

static int put(const struct writing *w, const struct template_part *part, struct span text)
{
    switch (w->place) {
    case TEMPLATE_IN_FIELD:
        return put_field(w, variable_row(part->variable)->form, text);
    case TEMPLATE_IN_URI:
        return put_uri(w, part, text);
    case TEMPLATE_IN_HTML:
        return encode_html(w->out, text);
    case TEMPLATE_IN_PLAIN:
        return encode_plain(w->out, text);
    case TEMPLATE_IN_JSON:
    case TEMPLATE_IN_LOG:
        break;
    }
    return text_append_json(w->out, text);
}

static void put_logged(const struct writing *w, const struct template_part *part, struct span text)
{
    bool cut = text.len > LOGGED_MAX;
    text = cut ? span_of(text.ptr, LOGGED_MAX) : text;
    if (text.len == 0)
        bytes_append_str(w->out, "-");
    else if (part->quoted)
        text_append_json(w->out, text);
    else
        text_append_log(w->out, text, true);
    bytes_append_str(w->out, cut ? "..." : "");
}

/* One value. False: there is none. */
static bool put_value(const struct writing *w, const struct template_part *part, const struct template_value *v, bool *unfit)
{
    size_t from = w->out->len;
    struct span text = v->made.len > 0 ? bytes_span(&v->made) : v->text;
    if (w->place == TEMPLATE_IN_LOG) {
        put_logged(w, part, v->unfit ? span_of(NULL, 0) : text);
        return text.len > 0;
    }
    bool fits = !v->unfit && text.len <= TEMPLATE_VALUE_MAX;
    if (fits && text.len > 0)
        (void)put(w, part, text);
    fits = fits && w->out->len - from <= TEMPLATE_VALUE_MAX;
    if (!fits && !w->out->failed)
        w->out->len = from;
    *unfit = *unfit || !fits;
    return text.len > 0 || v->unfit;
}

static enum template_result put_parts(const struct writing *w, template_value_fn value, void *ctx)
{
    bool unfit = false, failed = false;
    size_t n_given = 0;
    for (size_t i = 0; i < w->t->n; i++) {
        const struct template_part *part = &w->t->parts[i];
        struct template_value v = {.unfit = false};
        if (part->text.len > 0) {
            bytes_append_span(w->out, w->place == TEMPLATE_IN_URI ? without_slashes(w, part->text) : part->text);
            continue;
        }
        bytes_init(&v.made, MADE_MAX);
        value(ctx, part, &v);
        failed = failed || v.made.failed;
        n_given += put_value(w, part, &v, &unfit);
        bytes_clear(&v.made);
    }
    if (failed || w->out->failed)
        return TEMPLATE_FAILED;
    if (unfit)
        return TEMPLATE_UNFIT;
    return w->t->n_values > 0 && n_given == 0 ? TEMPLATE_VALUELESS : TEMPLATE_WRITTEN;
}

static size_t most(const struct template *t)
{
    size_t n = (t->n_values + GROWTH_MAX + 1) * TEMPLATE_VALUE_MAX;
    for (size_t i = 0; i < t->n; i++)
        n += t->parts[i].text.len;
    return n;
}

enum template_result template_write(const struct template *t, enum template_place place, template_value_fn value, void *ctx, struct bytes *out)
{
    struct bytes whole;
    bytes_init(&whole, most(t));
    const struct writing w = {t, place, &whole};
    enum template_result result = put_parts(&w, value, ctx);
    if (place == TEMPLATE_IN_FIELD && result != TEMPLATE_FAILED && whole.len > TEMPLATE_VALUE_MAX)
        result = TEMPLATE_UNFIT;
    if (place == TEMPLATE_IN_FIELD && result == TEMPLATE_UNFIT)
        bytes_clear(&whole);
    return bytes_append_part(out, &whole) == 0 ? result : TEMPLATE_FAILED;
}
