/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the parts of nginx's reader: the tree of directives. */
#ifndef MTLSD_CLI_IMPORT_NGINX_H
#define MTLSD_CLI_IMPORT_NGINX_H

#include "import.h"

struct nginx_directive {
    char **w; /* owned, as the words; NULL at the top */
    size_t n, line;
    struct nginx_directive *parent, *first, *last, *next;
};

/* NULL: out of memory. What is not well-formed is noted in the model. */
struct nginx_directive *nginx_parse(struct import_model *m);
void nginx_free(struct nginx_directive *top);
const struct nginx_directive *nginx_own(const struct nginx_directive *in, const char *word);  /* directly in it, or NULL */
const struct nginx_directive *nginx_find(const struct nginx_directive *in, const char *word); /* in it or inherited, with a value */
const char *nginx_value(const struct nginx_directive *in, const char *word);                  /* its first value, inherited too, or NULL */
bool nginx_is_on(const struct nginx_directive *in, const char *word);

struct nginx_server { /* being written */
    struct import_model *m;
    const struct nginx_directive *http, *server; /* http or stream, or the top */
    struct import_node *listener, *routes;
    bool tls, is_stream, asks, is_optional;
};

/* The upstream that proxy_pass of this place names, made once for each set of TLS settings. NULL: noted why not. */
const char *nginx_upstream(struct nginx_server *s, const struct nginx_directive *at, const struct nginx_directive *pass);
void nginx_routes(struct nginx_server *s, bool is_default);
/* A text with variables as ours; false: it has one that we do not know. */
bool nginx_text(const struct nginx_server *s, const char *text, struct bytes *out);
/* Directives that need nothing here. */
bool nginx_is_needless(const char *word);

#endif
