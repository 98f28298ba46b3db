/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { STACK_BYTES = 1024 * 1024 }; /* what plug-ins of the system's resolver may want */

struct job {
    struct lookup_box *box; /* counted */
    struct job *next;       /* among those that are done */
    lookup_fn look_up;
    void *tag;
    int error;
    struct addrinfo *found; /* owned */
    char host[];
};

struct lookup_box {
    pthread_mutex_t lock; /* guards what follows; jobs come from other threads */
    unsigned users;       /* the loop and the jobs under way */
    bool open;
    struct job *done;
    uv_async_t wake;      /* the loop's, while open */
    lookup_done_fn on_done;
    void *ctx;
};

int lookup_system(const char *host, struct addrinfo **found)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
    return getaddrinfo(host, NULL, &hints, found);
}

static void free_job(struct job *job)
{
    if (job->found != NULL)
        freeaddrinfo(job->found);
    free(job);
}

static void leave(struct lookup_box *box)
{
    pthread_mutex_lock(&box->lock);
    bool last = --box->users == 0;
    pthread_mutex_unlock(&box->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&box->lock);
    free(box);
}

/* ---- on a thread of its own ---- */

/* False: it is no longer needed. */
static bool hand_over(struct lookup_box *box, struct job *job)
{
    pthread_mutex_lock(&box->lock);
    bool open = box->open;
    if (open) {
        job->next = box->done;
        box->done = job;
        uv_async_send(&box->wake);
    }
    pthread_mutex_unlock(&box->lock);
    return open;
}

static void *run(void *arg)
{
    struct job *job = arg;
    struct lookup_box *box = job->box;
    job->error = job->look_up(job->host, &job->found);
    if (!hand_over(box, job))
        free_job(job);
    leave(box);
    return NULL;
}

static int start_thread(struct job *job)
{
    pthread_attr_t attr;
    pthread_t thread;
    int rc = pthread_attr_init(&attr);
    if (rc != 0)
        return rc;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    rc = pthread_create(&thread, &attr, run, job);
    pthread_attr_destroy(&attr);
    return rc;
}

int lookup_begin(struct lookup_box *box, lookup_fn look_up, const char *host, void *tag)
{
    size_t n = strlen(host) + 1;
    struct job *job = calloc(1, sizeof(*job) + n);
    if (job == NULL)
        return UV_ENOMEM;
    *job = (struct job){.box = box, .look_up = look_up, .tag = tag};
    memcpy(job->host, host, n);
    pthread_mutex_lock(&box->lock);
    box->users++;
    pthread_mutex_unlock(&box->lock);
    int rc = start_thread(job);
    if (rc == 0)
        return 0;
    free(job);
    leave(box);
    return uv_translate_sys_error(rc);
}

/* ---- on the loop ---- */

static struct job *take_done(struct lookup_box *box)
{
    pthread_mutex_lock(&box->lock);
    struct job *job = box->done;
    box->done = NULL;
    pthread_mutex_unlock(&box->lock);
    return job;
}

static void on_wake(uv_async_t *wake)
{
    struct lookup_box *box = wake->data;
    for (struct job *job = take_done(box), *next; job != NULL; job = next) {
        next = job->next;
        if (!uv_is_closing((uv_handle_t *)wake))
            box->on_done(box->ctx, job->tag, job->error, job->found);
        free_job(job);
    }
}

struct lookup_box *lookup_box_open(uv_loop_t *loop, lookup_done_fn on_done, void *ctx)
{
    struct lookup_box *box = calloc(1, sizeof(*box));
    if (box == NULL)
        return NULL;
    box->on_done = on_done;
    box->ctx = ctx;
    box->users = 1;
    if (uv_async_init(loop, &box->wake, on_wake) != 0 || pthread_mutex_init(&box->lock, NULL) != 0) {
        free(box);
        return NULL;
    }
    box->wake.data = box;
    box->open = true;
    return box;
}

static void on_closed(uv_handle_t *handle)
{
    leave(handle->data);
}

void lookup_box_close(struct lookup_box *box)
{
    pthread_mutex_lock(&box->lock);
    box->open = false;
    pthread_mutex_unlock(&box->lock);
    for (struct job *job = take_done(box), *next; job != NULL; job = next) {
        next = job->next;
        free_job(job);
    }
    uv_close((uv_handle_t *)&box->wake, on_closed);
}
