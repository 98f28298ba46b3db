/* SPDX-License-Identifier: Apache-2.0 */
#include "config_read.h"

#include "config_elements.h"
#include "config_elsewhere.h"
#include "config_options.h"
#include "config_regroup.h"
#include "config_value.h"

#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP_NAME_MAX = 64, PATH_DEPTH_MAX = 40 };

/* "listeners.app.allow[1].cn" */
static void write_path(const config_setting_t *s, char *out, size_t out_size)
{
    const config_setting_t *up[PATH_DEPTH_MAX];
    size_t n = 0, len = 0;
    for (; s != NULL && s->parent != NULL && n < PATH_DEPTH_MAX; s = s->parent)
        if (!config_regroup_is_shell(s))
            up[n++] = s;
    out[0] = '\0';
    while (n > 0 && len < out_size) {
        const config_setting_t *step = up[--n];
        int wrote = step->name != NULL
                        ? snprintf(out + len, out_size - len, "%s%.80s", len > 0 ? "." : "", step->name)
                        : snprintf(out + len, out_size - len, "[%d]", config_setting_index(step));
        len += wrote > 0 ? (size_t)wrote : 0;
    }
}

void config_read_complain(const struct config_reader *r, enum finding_level level, const config_setting_t *at,
                          const char *fmt, ...)
{
    char where[PATH_MAX + 32], path[512], text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    config_source_where(r->source, config_setting_source_line(at), where, sizeof(where));
    write_path(at, path, sizeof(path));
    findings_add(r->findings, level, where, "%s%s%s", path, path[0] != '\0' ? ": " : "", text);
}

bool config_read_is_tainted(const config_setting_t *group)
{
    return group == NULL || config_setting_get_hook(group) != NULL;
}

config_setting_t *config_read_group_at(const struct config_reader *r, const char *kind, size_t i)
{
    const config_setting_t *groups = config_setting_get_member(r->root, kind);
    return groups != NULL ? config_regroup_at(groups, i) : NULL;
}

static const config_setting_t *step(const config_setting_t *at, const char *key, bool *found)
{
    const config_setting_t *next = NULL;
    if (*found && key != NULL && at != NULL && config_setting_is_group(at))
        next = config_setting_get_member(at, key);
    *found = *found && (key == NULL || next != NULL);
    return next != NULL ? next : at;
}

const config_setting_t *config_read_at(const config_setting_t *group, const char *key, const char *inner, bool *found)
{
    bool all = true;
    const config_setting_t *at = step(group, key, &all);
    at = step(at, inner, &all);
    if (found != NULL)
        *found = all;
    return at;
}

bool config_read_given(const config_setting_t *group, const char *key, const char *inner)
{
    bool found;
    config_read_at(group, key, inner, &found);
    return found;
}

const char *config_read_type_name(const config_setting_t *s)
{
    switch (config_setting_type(s)) {
    case CONFIG_TYPE_GROUP:
        return "a group { }";
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "a number without quotes";
    case CONFIG_TYPE_FLOAT:
        return "a number with a fraction";
    case CONFIG_TYPE_STRING:
        return "a string";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    default:
        return "a list";
    }
}

static const char *form_name(const struct config_option *o)
{
    if (strcmp(o->type, "duration") == 0)
        return "a duration in quotes, as in \"10s\"";
    if (strcmp(o->type, "size") == 0)
        return "a size in quotes, as in \"64KiB\"";
    if (strcmp(o->type, "word") == 0)
        return "a word in quotes";
    switch (config_value_form(o)) {
    case CONFIG_VALUE_STRING:
        return config_value_takes_list(o) ? "a string or a list of strings" : "a string in quotes";
    case CONFIG_VALUE_STRING_OR_NUMBER:
        return "a name, a number, or a list of these";
    case CONFIG_VALUE_NUMBER:
        return "a whole number without quotes";
    case CONFIG_VALUE_BOOL:
        return "true or false";
    case CONFIG_VALUE_GROUP:
        break;
    }
    return config_value_takes_list(o) ? "a list of groups, ( { ... }, { ... } )" : "a group, { ... }";
}

static void complain_type(const struct config_reader *r, const config_setting_t *s,
                          const struct config_option *o)
{
    char more[256] = "";
    if (strcmp(o->type, "word") == 0)
        snprintf(more, sizeof(more), ", one of %s", o->bounds);
    else if (o->example[0] != '\0')
        snprintf(more, sizeof(more), ", as in: %s = %s;", o->key, o->example);
    config_read_complain(r, FINDING_ERROR, s, "this is %s where %s is expected%s", config_read_type_name(s), form_name(o), more);
}

static void complain_planned(const struct config_reader *r, const config_setting_t *s,
                             const struct config_planned *p, const char *what)
{
    config_read_complain(r, FINDING_ERROR, s, "this version does not have %s yet%s%s", what,
                         p->instead != NULL ? "; " : "", p->instead != NULL ? p->instead : "");
}

/* Nothing is like it: the keys that there are. */
static void complain_foreign(const struct config_reader *r, const config_setting_t *s, const char *group)
{
    char keys[512] = "";
    const struct config_option *o;
    size_t used = 0, n = 0;
    for (size_t i = 0; (o = config_options_nth(group, i)) != NULL; i++, n++) {
        int len = snprintf(keys + used, sizeof(keys) - used, "%s%s", i > 0 ? ", " : "", o->key);
        used += len > 0 && (size_t)len < sizeof(keys) - used ? (size_t)len : 0;
    }
    config_read_complain(r, FINDING_ERROR, s, "unknown key%s%s", n > 0 ? "; there are " : "", keys);
}

static void complain_unknown(const struct config_reader *r, const config_setting_t *s, const char *group)
{
    const char *key = config_setting_name(s);
    const struct config_planned *p = config_options_planned(group, key, NULL);
    const char *near = config_options_suggest(group, key), *here = config_foreign_key(group, key);
    if (p != NULL)
        complain_planned(r, s, p, "this key");
    else if (near != NULL)
        config_read_complain(r, FINDING_ERROR, s, "unknown key, did you mean \"%s\"?", near);
    else if (here != NULL)
        config_read_complain(r, FINDING_ERROR, s, "unknown key; the equivalent here is %s", here);
    else if (!config_elsewhere_complain(r, s, group))
        complain_foreign(r, s, group);
}

/* The value of one scalar as text; NULL when its type is not the one of the option. */
static const char *scalar_text(const config_setting_t *s, const struct config_option *o, char number[32])
{
    int type = config_setting_type(s);
    switch (config_value_form(o)) {
    case CONFIG_VALUE_STRING:
        return type == CONFIG_TYPE_STRING ? config_setting_get_string(s) : NULL;
    case CONFIG_VALUE_STRING_OR_NUMBER:
        if (type == CONFIG_TYPE_STRING)
            return config_setting_get_string(s);
        break;
    case CONFIG_VALUE_NUMBER:
        break;
    case CONFIG_VALUE_BOOL:
        return type != CONFIG_TYPE_BOOL ? NULL : config_setting_get_bool(s) ? "true" : "false";
    case CONFIG_VALUE_GROUP:
        return NULL;
    }
    snprintf(number, 32, "%lld", type == CONFIG_TYPE_INT64 ? config_setting_get_int64(s) : config_setting_get_int(s));
    return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64 ? number : NULL;
}

void config_read_scalar(const struct config_reader *r, const config_setting_t *s, const struct config_option *o,
                        void *base)
{
    char number[32];
    const char *text = scalar_text(s, o, number);
    if (text == NULL) {
        complain_type(r, s, o);
        return;
    }
    const struct config_planned *p = config_options_planned(o->group, o->key, text);
    if (p != NULL) {
        char what[80];
        snprintf(what, sizeof(what), "\"%.64s\" here", p->value);
        complain_planned(r, s, p, what);
        return;
    }
    struct err err;
    err_clear(&err);
    if (config_value_set(o, text, config_source_file(r->source, config_setting_source_line(s)), base, &err) ==
        0)
        return;
    if (err.kind == ERR_MEMORY)
        r->findings->out_of_memory = 1;
    config_read_complain(r, FINDING_ERROR, s, "%s", err.text);
}

bool config_read_is_list(const config_setting_t *s)
{
    return config_setting_is_list(s) || config_setting_is_array(s);
}

static void read_list(const struct config_reader *r, const config_setting_t *s, const struct config_option *o,
                      void *base)
{
    int n = config_setting_length(s);
    if (n == 0)
        config_read_complain(r, FINDING_ERROR, s,
                             "the list is empty: add an element or leave the key out");
    for (int i = 0; i < n; i++)
        config_read_scalar(r, config_setting_get_elem(s, (unsigned)i), o, base);
}

static void join_group(char out[GROUP_NAME_MAX], const char *group, const char *key)
{
    snprintf(out, GROUP_NAME_MAX, "%s%s%s", group, group[0] != '\0' ? "." : "", key);
}

void config_read_defaults(const struct config_reader *r, const char *group, void *base)
{
    size_t n;
    const struct config_option *options = config_options(&n);
    for (size_t i = 0; i < n; i++) {
        const struct config_option *o = &options[i];
        if (strcmp(o->group, group) != 0)
            continue;
        char inner[GROUP_NAME_MAX];
        join_group(inner, group, o->key);
        if (strcmp(o->type, "group") == 0)
            config_read_defaults(r, inner, base);
        else if (o->fallback[0] != '\0' && config_value_set(o, o->fallback, "", base, NULL) != 0)
            r->findings->out_of_memory = 1; /* the only way a default fails; a test reads them all */
    }
}

static void complain_missing(const struct config_reader *r, const config_setting_t *s, const char *group)
{
    size_t n;
    const struct config_option *options = config_options(&n);
    for (size_t i = 0; i < n; i++) {
        const struct config_option *o = &options[i];
        if (o->required && strcmp(o->group, group) == 0 && config_setting_get_member(s, o->key) == NULL)
            config_read_complain(r, FINDING_ERROR, s, "%s is missing, write for example: %s = %s;", o->key,
                                 o->key, o->example);
    }
}

char *config_read_place(const struct config_reader *r, const config_setting_t *s)
{
    char where[PATH_MAX + 32];
    config_source_where(r->source, config_setting_source_line(s), where, sizeof(where));
    char *copy = strdup(where);
    if (copy == NULL)
        r->findings->out_of_memory = 1;
    return copy;
}

static void read_named(const struct config_reader *r, config_setting_t *s);

static void read_inner_group(const struct config_reader *r, config_setting_t *s,
                             const struct config_option *o, void *base)
{
    if (strcmp(o->key, "tls") == 0) {
        struct config_tls *tls = (struct config_tls *)(void *)((char *)base + o->offset);
        tls->present = true;
        tls->where = config_read_place(r, s);
    }
    if (strcmp(o->key, "forward_proxy") == 0)
        ((struct config_listener *)base)->forward_proxy.present = true;
    char inner[GROUP_NAME_MAX];
    join_group(inner, o->group, o->key);
    config_read_group(r, s, inner, base);
}

static void read_option(const struct config_reader *r, config_setting_t *s, const struct config_option *o,
                        void *base)
{
    bool list = config_read_is_list(s);
    if (strcmp(o->type, "groups") == 0)
        read_named(r, s);
    else if (config_elements_own(o) && config_elements_fit(o, s))
        config_elements_read(r, s, o, base);
    else if (list != config_value_takes_list(o) && (list || config_value_form(o) == CONFIG_VALUE_GROUP))
        complain_type(r, s, o);
    else if (strcmp(o->type, "group") == 0)
        read_inner_group(r, s, o, base);
    else if (list)
        read_list(r, s, o, base);
    else
        config_read_scalar(r, s, o, base);
}

void config_read_group(const struct config_reader *r, config_setting_t *s, const char *group, void *base)
{
    size_t errors = r->findings->errors;
    if (!config_setting_is_group(s)) {
        const struct config_option *o = config_options_nth(group, 0);
        bool shown = o != NULL && o->example[0] != '\0';
        config_read_complain(r, FINDING_ERROR, s, "this is %s where a group, { ... }, is expected%s%s%s%s%s", config_read_type_name(s),
                             shown ? ", as in { " : "", shown ? o->key : "", shown ? " = " : "", shown ? o->example : "", shown ? "; }" : "");
    } else {
        int n = config_setting_length(s);
        for (int i = 0; i < n; i++) {
            config_setting_t *child = config_setting_get_elem(s, (unsigned)i);
            const struct config_option *o = config_options_find(group, config_setting_name(child));
            if (o != NULL)
                read_option(r, child, o, base);
            else
                complain_unknown(r, child, group);
        }
        if (r->findings->errors == errors)
            complain_missing(r, s, group);
    }
    if (r->findings->errors != errors)
        config_setting_set_hook(s, (void *)r->config);
}

/* The kinds of named groups. Each of their structs begins with name and where. */
struct head {
    char *name, *where;
};

static const struct kind {
    const char *key, *group;
    size_t size, items, n;
} kinds[] = {
    {"identities", "identity", sizeof(struct config_identity), offsetof(struct config, identities),
     offsetof(struct config, n_identities)},
    {"registries", "registry", sizeof(struct config_registry), offsetof(struct config, registries),
     offsetof(struct config, n_registries)},
    {"trusts", "trust", sizeof(struct config_trust), offsetof(struct config, trusts),
     offsetof(struct config, n_trusts)},
    {"upstreams", "upstream", sizeof(struct config_upstream), offsetof(struct config, upstreams),
     offsetof(struct config, n_upstreams)},
    {"logs", "named_log", sizeof(struct config_log), offsetof(struct config, logs), offsetof(struct config, n_logs)},
    {"listeners", "listener", sizeof(struct config_listener), offsetof(struct config, listeners),
     offsetof(struct config, n_listeners)},
};

static const struct kind *kind_of(const char *key)
{
    size_t i = 0;
    while (strcmp(kinds[i].key, key) != 0)
        i++; /* called for keys of type "groups" only */
    return &kinds[i];
}

static void read_named(const struct config_reader *r, config_setting_t *s)
{
    const struct kind *k = kind_of(config_setting_name(s));
    int n = config_regroup_count(s);
    if (n < 0) {
        config_read_complain(r, FINDING_ERROR, s,
                             "this is %s where named groups are expected, as in: %s = { NAME = { ... }; };",
                             config_read_type_name(s), k->key);
        return;
    }
    char *items = calloc((size_t)n + 1, k->size);
    if (items == NULL) {
        r->findings->out_of_memory = 1;
        return;
    }
    memcpy((char *)r->config + k->items, &items, sizeof(items));
    *(size_t *)(void *)((char *)r->config + k->n) = (size_t)n;
    for (int i = 0; i < n; i++) {
        config_setting_t *child = config_regroup_at(s, (size_t)i);
        char *item = items + (size_t)i * k->size;
        struct head *head = (struct head *)(void *)item;
        head->name = strdup(config_setting_name(child));
        head->where = config_read_place(r, child);
        if (head->name == NULL)
            r->findings->out_of_memory = 1;
        config_read_defaults(r, k->group, item);
        config_read_group(r, child, k->group, item);
    }
    if (n == 0 && strcmp(k->group, "listener") == 0)
        config_read_complain(r, FINDING_ERROR, s, "no listener is defined: there is nothing to do");
}

void config_read_settings(struct config_reader *r)
{
    config_read_defaults(r, "", r->config);
    if (config_setting_length(r->root) == 0)
        findings_add(r->findings, FINDING_ERROR, r->config->path,
                     "the configuration is empty: it needs listeners and upstreams at least");
    else
        config_read_group(r, r->root, "", r->config);
}

void config_read_free(const char *group, void *base)
{
    size_t n;
    const struct config_option *options = config_options(&n);
    for (size_t i = 0; i < n; i++) {
        char inner[GROUP_NAME_MAX];
        if (strcmp(options[i].group, group) != 0)
            continue;
        join_group(inner, group, options[i].key);
        if (config_options_holds_keys(&options[i]))
            config_read_free(inner, base);
        else if (config_elements_own(&options[i]))
            config_elements_free(&options[i], base);
        else
            config_value_free(&options[i], base);
    }
}

static_assert(offsetof(struct config_identity, where) == offsetof(struct head, where),
              "name and where come first");
static_assert(offsetof(struct config_trust, where) == offsetof(struct head, where),
              "name and where come first");
static_assert(offsetof(struct config_registry, where) == offsetof(struct head, where),
              "name and where come first");
static_assert(offsetof(struct config_upstream, where) == offsetof(struct head, where),
              "name and where come first");
static_assert(offsetof(struct config_listener, where) == offsetof(struct head, where),
              "name and where come first");
static_assert(sizeof(enum config_starttls) == sizeof(unsigned), "words are stored as unsigned");
static_assert(sizeof(enum config_protocol) == sizeof(unsigned), "words are stored as unsigned");
