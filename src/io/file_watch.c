/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/file_watch.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

/* An event only says that something changed in a folder. Whether a file is another one is found by a look, on a thread of its own, as it may take
 * long on a remote file system. A slow look at intervals finds what no event reported. */
enum { SETTLE_MS = 50, SLOW_MS = 5000, BLIND_MS = 500 };

struct print { /* what changes when a file does; all 0: it is not there */
    struct timespec modified, changed;
    dev_t device;
    ino_t inode;
    off_t size;
};

struct folder {
    uv_fs_event_t event;
    struct file_watch *watch;
    bool muted;   /* its next events would tell nothing new before the look that is due */
    char path[];
};

struct file_watch {
    uv_loop_t *loop;
    struct background *background;
    file_watch_fn on_change;
    void *ctx;
    char **paths; /* owned, each too */
    struct print *seen, *fresh;
    size_t n;
    uv_timer_t timer;
    struct folder **folders; /* of the files, and of what they link to; each freed when it is closed */
    size_t n_folders;
    size_t handles; /* open ones */
    uint64_t not_before_ms; /* of the loop's clock: no look before; UINT64_MAX: none at all */
    bool looking, look_again, known, blind, stopping;
};

static void schedule(struct file_watch *f, uint64_t ms);

/* ---- freeing: in one place, when nothing is open any more ---- */

static void free_watch(struct file_watch *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->paths[i]);
    free(f->paths);
    free(f->seen);
    free(f->fresh);
    free(f->folders);
    free(f);
}

static void free_if_over(struct file_watch *f)
{
    if (f->stopping && f->handles == 0 && !f->looking)
        free_watch(f);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct file_watch *f = handle->data;
    f->handles--;
    free_if_over(f);
}

static void on_folder_closed(uv_handle_t *handle)
{
    struct folder *folder = handle->data;
    struct file_watch *f = folder->watch;
    free(folder);
    f->handles--;
    free_if_over(f);
}

/* ---- folders ---- */

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct folder *folder = event->data;
    (void)name;
    (void)events;
    if (status != 0 || folder->watch->stopping)
        return;
    uv_fs_event_stop(event); /* a program that writes all the time would wake us all the time */
    folder->muted = true;
    schedule(folder->watch, SETTLE_MS);
}

static void listen_to(struct folder *folder)
{
    folder->muted = false;
    if (uv_fs_event_start(&folder->event, on_event, folder->path, 0) != 0)
        folder->watch->blind = true;
}

static void close_folders(struct file_watch *f)
{
    for (size_t i = 0; i < f->n_folders; i++)
        uv_close((uv_handle_t *)&f->folders[i]->event, on_folder_closed);
    f->n_folders = 0;
}

/* The folder of a file; path is cut. */
static void watch_folder(struct file_watch *f, char *path)
{
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        slash[slash == path] = '\0';
    const char *name = slash != NULL ? path : ".";
    struct folder *folder = calloc(1, sizeof(*folder) + strlen(name) + 1);
    if (folder == NULL || uv_fs_event_init(f->loop, &folder->event) != 0) {
        free(folder);
        f->blind = true;
        return;
    }
    folder->watch = f;
    folder->event.data = folder;
    memcpy(folder->path, name, strlen(name) + 1);
    f->handles++;
    f->folders[f->n_folders++] = folder;
    listen_to(folder);
}

/* Again after each change: the target of a link may be in another folder now. */
static void watch_folders(struct file_watch *f)
{
    char path[PATH_MAX];
    close_folders(f);
    f->blind = false;
    for (size_t i = 0; i < f->n; i++) {
        size_t len = strlen(f->paths[i]);
        if (len >= sizeof(path))
            continue;
        memcpy(path, f->paths[i], len + 1);
        watch_folder(f, path);
        if (realpath(f->paths[i], path) != NULL && strcmp(path, f->paths[i]) != 0)
            watch_folder(f, path);
    }
}

/* ---- looking ---- */

static void look(void *ctx)
{
    struct file_watch *f = ctx;
    for (size_t i = 0; i < f->n; i++) {
        struct stat st;
        memset(&f->fresh[i], 0, sizeof(f->fresh[i])); /* compared as bytes */
        if (stat(f->paths[i], &st) != 0)
            continue;
        f->fresh[i].modified = st.st_mtim;
        f->fresh[i].changed = st.st_ctim;
        f->fresh[i].device = st.st_dev;
        f->fresh[i].inode = st.st_ino;
        f->fresh[i].size = st.st_size;
    }
}

static void after_look(void *ctx)
{
    struct file_watch *f = ctx;
    f->looking = false;
    if (f->stopping) {
        free_if_over(f);
        return;
    }
    bool changed = f->known && memcmp(f->seen, f->fresh, f->n * sizeof(*f->seen)) != 0;
    memcpy(f->seen, f->fresh, f->n * sizeof(*f->seen));
    f->known = true;
    if (changed)
        watch_folders(f);
    bool again = f->look_again;
    f->look_again = false;
    schedule(f, again ? SETTLE_MS : f->blind ? BLIND_MS : SLOW_MS);
    if (changed)
        f->on_change(f->ctx); /* the last thing: it may stop the watch */
}

static void start_look(struct file_watch *f)
{
    for (size_t i = 0; i < f->n_folders; i++)
        if (f->folders[i]->muted)
            listen_to(f->folders[i]); /* before the look: a change after it is reported */
    f->looking = background_do(f->background, look, after_look, f) == 0;
    if (!f->looking)
        schedule(f, SLOW_MS);
}

static void on_timer(uv_timer_t *timer)
{
    start_look(timer->data);
}

/* A stream of events does not put the look off: the first one sets the time. */
static void schedule(struct file_watch *f, uint64_t ms)
{
    uint64_t now = uv_now(f->loop);
    f->look_again = f->look_again || f->looking || f->not_before_ms == UINT64_MAX;
    if (f->looking || f->not_before_ms == UINT64_MAX)
        return;
    if (f->not_before_ms > now + ms)
        ms = f->not_before_ms - now;
    if (!uv_is_active((uv_handle_t *)&f->timer) || uv_timer_get_due_in(&f->timer) > ms)
        uv_timer_start(&f->timer, on_timer, ms, 0);
}

void file_watch_rest(struct file_watch *f)
{
    if (f == NULL || f->stopping)
        return;
    f->not_before_ms = UINT64_MAX;
    f->look_again = f->look_again || uv_is_active((uv_handle_t *)&f->timer);
    uv_timer_stop(&f->timer);
}

void file_watch_go_on(struct file_watch *f, uint64_t after_ms)
{
    if (f == NULL || f->stopping || f->not_before_ms != UINT64_MAX)
        return;
    f->not_before_ms = uv_now(f->loop) + after_ms;
    if (!f->looking && f->look_again) {
        f->look_again = false;
        schedule(f, SETTLE_MS);
    }
}

/* ---- life ---- */

static int copy_paths(struct file_watch *f, const char *const *paths, size_t n)
{
    f->paths = calloc(n, sizeof(*f->paths));
    f->seen = calloc(n, sizeof(*f->seen));
    f->fresh = calloc(n, sizeof(*f->fresh));
    f->folders = calloc(2 * n, sizeof(struct folder *));
    if (f->paths == NULL || f->seen == NULL || f->fresh == NULL || f->folders == NULL)
        return -1;
    for (; f->n < n; f->n++)
        if ((f->paths[f->n] = strdup(paths[f->n])) == NULL)
            return -1;
    return 0;
}

struct file_watch *file_watch_start(struct uv_loop_s *loop, struct background *background, const char *const *paths, size_t n, file_watch_fn on_change,
                                    void *ctx)
{
    struct file_watch *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return NULL;
    if (copy_paths(f, paths, n) != 0) {
        free_watch(f);
        return NULL;
    }
    f->loop = loop;
    f->background = background;
    f->on_change = on_change;
    f->ctx = ctx;
    uv_timer_init(loop, &f->timer);
    uv_unref((uv_handle_t *)&f->timer);
    f->timer.data = f;
    f->handles = 1;
    watch_folders(f);
    start_look(f);
    return f;
}

void file_watch_stop(struct file_watch *f)
{
    if (f == NULL || f->stopping)
        return;
    f->stopping = true;
    close_folders(f);
    uv_close((uv_handle_t *)&f->timer, on_timer_closed);
}
