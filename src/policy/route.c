/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/route.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/base/request_path.h"
#include "mtlsd/policy/allow.h"
#include "mtlsd/policy/reason.h"

#include <stdio.h>
#include <string.h>

/* Every certificate status that is neither "valid" nor "none": the enum has them in one run. */
static uint64_t error_statuses(void)
{
    uint64_t bits = 0;
    for (unsigned r = REASON_EXPIRED; r <= REASON_MALFORMED; r++)
        bits |= UINT64_C(1) << r;
    return bits;
}

static bool any_host_matches(const struct config_strings *patterns, struct span host)
{
    for (size_t i = 0; i < patterns->n; i++)
        if (hostname_matches(span_from_str(patterns->items[i]), host))
            return true;
    return false;
}

static bool path_matches(const struct config_route *route, const struct route_question *q)
{
    enum path_reading reading = route->path_case == CONFIG_PATH_CASE_EXACT ? PATH_AS_SPELLED : PATH_WIDE;
    return route->path == NULL || request_path_covered(route->path, q->path, reading) != SIZE_MAX;
}

static bool is_listed(const struct config_strings *methods, struct span method)
{
    for (size_t i = 0; i < methods->n; i++)
        if (span_equals_str(method, methods->items[i]))
            return true;
    return false;
}

/* Servers run the code of GET for a HEAD: a gate on GET that let it by would be none. */
static bool method_matches(const struct config_strings *methods, struct span method)
{
    return is_listed(methods, method) || (span_equals_str(method, "HEAD") && is_listed(methods, span_from_str("GET")));
}

/* REASON_UNDECIDED has a bit too, which no configuration sets and nothing may match. */
static bool status_matches(uint64_t cert, const struct tls_verdict *verdict)
{
    enum reason status = verdict != NULL ? verdict->status : REASON_NONE;
    return status != REASON_UNDECIDED && ((cert >> status) & 1) != 0;
}

/* A caller that may be among those whom a route keeps out is kept out. */
static bool caller_matches(const struct config_route *route, const struct route_question *q)
{
    return allow_permits(route->caller, route->n_caller, q->verdict, q->peer) ||
           (route->upstream == NULL && allow_is_in_doubt(route->caller, route->n_caller, q->verdict, q->peer));
}

enum route_miss route_compare(const struct config_route *route, const struct route_question *q)
{
    if (route->host.n > 0 && !any_host_matches(&route->host, q->host))
        return ROUTE_OTHER_HOST;
    if (!path_matches(route, q))
        return ROUTE_OTHER_PATH;
    if (route->method.n > 0 && !method_matches(&route->method, q->method))
        return ROUTE_OTHER_METHOD;
    if (route->cert != 0 && !status_matches(route->cert, q->verdict))
        return ROUTE_OTHER_STATUS;
    if (route->n_caller > 0 && !caller_matches(route, q))
        return ROUTE_OTHER_CALLER;
    return ROUTE_MATCHES;
}

bool route_is_as_spelled(const struct config_route *route, const struct route_question *q)
{
    return route->path == NULL || request_path_covered(route->path, q->path, PATH_AS_SPELLED) != SIZE_MAX;
}

static bool is_open(const struct config_route *route, const struct route_question *q)
{
    return route->n_allow == 0 || allow_permits(route->allow, route->n_allow, q->verdict, q->peer);
}

/* Forwards, at least while its gate is only tried out. */
static bool lets_on(const struct config_route *route, const struct route_question *q)
{
    return route->upstream != NULL && (is_open(route, q) || (route->allow_log_only && allow_spares(q->verdict)));
}

/* In every reading that leads to this route, an earlier route takes the request and accepts it. */
static bool is_taken(const struct config_route *routes, size_t i, const struct route_choice *c)
{
    for (size_t k = 0; k < c->n_also; k++)
        if (request_path_covered(routes[c->also[k]].path, span_from_str(routes[i].path), PATH_AS_SPELLED) != SIZE_MAX)
            return true;
    return false;
}

bool route_consider(const struct config_route *routes, size_t i, const struct route_question *q, struct route_choice *c)
{
    if (route_compare(&routes[i], q) != ROUTE_MATCHES)
        return false;
    bool decides = route_is_as_spelled(&routes[i], q);
    if (!decides && is_taken(routes, i, c))
        return false;
    if (decides || !lets_on(&routes[i], q)) {
        c->index = i;
        return true;
    }
    if (c->n_also == ROUTE_ALSO_MAX)
        return true; /* no honest client sends so many readings of one path: no route decides */
    c->also[c->n_also++] = i;
    return false;
}

enum reason route_conclude(const struct config_route *routes, const struct route_question *q, const struct route_choice *c)
{
    if (c->index == SIZE_MAX)
        return REASON_NO_ROUTE;
    return is_open(&routes[c->index], q) ? REASON_VALID : REASON_NOT_ALLOWED;
}

enum reason route_choose(const struct config_route *routes, size_t n, const struct route_question *q, struct route_choice *out)
{
    *out = (struct route_choice){.index = SIZE_MAX};
    for (size_t i = 0; i < n && !route_consider(routes, i, q, out); i++)
        ;
    return route_conclude(routes, q, out);
}

bool route_names_host(const struct config_route *routes, size_t n, struct span host)
{
    for (size_t i = 0; i < n; i++)
        if (any_host_matches(&routes[i].host, host))
            return true;
    return false;
}

/* Takes ":port" off a pattern; false: what stands there is no port. A second colon without brackets is an IPv6 literal, which has none. */
static bool split_pattern(struct span *pattern, bool *has_port, unsigned *port)
{
    struct span p = *pattern;
    const uint8_t *end = NULL;
    *has_port = false;
    if (p.len > 0 && p.ptr[0] == '[') {
        end = memchr(p.ptr, ']', p.len);
        if (end == NULL)
            return false;
        *pattern = span_of(p.ptr + 1, (size_t)(end - p.ptr) - 1);
        end++;
    } else {
        end = memchr(p.ptr, ':', p.len);
        if (end == NULL || memchr(end + 1, ':', p.len - (size_t)(end - p.ptr) - 1) != NULL)
            return true;
        *pattern = span_of(p.ptr, (size_t)(end - p.ptr));
    }
    struct span rest = span_skip(p, (size_t)(end - p.ptr));
    if (rest.len == 0)
        return true;
    *has_port = true;
    *port = hostname_port(span_skip(rest, 1));
    return rest.ptr[0] == ':' && *port != 0;
}

bool route_host_listed(const struct config_strings *patterns, struct span host, unsigned port)
{
    for (size_t i = 0; i < patterns->n; i++) {
        struct span pattern = span_from_str(patterns->items[i]);
        bool has_port = false;
        unsigned wanted = 0;
        if (pattern.len == 0 || !split_pattern(&pattern, &has_port, &wanted))
            continue;
        if ((!has_port || port == wanted) && hostname_matches(pattern, host))
            return true;
    }
    return false;
}

void route_describe_cert(uint64_t cert, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    bool error = (cert & error_statuses()) == error_statuses();
    for (unsigned r = REASON_VALID; r <= REASON_MALFORMED; r++) {
        if (((cert >> r) & 1) == 0 || (error && r > REASON_EXPIRED))
            continue;
        const char *word = error && r == REASON_EXPIRED ? "error" : reason_word((enum reason)r);
        int n = snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", word);
        if (n < 0 || (size_t)n >= size - used)
            return;
        used += (size_t)n;
    }
}
