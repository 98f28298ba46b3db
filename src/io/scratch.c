/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPEN_FOLDERS = 8 };

int scratch_make(const char *prefix, char *path, size_t size, struct err *err)
{
    const char *base = getenv("TMPDIR");
    if (base == NULL || base[0] == '\0')
        base = "/tmp";
    int n = snprintf(path, size, "%s/%sXXXXXX", base, prefix);
    if (n < 0 || (size_t)n >= size)
        return err_set(err, ERR_IO, "%s: the name of the temporary folder is too long (TMPDIR chooses it)", base);
    if (mkdtemp(path) == NULL)
        return err_set(err, ERR_IO, "%s: cannot make a temporary folder: %s (TMPDIR chooses it)", base, strerror(errno));
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

int scratch_remove(const char *path, struct err *err)
{
    if (nftw(path, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) == 0)
        return 0;
    return err_set(err, ERR_IO, "%s: cannot remove: %s", path, strerror(errno));
}

int scratch_log(const char *path, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    return fd >= 0 ? fd : err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
}
