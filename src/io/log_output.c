/* SPDX-License-Identifier: Apache-2.0 */
#include "log_output.h"

#include "mtlsd/base/log_name.h"
#include "mtlsd/io/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A pipe that poll calls writable takes PIPE_BUF bytes without blocking, and whole. */
enum { PIECE_BYTES = PIPE_BUF, PATIENCE_MS = 20, RETRY_S = 60, FILE_MODE = 0640, NAMES_MAX = 1000 };

struct log_rotation {
    char *target;
    uint64_t seconds, bytes; /* 0: not by that */
    uint64_t size;           /* of the file */
    int64_t began;           /* the period of what is in the file */
    int64_t look_at;         /* when it may be due; INT64_MAX: never by time */
    int64_t retry_at;        /* it failed: not before that */
    char name[PATH_MAX];     /* of the file */
};

int log_output_open(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, FILE_MODE);
}

/* ---- writing ---- */

static bool has_room(struct log_output *o)
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
static size_t piece_of(const struct log_output *o, const char *text, size_t len)
{
    if (o->is_disk || len <= PIECE_BYTES)
        return len;
    const char *end = memrchr(text, '\n', PIECE_BYTES);
    return end != NULL ? (size_t)(end - text) + 1 : PIECE_BYTES;
}

static ssize_t write_piece(struct log_output *o, const char *text, size_t len)
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

/* ---- rotation ---- */

static void free_rotation(struct log_output *o)
{
    if (o->rotation != NULL)
        free(o->rotation->target);
    free(o->rotation);
    o->rotation = NULL;
}

static void take(struct log_output *o, int fd)
{
    if (o->fd >= 0)
        close(o->fd);
    o->fd = fd;
    o->known = o->stuck = o->cut = false;
}

/* Out of the way of the new file of the same name: NAME.20261130-000000, with the moment that the old one began, then NAME.20261130-000000-1. */
static int move_away(const char *name, int64_t began)
{
    char stamp[32], moved[PATH_MAX + 48];
    if (log_name_write("%Y%m%d-%H%M%S", began, stamp, sizeof(stamp)) != 0)
        return EINVAL;
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        if (i == 0)
            snprintf(moved, sizeof(moved), "%s.%s", name, stamp);
        else
            snprintf(moved, sizeof(moved), "%s.%s-%u", name, stamp, i);
        if (access(moved, F_OK) == 0)
            continue;
        return rename(name, moved) == 0 || errno == ENOENT ? 0 : errno; /* it may have been moved already */
    }
    return EEXIST;
}

static int begin_file(struct log_output *o, const char *name, int64_t now)
{
    struct stat st;
    struct log_rotation *r = o->rotation;
    int because = strcmp(name, r->name) == 0 ? move_away(name, r->began) : 0;
    int fd = because == 0 ? log_output_open(name) : -1;
    if (fd < 0)
        return because != 0 ? because : errno != 0 ? errno : EIO;
    take(o, fd);
    r->size = fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
    r->began = log_name_period(now, r->seconds);
    snprintf(r->name, sizeof(r->name), "%s", name);
    return 0;
}

static bool is_due(const struct log_rotation *r, const char *name, int64_t now, size_t len)
{
    if (r->bytes > 0 && r->size > 0 && r->size + len > r->bytes)
        return true;
    if (strcmp(name, r->name) != 0)
        return true;
    return r->seconds > 0 && !log_name_has_fields(r->target) && r->size > 0 && log_name_period(now, r->seconds) > r->began;
}

/* A failure leaves the old file in use, and is tried again after a minute. */
static void rotate_if_due(struct log_output *o, size_t len, struct log_outcome *outcome)
{
    struct log_rotation *r = o->rotation;
    char name[PATH_MAX];
    int64_t now = clock_now();
    bool full = r->bytes > 0 && r->size + len > r->bytes;
    r->size += len;
    if ((now < r->look_at && !full) || now < r->retry_at)
        return;
    r->size -= len;
    if (r->look_at != INT64_MAX)
        r->look_at = log_name_next(r->target, now, r->seconds);
    if (log_name_write(r->target, log_name_period(now, r->seconds), name, sizeof(name)) == 0 && is_due(r, name, now, len)) {
        int because = begin_file(o, name, now);
        outcome->not_rotated = because != 0 && r->retry_at == 0 ? because : 0;
        r->retry_at = because != 0 ? now + RETRY_S : 0;
    }
    if (r->size == 0)
        r->began = log_name_period(now, r->seconds);
    r->size += len;
}

void log_output_rotate(struct log_output *o, const char *target, uint64_t seconds, uint64_t bytes)
{
    struct stat st;
    bool by_time = seconds > 0 || log_name_has_fields(target);
    struct log_rotation *r = by_time || bytes > 0 ? calloc(1, sizeof(*r)) : NULL;
    pthread_mutex_lock(&o->lock);
    free_rotation(o);
    if (r != NULL && o->fd >= 0 && fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode) && (r->target = strdup(target)) != NULL) {
        int64_t now = clock_now();
        r->seconds = seconds;
        r->bytes = bytes;
        r->size = (uint64_t)st.st_size;
        r->began = log_name_period(st.st_size > 0 ? st.st_mtime : now, seconds);
        r->look_at = by_time ? 0 : INT64_MAX;
        if (log_name_write(target, log_name_period(now, seconds), r->name, sizeof(r->name)) == 0) {
            o->rotation = r;
            r = NULL;
        }
    }
    pthread_mutex_unlock(&o->lock);
    if (r != NULL)
        free(r->target);
    free(r);
}

void log_output_swap(struct log_output *o, int fd)
{
    pthread_mutex_lock(&o->lock);
    free_rotation(o);
    take(o, fd);
    pthread_mutex_unlock(&o->lock);
}

/* ---- the whole ---- */

/* A log without a reader must not stop the daemon: lines that cannot be written soon are dropped. */
struct log_outcome log_output_write(struct log_output *o, const char *text, size_t len)
{
    struct log_outcome outcome = {0};
    pthread_mutex_lock(&o->lock);
    if (o->rotation != NULL)
        rotate_if_due(o, len, &outcome);
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
