/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/file_watch.h"

#include "mtlsd/base/log.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

/* An event only says that something changed in a folder. Whether a file is another one is found by a look, on a thread of its own, as it may take
 * long on a remote file system. A slow look at intervals finds what no event reported. */
enum { SETTLE_MS = 50, SLOW_MS = 5000, SLOW_EACH_MS = 5, BLIND_MS = 500, RECENT = 16 };

struct print { /* what changes when a file does; all 0: it is not there */
    struct timespec modified, changed;
    dev_t device;
    ino_t inode;
    off_t size;
};

struct file_prints {
    size_t n;
    struct print prints[];
};

/* Folders to listen to, each once, in order. */
struct folder_names {
    char **items; /* owned, each too */
    size_t n, room;
    bool incomplete; /* memory ran out */
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
    struct folder_names found; /* by the look that runs */
    struct folder_names names; /* of the folders of the files, and of what they link to; by the last look */
    struct folder **folders;   /* those that can be listened to; each freed when it is closed */
    size_t n_folders;
    size_t handles; /* open ones */
    uint64_t not_before_ms; /* of the loop's clock: no look before; UINT64_MAX: none at all */
    bool looking, look_again, known, blind, stopping;
    bool polls, said; /* the system refuses to report events, and that was logged */
};

static void schedule(struct file_watch *f, uint64_t ms);

/* ---- names of folders ---- */

static void clear_names(struct folder_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->items[i]);
    free(names->items);
    *names = (struct folder_names){0};
}

/* The folder of a file; path is cut. Files of a folder mostly follow each other. */
static void add_name(struct folder_names *names, char *path)
{
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        slash[slash == path] = '\0';
    const char *name = slash != NULL ? path : ".";
    for (size_t i = names->n; i > 0 && i + RECENT > names->n; i--)
        if (strcmp(names->items[i - 1], name) == 0)
            return;
    if (names->n == names->room) {
        size_t room = names->room * 2 + RECENT;
        char **items = realloc(names->items, room * sizeof(*items));
        if (items == NULL) {
            names->incomplete = true;
            return;
        }
        names->items = items;
        names->room = room;
    }
    names->items[names->n] = strdup(name);
    if (names->items[names->n] == NULL)
        names->incomplete = true;
    else
        names->n++;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void name_each_once(struct folder_names *names)
{
    size_t n = 0;
    if (names->n > 0)
        qsort(names->items, names->n, sizeof(*names->items), compare_names);
    for (size_t i = 0; i < names->n; i++) {
        if (n > 0 && strcmp(names->items[n - 1], names->items[i]) == 0)
            free(names->items[i]);
        else
            names->items[n++] = names->items[i];
    }
    names->n = n;
}

static bool same_names(const struct folder_names *a, const struct folder_names *b)
{
    bool same = a->n == b->n && !a->incomplete && !b->incomplete;
    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->items[i], b->items[i]) == 0;
    return same;
}

/* ---- freeing: in one place, when nothing is open any more ---- */

static void free_watch(struct file_watch *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->paths[i]);
    free(f->paths);
    free(f->seen);
    free(f->fresh);
    free(f->folders);
    clear_names(&f->names);
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

/* A folder that is not there cannot be watched either, but that ends by itself. */
static bool is_refused(int rc)
{
    return rc == UV_ENOSPC || rc == UV_EMFILE || rc == UV_ENFILE || rc == UV_ENOMEM || rc == UV_ENOSYS;
}

static void say_refused(struct file_watch *f, const char *path, int rc)
{
    f->polls = true;
    if (!f->said)
        log_say(LOG_LEVEL_WARN, "watch",
                "folder %s cannot be watched (%s): its files are looked at every %d ms instead; raise fs.inotify.max_user_watches and max_user_instances",
                path, uv_strerror(rc), BLIND_MS);
    f->said = true;
}

static void listen_to(struct folder *folder)
{
    folder->muted = false;
    int rc = uv_fs_event_start(&folder->event, on_event, folder->path, 0);
    if (rc == 0)
        return;
    folder->watch->blind = true;
    if (is_refused(rc))
        say_refused(folder->watch, folder->path, rc);
}

static void close_folders(struct file_watch *f)
{
    for (size_t i = 0; i < f->n_folders; i++)
        uv_close((uv_handle_t *)&f->folders[i]->event, on_folder_closed);
    f->n_folders = 0;
}

static void watch_folder(struct file_watch *f, const char *name)
{
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

/* The target of a link may be in another folder now; and a folder that was replaced has its name still, but is another. Takes names. */
static void watch_folders(struct file_watch *f, struct folder_names *names)
{
    close_folders(f);
    free(f->folders);
    clear_names(&f->names);
    f->names = *names;
    f->folders = calloc(names->n + 1, sizeof(*f->folders));
    f->blind = f->folders == NULL || names->incomplete;
    f->polls = false;
    for (size_t i = 0; f->folders != NULL && i < names->n; i++)
        watch_folder(f, names->items[i]);
    f->said = f->said && f->polls;
}

/* ---- looking ---- */

static void look_at(const char *path, struct print *out)
{
    struct stat st;
    memset(out, 0, sizeof(*out)); /* compared as bytes */
    if (stat(path, &st) != 0)
        return;
    out->modified = st.st_mtim;
    out->changed = st.st_ctim;
    out->device = st.st_dev;
    out->inode = st.st_ino;
    out->size = st.st_size;
}

static void name_folders(struct folder_names *names, const char *file)
{
    char path[PATH_MAX];
    size_t len = strlen(file);
    if (len >= sizeof(path))
        return;
    memcpy(path, file, len + 1);
    add_name(names, path);
    if (realpath(file, path) != NULL && strcmp(path, file) != 0)
        add_name(names, path);
}

static void look(void *ctx)
{
    struct file_watch *f = ctx;
    f->found = (struct folder_names){0};
    for (size_t i = 0; i < f->n; i++) {
        look_at(f->paths[i], &f->fresh[i]);
        name_folders(&f->found, f->paths[i]);
    }
    name_each_once(&f->found);
}

struct file_prints *file_prints_take(const char *const *paths, size_t n)
{
    struct file_prints *prints = calloc(1, sizeof(*prints) + n * sizeof(prints->prints[0]));
    for (size_t i = 0; prints != NULL && i < n; i++)
        look_at(paths[i], &prints->prints[i]);
    if (prints != NULL)
        prints->n = n;
    return prints;
}

void file_prints_free(struct file_prints *prints)
{
    free(prints);
}

/* Many files are looked at more rarely: a look costs some microseconds for each. */
static uint64_t slow_ms(const struct file_watch *f)
{
    uint64_t by_number = (uint64_t)f->n * SLOW_EACH_MS;
    return by_number > SLOW_MS ? by_number : SLOW_MS;
}

static void after_look(void *ctx)
{
    struct file_watch *f = ctx;
    f->looking = false;
    if (f->stopping) {
        clear_names(&f->found);
        free_if_over(f);
        return;
    }
    bool changed = !f->known || memcmp(f->seen, f->fresh, f->n * sizeof(*f->seen)) != 0, listens = f->folders != NULL;
    memcpy(f->seen, f->fresh, f->n * sizeof(*f->seen));
    f->known = true;
    if (changed || !same_names(&f->names, &f->found))
        watch_folders(f, &f->found);
    else
        clear_names(&f->found);
    bool again = f->look_again || !listens; /* what changed before the first folder was listened to */
    f->look_again = false;
    schedule(f, again ? (uint64_t)SETTLE_MS : f->blind ? (uint64_t)BLIND_MS : slow_ms(f));
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
        schedule(f, slow_ms(f));
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
    if (f->paths == NULL || f->seen == NULL || f->fresh == NULL)
        return -1;
    for (; f->n < n; f->n++)
        if ((f->paths[f->n] = strdup(paths[f->n])) == NULL)
            return -1;
    return 0;
}

struct file_watch *file_watch_start(struct uv_loop_s *loop, struct background *background, const struct file_watch_order *order)
{
    struct file_watch *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return NULL;
    if (copy_paths(f, order->paths, order->n) != 0) {
        free_watch(f);
        return NULL;
    }
    f->loop = loop;
    f->background = background;
    f->on_change = order->on_change;
    f->ctx = order->ctx;
    f->known = order->known != NULL && order->known->n == f->n;
    if (f->known)
        memcpy(f->seen, order->known->prints, f->n * sizeof(*f->seen));
    uv_timer_init(loop, &f->timer);
    uv_unref((uv_handle_t *)&f->timer);
    f->timer.data = f;
    f->handles = 1;
    start_look(f);
    return f;
}

bool file_watch_is_of(const struct file_watch *f, const char *const *paths, size_t n)
{
    bool same = f != NULL && !f->stopping && f->n == n;
    for (size_t i = 0; same && i < n; i++)
        same = strcmp(f->paths[i], paths[i]) == 0;
    return same;
}

bool file_watch_polls(const struct file_watch *f)
{
    return f != NULL && f->polls;
}

void file_watch_stop(struct file_watch *f)
{
    if (f == NULL || f->stopping)
        return;
    f->stopping = true;
    close_folders(f);
    uv_close((uv_handle_t *)&f->timer, on_timer_closed);
}
