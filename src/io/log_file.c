/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* A pipe that poll calls writable takes PIPE_BUF bytes without blocking, and whole. */
enum { GATHERED_BYTES = 32 * 1024, PIECE_BYTES = PIPE_BUF, PATIENCE_MS = 20 };

static _Thread_local struct {
    size_t len;
    char text[GATHERED_BYTES];
} gathered;

static struct { /* standard error, shared by all threads */
    pthread_mutex_t lock;
    bool stuck; /* it took nothing last time: it is not waited for again */
    bool cut;   /* the last line lacks its end */
    unsigned long long lost; /* lines */
} output = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool has_room(void)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    output.stuck = poll(&p, 1, output.stuck ? 0 : PATIENCE_MS) <= 0;
    return !output.stuck;
}

static ssize_t write_piece(const char *text, size_t len)
{
    ssize_t n;
    do {
        if (!has_room())
            return -1;
        n = write(STDERR_FILENO, text, len);
    } while (n < 0 && errno == EINTR);
    return n;
}

/* Whole lines as far as they fit, else part of a long one. */
static size_t piece_of(const char *text, size_t len)
{
    if (len <= PIECE_BYTES)
        return len;
    const char *end = memrchr(text, '\n', PIECE_BYTES);
    return end != NULL ? (size_t)(end - text) + 1 : PIECE_BYTES;
}

static void count_lost(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        output.lost += text[i] == '\n';
}

/* A log that nobody reads any more must not stop the daemon: what cannot be written soon is dropped. Gives how many lines were lost before
 * this went through. */
static unsigned long long write_all(const char *text, size_t len)
{
    unsigned long long lost = 0;
    pthread_mutex_lock(&output.lock);
    bool at_line_start = !output.cut || write_piece("\n", 1) == 1;
    while (at_line_start && len > 0) {
        ssize_t n = write_piece(text, piece_of(text, len));
        if (n <= 0)
            break;
        output.cut = text[n - 1] != '\n';
        text += n;
        len -= (size_t)n;
    }
    count_lost(text, len);
    if (len == 0) {
        lost = output.lost;
        output.lost = 0;
    }
    pthread_mutex_unlock(&output.lock);
    return lost;
}

static void put(const char *text, size_t len)
{
    unsigned long long lost = write_all(text, len);
    if (lost > 0)
        log_say(LOG_LEVEL_WARN, "log", "%llu lines were lost because nobody read them", lost);
}

void log_file_flush(void)
{
    size_t len = gathered.len;
    if (len == 0)
        return;
    char text[GATHERED_BYTES];
    memcpy(text, gathered.text, len);
    gathered.len = 0; /* before: what put has to say comes this way too */
    put(text, len);
}

void log_file_write(void *ctx, enum log_level level, struct span line)
{
    (void)ctx;
    if (gathered.len + line.len > sizeof(gathered.text))
        log_file_flush();
    if (line.len > sizeof(gathered.text) - gathered.len) {
        put((const char *)line.ptr, line.len);
        return;
    }
    memcpy(gathered.text + gathered.len, line.ptr, line.len);
    gathered.len += line.len;
    if (level <= LOG_LEVEL_WARN)
        log_file_flush();
}

void log_file_keep_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
            return;
    }
}
