/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/uplink.h"

bool uplink_may_share(const struct uplink *u)
{
    return u->is.may_http2 && !u->is.closing && u->phase != UPLINK_RETIRED;
}

bool uplink_has_room(const struct uplink *u)
{
    enum { WAITING_MOST = 100 }; /* as many streams as a server usually takes */
    if (!uplink_may_share(u) || u->link.broken)
        return false;
    return u->phase == UPLINK_OPEN ? u->link.h2 != NULL && http2_has_room(u->link.h2) : u->n_users < WAITING_MOST;
}
