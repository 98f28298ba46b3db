/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/log_others.h"

#include "log_output.h"
#include "mtlsd/io/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Twice as many places as logs: after a reload a file that goes has its own until its last lines are written. */
enum { GATHERED_BYTES = 16 * 1024, PLACES = 2 * LOG_OTHERS_MAX };

struct gathered {
    size_t len;
    char text[GATHERED_BYTES];
};

/* Made when a thread writes its first line. */
struct mine {
    struct gathered *of[PLACES];
};

static _Thread_local struct mine *mine;
static pthread_key_t ends;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct place {
    struct log_output out;
    char *target;            /* owned; NULL: free */
    uint64_t seconds, bytes;
    int what, format, level; /* what is 0: no more lines; each is written and read as one word */
} places[PLACES];

/* ---- writing ---- */

static void free_mine(void *of)
{
    struct mine *m = of;
    for (size_t i = 0; i < PLACES; i++)
        free(m->of[i]);
    free(m);
}

static void make_key(void)
{
    pthread_key_create(&ends, free_mine);
}

/* NULL without memory: the line is then written at once. */
static struct gathered *gathered_for(size_t i)
{
    if (mine == NULL) {
        pthread_once(&once, make_key);
        mine = calloc(1, sizeof(*mine));
        if (mine == NULL)
            return NULL;
        pthread_setspecific(ends, mine);
    }
    if (mine->of[i] == NULL && (mine->of[i] = malloc(sizeof(struct gathered))) != NULL)
        mine->of[i]->len = 0;
    return mine->of[i];
}

static void put(struct place *p, const char *text, size_t len)
{
    struct log_outcome outcome = log_output_write(&p->out, text, len);
    if (outcome.begins_to_lose)
        log_file_complain("a log of logs takes no more lines", outcome.because);
    if (outcome.not_rotated != 0)
        log_file_complain("no new log file can be made, the old one stays in use", outcome.not_rotated);
    if (outcome.lost > 0)
        log_say(LOG_LEVEL_WARN, "log", "%llu lines were lost because a log of logs took none", outcome.lost);
}

static void flush_place(size_t i)
{
    struct gathered *g = mine->of[i];
    if (g == NULL || g->len == 0)
        return;
    char text[GATHERED_BYTES];
    size_t len = g->len;
    memcpy(text, g->text, len);
    g->len = 0; /* before: what put has to say comes this way too */
    put(&places[i], text, len);
}

void log_others_flush(void)
{
    for (size_t i = 0; mine != NULL && i < PLACES; i++)
        flush_place(i);
}

static void gather(size_t i, enum log_level level, struct span line)
{
    struct gathered *g = gathered_for(i);
    if (g == NULL || line.len > sizeof(g->text)) {
        put(&places[i], (const char *)line.ptr, line.len);
        return;
    }
    if (g->len + line.len > sizeof(g->text))
        flush_place(i);
    memcpy(g->text + g->len, line.ptr, line.len);
    g->len += line.len;
    if (level <= LOG_LEVEL_WARN)
        flush_place(i);
}

static int word(const int *w)
{
    return __atomic_load_n(w, __ATOMIC_ACQUIRE);
}

static bool takes(const struct place *p, const struct log_other *line)
{
    unsigned both = (unsigned)word(&p->what) & line->what;
    if (both == 0 || word(&p->format) != (int)line->format)
        return false;
    return both != LOG_EVENTS || (int)line->level <= word(&p->level);
}

static void write_line(const struct log_other *about, struct span line)
{
    for (size_t i = 0; i < PLACES; i++)
        if (takes(&places[i], about))
            gather(i, about->level, line);
}

/* ---- the files ---- */

static int open_one(const struct log_others_row *row, struct err *err)
{
    if (strcmp(row->target, "stdout") == 0)
        return log_file_stdout(err);
    if (strcmp(row->target, "stderr") != 0)
        return log_file_open_period(row->target, row->seconds, err);
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return fd >= 0 ? fd : err_set(err, ERR_IO, "log file stderr: %s", strerror(errno));
}

int log_others_open(struct log_others *opened, const struct log_others_row *rows, size_t n, struct err *err)
{
    for (opened->n = 0; opened->n < n; opened->n++) {
        opened->fd[opened->n] = open_one(&rows[opened->n], err);
        if (opened->fd[opened->n] >= 0)
            continue;
        log_others_close(opened);
        return -1;
    }
    return 0;
}

void log_others_close(struct log_others *opened)
{
    for (size_t i = 0; i < opened->n; i++)
        close(opened->fd[i]);
    opened->n = 0;
}

static bool is_file(const char *target)
{
    return strcmp(target, "stdout") != 0 && strcmp(target, "stderr") != 0;
}

static void retire(struct place *p)
{
    __atomic_store_n(&p->what, 0, __ATOMIC_RELEASE);
}

/* The place that has this file already, else one that is free, else one whose file went at an earlier reload. */
static struct place *place_for(const char *target, const bool used[PLACES])
{
    struct place *found = NULL;
    for (size_t i = 0; i < PLACES; i++) {
        if (used[i])
            continue;
        if (places[i].target != NULL && strcmp(places[i].target, target) == 0)
            return &places[i];
        bool better = found == NULL || (found->target != NULL && (places[i].target == NULL || (found->what != 0 && places[i].what == 0)));
        found = better ? &places[i] : found;
    }
    return found;
}

static void fill(struct place *p, int fd, const struct log_others_row *row)
{
    char *target = strdup(row->target);
    log_output_swap(&p->out, fd);
    free(p->target);
    p->target = target;
    p->seconds = row->seconds;
    p->bytes = row->bytes;
    if (is_file(row->target))
        log_output_rotate(&p->out, row->target, row->seconds, row->bytes);
    __atomic_store_n(&p->format, (int)row->takes.format, __ATOMIC_RELEASE);
    __atomic_store_n(&p->level, (int)row->takes.level, __ATOMIC_RELEASE);
    __atomic_store_n(&p->what, (int)row->takes.what, __ATOMIC_RELEASE);
}

static void prepare(void)
{
    static bool done;
    for (size_t i = 0; i < PLACES && !done; i++) {
        pthread_mutex_init(&places[i].out.lock, NULL);
        places[i].out.fd = -1;
    }
    done = true;
}

void log_others_use(struct log_others *opened, const struct log_others_row *rows)
{
    struct log_other takes[LOG_OTHERS_MAX];
    bool used[PLACES] = {false};
    log_others_flush();
    if (opened->n > 0)
        prepare();
    for (size_t i = 0; i < opened->n; i++) {
        struct place *p = place_for(rows[i].target, used);
        used[p - places] = true;
        fill(p, opened->fd[i], &rows[i]);
        takes[i] = rows[i].takes;
    }
    for (size_t i = 0; i < PLACES; i++)
        if (!used[i])
            retire(&places[i]);
    log_also(takes, opened->n, write_line);
    opened->n = 0;
}

static int reopen(struct place *p, struct err *err)
{
    if (p->target == NULL || !is_file(p->target))
        return 0;
    if (p->what == 0) { /* its last lines were written long ago */
        log_output_swap(&p->out, -1);
        free(p->target);
        p->target = NULL;
        return 0;
    }
    int fd = log_file_open_period(p->target, p->seconds, err);
    if (fd < 0)
        return -1;
    log_output_swap(&p->out, fd);
    log_output_rotate(&p->out, p->target, p->seconds, p->bytes);
    return 0;
}

int log_others_reopen(struct err *err)
{
    int rc = 0;
    log_others_flush();
    for (size_t i = 0; i < PLACES; i++)
        rc |= reopen(&places[i], err);
    return rc;
}
