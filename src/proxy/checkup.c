/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/checkup.h"

#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/proxy_connect.h"
#include "mtlsd/proxy/proxy_protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RESPONSE_HEAD_MAX = 64 * 1024,
    RESPONSE_FIELDS_MAX = 200,
    PREFACE_MAX = 4096,
    SILENCE_US = 500 * 1000, /* TLS 1.3: how long a server may take to say that it does not like our certificate */
};

/*
 *   CONNECT  the driver connects
 *   OPEN     a proxy on the way was asked for a tunnel
 *   SECURE   the TLS handshake
 *   LISTEN   no path is given: with TLS 1.3 a server refuses our certificate only now
 *   ANSWER   the request is under way, its response is awaited
 *   DONE
 */
enum phase { PHASE_CONNECT, PHASE_OPEN, PHASE_SECURE, PHASE_LISTEN, PHASE_ANSWER, PHASE_DONE };

struct checkup {
    const struct plan_target *target; /* borrowed */
    enum phase phase;
    struct link link;
    struct http1 *opening, *http; /* owned: readers of the proxy's and of the target's answer; NULL: not needed */
    uint64_t late_us, silent_us;
    struct checkup_result result;
    char text[640];
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct checkup *checkup_new(const struct plan_target *target, struct moment now)
{
    const struct config_upstream *conf = target->upstream->conf;
    struct checkup *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    c->target = target;
    link_init(&c->link, NULL);
    c->late_us = now.us + smaller(conf->health_interval_ms, conf->connect_ms + conf->handshake_ms) * 1000;
    return c;
}

void checkup_free(struct checkup *c)
{
    if (c == NULL)
        return;
    link_clear(&c->link);
    http1_free(c->opening);
    http1_free(c->http);
    free(c);
}

/* ---- the end ---- */

static void finish(struct checkup *c, bool good, enum reason reason, const char *text)
{
    if (c->phase == PHASE_DONE)
        return;
    c->phase = PHASE_DONE;
    snprintf(c->text, sizeof(c->text), "%s", text);
    c->result = (struct checkup_result){good, reason, c->text, NULL};
    link_end(&c->link);
}

void checkup_on_failed(struct checkup *c, enum reason reason, const char *text)
{
    finish(c, false, reason, text);
}

static void pass(struct checkup *c)
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

static void ask(struct checkup *c)
{
    const char *path = c->target->upstream->conf->health_path;
    char host[300];
    struct bytes request;
    struct span value = plan_host_field(c->target, host, sizeof(host));
    if (!is_path(path) || value.len == 0) {
        finish(c, false, REASON_INTERNAL, "health.path must begin with a slash and hold no spaces");
        return;
    }
    bytes_init(&request, PREFACE_MAX);
    c->http = http1_new(false, RESPONSE_HEAD_MAX, RESPONSE_FIELDS_MAX);
    bool written = bytes_printf(&request, "GET %s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: mtlsd\r\nAccept: */*\r\nConnection: close\r\n\r\n", path,
                                (int)value.len, (const char *)value.ptr) == 0;
    if (c->http == NULL || !written)
        finish(c, false, REASON_INTERNAL, "out of memory");
    else
        link_write_copy(&c->link, bytes_span(&request));
    bytes_clear(&request);
}

bool checkup_fits(const char *expect, unsigned status)
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

static void judge_answer(struct checkup *c, unsigned status)
{
    const struct config_upstream *conf = c->target->upstream->conf;
    const char *expect = conf->health_expect != NULL ? conf->health_expect : "200-399";
    char text[sizeof(c->text)];
    if (status < 200)
        return; /* not the final one */
    if (checkup_fits(expect, status)) {
        pass(c);
        return;
    }
    snprintf(text, sizeof(text), "GET %s was answered with %u, expected is %s", conf->health_path, status, expect);
    finish(c, false, REASON_UNDECIDED, text);
}

static void read_answer(struct checkup *c, struct span in)
{
    struct span data;
    for (enum http1_event event; c->phase == PHASE_ANSWER && (event = http1_next(c->http, &in, &data)) != HTTP1_MORE;) {
        if (event == HTTP1_HEAD)
            judge_answer(c, http1_head(c->http)->status);
        else if (event == HTTP1_BAD)
            finish(c, false, http1_reason(c->http), http1_detail(c->http));
        else if (event != HTTP1_END)
            finish(c, false, REASON_UPSTREAM_PROTOCOL, "the answer does not begin with a head");
    }
}

/* ---- on the way there ---- */

static void secured(struct checkup *c, struct moment now)
{
    struct tls_facts facts = {0};
    if (c->target->upstream->conf->health_path != NULL) {
        c->phase = PHASE_ANSWER;
        ask(c);
        return;
    }
    if (c->link.tls != NULL)
        tls_engine_facts(c->link.tls, &facts);
    if (facts.version == NULL || strcmp(facts.version, "TLS1.3") != 0) {
        pass(c); /* the handshake was the answer already */
        return;
    }
    c->phase = PHASE_LISTEN;
    c->silent_us = now.us + SILENCE_US;
}

/* The way to the target itself stands: we speak for nobody, then TLS. */
static void opened(struct checkup *c, struct moment now)
{
    enum config_proxy_protocol version = c->target->upstream->conf->send_proxy_protocol;
    struct bytes header;
    struct err err = {0};
    bytes_init(&header, PREFACE_MAX);
    bool ok = version == CONFIG_PROXY_PROTOCOL_NONE || proxy_protocol_write(&header, version, NULL, NULL) == 0;
    link_write_raw(&c->link, bytes_span(&header));
    bytes_clear(&header);
    if (ok && c->target->tls != NULL) /* no ticket: every look is a whole handshake, and takes none from the traffic */
        ok = (c->link.tls = tls_engine_new(c->target->tls, NULL, NULL, NULL, &err)) != NULL;
    if (!ok) {
        finish(c, false, REASON_INTERNAL, err.text[0] != '\0' ? err.text : "out of memory");
    } else if (c->link.tls != NULL) {
        c->phase = PHASE_SECURE;
        tls_engine_start(c->link.tls, now.utc);
    } else {
        secured(c, now);
    }
}

void checkup_on_connected(struct checkup *c, struct moment now)
{
    if (c->target->upstream->conf->proxy_text == NULL) {
        opened(c, now);
        return;
    }
    struct bytes request;
    bytes_init(&request, PREFACE_MAX);
    c->opening = proxy_connect_reader();
    if (c->opening == NULL || proxy_connect_ask(&request, &c->target->conf->address) != 0)
        finish(c, false, REASON_INTERNAL, "out of memory");
    else
        c->phase = PHASE_OPEN;
    link_write_raw(&c->link, bytes_span(&request));
    bytes_clear(&request);
}

static void read_opening(struct checkup *c, struct span wire, struct moment now)
{
    struct err err = {0};
    enum reason verdict = proxy_connect_read(c->opening, &wire, &err);
    if (verdict == REASON_UNDECIDED)
        return;
    if (verdict == REASON_VALID && wire.len > 0) {
        err_set(&err, ERR_PROTOCOL, "bytes came behind the proxy's answer before anything was asked");
        verdict = REASON_UPSTREAM_PROTOCOL;
    }
    if (verdict == REASON_VALID)
        opened(c, now);
    else
        finish(c, false, verdict, err.text);
}

/* ---- bytes ---- */

static void in_plain(struct checkup *c, struct span in)
{
    if (c->phase == PHASE_ANSWER)
        read_answer(c, in);
    else if (c->phase == PHASE_LISTEN && in.len > 0)
        pass(c); /* it speaks first, so it takes us */
}

static void after_tls(struct checkup *c, uint8_t *scratch, size_t size, struct moment now)
{
    struct tls_engine *tls = c->link.tls;
    if (c->phase == PHASE_SECURE && !(tls_engine_flags(tls) & (TLS_HANDSHAKING | TLS_FAILED)))
        secured(c, now);
    size_t n;
    while (c->phase != PHASE_DONE && (tls_engine_flags(tls) & TLS_HAS_APP) && (n = tls_engine_app_read(tls, scratch, size)) > 0)
        in_plain(c, span_of(scratch, n));
    if (c->phase == PHASE_DONE || !(tls_engine_flags(tls) & TLS_FAILED))
        return;
    struct tls_facts facts;
    tls_engine_facts(tls, &facts);
    bool cut = facts.reason == REASON_TRUNCATED; /* nothing was begun that could be incomplete: it just hung up */
    finish(c, false, cut ? REASON_UPSTREAM_CLOSED : facts.reason, facts.text);
    c->result.hint = reason_hint(c->result.reason, facts.peer);
}

void checkup_on_wire(struct checkup *c, struct span wire, uint8_t *scratch, size_t size, struct moment now)
{
    if (c->phase == PHASE_OPEN) {
        read_opening(c, wire, now);
    } else if (c->link.tls != NULL && c->phase != PHASE_DONE) {
        tls_engine_wire_in(c->link.tls, wire, now.utc);
        after_tls(c, scratch, size, now);
        tls_engine_wire_keep(c->link.tls);
    } else {
        in_plain(c, wire);
    }
}

void checkup_on_eof(struct checkup *c, struct moment now)
{
    struct err err = {0};
    uint8_t nothing[64];
    if (c->phase == PHASE_OPEN) {
        enum reason reason = proxy_connect_eof(&err);
        finish(c, false, reason, err.text);
        return;
    }
    if (c->link.tls != NULL && c->phase != PHASE_DONE) {
        tls_engine_wire_eof(c->link.tls, now.utc);
        after_tls(c, nothing, sizeof(nothing), now);
    }
    if (c->phase == PHASE_LISTEN)
        pass(c); /* a proper goodbye: it has nothing against us */
    finish(c, false, REASON_UPSTREAM_CLOSED, "the connection was closed without an answer");
}

/* ---- time ---- */

uint64_t checkup_deadline_us(const struct checkup *c)
{
    return c->phase == PHASE_LISTEN ? smaller(c->silent_us, c->late_us) : c->late_us;
}

void checkup_on_deadline(struct checkup *c)
{
    switch (c->phase) {
    case PHASE_CONNECT:
        finish(c, false, REASON_CONNECT_TIMEOUT, "the target did not accept the connection in time");
        break;
    case PHASE_OPEN:
        finish(c, false, REASON_CONNECT_TIMEOUT, "the proxy on the way did not answer in time");
        break;
    case PHASE_SECURE:
        finish(c, false, REASON_HANDSHAKE_TIMEOUT, "the target did not finish the TLS handshake in time");
        break;
    case PHASE_LISTEN:
        pass(c);
        break;
    default:
        finish(c, false, REASON_RESPONSE_TIMEOUT, "the target did not answer in time");
        break;
    }
}

struct link *checkup_link(struct checkup *c)
{
    return &c->link;
}

bool checkup_is_done(const struct checkup *c, struct checkup_result *result)
{
    *result = c->result;
    return c->phase == PHASE_DONE;
}
