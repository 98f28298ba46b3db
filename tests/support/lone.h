/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's surroundings in memory for one target: what its uplinks send is gathered, and what they are told comes from the test. */
#ifndef MTLSD_TEST_LONE_H
#define MTLSD_TEST_LONE_H

#include "mtlsd/proxy/pool.h"
#include "mtlsd/proxy/pump.h"

struct lone {
    struct proxy_env env;
    struct moment now;
    struct uplink *asked; /* the last that asked to be connected, while it lives */
    struct bytes sent;
    bool sends; /* the test's own code runs, not the proxy's */
};

/* The target is number 0 of its kind. */
void lone_open(struct lone *l, const struct plan_target *target, struct moment now);
void lone_close(struct lone *l);
/* A turn; what is retired is freed. */
void lone_turn(struct lone *l);
/* Gives up to size - 1 bytes of what was sent since the last call, as text, and how many there were. */
size_t lone_sent(struct lone *l, char *out, size_t size);
/* The events of the socket of the uplink that was asked for, each with its turn; nothing when that is gone. */
void lone_connected(struct lone *l);
void lone_give(struct lone *l, struct span wire);
void lone_end(struct lone *l);
void lone_break(struct lone *l, const char *text);

#endif
