/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/privilege.h"
#include "mtlsd/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_ENTRY = 16384, MAX_GROUPS = 65536, MAX_NUMBER = 10 };

struct privilege {
    char name[64];
    uid_t user;
    gid_t group;
    gid_t *groups; /* all of the user's, with group */
    int n;
};

/* ---- who it is ---- */

static bool is_number(const char *text)
{
    return text[0] != '\0' && strlen(text) < MAX_NUMBER && text[strspn(text, "0123456789")] == '\0';
}

/* A number without an entry is fine as long as the group is given: containers have such users. */
static int find_user(struct privilege *p, const char *user, bool has_group, struct err *err)
{
    char room[MAX_ENTRY];
    struct passwd entry, *found = NULL;
    if (is_number(user))
        getpwuid_r((uid_t)strtoul(user, NULL, 10), &entry, room, sizeof(room), &found);
    else
        getpwnam_r(user, &entry, room, sizeof(room), &found);
    if (found == NULL && is_number(user) && has_group)
        p->user = (uid_t)strtoul(user, NULL, 10);
    else if (found == NULL)
        return err_set(err, ERR_CONFIG, "user \"%.60s\": this system has no such user%s", user, is_number(user) ? ": set group, too" : ": make it, or name another");
    if (found != NULL) {
        p->user = found->pw_uid;
        p->group = found->pw_gid;
    }
    snprintf(p->name, sizeof(p->name), "%s", found != NULL ? found->pw_name : user);
    return 0;
}

static int find_group(struct privilege *p, const char *group, struct err *err)
{
    char room[MAX_ENTRY];
    struct group entry, *found = NULL;
    if (is_number(group)) {
        p->group = (gid_t)strtoul(group, NULL, 10);
        return 0;
    }
    if (getgrnam_r(group, &entry, room, sizeof(room), &found) != 0 || found == NULL)
        return err_set(err, ERR_CONFIG, "group \"%.60s\": this system has no such group: make it, or name another", group);
    p->group = found->gr_gid;
    return 0;
}

static int find_groups(struct privilege *p, struct err *err)
{
    int n = 64;
    for (;;) {
        gid_t *more = realloc(p->groups, (size_t)n * sizeof(*more));
        if (more == NULL || n > MAX_GROUPS)
            return err_set(err, ERR_MEMORY, "out of memory");
        p->groups = more;
        p->n = n;
        if (getgrouplist(p->name, p->group, p->groups, &p->n) >= 0)
            return 0;
        n *= 2;
    }
}

static int find(struct privilege *p, const char *user, const char *group, struct err *err)
{
    if (find_user(p, user, group != NULL, err) != 0 || (group != NULL && find_group(p, group, err) != 0))
        return -1;
    if (p->user == 0)
        return err_set(err, ERR_CONFIG, "user \"%.60s\" keeps every right: name another user, or leave user out", user);
    if (geteuid() != 0 && geteuid() != p->user)
        return err_set(err, ERR_CONFIG, "user \"%.60s\": only root can become another user: start mtlsd as root or as that user", user);
    return find_groups(p, err);
}

int privilege_find(const char *user, const char *group, struct privilege **out, struct err *err)
{
    *out = NULL;
    if (user == NULL)
        return 0;
    struct privilege *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (find(p, user, group, err) != 0) {
        privilege_free(p);
        return -1;
    }
    if (geteuid() == 0)
        *out = p;
    else
        privilege_free(p);
    return 0;
}

void privilege_free(struct privilege *p)
{
    if (p == NULL)
        return;
    free(p->groups);
    free(p);
}

/* ---- becoming it ---- */

static bool holds_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &header, data) != 0)
        return true;
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        if (data[i].effective != 0 || data[i].permitted != 0)
            return true;
    return false;
}

/* The kernel is asked, not believed: each of these must fail or tell the new numbers. */
static bool has_way_back(const struct privilege *p)
{
    uid_t u[3];
    gid_t g[3];
    if (getresuid(&u[0], &u[1], &u[2]) != 0 || getresgid(&g[0], &g[1], &g[2]) != 0)
        return true;
    for (int i = 0; i < 3; i++)
        if (u[i] != p->user || g[i] != p->group)
            return true;
    return setresuid(0, 0, 0) == 0 || (p->group != 0 && setresgid(0, 0, 0) == 0) || holds_capabilities();
}

/* Groups first: the user may not change them. */
int privilege_drop(const struct privilege *p, struct err *err)
{
    if (setgroups((size_t)p->n, p->groups) != 0 || setresgid(p->group, p->group, p->group) != 0 || setresuid(p->user, p->user, p->user) != 0)
        return err_set(err, ERR_IO, "cannot become user %s: %s", p->name, strerror(errno));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_set(err, ERR_IO, "cannot give up rights for good: %s", strerror(errno));
    return has_way_back(p) ? err_set(err, ERR_IO, "cannot give up rights: user %s could still become root", p->name) : 0;
}

static bool can(const struct privilege *p, const char *path, int what)
{
    int n = getgroups(0, NULL);
    gid_t *ours = calloc((size_t)(n > 0 ? n : 1), sizeof(*ours)), group = getegid();
    if (ours == NULL || (n = getgroups(n, ours)) < 0) {
        free(ours);
        return false;
    }
    bool changed = setgroups((size_t)p->n, p->groups) == 0 && setegid(p->group) == 0 && seteuid(p->user) == 0;
    bool can = changed && faccessat(AT_FDCWD, path, what, AT_EACCESS) == 0;
    if (seteuid(0) != 0 || setegid(group) != 0 || setgroups((size_t)n, ours) != 0)
        abort(); /* neither root nor the user: nothing that follows could be trusted */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* each change of the user resets it */
    free(ours);
    return can;
}

bool privilege_can_read(const struct privilege *p, const char *path)
{
    return can(p, path, R_OK);
}

bool privilege_can_write(const struct privilege *p, const char *folder)
{
    return can(p, folder, W_OK | X_OK);
}

void privilege_give(const struct privilege *p, const char *path)
{
    if (fchownat(AT_FDCWD, path, p->user, p->group, AT_SYMLINK_NOFOLLOW) != 0)
        return; /* who cannot remove it leaves it behind, and the next start replaces it */
}

/* ---- files, as it sees them ---- */

static bool is_group_of(const struct privilege *p, gid_t group)
{
    for (int i = 0; i < p->n; i++)
        if (p->groups[i] == group)
            return true;
    return group == 0 || group == p->group;
}

static void see(const struct privilege *p, struct file_access *a)
{
    a->us = p->user;
    a->foreign_owner = a->owner != 0 && a->owner != p->user;
    a->foreign_group = !is_group_of(p, a->group);
}

static int read_as(void *ctx, const char *path, struct bytes *out, struct file_facts *facts, struct err *err)
{
    const struct file_source *disk = file_source_disk(); /* which knows variables of the environment, too */
    int rc = disk->read(disk->ctx, path, out, facts, err);
    if (rc == 0 && facts != NULL)
        see(ctx, &facts->access);
    return rc;
}

static int look_as(void *ctx, const char *path, struct file_place *out)
{
    int rc = file_look(path, out);
    if (rc != 0)
        return rc;
    see(ctx, &out->file);
    for (size_t i = 0; i < out->n_folders; i++)
        see(ctx, &out->folders[i].access);
    return 0;
}

void privilege_look_as(const struct privilege *p, struct file_source *s)
{
    if (p == NULL)
        return;
    s->ctx = (void *)(uintptr_t)p;
    s->read = read_as;
    s->look = look_as;
}
