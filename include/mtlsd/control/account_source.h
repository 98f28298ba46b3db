/* SPDX-License-Identifier: Apache-2.0 */
/* The users and groups of this system, as a configuration needs them when it is loaded; io/accounts.c asks for the real ones. */
#ifndef MTLSD_CONTROL_ACCOUNT_SOURCE_H
#define MTLSD_CONTROL_ACCOUNT_SOURCE_H

#include "mtlsd/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct account { char name[33]; uint32_t uid, gid; };

struct account_ids { uint32_t *ids; size_t n; }; /* owned */

struct account_source {
    void *ctx;
    MUST_CHECK int (*user)(void *ctx, const char *name, uint32_t *uid, struct err *err);
    /* By name or number; members are the users that the group lists. A number without an entry has none. */
    MUST_CHECK int (*group)(void *ctx, const char *name, uint32_t *gid, struct account_ids *members, struct err *err);
    /* All users that can be listed, in one allocation; NULL: none, or out of memory. */
    struct account *(*list)(void *ctx, size_t *n);
};

#endif
