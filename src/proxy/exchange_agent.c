/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 1024 }; /* of each */

/* The head's memory is not there any more when the request ends. */
struct request_agent {
    size_t referer_len, user_agent_len;
    char client[HTTP_FORWARDED_TEXT]; /* behind a trusted proxy; empty: there is none */
    char text[];
};

static struct span cut(struct span value)
{
    return span_of(value.ptr, value.len < KEPT_MAX ? value.len : KEPT_MAX);
}

static void put(char *to, struct span text)
{
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
}

/* Without memory the report goes without: it is not worth a refusal. */
void exchange_agent_keep(struct exchange *x, const struct http_head *head)
{
    const struct config_ranges *proxies = &x->listener->conf->trusted_proxies;
    bool wanted = x->client->env->observer.wants_agents;
    if (!wanted && proxies->n == 0 && !proxies->sockets)
        return;
    struct http_forwarded how = exchange_forwarded(x);
    if (!wanted && !how.believe)
        return;
    struct span referer = {NULL, 0}, agent = {NULL, 0};
    if (wanted) {
        referer = cut(http_head_find(head, "referer"));
        agent = cut(http_head_find(head, "user-agent"));
    }
    struct request_agent *kept = malloc(sizeof(*kept) + referer.len + agent.len);
    x->rare.agent = kept;
    if (kept == NULL)
        return;
    *kept = (struct request_agent){.referer_len = referer.len, .user_agent_len = agent.len};
    put(kept->text, referer);
    put(kept->text + referer.len, agent);
    if (how.believe)
        http_forwarded_client(&how, head, kept->client);
}

void exchange_agent_report(const struct exchange *x, struct report *r)
{
    const struct request_agent *agent = x->rare.agent;
    if (agent == NULL)
        return;
    r->request.referer = span_of(agent->text, agent->referer_len);
    r->request.user_agent = span_of(agent->text + agent->referer_len, agent->user_agent_len);
    if (agent->client[0] != '\0' && strcmp(agent->client, r->client) != 0)
        r->forwarded_for = agent->client;
}
