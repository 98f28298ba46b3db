/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock, by raw system calls: the C library has none for it. A rule belongs to a folder, not to its name: what is put into the folder later counts,
 * and a folder that takes the place of another does not. So the rules are for the folders that a path leads through by symbolic links as well, in which
 * a link may be made to lead elsewhere.
 */
#include "mtlsd/io/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Numbers of the kernel that an older linux/landlock.h does not name. */
#define RIGHT_REFER (UINT64_C(1) << 13)
#define RIGHT_TRUNCATE (UINT64_C(1) << 14)
#define RIGHT_IOCTL_DEV (UINT64_C(1) << 15)

#define RIGHTS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE | RIGHT_IOCTL_DEV)
#define RIGHTS_KEEP (RIGHTS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE | RIGHT_TRUNCATE)
#define RIGHTS_SOCKET (RIGHTS_READ | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE)

enum { MOST_LINKS = 40 };

struct rules {
    int fd;
    uint64_t handled; /* the rights that this kernel knows */
};

static bool in_force;

const char *sandbox_hint(int error)
{
    return in_force && error == EACCES
               ? " (or the sandbox does not allow it: mtlsd opens files only in the folders that its configuration named at the start; SIGUSR2 or a restart gives it others)"
               : "";
}

bool sandbox_hides(const char *path)
{
    if (!in_force || access(path, R_OK) != 0) /* which Landlock does not refuse */
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd < 0 && errno == EACCES;
}

static uint64_t rights_of(int version)
{
    uint64_t rights = RIGHT_REFER - 1; /* the thirteen of the first version */
    if (version >= 2)
        rights |= RIGHT_REFER;
    if (version >= 3)
        rights |= RIGHT_TRUNCATE;
    if (version >= 5)
        rights |= RIGHT_IOCTL_DEV;
    return rights;
}

/* A path that does not exist cannot be opened later either: no error. */
static void allow(const struct rules *r, const char *path, uint64_t rights)
{
    struct stat st;
    struct landlock_path_beneath_attr rule = {.parent_fd = open(path, O_PATH | O_CLOEXEC)};
    if (rule.parent_fd < 0)
        return;
    if (fstat(rule.parent_fd, &st) == 0) {
        rule.allowed_access = rights & r->handled & (S_ISDIR(st.st_mode) ? ~UINT64_C(0) : RIGHTS_FILE);
        syscall(SYS_landlock_add_rule, r->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
    close(rule.parent_fd);
}

static size_t depth(const char *folder)
{
    size_t n = 0;
    for (const char *c = folder; *c != '\0'; c++)
        n += *c == '/' && c[1] != '\0';
    return n;
}

/* The folder that a name is in. */
static void folder_of(const char *path, char folder[PATH_MAX])
{
    snprintf(folder, PATH_MAX, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        snprintf(folder, PATH_MAX, ".");
    else
        slash[slash == folder ? 1 : 0] = '\0';
}

/* One step: the first symbolic link in path, copied to link, is replaced by what it leads to. False: there is none. */
static bool follow_link(char path[PATH_MAX], char link[PATH_MAX])
{
    char target[PATH_MAX], folder[PATH_MAX], rest[PATH_MAX];
    for (size_t i = 1; path[0] != '\0'; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(link, path, i);
        link[i] = '\0';
        ssize_t n = readlink(link, target, sizeof(target) - 1);
        if (n > 0) {
            target[n] = '\0';
            folder_of(link, folder);
            snprintf(rest, sizeof(rest), "%s", path + i);
            int len = target[0] == '/' ? snprintf(path, PATH_MAX, "%s%s", target, rest) : snprintf(path, PATH_MAX, "%s/%s%s", folder, target, rest);
            return len > 0 && len < PATH_MAX;
        }
        if (path[i] == '\0')
            return false;
    }
    return false;
}

/* The root has too much beside what is meant: there, the file alone. */
static void allow_folder(const struct rules *r, const char *folder, const char *file, uint64_t rights)
{
    allow(r, strcmp(folder, "/") == 0 ? file : folder, rights);
}

static void allow_file(const struct rules *r, const char *path, uint64_t rights)
{
    char at[PATH_MAX], link[PATH_MAX], folder[PATH_MAX];
    struct stat st;
    snprintf(at, sizeof(at), "%s", path);
    folder_of(at, folder);
    if (stat(path, &st) == 0 && (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode))) { /* a log to /dev/stdout is no reason to make files in /dev */
        allow(r, path, rights);
        return;
    }
    allow_folder(r, folder, path, rights);
    for (int i = 0; i < MOST_LINKS && follow_link(at, link); i++) {
        folder_of(link, folder);
        if (depth(folder) > 1) /* not /etc, /var, /run: links of the system lead through them */
            allow(r, folder, RIGHTS_READ);
        folder_of(at, folder);
        allow_folder(r, folder, at, rights);
    }
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        allow(r, path, rights);
}

static void allow_around(const struct rules *r, const char *path)
{
    char folder[PATH_MAX], above[PATH_MAX];
    allow_file(r, path, RIGHTS_READ);
    folder_of(path, folder);
    folder_of(folder, above);
    if (depth(above) > 1)
        allow(r, above, RIGHTS_READ);
}

static void allow_place(const struct rules *r, const struct sandbox_place *place)
{
    if (place->use == SANDBOX_SYSTEM)
        allow(r, place->path, strcmp(place->path, "/dev/null") == 0 ? RIGHTS_FILE : RIGHTS_READ);
    else if (place->use == SANDBOX_FOLDER)
        allow(r, place->path, RIGHTS_KEEP);
    else if (place->use == SANDBOX_AROUND)
        allow_around(r, place->path);
    else
        allow_file(r, place->path, place->use == SANDBOX_KEEP ? RIGHTS_KEEP : place->use == SANDBOX_SOCKET ? RIGHTS_SOCKET : RIGHTS_READ);
}

static int restrict_self(const struct rules *r)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return syscall(SYS_landlock_restrict_self, r->fd, 0) == 0 ? 0 : -1;
}

void sandbox_files(const struct sandbox_plan *plan, struct sandbox_facts *facts)
{
    int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        snprintf(facts->why, sizeof(facts->why), "files: the kernel has no Landlock (%s)", strerror(errno));
        return;
    }
    struct rules rules = {.handled = rights_of(version)};
    /* the first version's structure: later members restrict what is not restricted here */
    rules.fd = (int)syscall(SYS_landlock_create_ruleset, &rules.handled, sizeof(rules.handled), 0);
    for (size_t i = 0; rules.fd >= 0 && i < plan->n; i++)
        allow_place(&rules, &plan->places[i]);
    if (rules.fd >= 0 && restrict_self(&rules) == 0) {
        facts->files = version;
        in_force = true;
    } else {
        snprintf(facts->why, sizeof(facts->why), "files: Landlock refuses (%s)", strerror(errno));
    }
    if (rules.fd >= 0)
        close(rules.fd);
}
