/* SPDX-License-Identifier: Apache-2.0 */
#include "import_nginx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The words of an "if" without its parentheses. */
struct test {
    char variable[64], op[4], value[300]; /* op "": whether the variable is set, and not 0 */
};

static bool read_test(const struct import_block *d, struct test *t)
{
    char words[400] = "", rest[4] = "";
    size_t n = 0;
    *t = (struct test){.op = ""};
    for (size_t i = 1; i < d->n; i++) {
        int more = snprintf(words + n, sizeof(words) - n, "%s%s", i > 1 ? " " : "", d->w[i]);
        if (more < 0 || (size_t)more >= sizeof(words) - n)
            return false;
        n += (size_t)more;
    }
    while (n > 0 && words[n - 1] == ' ')
        n--;
    if (words[0] != '(' || n < 2 || words[n - 1] != ')')
        return false;
    words[n - 1] = '\0';
    int found = sscanf(words + 1, " $%63[a-z0-9_] %3[=!~*] %299[^\n]%3s", t->variable, t->op, t->value, rest);
    for (n = strlen(t->value); n > 0 && t->value[n - 1] == ' ';)
        t->value[--n] = '\0';
    size_t name = strlen(t->variable);
    const char *behind = strstr(words, t->variable) + name;
    return found == 3 ? import_is(t->op, "= != ~ !~ ~* !~*") : found == 1 && behind[strspn(behind, " ")] == '\0';
}

/* -1: not known. */
static int is_true(const struct test *t, const char *left)
{
    if (t->op[0] == '\0')
        return left[0] != '\0' && strcmp(left, "0") != 0;
    bool is_not = t->op[0] == '!';
    const char *op = t->op + is_not;
    int found = strcmp(op, "=") == 0 ? strcmp(left, t->value) == 0 : import_matches(t->value, strcmp(op, "~*") == 0, left);
    return found < 0 ? -1 : found != is_not;
}

/* ---- map ---- */

static const struct import_block *find_map(const struct nginx_server *s, const char *variable)
{
    const struct import_block *found = NULL;
    for (const struct import_block *d = s->http->first; d != NULL; d = d->next)
        if (strcmp(d->w[0], "map") == 0 && d->n == 3 && d->w[2][0] == '$' && strcmp(d->w[2] + 1, variable) == 0)
            found = d;
    return found;
}

/* One that gives texts for texts, and reads no other file. */
static bool is_plain(const struct import_block *map)
{
    for (const struct import_block *row = map->first; row != NULL; row = row->next)
        if (row->n != 2 || import_is(row->w[0], "hostnames include volatile") || strchr(row->w[1], '$') != NULL)
            return false;
    return true;
}

static const char *default_of(const struct import_block *map)
{
    const struct import_block *row = import_block_own(map, "default");
    return row != NULL ? row->w[1] : "";
}

/* The value for a text: texts come before patterns. NULL: not known. */
static const char *look_up(const struct import_block *map, const char *text)
{
    for (const struct import_block *row = map->first; row != NULL; row = row->next)
        if (strcmp(row->w[0], "default") != 0 && row->w[0][0] != '~' && strcasecmp(row->w[0], text) == 0)
            return row->w[1];
    for (const struct import_block *row = map->first; row != NULL; row = row->next) {
        bool any_case = strncmp(row->w[0], "~*", 2) == 0;
        int found = row->w[0][0] == '~' ? import_matches(row->w[0] + 1 + any_case, any_case, text) : 0;
        if (found != 0)
            return found > 0 ? row->w[1] : NULL;
    }
    return default_of(map);
}

/* ---- which certificates, which callers ---- */

static int is_true_for(const struct test *t, const struct import_block *map, const char *state)
{
    const char *left = map != NULL ? look_up(map, state) : state;
    return left != NULL ? is_true(t, left) : -1;
}

static void ask_status(const struct nginx_server *s, const struct test *t, const struct import_block *map, struct nginx_if *out)
{
    int none = is_true_for(t, map, s->tls ? "NONE" : ""), valid = is_true_for(t, map, "SUCCESS");
    if (none < 0 || valid < 0)
        return;
    out->kind = NGINX_IF_CERTIFICATE;
    out->for_none = none > 0;
    out->for_valid = valid > 0;
}

/* Both programs write this name in the same way: known parts, and values that need no escapes. */
static bool is_subject(const char *text)
{
    static const char *const types[] = {"CN=", "OU=", "O=", "C=", "ST=", "L=", "DC=", "UID="};
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-@/':()";
    for (const char *at = text;; at++) {
        size_t i = 0, count = sizeof(types) / sizeof(types[0]);
        while (i < count && strncmp(at, types[i], strlen(types[i])) != 0)
            i++;
        if (i == count)
            return false;
        at += strlen(types[i]);
        size_t n = strspn(at, plain);
        if (n == 0 || at[0] == ' ' || at[n - 1] == ' ')
            return false;
        at += n;
        if (*at != ',')
            return *at == '\0';
    }
}

/* The "if" is not true for the callers of this row. */
static bool is_allowed(const struct import_block *row, const struct nginx_if *q)
{
    struct test t = {.op = ""};
    snprintf(t.op, sizeof(t.op), "%s", q->op);
    snprintf(t.value, sizeof(t.value), "%s", q->value);
    return is_subject(row->w[0]) && is_true(&t, row->w[1]) == 0;
}

/* True for all callers but those of the list: refused are all others. Anything else is not known. */
static void ask_subject(const struct test *t, const struct import_block *map, struct nginx_if *out)
{
    if (map == NULL && (strcmp(t->op, "!=") != 0 || !is_subject(t->value)))
        return;
    if (map != NULL && is_true(t, default_of(map)) != 1)
        return;
    out->map = map;
    snprintf(out->subject, sizeof(out->subject), "%s", map == NULL ? t->value : "");
    snprintf(out->op, sizeof(out->op), "%s", t->op);
    snprintf(out->value, sizeof(out->value), "%s", t->value);
    bool has_caller = map == NULL;
    for (const struct import_block *row = map != NULL ? map->first : NULL; row != NULL; row = row->next)
        has_caller = has_caller || is_allowed(row, out);
    if (has_caller)
        out->kind = NGINX_IF_OTHER_CALLER;
}

void nginx_read_if(const struct nginx_server *s, const struct import_block *d, struct nginx_if *out)
{
    struct test t;
    *out = (struct nginx_if){.kind = NGINX_IF_UNKNOWN};
    if (!read_test(d, &t))
        return;
    const struct import_block *map = find_map(s, t.variable);
    if (map != NULL && !is_plain(map))
        return;
    const char *source = map != NULL ? map->w[1] + (map->w[1][0] == '$') : t.variable;
    if (strcmp(source, "ssl_client_verify") == 0)
        ask_status(s, &t, map, out);
    else if (strcmp(source, "ssl_client_s_dn") == 0)
        ask_subject(&t, map, out);
}

void nginx_write_allow(struct nginx_server *s, struct import_node *route)
{
    const struct nginx_if *q = &s->gate;
    if (q->kind != NGINX_IF_OTHER_CALLER)
        return;
    struct import_node *rows = import_at(import_add(s->m, route, IMPORT_ROWS, "allow", NULL), s->gate_line);
    if (q->map == NULL)
        import_string(s->m, import_add(s->m, rows, IMPORT_GROUP, NULL, NULL), "subject", q->subject, s->gate_line);
    for (const struct import_block *row = q->map != NULL ? q->map->first : NULL; row != NULL; row = row->next)
        if (is_allowed(row, q))
            import_string(s->m, import_add(s->m, rows, IMPORT_GROUP, NULL, NULL), "subject", row->w[0], row->line);
        else if (strcmp(row->w[0], "default") != 0)
            import_left(s->m, route, row->line, "\"%.200s\" is no plain subject that this \"if\" lets pass: its callers are refused until you add a rule", row->w[0]);
}
