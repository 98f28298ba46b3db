/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "registry.h"

#include <string.h>

enum { FLAGS_MAX = 8 };

/* Opens the database, does one thing with it, and closes it. Gives an exit code. */
static int in_store(const struct registry_place *place, enum registry_store_use use, int (*act)(struct registry_store *s, void *ctx, struct err *err), void *ctx)
{
    struct err err = {0};
    struct registry_store s;
    if (registry_store_open(&s, place, use, &err) != 0)
        return command_fail_err(&err);
    int rc = act(&s, ctx, &err);
    registry_store_close(&s);
    return rc == 0 ? COMMAND_FINE : command_fail_err(&err);
}

int registry_command(const struct flags *like, const struct registry_action *action, int argc, char **argv)
{
    struct registry_place place = {0};
    struct flag table[FLAGS_MAX + REGISTRY_PLACE_FLAGS];
    struct flags flags = *like;
    int code;
    if (like->n > 0)
        memcpy(table, like->table, like->n * sizeof(table[0]));
    registry_place_flags(&place, table + like->n);
    flags.table = table;
    flags.n = like->n + REGISTRY_PLACE_FLAGS;
    return flags_read(&flags, argc, argv, action->operands, &code) ? in_store(&place, action->use, action->act, action->ctx) : code;
}
