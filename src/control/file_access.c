/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/file_access.h"

#include <stdio.h>

enum {
    OTHERS_READ = 0004,
    OTHERS_WRITE = 0002,
    GROUP_READ = 0040,
    GROUP_WRITE = 0020,
    STICKY = 01000,
};

/* The faults of one file: bits of the mode that should go, and whether its owner should be another. */
struct faults {
    unsigned bits;
    bool owner;
};

static const struct use {
    const char *is;
    enum finding_level others, owner_and_group; /* the level when every user can, when a foreign owner or group can */
    bool owner_counts;
} uses[] = {
    [FILE_USE_KEY] = {"holds a private key", FINDING_ERROR, FINDING_ERROR, true},
    [FILE_USE_SECRET] = {"holds a secret", FINDING_ERROR, FINDING_ERROR, true},
    [FILE_USE_CA] = {"names the CAs to trust", FINDING_ERROR, FINDING_WARNING, true},
    [FILE_USE_CRL] = {"is a revocation list", FINDING_WARNING, FINDING_WARNING, false},
    [FILE_USE_CONFIG] = {"is a configuration file", FINDING_ERROR, FINDING_WARNING, true},
    [FILE_USE_DATABASE] = {"says which certificates are accepted", FINDING_ERROR, FINDING_WARNING, true},
    [FILE_USE_FOLDER] = {"holds files that mtlsd relies on", FINDING_WARNING, FINDING_WARNING, true},
};

/* A group may at most read a key, also our own group: a member that can write could replace it. */
static unsigned key_bits(const struct file_access *a)
{
    unsigned bits = OTHERS_READ;
    if (a->foreign_group)
        bits |= GROUP_READ;
    if (!a->read_only)
        bits |= OTHERS_WRITE | GROUP_WRITE;
    return bits;
}

static bool is_secret(enum file_use use)
{
    return use == FILE_USE_KEY || use == FILE_USE_SECRET;
}

static struct faults find_faults(const struct file_access *a, enum file_use use)
{
    if (is_secret(use))
        return (struct faults){a->mode & key_bits(a), a->foreign_owner};
    if (a->read_only)
        return (struct faults){0};
    unsigned bits = OTHERS_WRITE;
    if (a->foreign_group && uses[use].owner_counts)
        bits |= GROUP_WRITE;
    if (use == FILE_USE_FOLDER && (a->mode & STICKY) != 0)
        bits = 0; /* who did not make a file in there can neither remove nor rename it */
    return (struct faults){a->mode & bits, a->foreign_owner && uses[use].owner_counts};
}

bool file_access_judge(const struct file_access *a, enum file_use use, enum finding_level *level)
{
    struct faults f = find_faults(a, use);
    *level = (f.bits & (OTHERS_READ | OTHERS_WRITE)) != 0 ? uses[use].others : uses[use].owner_and_group;
    return f.bits != 0 || f.owner;
}

/* The widest circle that can do it, and what it can do. */
static void tell_circle(const struct file_access *a, enum file_use use, struct faults f, const struct file_names *names, char *out, size_t out_size)
{
    bool others = (f.bits & (OTHERS_READ | OTHERS_WRITE)) != 0, owner = !others && f.owner;
    bool reads = f.bits & (others ? OTHERS_READ : GROUP_READ), writes = f.bits & (others ? OTHERS_WRITE : GROUP_WRITE);
    if (owner) {
        reads = is_secret(use);
        writes = !a->read_only;
    }
    const char *can = use == FILE_USE_FOLDER ? "replace them" : reads && writes ? "read and change it" : reads ? "read it" : "change it";
    if (others)
        snprintf(out, out_size, "every user can %s", can);
    else
        snprintf(out, out_size, "%s %s can %s", owner ? "its owner" : "members of group", owner ? names->owner : names->group, can);
}

/* The owner's part of a key's mode stays, and the group's where only the group was wrong. */
static unsigned key_mode(const struct file_access *a, struct faults f)
{
    return a->mode & ((f.bits & (OTHERS_READ | OTHERS_WRITE)) != 0 ? 0700U : 0740U) & ~f.bits;
}

/* The commands that mend it. */
static void tell_remedy(const struct file_access *a, enum file_use use, struct faults f, const char *path, const struct file_names *names, char *out,
                        size_t out_size)
{
    char mode[16] = "";
    if (a->read_only) { /* a key: nothing else is wrong there */
        snprintf(out, out_size, "set mode %o and owner %s where this read-only volume is made (in Kubernetes: defaultMode: 0400)",
                 key_mode(a, f), f.owner ? "root" : names->owner);
        return;
    }
    if (f.bits != 0 && is_secret(use))
        snprintf(mode, sizeof(mode), "%o", key_mode(a, f));
    else if (f.bits != 0)
        snprintf(mode, sizeof(mode), "%s%s-w", (f.bits & GROUP_WRITE) != 0 ? "g" : "", (f.bits & OTHERS_WRITE) != 0 ? "o" : "");
    bool may_join = is_secret(use) && !f.owner && f.bits == GROUP_READ;
    snprintf(out, out_size, "run: %s%s%s%s%s%s%s%s%s%s", f.owner ? "chown " : "", f.owner ? names->us : "", f.owner ? " " : "", f.owner ? path : "",
             f.owner && f.bits != 0 ? " && " : "", f.bits != 0 ? "chmod " : "", mode, f.bits != 0 ? " " : "", f.bits != 0 ? path : "",
             may_join ? ", or run mtlsd with that group" : "");
}

void file_access_text(const struct file_access *a, enum file_use use, const char *path, const struct file_names *names, char *out, size_t out_size)
{
    struct faults f = find_faults(a, use);
    char circle[160], remedy[2048];
    tell_circle(a, use, f, names, circle, sizeof(circle));
    tell_remedy(a, use, f, path, names, remedy, sizeof(remedy));
    snprintf(out, out_size, "%s %s and %s (mode %04o, owner %s, group %s); %s", path, uses[use].is, circle, a->mode, names->owner, names->group, remedy);
}
