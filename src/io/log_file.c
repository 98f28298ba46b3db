/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A pipe that poll calls writable takes PIPE_BUF bytes without blocking, and whole. */
enum { GATHERED_BYTES = 32 * 1024, PIECE_BYTES = PIPE_BUF, PATIENCE_MS = 20, FILE_MODE = 0640 };

enum place { PLACE_STDERR, PLACE_FILE, PLACES };

static _Thread_local struct {
    size_t len;
    char text[GATHERED_BYTES];
} gathered[PLACES];

struct output { /* shared by all threads */
    pthread_mutex_t lock;
    int fd; /* -1: none */
    bool known;  /* what it is was found out */
    bool is_disk; /* a regular file: it never makes us wait for a reader */
    bool stuck; /* it took nothing last time: it is not waited for again */
    bool cut;   /* the last line lacks its end */
    unsigned long long lost; /* lines */
};

static struct output outputs[PLACES] = {
    [PLACE_STDERR] = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO},
    [PLACE_FILE] = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1},
};
static char *file_path;          /* owned; of the main thread alone, as long as others run */
static int has_file, has_accesses_only; /* read by every thread, written as one word each */

/* ---- writing ---- */

static bool has_room(struct output *o)
{
    struct stat st;
    if (!o->known) {
        o->is_disk = fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode);
        o->known = true;
    }
    if (o->is_disk)
        return true;
    struct pollfd p = {.fd = o->fd, .events = POLLOUT};
    o->stuck = poll(&p, 1, o->stuck ? 0 : PATIENCE_MS) <= 0;
    return !o->stuck;
}

/* Whole lines as far as they fit, else part of a long one. */
static size_t piece_of(const struct output *o, const char *text, size_t len)
{
    if (o->is_disk || len <= PIECE_BYTES)
        return len;
    const char *end = memrchr(text, '\n', PIECE_BYTES);
    return end != NULL ? (size_t)(end - text) + 1 : PIECE_BYTES;
}

static ssize_t write_piece(struct output *o, const char *text, size_t len)
{
    ssize_t n;
    do {
        if (!has_room(o))
            return -1;
        n = write(o->fd, text, piece_of(o, text, len));
    } while (n < 0 && errno == EINTR);
    return n;
}

static unsigned long long lines_in(const char *text, size_t len)
{
    unsigned long long lines = 0;
    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    return lines;
}

struct outcome {
    unsigned long long lost; /* lines that were lost before this went through */
    bool begins_to_lose;     /* this is the first that did not */
    int because;             /* errno */
};

/* A log without a reader must not stop the daemon: lines that cannot be written soon are dropped. */
static struct outcome write_all(struct output *o, const char *text, size_t len)
{
    struct outcome outcome = {0};
    pthread_mutex_lock(&o->lock);
    bool at_line_start = !o->cut || write_piece(o, "\n", 1) == 1;
    while (at_line_start && len > 0) {
        ssize_t n = write_piece(o, text, len);
        if (n <= 0)
            break;
        o->cut = text[n - 1] != '\n';
        text += n;
        len -= (size_t)n;
    }
    outcome.because = errno;
    if (len == 0) {
        outcome.lost = o->lost;
        o->lost = 0;
    } else {
        outcome.begins_to_lose = o->lost == 0;
        o->lost += lines_in(text, len);
    }
    pthread_mutex_unlock(&o->lock);
    return outcome;
}

/* Not by a log line, which might come back to the same full disk. */
static void complain_on_stderr(int because)
{
    char text[128];
    int n = snprintf(text, sizeof(text), "mtlsd: the log file takes no more lines: %s\n", strerror(because));
    if (n > 0)
        write_all(&outputs[PLACE_STDERR], text, (size_t)n);
}

static void put(enum place place, const char *text, size_t len)
{
    struct outcome outcome = write_all(&outputs[place], text, len);
    if (outcome.begins_to_lose && place == PLACE_FILE)
        complain_on_stderr(outcome.because);
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
                                           : "";
    return err_set(err, ERR_IO, "log file %s: %s%s", path, strerror(because), hint);
}

/* O_NONBLOCK: a named pipe without a reader is an error and not a wait without end. */
int log_file_open(const char *path, struct err *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, FILE_MODE);
    return fd >= 0 ? fd : refuse(path, errno, err);
}

int log_file_check(const char *path, struct err *err)
{
    struct stat st;
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
    struct output *o = &outputs[PLACE_FILE];
    log_file_flush();
    pthread_mutex_lock(&o->lock);
    int old = o->fd;
    o->fd = fd;
    o->known = o->stuck = o->cut = false;
    pthread_mutex_unlock(&o->lock);
    if (old >= 0)
        close(old);
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
    if (fd >= 0)
        swap_file(fd);
    __atomic_store_n(&has_accesses_only, accesses_only, __ATOMIC_RELAXED);
    __atomic_store_n(&has_file, fd >= 0, __ATOMIC_RELAXED);
}

int log_file_reopen(struct err *err)
{
    if (file_path == NULL)
        return 0;
    int fd = log_file_open(file_path, err);
    if (fd < 0)
        return -1;
    swap_file(fd);
    return 0;
}
