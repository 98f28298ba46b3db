/* SPDX-License-Identifier: Apache-2.0 */
#include "config_elsewhere.h"

#include "config_options.h"
#include "config_regroup.h"
#include "config_value.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { PLACE_MAX = 320, VALUE_MAX = 120 };

/* How a group of the table is written. Those of a kind have a name; the others are elements of lists. */
static const struct form {
    const char *group, *kind; /* kind: the key of the named groups; NULL: elements of a list */
    const char *front, *back; /* what stands around the key in an element */
} forms[] = {
    {"identity", "identities", NULL, NULL},
    {"trust", "trusts", NULL, NULL},
    {"registry", "registries", NULL, NULL},
    {"upstream", "upstreams", NULL, NULL},
    {"listener", "listeners", NULL, NULL},
    {"target", NULL, "a target, as in targets = ( { address = \"10.0.0.1:8443\"; ", " } )"},
    {"route", NULL, "a route, as in routes = ( { ", " upstream = \"app\"; } )"},
    {"sni", NULL, "an element of tls.identities, as in identities = ( { identity = \"shop\"; ", " } )"},
    {"allow", NULL, "a rule, as in allow = ( { ", " } )"},
};

/* The lists that stand in a group, and so the groups that are inside of another without its name. */
static const struct inside {
    const char *group, *element;
} lists[] = {{"upstream", "target"}, {"listener", "route"}, {"listener.tls", "sni"}, {"listener", "allow"}, {"listener.tls", "allow"}, {"route", "allow"}};

static bool begins(const char *text, const char *with)
{
    size_t n = strlen(with);
    return n == 0 || (strncmp(text, with, n) == 0 && (text[n] == '.' || text[n] == '\0'));
}

static bool is_listed_in(const char *group, const char *element)
{
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        if (strcmp(lists[i].group, group) == 0 && strcmp(lists[i].element, element) == 0)
            return true;
    return false;
}

/* How far a group is from where the key stands: the nearest one was meant. */
static unsigned distance(const char *from, const char *to)
{
    size_t kind = strcspn(from, ".");
    if (from[0] != '\0' && begins(to, from))
        return 0;
    if (to[0] != '\0' && begins(from, to))
        return 1;
    if (is_listed_in(from, to) || is_listed_in(to, from))
        return 2;
    if (kind > 0 && strncmp(from, to, kind) == 0 && (to[kind] == '.' || to[kind] == '\0'))
        return 3;
    return 4;
}

/* Of two keys of that name in groups equally near, the key with a list is meant by a list. */
static unsigned unlikeliness(const struct config_option *o, const config_setting_t *s, const char *group)
{
    return 2 * distance(group, o->group) + (config_value_takes_list(o) != config_read_is_list(s));
}

static const struct config_option *nearest(const char *group, const config_setting_t *s)
{
    size_t n;
    const struct config_option *options = config_options(&n), *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (strcmp(options[i].key, config_setting_name(s)) == 0 && strcmp(options[i].group, group) != 0 &&
            (best == NULL || unlikeliness(&options[i], s, group) < unlikeliness(best, s, group)))
            best = &options[i];
    return best;
}

static const struct form *form_of(const char *group)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (begins(group, forms[i].group))
            return &forms[i];
    return NULL;
}

/* The named group that s stands in, however deep; NULL at the top level and in log, admin and limits. */
static const config_setting_t *named_group_of(const config_setting_t *s)
{
    while (s != NULL && !(s->parent != NULL && config_regroup_is_shell(s->parent)))
        s = s->parent;
    return s;
}

/* The value as written, if it is a single one; else the example. */
static void write_value(const config_setting_t *s, const struct config_option *o, char out[VALUE_MAX])
{
    if (config_setting_type(s) == CONFIG_TYPE_STRING)
        snprintf(out, VALUE_MAX, "\"%.80s\"", config_setting_get_string(s));
    else if (config_setting_type(s) == CONFIG_TYPE_BOOL)
        snprintf(out, VALUE_MAX, "%s", config_setting_get_bool(s) ? "true" : "false");
    else if (config_setting_type(s) == CONFIG_TYPE_INT)
        snprintf(out, VALUE_MAX, "%d", config_setting_get_int(s));
    else
        snprintf(out, VALUE_MAX, "%s", o->example[0] != '\0' ? o->example : "...");
}

/* ---- the words for it ---- */

struct stray { /* a key in the wrong group, and the right one */
    const struct config_reader *r;
    const config_setting_t *key;
    const struct config_option *o;
    const struct form *form;       /* of the right group; NULL for the top level, log, admin and limits */
    const config_setting_t *named; /* the named group that the key stands in; NULL: none */
    char value[VALUE_MAX];
};

/* A key that is there already is named with its line. */
static void complain_group(const struct stray *k, const char *place, const config_setting_t *outer, const char *inner)
{
    char where[PATH_MAX + 32];
    const config_setting_t *group = inner == NULL ? outer : config_setting_get_member(outer, inner);
    if (group != NULL) {
        config_source_where(k->r->source, config_setting_source_line(group), where, sizeof(where));
        config_read_complain(k->r, FINDING_ERROR, k->key, "unknown key here; it belongs in %s: move it there, to %.200s", place, where);
    } else {
        config_read_complain(k->r, FINDING_ERROR, k->key, "unknown key here; it belongs in %s: write %s = { %s = %s; };", place, inner, k->o->key, k->value);
    }
}

/* A group of the kind that the key stands in: that one was meant. */
static void complain_same_kind(const struct stray *k)
{
    char place[PLACE_MAX];
    const char *dot = strchr(k->o->group, '.');
    snprintf(place, sizeof(place), "%s.%.120s%s", k->form->kind, k->named->name, dot != NULL ? dot : "");
    complain_group(k, place, k->named, dot != NULL ? dot + 1 : NULL);
}

static void complain_other_kind(const struct stray *k)
{
    const char *dot = strchr(k->o->group, '.');
    if (strcmp(k->form->group, "identity") == 0 || strcmp(k->form->group, "trust") == 0)
        config_read_complain(k->r, FINDING_ERROR, k->key,
                             "unknown key here; it belongs in %s.NAME: write %s = { NAME = { %s = %s; }; }; at the top level, and %s = \"NAME\"; in tls",
                             k->form->kind, k->form->kind, k->o->key, k->value, k->form->group);
    else
        config_read_complain(k->r, FINDING_ERROR, k->key, "unknown key here; it belongs in %s.NAME%s", k->form->kind, dot != NULL ? dot : "");
}

bool config_elsewhere_complain(const struct config_reader *r, const config_setting_t *s, const char *group)
{
    struct stray k = {.r = r, .key = s, .o = nearest(group, s), .named = named_group_of(s)};
    if (k.o == NULL)
        return false;
    k.form = form_of(k.o->group);
    write_value(s, k.o, k.value);
    if (k.o->group[0] == '\0')
        config_read_complain(r, FINDING_ERROR, s, "unknown key here; it belongs at the top level, outside of every group: %s = %s;", k.o->key, k.value);
    else if (k.form == NULL)
        complain_group(&k, k.o->group, r->root, k.o->group);
    else if (k.form->kind == NULL)
        config_read_complain(r, FINDING_ERROR, s, "unknown key here; it belongs in %s%s = %s;%s", k.form->front, k.o->key, k.value, k.form->back);
    else if (k.named != NULL && strcmp(k.named->parent->parent->name, k.form->kind) == 0)
        complain_same_kind(&k);
    else
        complain_other_kind(&k);
    return true;
}
