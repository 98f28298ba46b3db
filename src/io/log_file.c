/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/log_file.h"

#include "log_output.h"
#include "mtlsd/base/log_name.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/log_others.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GATHERED_BYTES = 32 * 1024 };

enum place { PLACE_STDERR, PLACE_FILE, PLACES };

static _Thread_local struct {
    size_t len;
    char text[GATHERED_BYTES];
} gathered[PLACES];

static struct log_output outputs[PLACES] = {
    [PLACE_STDERR] = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO},
    [PLACE_FILE] = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1},
};
static char *file_path;          /* owned; of the main thread alone, as long as others run */
static uint64_t rotate_seconds, rotate_bytes; /* of it */
static int has_file, has_accesses_only; /* read by every thread, written as one word each */

/* ---- writing ---- */

/* Not by a log line, which might come back to the same full disk. */
void log_file_complain(const char *what, int because)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "mtlsd: %s: %s\n", what, strerror(because));
    if (n > 0 && (size_t)n < sizeof(text))
        log_output_write(&outputs[PLACE_STDERR], text, (size_t)n);
}

static void put(enum place place, const char *text, size_t len)
{
    struct log_outcome outcome = log_output_write(&outputs[place], text, len);
    if (outcome.begins_to_lose && place == PLACE_FILE)
        log_file_complain("the log file takes no more lines", outcome.because);
    if (outcome.not_rotated != 0)
        log_file_complain("no new log file can be made, the old one stays in use", outcome.not_rotated);
    if (outcome.lost > 0)
        log_say(LOG_LEVEL_WARN, "log", "%llu lines were lost because %s", outcome.lost,
                place == PLACE_FILE ? "the log file took none" : "they were not read");
}

static void flush_place(enum place place)
{
    size_t len = gathered[place].len;
    if (len == 0)
        return;
    char text[GATHERED_BYTES];
    memcpy(text, gathered[place].text, len);
    gathered[place].len = 0; /* before: what put has to say comes this way too */
    put(place, text, len);
}

/* Asked at the end of every turn of a loop, which seldom wrote anything: the large frame of flush_place is not made for nothing. */
void log_file_flush(void)
{
    if (gathered[PLACE_FILE].len > 0)
        flush_place(PLACE_FILE);
    if (gathered[PLACE_STDERR].len > 0)
        flush_place(PLACE_STDERR);
    log_others_flush();
}

static enum place place_of(enum log_kind kind)
{
    if (!__atomic_load_n(&has_file, __ATOMIC_RELAXED))
        return PLACE_STDERR;
    return kind == LOG_EVENT && __atomic_load_n(&has_accesses_only, __ATOMIC_RELAXED) ? PLACE_STDERR : PLACE_FILE;
}

void log_file_write(void *ctx, enum log_kind kind, enum log_level level, struct span line)
{
    (void)ctx;
    enum place place = place_of(kind);
    if (gathered[place].len + line.len > sizeof(gathered[place].text))
        flush_place(place);
    if (line.len > sizeof(gathered[place].text) - gathered[place].len) {
        put(place, (const char *)line.ptr, line.len);
        return;
    }
    memcpy(gathered[place].text + gathered[place].len, line.ptr, line.len);
    gathered[place].len += line.len;
    if (level <= LOG_LEVEL_WARN)
        flush_place(place);
}

void log_file_keep_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
            return;
    }
}

/* ---- the file ---- */

static int refuse(const char *path, int because, struct err *err)
{
    const char *hint = because == ENOENT || because == ENOTDIR ? "; make its folder first"
                       : because == EACCES ? "; give the user that runs mtlsd the right to write there"
                       : because == EISDIR ? "; name a file in it"
                       : because == ENXIO ? "; a named pipe needs a reader first, and a socket is no log"
                                           : "";
    return err_set(err, ERR_IO, "log file %s: %s%s", path, strerror(because), hint);
}

int log_file_open_period(const char *target, uint64_t seconds, struct err *err)
{
    char path[PATH_MAX];
    if (log_name_write(target, log_name_period(clock_now(), seconds), path, sizeof(path)) != 0)
        return refuse(target, ENAMETOOLONG, err);
    int fd = log_output_open(path);
    return fd >= 0 ? fd : refuse(path, errno, err);
}

int log_file_open(const char *target, struct err *err)
{
    return log_file_open_period(target, 0, err);
}

int log_file_check(const char *target, struct err *err)
{
    struct stat st;
    char path[PATH_MAX];
    if (log_name_write(target, clock_now(), path, sizeof(path)) != 0)
        return refuse(target, ENAMETOOLONG, err);
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return refuse(path, EISDIR, err);
        if (S_ISSOCK(st.st_mode))
            return refuse(path, ENXIO, err);
        return access(path, W_OK) == 0 ? 0 : refuse(path, errno, err);
    }
    if (errno != ENOENT || path[0] == '\0')
        return refuse(path, errno, err);
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
    int because = folder == NULL ? ENOMEM : access(folder, W_OK | X_OK) == 0 ? 0 : errno;
    free(folder);
    return because == 0 ? 0 : refuse(path, because, err);
}

/* Lines that other threads have gathered for the file stay theirs and go to the new one. Without any file left they still go to the last: a
 * thread may be about to write. */
static void swap_file(int fd)
{
    log_file_flush();
    log_output_swap(&outputs[PLACE_FILE], fd);
    if (file_path != NULL && (rotate_seconds > 0 || rotate_bytes > 0 || log_name_has_fields(file_path)))
        log_output_rotate(&outputs[PLACE_FILE], file_path, rotate_seconds, rotate_bytes);
}

int log_file_stdout(struct err *err)
{
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return fd >= 0 ? fd : refuse("stdout", errno, err);
}

void log_file_use(const char *path, int fd, bool accesses_only)
{
    char *copy = path != NULL ? strdup(path) : NULL;
    free(file_path);
    file_path = copy;
    rotate_seconds = rotate_bytes = 0;
    if (fd >= 0)
        swap_file(fd);
    __atomic_store_n(&has_accesses_only, accesses_only, __ATOMIC_RELAXED);
    __atomic_store_n(&has_file, fd >= 0, __ATOMIC_RELAXED);
}

void log_file_rotate(uint64_t seconds, uint64_t bytes)
{
    rotate_seconds = seconds;
    rotate_bytes = bytes;
    if (file_path != NULL)
        log_output_rotate(&outputs[PLACE_FILE], file_path, seconds, bytes);
}

int log_file_reopen(struct err *err)
{
    if (file_path == NULL)
        return 0;
    int fd = log_file_open_period(file_path, rotate_seconds, err);
    if (fd < 0)
        return -1;
    swap_file(fd);
    return 0;
}
