/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/background.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

/* One may hang for long on a file system far away; then the other still serves. */
enum { THREADS = 2, STACK_BYTES = 8 * 1024 * 1024, WORK_NICE = 10, ANY = (1 << THREADS) - 1 };

struct job {
    struct job *next;
    void (*work)(void *ctx);
    void (*done)(void *ctx); /* NULL: no callback */
    void *ctx;
    unsigned threads; /* bits: those that may do it */
};

struct queue { /* oldest first */
    struct job *first, **end;
};

struct background {
    uv_async_t wake; /* the loop's */
    uv_mutex_t lock; /* guards what follows but for n_given */
    uv_cond_t more;
    struct queue waiting, done;
    bool stopping;
    uv_thread_t threads[THREADS];
    unsigned n_threads, n_entered;
    unsigned busy;   /* bits of threads */
    unsigned turn;   /* the thread for the next of background_do_apart */
    size_t n_given; /* and not done yet; of the loop's thread */
};

static void push(struct queue *q, struct job *job)
{
    job->next = NULL;
    *q->end = job;
    q->end = &job->next;
}

/* The first that one of these threads may do. */
static struct job *pop(struct queue *q, unsigned threads)
{
    struct job **at = &q->first, *job;
    while (*at != NULL && ((*at)->threads & threads) == 0)
        at = &(*at)->next;
    job = *at;
    if (job == NULL)
        return NULL;
    *at = job->next;
    if (*at == NULL)
        q->end = at;
    return job;
}

/* ---- on the threads ---- */

/* NULL: it is over. */
static struct job *wait_for_job(struct background *s, unsigned thread)
{
    struct job *job;
    while ((job = pop(&s->waiting, thread)) == NULL && !s->stopping)
        uv_cond_wait(&s->more, &s->lock);
    return job;
}

static void run(void *arg)
{
    struct background *s = arg;
    struct job *job;
    setpriority(PRIO_PROCESS, (id_t)gettid(), WORK_NICE); /* of this thread: a reload must not take a core from those who serve */
    uv_mutex_lock(&s->lock);
    const unsigned thread = 1U << s->n_entered++;
    while ((job = wait_for_job(s, thread)) != NULL) {
        s->busy |= thread;
        uv_mutex_unlock(&s->lock);
        job->work(job->ctx);
        uv_mutex_lock(&s->lock);
        s->busy &= ~thread;
        if (job->done == NULL) {
            free(job);
            continue;
        }
        push(&s->done, job);
        uv_async_send(&s->wake);
    }
    uv_mutex_unlock(&s->lock);
}

/* ---- on the loop ---- */

static void finish_all(struct background *s)
{
    for (;;) {
        uv_mutex_lock(&s->lock);
        struct job *job = pop(&s->done, ANY);
        uv_mutex_unlock(&s->lock);
        if (job == NULL)
            return;
        struct job over = *job;
        free(job);
        if (--s->n_given == 0)
            uv_unref((uv_handle_t *)&s->wake);
        over.done(over.ctx); /* may give the next one */
    }
}

static void on_wake(uv_async_t *wake)
{
    finish_all(wake->data);
}

static int give(struct background *s, const struct job *what)
{
    struct job *job = malloc(sizeof(*job));
    if (job == NULL)
        return -1;
    *job = *what;
    uv_mutex_lock(&s->lock);
    push(&s->waiting, job);
    uv_cond_broadcast(&s->more);
    uv_mutex_unlock(&s->lock);
    return 0;
}

static int give_with_end(struct background *s, const struct job *what)
{
    if (give(s, what) != 0)
        return -1;
    if (s->n_given++ == 0)
        uv_ref((uv_handle_t *)&s->wake); /* the loop does not end before */
    return 0;
}

int background_do(struct background *s, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx)
{
    return give_with_end(s, &(struct job){NULL, work, done, ctx, ANY});
}

int background_do_apart(struct background *s, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx)
{
    uv_mutex_lock(&s->lock);
    unsigned thread = 1U << s->turn;
    s->turn = (s->turn + 1) % THREADS;
    if ((s->busy & thread) != 0 || s->waiting.first != NULL) /* it may hang: better another one than none */
        thread = ANY;
    uv_mutex_unlock(&s->lock);
    return give_with_end(s, &(struct job){NULL, work, done, ctx, thread});
}

int background_throw(struct background *s, void (*work)(void *ctx), void *ctx)
{
    return give(s, &(struct job){NULL, work, NULL, ctx, ANY});
}

bool background_is_busy(const struct background *s)
{
    return s->n_given > 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct background *s = handle->data;
    uv_cond_destroy(&s->more);
    uv_mutex_destroy(&s->lock);
    free(s);
}

static void join_all(struct background *s)
{
    uv_mutex_lock(&s->lock);
    s->stopping = true;
    uv_cond_broadcast(&s->more);
    uv_mutex_unlock(&s->lock);
    for (unsigned i = 0; i < s->n_threads; i++)
        uv_thread_join(&s->threads[i]);
}

void background_stop(struct background *s)
{
    if (s == NULL)
        return;
    join_all(s);
    finish_all(s);
    uv_close((uv_handle_t *)&s->wake, on_closed);
}

static int start_threads(struct background *s, struct err *err)
{
    const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_BYTES};
    for (; s->n_threads < THREADS; s->n_threads++) {
        int rc = uv_thread_create_ex(&s->threads[s->n_threads], &options, run, s);
        if (rc != 0)
            return err_set(err, ERR_IO, "cannot start a thread for reloads: %s; raise the limits of processes (ulimit -u, TasksMax=) and memory",
                           uv_strerror(rc));
    }
    return 0;
}

struct background *background_new(struct uv_loop_s *loop, struct err *err)
{
    struct background *s = calloc(1, sizeof(*s));
    int rc = s != NULL ? uv_async_init(loop, &s->wake, on_wake) : UV_ENOMEM;
    if (rc != 0) {
        err_set(err, ERR_MEMORY, "cannot start threads for reloads: %s", uv_strerror(rc));
        free(s);
        return NULL;
    }
    s->wake.data = s;
    uv_unref((uv_handle_t *)&s->wake);
    s->waiting.end = &s->waiting.first;
    s->done.end = &s->done.first;
    uv_mutex_init(&s->lock);
    uv_cond_init(&s->more);
    if (start_threads(s, err) == 0)
        return s;
    background_stop(s);
    return NULL;
}
