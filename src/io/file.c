/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/file.h"
#include "file_look.h"
#include "mtlsd/io/sandbox.h"

#include "mtlsd/io/accounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PIPE_PATIENCE_MS = 10000 };

static int failed(struct err *err, const char *path, const char *what)
{
    int error = errno;
    return err_set(err, ERR_IO, "%s: %s: %s%s", path, what, strerror(error), sandbox_hint(error));
}

static void note_facts(int fd, const struct stat *st, struct file_facts *facts)
{
    struct statvfs fs;
    facts->is_folder = S_ISDIR(st->st_mode);
    file_look_access(st, &facts->access);
    facts->access.read_only = fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0;
}

/* A silent pipe would block its reader for good. */
static int wait_for_writer(int fd, const char *path, struct err *err)
{
    struct pollfd pipe = {.fd = fd, .events = POLLIN};
    int n = poll(&pipe, 1, PIPE_PATIENCE_MS);
    if (n == 0)
        return err_set(err, ERR_IO, "%s: is a pipe without data for %d s", path, PIPE_PATIENCE_MS / 1000);
    return n > 0 || errno == EINTR ? 0 : failed(err, path, "cannot wait for it");
}

/* As bytes_reserve, but what grows leaves no key behind in the smaller buffer. */
static uint8_t *room_for(struct bytes *out, size_t step)
{
    if (out->len + step <= out->cap || out->len == 0)
        return bytes_reserve(out, step);
    struct bytes larger;
    bytes_init(&larger, out->max);
    if (bytes_reserve(&larger, out->len + step) == NULL || bytes_append_span(&larger, bytes_span(out)) != 0) {
        bytes_clear(&larger);
        return NULL;
    }
    bytes_wipe(out);
    *out = larger;
    return bytes_reserve(out, step);
}

/* One buffer of the file's size and one byte (to see the end) is taken at once; only pipes need to grow. */
static int read_all(int fd, size_t expected, struct bytes *out, const char *path, struct err *err)
{
    for (;;) {
        size_t step = out->len <= expected ? expected + 1 - out->len : 4096;
        if (step > out->max - out->len)
            return err_set(err, ERR_IO, "%s: larger than %zu MiB", path, FILE_MAX_BYTES >> 20);
        uint8_t *room = room_for(out, step);
        if (room == NULL)
            return err_set(err, ERR_MEMORY, "%s: out of memory", path);
        ssize_t n = read(fd, room, step);
        if (n == 0)
            return 0;
        if (n > 0)
            bytes_commit(out, (size_t)n);
        else if (errno != EINTR && errno != EAGAIN)
            return failed(err, path, "cannot read");
        else if (errno == EAGAIN && wait_for_writer(fd, path, err) != 0)
            return -1;
    }
}

static int read_open(int fd, const char *path, struct bytes *out, struct file_facts *facts, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return failed(err, path, "cannot read its status");
    if (facts != NULL)
        note_facts(fd, &st, facts);
    if (S_ISDIR(st.st_mode))
        return facts != NULL ? 0 : err_set(err, ERR_IO, "%s: is a folder, a file is needed", path);
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
        return err_set(err, ERR_IO, "%s: is not a regular file", path);
    if (st.st_size > (off_t)FILE_MAX_BYTES)
        return err_set(err, ERR_IO, "%s: larger than %zu MiB", path, FILE_MAX_BYTES >> 20);
    return read_all(fd, S_ISREG(st.st_mode) ? (size_t)st.st_size : 0, out, path, err);
}

int file_read(const char *path, struct bytes *out, struct file_facts *facts, struct err *err)
{
    bytes_init(out, FILE_MAX_BYTES + 4096);
    /* without O_NONBLOCK, opening a pipe without a writer never returns */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return failed(err, path, "cannot open");
    int rc = read_open(fd, path, out, facts, err);
    close(fd);
    if (rc != 0)
        bytes_wipe(out);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

static int keep_name(char ***names, size_t *n, const char *name)
{
    if ((*n & (*n - 1)) == 0) { /* full at every power of two */
        char **more = realloc(*names, (*n == 0 ? 1 : *n * 2) * sizeof(**names));
        if (more == NULL)
            return -1;
        *names = more;
    }
    (*names)[*n] = strdup(name);
    if ((*names)[*n] == NULL)
        return -1;
    (*n)++;
    return 0;
}

int file_list(const char *path, char ***names, size_t *n, struct err *err)
{
    *names = NULL;
    *n = 0;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return failed(err, path, "cannot open the folder");
    int rc = 0;
    struct dirent *entry;
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        struct stat st;
        if (fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            rc = keep_name(names, n, entry->d_name);
    }
    closedir(dir);
    if (rc != 0) {
        free_names(*names, *n);
        *names = NULL;
        *n = 0;
        return err_set(err, ERR_MEMORY, "%s: out of memory", path);
    }
    if (*n > 1)
        qsort(*names, *n, sizeof(**names), by_name);
    return 0;
}

/* No other user can change it. */
static int read_env(const char *name, struct bytes *out, struct file_facts *facts, struct err *err)
{
    const char *text = getenv(name);
    size_t n = text != NULL ? strlen(text) : 0;
    bytes_init(out, FILE_MAX_BYTES + 4096);
    *facts = (struct file_facts){.access.mode = 0600};
    if (text == NULL)
        return err_set(err, ERR_IO, "env:%s: this environment variable is not set: set it for mtlsd (Environment= or EnvironmentFile= in the unit)", name);
    if (n > 0 && bytes_append(out, text, n) != 0)
        return err_set(err, ERR_MEMORY, "env:%s: out of memory", name);
    return 0;
}

static int source_read(void *ctx, const char *path, struct bytes *out, struct file_facts *facts, struct err *err)
{
    const char *variable = config_env_name(path);
    (void)ctx;
    if (variable != NULL)
        return read_env(variable, out, facts, err);
    return file_read(path, out, facts, err);
}

static int source_list(void *ctx, const char *path, char ***names, size_t *n, struct err *err)
{
    (void)ctx;
    return file_list(path, names, n, err);
}

static int source_look(void *ctx, const char *path, struct file_place *out)
{
    (void)ctx;
    return file_look(path, out);
}

static void source_name(void *ctx, const struct file_access *access, struct file_names *out)
{
    (void)ctx;
    file_look_names(access, out);
}

const struct file_source *file_source_disk(void)
{
    static const struct file_source disk = {.ctx = NULL, .read = source_read, .list = source_list, .look = source_look, .name = source_name,
                                            .accounts = &accounts_of_system};
    return &disk;
}

static int write_all(int fd, struct span content)
{
    while (content.len > 0) {
        ssize_t n = write(fd, content.ptr, content.len);
        if (n > 0)
            content = span_skip(content, (size_t)n);
        else if (n < 0 && errno != EINTR)
            return -1;
    }
    return 0;
}

/* The new name must not exist; file systems without RENAME_NOREPLACE get a hard link, which refuses the same way. */
static int rename_to_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (link(from, to) != 0)
        return -1;
    unlink(from);
    return 0;
}

int file_write(const char *path, struct span content, unsigned mode, bool replace, struct err *err)
{
    char temp[4096];
    int n = snprintf(temp, sizeof(temp), "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof(temp))
        return err_set(err, ERR_IO, "%s: the name is too long", path);
    int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0)
        return failed(err, path, "cannot write there");
    int rc = 0;
    if (write_all(fd, content) != 0 || fchmod(fd, (mode_t)mode) != 0 || fsync(fd) != 0)
        rc = failed(err, path, "cannot write");
    if (close(fd) != 0 && rc == 0)
        rc = failed(err, path, "cannot write");
    if (rc == 0 && (replace ? rename(temp, path) : rename_to_new(temp, path)) != 0)
        rc = failed(err, path, "cannot rename it");
    if (rc != 0)
        unlink(temp);
    return rc;
}

void file_remove(const char *path)
{
    unlink(path);
}

bool file_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

int file_check_folder(const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return failed(err, path, "cannot read its status");
    if (!S_ISDIR(st.st_mode))
        return err_set(err, ERR_IO, "%s: is not a folder", path);
    return faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0 ? 0 : failed(err, path, "cannot write there");
}

int file_make_folder(const char *path, unsigned mode, struct err *err)
{
    char part[4096];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(part))
        return err_set(err, ERR_IO, "\"%s\" cannot be the name of a folder", path);
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        char kept = part[i];
        part[i] = '\0';
        if (mkdir(part, (mode_t)mode) != 0 && errno != EEXIST)
            return failed(err, part, "cannot make the folder");
        part[i] = kept;
    }
    struct stat st;
    if (stat(path, &st) != 0)
        return failed(err, path, "cannot read its status");
    return S_ISDIR(st.st_mode) ? 0 : err_set(err, ERR_IO, "%s: is not a folder", path);
}

int file_lock(const char *folder, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed(err, folder, "cannot open the folder");
    while (flock(fd, LOCK_EX) != 0) {
        if (errno == EINTR)
            continue;
        failed(err, folder, "cannot lock the folder");
        close(fd);
        return -1;
    }
    return fd;
}

void file_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
