/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/file_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct file_set_item *file_set_add(struct file_set *set, const char *folder, const char *name)
{
    struct file_set_item *items = realloc(set->items, (set->n + 1) * sizeof(*items));
    if (items == NULL)
        return NULL;
    set->items = items;
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path == NULL)
        return NULL;
    snprintf(path, size, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
    struct file_set_item *item = &set->items[set->n++];
    *item = (struct file_set_item){.path = path};
    return item;
}

void file_set_drop_last(struct file_set *set)
{
    struct file_set_item *last = &set->items[--set->n];
    free(last->path);
    bytes_clear(&last->text);
}

void file_set_clear(struct file_set *set)
{
    while (set->n > 0)
        file_set_drop_last(set);
    free(set->items);
    *set = (struct file_set){0};
}

struct tls_file *file_set_borrow(const struct file_set *set)
{
    struct tls_file *files = calloc(set->n + 1, sizeof(*files));
    for (size_t i = 0; files != NULL && i < set->n; i++)
        files[i] = (struct tls_file){set->items[i].path, bytes_span(&set->items[i].text)};
    return files;
}

bool file_set_is_ca(const char *name)
{
    size_t n = strlen(name);
    const char *end = n > 4 ? name + n - 4 : "";
    return name[0] != '.' && (strcmp(end, ".pem") == 0 || strcmp(end, ".crt") == 0 || strcmp(end, ".cer") == 0);
}
