/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/http/http_trace.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 1024 }; /* of each */

/* The head's memory is not there any more when the request ends. */
struct request_agent {
    size_t referer_len, user_agent_len, host_len, trace_len;
    char client[HTTP_FORWARDED_TEXT]; /* behind a trusted proxy; empty: there is none */
    char text[];
};

struct found { /* borrowed from the head */
    struct span referer, user_agent, host, trace;
};

static struct span cut(struct span value)
{
    return span_of(value.ptr, value.len < KEPT_MAX ? value.len : KEPT_MAX);
}

static char *put(char *to, struct span text)
{
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    return to + text.len;
}

static void find(const struct http_head *head, const struct http_target *target, unsigned wants, struct found *out)
{
    if ((wants & OBSERVER_AGENTS) != 0) {
        out->referer = cut(http_head_find(head, "referer"));
        out->user_agent = cut(http_head_find(head, "user-agent"));
    }
    if ((wants & OBSERVER_HOST) != 0 && hostname_is_well_formed(target->host))
        out->host = target->host;
    if ((wants & OBSERVER_TRACE) != 0)
        out->trace = http_trace_parent(head);
}

static void keep_id(struct exchange *x, const struct http_head *head)
{
    const struct plan_text *text = x->way.route != NULL ? x->way.route->text : NULL;
    (void)exchange_id(x, text != NULL ? text->id_field : span_from_str(PLAN_ID_FIELD), head);
}

/* Without memory the report goes without: it is not worth a refusal. */
void exchange_agent_keep(struct exchange *x, const struct http_head *head, const struct http_target *target)
{
    const struct config_ranges *proxies = &x->listener->conf->trusted_proxies;
    unsigned wants = x->client->env->observer.wants;
    struct found f = {.host = {NULL, 0}};
    if (wants == 0 && proxies->n == 0 && !proxies->sockets)
        return;
    struct http_forwarded how = exchange_forwarded(x);
    find(head, target, wants, &f);
    if ((wants & OBSERVER_ID) != 0)
        keep_id(x, head);
    size_t n = f.referer.len + f.user_agent.len + f.host.len + f.trace.len;
    if (n == 0 && !how.believe)
        return;
    struct request_agent *kept = malloc(sizeof(*kept) + n);
    x->rare.agent = kept;
    if (kept == NULL)
        return;
    *kept = (struct request_agent){.referer_len = f.referer.len, .user_agent_len = f.user_agent.len, .host_len = f.host.len, .trace_len = f.trace.len};
    put(put(put(put(kept->text, f.referer), f.user_agent), f.host), f.trace);
    if (how.believe)
        http_forwarded_client(&how, head, kept->client);
}

void exchange_agent_report(const struct exchange *x, struct report *r)
{
    const struct request_agent *agent = x->rare.agent;
    if (agent == NULL)
        return;
    const char *at = agent->text;
    r->request.referer = span_of(at, agent->referer_len);
    r->request.user_agent = span_of(at += agent->referer_len, agent->user_agent_len);
    r->request.host = span_of(at += agent->user_agent_len, agent->host_len);
    r->request.traceparent = span_of(at += agent->host_len, agent->trace_len);
    if (agent->client[0] != '\0' && strcmp(agent->client, r->client) != 0)
        r->from.forwarded_for = agent->client;
}
