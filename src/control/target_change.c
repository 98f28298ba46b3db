/* SPDX-License-Identifier: Apache-2.0 */
#include "target_change.h"

#include "mtlsd/base/log.h"
#include "mtlsd/base/text.h"
#include "mtlsd/proxy/balancer.h"
#include "target_name.h"

#include <string.h>

static const struct verb {
    const char *tail; /* of the path */
    bool weighs;
    enum target_mode mode;
    const char *done;
} verbs[] = {
    {"/drain", false, TARGET_DRAINED, "drained"},
    {"/disable", false, TARGET_DISABLED, "disabled"},
    {"/enable", false, TARGET_ENABLED, "enabled"},
    {"/weight", true, TARGET_ENABLED, "weight"},
};

enum { N_VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static bool ends_with(struct span *s, const char *tail)
{
    size_t n = strlen(tail);
    if (s->len <= n || !span_equals_str(span_skip(*s, s->len - n), tail))
        return false;
    s->len -= n;
    return true;
}

/* A target's address may hold brackets, which a client writes as %5B. False: no name is written so. */
static bool decode(struct span in, struct target_change *change)
{
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++, n++) {
        if (n == sizeof(change->room))
            return false;
        change->room[n] = (char)in.ptr[i];
        if (in.ptr[i] != '%')
            continue;
        int high = i + 2 < in.len ? text_hex_digit(in.ptr[i + 1]) : -1, low = high >= 0 ? text_hex_digit(in.ptr[i + 2]) : -1;
        if (low < 0)
            return false;
        change->room[n] = (char)(high * 16 + low);
        i += 2;
    }
    change->name = span_of(change->room, n);
    return true;
}

struct span target_change_value(struct span values, const char *name)
{
    size_t n = strlen(name);
    while (values.len > 0) {
        const uint8_t *end = memchr(values.ptr, '&', values.len);
        struct span one = span_of(values.ptr, end != NULL ? (size_t)(end - values.ptr) : values.len);
        if (one.len > n && one.ptr[n] == '=' && span_equals_str(span_of(one.ptr, n), name))
            return span_skip(one, n + 1);
        values = end != NULL ? span_skip(values, one.len + 1) : span_of(NULL, 0);
    }
    return span_of(NULL, 0);
}

static bool read_weight(struct span text, unsigned *weight)
{
    *weight = 0;
    if (text.len == 0 || text.len > 3)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        *weight = *weight * 10 + (unsigned)(text.ptr[i] - '0');
    }
    return *weight <= TARGET_WEIGHT_MAX;
}

enum target_change_result target_change_read(struct span path, struct span values, struct target_change *change)
{
    static const char prefix[] = "/targets/";
    size_t v = 0;
    if (path.len < sizeof(prefix) || !span_equals_str(span_of(path.ptr, sizeof(prefix) - 1), prefix))
        return TARGET_CHANGE_ELSEWHERE;
    path = span_skip(path, sizeof(prefix) - 1);
    while (v < N_VERBS && !ends_with(&path, verbs[v].tail))
        v++;
    if (v == N_VERBS)
        return TARGET_CHANGE_ELSEWHERE;
    change->weighs = verbs[v].weighs;
    change->mode = verbs[v].mode;
    change->weight = 0;
    if (!decode(path, change))
        return TARGET_CHANGE_BAD_NAME;
    if (change->weighs && !read_weight(target_change_value(values, "weight"), &change->weight))
        return TARGET_CHANGE_BAD_WEIGHT;
    return TARGET_CHANGE_READ;
}

const char *target_change_word(const struct target_change *change)
{
    for (size_t v = 0; v < N_VERBS; v++)
        if (verbs[v].weighs == change->weighs && (change->weighs || verbs[v].mode == change->mode))
            return verbs[v].done;
    return "changed";
}

static void tell(const struct plan_target *t, const struct target_change *change, const struct target_state *state, const char *asked_by)
{
    struct log_line l;
    log_begin(&l, LOG_LEVEL_INFO, "target", target_change_word(change));
    log_str(&l, "upstream", t->upstream->conf->name);
    log_str(&l, "target", target_name_label(t));
    if (change->weighs)
        log_uint(&l, "weight", balancer_weight(state, t));
    log_str(&l, "asked_by", asked_by);
    log_end(&l);
}

size_t target_change_apply(const struct snapshot *s, const struct target_change *change, const char *asked_by)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_targets; i++) {
        const struct plan_target *t = &s->targets[i];
        if (!target_name_is(t, change->name))
            continue;
        if (change->weighs)
            target_state_set_weight(s->target_state, t->index, change->weight);
        else
            target_state_set_mode(s->target_state, t->index, change->mode);
        tell(t, change, s->target_state, asked_by);
        n++;
    }
    return n;
}
