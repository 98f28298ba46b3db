/* SPDX-License-Identifier: Apache-2.0 */
#include "file_look.h"
#include "mtlsd/io/file.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MAX_ENTRY = 16384 };

static bool is_our_group(gid_t group)
{
    if (group == 0 || group == getegid())
        return true;
    int n = getgroups(0, NULL);
    gid_t *groups = n > 0 ? calloc((size_t)n, sizeof(*groups)) : NULL;
    bool found = false;
    if (groups != NULL)
        n = getgroups(n, groups);
    for (int i = 0; groups != NULL && i < n && !found; i++)
        found = groups[i] == group;
    free(groups);
    return found;
}

void file_look_access(const struct stat *st, struct file_access *out)
{
    *out = (struct file_access){
        .mode = st->st_mode & 07777,
        .owner = st->st_uid,
        .group = st->st_gid,
        .us = geteuid(),
        .foreign_owner = st->st_uid != 0 && st->st_uid != geteuid(),
        .foreign_group = !is_our_group(st->st_gid),
    };
}

static int look(const char *path, struct stat *st, struct file_access *out)
{
    struct statvfs fs;
    if (stat(path, st) != 0)
        return -1;
    file_look_access(st, out);
    out->read_only = statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0;
    return 0;
}

/* The folder that a name stands in, as a path. */
static bool folder_of(const char *path, char out[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (n >= PATH_MAX)
        return false;
    memcpy(out, slash == NULL ? "." : path, slash == NULL ? 1 : n);
    out[slash == NULL ? 1 : n] = '\0';
    return true;
}

static void add_folder(const char *path, ino_t *seen, struct file_place *out)
{
    struct stat st;
    struct file_place_folder *f = &out->folders[out->n_folders];
    if (!folder_of(path, f->path) || look(f->path, &st, &f->access) != 0 || (out->n_folders > 0 && st.st_ino == *seen))
        return;
    *seen = st.st_ino;
    out->n_folders++;
}

int file_look(const char *path, struct file_place *out)
{
    struct stat st;
    char target[PATH_MAX];
    ino_t seen = 0;
    out->n_folders = 0;
    if (look(path, &st, &out->file) != 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
        return -1;
    add_folder(path, &seen, out);
    if (realpath(path, target) != NULL)
        add_folder(target, &seen, out);
    return 0;
}

static void name_user(uid_t number, char *out, size_t out_size)
{
    char room[MAX_ENTRY];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(number, &entry, room, sizeof(room), &found) == 0 && found != NULL)
        snprintf(out, out_size, "%s", found->pw_name);
    else
        snprintf(out, out_size, "%u", (unsigned)number);
}

static void name_group(gid_t number, char *out, size_t out_size)
{
    char room[MAX_ENTRY];
    struct group entry, *found = NULL;
    if (getgrgid_r(number, &entry, room, sizeof(room), &found) == 0 && found != NULL)
        snprintf(out, out_size, "%s", found->gr_name);
    else
        snprintf(out, out_size, "%u", (unsigned)number);
}

void file_look_names(const struct file_access *access, struct file_names *out)
{
    name_user(access->owner, out->owner, sizeof(out->owner));
    name_group(access->group, out->group, sizeof(out->group));
    name_user(access->us, out->us, sizeof(out->us));
}
