/* SPDX-License-Identifier: Apache-2.0 */
#include "config_slot.h"

#include <stdlib.h>
#include <string.h>

void *config_slot_field(const struct config_slot *s)
{
    return (char *)s->base + s->o->offset;
}

int config_slot_no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out of memory");
}

int config_slot_keep(char **where, char *text, struct err *err)
{
    if (text == NULL)
        return config_slot_no_memory(err);
    free(*where);
    *where = text;
    return 0;
}

int config_slot_append(struct config_strings *list, char *text, struct err *err)
{
    char **items = text != NULL ? realloc(list->items, (list->n + 1) * sizeof(*items)) : NULL;
    if (items == NULL) {
        free(text);
        return config_slot_no_memory(err);
    }
    list->items = items;
    items[list->n++] = text;
    return 0;
}

int config_slot_set_text(const struct config_slot *s, struct err *err)
{
    return config_slot_keep(config_slot_field(s), strdup(s->text), err);
}

int config_slot_add_text(const struct config_slot *s, struct err *err)
{
    return config_slot_append(config_slot_field(s), strdup(s->text), err);
}

void config_slot_free_text(const struct config_slot *s)
{
    free(*(char **)config_slot_field(s));
}

void config_slot_free_texts(const struct config_slot *s)
{
    config_slot_free_list(config_slot_field(s));
}

void config_slot_free_list(struct config_strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct config_strings){0};
}
