/* SPDX-License-Identifier: Apache-2.0 */
#include "served_queue.h"

#include <stdlib.h>
#include <unistd.h>

struct served_client {
    struct served_client *next;
    int fd;
    enum config_serve what;
};

static struct served_client *take_all(struct served_queue *q)
{
    uv_mutex_lock(&q->lock);
    struct served_client *first = q->first;
    q->first = NULL;
    uv_mutex_unlock(&q->lock);
    return first;
}

static void on_wake(uv_async_t *wake)
{
    struct served_queue *q = wake->data;
    for (struct served_client *one = take_all(q), *next; one != NULL; one = next) {
        next = one->next;
        if (q->take != NULL)
            q->take(q->ctx, one->fd, one->what);
        else
            close(one->fd);
        free(one);
    }
}

int served_queue_init(struct served_queue *q, uv_loop_t *loop)
{
    *q = (struct served_queue){0};
    if (uv_mutex_init(&q->lock) != 0)
        return -1;
    uv_async_init(loop, &q->wake, on_wake);
    q->wake.data = q;
    return 0;
}

int served_queue_give(struct served_queue *q, int fd, enum config_serve what)
{
    struct served_client *one = malloc(sizeof(*one));
    if (one == NULL) {
        close(fd);
        return -1;
    }
    uv_mutex_lock(&q->lock);
    *one = (struct served_client){q->first, fd, what};
    q->first = one;
    uv_mutex_unlock(&q->lock);
    uv_async_send(&q->wake);
    return 0;
}

void served_queue_clear(struct served_queue *q)
{
    for (struct served_client *one = take_all(q), *next; one != NULL; one = next) {
        next = one->next;
        close(one->fd);
        free(one);
    }
    uv_mutex_destroy(&q->lock);
}
