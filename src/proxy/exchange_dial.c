/* SPDX-License-Identifier: Apache-2.0 */
/* From a connected socket to a connection to the upstream itself: a proxy on the way is asked first, then who is behind us is told, then TLS. */
#include "exchange_internal.h"

#include "mtlsd/proxy/proxy_connect.h"
#include "mtlsd/proxy/proxy_protocol.h"

#include <stdio.h>
#include <string.h>

enum { PREFACE_MAX = 4096 };

/* ---- who is behind us ---- */

static void describe_peer(const struct client_address *client, struct proxy_protocol_peer *peer)
{
    *peer = (struct proxy_protocol_peer){
        .known = client->known, .v6 = client->v6, .source_port = client->peer_port, .destination_port = client->local_port};
    memcpy(peer->source, client->peer, sizeof(peer->source));
    memcpy(peer->destination, client->local, sizeof(peer->destination));
}

/* The first common name; one that a NUL cuts short or that does not fit is none, never a shorter name. */
static void copy_common_name(const struct tls_peer *peer, char *out, size_t size)
{
    struct span cn = tls_peer_first(peer, TLS_NAME_CN);
    out[0] = '\0';
    if (cn.len == 0 || cn.len >= size || memchr(cn.ptr, '\0', cn.len) != NULL)
        return;
    memcpy(out, cn.ptr, cn.len);
    out[cn.len] = '\0';
}

/* What our library calls TLS1.3 is TLSv1.3 to those who read PROXY headers. */
static void copy_version(const char *version, char *out, size_t size)
{
    bool ours = version != NULL && strncmp(version, "TLS1", 4) == 0;
    snprintf(out, size, "%s%s", ours ? "TLSv" : "", ours ? version + 3 : version != NULL ? version : "");
}

/* False: out of memory. */
static bool write_header(struct exchange *x, enum config_proxy_protocol version, struct bytes *out)
{
    struct proxy_protocol_peer peer;
    char name[256], tls_version[16], server_name[TLS_SERVER_NAME_SIZE];
    describe_peer(&x->client, &peer);
    if (x->down.tls == NULL)
        return proxy_protocol_write(out, version, &peer, NULL) == 0;
    struct tls_facts facts;
    tls_engine_facts(x->down.tls, &facts);
    copy_version(facts.version, tls_version, sizeof(tls_version));
    struct proxy_protocol_tls tls = {.version = tls_version, .cipher = facts.cipher, .certificate = facts.peer != NULL, .resumed = facts.resumed};
    tls.server_name = tls_engine_server_name(x->down.tls, server_name);
    tls.verified = facts.verdict != NULL && facts.verdict->status == REASON_VALID;
    if (facts.peer != NULL) {
        copy_common_name(facts.peer, name, sizeof(name));
        tls.common_name = name;
    }
    return proxy_protocol_write(out, version, &peer, &tls) == 0;
}

static void tell_who_is_behind(struct exchange *x)
{
    enum config_proxy_protocol version = x->target->upstream->conf->send_proxy_protocol;
    struct bytes header;
    if (version == CONFIG_PROXY_PROTOCOL_NONE)
        return;
    bytes_init(&header, PREFACE_MAX);
    if (!write_header(x, version, &header))
        x->up->link.broken = x->up->link.lost = true;
    link_write_raw(&x->up->link, bytes_span(&header));
    bytes_clear(&header);
}

/* ---- the way ---- */

static void way_is_open(struct exchange *x, struct moment now)
{
    tell_who_is_behind(x);
    uplink_start(x->up, now.utc);
    if (x->up->link.tls != NULL)
        exchange_enter(x, PHASE_SECURE, now);
    else
        exchange_upstream_secured(x, now);
}

void exchange_dial_connected(struct exchange *x, struct moment now)
{
    if (x->up->opening == NULL) {
        way_is_open(x, now);
        return;
    }
    struct bytes ask;
    bytes_init(&ask, PREFACE_MAX);
    if (proxy_connect_ask(&ask, &x->target->conf->address) != 0)
        x->up->link.broken = x->up->link.lost = true;
    link_write_raw(&x->up->link, bytes_span(&ask));
    bytes_clear(&ask);
    exchange_enter(x, PHASE_PROXY, now);
}

static void refused(struct exchange *x, enum reason reason, const char *why, struct moment now)
{
    char text[700];
    snprintf(text, sizeof(text), "%s through %s: %s", x->target->conf->text, x->target->upstream->conf->proxy_text, why);
    exchange_upstream_failed(x, reason, text, now);
}

void exchange_dial_in(struct exchange *x, struct span wire, struct moment now)
{
    struct err err = {0};
    enum reason verdict = proxy_connect_read(x->up->opening, &wire, &err);
    if (verdict == REASON_UNDECIDED)
        return;
    if (verdict == REASON_VALID && wire.len > 0 && x->up->link.tls != NULL) {
        /* A server does not speak before our ClientHello: whoever wrote this wants it taken for content (security B2). */
        err_set(&err, ERR_PROTOCOL, "bytes came behind the proxy's answer before TLS had begun");
        verdict = REASON_UPSTREAM_PROTOCOL;
    }
    if (verdict != REASON_VALID) {
        refused(x, verdict, err.text, now);
        return;
    }
    way_is_open(x, now);
    if (wire.len > 0 && x->up != NULL)
        exchange_deliver(x, SIDE_UP, wire, now);
}

void exchange_dial_ended(struct exchange *x, struct moment now)
{
    struct err err = {0};
    refused(x, proxy_connect_eof(&err), err.text, now);
}
