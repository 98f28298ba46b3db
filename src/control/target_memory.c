/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/target_memory.h"
#include "target_change.h"
#include "target_name.h"

#include "mtlsd/base/text.h"

#include <string.h>

static int write_name(struct bytes *out, const struct plan_target *t)
{
    bytes_append_str(out, "/targets/");
    text_append_percent(out, span_from_str(t->upstream->conf->name));
    bytes_append_str(out, "/");
    return text_append_percent(out, span_from_str(target_name_label(t)));
}

int target_memory_write(struct bytes *out, const struct snapshot *s)
{
    int rc = 0;
    for (size_t i = 0; i < s->n_targets && rc == 0; i++) {
        const struct plan_target *t = &s->targets[i];
        enum target_mode mode = target_state_mode(s->target_state, t->index);
        unsigned weight = target_state_weight(s->target_state, t->index);
        if (mode != TARGET_ENABLED) {
            write_name(out, t);
            rc = bytes_append_str(out, mode == TARGET_DRAINED ? "/drain\n" : "/disable\n");
        }
        if (weight != 0 && rc == 0) {
            write_name(out, t);
            rc = bytes_printf(out, "/weight?weight=%u\n", weight);
        }
    }
    return rc;
}

/* The name of a target may have a question mark, too. */
static size_t path_length(struct span line)
{
    static const char query[] = "?weight=";
    const uint8_t *mark = line.len > 0 ? memrchr(line.ptr, '?', line.len) : NULL;
    size_t at = mark != NULL ? (size_t)(mark - line.ptr) : line.len;
    return line.len - at >= sizeof(query) - 1 && memcmp(line.ptr + at, query, sizeof(query) - 1) == 0 ? at : line.len;
}

static void restore(const struct snapshot *s, struct span line)
{
    struct target_change change;
    struct span path = span_of(line.ptr, path_length(line));
    struct span values = path.len < line.len ? span_skip(line, path.len + 1) : span_of(NULL, 0);
    if (target_change_read(path, values, &change) == TARGET_CHANGE_READ)
        target_change_apply(s, &change, "the process before");
}

void target_memory_restore(const struct snapshot *s, struct span text)
{
    const uint8_t *end;
    while (text.len > 0 && (end = memchr(text.ptr, '\n', text.len)) != NULL) {
        size_t n = (size_t)(end - text.ptr);
        restore(s, span_of(text.ptr, n));
        text = span_skip(text, n + 1);
    }
}
