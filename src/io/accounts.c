/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/accounts.h"
#include "mtlsd/io/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRY_MAX = 1024 * 1024, ENTRY_FIRST = 16 * 1024, USERS_MAX = 65536, NUMBER_MAX = 10 };

static bool is_number(const char *text)
{
    return text[0] != '\0' && strlen(text) <= NUMBER_MAX && text[strspn(text, "0123456789")] == '\0';
}

static int find_user(void *ctx, const char *name, uint32_t *uid, struct err *err)
{
    char room[ENTRY_FIRST];
    struct passwd entry, *found = NULL;
    (void)ctx;
    if (is_number(name)) {
        *uid = (uint32_t)strtoul(name, NULL, 10);
        return 0;
    }
    int error = getpwnam_r(name, &entry, room, sizeof(room), &found);
    if (found != NULL)
        *uid = found->pw_uid;
    if (found == NULL && error != 0)
        return err_set(err, ERR_CONFIG, "user \"%.60s\" cannot be looked up: %s%s", name, strerror(error), sandbox_hint(error));
    return found != NULL ? 0 : err_set(err, ERR_CONFIG, "this system has no user \"%.60s\": make it, or write another name or its number", name);
}

/* A group of ten thousand members needs more room. NULL: there is none, with *error. */
static struct group *look_up_group(const char *name, struct group *entry, char **room, int *error)
{
    struct group *found = NULL;
    for (size_t size = ENTRY_FIRST; size <= ENTRY_MAX; size *= 4) {
        free(*room);
        *room = malloc(size);
        if (*room == NULL) {
            *error = ENOMEM;
            return NULL;
        }
        *error = is_number(name) ? getgrgid_r((gid_t)strtoul(name, NULL, 10), entry, *room, size, &found) : getgrnam_r(name, entry, *room, size, &found);
        if (*error != ERANGE)
            break;
    }
    return found;
}

/* A member without an entry of its own cannot call. */
static int read_members(char *const *names, struct account_ids *out)
{
    size_t n = 0;
    while (names[n] != NULL)
        n++;
    out->ids = calloc(n + 1, sizeof(*out->ids));
    if (out->ids == NULL)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (find_user(NULL, names[i], &out->ids[out->n], NULL) == 0)
            out->n++;
    return 0;
}

static int find_group(void *ctx, const char *name, uint32_t *gid, struct account_ids *members, struct err *err)
{
    struct group entry;
    char *room = NULL;
    int error = 0, rc = 0;
    (void)ctx;
    *members = (struct account_ids){0};
    const struct group *found = look_up_group(name, &entry, &room, &error);
    if (found != NULL) {
        *gid = found->gr_gid;
        rc = read_members(found->gr_mem, members);
        if (rc != 0)
            (void)err_set(err, ERR_MEMORY, "out of memory");
    } else if (is_number(name)) {
        *gid = (uint32_t)strtoul(name, NULL, 10);
    } else if (error != 0) {
        rc = err_set(err, ERR_CONFIG, "group \"%.60s\" cannot be looked up: %s%s", name, strerror(error), sandbox_hint(error));
    } else {
        rc = err_set(err, ERR_CONFIG, "this system has no group \"%.60s\": make it, or write another name or its number", name);
    }
    free(room);
    return rc;
}

/* On the thread that loads: nothing else in the process walks through the users. */
static struct account *list_users(void *ctx, size_t *n)
{
    struct account *users = NULL;
    size_t room = 0;
    const struct passwd *entry;
    (void)ctx;
    *n = 0;
    setpwent();
    while (*n < USERS_MAX && (entry = getpwent()) != NULL) {
        if (*n == room) {
            struct account *more = realloc(users, (room = room * 2 + 64) * sizeof(*more));
            if (more == NULL)
                break;
            users = more;
        }
        struct account *a = &users[(*n)++];
        snprintf(a->name, sizeof(a->name), "%s", entry->pw_name);
        a->uid = entry->pw_uid;
        a->gid = entry->pw_gid;
    }
    endpwent();
    return users;
}

const struct account_source accounts_of_system = {.user = find_user, .group = find_group, .list = list_users};
