/* SPDX-License-Identifier: Apache-2.0 */
/* The texts with variables of a route, taken apart when the configuration is loaded. */
#ifndef MTLSD_PROXY_PLAN_TEXT_H
#define MTLSD_PROXY_PLAN_TEXT_H

#include "mtlsd/base/template.h"
#include "mtlsd/config/config.h"
#include "mtlsd/http/http_guard.h"

#define PLAN_ID_FIELD "X-Request-ID"

struct plan_text {
    uint64_t uses;             /* bits 1 << enum variable, of all that follows */
    struct plan_text_body {
        struct template *text; /* owned; NULL: respond has no text */
        enum template_place place;
        char *type;            /* owned: Content-Type */
    } body;
    struct template *location; /* owned; NULL: the redirect, if there is one, has no braces */
    struct span id_field;      /* where a trusted proxy sends the request's id: the field that is set to it, else X-Request-ID */
    size_t n_fields;
    struct plan_text_field {
        struct span name;       /* borrowed from the configuration */
        struct template *value; /* owned; NULL: it has no braces, and is set as it stands */
    } fields[]; /* one for each of set_headers */
};

/* file: what respond.file holds, if the route has one. *out: NULL when nothing has a brace and respond no text. -1 + err: a text that is no template, or no memory. */
MUST_CHECK int plan_text_new(const struct config_route *conf, struct span file, struct plan_text **out, struct err *err);
void plan_text_free(struct plan_text *text);

/* The names of all fields that a route of the configuration sets from a variable, to be removed from what comes in everywhere: a backend cannot tell which listener
 * a request came by (security C1). In one block, to be freed by free, that borrows from the configuration; NULL: there are none. -1: out of memory. */
MUST_CHECK int plan_text_owned(const struct config *conf, struct http_edit **out);

#endif
