/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/caller.h"

#include <stdio.h>
#include <stdlib.h>

struct caller *caller_new(size_t n_gids)
{
    struct caller *c = calloc(1, sizeof(*c) + n_gids * sizeof(c->gids[0]));
    if (c != NULL) {
        c->why = "it was not asked for";
        c->n_gids = n_gids;
    }
    return c;
}

static bool holds(const struct caller_list *list, uint32_t id)
{
    size_t from = 0, to = list->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (list->ids[middle] == id)
            return true;
        if (list->ids[middle] < id)
            from = middle + 1;
        else
            to = middle;
    }
    return false;
}

static bool is_in_group(const struct caller_limit *limit, const struct caller *caller)
{
    if (!caller->groups_known)
        return holds(&limit->members, caller->uid);
    for (size_t i = 0; i < caller->n_gids; i++)
        if (holds(&limit->gids, caller->gids[i]))
            return true;
    return false;
}

bool caller_passes(const struct caller_limit *limit, const struct caller *caller)
{
    if (caller == NULL || !caller->known || caller->uid == CALLER_OVERFLOW_ID)
        return false;
    return holds(&limit->uids, caller->uid) || is_in_group(limit, caller);
}

const char *caller_user_name(const struct caller_names *names, uint32_t uid)
{
    size_t from = 0, to = names->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (names->users[middle].uid == uid)
            return names->users[middle].name;
        if (names->users[middle].uid < uid)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

void caller_describe(const struct caller *caller, const struct caller_names *names, char out[CALLER_TEXT_SIZE])
{
    const char *name = caller_user_name(names, caller->uid), *program = caller->program;
    const char *before = program[0] != '\0' ? ", program " : "";
    if (name != NULL)
        snprintf(out, CALLER_TEXT_SIZE, "user %.32s (uid %u%s%s)", name, (unsigned)caller->uid, before, program);
    else
        snprintf(out, CALLER_TEXT_SIZE, "the user with uid %u%s%s", (unsigned)caller->uid, before, program);
}

void caller_refuse(const struct caller_limit *limit, const struct caller *caller, const struct caller_names *names, struct err *err)
{
    char who[CALLER_TEXT_SIZE], key[12];
    if (caller == NULL || !caller->known) {
        err_set(err, ERR_PROTOCOL, "the user of the calling program is unknown, because %s; allow_uids and allow_gids limit %s \"%.60s\" to known users",
                caller != NULL ? caller->why : "the kernel was not asked", limit->kind, limit->name);
        return;
    }
    const char *name = caller_user_name(names, caller->uid);
    snprintf(key, sizeof(key), "%u", (unsigned)caller->uid);
    caller_describe(caller, names, who);
    err_set(err, ERR_PROTOCOL, "%s may not use %s \"%.60s\": if it should, add \"%.32s\" to allow_uids of the %s", who, limit->kind, limit->name,
            name != NULL ? name : key, limit->kind);
}
