/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memory_file *memory_files_find(struct memory_files *m, const char *path)
{
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->items[i].path, path) == 0)
            return &m->items[i];
    return NULL;
}

struct memory_file *memory_files_put(struct memory_files *m, const char *path, struct span text)
{
    memory_files_remove(m, path);
    if (m->n == MEMORY_FILES_MAX)
        abort();
    struct memory_file *f = &m->items[m->n++];
    *f = (struct memory_file){0};
    snprintf(f->path, sizeof(f->path), "%s", path);
    bytes_init(&f->text, 1 << 24);
    if (bytes_append_span(&f->text, text) != 0)
        abort();
    return f;
}

struct memory_file *memory_files_put_folder(struct memory_files *m, const char *path)
{
    struct memory_file *f = memory_files_put(m, path, span_of(NULL, 0));
    f->facts.is_folder = true;
    return f;
}

void memory_files_remove(struct memory_files *m, const char *path)
{
    struct memory_file *f = memory_files_find(m, path);
    if (f == NULL)
        return;
    bytes_clear(&f->text);
    *f = m->items[--m->n];
}

void memory_files_clear(struct memory_files *m)
{
    while (m->n > 0)
        bytes_clear(&m->items[--m->n].text);
}

static int memory_read(void *ctx, const char *path, struct bytes *out, struct file_facts *facts, struct err *err)
{
    bytes_init(out, 1 << 24);
    struct memory_file *f = memory_files_find(ctx, path);
    if (f == NULL && strncmp(path, "spiffe:", 7) == 0)
        return err_set(err, ERR_CREDENTIAL, "the SPIFFE agent does not give %s", path);
    if (f == NULL)
        return err_set(err, ERR_IO, "%s: cannot open: No such file or directory", path);
    if (f->unreadable)
        return err_set(err, ERR_IO, "%s: cannot open: Permission denied", path);
    *facts = f->facts;
    return bytes_append_span(out, bytes_span(&f->text));
}

static const char *name_in(const char *folder, const char *path)
{
    size_t n = strlen(folder);
    bool inside = strncmp(path, folder, n) == 0 && path[n] == '/' && strchr(path + n + 1, '/') == NULL;
    return inside ? path + n + 1 : NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int memory_list(void *ctx, const char *path, char ***names, size_t *n, struct err *err)
{
    struct memory_files *m = ctx;
    *n = 0;
    *names = calloc(MEMORY_FILES_MAX, sizeof(**names));
    if (*names == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < m->n; i++) {
        const char *name = name_in(path, m->items[i].path);
        if (name != NULL)
            (*names)[(*n)++] = strdup(name);
    }
    qsort(*names, *n, sizeof(**names), by_name);
    if (*n > 0 || memory_files_find(m, path) != NULL)
        return 0;
    free(*names);
    *names = NULL;
    return err_set(err, ERR_IO, "%s: cannot open the folder: No such file or directory", path);
}

static int memory_look(void *ctx, const char *path, struct file_place *out)
{
    struct memory_file *f = memory_files_find(ctx, path);
    out->n_folders = 0;
    if (f == NULL)
        return -1;
    out->file = f->facts.access;
    const char *slash = strrchr(path, '/');
    struct file_place_folder *folder = &out->folders[0];
    snprintf(folder->path, sizeof(folder->path), "%.*s", slash != NULL ? (int)(slash - path) : 0, path);
    f = memory_files_find(ctx, folder->path);
    if (f != NULL) {
        folder->access = f->facts.access;
        out->n_folders = 1;
    }
    return 0;
}

struct file_source memory_files_source(struct memory_files *m)
{
    return (struct file_source){.ctx = m, .read = memory_read, .list = memory_list, .look = memory_look};
}
