/* SPDX-License-Identifier: Apache-2.0 */
#include "target_name.h"

#include <string.h>

const char *target_name_label(const struct plan_target *t)
{
    return t->conf->route != NULL ? t->conf->route : t->conf->text;
}

bool target_name_is(const struct plan_target *t, struct span name)
{
    const char *upstream = t->upstream->conf->name;
    size_t n = strlen(upstream);
    if (name.len <= n || memcmp(name.ptr, upstream, n) != 0 || name.ptr[n] != '/')
        return false;
    return span_equals_str(span_skip(name, n + 1), target_name_label(t));
}
