/* SPDX-License-Identifier: Apache-2.0 */
#include "top_sheet.h"

#include "mtlsd/control/document.h"

#include <stdio.h>
#include <string.h>

enum { REFUSALS_SHOWN = 8, SOON_DAYS = 60 };

/* ---- rates ---- */

static const json_t *find(const json_t *list, const char *key, const char *value)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (strcmp(document_string(item, key, ""), value) == 0)
            return item;
    }
    return NULL;
}

/* A count that is less than before began again: the daemon was restarted. */
static double per_second(const struct top_sheet *s, double now, double before)
{
    double more = now >= before ? now - before : now;
    return s->seconds > 0 ? more / s->seconds : 0;
}

static double sum_of(const json_t *object)
{
    double sum = 0;
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
        sum += json_number_value(value);
    return sum;
}

struct text {
    char s[32];
};

static struct text rate(const struct top_sheet *s, double now, double before)
{
    struct text t;
    double r = per_second(s, now, before);
    if (s->before == NULL)
        return (struct text){"-"};
    snprintf(t.s, sizeof(t.s), r < 100 ? "%.1f" : "%.0f", r);
    return t;
}

static struct text byte_rate(const struct top_sheet *s, double now, double before)
{
    static const char *const units[] = {"B", "kB", "MB", "GB"};
    struct text t;
    double r = per_second(s, now, before);
    size_t unit = 0;
    if (s->before == NULL)
        return (struct text){"-"};
    for (; r >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
        r /= 1000;
    snprintf(t.s, sizeof(t.s), unit == 0 ? "%.0f %s" : "%.1f %s", r, units[unit]);
    return t;
}

static struct text rate_of(const struct top_sheet *s, const json_t *now, const json_t *before, const char *key)
{
    return rate(s, (double)document_number(now, key), (double)document_number(before, key));
}

/* ---- listeners ---- */

static json_t *listener_row(const struct top_sheet *s, const json_t *now)
{
    const json_t *before = find(document_get(s->before, "listeners"), "name", document_string(now, "name", ""));
    json_t *o = document_object("name:t clients:I requests:t failed:t refused:t", document_string(now, "name", "?"), document_number(now, "connections_open"),
                                rate_of(s, now, before, "requests_total").s, rate_of(s, now, before, "answers.5xx").s,
                                rate(s, sum_of(document_get(now, "refused")), sum_of(document_get(before, "refused"))).s);
    return document_add(o, "handshakes:t in:t out:t", rate_of(s, now, before, "handshakes_total").s,
                        byte_rate(s, (double)document_number(now, "bytes_in"), (double)document_number(before, "bytes_in")).s,
                        byte_rate(s, (double)document_number(now, "bytes_out"), (double)document_number(before, "bytes_out")).s);
}

static void print_listeners(struct page *p, const struct top_sheet *s)
{
    static const struct page_column columns[] = {{"LISTENER", "{name}"},     {">CLIENTS", "{clients:,}"}, {">REQUESTS/S", "{requests}"}, {">5XX/S", "{failed}"},
                                                 {">REFUSED/S", "{refused}"}, {">HANDSHAKES/S", "{handshakes}"}, {">IN/S", "{in}"},        {">OUT/S", "{out}"}};
    const json_t *list = document_get(s->now, "listeners");
    page_table(p, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *row = listener_row(s, json_array_get(list, i));
        p->failed = p->failed || row == NULL;
        page_row(p, row);
        json_decref(row);
    }
    page_table_end(p);
}

/* ---- targets ---- */

static json_t *target_row(const struct top_sheet *s, const json_t *upstream, const json_t *now)
{
    const char *name = document_string(upstream, "name", "?"), *address = document_string(now, "address", "?");
    const json_t *before = find(document_get(find(document_get(s->before, "upstreams"), "name", name), "targets"), "address", address);
    json_t *o = document_object("upstream:t target:t state:t active:I", name, address, document_string(now, "state", "?"), document_number(now, "active"));
    return document_add(o, "requests:t retries:t failures:t", rate_of(s, now, before, "requests_total").s, rate_of(s, now, before, "retries_total").s,
                        rate_of(s, now, before, "failures_total").s);
}

static void print_targets(struct page *p, const struct top_sheet *s)
{
    static const struct page_column columns[] = {{"UPSTREAM", "{upstream}"},   {"TARGET", "{target}"},       {"STATE", "{state}"},          {">ACTIVE", "{active:,}"},
                                                 {">REQUESTS/S", "{requests}"}, {">RETRIES/S", "{retries}"}, {">FAILURES/S", "{failures}"}};
    const json_t *upstreams = document_get(s->now, "upstreams");
    page_table(p, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < json_array_size(upstreams); i++) {
        const json_t *upstream = json_array_get(upstreams, i), *targets = document_get(upstream, "targets");
        for (size_t k = 0; k < json_array_size(targets); k++) {
            json_t *row = target_row(s, upstream, json_array_get(targets, k));
            p->failed = p->failed || row == NULL;
            page_row(p, row);
            json_decref(row);
        }
    }
    page_table_end(p);
}

/* ---- the rest ---- */

/* Our certificates, CAs and lists that end soon, or have ended; and certificates that an upstream sent us back to. */
static void print_ends(struct page *p, const struct top_sheet *s)
{
    const json_t *identities = document_get(s->now, "identities"), *trusts = document_get(s->now, "trusts");
    page_each(p, identities, "[  identity {name|?}: FALLBACK: {fallback}\n]");
    for (size_t i = 0; i < json_array_size(identities); i++)
        if (document_number(json_array_get(identities, i), "days_left") < SOON_DAYS)
            page_put(p, json_array_get(identities, i), "  identity {name|?}: {days_left|0} days, until {not_after|?}\n");
    for (size_t i = 0; i < json_array_size(trusts); i++) {
        const json_t *trust = json_array_get(trusts, i);
        if (json_is_integer(document_get(trust, "days_left")) && document_number(trust, "days_left") < SOON_DAYS)
            page_put(p, trust, "  CA of trust {name|?}: {days_left|0} days, until {not_after|?}\n");
        if (json_is_integer(document_get(trust, "crl_days_left")))
            page_put(p, trust, "  revocation list of trust {name|?}: {crl_days_left|0} days, until {crl_next_update|?}\n");
    }
}

static void print_refusals(struct page *p, const struct top_sheet *s)
{
    const json_t *list = document_get(s->now, "refusals");
    for (size_t i = 0; i < json_array_size(list) && i < REFUSALS_SHOWN; i++)
        page_put(p, json_array_get(list, i), "  {time|?} {reason|?} {count|1}x[ {listener}][ to {upstream}][: {detail}]\n");
}

void top_sheet_print(struct page *p, const struct top_sheet *s)
{
    page_put(p, s->now, "mtlsd {version|?}: [{?ready}ready][{!ready}{readiness|not ready}[, {not_ready_because}]], up {uptime_seconds:,} s, "
                        "{connections.open:,} of {connections.most:,} clients, {connections.refused_total:,} refused for lack of room, generation {generation|0}\n\n");
    print_listeners(p, s);
    page_say(p, "\n");
    print_targets(p, s);
    page_say(p, "\n");
    print_ends(p, s);
    page_say(p, "\n");
    print_refusals(p, s);
}

/* ---- the screen ---- */

int top_sheet_cut(struct bytes *out, struct span text, const struct top_screen *screen)
{
    int rc = screen->erase ? bytes_append_str(out, "\033[H") : 0;
    for (size_t row = 0; rc == 0 && text.len > 0 && row < screen->rows; row++) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;
        rc = bytes_append(out, text.ptr, len < screen->columns ? len : screen->columns);
        if (rc == 0)
            rc = bytes_append_str(out, screen->erase ? "\033[K\n" : "\n");
        text = span_skip(text, end != NULL ? len + 1 : len);
    }
    return rc == 0 && screen->erase ? bytes_append_str(out, "\033[J") : rc;
}
