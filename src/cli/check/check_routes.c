/* SPDX-License-Identifier: Apache-2.0 */
#include "check_routes.h"
#include "mtlsd/policy/allow.h"
#include "mtlsd/policy/route.h"

enum { DESCRIPTION_MAX = 400 };

const char *const check_routes_balance_words[] = {
    [CONFIG_BALANCE_ROUND_ROBIN] = "round_robin",
    [CONFIG_BALANCE_LEAST_CONN] = "least_conn",
    [CONFIG_BALANCE_RANDOM] = "random",
    [CONFIG_BALANCE_HASH] = "hash",
};

/* ---- matches ---- */

/* Between two parts of what began at start. */
static int part(struct bytes *out, size_t start)
{
    return out->len > start ? bytes_append_str(out, ", ") : 0;
}

static int words(struct bytes *out, const char *what, const struct config_strings *list, size_t start)
{
    if (list->n == 0)
        return 0;
    if (part(out, start) != 0)
        return -1;
    for (size_t i = 0; i < list->n; i++)
        if (bytes_printf(out, "%s%s", i == 0 ? what : " or ", list->items[i]) != 0)
            return -1;
    return 0;
}

static int rules(struct bytes *out, const struct config_allow *list, size_t n)
{
    char text[DESCRIPTION_MAX];
    for (size_t i = 0; i < n; i++) {
        allow_describe(&list[i], text, sizeof(text));
        if (bytes_append_str(out, i > 0 ? " or " : "") != 0 || bytes_append_str(out, text) != 0)
            return -1;
    }
    return 0;
}

static int match_certificates(const struct config_route *route, struct bytes *out, size_t start)
{
    char statuses[DESCRIPTION_MAX];
    route_describe_cert(route->cert, statuses, sizeof(statuses));
    if (route->cert != 0 && (part(out, start) != 0 || bytes_printf(out, "certificate %s", statuses) != 0))
        return -1;
    if (route->n_caller == 0)
        return 0;
    return part(out, start) != 0 || bytes_append_str(out, "caller ") != 0 ? -1 : rules(out, route->caller, route->n_caller);
}

static int match_text(const struct config_route *route, struct bytes *out)
{
    size_t start = out->len;
    if (words(out, "host ", &route->host, start) != 0)
        return -1;
    if (route->path != NULL && (part(out, start) != 0 || bytes_printf(out, "path %s%s", route->path, route->path_case == CONFIG_PATH_CASE_EXACT ? " as spelled" : "") != 0))
        return -1;
    if (words(out, "method ", &route->method, start) != 0 || match_certificates(route, out, start) != 0)
        return -1;
    return out->len == start ? bytes_append_str(out, "everything") : 0;
}

/* ---- actions ---- */

static int edit_text(const struct config_route *route, struct bytes *out)
{
    if (route->strip_prefix != NULL && bytes_printf(out, ", strips %s", route->strip_prefix) != 0)
        return -1;
    for (size_t i = 0; i < route->n_set_headers; i++)
        if (bytes_printf(out, ", sets %s", route->set_headers[i].name) != 0)
            return -1;
    for (size_t i = 0; i < route->remove_headers.n; i++)
        if (bytes_printf(out, ", removes %s", route->remove_headers.items[i]) != 0)
            return -1;
    if (!route->set_host_given)
        return 0;
    const char *host = route->set_host == CONFIG_HOST_PRESERVE ? "kept" : route->set_host == CONFIG_HOST_UPSTREAM ? "the upstream's" : route->set_host_literal;
    return bytes_printf(out, ", Host %s", host);
}

static int action_text(const struct config_route *route, struct bytes *out)
{
    if (route->redirect != NULL)
        return bytes_printf(out, "%u to %s", route->redirect_status, route->redirect);
    if (route->upstream == NULL)
        return bytes_printf(out, "%u", route->respond);
    return bytes_append_str(out, route->upstream) != 0 ? -1 : edit_text(route, out);
}

int check_routes_describe(const struct config_route *route, struct bytes *out)
{
    if (match_text(route, out) != 0 || bytes_append_str(out, " -> ") != 0 || action_text(route, out) != 0)
        return -1;
    if (route->n_allow == 0)
        return 0;
    return bytes_append_str(out, ", only for ") != 0 ? -1 : rules(out, route->allow, route->n_allow);
}

int check_routes_text(const struct config_listener *l, const char *indent, struct bytes *out)
{
    for (size_t i = 0; l->upstream == NULL && i < l->n_routes; i++)
        if (bytes_printf(out, "%s%zu. ", indent, i + 1) != 0 || check_routes_describe(&l->routes[i], out) != 0 || bytes_append_str(out, "\n") != 0)
            return -1;
    return 0;
}

/* ---- targets ---- */

int check_routes_describe_target(const struct config_target *target, struct bytes *out)
{
    const char *before = "";
    if (target->route != NULL) {
        if (bytes_printf(out, "route %s", target->route) != 0)
            return -1;
        before = ", ";
    }
    if (target->weight != 1) {
        if (bytes_printf(out, "%sweight %u", before, target->weight) != 0)
            return -1;
        before = ", ";
    }
    return target->backup ? bytes_printf(out, "%sbackup", before) : 0;
}

static int sticky_text(const struct config_upstream *u, struct bytes *out)
{
    switch (u->sticky) {
    case CONFIG_STICKY_NONE:
        return 0;
    case CONFIG_STICKY_CLIENT_CERT:
        return bytes_append_str(out, ", sticky by the caller's certificate");
    case CONFIG_STICKY_SUFFIX:
        return bytes_printf(out, ", sticky by the end of cookie %s", u->sticky_cookie);
    case CONFIG_STICKY_INSERT:
        break;
    }
    return bytes_printf(out, ", sticky by our cookie %s", u->sticky_cookie);
}

static int health_text(const struct config_upstream *u, struct bytes *out)
{
    if (u->health_interval_ms == 0)
        return 0;
    double seconds = (double)u->health_interval_ms / 1000;
    if (u->health_path == NULL)
        return bytes_printf(out, ", health by handshake every %gs", seconds);
    return bytes_printf(out, ", health by GET %s every %gs", u->health_path, seconds);
}

int check_routes_describe_group(const struct config_upstream *u, struct bytes *out)
{
    if (u->n_targets > 1 && bytes_printf(out, ", %s", check_routes_balance_words[u->balance]) != 0)
        return -1;
    if (sticky_text(u, out) != 0 || health_text(u, out) != 0)
        return -1;
    if (u->proxy_text != NULL && bytes_printf(out, ", through proxy %s", u->proxy_text) != 0)
        return -1;
    if (u->send_proxy_protocol == CONFIG_PROXY_PROTOCOL_NONE)
        return 0;
    return bytes_printf(out, ", sends a PROXY header %s", u->send_proxy_protocol == CONFIG_PROXY_PROTOCOL_V1 ? "v1" : "v2");
}
