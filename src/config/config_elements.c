/* SPDX-License-Identifier: Apache-2.0 */
#include "config_elements.h"

#include "config_options.h"
#include "config_value.h"
#include "mtlsd/config/config_rule.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Lists whose elements are structs. Each of these begins with where; the number of elements stands behind the pointer to them. */
static const struct kind {
    const char *type, *group;
    size_t size;
    const char *when_empty;
} kinds[] = {
    {"rules", "allow", sizeof(struct config_allow),
     "no rule: write one, as in ( { ou = \"ops\"; } ), or leave the key out to accept every verified client"},
    {"routes", "route", sizeof(struct config_route),
     "no route: write one, as in ( { upstream = \"app\"; } ), or give upstream instead"},
    {"targets", "target", sizeof(struct config_target), "the list is empty: add an element"},
    {"identities", "sni", sizeof(struct config_sni),
     "no identity: write one, as in ( { hosts = \"a.example\"; identity = \"server\"; } ), or give identity alone"},
};

struct list {
    char *items;
    size_t n;
};

static const struct kind *kind_of(const struct config_option *o)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].type, o->type) == 0)
            return &kinds[i];
    return NULL;
}

static bool is(const struct config_option *o, const char *type)
{
    return strcmp(o->type, type) == 0;
}

static bool holds_any_name(const struct config_option *o)
{
    return is(o, "headers") || is(o, "attributes");
}

bool config_elements_own(const struct config_option *o)
{
    return kind_of(o) != NULL || holds_any_name(o) || is(o, "sticky") || is(o, "respond");
}

bool config_elements_fit(const struct config_option *o, const config_setting_t *s)
{
    if (holds_any_name(o))
        return config_setting_is_group(s);
    if (is(o, "respond"))
        return config_setting_is_group(s) || config_setting_is_number(s);
    if (is(o, "sticky"))
        return config_setting_is_group(s) || config_setting_type(s) == CONFIG_TYPE_STRING;
    return config_read_is_list(s) || (is(o, "targets") && !config_setting_is_group(s));
}

static struct list list_at(const struct config_option *o, const void *base)
{
    struct list list;
    memcpy(&list, (const char *)base + o->offset, sizeof(list));
    return list;
}

/* One more element, all zero, or NULL. */
static void *grow(const struct config_reader *r, const struct config_option *o, size_t size, void *base)
{
    struct list list = list_at(o, base);
    char *items = realloc(list.items, (list.n + 1) * size);
    if (items == NULL) {
        r->findings->out_of_memory = 1;
        return NULL;
    }
    char *element = memset(items + list.n * size, 0, size);
    list = (struct list){items, list.n + 1};
    memcpy((char *)base + o->offset, &list, sizeof(list));
    return element;
}

/* A target whose address was not understood is nothing that later checks could talk about. */
static void drop_last_target(const struct config_option *o, void *base)
{
    struct list list = list_at(o, base);
    struct config_target *t = (struct config_target *)(void *)list.items + --list.n;
    free(t->where);
    config_read_free("target", t);
    memcpy((char *)base + o->offset, &list, sizeof(list));
}

static void read_target(const struct config_reader *r, config_setting_t *s, const struct config_option *o, void *base)
{
    struct config_target *t = grow(r, o, sizeof(*t), base);
    if (t == NULL)
        return;
    config_read_defaults(r, "target", t);
    if (config_setting_is_group(s)) {
        t->where = config_read_place(r, s);
        config_read_group(r, s, "target", t);
    } else {
        config_read_scalar(r, s, config_options_find("target", "address"), t);
    }
    if (t->text == NULL)
        drop_last_target(o, base);
}

/* The checks that the types of its keys do not make. */
static void check_rule(const struct config_reader *r, const config_setting_t *s)
{
    int n = config_setting_is_group(s) ? config_setting_length(s) : 0;
    if (config_setting_is_group(s) && n == 0)
        config_read_complain(r, FINDING_ERROR, s, "the rule has no key: name at least one thing that must hold");
    for (int i = 0; i < n; i++) {
        const config_setting_t *key = config_setting_get_elem(s, (unsigned)i);
        const char *value = config_setting_type(key) == CONFIG_TYPE_STRING ? config_setting_get_string(key) : "";
        struct err why = {0};
        if (value[0] != '\0' && !config_read_is_tainted(key) && config_rule_check(config_setting_name(key), value, &why) != 0)
            config_read_complain(r, FINDING_ERROR, key, "%s", why.text);
    }
}

static void read_element(const struct config_reader *r, config_setting_t *s, const struct config_option *o, void *base)
{
    const struct kind *kind = kind_of(o);
    if (is(o, "targets")) {
        read_target(r, s, o, base);
        return;
    }
    char *element = grow(r, o, kind->size, base);
    if (element == NULL)
        return;
    config_read_defaults(r, kind->group, element);
    char *where = config_read_place(r, s);
    memcpy(element, &where, sizeof(where));
    config_read_group(r, s, kind->group, element);
    if (is(o, "rules"))
        check_rule(r, s);
}

static void read_list(const struct config_reader *r, config_setting_t *s, const struct config_option *o, void *base)
{
    int n = config_setting_length(s);
    if (n == 0)
        config_read_complain(r, FINDING_ERROR, s, "%s", kind_of(o)->when_empty);
    for (int i = 0; i < n; i++)
        read_element(r, config_setting_get_elem(s, (unsigned)i), o, base);
}

static void read_header(const struct config_reader *r, const config_setting_t *s, const struct config_option *o, void *base)
{
    struct err err;
    err_clear(&err);
    if (config_setting_type(s) != CONFIG_TYPE_STRING) {
        config_read_complain(r, FINDING_ERROR, s, "this is %s where %s, a string, is expected", config_read_type_name(s),
                             is(o, "headers") ? "the value of a header field" : "the value of an attribute");
        return;
    }
    if (config_value_check_text(config_setting_get_string(s), &err) != 0) {
        config_read_complain(r, FINDING_ERROR, s, "%s", err.text);
        return;
    }
    struct config_header *h = grow(r, o, sizeof(*h), base);
    if (h == NULL)
        return;
    h->name = strdup(config_setting_name(s));
    h->value = strdup(config_setting_get_string(s));
    if (h->name == NULL || h->value == NULL)
        r->findings->out_of_memory = 1;
}

static void read_headers(const struct config_reader *r, config_setting_t *s, const struct config_option *o, void *base)
{
    int n = config_setting_length(s);
    if (n == 0)
        config_read_complain(r, FINDING_ERROR, s, "%s, or leave the key out",
                             is(o, "headers") ? "no field: write one, as in { X-Served-By = \"mtlsd\"; }" : "no attribute: write one, as in { role = \"ops\"; }");
    for (int i = 0; i < n; i++)
        read_header(r, config_setting_get_elem(s, (unsigned)i), o, base);
}

static void read_sticky(const struct config_reader *r, config_setting_t *s, const struct config_option *o, void *base)
{
    if (!config_setting_is_group(s)) {
        config_read_scalar(r, s, o, base);
        return;
    }
    ((struct config_upstream *)base)->sticky = CONFIG_STICKY_INSERT;
    config_read_group(r, s, "upstream.sticky", base);
}

static void read_respond(const struct config_reader *r, config_setting_t *s, const struct config_option *o, void *base)
{
    if (config_setting_is_group(s))
        config_read_group(r, s, "route.respond", base);
    else
        config_read_scalar(r, s, o, base);
}

void config_elements_read(const struct config_reader *r, config_setting_t *s, const struct config_option *o, void *base)
{
    if (holds_any_name(o))
        read_headers(r, s, o, base);
    else if (is(o, "sticky"))
        read_sticky(r, s, o, base);
    else if (is(o, "respond"))
        read_respond(r, s, o, base);
    else if (config_read_is_list(s))
        read_list(r, s, o, base);
    else
        read_element(r, s, o, base);
}

static void free_headers(const struct config_header *headers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(headers[i].name);
        free(headers[i].value);
    }
}

void config_elements_free(const struct config_option *o, void *base)
{
    const struct kind *kind = kind_of(o);
    struct list list = {0};
    if (!is(o, "sticky") && !is(o, "respond"))
        list = list_at(o, base);
    if (holds_any_name(o))
        free_headers((const struct config_header *)(const void *)list.items, list.n);
    for (size_t i = 0; kind != NULL && i < list.n; i++) {
        char *element = list.items + i * kind->size, *where;
        memcpy(&where, element, sizeof(where));
        free(where);
        config_read_free(kind->group, element);
    }
    free(list.items);
}

#define COUNT_FOLLOWS(type, items, n) (offsetof(type, n) == offsetof(type, items) + sizeof(void *))
static_assert(COUNT_FOLLOWS(struct config_listener, allow, n_allow) && COUNT_FOLLOWS(struct config_listener, routes, n_routes) &&
                  COUNT_FOLLOWS(struct config_route, allow, n_allow) && COUNT_FOLLOWS(struct config_route, caller, n_caller) &&
                  COUNT_FOLLOWS(struct config_route, set_headers, n_set_headers) &&
                  COUNT_FOLLOWS(struct config_upstream, targets, n_targets) && COUNT_FOLLOWS(struct config_tls, identities, n_identities) && sizeof(struct list) == 2 * sizeof(void *),
              "a list is a pointer and the number behind it");
static_assert(offsetof(struct config_allow, where) == 0 && offsetof(struct config_route, where) == 0 &&
                  offsetof(struct config_target, where) == 0 && offsetof(struct config_sni, where) == 0,
              "where comes first");
