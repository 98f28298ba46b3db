/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/approach.h"

#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/proxy_connect.h"
#include "mtlsd/proxy/proxy_protocol.h"

#include <stdio.h>
#include <string.h>

enum { PREFACE_MAX = 4096 };

int approach_init(struct approach *a, const struct plan_target *target, bool http, struct tls_tickets *tickets, struct err *err)
{
    memset(a, 0, sizeof(*a));
    a->uplink = uplink_new(target, http, tickets, err);
    return a->uplink != NULL ? 0 : -1;
}

void approach_clear(struct approach *a)
{
    uplink_free(a->uplink);
    a->uplink = NULL;
}

void approach_fail(struct approach *a, enum reason reason, const char *text)
{
    if (a->state == APPROACH_FAILED)
        return;
    a->state = APPROACH_FAILED;
    a->reason = reason;
    snprintf(a->text, sizeof(a->text), "%s", text);
    link_end(&a->uplink->link);
}

/* The way to the target itself stands. */
static void opened(struct approach *a, struct moment now)
{
    struct uplink *u = a->uplink;
    enum config_proxy_protocol version = u->target->upstream->conf->send_proxy_protocol;
    struct bytes header;
    bytes_init(&header, PREFACE_MAX);
    bool ok = version == CONFIG_PROXY_PROTOCOL_NONE || proxy_protocol_write(&header, version, NULL, NULL) == 0;
    link_write_raw(&u->link, bytes_span(&header));
    bytes_clear(&header);
    if (!ok) {
        approach_fail(a, REASON_INTERNAL, "out of memory");
        return;
    }
    uplink_start(u, now.utc);
    a->state = u->link.tls != NULL ? APPROACH_SECURE : APPROACH_THERE;
}

void approach_on_connected(struct approach *a, struct moment now)
{
    struct uplink *u = a->uplink;
    if (u->opening == NULL) {
        opened(a, now);
        return;
    }
    if (uplink_ask_proxy(u) != 0)
        approach_fail(a, REASON_INTERNAL, "out of memory");
    else
        a->state = APPROACH_OPEN;
}

static void read_opening(struct approach *a, struct span wire, struct moment now)
{
    struct err err = {0};
    enum reason verdict = uplink_read_proxy(a->uplink, &wire, &err);
    if (verdict == REASON_VALID)
        opened(a, now);
    else if (verdict != REASON_UNDECIDED)
        approach_fail(a, verdict, err.text);
}

void approach_look(struct approach *a)
{
    const struct tls_engine *tls = a->uplink->link.tls;
    if (tls == NULL || a->state == APPROACH_FAILED)
        return;
    if (a->state == APPROACH_SECURE && !(tls_engine_flags(tls) & (TLS_HANDSHAKING | TLS_FAILED)))
        a->state = APPROACH_THERE;
    if (!(tls_engine_flags(tls) & TLS_FAILED))
        return;
    struct tls_facts facts;
    tls_engine_facts(tls, &facts);
    bool cut = facts.reason == REASON_TRUNCATED; /* nothing was begun that could be incomplete: it just hung up */
    approach_fail(a, cut ? REASON_UPSTREAM_CLOSED : facts.reason, facts.text);
    a->hint = reason_hint(a->reason, facts.peer);
}

void approach_on_wire(struct approach *a, struct span wire, struct moment now)
{
    if (a->state == APPROACH_OPEN) {
        read_opening(a, wire, now);
    } else if (a->uplink->link.tls != NULL && a->state != APPROACH_FAILED) {
        tls_engine_wire_in(a->uplink->link.tls, wire, now.utc);
        approach_look(a);
    }
}

void approach_on_eof(struct approach *a, struct moment now)
{
    struct err err = {0};
    if (a->state == APPROACH_OPEN) {
        enum reason reason = proxy_connect_eof(&err);
        approach_fail(a, reason, err.text);
    } else if (a->uplink->link.tls != NULL && a->state != APPROACH_FAILED) {
        tls_engine_wire_eof(a->uplink->link.tls, now.utc);
        approach_look(a);
    }
}

void approach_on_late(struct approach *a)
{
    switch (a->state) {
    case APPROACH_CONNECT:
        approach_fail(a, REASON_CONNECT_TIMEOUT, "the target did not accept the connection in time");
        break;
    case APPROACH_OPEN:
        approach_fail(a, REASON_CONNECT_TIMEOUT, "the upstream's proxy did not answer in time");
        break;
    default:
        approach_fail(a, REASON_HANDSHAKE_TIMEOUT, "the target did not finish the TLS handshake in time");
        break;
    }
}
