/* SPDX-License-Identifier: Apache-2.0 */
/* Each chain as a picture: who calls, the listener, the upstream, the targets. It is drawn twice, for a wide and for a narrow window. */
#include "dashboard_parts.h"
#include "html.h"
#include "mtlsd/control/document.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum {
    BOXES = 4,
    LINES = 3,
    BOX_WIDTH = 220,
    BOX_HEIGHT = 74,
    GAP = 40,
    GAP_DOWN = 24,
    TITLE_MOST = 23,   /* characters of the first line in a box */
    TEXT_MOST = 30,   /* and of the others */
    CHAINS_MOST = 50,
    FRESH_SECONDS = 900, /* how long a refusal marks the chain */
};

struct box {
    char lines[LINES][160];
    const char *classes[LINES]; /* of the lines */
    const char *state;          /* of the box */
};

struct chain {
    struct box boxes[BOXES];
    const char *ways[BOXES - 1]; /* between the boxes: "good", "soon", "bad" or "none" */
    const json_t *refusal;       /* the last one here; NULL: none is fresh */
};

/* ---- what is said ---- */

static const json_t *find(const json_t *list, const char *name)
{
    for (size_t i = 0; name != NULL && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (strcmp(document_string(item, "name", ""), name) == 0)
            return item;
    }
    return NULL;
}

static const char *worse(const char *a, const char *b)
{
    static const char *const order[] = {"bad", "soon", "good"};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        if (strcmp(a, order[i]) == 0 || strcmp(b, order[i]) == 0)
            return order[i];
    return "none";
}

static void say_days(struct box *b, size_t line, const char *before, const json_t *days)
{
    struct bytes text;
    bytes_init(&text, sizeof(b->lines[line]) - 1);
    dashboard_words_days(&text, days);
    snprintf(b->lines[line], sizeof(b->lines[line]), "%s%.*s", before, (int)text.len, text.len > 0 ? (const char *)bytes_span(&text).ptr : "");
    b->classes[line] = dashboard_words_days_class(days);
    b->state = worse(b->state, b->classes[line]);
    bytes_clear(&text);
}

static void say(struct box *b, size_t line, const char *text)
{
    snprintf(b->lines[line], sizeof(b->lines[line]), "%s", text);
    b->classes[line] = line == 0 ? "t" : "f";
}

static void say_identity(struct box *b, size_t line, const json_t *status, const char *name)
{
    const json_t *identity = find(document_get(status, "identities"), name);
    if (identity != NULL)
        say_days(b, line, "certificate ", document_get(identity, "days_left"));
}

static void fill_caller(struct box *b, const json_t *listener)
{
    const json_t *days = document_get(listener, "peer_days_left");
    bool tls = document_truth(listener, "tls");
    char text[64];
    say(b, 0, tls ? "Clients" : "Apps");
    snprintf(text, sizeof(text), "certificate: %.40s", document_string(listener, "client_cert", "none"));
    say(b, 1, tls ? text : "plaintext");
    if (json_is_integer(days))
        say_days(b, 2, "first ", days);
}

static void fill_listener(struct box *b, const json_t *status, const json_t *listener)
{
    say(b, 0, document_string(listener, "name", "?"));
    say(b, 1, document_string(listener, "bind.0", ""));
    say_identity(b, 2, status, document_string(listener, "identity", NULL));
}

static void fill_upstream(struct box *b, const json_t *status, const json_t *upstream)
{
    const char *identity = document_string(upstream, "identity", NULL);
    say(b, 0, document_string(upstream, "name", "?"));
    say(b, 1, identity != NULL ? identity : document_truth(upstream, "tls") ? "no certificate of ours" : "plaintext");
    say_identity(b, 2, status, identity);
}

static size_t count_up(const json_t *targets)
{
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(targets); i++)
        n += strcmp(document_string(json_array_get(targets, i), "state", ""), "up") == 0;
    return n;
}

static void fill_targets(struct box *b, const json_t *upstream)
{
    const json_t *targets = document_get(upstream, "targets"), *days = document_get(upstream, "peer_days_left");
    size_t n = json_array_size(targets), up = count_up(targets);
    char text[64];
    snprintf(text, sizeof(text), "%zu of %zu targets up", up, n);
    say(b, 0, n == 1 ? document_string(targets, "0.address", "?") : text);
    say(b, 1, n == 1 ? document_string(targets, "0.state", "?") : document_string(targets, "0.address", ""));
    if (up < n)
        b->state = b->classes[n == 1 ? 1 : 0] = up == 0 ? "bad" : "soon";
    if (json_is_integer(days))
        say_days(b, 2, "certificate ", days);
}

/* The newest first: one that names this upstream, or the listener without any. */
static const json_t *last_refusal(const json_t *status, const char *listener, const char *upstream)
{
    const json_t *all = document_get(status, "refusals");
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *r = json_array_get(all, i);
        const char *at = document_string(r, "upstream", NULL);
        bool here = strcmp(document_string(r, "listener", ""), listener) == 0;
        if (document_number(r, "age_seconds") <= FRESH_SECONDS && ((at != NULL && strcmp(at, upstream) == 0) || (at == NULL && here)))
            return r;
    }
    return NULL;
}

static void fill(struct chain *c, const json_t *status, const json_t *listener, const json_t *upstream)
{
    *c = (struct chain){.ways = {"good", "good", "good"}};
    for (size_t i = 0; i < BOXES; i++)
        c->boxes[i].state = "none";
    fill_caller(&c->boxes[0], listener);
    fill_listener(&c->boxes[1], status, listener);
    fill_upstream(&c->boxes[2], status, upstream);
    fill_targets(&c->boxes[3], upstream);
    c->refusal = last_refusal(status, document_string(listener, "name", ""), document_string(upstream, "name", ""));
    bool beyond = document_string(c->refusal, "upstream", NULL) != NULL;
    if (c->refusal != NULL)
        c->ways[beyond ? 2 : 0] = beyond ? "bad" : "soon";
    if (count_up(document_get(upstream, "targets")) == 0)
        c->ways[2] = "bad";
}

/* ---- how it is drawn ---- */

static void draw_box(struct bytes *out, const struct box *b, unsigned x, unsigned y)
{
    bytes_printf(out, "<rect class=\"box %s\" x=\"%u\" y=\"%u\" width=\"%d\" height=\"%d\" rx=\"8\"/>", b->state, x, y, BOX_WIDTH, BOX_HEIGHT);
    for (unsigned i = 0; i < LINES; i++) {
        if (b->lines[i][0] == '\0')
            continue;
        bytes_printf(out, "<text class=\"%s\" x=\"%u\" y=\"%u\">", b->classes[i], x + 12, y + 22 + 21 * i);
        html_cut(out, b->lines[i], i == 0 ? TITLE_MOST : TEXT_MOST);
        html_raw(out, "<title>", NULL);
        html_text(out, b->lines[i]);
        html_raw(out, "</title></text>", NULL);
    }
}

static void draw_way(struct bytes *out, const char *state, unsigned x, unsigned y, bool down)
{
    unsigned to_x = down ? x : x + GAP - 2, to_y = down ? y + GAP_DOWN - 2 : y;
    bytes_printf(out, "<path class=\"way %s\" d=\"M%u %uL%u %u", state, x, y, to_x, to_y);
    if (down)
        bytes_printf(out, "M%u %uL%u %uL%u %u\"/>", to_x - 5, to_y - 6, to_x, to_y, to_x + 5, to_y - 6);
    else
        bytes_printf(out, "M%u %uL%u %uL%u %u\"/>", to_x - 6, to_y - 5, to_x, to_y, to_x - 6, to_y + 5);
}

static void draw(struct bytes *out, const struct chain *c, bool down)
{
    unsigned width = down ? BOX_WIDTH : BOXES * BOX_WIDTH + (BOXES - 1) * GAP, height = down ? BOXES * BOX_HEIGHT + (BOXES - 1) * GAP_DOWN : BOX_HEIGHT;
    bytes_printf(out, "<svg class=\"%s\" viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"", down ? "tall" : "wide", width + 2, height + 2);
    for (size_t i = 0; i < BOXES; i++) {
        html_text(out, c->boxes[i].lines[0]);
        html_raw(out, i + 1 < BOXES ? " to " : "\">", NULL);
    }
    for (unsigned i = 0; i < BOXES; i++) {
        unsigned x = down ? 1 : 1 + i * (BOX_WIDTH + GAP), y = down ? 1 + i * (BOX_HEIGHT + GAP_DOWN) : 1;
        draw_box(out, &c->boxes[i], x, y);
        if (i + 1 < BOXES)
            draw_way(out, c->ways[i], down ? x + BOX_WIDTH / 2 : x + BOX_WIDTH + 1, down ? y + BOX_HEIGHT + 1 : y + BOX_HEIGHT / 2, down);
    }
    bytes_append_str(out, "</svg>\n");
}

static void explain(struct bytes *out, const json_t *refusal)
{
    html_raw(out, "<p class=\"why ", document_string(refusal, "upstream", NULL) != NULL ? "bad" : "soon", "\"><strong>", NULL);
    html_text(out, document_string(refusal, "reason", "?"));
    bytes_append_str(out, "</strong> <span>");
    html_text(out, document_string(refusal, "detail", ""));
    bytes_append_str(out, ". What to do: ");
    html_text(out, document_string(refusal, "hint", ""));
    bytes_append_str(out, ".</span></p>\n");
}

static size_t draw_chains_of(struct bytes *out, const json_t *status, const json_t *listener, size_t room)
{
    const json_t *names = document_get(listener, "leads_to"), *upstreams = document_get(status, "upstreams");
    size_t drawn = 0;
    for (size_t i = 0; i < json_array_size(names) && drawn < room; i++) {
        const json_t *upstream = find(upstreams, json_string_value(json_array_get(names, i)));
        struct chain c;
        if (upstream == NULL)
            continue;
        fill(&c, status, listener, upstream);
        draw(out, &c, false);
        draw(out, &c, true);
        if (c.refusal != NULL)
            explain(out, c.refusal);
        drawn++;
    }
    return drawn;
}

void dashboard_chains(struct bytes *out, const json_t *status)
{
    const json_t *listeners = document_get(status, "listeners");
    size_t drawn = 0;
    bytes_append_str(out, "<section id=\"chains\"><h2>Chains</h2>\n");
    for (size_t i = 0; i < json_array_size(listeners); i++)
        drawn += draw_chains_of(out, status, json_array_get(listeners, i), CHAINS_MOST - drawn);
    if (drawn == 0)
        bytes_append_str(out, "<p class=\"faint\">No listener leads to an upstream.</p>");
    if (drawn == CHAINS_MOST)
        bytes_append_str(out, "<p class=\"faint\">The first 50 are shown; the JSON has all.</p>");
    bytes_append_str(out, "</section>\n");
}
