/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/plan_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool has_brace(const char *text)
{
    return text != NULL && strpbrk(text, "{}") != NULL;
}

static bool has_any(const struct config_route *conf)
{
    bool any = has_brace(conf->redirect) || conf->respond_body != NULL || conf->respond_file != NULL;
    for (size_t i = 0; i < conf->n_set_headers && !any; i++)
        any = has_brace(conf->set_headers[i].value);
    return any;
}

static int take_template(struct plan_text *t, struct span text, enum template_syntax syntax, struct template **out, struct err *err)
{
    *out = template_new(text, syntax, err);
    if (*out == NULL)
        return -1;
    for (size_t i = 0; i < (*out)->n; i++)
        if ((*out)->parts[i].text.len == 0)
            t->uses |= UINT64_C(1) << (*out)->parts[i].variable;
    return 0;
}

static int take(struct plan_text *t, const char *text, struct template **out, struct err *err)
{
    return has_brace(text) ? take_template(t, span_from_str(text), TEMPLATE_OF_VALUE, out, err) : 0;
}

/* Types of text without a charset are said to be what they are read as here. */
static char *full_type(const char *type)
{
    static const char charset[] = "; charset=utf-8";
    size_t n = strlen(type);
    bool lacks = strncasecmp(type, "text/", 5) == 0 && strchr(type, ';') == NULL;
    char *full = malloc(n + sizeof(charset));
    if (full != NULL)
        snprintf(full, n + sizeof(charset), "%s%s", type, lacks ? charset : "");
    return full;
}

static int take_body(struct plan_text *t, const struct config_route *conf, struct span file, struct err *err)
{
    static const enum template_place places[] = {[CONFIG_TEXT_AS_IT_IS] = TEMPLATE_IN_PLAIN, [CONFIG_TEXT_HTML] = TEMPLATE_IN_HTML,
                                                 [CONFIG_TEXT_PLAIN] = TEMPLATE_IN_PLAIN, [CONFIG_TEXT_JSON] = TEMPLATE_IN_JSON};
    if (conf->respond_body == NULL && conf->respond_file == NULL)
        return 0;
    enum config_text_kind kind = config_text_kind(conf->respond_type);
    enum template_syntax syntax = conf->respond_file != NULL ? TEMPLATE_OF_FILE : TEMPLATE_OF_VALUE;
    if (kind == CONFIG_TEXT_AS_IT_IS)
        syntax = TEMPLATE_WITHOUT_VARIABLES;
    t->body.place = places[kind];
    if ((t->body.type = full_type(conf->respond_type)) == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    return take_template(t, conf->respond_file != NULL ? file : span_from_str(conf->respond_body), syntax, &t->body.text, err);
}

static struct span id_field(const struct plan_text *t)
{
    for (size_t i = 0; i < t->n_fields; i++) {
        const struct template *value = t->fields[i].value;
        if (value != NULL && value->n == 1 && value->n_values == 1 && value->parts[0].variable == VARIABLE_REQUEST_ID)
            return t->fields[i].name;
    }
    return span_from_str(PLAN_ID_FIELD);
}

int plan_text_new(const struct config_route *conf, struct span file, struct plan_text **out, struct err *err)
{
    *out = NULL;
    if (!has_any(conf))
        return 0;
    struct plan_text *t = calloc(1, sizeof(*t) + conf->n_set_headers * sizeof(t->fields[0]));
    if (t == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    int rc = take(t, conf->redirect, &t->location, err) == 0 ? take_body(t, conf, file, err) : -1;
    t->n_fields = conf->n_set_headers;
    for (size_t i = 0; i < t->n_fields && rc == 0; i++) {
        t->fields[i].name = span_from_str(conf->set_headers[i].name);
        rc = take(t, conf->set_headers[i].value, &t->fields[i].value, err);
    }
    t->id_field = id_field(t);
    if (rc == 0)
        *out = t;
    else
        plan_text_free(t);
    return rc;
}

void plan_text_free(struct plan_text *t)
{
    if (t == NULL)
        return;
    free(t->location);
    free(t->body.text);
    free(t->body.type);
    for (size_t i = 0; i < t->n_fields; i++)
        free(t->fields[i].value);
    free(t);
}

/* ---- the names that are ours ---- */

struct owned { /* the names stand behind it */
    struct http_edit edit; /* first: a pointer to it is a pointer to the whole */
    struct span names[];
};

/* -1: out of memory. */
static int is_from_variable(const char *value)
{
    struct err err = {0};
    struct template *t = has_brace(value) ? template_new(span_from_str(value), TEMPLATE_OF_VALUE, &err) : NULL;
    int is = t != NULL ? t->n_values > 0 : err.kind == ERR_MEMORY ? -1 : 0;
    free(t);
    return is;
}

static bool has_name(const struct owned *o, struct span name)
{
    for (size_t i = 0; i < o->edit.n_remove; i++)
        if (http_guard_same_name(o->names[i], name))
            return true;
    return false;
}

static int add(struct owned **o, struct span name)
{
    size_t n = *o != NULL ? (*o)->edit.n_remove : 0;
    if (*o != NULL && has_name(*o, name))
        return 0;
    struct owned *more = realloc(*o, sizeof(*more) + (n + 1) * sizeof(more->names[0]));
    if (more == NULL)
        return -1;
    more->names[n] = name;
    more->edit = (struct http_edit){.remove = more->names, .n_remove = n + 1};
    *o = more;
    return 0;
}

static int add_of_route(struct owned **o, const struct config_route *route)
{
    int rc = 0;
    for (size_t i = 0; i < route->n_set_headers && rc == 0; i++) {
        int is = is_from_variable(route->set_headers[i].value);
        rc = is > 0 ? add(o, span_from_str(route->set_headers[i].name)) : is;
    }
    return rc;
}

int plan_text_owned(const struct config *conf, struct http_edit **out)
{
    struct owned *o = NULL;
    int rc = 0;
    for (size_t i = 0; i < conf->n_listeners; i++) {
        const char *secret = conf->listeners[i].required_header;
        rc = secret != NULL && rc == 0 ? add(&o, span_from_str(secret)) : rc;
        for (size_t k = 0; k < conf->listeners[i].n_routes && rc == 0; k++)
            rc = add_of_route(&o, &conf->listeners[i].routes[k]);
    }
    if (rc != 0)
        free(o);
    *out = rc == 0 && o != NULL ? &o->edit : NULL;
    return rc;
}
