/* SPDX-License-Identifier: Apache-2.0 */
/* From a connected socket to an open uplink: first CONNECT to the upstream's proxy, then the PROXY header, then TLS, or first the words that start it. */
#include "uplink_internal.h"

#include "mtlsd/base/units.h"
#include "mtlsd/proxy/proxy_connect.h"
#include "mtlsd/proxy/proxy_protocol.h"

#include <stdio.h>

enum { HEADER_MAX = 4096 };

static int write_header(const struct uplink *u, enum config_proxy_protocol version, struct bytes *out)
{
    const struct uplink_use *use = u->first;
    if (use != NULL && use->events->write_header != NULL)
        return use->events->write_header(use, version, out);
    return proxy_protocol_write(out, version, NULL, NULL);
}

static void tell_who_is_behind(struct uplink *u)
{
    enum config_proxy_protocol version = u->target->upstream->conf->send_proxy_protocol;
    struct bytes header;
    if (version == CONFIG_PROXY_PROTOCOL_NONE)
        return;
    bytes_init(&header, HEADER_MAX);
    if (write_header(u, version, &header) != 0)
        u->link.broken = u->link.lost = true;
    link_write_raw(&u->link, bytes_span(&header));
    bytes_clear(&header);
}

static void way_is_open(struct uplink *u, struct moment now)
{
    http1_free(u->opening.proxy);
    u->opening.proxy = NULL;
    tell_who_is_behind(u);
    if (u->link.tls == NULL) {
        uplink_secured(u, now);
        return;
    }
    if (uplink_starttls_begin(u, now))
        return;
    uplink_enter(u, UPLINK_HANDSHAKE, now);
    tls_engine_start(u->link.tls, now.utc);
}

static int ask_proxy(struct uplink *u)
{
    struct bytes ask;
    bytes_init(&ask, HEADER_MAX);
    int rc = proxy_connect_ask(&ask, &u->target->conf->address);
    link_write_raw(&u->link, bytes_span(&ask));
    bytes_clear(&ask);
    return rc;
}

void uplink_on_connected(struct uplink *u, struct moment now)
{
    if (u->phase != UPLINK_CONNECTING)
        return;
    run_touch(&u->link);
    u->at.connected_us = now.us;
    if (u->opening.proxy == NULL) {
        way_is_open(u, now);
        return;
    }
    if (ask_proxy(u) != 0)
        u->link.broken = u->link.lost = true;
    uplink_enter(u, UPLINK_PROXY, now);
}

void uplink_on_connect_failed(struct uplink *u, enum reason reason, const char *text, struct moment now)
{
    run_touch(&u->link);
    uplink_fail(u, reason, text, NULL, now);
}

/* ---- the proxy on the way ---- */

static void refused(struct uplink *u, enum reason reason, const char *why, struct moment now)
{
    char text[700];
    snprintf(text, sizeof(text), "%s through %s: %s", u->target->conf->text, u->target->upstream->conf->proxy_text, why);
    uplink_fail(u, reason, text, NULL, now);
}

/* A server may speak first in tcp mode without TLS; elsewhere bytes behind the answer are refused (security B2). */
static enum reason read_proxy(struct uplink *u, struct span *wire, struct err *err)
{
    enum reason verdict = proxy_connect_read(u->opening.proxy, wire, err);
    if (verdict != REASON_VALID || wire->len == 0 || (u->link.tls == NULL && u->http == NULL))
        return verdict;
    err_set(err, ERR_PROTOCOL, "the proxy sent bytes after its answer, before %s", u->link.tls != NULL ? "TLS began" : "any request");
    return REASON_UPSTREAM_PROTOCOL;
}

void uplink_open_in(struct uplink *u, struct span wire, struct moment now)
{
    struct err err = {0};
    enum reason verdict = read_proxy(u, &wire, &err);
    if (verdict == REASON_UNDECIDED)
        return;
    if (verdict != REASON_VALID) {
        refused(u, verdict, err.text, now);
        return;
    }
    way_is_open(u, now);
    if (wire.len > 0 && u->phase == UPLINK_OPEN)
        uplink_deliver(u, wire, now);
}

void uplink_open_ended(struct uplink *u, struct moment now)
{
    struct err err = {0};
    enum reason reason = proxy_connect_eof(&err);
    refused(u, reason, err.text, now);
}

/* ---- its time ---- */

static const struct {
    const char *key, *what; /* what: a driver that still connects may know better (run.describe) */
    enum reason reason;
    bool from_begin;        /* the way through a proxy is part of connecting */
} limits[] = {
    [UPLINK_CONNECTING] = {"connect", "the upstream did not accept the connection in time", REASON_CONNECT_TIMEOUT, true},
    [UPLINK_PROXY] = {"connect", "the upstream's proxy did not open the tunnel in time", REASON_CONNECT_TIMEOUT, true},
    [UPLINK_STARTTLS] = {"handshake", "the upstream did not start TLS in time", REASON_HANDSHAKE_TIMEOUT, false},
    [UPLINK_HANDSHAKE] = {"handshake", "the upstream did not finish the TLS handshake in time", REASON_HANDSHAKE_TIMEOUT, false},
};

static uint64_t limit_ms(const struct uplink *u)
{
    const struct config_upstream *conf = u->target->upstream->conf;
    return u->phase >= UPLINK_STARTTLS ? conf->handshake_ms : conf->connect_ms;
}

uint64_t uplink_deadline_us(const struct uplink *u)
{
    if (u->phase >= UPLINK_OPEN)
        return UINT64_MAX;
    return (limits[u->phase].from_begin ? u->at.begun_us : u->at.since_us) + limit_ms(u) * 1000;
}

void uplink_on_late(struct uplink *u, struct moment now)
{
    char what[640], text[760], shown[UNITS_DURATION_SIZE];
    if (u->phase >= UPLINK_OPEN)
        return;
    run_touch(&u->link);
    enum reason reason = limits[u->phase].reason;
    snprintf(what, sizeof(what), "%s", limits[u->phase].what);
    if (u->phase == UPLINK_CONNECTING && u->env->run.describe != NULL)
        reason = u->env->run.describe(u, what, sizeof(what));
    units_write_duration(shown, limit_ms(u));
    snprintf(text, sizeof(text), "%.500s (timeouts.%s of the upstream is %s)", what, limits[u->phase].key, shown);
    uplink_fail(u, reason, text, NULL, now);
}
