/* SPDX-License-Identifier: Apache-2.0 */
#include "import_apache.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct apache_parser {
    struct import_model *m;
    struct import_block *at;
    size_t count, depth;
};

static void lower(char *word)
{
    for (; *word != '\0'; word++)
        *word = *word >= 'A' && *word <= 'Z' ? (char)(*word + 32) : *word;
}

/* Words of its own for each directive; gives it, or NULL. */
static struct import_block *add(struct apache_parser *p, char **words, size_t n, size_t line)
{
    char *own[IMPORT_MAX_WORDS];
    size_t made = 0;
    while (made < n && (own[made] = span_dup(span_from_str(words[made]))) != NULL)
        made++;
    struct import_block *d = made == n && ++p->count <= IMPORT_BLOCKS_MAX ? import_block_add(p->at, own, n, line) : NULL;
    if (d == NULL) {
        p->m->failed = true;
        while (made > 0)
            free(own[--made]);
        return NULL;
    }
    lower(d->w[0]);
    return d;
}

/* <Name words> or </Name>. IfModule is transparent: the module is taken as loaded. */
static void section(struct apache_parser *p, char *text, size_t line)
{
    char *words[IMPORT_MAX_WORDS], *close = strrchr(text, '>');
    if (close == NULL) {
        import_left(p->m, &p->m->top, line, "a section without \">\"");
        return;
    }
    *close = '\0';
    bool is_end = text[1] == '/';
    size_t n = import_split(text + (is_end ? 2 : 1), IMPORT_APACHE, words);
    if (n == 0 || n == SIZE_MAX) {
        import_left(p->m, &p->m->top, line, "a section without a name, or with a quote that does not end");
    } else if (strcasecmp(words[0], "IfModule") == 0) {
        return;
    } else if (!is_end && p->depth < IMPORT_DEPTH_MAX) {
        struct import_block *d = add(p, words, n, line);
        p->at = d != NULL ? d : p->at;
        p->depth += d != NULL;
    } else if (is_end && p->at->parent != NULL && strcasecmp(words[0], p->at->w[0]) == 0) {
        p->at = p->at->parent;
        p->depth--;
    } else {
        import_left(p->m, &p->m->top, line, is_end ? "this ends no open section" : "sections are too deep in one another");
    }
}

/* A line with those that it continues on; *last is the last of them. The caller frees it. */
static char *joined(struct import_model *m, size_t first, size_t *last)
{
    struct bytes out;
    bytes_init(&out, IMPORT_MAX_BYTES + IMPORT_MAX_LINE);
    bool goes_on = true;
    for (size_t i = first; goes_on && i <= m->n_lines; i++) {
        struct span s = m->lines[i - 1];
        goes_on = s.len > 0 && s.ptr[s.len - 1] == '\\';
        bytes_append(&out, s.ptr, s.len - goes_on);
        bytes_append_str(&out, goes_on ? " " : "");
        *last = i;
    }
    char *text = span_dup(bytes_span(&out));
    m->failed = m->failed || text == NULL;
    bytes_clear(&out);
    return text;
}

struct import_block *apache_parse(struct import_model *m)
{
    struct import_block *top = calloc(1, sizeof(*top));
    struct apache_parser p = {.m = m, .at = top};
    size_t last = 0;
    for (size_t i = 1; top != NULL && !m->failed && i <= m->n_lines; i = last + 1) {
        char *words[IMPORT_MAX_WORDS], *text = joined(m, i, &last), *from = text != NULL ? text + strspn(text, " \t") : NULL;
        if (from != NULL && from[0] == '<') {
            section(&p, from, i);
        } else if (from != NULL) {
            size_t n = import_split(from, IMPORT_APACHE, words);
            if (n == SIZE_MAX)
                import_left(m, &m->top, i, "a quote does not end, or there are more than %d words", IMPORT_MAX_WORDS);
            else if (n > 0)
                add(&p, words, n, i);
        }
        free(text);
    }
    if (top != NULL && p.at != top)
        import_left(m, &m->top, m->n_lines, "the file ends inside <%.60s>: is it whole?", p.at->w[0]);
    return top;
}

bool apache_is_on(const struct import_block *in, const char *word)
{
    const char *value = import_block_value(in, word);
    return value != NULL && strcasecmp(value, "on") == 0;
}

const char *apache_parameter(const struct import_block *d, const char *key)
{
    size_t n = strlen(key);
    for (size_t i = 1; i < d->n; i++)
        if (strncasecmp(d->w[i], key, n) == 0 && d->w[i][n] == '=')
            return d->w[i] + n + 1;
    return NULL;
}
