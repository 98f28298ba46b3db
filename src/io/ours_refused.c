/* SPDX-License-Identifier: Apache-2.0 */
#include "ours_refused.h"

#include "mtlsd/tls/tls_identity.h"

#include <stdio.h>

void ours_refused_init(struct ours_refused *o, uv_async_t *wake)
{
    *o = (struct ours_refused){.wake = wake};
    atomic_init(&o->watched, false);
    uv_mutex_init(&o->lock);
}

void ours_refused_clear(struct ours_refused *o)
{
    tls_identity_unref(o->ours);
    o->ours = NULL;
    uv_mutex_destroy(&o->lock);
}

void ours_refused_note(struct ours_refused *o, const struct uplink *u, bool hint)
{
    struct tls_facts facts;
    if (!o->watched || u->link.tls == NULL)
        return;
    tls_engine_facts(u->link.tls, &facts);
    uv_mutex_lock(&o->lock);
    bool free_place = facts.ours != NULL && o->ours == NULL;
    if (free_place) {
        o->ours = tls_identity_ref((struct tls_identity *)(uintptr_t)facts.ours); /* only its count changes */
        o->hint = hint;
        snprintf(o->upstream, sizeof(o->upstream), "%s", u->target->upstream->conf->name);
        snprintf(o->target, sizeof(o->target), "%s", u->target->conf->text);
        snprintf(o->text, sizeof(o->text), "%s", facts.text);
    }
    uv_mutex_unlock(&o->lock);
    if (free_place)
        uv_async_send(o->wake);
}

bool ours_refused_take(struct ours_refused *o, struct fallback_refusal *out)
{
    uv_mutex_lock(&o->lock);
    *out = (struct fallback_refusal){o->ours, o->upstream, o->target, o->text, o->hint};
    uv_mutex_unlock(&o->lock);
    return out->ours != NULL; /* no worker writes while it is there */
}

void ours_refused_done(struct ours_refused *o)
{
    uv_mutex_lock(&o->lock);
    tls_identity_unref(o->ours);
    o->ours = NULL;
    uv_mutex_unlock(&o->lock);
}
