/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink_internal.h"

#include "mtlsd/proxy/lifetime.h"
#include "mtlsd/proxy/pool.h"

uint64_t uplink_live(struct uplink *u, const struct lifetime *l, struct moment now)
{
    if (now.us < l->soft_us)
        return l->soft_us;
    if (u->phase == UPLINK_RETIRED || u->link.broken)
        return UINT64_MAX;
    u->is.closing = true;
    pool_unshare(u->env->pool, u);
    if (now.us < l->hard_us)
        return l->hard_us;
    run_touch(&u->link);
    uplink_fail(u, l->reason, lifetime_text(l), NULL, now);
    pool_retire(u->env->pool, u);
    return UINT64_MAX;
}
