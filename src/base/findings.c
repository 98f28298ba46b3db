/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/findings.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void findings_init(struct findings *f)
{
    *f = (struct findings){0};
}

void findings_clear(struct findings *f)
{
    for (size_t i = 0; i < f->n; i++) {
        free(f->items[i].where);
        free(f->items[i].text);
    }
    free(f->items);
    findings_init(f);
}

static char *format(const char *fmt, va_list args) PRINTF_LIKE(1, 0);
static char *format(const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    char *text = n < 0 ? NULL : malloc((size_t)n + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

/* Room for one more; capacities are powers of two, so none has to be stored. */
static int make_room(struct findings *f)
{
    if (f->n != 0 && (f->n & (f->n - 1)) != 0)
        return 0;
    struct finding *items = realloc(f->items, (f->n == 0 ? 1 : f->n * 2) * sizeof(*items));
    if (items == NULL)
        return -1;
    f->items = items;
    return 0;
}

enum { LOOK_BACK = 256 /* findings; a file with more of them has other troubles */ };

/* A fault of an identity is reported once, however many upstreams name it. Errors and faults are reported at each place. */
static bool is_told(struct findings *f, const struct finding *fresh)
{
    for (size_t i = f->n > LOOK_BACK ? f->n - LOOK_BACK : 0; fresh->level <= FINDING_WARNING && i < f->n; i++) {
        if (f->items[i].level != fresh->level || strcmp(f->items[i].text, fresh->text) != 0)
            continue;
        f->items[i].times++;
        return true;
    }
    return false;
}

void findings_add(struct findings *f, enum finding_level level, const char *where, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct finding item = {level, strdup(where != NULL ? where : ""), format(fmt, args), 1};
    va_end(args);
    bool whole = item.where != NULL && item.text != NULL, told = whole && is_told(f, &item);
    if (!whole || told || make_room(f) != 0) {
        free(item.where);
        free(item.text);
        f->out_of_memory = f->out_of_memory || !told;
        return;
    }
    f->items[f->n++] = item;
    f->errors += level == FINDING_ERROR;
    f->faults += level == FINDING_FAULT;
    f->warnings += level == FINDING_WARNING;
}

const char *finding_level_word(enum finding_level level)
{
    return level >= FINDING_FAULT ? "error" : level == FINDING_WARNING ? "warning" : "note";
}

int findings_failed(const struct findings *f)
{
    return f->errors > 0 || f->out_of_memory;
}
