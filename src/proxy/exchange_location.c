/* SPDX-License-Identifier: Apache-2.0 */
/* Rewrites addresses in a response that would lead the client past us, to an upstream that it cannot reach or reaches without our certificate. */
#include "exchange_internal.h"

#include "mtlsd/http/http_location.h"

#include <string.h>

enum { HEAD_OUT_MAX = 512 * 1024, LONGEST_HOST = 300 };

struct span exchange_location_host(const struct plan_listener *listener, const struct http_head *head)
{
    const struct config_listener *conf = listener->conf;
    bool may = conf->rewrite_location || (!conf->rewrite_location_given && listener->tls == NULL);
    struct span host = may ? http_head_find(head, "Host") : span_of(NULL, 0);
    return host.len <= LONGEST_HOST ? host : span_of(NULL, 0);
}

/* Unless told otherwise: a plaintext client that follows an address of https leaves our certificate behind. */
static bool is_wanted(const struct exchange *x)
{
    const struct config_listener *conf = x->listener->conf;
    bool by_default = !conf->rewrite_location_given && x->listener->tls == NULL && x->way.target->tls != NULL;
    return x->len.host > 0 && (conf->rewrite_location || by_default);
}

typedef int (*rewrite_fn)(struct bytes *out, struct span value, const struct http_location_map *map);

/* Most fields are skipped by the length of their names. */
static rewrite_fn rewriter_of(struct span name)
{
    if (name.len == strlen("refresh") && span_equals_nocase_str(name, "refresh"))
        return http_location_rewrite_refresh;
    if ((name.len == strlen("location") && span_equals_nocase_str(name, "location")) ||
        (name.len == strlen("content-location") && span_equals_nocase_str(name, "content-location")))
        return http_location_rewrite;
    return NULL;
}

/* By the name it was sent in Host, or else by its own. */
static int rewrite(const struct exchange *x, rewrite_fn how, struct span value, struct bytes *out)
{
    char sent[LONGEST_HOST], own[LONGEST_HOST];
    struct span client_host = exchange_line_host(x), host = exchange_host_field(x, sent, sizeof(sent));
    struct http_location_map map = {
        .upstream_scheme = x->way.target->tls != NULL ? "https" : "http",
        .client_scheme = x->client->link.tls != NULL ? "https" : "http",
        .upstream_authority = host.len > 0 ? host : client_host,
        .client_host = client_host,
    };
    int rc = how(out, value, &map);
    if (rc != 0)
        return rc;
    map.upstream_authority = plan_host_field(x->way.target, own, sizeof(own));
    return how(out, value, &map);
}

int exchange_location_rewrite(const struct exchange *x, const struct http_head *head, struct exchange_locations *out)
{
    out->n = 0;
    if (!is_wanted(x))
        return 0;
    for (size_t i = 0; i < head->n_fields && out->n < EXCHANGE_LOCATIONS; i++) {
        const struct http_field *f = &head->fields[i];
        rewrite_fn how = rewriter_of(f->name);
        if (how == NULL)
            continue;
        struct bytes *value = &out->values[out->n];
        bytes_init(value, HEAD_OUT_MAX);
        int rc = rewrite(x, how, f->value, value);
        if (rc > 0)
            out->fields[out->n++] = (struct http_field){f->name, bytes_span(value)};
        else
            bytes_clear(value);
        if (rc < 0)
            return -1;
    }
    return 0;
}

void exchange_location_clear(struct exchange_locations *l)
{
    for (size_t i = 0; i < l->n; i++)
        bytes_clear(&l->values[i]);
    l->n = 0;
}
