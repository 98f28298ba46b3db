/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/key_pair.h"

#include "mtlsd/io/file.h"
#include "mtlsd/io/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_MODE = 0600, TEXT_MAX = 2 << 20 };

static const char suffix[] = ".renewed";

static int waiting_name(const char *path, char *out, size_t size)
{
    int n = snprintf(out, size, "%s%s", path, suffix);
    return n > 0 && (size_t)n < size ? 0 : -1;
}

static int failed(struct err *err, const char *path, const char *what)
{
    int error = errno;
    return err_set(err, ERR_IO, "%s: %s: %s%s", path, what, strerror(error), sandbox_hint(error));
}

/* A link leads to a file of another program, which would keep the old one. */
static int look(const char *path, unsigned *mode, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return failed(err, path, "cannot read its status");
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_IO, "%s: is %s, which a renewal does not replace: name the file itself", path, S_ISLNK(st.st_mode) ? "a symbolic link" : "no regular file");
    *mode = st.st_mode & 0777;
    return 0;
}

void key_pair_folder(const char *path, char *out, size_t size)
{
    snprintf(out, size, "%s", path);
    char *slash = strrchr(out, '/');
    if (slash != NULL)
        slash[slash == out ? 1 : 0] = '\0';
    else
        snprintf(out, size, ".");
}

static int check_one(const char *path, struct err *err)
{
    char folder[PATH_MAX];
    unsigned mode;
    key_pair_folder(path, folder, sizeof(folder));
    return look(path, &mode, err) == 0 ? file_check_folder(folder, err) : -1;
}

int key_pair_check(const char *key_path, const char *certificate_path, struct err *err)
{
    return check_one(key_path, err) == 0 && (certificate_path == NULL || check_one(certificate_path, err) == 0) ? 0 : -1;
}

/* The new name is on the disk when this has returned. */
static void keep_folder(const char *path)
{
    char folder[PATH_MAX];
    key_pair_folder(path, folder, sizeof(folder));
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

static int put_in_place(const char *path, struct err *err)
{
    char waiting[PATH_MAX];
    if (waiting_name(path, waiting, sizeof(waiting)) != 0)
        return err_set(err, ERR_IO, "%s: the name is too long", path);
    if (rename(waiting, path) != 0)
        return failed(err, path, "cannot replace it");
    keep_folder(path);
    return 0;
}

static int write_waiting(const char *path, struct span text, unsigned mode, struct err *err)
{
    char waiting[PATH_MAX];
    if (waiting_name(path, waiting, sizeof(waiting)) != 0)
        return err_set(err, ERR_IO, "%s: the name is too long", path);
    int rc = file_write(waiting, text, mode, true, err);
    if (rc == 0)
        keep_folder(waiting);
    return rc;
}

static void remove_waiting(const char *path)
{
    char waiting[PATH_MAX];
    if (waiting_name(path, waiting, sizeof(waiting)) == 0)
        file_remove(waiting);
}

/* The certificate's goes first: alone it would mean that the key is in its place. */
static int write_two(const struct key_pair *p, unsigned mode, struct err *err)
{
    int rc = write_waiting(p->key_path, p->key, KEY_MODE, err);
    if (rc == 0)
        rc = write_waiting(p->certificate_path, p->certificate, mode, err);
    if (rc == 0)
        rc = put_in_place(p->key_path, err);
    if (rc == 0)
        return put_in_place(p->certificate_path, err);
    remove_waiting(p->certificate_path);
    remove_waiting(p->key_path);
    return rc;
}

static int write_one(const struct key_pair *p, struct err *err)
{
    struct bytes text;
    bytes_init(&text, TEXT_MAX);
    bytes_append_span(&text, p->certificate);
    int rc = bytes_append_span(&text, p->key) == 0 ? file_write(p->key_path, bytes_span(&text), KEY_MODE, true, err) : err_set(err, ERR_MEMORY, "out of memory");
    bytes_wipe(&text);
    if (rc == 0)
        keep_folder(p->key_path);
    return rc;
}

static int write_pair(const struct key_pair *p, struct err *err)
{
    unsigned mode;
    if (look(p->key_path, &mode, err) != 0)
        return -1;
    if (p->certificate_path == NULL)
        return write_one(p, err);
    return look(p->certificate_path, &mode, err) == 0 ? write_two(p, mode, err) : -1;
}

static bool is_unfinished(const char *key_path, const char *certificate_path, char *waiting, size_t size)
{
    char key[PATH_MAX];
    return waiting_name(certificate_path, waiting, size) == 0 && file_exists(waiting) && waiting_name(key_path, key, sizeof(key)) == 0 && !file_exists(key);
}

static int finish(const char *certificate_path, struct err *err)
{
    return put_in_place(certificate_path, err);
}

const struct key_pair_files key_pair_files_disk = {write_pair, is_unfinished, finish};
