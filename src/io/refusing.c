/* SPDX-License-Identifier: Apache-2.0 */
#include "refusing.h"
#include "spare_fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOK_MS = 100, KEPT_US = 1000 * 1000, DROPPED_BYTES = 4096, DROPS = 8 };

void refusing_init(struct refusing *r, uv_loop_t *loop)
{
    uv_timer_init(loop, &r->timer);
    r->timer.data = r;
    r->n = 0;
    r->like = uv_backend_fd(loop);
    r->spare = -1;
    spare_fd_take(&r->spare);
}

/* False: it has ended. */
static bool drop_what_came(int fd)
{
    char dropped[DROPPED_BYTES];
    ssize_t n = 1;
    for (int i = 0; i < DROPS && n > 0; i++)
        n = recv(fd, dropped, sizeof(dropped), MSG_DONTWAIT);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void let_go(struct refusing *r, size_t i)
{
    drop_what_came(r->kept[i].fd);
    spare_fd_replace(&r->spare, r->kept[i].fd, r->like);
    r->n--;
    memmove(&r->kept[i], &r->kept[i + 1], (r->n - i) * sizeof(r->kept[0]));
}

bool refusing_use_spare(struct refusing *r)
{
    if (r->spare < 0 && r->n > 0)
        let_go(r, 0);
    spare_fd_take(&r->spare);
    return spare_fd_use(&r->spare);
}

static void on_look(uv_timer_t *timer)
{
    struct refusing *r = timer->data;
    uint64_t now_us = uv_hrtime() / 1000;
    for (size_t i = 0; i < r->n;) {
        if (drop_what_came(r->kept[i].fd) && now_us < r->kept[i].until_us)
            i++;
        else
            let_go(r, i);
    }
    if (r->n == 0)
        uv_timer_stop(timer);
}

static void reset(struct refusing *r, int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    spare_fd_replace(&r->spare, fd, r->like);
}

void refusing_add(struct refusing *r, int fd, struct span words)
{
    if (words.len == 0 || send(fd, words.ptr, words.len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)words.len) {
        reset(r, fd);
        return;
    }
    shutdown(fd, SHUT_WR);
    if (r->n == REFUSING_KEPT)
        let_go(r, 0);
    r->kept[r->n++] = (struct refused){fd, uv_hrtime() / 1000 + KEPT_US};
    if (!uv_is_active((uv_handle_t *)&r->timer))
        uv_timer_start(&r->timer, on_look, LOOK_MS, LOOK_MS);
}

void refusing_close(struct refusing *r)
{
    while (r->n > 0)
        let_go(r, 0);
    spare_fd_use(&r->spare);
    uv_close((uv_handle_t *)&r->timer, NULL);
}
