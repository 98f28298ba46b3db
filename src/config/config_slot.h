/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The destination of one value: the row of the option table, the text, its file (relative paths start there), and the
 * struct to fill. Setters of any type store texts through this.
 */
#ifndef MTLSD_CONFIG_SLOT_H
#define MTLSD_CONFIG_SLOT_H

#include "config_options.h"
#include "mtlsd/config/config.h"

struct config_slot {
    const struct config_option *o;
    const char *text;
    const char *file;
    void *base;
};

typedef int (*config_slot_set_fn)(const struct config_slot *s, struct err *err);
typedef void (*config_slot_free_fn)(const struct config_slot *s); /* text and file may be NULL */

void *config_slot_field(const struct config_slot *s);

MUST_CHECK int config_slot_no_memory(struct err *err);

/* Both take text, also when they fail; NULL is out of memory. keep frees what was there. */
MUST_CHECK int config_slot_keep(char **where, char *text, struct err *err);
MUST_CHECK int config_slot_append(struct config_strings *list, char *text, struct err *err);

/* The text as it is: into a char *, or one more of a struct config_strings. */
MUST_CHECK int config_slot_set_text(const struct config_slot *s, struct err *err);
MUST_CHECK int config_slot_add_text(const struct config_slot *s, struct err *err);
void config_slot_free_text(const struct config_slot *s);
void config_slot_free_texts(const struct config_slot *s);
void config_slot_free_list(struct config_strings *list);

#endif
