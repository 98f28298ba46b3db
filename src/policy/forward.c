/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/forward.h"

#include "mtlsd/policy/route.h"

#include <arpa/inet.h>
#include <string.h>

static struct forward_verdict refuse(const struct config_listener *l, bool named, struct span host, unsigned port, struct err *err)
{
    int n = host.len < 200 ? (int)host.len : 200;
    const char *name = (const char *)host.ptr;
    if (named)
        err_set(err, ERR_CONFIG,
                "%.*s is an upstream of this proxy, and mtlsd adds TLS: use http:// for it, or list \"%.*s:%u\" in "
                "forward_proxy.direct of listener \"%s\"",
                n, name, n, name, port, l->name);
    else
        err_set(err, ERR_CONFIG,
                "%.*s matches no route of listener \"%s\": give it a route, or list \"%.*s:%u\" in forward_proxy.direct", n, name, l->name,
                n, name, port);
    return (struct forward_verdict){.way = FORWARD_REFUSED};
}

struct forward_verdict forward_judge(const struct config_listener *l, enum forward_use use, struct span host, unsigned port, struct err *err)
{
    const struct config_forward_proxy *fp = &l->forward_proxy;
    bool named = route_names_host(l->routes, l->n_routes, host);
    bool listed = route_host_listed(&fp->direct, host, port);
    if (!fp->present)
        return refuse(l, false, host, port, err);
    if (use == FORWARD_REQUEST && named)
        return (struct forward_verdict){.way = FORWARD_BY_ROUTE};
    if (listed)
        return (struct forward_verdict){.way = FORWARD_DIRECT};
    bool open = fp->unmatched == CONFIG_UNMATCHED_DIRECT && !named;
    if (open || (use == FORWARD_BLIND && named))
        return (struct forward_verdict){.way = FORWARD_DIRECT, .public_only = true};
    return refuse(l, named, host, port, err);
}

/* ---- addresses ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Resolvers take a host whose last part is a number for an IPv4 address in one of its many spellings. */
static bool ends_in_number(const char *host)
{
    size_t n = strlen(host);
    if (n > 0 && host[n - 1] == '.')
        n--;
    size_t at = n;
    while (at > 0 && host[at - 1] != '.')
        at--;
    if (n - at >= 2 && host[at] == '0' && (host[at + 1] | 0x20) == 'x')
        return true;
    for (size_t i = at; i < n; i++)
        if (!is_digit(host[i]))
            return false;
    return n > at;
}

int forward_address(struct span host, unsigned port, struct address *out, struct err *err)
{
    *out = (struct address){.kind = ADDRESS_TCP, .port = (uint16_t)port};
    if (host.len == 0 || host.len > 253 || port == 0 || port > UINT16_MAX || memchr(host.ptr, '\0', host.len) != NULL)
        return err_set(err, ERR_PROTOCOL, "the target has no valid host and port");
    memcpy(out->host, host.ptr, host.len);
    if (!address_is_literal(out) && (ends_in_number(out->host) || strchr(out->host, ':') != NULL || strchr(out->host, '%') != NULL))
        return err_set(err, ERR_PROTOCOL, "\"%.60s\" is an odd spelling of an address: write it as four numbers, or use a name", out->host);
    return 0;
}

bool forward_is_own(const struct config_listener *l, const struct address *to)
{
    for (size_t i = 0; i < l->n_bind; i++)
        if (address_same(&l->bind[i], to))
            return true;
    return false;
}

/* Bound to it or to all of them; what a name is bound to is not known here, and might be it. */
static bool takes(const struct address *bind, const uint8_t *bytes, bool v6, unsigned port)
{
    static const uint8_t zero[16];
    uint8_t own[16];
    if (bind->kind != ADDRESS_TCP || bind->port != port)
        return false;
    if (inet_pton(AF_INET, bind->host, own) == 1)
        return !v6 && (memcmp(own, zero, 4) == 0 || memcmp(own, bytes, 4) == 0);
    if (inet_pton(AF_INET6, bind->host, own) == 1)
        return memcmp(own, zero, 16) == 0 || (v6 && memcmp(own, bytes, 16) == 0);
    return true;
}

bool forward_is_listened_at(const struct config *c, const uint8_t *bytes, bool v6, unsigned port)
{
    for (size_t i = 0; i < c->n_listeners; i++)
        for (size_t k = 0; k < c->listeners[i].n_bind; k++)
            if (takes(&c->listeners[i].bind[k], bytes, v6, port))
                return true;
    return false;
}
