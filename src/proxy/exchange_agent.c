/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 1024 }; /* of each */

/* The head's memory is not there any more when the request ends. */
struct request_agent {
    size_t referer_len, user_agent_len;
    char text[];
};

static struct span cut(struct span value)
{
    return span_of(value.ptr, value.len < KEPT_MAX ? value.len : KEPT_MAX);
}

/* Without memory the report goes without: it is not worth a refusal. */
void exchange_agent_keep(struct exchange *x, const struct http_head *head)
{
    if (!x->client->env->observer.wants_agents)
        return;
    struct span referer = cut(http_head_find(head, "referer")), agent = cut(http_head_find(head, "user-agent"));
    x->rare.agent = malloc(sizeof(*x->rare.agent) + referer.len + agent.len);
    if (x->rare.agent == NULL)
        return;
    x->rare.agent->referer_len = referer.len;
    x->rare.agent->user_agent_len = agent.len;
    if (referer.len > 0)
        memcpy(x->rare.agent->text, referer.ptr, referer.len);
    if (agent.len > 0)
        memcpy(x->rare.agent->text + referer.len, agent.ptr, agent.len);
}

void exchange_agent_report(const struct exchange *x, struct report *r)
{
    const struct request_agent *agent = x->rare.agent;
    if (agent == NULL)
        return;
    r->request.referer = span_of(agent->text, agent->referer_len);
    r->request.user_agent = span_of(agent->text + agent->referer_len, agent->user_agent_len);
}
