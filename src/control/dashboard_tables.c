/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of the dashboard that are tables: targets, what ends when, who calls, refusals. */
#include "dashboard_parts.h"
#include "html.h"
#include "mtlsd/control/document.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { TARGETS_MOST = 200, ENDS_MOST = 60, REFUSALS_MOST = 20, BAR_WIDTH = 180, BAR_DAYS = 365 };

static void cell(struct bytes *out, const char *label, const char *classes)
{
    html_raw(out, "<td class=\"", classes, "\" data-label=\"", label, "\">", NULL);
}

static void text_cell(struct bytes *out, const char *label, const char *classes, const char *text)
{
    cell(out, label, classes);
    bytes_append_str(out, "<bdi>");
    html_text(out, text);
    bytes_append_str(out, "</bdi></td>");
}

static void number_cell(struct bytes *out, const char *label, const json_t *object, const char *key)
{
    cell(out, label, "n");
    dashboard_words_number(out, document_number(object, key));
    bytes_append_str(out, "</td>");
}

/* ---- targets ---- */

static const char *state_class(const char *state)
{
    return strcmp(state, "up") == 0 ? "good" : strcmp(state, "down") == 0 || strcmp(state, "held") == 0 ? "bad" : "soon";
}

/* The name as it stands in a path: percent-encoded once here, and once more by the browser that sends the form. */
static void put_target_name(struct bytes *out, const char *upstream, const char *label)
{
    static const char hex[] = "0123456789ABCDEF";
    html_text(out, upstream);
    bytes_append_str(out, "/");
    for (const char *p = label; *p != '\0'; p++) {
        char escape[] = {'%', hex[(unsigned char)*p >> 4], hex[(unsigned char)*p & 15], '\0'};
        if (*p == '%')
            bytes_append_str(out, escape);
        else
            html_text(out, (char[]){*p, '\0'});
    }
}

static void button(struct bytes *out, size_t row, const char *verb, const char *text)
{
    bytes_printf(out, "<button id=\"b%zu-%s\" name=\"do\" value=\"%s\">%s</button>", row, verb, verb, text);
}

static void put_actions(struct bytes *out, const char *upstream, const json_t *target, const char *nonce, size_t row)
{
    const char *label = document_string(target, "route", NULL), *state = document_string(target, "state", "");
    bool off = strcmp(state, "drained") == 0 || strcmp(state, "disabled") == 0;
    cell(out, "Change", "do");
    html_raw(out, "<form method=\"post\" action=\"?\"><input type=\"hidden\" name=\"nonce\" value=\"", nonce, "\"><input type=\"hidden\" name=\"target\" value=\"", NULL);
    put_target_name(out, upstream, label != NULL ? label : document_string(target, "address", ""));
    bytes_append_str(out, "\">");
    if (off)
        button(out, row, "enable", "Enable");
    if (strcmp(state, "drained") != 0)
        button(out, row, "drain", "Drain");
    if (strcmp(state, "disabled") != 0)
        button(out, row, "disable", "Disable");
    bytes_printf(out, "<input name=\"weight\" type=\"number\" min=\"0\" max=\"256\" value=\"%lld\" aria-label=\"Weight\">", document_number(target, "weight"));
    button(out, row, "weight", "Set weight");
    bytes_append_str(out, "</form></td>");
}

static void put_target(struct bytes *out, const json_t *upstream, const json_t *target, const char *nonce, size_t row)
{
    const char *name = document_string(upstream, "name", "?"), *label = document_string(target, "route", NULL), *state = document_string(target, "state", "?");
    bytes_append_str(out, "<tr>");
    cell(out, "Target", "name");
    bytes_append_str(out, "<bdi>");
    html_text(out, name);
    bytes_append_str(out, "/");
    html_text(out, label != NULL ? label : document_string(target, "address", "?"));
    bytes_append_str(out, "</bdi></td>");
    cell(out, "State", "");
    html_raw(out, "<span class=\"state ", state_class(state), "\">", state, document_truth(target, "backup") ? ", backup" : "", "</span></td>", NULL);
    number_cell(out, "Weight", target, "weight");
    number_cell(out, "Active", target, "active");
    number_cell(out, "Requests", target, "requests_total");
    number_cell(out, "Failures", target, "failures_total");
    put_actions(out, name, target, nonce, row);
    bytes_append_str(out, "</tr>\n");
}

static size_t put_upstream(struct bytes *out, const json_t *upstream, const char *nonce, size_t row)
{
    const json_t *targets = document_get(upstream, "targets");
    const char *sticky = document_string(upstream, "sticky", NULL);
    bytes_append_str(out, "<h3>");
    html_text(out, document_string(upstream, "name", "?"));
    html_raw(out, " <span class=\"faint\">", document_string(upstream, "balance", ""), sticky != NULL ? ", sessions stay by " : "", sticky != NULL ? sticky : "",
             "</span></h3><table><thead><tr><th>Target</th><th>State</th><th class=\"n\">Weight</th><th class=\"n\">Active</th><th class=\"n\">Requests</th>"
             "<th class=\"n\">Failures</th><th>Change</th></tr></thead><tbody>\n",
             NULL);
    for (size_t i = 0; i < json_array_size(targets) && row < TARGETS_MOST; i++, row++)
        put_target(out, upstream, json_array_get(targets, i), nonce, row);
    bytes_append_str(out, "</tbody></table>\n");
    return row;
}

void dashboard_targets(struct bytes *out, const json_t *status, const char *nonce)
{
    const json_t *upstreams = document_get(status, "upstreams");
    size_t row = 0;
    bytes_append_str(out, "<section id=\"targets\"><h2>Targets</h2>\n<p class=\"faint\">Drain: no new sessions; existing ones stay. Disable: no requests; sessions "
                          "move. Weight 0 restores the configured weight.</p>\n");
    for (size_t i = 0; i < json_array_size(upstreams) && row < TARGETS_MOST; i++)
        row = put_upstream(out, json_array_get(upstreams, i), nonce, row);
    if (row == TARGETS_MOST)
        bytes_append_str(out, "<p class=\"faint\">The first 200 are shown; the JSON has all.</p>");
    bytes_append_str(out, "</section>\n");
}

/* ---- what ends when ---- */

struct end {
    const char *what, *name, *when;
    const json_t *days;
};

struct ends {
    struct end *items;
    size_t n, most;
};

static void add_ends(struct ends *ends, const json_t *list, const char *what, const char *when, const char *days)
{
    for (size_t i = 0; i < json_array_size(list) && ends->n < ends->most; i++) {
        const json_t *item = json_array_get(list, i);
        const json_t *left = document_get(item, days);
        bool theirs = strcmp(document_string(item, "name", ""), "system") == 0; /* of the public CAs one has always ended */
        if (json_is_integer(left) && !theirs)
            ends->items[ends->n++] = (struct end){what, document_string(item, "name", "?"), document_string(item, when, ""), left};
    }
}

static int sooner(const void *a, const void *b)
{
    const struct end *x = a, *y = b;
    int order = strcmp(x->when, y->when);
    return order != 0 ? order : strcmp(x->name, y->name);
}

static void put_bar(struct bytes *out, const struct end *e)
{
    json_int_t days = json_integer_value(e->days);
    json_int_t width = days < 0 ? BAR_WIDTH : days >= BAR_DAYS ? BAR_WIDTH : 3 + days * (BAR_WIDTH - 3) / BAR_DAYS;
    bytes_printf(out, "<svg class=\"bar\" viewBox=\"0 0 %d 8\" aria-hidden=\"true\"><rect class=\"back\" width=\"%d\" height=\"8\" rx=\"4\"/>"
                      "<rect class=\"%s\" width=\"%lld\" height=\"8\" rx=\"4\"/></svg>",
                 BAR_WIDTH, BAR_WIDTH, dashboard_words_days_class(e->days), (long long)width);
}

static void put_end(struct bytes *out, const struct end *e)
{
    bytes_append_str(out, "<tr>");
    text_cell(out, "What", "name", e->name);
    text_cell(out, "Kind", "faint", e->what);
    cell(out, "When", dashboard_words_days_class(e->days));
    dashboard_words_days(out, e->days);
    bytes_append_str(out, "</td>");
    text_cell(out, "Date", "time faint", e->when);
    cell(out, "", "");
    put_bar(out, e);
    bytes_append_str(out, "</td></tr>\n");
}

void dashboard_timeline(struct bytes *out, const json_t *status)
{
    const json_t *identities = document_get(status, "identities"), *trusts = document_get(status, "trusts"), *listeners = document_get(status, "listeners"),
                 *upstreams = document_get(status, "upstreams");
    size_t most = json_array_size(identities) + 2 * json_array_size(trusts) + json_array_size(listeners) + json_array_size(upstreams);
    struct ends ends = {calloc(most + 1, sizeof(*ends.items)), 0, most};
    if (ends.items == NULL)
        return;
    add_ends(&ends, identities, "identity", "not_after", "days_left");
    add_ends(&ends, trusts, "first CA of a trust", "not_after", "days_left");
    add_ends(&ends, trusts, "revocation list", "crl_next_update", "crl_days_left");
    add_ends(&ends, listeners, "first client certificate seen", "peer_not_after", "peer_days_left");
    add_ends(&ends, upstreams, "server certificate seen", "peer_not_after", "peer_days_left");
    qsort(ends.items, ends.n, sizeof(*ends.items), sooner);
    bytes_append_str(out, "<section id=\"timeline\"><h2>What ends when</h2>\n<table><thead><tr><th>What</th><th>Kind</th><th>When</th><th>Date</th><th></th></tr></thead><tbody>\n");
    for (size_t i = 0; i < ends.n && i < ENDS_MOST; i++)
        put_end(out, &ends.items[i]);
    bytes_append_str(out, "</tbody></table>");
    bytes_append_str(out, ends.n == 0 ? "<p class=\"faint\">No certificate or list is in use.</p></section>\n" : "</section>\n");
    free(ends.items);
}

/* ---- who calls ---- */

static void put_statuses(struct bytes *out, const json_t *statuses)
{
    const char *word, *between = " (";
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)statuses, word, value)
    {
        bytes_append_str(out, between);
        html_text(out, word);
        bytes_printf(out, " %lld", document_number(value, "connections"));
        between = ", ";
    }
    bytes_append_str(out, between[0] == ',' ? ")" : "");
}

static void put_readiness(struct bytes *out, const json_t *listener)
{
    const json_t *enforcing = document_get(listener, "enforcing"), *last = document_get(enforcing, "last");
    long long callers = document_number(enforcing, "callers"), refused = document_number(enforcing, "would_be_refused"),
              by_rules = document_number(listener, "would_refuse");
    const char *cert = document_string(listener, "client_cert", NULL);
    if (json_is_object(enforcing))
        bytes_printf(out, "<span class=\"%s\">%lld of %lld clients would be refused if a valid certificate were required</span>",
                     callers > 0 && refused == 0 ? "good" : "soon", refused, callers);
    else
        html_raw(out, "<span class=\"faint\">",
                 cert == NULL ? "plaintext" : strcmp(cert, "required") == 0 ? "a valid certificate is required" : "no certificate is requested", "</span>", NULL);
    put_statuses(out, document_get(enforcing, "statuses"));
    for (size_t i = 0; i < json_array_size(last); i++) {
        bytes_append_str(out, i == 0 ? "<br>lately: <bdi>" : "; <bdi>");
        html_text(out, document_string(json_array_get(last, i), "who", "?"));
        bytes_append_str(out, "</bdi>");
    }
    if (by_rules > 0)
        bytes_printf(out, "<br><span class=\"soon\">%lld would have been refused by allow (allow_log_only)</span>", by_rules);
}

void dashboard_callers(struct bytes *out, const json_t *status)
{
    const json_t *listeners = document_get(status, "listeners");
    bytes_append_str(out, "<section id=\"callers\"><h2>Who calls</h2>\n<table><thead><tr><th>Listener</th><th class=\"n\">Open</th><th class=\"n\">Connections</th>"
                          "<th class=\"n\">Requests</th><th>Ready to enforce</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < json_array_size(listeners) && i < TARGETS_MOST; i++) {
        const json_t *l = json_array_get(listeners, i);
        bytes_append_str(out, "<tr>");
        text_cell(out, "Listener", "name", document_string(l, "name", "?"));
        number_cell(out, "Open", l, "connections_open");
        number_cell(out, "Connections", l, "connections_total");
        number_cell(out, "Requests", l, "requests_total");
        cell(out, "Ready to enforce", "");
        bytes_append_str(out, "<span>");
        put_readiness(out, l);
        bytes_append_str(out, "</span></td></tr>\n");
    }
    bytes_append_str(out, "</tbody></table></section>\n");
}

/* ---- refusals ---- */

static void put_faint(struct bytes *out, const char *before, const char *text)
{
    if (text == NULL)
        return;
    html_raw(out, "<br><bdi class=\"faint\">", before, NULL);
    html_text(out, text);
    bytes_append_str(out, "</bdi>");
}

/* Our own certificate, which the peer refused. */
static void put_ours(struct bytes *out, const json_t *ours)
{
    static const char *const rows[][2] = {{"ours: ", "subject"}, {"issued by ", "issuer"}, {"serial ", "serial"}, {"until ", "not_after"}, {"the peer accepts ", "accepted_cas"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        put_faint(out, rows[i][0], document_string(ours, rows[i][1], NULL));
}

static void put_refusal(struct bytes *out, const json_t *r)
{
    const char *peer = document_string(r, "peer_subject", NULL), *upstream = document_string(r, "upstream", NULL);
    bytes_append_str(out, "<tr>");
    text_cell(out, "Reason", "name", document_string(r, "reason", "?"));
    text_cell(out, "Time", "time faint", document_string(r, "time", ""));
    cell(out, "Where", "");
    bytes_append_str(out, "<bdi>");
    html_text(out, document_string(r, "listener", "-"));
    html_raw(out, upstream != NULL ? " to " : "", NULL);
    html_text(out, upstream);
    bytes_append_str(out, "</bdi></td>");
    number_cell(out, "Times", r, "count");
    cell(out, "What", "");
    bytes_append_str(out, "<span>");
    html_text(out, document_string(r, "detail", ""));
    put_faint(out, "", peer);
    put_ours(out, document_get(r, "ours"));
    bytes_append_str(out, "<br><span class=\"faint\">What to do: ");
    html_text(out, document_string(r, "hint", ""));
    bytes_append_str(out, "</span></span></td></tr>\n");
}

void dashboard_refusals(struct bytes *out, const json_t *status)
{
    const json_t *all = document_get(status, "refusals");
    size_t n = json_array_size(all);
    bytes_append_str(out, "<section id=\"refusals\"><h2>Last refusals</h2>\n");
    if (n == 0) {
        bytes_append_str(out, "<p class=\"faint\">None since the start.</p></section>\n");
        return;
    }
    bytes_append_str(out, "<table><thead><tr><th>Reason</th><th>Time</th><th>Where</th><th class=\"n\">Times</th><th>What</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < n && i < REFUSALS_MOST; i++)
        put_refusal(out, json_array_get(all, i));
    bytes_append_str(out, "</tbody></table></section>\n");
}
