/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program of this host at the other end of a connection, and which programs may use a listener or an identity. The kernel says who it is
 * (io/caller_ask.c); a caller that it cannot tell passes no limit.
 *
 * A limit holds for a caller whose user is listed, or one of whose groups is. Of a unix socket these are the groups of the process when it connected. Of
 * a TCP connection the kernel tells the user alone: then a group means the users that the user database had in it when the configuration was loaded.
 */
#ifndef MTLSD_POLICY_CALLER_H
#define MTLSD_POLICY_CALLER_H

#include "mtlsd/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CALLER_OVERFLOW_ID = 65534, /* what the kernel says for every user and group of another user namespace that has no number here */
    CALLER_PROGRAM_SIZE = 16,
    CALLER_TEXT_SIZE = 96,
};

struct caller {
    bool known;        /* false: nothing else counts but why */
    bool groups_known; /* gids are those of the process */
    const char *why;   /* static: what keeps it unknown */
    uint32_t uid;
    char program[CALLER_PROGRAM_SIZE]; /* for people alone: a program can call itself anything; "": unknown */
    size_t n_gids;
    uint32_t gids[];
};

/* One with room for so many groups, not known yet. NULL: out of memory. Freed by free. */
struct caller *caller_new(size_t n_gids);

struct caller_list { /* numbers in ascending order */
    const uint32_t *ids;
    size_t n;
};

struct caller_limit { /* allow_uids and allow_gids of one listener or identity; borrowed */
    const char *kind, *name;    /* "listener" or "identity", and its name */
    struct caller_list uids, gids;
    struct caller_list members; /* users of the groups, by the user database */
};

struct caller_user { uint32_t uid; const char *name; };

struct caller_names { /* of the users of this system, by ascending number */
    const struct caller_user *users;
    size_t n;
};

struct caller_limits { /* of the callers of a listener; borrowed */
    const struct caller_limit *here; /* the listener's own; NULL: none */
    const struct caller_limit *const *const *by_route; /* of each route, those of its upstream's identities, up to a NULL; NULL instead of a list: none */
    struct caller_names names;
};

bool caller_passes(const struct caller_limit *limit, const struct caller *caller);
/* A sentence for one that does not pass: who it is, and which key would let it pass. caller may be NULL. */
void caller_refuse(const struct caller_limit *limit, const struct caller *caller, const struct caller_names *names, struct err *err);

/* "alice"; NULL: the number has no name. */
const char *caller_user_name(const struct caller_names *names, uint32_t uid);
/* "user alice (uid 1000, program curl)" */
void caller_describe(const struct caller *caller, const struct caller_names *names, char out[CALLER_TEXT_SIZE]);

#endif
