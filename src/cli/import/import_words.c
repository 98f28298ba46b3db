/* SPDX-License-Identifier: Apache-2.0 */
#include "import.h"
#include "mtlsd/base/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool import_is(const char *word, const char *words)
{
    size_t n = strlen(word);
    for (const char *at = words; n > 0 && (at = strstr(at, word)) != NULL; at += n)
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

char *import_line(struct import_model *m, size_t number)
{
    struct span line = m->lines[number - 1];
    char *text = malloc(line.len + 1);
    if (text == NULL) {
        m->failed = true;
        return NULL;
    }
    if (line.len > 0)
        memcpy(text, line.ptr, line.len);
    text[line.len] = '\0';
    return text;
}

/* Moves one word to *to, without its quotes; gives where it ends, or NULL: its quote does not end. */
static char *take_word(char *c, char **to, enum import_quoting quoting)
{
    char quote = '\0', *out = *to;
    for (; *c != '\0' && (quote != '\0' || (*c != ' ' && *c != '\t')); c++) {
        bool escapes = quoting == IMPORT_SHELL ? quote != '\'' : quote != '\0' && c[1] == quote;
        if (*c == '\\' && c[1] != '\0' && escapes)
            *out++ = *++c;
        else if (quote != '\0' && *c == quote)
            quote = '\0';
        else if (quote == '\0' && (*c == '"' || *c == '\'') && (quoting == IMPORT_SHELL || out == *to))
            quote = *c;
        else
            *out++ = *c;
    }
    bool is_last = *c == '\0';
    *out = '\0';
    *to = out + 1;
    return quote != '\0' ? NULL : is_last ? c : c + 1;
}

size_t import_split(char *text, enum import_quoting quoting, char *words[IMPORT_MAX_WORDS])
{
    size_t n = 0;
    char *c = text, *to = text;
    for (;;) {
        while (*c == ' ' || *c == '\t')
            c++;
        if (*c == '\0' || (*c == '#' && (quoting == IMPORT_SHELL || n == 0)))
            return n;
        if (n == IMPORT_MAX_WORDS)
            return SIZE_MAX;
        words[n++] = to;
        c = take_word(c, &to, quoting);
        if (c == NULL)
            return SIZE_MAX;
    }
}

bool import_address(char *out, size_t size, const char *text, const char *host, const char *port)
{
    int n;
    struct address parsed;
    struct err why = {0};
    bool is_port = text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
    const char *bracket = strrchr(text, ']'), *colon = strrchr(bracket != NULL ? bracket : text, ':');
    if (text[0] == '*' && (text[1] == ':' || text[1] == '\0'))
        text++;
    if (text[0] == '/')
        n = snprintf(out, size, "unix:%s", text);
    else if (is_port)
        n = snprintf(out, size, "%s:%s", host, text);
    else if (strncmp(text, "unix:", 5) == 0 || colon != NULL)
        n = snprintf(out, size, "%s", text);
    else if (port != NULL)
        n = snprintf(out, size, "%s:%s", text, port);
    else
        return false;
    return n > 0 && (size_t)n < size && address_parse(out, &parsed, &why) == 0;
}

static bool is_beyond_host(const char *address)
{
    return strncmp(address, "127.", 4) != 0 && strncmp(address, "[::1]", 5) != 0 && strncmp(address, "localhost:", 10) != 0 &&
           strncmp(address, "unix:", 5) != 0;
}

void import_bind(struct import_model *m, struct import_node *listener, const char *address, bool tls, size_t line)
{
    struct import_node *list = import_find(listener, "bind");
    if (list == NULL)
        list = import_at(import_add(m, listener, IMPORT_LIST, "bind", NULL), line);
    import_add(m, list, IMPORT_STRING, NULL, address);
    if (tls || !is_beyond_host(address))
        return;
    import_plain(m, listener, "insecure_expose", "true", line);
    import_remark(m, listener, line, "other hosts can use this plaintext address, as before: bind to 127.0.0.1 and remove insecure_expose if they need not");
}

bool import_duration(char out[32], const char *text, const char *unit, uint64_t min, uint64_t max)
{
    static const struct {
        const char *word;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    unsigned long long n = strtoull(text, &end, 10);
    const char *word = *end != '\0' ? end : unit;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(units[i].word, word) == 0) {
            if (n > max / units[i].ms || n * units[i].ms < min)
                return false;
            snprintf(out, 32, "%llu%s", n, word);
            return true;
        }
    return false;
}

void import_literal(struct bytes *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bytes_append(out, text + i, 1);
        if (text[i] == '{')
            bytes_append_str(out, "{");
    }
}

/* Fields that each request has anyway, or that the guard owns. */
static bool is_name(const char *name)
{
    static const char ours[] = "host connection te trailer transfer-encoding content-length upgrade keep-alive proxy-connection "
                               "proxy-authorization proxy-authenticate http2-settings expect max-forwards via";
    char lower[64];
    size_t n = 0;
    for (; name[n] != '\0' && n < sizeof(lower) - 1; n++) {
        char c = name[n];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && (n == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '_')))
            return false;
        lower[n] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    lower[n] = '\0';
    return n > 0 && name[n] == '\0' && !import_is(lower, ours);
}

/* Takes a name out of set_headers or remove_headers, in any spelling. */
static void take_name(struct import_model *m, struct import_node *route, const char *key, const char *name)
{
    struct import_node *in = import_find(route, key), *next;
    for (struct import_node *n = in != NULL ? in->first : NULL; n != NULL; n = next) {
        const char *own = in->form == IMPORT_LIST ? n->text : n->key;
        next = n->next;
        if (own != NULL && strcasecmp(own, name) == 0)
            import_remove(m, n);
    }
    if (in != NULL && in->first == NULL)
        import_remove(m, in);
}

bool import_field(struct import_model *m, struct import_node *route, const char *name, const char *value, size_t line)
{
    if (!is_name(name))
        return false;
    take_name(m, route, "set_headers", name);
    take_name(m, route, "remove_headers", name);
    if (value != NULL) {
        import_string(m, import_group(m, route, "set_headers"), name, value, line);
        return true;
    }
    struct import_node *list = import_find(route, "remove_headers");
    if (list == NULL)
        list = import_at(import_add(m, route, IMPORT_LIST, "remove_headers", NULL), line);
    import_add(m, list, IMPORT_STRING, NULL, name);
    return true;
}

void import_field_left(struct import_model *m, struct import_node *route, const char *name, size_t line)
{
    bool is_removed = import_field(m, route, name, NULL, line);
    import_left(m, route, line, "this field: its name, value or condition is not one that set_headers knows%s",
                is_removed ? "; it is removed from requests, so that no client can forge it" : "");
}

int import_matches(const char *pattern, bool any_case, const char *text)
{
    bool begins = pattern[0] == '^';
    const char *from = pattern + begins;
    size_t n = strlen(from), len = strlen(text);
    bool ends = n > 0 && from[n - 1] == '$';
    n -= ends;
    for (size_t i = 0; i < n; i++)
        if (strchr("\\.[](){}*+?|^$", from[i]) != NULL)
            return -1;
    for (size_t at = 0; at + n <= len; at++) {
        bool is_same = (any_case ? strncasecmp(text + at, from, n) : strncmp(text + at, from, n)) == 0;
        if (is_same && (!begins || at == 0) && (!ends || at + n == len))
            return 1;
    }
    return 0;
}
