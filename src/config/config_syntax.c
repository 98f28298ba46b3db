/* SPDX-License-Identifier: Apache-2.0 */
#include "config_syntax.h"

#include "config_regroup.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * Inside                 { } or the top level             ( ) and [ ]
 * WANT_NAME              a key, or the end                -
 * WANT_ASSIGN            = or :                           -
 * WANT_FIRST             -                                a value, or the end
 * WANT_VALUE             a value                          a value (a comma was there)
 * AFTER_STRING           as AFTER_VALUE, or more of it    as AFTER_VALUE, or more of it
 * AFTER_VALUE            ; or , or a key, or the end      , or the end
 */
enum state { WANT_NAME, WANT_ASSIGN, WANT_FIRST, WANT_VALUE, AFTER_STRING, AFTER_VALUE };

enum {
    DEPTH_MAX = 32,
    KEY_MAX = 48,
    SETTINGS_MAX = 200000,
    GROUP_MAX = 20000 /* libconfig compares every name with every other of its group */
};

struct syntax {
    const struct config_source *source;
    struct findings *findings;
    unsigned line;
    enum state state;
    char key[KEY_MAX + 1]; /* the last one seen, for messages */
    struct {
        char open;
        unsigned line;
    } stack[DEPTH_MAX];
    unsigned depth, settings;
    unsigned inside[DEPTH_MAX + 1]; /* settings in what is open at each depth */
};

static int complain_at(const struct syntax *x, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int complain_at(const struct syntax *x, unsigned line, const char *fmt, ...)
{
    char where[PATH_MAX + 32], text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    config_source_where(x->source, line, where, sizeof(where));
    findings_add(x->findings, FINDING_ERROR, where, "%s", text);
    return -1;
}

static bool in_group(const struct syntax *x)
{
    return x->depth == 0 || x->stack[x->depth - 1].open == '{';
}

static bool wants_value(const struct syntax *x)
{
    return x->state == WANT_FIRST || x->state == WANT_VALUE;
}

static bool has_value(const struct syntax *x)
{
    return x->state == AFTER_STRING || x->state == AFTER_VALUE;
}

static bool is_boolean(const char *word, size_t n)
{
    return (n == 4 && strncasecmp(word, "true", 4) == 0) || (n == 5 && strncasecmp(word, "false", 5) == 0);
}

static bool is_name(const char *word, size_t n)
{
    bool letter = (word[0] >= 'a' && word[0] <= 'z') || (word[0] >= 'A' && word[0] <= 'Z') || word[0] == '*';
    return letter && memchr(word, '.', n) == NULL && memchr(word, '+', n) == NULL && !is_boolean(word, n);
}

static bool is_scalar(const char *word, size_t n)
{
    if (is_boolean(word, n))
        return true;
    bool hex = n > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
    while (n > 1 && word[n - 1] == 'L')
        n--;
    size_t valid = hex ? 2 + strspn(word + 2, "0123456789abcdefABCDEF") : strspn(word, "0123456789+-.eE");
    return valid >= n && strcspn(word, "0123456789") < n && word[0] != 'e' && word[0] != 'E';
}

/* libconfig reads 010 as ten before version 1.7, and as eight from then on. */
static bool has_leading_zero(const char *word, size_t n)
{
    size_t sign = word[0] == '-' || word[0] == '+';
    size_t digits = strspn(word + sign, "0123456789");
    return digits > 1 && word[sign] == '0' && (sign + digits >= n || word[sign + digits] == 'L');
}

/* The configuration of another program, by the first thing in it, as long as nothing was understood; NULL: it may be ours. */
static const char *foreign_syntax(const struct syntax *x)
{
    static const struct {
        const char *word, *whose;
    } words[] = {{"[", "an INI file or TOML"}, {"-", "YAML"}, {"<", "Apache's configuration or XML"}, {"http", "nginx's configuration"},
                 {"server", "nginx's configuration"}, {"stream", "nginx's configuration"}, {"events", "nginx's configuration"},
                 {"user", "nginx's configuration"}, {"worker_processes", "nginx's configuration"}, {"global", "HAProxy's configuration"},
                 {"defaults", "HAProxy's configuration"}, {"frontend", "HAProxy's configuration"}, {"backend", "HAProxy's configuration"},
                 {"listen", "HAProxy's configuration"}};
    enum { SIGNS = 3 /* rows that need no blank behind them */ };
    const char *text = (const char *)bytes_span(&x->source->text).ptr;
    text += strspn(text, " \t\n");
    if (x->settings == 0 && text[0] == '{' && text[1 + strspn(text + 1, " \t\n")] == '"')
        return "JSON";
    for (size_t i = 0; x->settings == 0 && i < sizeof(words) / sizeof(words[0]); i++) {
        size_t n = strlen(words[i].word);
        if (strncmp(text, words[i].word, n) == 0 && (i < SIGNS || strchr(" \t\n{", text[n]) != NULL))
            return words[i].whose;
    }
    return NULL;
}

/* The first words, of which nothing was understood. */
static int complain_foreign(const struct syntax *x, const char *whose)
{
    return complain_at(x, x->line, "this looks like %s: here settings are NAME = VALUE; and groups NAME = { ... }; begin with a copy of mtlsd.conf.sample", whose);
}

/* A word that is no value. */
static int complain_value(const struct syntax *x, const char *word, int shown)
{
    static const char *const booleans[][2] = {{"yes", "true"}, {"on", "true"}, {"no", "false"}, {"off", "false"}};
    for (size_t i = 0; i < sizeof(booleans) / sizeof(booleans[0]); i++)
        if ((size_t)shown == strlen(booleans[i][0]) && strncasecmp(word, booleans[i][0], (size_t)shown) == 0)
            return complain_at(x, x->line, "%.*s is not a value: write %s, or \"%.*s\" where a string is meant", shown, word, booleans[i][1], shown, word);
    if (word[0] == '-' && word[1] == ' ')
        return complain_at(x, x->line, "a dash does not start an element: write lists in [ ] or ( ) with commas, groups in { }");
    return complain_at(x, x->line, "%.*s needs quotes: write \"%.*s\"", shown, word, shown, word);
}

/* A number as libconfig would read it, which keeps only 32 bits of it. */
static int check_number(const struct syntax *x, const char *word, size_t n)
{
    char digits[32];
    size_t sign = word[0] == '-' || word[0] == '+';
    word += sign;
    n -= sign;
    if (n >= sizeof(digits))
        return complain_at(x, x->line, "%.30s... is too large for a number here", word);
    snprintf(digits, sizeof(digits), "%.*s", (int)n, word);
    bool hex = n > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    char *end;
    errno = 0;
    unsigned long long value = strtoull(digits, &end, hex ? 16 : 10);
    if (errno != 0 || value > INT_MAX)
        return complain_at(x, x->line, "%s is too large for a number here: at most %d", digits, INT_MAX);
    return 0;
}

static int on_word(struct syntax *x, const char *word, size_t n)
{
    int shown = n > KEY_MAX ? KEY_MAX : (int)n;
    const char *whose = x->state == WANT_ASSIGN || !is_name(word, n) ? foreign_syntax(x) : NULL;
    if (whose != NULL)
        return complain_foreign(x, whose);
    if (x->state == WANT_ASSIGN)
        return complain_at(x, x->line, "'=' is missing between %s and %.*s", x->key, shown, word);
    if (wants_value(x)) {
        if (!is_scalar(word, n))
            return complain_value(x, word, shown);
        if (has_leading_zero(word, n))
            return complain_at(x, x->line, "%.*s begins with a zero: write it without, or in hexadecimal as in 0x1F",
                               shown, word);
        x->state = AFTER_VALUE;
        return is_boolean(word, n) ? 0 : check_number(x, word, n);
    }
    if (!in_group(x))
        return complain_at(x, x->line, "',' is missing before %.*s", shown, word);
    if (!is_name(word, n))
        return complain_at(
            x, x->line,
            "%.*s cannot be a key or a name: these begin with a letter and hold letters, digits, - and _",
            shown, word);
    snprintf(x->key, sizeof(x->key), "%.*s", shown, word);
    x->state = WANT_ASSIGN;
    return 0;
}

static int on_string(struct syntax *x)
{
    if (x->state == WANT_ASSIGN)
        return complain_at(x, x->line, "'=' is missing between %s and its value", x->key);
    if (!wants_value(x) && x->state != AFTER_STRING)
        return in_group(x) ? complain_at(x, x->line, "a string where a key is expected")
                           : complain_at(x, x->line, "',' is missing before a string");
    x->state = AFTER_STRING; /* two strings in a row are one */
    return 0;
}

static int on_open(struct syntax *x, char c)
{
    if (x->depth == 0 && foreign_syntax(x) != NULL)
        return complain_foreign(x, foreign_syntax(x));
    if (x->state == WANT_ASSIGN)
        return complain_at(x, x->line, "'=' is missing between %s and '%c'", x->key, c);
    if (!wants_value(x) && in_group(x))
        return complain_at(x, x->line, "'%c' without a name in front: write NAME = %c ...", c, c);
    if (!wants_value(x))
        return complain_at(x, x->line, "',' is missing before '%c'", c);
    if (x->depth > 0 && x->stack[x->depth - 1].open == '[')
        return complain_at(x, x->line,
                           "[ ] holds strings and numbers only: write a list of other things in ( )");
    if (x->depth == DEPTH_MAX)
        return complain_at(x, x->line, "nested deeper than %d: look for brackets that are not closed", DEPTH_MAX);
    x->stack[x->depth].open = c;
    x->stack[x->depth++].line = x->line;
    x->inside[x->depth] = 0;
    x->state = c == '{' ? WANT_NAME : WANT_FIRST;
    return 0;
}

/* A key or a comma that nothing follows. */
static int complain_unfinished(const struct syntax *x, const char *before)
{
    if (x->state == WANT_ASSIGN)
        return complain_at(x, x->line, "%s has no '=' and no value before %s", x->key, before);
    if (in_group(x))
        return complain_at(x, x->line, "%s has no value before %s", x->key, before);
    return complain_at(x, x->line, "nothing follows the last comma before %s: remove it", before);
}

static int on_close(struct syntax *x, char c)
{
    static const char opens[] = "{[(", closes[] = "}])";
    const char sign[4] = {'\'', c, '\'', '\0'};
    if (x->depth == 0)
        return complain_at(x, x->line, "'%c' closes nothing", c);
    char open = x->stack[x->depth - 1].open;
    if (opens[strchr(closes, c) - closes] != open) {
        char where[PATH_MAX + 32];
        config_source_where(x->source, x->stack[x->depth - 1].line, where, sizeof(where));
        return complain_at(x, x->line, "'%c' does not close the '%c' of %.200s", c, open, where);
    }
    if (x->state == WANT_ASSIGN || x->state == WANT_VALUE)
        return complain_unfinished(x, sign);
    x->depth--;
    x->state = AFTER_VALUE;
    return 0;
}

static int on_separator(struct syntax *x, char c)
{
    const char sign[4] = {'\'', c, '\'', '\0'};
    if (x->state == WANT_NAME || x->state == WANT_FIRST)
        return complain_at(x, x->line, "nothing stands before this '%c'", c);
    if (!has_value(x))
        return complain_unfinished(x, sign);
    if (!in_group(x) && c == ';')
        return complain_at(x, x->line,
                           "';' inside '%c': close the list first, its elements are separated by commas",
                           x->stack[x->depth - 1].open);
    x->state = in_group(x) ? WANT_NAME : WANT_VALUE;
    return 0;
}

static int on_assign(struct syntax *x, char c)
{
    if (x->state != WANT_ASSIGN)
        return complain_at(x, x->line, "'%c' without a key in front", c);
    x->state = WANT_VALUE;
    if (++x->inside[x->depth] > GROUP_MAX)
        return complain_at(x, x->line, "more than %d settings in one group: is this a configuration?", GROUP_MAX);
    if (++x->settings > SETTINGS_MAX)
        return complain_at(x, x->line, "more than %d settings: is this a configuration?", SETTINGS_MAX);
    return 0;
}

static int on_sign(struct syntax *x, char c)
{
    if (c == '=' || c == ':')
        return on_assign(x, c);
    if (c == ';' || c == ',')
        return on_separator(x, c);
    if (c == '{' || c == '(' || c == '[')
        return on_open(x, c);
    if (c == '}' || c == ')' || c == ']')
        return on_close(x, c);
    const char *whose = foreign_syntax(x);
    return whose != NULL ? complain_foreign(x, whose) : complain_at(x, x->line, "'%c' has no meaning here", c);
}

static int on_end(const struct syntax *x)
{
    if (x->depth > 0)
        return complain_at(x, x->stack[x->depth - 1].line, "the '%c' here is never closed",
                           x->stack[x->depth - 1].open);
    if (x->state == WANT_ASSIGN || x->state == WANT_VALUE)
        return complain_unfinished(x, "the end");
    return 0;
}

int config_syntax_read(const struct config_source *s, struct bytes *out, struct findings *findings)
{
    struct syntax x = {.source = s, .findings = findings, .state = WANT_NAME};
    struct config_regroup w = {.out = out};
    struct config_token t;
    int rc = 0;
    config_token_begin(&t, s);
    while (rc == 0 && config_token_next(&t)) {
        x.line = t.line;
        rc = t.kind == CONFIG_TOKEN_WORD ? on_word(&x, t.text, t.n) : t.kind == CONFIG_TOKEN_STRING ? on_string(&x) : on_sign(&x, *t.text);
        if (rc == 0)
            config_regroup_token(&w, &t);
    }
    x.line = t.line;
    if (rc != 0 || on_end(&x) != 0)
        return -1;
    config_regroup_token(&w, &t);
    if (bytes_append(out, "", 1) == 0)
        return 0;
    findings->out_of_memory = 1;
    return -1;
}
