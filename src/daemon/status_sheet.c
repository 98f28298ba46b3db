/* SPDX-License-Identifier: Apache-2.0 */
#include "status_sheet.h"

#include "mtlsd/base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 10, CELL_MAX = 512, WIDEST = 48 };

struct cell {
    char text[CELL_MAX];
};

/* One table of the page: a row of titles, then rows of cells. The first failure sticks. */
struct sheet {
    struct bytes *out;
    struct cell *cells; /* owned */
    size_t columns, n;
    unsigned right; /* bits: columns of numbers */
    bool failed;
};

static void say(struct sheet *s, const char *text)
{
    if (!s->failed && bytes_append_str(s->out, text) != 0)
        s->failed = true;
}

static struct cell *add_cell(struct sheet *s)
{
    struct cell *cells = realloc(s->cells, (s->n + 1) * sizeof(*cells));
    if (cells == NULL) {
        s->failed = true;
        return NULL;
    }
    s->cells = cells;
    s->cells[s->n].text[0] = '\0';
    return &s->cells[s->n++];
}

static void add_text(struct sheet *s, const char *text)
{
    struct bytes plain;
    struct cell *cell = add_cell(s);
    bytes_init(&plain, CELL_MAX * 4);
    if (cell != NULL && text_append_percent(&plain, span_from_str(text)) == 0)
        snprintf(cell->text, sizeof(cell->text), "%.*s", (int)plain.len, plain.len > 0 ? (const char *)bytes_span(&plain).ptr : "");
    if (cell != NULL && plain.len >= sizeof(cell->text))
        memcpy(cell->text + sizeof(cell->text) - sizeof("..."), "...", sizeof("..."));
    bytes_clear(&plain);
}

enum { NUMBER_SIZE = 48 };

/* 1234567 as 1,234,567 */
static const char *number_text(json_int_t n, char text[NUMBER_SIZE])
{
    char digits[32];
    int len = snprintf(digits, sizeof(digits), "%lld", (long long)n);
    size_t k = 0;
    for (int i = 0; i < len; i++) {
        text[k++] = digits[i];
        bool between = i + 1 < len && (len - 1 - i) % 3 == 0 && digits[i] != '-';
        if (between)
            text[k++] = ',';
    }
    text[k] = '\0';
    return text;
}

static void add_number(struct sheet *s, json_int_t n)
{
    char text[NUMBER_SIZE];
    add_text(s, number_text(n, text));
}

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

static void begin_table(struct sheet *s, const char *const *titles, size_t n, unsigned right)
{
    s->columns = n;
    s->right = right;
    s->n = 0;
    for (size_t i = 0; i < n; i++)
        add_text(s, titles[i]);
}

static void put_cell(struct sheet *s, const char *text, size_t width, bool right)
{
    if (!s->failed && bytes_printf(s->out, right ? "%*s" : "%-*s", (int)width, text) != 0)
        s->failed = true;
}

static void end_table(struct sheet *s)
{
    size_t widths[MAX_COLUMNS] = {0};
    bool empty = s->n <= s->columns;
    for (size_t i = 0; i < s->n; i++) {
        size_t n = strlen(s->cells[i].text);
        n = n > WIDEST ? WIDEST : n;
        if (n > widths[i % s->columns])
            widths[i % s->columns] = n;
    }
    for (size_t i = 0; !empty && i < s->n; i++) {
        size_t column = i % s->columns;
        bool last = column + 1 == s->columns, right = (s->right >> column) & 1;
        say(s, "  ");
        put_cell(s, s->cells[i].text, last && !right ? 0 : widths[column], right);
        say(s, last ? "\n" : "");
    }
    say(s, empty ? "" : "\n");
}

/* "9 expired, 3 revoked"; a dash for none. */
static void add_refused(struct sheet *s, const json_t *counts)
{
    char text[CELL_MAX] = "-";
    size_t used = 0;
    json_t *object = (json_t *)(uintptr_t)counts; /* jansson iterates over what it does not change, but does not say so */
    for (void *it = json_object_iter(object); it != NULL && used < sizeof(text); it = json_object_iter_next(object, it)) {
        long long count = json_integer_value(json_object_iter_value(it));
        int n = snprintf(text + used, sizeof(text) - used, "%s%lld %s", used > 0 ? ", " : "", count, json_object_iter_key(it));
        used += n > 0 ? (size_t)n : 0;
    }
    add_text(s, text);
}

/* Text from a document, made harmless. */
static void say_plain(struct sheet *s, const char *text)
{
    struct bytes plain;
    bytes_init(&plain, 64 << 10);
    if (text_append_percent(&plain, span_from_str(text)) != 0 || bytes_append_span(s->out, bytes_span(&plain)) != 0)
        s->failed = true;
    bytes_clear(&plain);
}

static void say_line(struct sheet *s, const char *label, const char *text)
{
    if (!s->failed && bytes_printf(s->out, "  %-12s", label) != 0)
        s->failed = true;
    say_plain(s, text);
    say(s, "\n");
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

static void write_instance(struct sheet *s, const json_t *status)
{
    char up[48], line[CELL_MAX];
    const json_t *reload = json_object_get(status, "last_reload");
    duration_text(number_of(status, "uptime_seconds"), up);
    const char *state = truth_of(status, "draining") ? "draining" : truth_of(status, "ready") ? "ready" : "starting";
    snprintf(line, sizeof(line), "%s, up %s, %lld worker%s, generation %lld", state, up, (long long)number_of(status, "workers"),
             number_of(status, "workers") == 1 ? "" : "s", (long long)number_of(status, "generation"));
    say(s, "mtlsd ");
    say_plain(s, text_of(status, "version", "?"));
    say(s, ": ");
    say(s, line);
    say(s, "\n\n");
    say_line(s, "config", text_of(status, "config", "(from the command line)"));
    say_line(s, "started", text_of(status, "started", "-"));
    if (json_is_object(reload)) {
        snprintf(line, sizeof(line), "%s at %s", text_of(reload, "result", "?"), text_of(reload, "time", "?"));
        say_line(s, "last reload", line);
        if (text_of(reload, "error", NULL) != NULL)
            say_line(s, "", text_of(reload, "error", ""));
    }
    say(s, "\n");
}

static void binds_text(const json_t *listener, char out[CELL_MAX])
{
    size_t i, used = 0;
    json_t *value;
    out[0] = '\0';
    json_array_foreach(json_object_get(listener, "bind"), i, value)
    {
        const char *text = json_string_value(value);
        int n = snprintf(out + used, CELL_MAX - used, "%s%s", i > 0 ? " " : "", text != NULL ? text : "?");
        used += n > 0 ? (size_t)n : 0;
        if (used >= CELL_MAX)
            return;
    }
}

/* "none 2, expired 1, the last at ..." */
static void statuses_text(json_t *statuses, char text[CELL_MAX])
{
    const char *word, *last = "";
    json_t *status;
    size_t used = 0;
    text[0] = '\0';
    json_object_foreach(statuses, word, status)
    {
        char count[NUMBER_SIZE];
        const char *seen = text_of(status, "last", "");
        int n = snprintf(text + used, CELL_MAX - used, "%s%s %s", used > 0 ? ", " : "", word, number_text(number_of(status, "connections"), count));
        used += n > 0 ? (size_t)n : 0;
        last = strcmp(seen, last) > 0 ? seen : last;
        if (used >= CELL_MAX)
            return;
    }
    snprintf(text + used, CELL_MAX - used, "; the last at %s", last);
}

/* What rules that are only tried out (allow_log_only) would have refused. */
static void write_tried_out(struct sheet *s, const json_t *listener)
{
    char line[CELL_MAX], count[NUMBER_SIZE];
    if (number_of(listener, "would_refuse") == 0)
        return;
    snprintf(line, sizeof(line), "%s: allow_log_only: %s would have been refused by allow", text_of(listener, "name", "?"),
             number_text(number_of(listener, "would_refuse"), count));
    say(s, "  ");
    say_plain(s, line);
    say(s, "\n");
}

/* Who they were lately, "CN=x, 10.0.0.1". */
static void write_last(struct sheet *s, const json_t *enforcing)
{
    const json_t *last = json_object_get(enforcing, "last");
    size_t i;
    json_t *one;
    json_array_foreach(last, i, one)
    {
        say(s, i == 0 ? "    lately: " : "; ");
        say_plain(s, text_of(one, "who", "?"));
    }
    if (json_array_size(last) > 0)
        say(s, "\n");
}

/* What it would cost to demand a valid certificate of everybody, where that is not so yet. */
static void write_enforcing(struct sheet *s, const json_t *listener)
{
    json_t *o = json_object_get(listener, "enforcing");
    char line[3 * CELL_MAX], statuses[CELL_MAX], callers[NUMBER_SIZE], refused[NUMBER_SIZE];
    if (!json_is_object(o))
        return;
    number_text(number_of(o, "callers"), callers);
    number_text(number_of(o, "would_be_refused"), refused);
    statuses_text(json_object_get(o, "statuses"), statuses);
    const char *name = text_of(listener, "name", "?");
    if (number_of(o, "callers") == 0)
        snprintf(line, sizeof(line), "%s: ready to enforce? no caller yet", name);
    else if (number_of(o, "would_be_refused") == 0)
        snprintf(line, sizeof(line), "%s: ready to enforce: none of %s callers would be refused", name, callers);
    else
        snprintf(line, sizeof(line), "%s: ready to enforce: %s of %s callers would be refused (%s)", name, refused, callers, statuses);
    say(s, "  ");
    say_plain(s, line);
    say(s, "\n");
    write_last(s, o);
}

static void write_listeners(struct sheet *s, const json_t *status)
{
    static const char *const titles[] = {"LISTENER", "BIND", "SPEAKS", "CLIENT CERT", "TO", "OPEN", "CONNS", "REQUESTS", "REFUSED"};
    size_t i;
    json_t *l;
    begin_table(s, titles, 9, 0xe0);
    json_array_foreach(json_object_get(status, "listeners"), i, l)
    {
        char text[CELL_MAX];
        add_text(s, text_of(l, "name", "?"));
        binds_text(l, text);
        add_text(s, text);
        snprintf(text, sizeof(text), "%s%s", text_of(l, "protocol", "?"), truth_of(l, "tls") ? " over TLS" : "");
        add_text(s, text);
        add_text(s, text_of(l, "client_cert", "-"));
        add_text(s, text_of(l, "upstream", json_array_size(json_object_get(l, "routes")) > 0 ? "its routes" : "-"));
        add_number(s, number_of(l, "connections_open"));
        add_number(s, number_of(l, "connections_total"));
        add_number(s, number_of(l, "requests_total"));
        add_refused(s, json_object_get(l, "refused"));
    }
    end_table(s);
    size_t before = s->out->len;
    json_array_foreach(json_object_get(status, "listeners"), i, l)
    {
        write_enforcing(s, l);
        write_tried_out(s, l);
    }
    say(s, s->out->len > before ? "\n" : "");
}

/* The first, and how many more there are. */
static void targets_text(const json_t *u, char text[CELL_MAX])
{
    const json_t *targets = json_object_get(u, "targets");
    size_t n = json_array_size(targets);
    int len = snprintf(text, CELL_MAX, "%s", n > 0 ? text_of(json_array_get(targets, 0), "address", "?") : "?");
    if (n > 1 && len > 0 && len < CELL_MAX)
        snprintf(text + len, CELL_MAX - (size_t)len, " and %zu more", n - 1);
}

static void write_upstreams(struct sheet *s, const json_t *status)
{
    static const char *const titles[] = {"UPSTREAM", "TARGET", "IDENTITY", "TRUST", "CONNECTS", "HANDSHAKES", "RESUMED", "FAILED"};
    size_t i;
    json_t *u;
    begin_table(s, titles, 8, 0x70);
    json_array_foreach(json_object_get(status, "upstreams"), i, u)
    {
        char text[CELL_MAX];
        add_text(s, text_of(u, "name", "?"));
        targets_text(u, text);
        add_text(s, text);
        add_text(s, text_of(u, "identity", truth_of(u, "tls") ? "none" : "plaintext"));
        add_text(s, text_of(u, "trust", "-"));
        add_number(s, number_of(u, "connects_total"));
        add_number(s, number_of(u, "handshakes_total"));
        add_number(s, number_of(u, "resumed_total"));
        add_refused(s, json_object_get(u, "refused"));
    }
    end_table(s);
}

static void add_state(struct sheet *s, const json_t *target)
{
    char text[64];
    const json_t *held = json_object_get(target, "held_seconds");
    const char *state = text_of(target, "state", "?");
    if (json_is_integer(held) && strcmp(state, "held") == 0)
        snprintf(text, sizeof(text), "held %llds", (long long)json_integer_value(held));
    else
        snprintf(text, sizeof(text), "%s%s", state, json_is_true(json_object_get(target, "backup")) ? ", backup" : "");
    add_text(s, text);
}

static void add_target(struct sheet *s, const char *upstream, const json_t *target)
{
    char name[CELL_MAX];
    snprintf(name, sizeof(name), "%s/%s", upstream, text_of(target, "route", text_of(target, "address", "?")));
    add_text(s, name);
    add_text(s, text_of(target, "address", "?"));
    add_state(s, target);
    add_number(s, number_of(target, "active"));
    add_number(s, number_of(target, "requests_total"));
    add_number(s, number_of(target, "retries_total"));
    add_number(s, number_of(target, "failures_total"));
}

/* Where there are several, and a single one when something is about it. */
static void write_targets(struct sheet *s, const json_t *status)
{
    static const char *const titles[] = {"TARGET", "ADDRESS", "STATE", "ACTIVE", "REQUESTS", "RETRIES", "FAILURES"};
    size_t i, k;
    json_t *u, *t;
    begin_table(s, titles, 7, 0x78);
    json_array_foreach(json_object_get(status, "upstreams"), i, u)
    {
        const json_t *targets = json_object_get(u, "targets");
        json_array_foreach(targets, k, t)
        {
            if (json_array_size(targets) > 1 || strcmp(text_of(t, "state", "up"), "up") != 0)
                add_target(s, text_of(u, "name", "?"), t);
        }
    }
    end_table(s);
}

static void write_routes(struct sheet *s, const json_t *status)
{
    static const char *const titles[] = {"ROUTE", "WHERE", "TO", "HITS", "REFUSED"};
    size_t i, k;
    json_t *l, *r;
    begin_table(s, titles, 5, 0x18);
    json_array_foreach(json_object_get(status, "listeners"), i, l)
    {
        json_array_foreach(json_object_get(l, "routes"), k, r)
        {
            char name[CELL_MAX];
            snprintf(name, sizeof(name), "%s %lld", text_of(l, "name", "?"), (long long)number_of(r, "number"));
            add_text(s, name);
            add_text(s, text_of(r, "where", "-"));
            add_text(s, text_of(r, "to", "-"));
            add_number(s, number_of(r, "hits"));
            add_number(s, number_of(r, "refused"));
        }
    }
    end_table(s);
}

static void add_days(struct sheet *s, const json_t *object, const char *key)
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
    add_text(s, text);
}

static void write_identities(struct sheet *s, const json_t *status)
{
    static const char *const titles[] = {"IDENTITY", "SUBJECT", "ISSUER", "KEY", "ENDS", "LEFT"};
    size_t i;
    json_t *id;
    begin_table(s, titles, 6, 0);
    json_array_foreach(json_object_get(status, "identities"), i, id)
    {
        add_text(s, text_of(id, "name", "?"));
        add_text(s, text_of(id, "subject", "?"));
        add_text(s, text_of(id, "issuer", "?"));
        add_text(s, text_of(id, "key", "?"));
        add_text(s, text_of(id, "not_after", "-"));
        add_days(s, id, "days_left");
    }
    end_table(s);
}

static void write_trusts(struct sheet *s, const json_t *status)
{
    static const char *const titles[] = {"TRUST", "CAS", "FIRST CA ENDS IN", "CRLS", "REVOKED", "CRL NEXT UPDATE", "IN"};
    size_t i;
    json_t *t;
    begin_table(s, titles, 7, 0x1a);
    json_array_foreach(json_object_get(status, "trusts"), i, t)
    {
        add_text(s, text_of(t, "name", "?"));
        add_number(s, number_of(t, "cas"));
        add_days(s, t, "days_left");
        add_number(s, number_of(t, "crls"));
        add_number(s, number_of(t, "revoked"));
        add_text(s, text_of(t, "crl_next_update", "-"));
        add_days(s, t, "crl_days_left");
    }
    end_table(s);
}

/* CAs whose callers cannot be let in for want of a list, or could be revoked without our knowing. */
static void write_gaps(struct sheet *s, const json_t *status)
{
    size_t i, k, before = s->out->len;
    json_t *t, *ca;
    json_array_foreach(json_object_get(status, "trusts"), i, t) json_array_foreach(json_object_get(t, "crl_coverage"), k, ca)
    {
        bool covered = truth_of(ca, "covered");
        if (covered && !truth_of(ca, "stale"))
            continue;
        say(s, "  ");
        say_plain(s, text_of(t, "name", "?"));
        say(s, covered ? ": the revocation list is STALE since " : ": NO revocation list of ");
        say_plain(s, covered ? text_of(ca, "next_update", "?") : text_of(ca, "ca", "?"));
        say(s, covered ? ", of " : "");
        say_plain(s, covered ? text_of(ca, "ca", "?") : "");
        say(s, "\n");
    }
    say(s, s->out->len > before ? "\n" : "");
}

static size_t count_fetches(const json_t *status)
{
    size_t i, n = 0;
    json_t *t;
    json_array_foreach(json_object_get(status, "trusts"), i, t) n += json_array_size(json_object_get(t, "crl_fetch"));
    return n;
}

static void write_fetches(struct sheet *s, const json_t *status)
{
    static const char *const titles[] = {"LISTS OF", "FETCHED FROM", "IN USE", "LAST SUCCESS", "NEXT ATTEMPT", "LAST ERROR"};
    size_t i, k;
    json_t *t, *f;
    if (count_fetches(status) == 0)
        return;
    begin_table(s, titles, 6, 0);
    json_array_foreach(json_object_get(status, "trusts"), i, t) json_array_foreach(json_object_get(t, "crl_fetch"), k, f)
    {
        add_text(s, text_of(t, "name", "?"));
        add_text(s, text_of(f, "url", "?"));
        add_text(s, json_is_true(json_object_get(f, "in_use")) ? "yes" : "no");
        add_text(s, text_of(f, "last_success", "never"));
        add_text(s, text_of(f, "next_attempt", "now"));
        add_text(s, text_of(f, "last_error", "-"));
    }
    end_table(s);
}

enum { SHOWN = 10 };

static void write_refusals(struct sheet *s, const json_t *status)
{
    const json_t *all = json_object_get(status, "refusals");
    size_t i;
    json_t *r;
    if (json_array_size(all) == 0)
        return;
    say(s, "  LAST REFUSALS\n");
    json_array_foreach(all, i, r)
    {
        char line[CELL_MAX];
        if (i == SHOWN)
            break;
        const char *upstream = text_of(r, "upstream", NULL);
        snprintf(line, sizeof(line), "%s  %s%s%s  %s", text_of(r, "time", "?"), text_of(r, "listener", "-"), upstream != NULL ? " -> " : "",
                 upstream != NULL ? upstream : "", text_of(r, "reason", "?"));
        say(s, "  ");
        say_plain(s, line);
        say(s, "\n");
        say_line(s, "    what", text_of(r, "detail", ""));
        if (text_of(r, "peer_subject", NULL) != NULL)
            say_line(s, "    peer", text_of(r, "peer_subject", ""));
        say_line(s, "    to do", text_of(r, "hint", ""));
    }
    if (json_array_size(all) > SHOWN)
        say(s, "  (more with --json)\n");
}

int status_sheet_write(struct bytes *out, const struct json_t *status)
{
    struct sheet s = {.out = out};
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
