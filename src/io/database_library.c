/* SPDX-License-Identifier: Apache-2.0 */
/* For the kinds of databases: their libraries, and how they wait. */
#include "database_internal.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

static void load(struct database_library *l)
{
    void *handle = dlopen(l->file, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        (void)err_set(&l->why, ERR_IO, "the library %s is not installed: install the package %s", l->file, l->package);
    for (size_t i = 0; handle != NULL && i < l->n; i++) {
        void *symbol = dlsym(handle, l->symbols[i].name);
        if (symbol == NULL)
            (void)err_set(&l->why, ERR_IO, "the library %s has no %s: install a newer %s", l->file, l->symbols[i].name, l->package);
        memcpy((char *)l->table + l->symbols[i].offset, &symbol, sizeof(symbol));
    }
}

int database_load(struct database_library *library, struct err *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    if (!library->was_tried)
        load(library);
    library->was_tried = true;
    pthread_mutex_unlock(&lock);
    return library->why.kind == ERR_NONE ? 0 : err_set(err, library->why.kind, "%s", library->why.text);
}

int database_poll(int fd, short events, int wake_fd, int timeout_ms)
{
    struct pollfd fds[2] = {{fd, events, 0}, {wake_fd, POLLIN, 0}};
    int rc = poll(fds, 2, timeout_ms);
    return rc > 0 && fds[0].revents != 0 ? 1 : 0;
}

bool database_stopped(const struct database_how *how)
{
    return how->stop != NULL && atomic_load(how->stop);
}
