/* SPDX-License-Identifier: Apache-2.0 */
#include "socket_file.h"
#include "mtlsd/io/inherited.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void socket_file_note(struct socket_file **list, const char *path)
{
    struct stat st;
    struct socket_file *f = calloc(1, sizeof(*f));
    if (f == NULL || (f->path = strdup(path)) == NULL || lstat(path, &st) != 0) {
        if (f != NULL)
            free(f->path);
        free(f);
        return;
    }
    f->device = st.st_dev;
    f->inode = st.st_ino;
    f->next = *list;
    *list = f;
}

void socket_file_join(struct socket_file **into, struct socket_file **from)
{
    while (*into != NULL)
        into = &(*into)->next;
    *into = *from;
    *from = NULL;
}

static bool is_named(const struct snapshot *snapshot, const char *path)
{
    for (size_t i = 0; snapshot != NULL && i < snapshot->config->n_listeners; i++) {
        const struct config_listener *l = &snapshot->config->listeners[i];
        for (size_t b = 0; b < l->n_bind; b++) {
            if (l->bind[b].kind == ADDRESS_UNIX && strcmp(l->bind[b].path, path) == 0)
                return true;
        }
    }
    return false;
}

void socket_file_adopt(struct socket_file **list, const struct snapshot *snapshot, const struct inherited *handed)
{
    for (size_t i = 0; i < snapshot->config->n_listeners; i++) {
        const struct config_listener *l = &snapshot->config->listeners[i];
        for (size_t b = 0; b < l->n_bind; b++)
            if (l->bind[b].kind == ADDRESS_UNIX && inherited_fd(handed, l->bind_text[b], 0) >= 0)
                socket_file_note(list, l->bind[b].path);
    }
}

void socket_file_forget(struct socket_file **list)
{
    while (*list != NULL) {
        struct socket_file *f = *list;
        *list = f->next;
        free(f->path);
        free(f);
    }
}

void socket_file_remove(struct socket_file **list, const struct snapshot *kept)
{
    while (*list != NULL) {
        struct socket_file *f = *list;
        if (is_named(kept, f->path)) {
            list = &f->next;
            continue;
        }
        struct stat st;
        if (lstat(f->path, &st) == 0 && st.st_dev == f->device && st.st_ino == f->inode)
            unlink(f->path);
        *list = f->next;
        free(f->path);
        free(f);
    }
}
