/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the parts of Apache's reader. Names of directives and of sections are in lower case in its tree. */
#ifndef MTLSD_CLI_IMPORT_APACHE_H
#define MTLSD_CLI_IMPORT_APACHE_H

#include "import_block.h"

struct apache_host { /* one VirtualHost, or the file without any */
    struct import_model *m;
    const struct import_block *top, *host;
    struct import_node *listener, *routes;
    const struct import_block *names; /* ServerName of a host that is not the first one of its address */
    bool tls, asks, is_optional;
};

/* NULL: out of memory. */
struct import_block *apache_parse(struct import_model *m);
void apache_routes(struct apache_host *h);
struct import_node *apache_add_route(struct apache_host *h, const char *path, size_t line);
void apache_refuse_all(struct apache_host *h, const char *path, size_t line);
/* %{NAME}s and %{NAME}e of a field, or %{NAME} of a rule, as ours; false: it has one that we do not know. */
bool apache_text(const char *text, bool in_field, struct bytes *out);
/* The RewriteRules of a host, or of the whole file. */
void apache_rewrites(struct apache_host *h, const struct import_block *in);
bool apache_rule_refuses(const struct import_block *d); /* a RewriteRule */
/* The upstream of a URL of ProxyPass. pass has its parameters. NULL: noted why not. */
const char *apache_upstream(struct apache_host *h, const struct import_block *pass, const char *url);
bool apache_is_on(const struct import_block *in, const char *word);
/* VALUE of "key=VALUE" among the words, or NULL. */
const char *apache_parameter(const struct import_block *d, const char *key);
/* Whether a certificate is demanded for some paths only. */
bool apache_asks_below(const struct import_block *host);

#endif
