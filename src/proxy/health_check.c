/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/health_check.h"

#include "mtlsd/proxy/approach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REQUEST_MAX = 4096,
    SILENCE_US = 500 * 1000, /* TLS 1.3: how long a server may take to say that it does not like our certificate */
};

/*
 *   APPROACH  on the way there
 *   LISTEN    no path is given: with TLS 1.3 a server refuses our certificate only now
 *   ANSWER    the request is under way, its response is awaited
 *   DONE
 */
enum phase { PHASE_APPROACH, PHASE_LISTEN, PHASE_ANSWER, PHASE_DONE };

struct health_check {
    const struct plan_target *target; /* borrowed */
    enum phase phase;
    struct approach way;
    uint64_t late_us, silent_us;
    struct health_check_result result;
    char text[640];
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct health_check *health_check_new(const struct plan_target *target, struct moment now)
{
    const struct config_upstream *conf = target->upstream->conf;
    struct health_check *c = calloc(1, sizeof(*c));
    struct err err = {0};
    if (c == NULL)
        return NULL;
    /* no ticket: every look is a whole handshake, and takes none from the traffic */
    if (approach_init(&c->way, target, conf->health_path != NULL, NULL, &err) != 0) {
        free(c);
        return NULL;
    }
    c->target = target;
    c->late_us = now.us + smaller(conf->health_interval_ms, conf->connect_ms + conf->handshake_ms) * 1000;
    return c;
}

void health_check_free(struct health_check *c)
{
    if (c == NULL)
        return;
    approach_clear(&c->way);
    free(c);
}

/* ---- the end ---- */

static void finish(struct health_check *c, bool good, enum reason reason, const char *text)
{
    if (c->phase == PHASE_DONE)
        return;
    c->phase = PHASE_DONE;
    snprintf(c->text, sizeof(c->text), "%s", text);
    c->result = (struct health_check_result){good, reason, c->text, NULL};
    link_end(health_check_link(c));
}

void health_check_on_failed(struct health_check *c, enum reason reason, const char *text)
{
    finish(c, false, reason, text);
}

static void pass(struct health_check *c)
{
    finish(c, true, REASON_VALID, "");
}

/* ---- the request ---- */

static bool is_path(const char *path)
{
    if (path[0] != '/')
        return false;
    for (; *path != '\0'; path++) {
        if (*path <= ' ' || *path == 0x7f)
            return false;
    }
    return true;
}

static void ask(struct health_check *c)
{
    const char *path = c->target->upstream->conf->health_path;
    char host[300];
    struct bytes request;
    struct span value = plan_host_field(c->target, host, sizeof(host));
    if (!is_path(path) || value.len == 0) {
        finish(c, false, REASON_INTERNAL, "health.path must begin with a slash and hold no spaces");
        return;
    }
    bytes_init(&request, REQUEST_MAX);
    bool written = bytes_printf(&request, "GET %s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: mtlsd\r\nAccept: */*\r\nConnection: close\r\n\r\n", path,
                                (int)value.len, (const char *)value.ptr) == 0;
    if (!written)
        finish(c, false, REASON_INTERNAL, "out of memory");
    else
        link_write_copy(health_check_link(c), bytes_span(&request));
    bytes_clear(&request);
}

bool health_check_fits(const char *expect, unsigned status)
{
    struct span rest = span_from_str(expect), item;
    while (span_next_in_list(&rest, &item)) {
        char text[16], *end;
        if (item.len >= sizeof(text))
            continue;
        memcpy(text, item.ptr, item.len);
        text[item.len] = '\0';
        unsigned long from = strtoul(text, &end, 10), to = from;
        if (*end == '-')
            to = strtoul(end + 1, &end, 10);
        if (*end == '\0' && from >= 100 && status >= from && status <= to)
            return true;
    }
    return false;
}

static void judge_answer(struct health_check *c, unsigned status)
{
    const struct config_upstream *conf = c->target->upstream->conf;
    const char *expect = conf->health_expect != NULL ? conf->health_expect : "200-399";
    char text[sizeof(c->text)];
    if (status < 200)
        return; /* not the final one */
    if (health_check_fits(expect, status)) {
        pass(c);
        return;
    }
    snprintf(text, sizeof(text), "GET %s was answered with %u, expected is %s", conf->health_path, status, expect);
    finish(c, false, REASON_UNDECIDED, text);
}

static void read_answer(struct health_check *c, struct span in)
{
    struct http1 *http = c->way.uplink->http;
    struct span data;
    for (enum http1_event event; c->phase == PHASE_ANSWER && (event = http1_next(http, &in, &data)) != HTTP1_MORE;) {
        if (event == HTTP1_HEAD)
            judge_answer(c, http1_head(http)->status);
        else if (event == HTTP1_BAD)
            finish(c, false, http1_reason(http), http1_detail(http));
        else if (event != HTTP1_END)
            finish(c, false, REASON_UPSTREAM_PROTOCOL, "the answer does not begin with a head");
    }
}

/* ---- on the way there ---- */

static void secured(struct health_check *c, struct moment now)
{
    struct tls_facts facts = {0};
    if (c->target->upstream->conf->health_path != NULL) {
        c->phase = PHASE_ANSWER;
        ask(c);
        return;
    }
    if (health_check_link(c)->tls != NULL)
        tls_engine_facts(health_check_link(c)->tls, &facts);
    if (facts.version == NULL || strcmp(facts.version, "TLS1.3") != 0) {
        pass(c); /* the handshake was the answer already */
        return;
    }
    c->phase = PHASE_LISTEN;
    c->silent_us = now.us + SILENCE_US;
}

/* What follows from where the approach is by now. */
static void go_on(struct health_check *c, struct moment now)
{
    if (c->phase == PHASE_APPROACH && c->way.state == APPROACH_THERE)
        secured(c, now);
    if (c->phase == PHASE_DONE || c->way.state != APPROACH_FAILED)
        return;
    finish(c, false, c->way.reason, c->way.text);
    c->result.hint = c->way.hint;
}

void health_check_on_connected(struct health_check *c, struct moment now)
{
    approach_on_connected(&c->way, now);
    go_on(c, now);
}

/* ---- bytes ---- */

static void in_plain(struct health_check *c, struct span in)
{
    if (c->phase == PHASE_ANSWER)
        read_answer(c, in);
    else if (c->phase == PHASE_LISTEN && in.len > 0)
        pass(c); /* it speaks first, so it takes us */
}

/* What was said before a failure counts first. */
static void after_tls(struct health_check *c, uint8_t *scratch, size_t size, struct moment now)
{
    struct tls_engine *tls = health_check_link(c)->tls;
    size_t n;
    if (c->phase == PHASE_APPROACH && c->way.state == APPROACH_THERE)
        secured(c, now);
    while (c->phase != PHASE_DONE && (tls_engine_flags(tls) & TLS_HAS_APP) && (n = tls_engine_app_read(tls, scratch, size)) > 0)
        in_plain(c, span_of(scratch, n));
    approach_look(&c->way);
    go_on(c, now);
}

void health_check_on_wire(struct health_check *c, struct span wire, uint8_t *scratch, size_t size, struct moment now)
{
    struct tls_engine *tls = health_check_link(c)->tls;
    bool opening = c->way.state == APPROACH_OPEN;
    if (tls == NULL && !opening) {
        in_plain(c, wire);
        return;
    }
    if (c->phase == PHASE_DONE)
        return;
    approach_on_wire(&c->way, wire, now);
    if (tls == NULL || opening) {
        go_on(c, now);
    } else {
        after_tls(c, scratch, size, now);
        tls_engine_wire_keep(tls);
    }
}

void health_check_on_eof(struct health_check *c, struct moment now)
{
    uint8_t nothing[64];
    bool opening = c->way.state == APPROACH_OPEN;
    approach_on_eof(&c->way, now);
    if (health_check_link(c)->tls != NULL && c->phase != PHASE_DONE && !opening)
        after_tls(c, nothing, sizeof(nothing), now);
    go_on(c, now);
    if (c->phase == PHASE_LISTEN)
        pass(c); /* a proper goodbye: it has nothing against us */
    finish(c, false, REASON_UPSTREAM_CLOSED, "the connection was closed without an answer");
}

/* ---- time ---- */

uint64_t health_check_deadline_us(const struct health_check *c)
{
    return c->phase == PHASE_LISTEN ? smaller(c->silent_us, c->late_us) : c->late_us;
}

void health_check_on_deadline(struct health_check *c)
{
    switch (c->phase) {
    case PHASE_APPROACH:
        approach_on_late(&c->way);
        finish(c, false, c->way.reason, c->way.text);
        break;
    case PHASE_LISTEN:
        pass(c);
        break;
    default:
        finish(c, false, REASON_RESPONSE_TIMEOUT, "the target did not answer in time");
        break;
    }
}

struct link *health_check_link(struct health_check *c)
{
    return &c->way.uplink->link;
}

bool health_check_is_done(const struct health_check *c, struct health_check_result *result)
{
    *result = c->result;
    return c->phase == PHASE_DONE;
}
