/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the parts of nginx's reader. */
#ifndef MTLSD_CLI_IMPORT_NGINX_H
#define MTLSD_CLI_IMPORT_NGINX_H

#include "import_block.h"

/* NULL: out of memory. What is not well-formed is noted in the model. */
struct import_block *nginx_parse(struct import_model *m);
bool nginx_is_on(const struct import_block *in, const char *word);

/* The question of an "if" about the certificate. */
enum nginx_if_kind { NGINX_IF_UNKNOWN, NGINX_IF_CERTIFICATE, NGINX_IF_OTHER_CALLER /* than those of the map, or than subject */ };
struct nginx_if {
    enum nginx_if_kind kind;
    bool for_none, for_valid; /* CERTIFICATE: true without one; with one */
    const struct import_block *map;
    char subject[300], op[4], value[300];
};

struct nginx_server { /* being written */
    struct import_model *m;
    const struct import_block *http, *server; /* http or stream, or the top */
    struct import_node *listener, *routes;
    bool tls, is_stream, asks, is_optional;
    struct nginx_if gate; /* which callers may pass; UNKNOWN: any */
    size_t gate_line;
};

/* The upstream that proxy_pass of this place names, made once for each set of TLS settings. NULL: noted why not. */
const char *nginx_upstream(struct nginx_server *s, const struct import_block *at, const struct import_block *pass);
void nginx_read_if(const struct nginx_server *s, const struct import_block *d, struct nginx_if *out);
/* Lets only callers of the gate use a route that forwards or answers. */
void nginx_write_allow(struct nginx_server *s, struct import_node *route);
void nginx_routes(struct nginx_server *s, bool is_default);
/* A text with variables as ours; false: it has one that we do not know. */
bool nginx_text(const struct nginx_server *s, const char *text, struct bytes *out);
/* Directives that need nothing here. */
bool nginx_is_needless(const char *word);
bool nginx_is_read(const char *word); /* by some part of this reader */

#endif
