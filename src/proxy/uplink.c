/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/uplink.h"

#include "mtlsd/proxy/proxy_connect.h"

#include <stdlib.h>

enum { RESPONSE_HEAD_MAX = 64 * 1024, RESPONSE_FIELDS_MAX = 200, ASK_MAX = 4096 };

struct uplink *uplink_new(const struct plan_target *target, bool http, struct tls_tickets *tickets, struct err *err)
{
    struct uplink *u = calloc(1, sizeof(*u));
    if (u == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    u->target = target;
    u->keep_us = UINT64_MAX;
    struct tls_engine *tls = NULL;
    if (target->tls != NULL && (tls = tls_engine_new(target->tls, tickets, NULL, NULL, err)) == NULL)
        goto fail;
    link_init(&u->link, tls);
    if (http && (u->http = http1_new(false, RESPONSE_HEAD_MAX, RESPONSE_FIELDS_MAX)) == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        goto fail;
    }
    if (target->upstream->conf->proxy_text != NULL && (u->opening = proxy_connect_reader()) == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        goto fail;
    }
    return u;
fail:
    uplink_free(u);
    return NULL;
}

int uplink_ask_proxy(struct uplink *u)
{
    struct bytes ask;
    bytes_init(&ask, ASK_MAX);
    int rc = proxy_connect_ask(&ask, &u->target->conf->address);
    link_write_raw(&u->link, bytes_span(&ask));
    bytes_clear(&ask);
    return rc;
}

enum reason uplink_read_proxy(struct uplink *u, struct span *wire, struct err *err)
{
    enum reason verdict = proxy_connect_read(u->opening, wire, err);
    if (verdict != REASON_VALID || wire->len == 0 || (u->link.tls == NULL && u->http == NULL))
        return verdict;
    err_set(err, ERR_PROTOCOL, "the proxy sent bytes after its answer, before %s", u->link.tls != NULL ? "TLS began" : "any request");
    return REASON_UPSTREAM_PROTOCOL;
}

void uplink_start(struct uplink *u, int64_t utc)
{
    http1_free(u->opening);
    u->opening = NULL;
    if (u->link.tls != NULL)
        tls_engine_start(u->link.tls, utc);
}

struct span uplink_last_words(struct uplink *u)
{
    struct link *l = &u->link;
    struct span words = span_of(NULL, 0);
    struct tls_facts facts;
    if (l->tls == NULL || l->lost || l->raw != NULL)
        return words;
    if (tls_engine_flags(l->tls) & TLS_FAILED) {
        tls_engine_facts(l->tls, &facts);
        return facts.alert_sent >= 0 ? tls_engine_wire_out(l->tls) : words;
    }
    if (u->reset || !link_is_open(l) || link_pending(l) > 0)
        return words;
    link_end(l);
    return link_runs(l, &words, 1) > 0 ? words : span_of(NULL, 0);
}

void uplink_free(struct uplink *u)
{
    if (u == NULL)
        return;
    link_clear(&u->link);
    http1_free(u->http);
    http1_free(u->opening);
    tls_context_unref(u->late);
    free(u);
}
