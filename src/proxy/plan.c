/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/plan.h"

#include <stdlib.h>
#include <string.h>

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

struct writer {
    char *out;
    size_t n, size;
};

static void put(struct writer *w, const char *from, size_t n)
{
    if (w->n <= w->size && n <= w->size - w->n)
        memcpy(w->out + w->n, from, n);
    w->n += n; /* beyond size: it did not fit */
}

static void put_port(struct writer *w, unsigned port)
{
    char digits[6];
    size_t i = sizeof(digits);
    do
        digits[--i] = (char)('0' + port % 10);
    while ((port /= 10) > 0 && i > 1);
    digits[--i] = ':';
    put(w, digits + i, sizeof(digits) - i);
}

/* Asked for each request: printf would cost as much as the whole head. */
struct span plan_host_field(const struct plan_target *target, char *out, size_t size)
{
    const struct config_upstream *up = target->upstream->conf;
    if (target->host != NULL)
        return span_from_str(target->host);
    if (up->host == CONFIG_HOST_LITERAL)
        return span_from_str(up->host_literal);
    const struct address *address = &target->conf->address;
    const char *name = up->tls.server_name != NULL ? up->tls.server_name : address->host;
    if (address->kind == ADDRESS_UNIX)
        name = "localhost";
    bool v6 = strchr(name, ':') != NULL;
    bool usual_port = address->kind == ADDRESS_UNIX || address->port == (target->tls != NULL ? HTTPS_PORT : HTTP_PORT);
    struct writer w = {.out = out, .size = size};
    put(&w, "[", v6 ? 1 : 0);
    put(&w, name, strlen(name));
    put(&w, "]", v6 ? 1 : 0);
    if (!usual_port)
        put_port(&w, address->port);
    return span_of(out, w.n <= size ? w.n : 0);
}

/* A route's word goes before its upstream's. An injector speaks to a foreign server, a verifier stands for its own. */
struct span plan_host(const struct plan_listener *listener, const struct plan_route *route, const struct plan_target *target, char *out, size_t size)
{
    const struct config_upstream *up = target->upstream->conf;
    bool by_route = route != NULL && route->conf->set_host_given;
    enum config_host how = by_route ? route->conf->set_host : up->host_given ? up->host : listener->tls != NULL ? CONFIG_HOST_PRESERVE : CONFIG_HOST_UPSTREAM;
    if (how == CONFIG_HOST_PRESERVE)
        return span_of(NULL, 0);
    return by_route && how == CONFIG_HOST_LITERAL ? span_from_str(route->conf->set_host_literal) : plan_host_field(target, out, size);
}

struct edit { /* the arrays stand behind it */
    struct http_edit edit; /* first: a pointer to it is a pointer to the whole */
    struct http_field fields[];
};

int plan_edit(const struct config_route *conf, const struct plan_text *text, const struct http_edit *next, struct http_edit **out)
{
    size_t n_set = conf->n_set_headers, n_remove = conf->remove_headers.n;
    *out = NULL;
    if (n_set + n_remove == 0)
        return 0;
    struct edit *e = calloc(1, sizeof(*e) + n_set * sizeof(struct http_field) + n_remove * sizeof(struct span));
    if (e == NULL)
        return -1;
    struct span *remove = (struct span *)&e->fields[n_set];
    for (size_t i = 0; i < n_set; i++) {
        bool written_elsewhere = text != NULL && text->fields[i].value != NULL;
        e->fields[i] = (struct http_field){span_from_str(conf->set_headers[i].name), span_from_str(written_elsewhere ? NULL : conf->set_headers[i].value)};
    }
    for (size_t i = 0; i < n_remove; i++)
        remove[i] = span_from_str(conf->remove_headers.items[i]);
    e->edit = (struct http_edit){.set = e->fields, .n_set = n_set, .remove = remove, .n_remove = n_remove, .next = next};
    *out = &e->edit;
    return 0;
}
