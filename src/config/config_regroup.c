/* SPDX-License-Identifier: Apache-2.0 */
#include "config_regroup.h"

#include "config_options.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 48 };

struct walk {
    struct bytes *out;
    unsigned depth;
    char key[WORD_MAX + 1]; /* the last word of the top level */
    bool wants_value;       /* a '=' was there */
    bool named;             /* inside the braces of a kind of named groups */
    bool open;              /* a shell is open around the present one */
};

static int put(const struct walk *w, const char *text)
{
    return bytes_append_str(w->out, text);
}

static bool is_kind(const char *key)
{
    const struct config_option *o = config_options_find("", key);
    return o != NULL && strcmp(o->type, "groups") == 0;
}

/* Whether this is directly inside of what is regrouped: where names stand. */
static bool at_names(const struct walk *w)
{
    return w->named && w->depth == 1;
}

static int close_shell(struct walk *w, const char *with)
{
    bool open = w->open;
    w->open = false;
    return open ? put(w, with) : 0;
}

static int on_word(struct walk *w, const char *word, size_t n)
{
    bool is_name = !w->wants_value;
    w->wants_value = false;
    if (w->depth == 0 && is_name)
        snprintf(w->key, sizeof(w->key), "%.*s", n > WORD_MAX ? WORD_MAX : (int)n, word);
    if (at_names(w) && is_name) {
        if (close_shell(w, " }") != 0 || put(w, ", { ") != 0)
            return -1;
        w->open = true;
    }
    return bytes_append(w->out, word, n);
}

static int on_open(struct walk *w, char c)
{
    bool begins = w->depth == 0 && c == '{' && is_kind(w->key);
    w->depth++;
    w->wants_value = false;
    w->named = w->named || begins;
    return begins ? put(w, "( \"\" ") : bytes_append(w->out, &c, 1);
}

static int on_close(struct walk *w, char c)
{
    bool ends = at_names(w);
    w->depth--;
    if (!ends)
        return bytes_append(w->out, &c, 1);
    w->named = false;
    return close_shell(w, " }") != 0 ? -1 : put(w, " )");
}

static int on_sign(struct walk *w, char c)
{
    if (c == '{' || c == '(' || c == '[')
        return on_open(w, c);
    if (c == '}' || c == ')' || c == ']')
        return on_close(w, c);
    if (at_names(w) && (c == ';' || c == ','))
        return close_shell(w, "; }");
    if (c == '=' || c == ':')
        w->wants_value = true;
    return bytes_append(w->out, &c, 1);
}

static size_t string_length(const char *p)
{
    size_t n = 1;
    for (; p[n] != '"' && p[n] != '\0'; n++)
        if (p[n] == '\\' && p[n + 1] != '\0')
            n++;
    return p[n] == '"' ? n + 1 : n;
}

int config_regroup(const struct config_source *s, struct bytes *out)
{
    static const char word_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-*+.";
    struct walk w = {.out = out};
    const char *p = (const char *)bytes_span(&s->text).ptr;
    int rc = 0;
    while (rc == 0 && *p != '\0') {
        size_t n = strspn(p, word_bytes);
        if (n > 0) {
            rc = on_word(&w, p, n);
        } else if (*p == '"') {
            n = string_length(p);
            w.wants_value = false;
            rc = bytes_append(out, p, n);
        } else {
            n = 1;
            rc = on_sign(&w, *p);
        }
        p += n;
    }
    return rc == 0 ? bytes_append(out, "", 1) : -1;
}

/* ---- and back ---- */

int config_regroup_count(const config_setting_t *list)
{
    const config_setting_t *mark = config_setting_is_list(list) ? config_setting_get_elem(list, 0) : NULL;
    if (mark == NULL || config_setting_type(mark) != CONFIG_TYPE_STRING || strcmp(config_setting_get_string(mark), "") != 0)
        return -1;
    int n = config_setting_length(list);
    for (unsigned i = 1; i < (unsigned)n; i++) {
        const config_setting_t *shell = config_setting_get_elem(list, i);
        if (!config_setting_is_group(shell) || config_setting_length(shell) != 1)
            return -1; /* the file has such a list already */
    }
    return n - 1;
}

config_setting_t *config_regroup_at(const config_setting_t *list, size_t i)
{
    const config_setting_t *shell = config_setting_get_elem(list, (unsigned)i + 1);
    return shell != NULL ? config_setting_get_elem(shell, 0) : NULL;
}

bool config_regroup_is_shell(const config_setting_t *s)
{
    const config_setting_t *list = s->parent;
    return s->name == NULL && list != NULL && list->name != NULL && list->parent != NULL && config_setting_is_root(list->parent) && is_kind(list->name);
}
