/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics_page.h"

#include <stdio.h>

static void put(struct metrics_page *p, const char *text)
{
    if (p->rc == 0)
        p->rc = bytes_append_str(p->out, text);
}

/* A backslash, a quote and a line break are escaped. */
static void put_label(struct metrics_page *p, const char *before, const char *key, const char *value)
{
    put(p, before);
    put(p, key);
    put(p, "=\"");
    for (const char *s = value; *s != '\0' && p->rc == 0; s++)
        p->rc = *s == '\\' || *s == '"' ? bytes_printf(p->out, "\\%c", *s) : *s == '\n' ? bytes_append_str(p->out, "\\n") : bytes_append(p->out, s, 1);
    put(p, "\"");
}

static void put_series(struct metrics_page *p, const char *suffix, const struct metrics_label *labels, const char *bound)
{
    const char *before = "{";
    put(p, p->now->name);
    put(p, suffix);
    for (; labels->key != NULL; labels++, before = ",")
        put_label(p, before, labels->key, labels->value);
    if (bound != NULL)
        put_label(p, before, "le", bound);
    put(p, before[0] == ',' || bound != NULL ? "} " : " ");
}

static void put_value(struct metrics_page *p, uint64_t value)
{
    if (p->rc == 0)
        p->rc = bytes_printf(p->out, "%llu\n", (unsigned long long)value);
}

void metrics_sample(struct metrics_page *p, const struct metrics_label *labels, uint64_t value)
{
    put_series(p, "", labels, NULL);
    put_value(p, value);
}

void metrics_histogram(struct metrics_page *p, const struct metrics_label *labels, const struct counters_times *t)
{
    uint64_t n = 0;
    char bound[32];
    for (size_t i = 0; i < COUNTERS_BOUNDS; i++) {
        snprintf(bound, sizeof(bound), "%g", (double)counters_bound_us[i] / 1e6);
        put_series(p, "_bucket", labels, bound);
        put_value(p, n += t->below[i]);
    }
    put_series(p, "_bucket", labels, "+Inf");
    put_value(p, n += t->below[COUNTERS_BOUNDS]);
    put_series(p, "_sum", labels, NULL);
    if (p->rc == 0)
        p->rc = bytes_printf(p->out, "%llu.%06llu\n", (unsigned long long)(t->sum_us / 1000000), (unsigned long long)(t->sum_us % 1000000));
    put_series(p, "_count", labels, NULL);
    put_value(p, n);
}

/* ---- walking the configuration ---- */

void metrics_each_listener(struct metrics_page *p, bool with_tls, metrics_row_fn write)
{
    static const struct counters_row nothing;
    const struct config *config = p->view->snapshot->config;
    for (size_t i = 0; i < config->n_listeners; i++) {
        const struct counters_row *row = counters_find_listener(p->view->counters, config->listeners[i].name);
        if (!with_tls || config->listeners[i].tls.present)
            write(p, config->listeners[i].name, row != NULL ? row : &nothing);
    }
}

void metrics_each_upstream(struct metrics_page *p, bool with_tls, metrics_row_fn write)
{
    static const struct counters_row nothing;
    const struct config *config = p->view->snapshot->config;
    for (size_t i = 0; i < config->n_upstreams - config->n_served; i++) {
        const struct counters_row *row = counters_find_upstream(p->view->counters, config->upstreams[i].name);
        if (!with_tls || config->upstreams[i].tls.present)
            write(p, config->upstreams[i].name, row != NULL ? row : &nothing);
    }
}
