/* SPDX-License-Identifier: Apache-2.0 */
#include "handover.h"

#include <stdlib.h>
#include <unistd.h>

struct handed {
    struct handed *next;
    int fd;
    enum config_serve what;
};

static struct handed *take_all(struct handover *h)
{
    uv_mutex_lock(&h->lock);
    struct handed *first = h->first;
    h->first = NULL;
    uv_mutex_unlock(&h->lock);
    return first;
}

static void on_wake(uv_async_t *wake)
{
    struct handover *h = wake->data;
    for (struct handed *one = take_all(h), *next; one != NULL; one = next) {
        next = one->next;
        if (h->take != NULL)
            h->take(h->ctx, one->fd, one->what);
        else
            close(one->fd);
        free(one);
    }
}

int handover_init(struct handover *h, uv_loop_t *loop)
{
    *h = (struct handover){0};
    if (uv_mutex_init(&h->lock) != 0)
        return -1;
    uv_async_init(loop, &h->wake, on_wake);
    h->wake.data = h;
    return 0;
}

int handover_give(struct handover *h, int fd, enum config_serve what)
{
    struct handed *one = malloc(sizeof(*one));
    if (one == NULL) {
        close(fd);
        return -1;
    }
    uv_mutex_lock(&h->lock);
    *one = (struct handed){h->first, fd, what};
    h->first = one;
    uv_mutex_unlock(&h->lock);
    uv_async_send(&h->wake);
    return 0;
}

void handover_clear(struct handover *h)
{
    for (struct handed *one = take_all(h), *next; one != NULL; one = next) {
        next = one->next;
        close(one->fd);
        free(one);
    }
    uv_mutex_destroy(&h->lock);
}
