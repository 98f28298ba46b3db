/* SPDX-License-Identifier: Apache-2.0 */
#include "config_regroup.h"

#include "config_options.h"

#include <stdio.h>
#include <string.h>

static void put(const struct config_regroup *w, const char *text)
{
    bytes_append_str(w->out, text);
}

static bool is_kind(const char *key)
{
    const struct config_option *o = config_options_find("", key);
    return o != NULL && strcmp(o->type, "groups") == 0;
}

/* Whether this is directly inside of what is regrouped: where names stand. */
static bool at_names(const struct config_regroup *w)
{
    return w->named && w->depth == 1;
}

static void close_shell(struct config_regroup *w, const char *with)
{
    if (w->open)
        put(w, with);
    w->open = false;
}

static void on_word(struct config_regroup *w, const struct config_token *t)
{
    bool is_name = !w->wants_value;
    w->wants_value = false;
    if (w->depth == 0 && is_name)
        snprintf(w->key, sizeof(w->key), "%.*s", t->n > CONFIG_REGROUP_WORD_MAX ? CONFIG_REGROUP_WORD_MAX : (int)t->n, t->text);
    if (at_names(w) && is_name) {
        close_shell(w, " }");
        put(w, ", { ");
        w->open = true;
    }
    bytes_append(w->out, t->text, t->n);
}

static void on_open(struct config_regroup *w, char c)
{
    bool begins = w->depth == 0 && c == '{' && is_kind(w->key);
    w->depth++;
    w->wants_value = false;
    w->named = w->named || begins;
    if (begins)
        put(w, "( \"\" ");
    else
        bytes_append(w->out, &c, 1);
}

static void on_close(struct config_regroup *w, char c)
{
    bool ends = at_names(w);
    w->depth--;
    if (ends) {
        w->named = false;
        close_shell(w, " }");
        put(w, " )");
    } else {
        bytes_append(w->out, &c, 1);
    }
}

static void on_sign(struct config_regroup *w, char c)
{
    if (c == '{' || c == '(' || c == '[') {
        on_open(w, c);
    } else if (c == '}' || c == ')' || c == ']') {
        on_close(w, c);
    } else if (at_names(w) && (c == ';' || c == ',')) {
        close_shell(w, "; }");
    } else {
        w->wants_value = w->wants_value || c == '=' || c == ':';
        bytes_append(w->out, &c, 1);
    }
}

void config_regroup_token(struct config_regroup *w, const struct config_token *t)
{
    bytes_append(w->out, t->gap, (size_t)(t->text - t->gap));
    if (t->kind == CONFIG_TOKEN_WORD) {
        on_word(w, t);
    } else if (t->kind == CONFIG_TOKEN_SIGN) {
        on_sign(w, *t->text);
    } else {
        w->wants_value = false;
        bytes_append(w->out, t->text, t->n);
    }
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
