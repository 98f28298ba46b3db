/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One turn of a worker's connections, the same for sockets and for tests in memory: after what happened was told to a client (client.h) or an
 * uplink (uplink.h), pump drives the links that this touched until none has anything to do, and then ends their turn.
 */
#ifndef MTLSD_PROXY_PUMP_H
#define MTLSD_PROXY_PUMP_H

#include "mtlsd/proxy/proxy_env.h"

/* A link that is queued afterwards waits for the next turn, which is to begin soon (run_waits). Within a call of it, it does nothing: what was touched is driven anyway. Bytes that were given to on_wire may be overwritten afterwards. */
void pump(struct proxy_env *env, struct moment now);
/* As pump, with what links of HTTP/2 hold (run_queue.holds): before the loop sleeps. */
void pump_held(struct proxy_env *env, struct moment now);
/* Sends what this link has ready, at any time. */
void pump_flush(struct proxy_env *env, struct link *l, struct moment now);

#endif
