/* SPDX-License-Identifier: Apache-2.0 */
#include "status_sheet.h"

#include "status_table.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : otherwise;
}

static json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static bool truth_of(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* "9 expired, 3 revoked"; a dash for none. */
static void add_refused(struct status_table *s, const json_t *counts)
{
    char text[STATUS_TABLE_CELL] = "-";
    size_t used = 0;
    json_t *object = (json_t *)(uintptr_t)counts; /* jansson iterates over what it does not change, but does not say so */
    for (void *it = json_object_iter(object); it != NULL && used < sizeof(text); it = json_object_iter_next(object, it)) {
        long long count = json_integer_value(json_object_iter_value(it));
        int n = snprintf(text + used, sizeof(text) - used, "%s%lld %s", used > 0 ? ", " : "", count, json_object_iter_key(it));
        used += n > 0 ? (size_t)n : 0;
    }
    status_table_text(s, text);
}

static void duration_text(json_int_t seconds, char out[48])
{
    long long s = seconds, days = s / 86400, hours = s / 3600 % 24, minutes = s / 60 % 60;
    if (days > 0)
        snprintf(out, 48, "%lldd %lldh", days, hours);
    else if (hours > 0)
        snprintf(out, 48, "%lldh %lldm", hours, minutes);
    else if (minutes > 0)
        snprintf(out, 48, "%lldm %llds", minutes, s % 60);
    else
        snprintf(out, 48, "%llds", s);
}

static void write_instance(struct status_table *s, const json_t *status)
{
    char up[48], line[STATUS_TABLE_CELL];
    const json_t *reload = json_object_get(status, "last_reload");
    duration_text(number_of(status, "uptime_seconds"), up);
    const char *state = truth_of(status, "draining") ? "draining" : truth_of(status, "ready") ? "ready" : "starting";
    snprintf(line, sizeof(line), "%s, up %s, %lld worker%s, generation %lld", state, up, (long long)number_of(status, "workers"),
             number_of(status, "workers") == 1 ? "" : "s", (long long)number_of(status, "generation"));
    status_table_say(s, "mtlsd ");
    status_table_say_plain(s, text_of(status, "version", "?"));
    status_table_say(s, ": ");
    status_table_say(s, line);
    status_table_say(s, "\n\n");
    status_table_say_line(s, "config", text_of(status, "config", "(from the command line)"));
    const json_t *room = json_object_get(status, "connections");
    if (room != NULL) {
        snprintf(line, sizeof(line), "%s%lld of %lld clients, %lld of %lld descriptors for clients and upstreams, %lld refused", truth_of(room, "full") ? "full: " : "",
                 (long long)number_of(room, "open"), (long long)number_of(room, "most"), (long long)number_of(room, "descriptors"),
                 (long long)number_of(room, "most_descriptors"), (long long)number_of(room, "refused_total"));
        status_table_say_line(s, "connections", line);
    }
    status_table_say_line(s, "started", text_of(status, "started", "-"));
    if (json_is_object(reload)) {
        snprintf(line, sizeof(line), "%s at %s", text_of(reload, "result", "?"), text_of(reload, "time", "?"));
        status_table_say_line(s, "last reload", line);
        if (text_of(reload, "error", NULL) != NULL)
            status_table_say_line(s, "", text_of(reload, "error", ""));
    }
    status_table_say(s, "\n");
}

static void binds_text(const json_t *listener, char out[STATUS_TABLE_CELL])
{
    size_t i, used = 0;
    json_t *value;
    out[0] = '\0';
    json_array_foreach(json_object_get(listener, "bind"), i, value)
    {
        const char *text = json_string_value(value);
        int n = snprintf(out + used, STATUS_TABLE_CELL - used, "%s%s", i > 0 ? " " : "", text != NULL ? text : "?");
        used += n > 0 ? (size_t)n : 0;
        if (used >= STATUS_TABLE_CELL)
            return;
    }
}

/* "none 2, expired 1, the last at ..." */
static void statuses_text(json_t *statuses, char text[STATUS_TABLE_CELL])
{
    const char *word, *last = "";
    json_t *status;
    size_t used = 0;
    text[0] = '\0';
    json_object_foreach(statuses, word, status)
    {
        char count[STATUS_TABLE_DIGITS];
        const char *seen = text_of(status, "last", "");
        int n = snprintf(text + used, STATUS_TABLE_CELL - used, "%s%s %s", used > 0 ? ", " : "", word, status_table_digits(number_of(status, "connections"), count));
        used += n > 0 ? (size_t)n : 0;
        last = strcmp(seen, last) > 0 ? seen : last;
        if (used >= STATUS_TABLE_CELL)
            return;
    }
    snprintf(text + used, STATUS_TABLE_CELL - used, "; the last at %s", last);
}

/* What rules that are only tried out (allow_log_only) would have refused. */
static void write_tried_out(struct status_table *s, const json_t *listener)
{
    char line[STATUS_TABLE_CELL], count[STATUS_TABLE_DIGITS];
    if (number_of(listener, "would_refuse") == 0)
        return;
    snprintf(line, sizeof(line), "%s: allow_log_only: %s would have been refused by allow", text_of(listener, "name", "?"),
             status_table_digits(number_of(listener, "would_refuse"), count));
    status_table_say(s, "  ");
    status_table_say_plain(s, line);
    status_table_say(s, "\n");
}

/* Who they were lately, "CN=x, 10.0.0.1". */
static void write_last(struct status_table *s, const json_t *enforcing)
{
    const json_t *last = json_object_get(enforcing, "last");
    size_t i;
    json_t *one;
    json_array_foreach(last, i, one)
    {
        status_table_say(s, i == 0 ? "    lately: " : "; ");
        status_table_say_plain(s, text_of(one, "who", "?"));
    }
    if (json_array_size(last) > 0)
        status_table_say(s, "\n");
}

/* What it would cost to demand a valid certificate of everybody, where that is not so yet. */
static void write_enforcing(struct status_table *s, const json_t *listener)
{
    json_t *o = json_object_get(listener, "enforcing");
    char line[3 * STATUS_TABLE_CELL], statuses[STATUS_TABLE_CELL], callers[STATUS_TABLE_DIGITS], refused[STATUS_TABLE_DIGITS];
    if (!json_is_object(o))
        return;
    status_table_digits(number_of(o, "callers"), callers);
    status_table_digits(number_of(o, "would_be_refused"), refused);
    statuses_text(json_object_get(o, "statuses"), statuses);
    const char *name = text_of(listener, "name", "?");
    if (number_of(o, "callers") == 0)
        snprintf(line, sizeof(line), "%s: ready to enforce? no caller yet", name);
    else if (number_of(o, "would_be_refused") == 0)
        snprintf(line, sizeof(line), "%s: ready to enforce: none of %s callers would be refused", name, callers);
    else
        snprintf(line, sizeof(line), "%s: ready to enforce: %s of %s callers would be refused (%s)", name, refused, callers, statuses);
    status_table_say(s, "  ");
    status_table_say_plain(s, line);
    status_table_say(s, "\n");
    write_last(s, o);
}

static void write_listeners(struct status_table *s, const json_t *status)
{
    static const char *const titles[] = {"LISTENER", "BIND", "SPEAKS", "CLIENT CERT", "TO", "OPEN", "CONNS", "REQUESTS", "REFUSED"};
    size_t i;
    json_t *l;
    status_table_begin(s, titles, 9, 0xe0);
    json_array_foreach(json_object_get(status, "listeners"), i, l)
    {
        char text[STATUS_TABLE_CELL];
        status_table_text(s, text_of(l, "name", "?"));
        binds_text(l, text);
        status_table_text(s, text);
        snprintf(text, sizeof(text), "%s%s", text_of(l, "protocol", "?"), truth_of(l, "tls") ? " over TLS" : "");
        status_table_text(s, text);
        status_table_text(s, text_of(l, "client_cert", "-"));
        status_table_text(s, text_of(l, "upstream", json_array_size(json_object_get(l, "routes")) > 0 ? "its routes" : "-"));
        status_table_number(s, number_of(l, "connections_open"));
        status_table_number(s, number_of(l, "connections_total"));
        status_table_number(s, number_of(l, "requests_total"));
        add_refused(s, json_object_get(l, "refused"));
    }
    status_table_end(s);
    size_t before = s->out->len;
    json_array_foreach(json_object_get(status, "listeners"), i, l)
    {
        write_enforcing(s, l);
        write_tried_out(s, l);
    }
    status_table_say(s, s->out->len > before ? "\n" : "");
}

/* The first, and how many more there are. */
static void targets_text(const json_t *u, char text[STATUS_TABLE_CELL])
{
    const json_t *targets = json_object_get(u, "targets");
    size_t n = json_array_size(targets);
    int len = snprintf(text, STATUS_TABLE_CELL, "%s", n > 0 ? text_of(json_array_get(targets, 0), "address", "?") : "?");
    if (n > 1 && len > 0 && len < STATUS_TABLE_CELL)
        snprintf(text + len, STATUS_TABLE_CELL - (size_t)len, " and %zu more", n - 1);
}

static void write_upstreams(struct status_table *s, const json_t *status)
{
    static const char *const titles[] = {"UPSTREAM", "TARGET", "IDENTITY", "TRUST", "CONNECTS", "HANDSHAKES", "RESUMED", "FAILED"};
    size_t i;
    json_t *u;
    status_table_begin(s, titles, 8, 0x70);
    json_array_foreach(json_object_get(status, "upstreams"), i, u)
    {
        char text[STATUS_TABLE_CELL];
        status_table_text(s, text_of(u, "name", "?"));
        targets_text(u, text);
        status_table_text(s, text);
        status_table_text(s, text_of(u, "identity", truth_of(u, "tls") ? "none" : "plaintext"));
        status_table_text(s, text_of(u, "trust", "-"));
        status_table_number(s, number_of(u, "connects_total"));
        status_table_number(s, number_of(u, "handshakes_total"));
        status_table_number(s, number_of(u, "resumed_total"));
        add_refused(s, json_object_get(u, "refused"));
    }
    status_table_end(s);
}

static void add_state(struct status_table *s, const json_t *target)
{
    char text[64];
    const json_t *held = json_object_get(target, "held_seconds");
    const char *state = text_of(target, "state", "?");
    if (json_is_integer(held) && strcmp(state, "held") == 0)
        snprintf(text, sizeof(text), "held %llds", (long long)json_integer_value(held));
    else
        snprintf(text, sizeof(text), "%s%s", state, json_is_true(json_object_get(target, "backup")) ? ", backup" : "");
    status_table_text(s, text);
}

static void add_target(struct status_table *s, const char *upstream, const json_t *target)
{
    char name[STATUS_TABLE_CELL];
    snprintf(name, sizeof(name), "%s/%s", upstream, text_of(target, "route", text_of(target, "address", "?")));
    status_table_text(s, name);
    status_table_text(s, text_of(target, "address", "?"));
    add_state(s, target);
    status_table_number(s, number_of(target, "active"));
    status_table_number(s, number_of(target, "requests_total"));
    status_table_number(s, number_of(target, "retries_total"));
    status_table_number(s, number_of(target, "failures_total"));
}

/* Where there are several, and a single one when something is about it. */
static void write_targets(struct status_table *s, const json_t *status)
{
    static const char *const titles[] = {"TARGET", "ADDRESS", "STATE", "ACTIVE", "REQUESTS", "RETRIES", "FAILURES"};
    size_t i, k;
    json_t *u, *t;
    status_table_begin(s, titles, 7, 0x78);
    json_array_foreach(json_object_get(status, "upstreams"), i, u)
    {
        const json_t *targets = json_object_get(u, "targets");
        json_array_foreach(targets, k, t)
        {
            if (json_array_size(targets) > 1 || strcmp(text_of(t, "state", "up"), "up") != 0)
                add_target(s, text_of(u, "name", "?"), t);
        }
    }
    status_table_end(s);
}

static void write_routes(struct status_table *s, const json_t *status)
{
    static const char *const titles[] = {"ROUTE", "WHERE", "TO", "HITS", "REFUSED"};
    size_t i, k;
    json_t *l, *r;
    status_table_begin(s, titles, 5, 0x18);
    json_array_foreach(json_object_get(status, "listeners"), i, l)
    {
        json_array_foreach(json_object_get(l, "routes"), k, r)
        {
            char name[STATUS_TABLE_CELL];
            snprintf(name, sizeof(name), "%s %lld", text_of(l, "name", "?"), (long long)number_of(r, "number"));
            status_table_text(s, name);
            status_table_text(s, text_of(r, "where", "-"));
            status_table_text(s, text_of(r, "to", "-"));
            status_table_number(s, number_of(r, "hits"));
            status_table_number(s, number_of(r, "refused"));
        }
    }
    status_table_end(s);
}

static void add_days(struct status_table *s, const json_t *object, const char *key)
{
    char text[64];
    const json_t *value = json_object_get(object, key);
    json_int_t days = json_integer_value(value);
    if (!json_is_integer(value))
        snprintf(text, sizeof(text), "-");
    else if (days < 0)
        snprintf(text, sizeof(text), "EXPIRED");
    else
        snprintf(text, sizeof(text), "%lld day%s%s", (long long)days, days == 1 ? "" : "s", days < 14 ? " !" : "");
    status_table_text(s, text);
}

static void write_identities(struct status_table *s, const json_t *status)
{
    static const char *const titles[] = {"IDENTITY", "SUBJECT", "ISSUER", "KEY", "ENDS", "LEFT"};
    size_t i;
    json_t *id;
    status_table_begin(s, titles, 6, 0);
    json_array_foreach(json_object_get(status, "identities"), i, id)
    {
        status_table_text(s, text_of(id, "name", "?"));
        status_table_text(s, text_of(id, "subject", "?"));
        status_table_text(s, text_of(id, "issuer", "?"));
        status_table_text(s, text_of(id, "key", "?"));
        status_table_text(s, text_of(id, "not_after", "-"));
        add_days(s, id, "days_left");
    }
    status_table_end(s);
}

static void write_trusts(struct status_table *s, const json_t *status)
{
    static const char *const titles[] = {"TRUST", "CAS", "FIRST CA ENDS IN", "CRLS", "REVOKED", "CRL NEXT UPDATE", "IN"};
    size_t i;
    json_t *t;
    status_table_begin(s, titles, 7, 0x1a);
    json_array_foreach(json_object_get(status, "trusts"), i, t)
    {
        status_table_text(s, text_of(t, "name", "?"));
        status_table_number(s, number_of(t, "cas"));
        add_days(s, t, "days_left");
        status_table_number(s, number_of(t, "crls"));
        status_table_number(s, number_of(t, "revoked"));
        status_table_text(s, text_of(t, "crl_next_update", "-"));
        add_days(s, t, "crl_days_left");
    }
    status_table_end(s);
}

/* CAs whose callers cannot be let in for want of a list, or could be revoked without our knowing. */
static void write_gaps(struct status_table *s, const json_t *status)
{
    size_t i, k, before = s->out->len;
    json_t *t, *ca;
    json_array_foreach(json_object_get(status, "trusts"), i, t) json_array_foreach(json_object_get(t, "crl_coverage"), k, ca)
    {
        bool covered = truth_of(ca, "covered");
        if (covered && !truth_of(ca, "stale"))
            continue;
        status_table_say(s, "  ");
        status_table_say_plain(s, text_of(t, "name", "?"));
        status_table_say(s, covered ? ": the revocation list is STALE since " : ": NO revocation list of ");
        status_table_say_plain(s, covered ? text_of(ca, "next_update", "?") : text_of(ca, "ca", "?"));
        status_table_say(s, covered ? ", of " : "");
        status_table_say_plain(s, covered ? text_of(ca, "ca", "?") : "");
        status_table_say(s, "\n");
    }
    status_table_say(s, s->out->len > before ? "\n" : "");
}

static size_t count_fetches(const json_t *status)
{
    size_t i, n = 0;
    json_t *t;
    json_array_foreach(json_object_get(status, "trusts"), i, t) n += json_array_size(json_object_get(t, "crl_fetch"));
    return n;
}

static void write_fetches(struct status_table *s, const json_t *status)
{
    static const char *const titles[] = {"LISTS OF", "FETCHED FROM", "IN USE", "LAST SUCCESS", "NEXT ATTEMPT", "LAST ERROR"};
    size_t i, k;
    json_t *t, *f;
    if (count_fetches(status) == 0)
        return;
    status_table_begin(s, titles, 6, 0);
    json_array_foreach(json_object_get(status, "trusts"), i, t) json_array_foreach(json_object_get(t, "crl_fetch"), k, f)
    {
        status_table_text(s, text_of(t, "name", "?"));
        status_table_text(s, text_of(f, "url", "?"));
        status_table_text(s, json_is_true(json_object_get(f, "in_use")) ? "yes" : "no");
        status_table_text(s, text_of(f, "last_success", "never"));
        status_table_text(s, text_of(f, "next_attempt", "now"));
        status_table_text(s, text_of(f, "last_error", "-"));
    }
    status_table_end(s);
}

enum { SHOWN = 10 };

/* Of one that happened again. */
static void write_times(struct status_table *s, const json_t *refusal)
{
    char line[STATUS_TABLE_CELL];
    json_int_t count = json_integer_value(json_object_get(refusal, "count"));
    if (count < 2)
        return;
    snprintf(line, sizeof(line), "%lld times since %s", (long long)count, text_of(refusal, "first", "?"));
    status_table_say_line(s, "    count", line);
}

static void write_refusals(struct status_table *s, const json_t *status)
{
    const json_t *all = json_object_get(status, "refusals");
    size_t i;
    json_t *r;
    if (json_array_size(all) == 0)
        return;
    status_table_say(s, "  LAST REFUSALS\n");
    json_array_foreach(all, i, r)
    {
        char line[STATUS_TABLE_CELL];
        if (i == SHOWN)
            break;
        const char *upstream = text_of(r, "upstream", NULL);
        snprintf(line, sizeof(line), "%s  %s%s%s  %s", text_of(r, "time", "?"), text_of(r, "listener", "-"), upstream != NULL ? " -> " : "",
                 upstream != NULL ? upstream : "", text_of(r, "reason", "?"));
        status_table_say(s, "  ");
        status_table_say_plain(s, line);
        status_table_say(s, "\n");
        write_times(s, r);
        status_table_say_line(s, "    what", text_of(r, "detail", ""));
        if (text_of(r, "peer_subject", NULL) != NULL)
            status_table_say_line(s, "    peer", text_of(r, "peer_subject", ""));
        status_table_say_line(s, "    to do", text_of(r, "hint", ""));
    }
    if (json_array_size(all) > SHOWN)
        status_table_say(s, "  (more with --json)\n");
}

int status_sheet_write(struct bytes *out, const struct json_t *status)
{
    struct status_table s = {.out = out};
    write_instance(&s, status);
    write_listeners(&s, status);
    write_routes(&s, status);
    write_upstreams(&s, status);
    write_targets(&s, status);
    write_identities(&s, status);
    write_trusts(&s, status);
    write_gaps(&s, status);
    write_fetches(&s, status);
    write_refusals(&s, status);
    free(s.cells);
    return s.failed ? -1 : 0;
}
