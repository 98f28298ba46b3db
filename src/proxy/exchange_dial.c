/* SPDX-License-Identifier: Apache-2.0 */
/* From a connected socket to a connection to the upstream: first CONNECT to the upstream's proxy, then the PROXY header, then TLS. */
#include "exchange_internal.h"

#include "mtlsd/proxy/proxy_connect.h"
#include "mtlsd/proxy/proxy_protocol.h"
#include "mtlsd/tls/tls_words.h"

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

static void describe_certificates(const struct tls_engine *engine, const struct tls_facts *facts, struct proxy_protocol_tls *tls)
{
    const struct tls_identity *ours = tls_engine_identity(engine);
    struct tls_identity_algorithms algorithms = {0};
    if (ours != NULL)
        tls_identity_algorithms(ours, &algorithms);
    tls->key_algorithm = algorithms.key;
    tls->signature_algorithm = algorithms.signature;
    tls->certificate = facts->peer != NULL;
    tls->verified = facts->verdict != NULL && facts->verdict->status == REASON_VALID;
    tls->error = facts->verdict != NULL ? facts->verdict->openssl_error : 0;
    if (facts->peer != NULL)
        tls->common_name = tls_peer_first(facts->peer, TLS_NAME_CN);
}

/* False: out of memory. */
static bool write_header(struct exchange *x, enum config_proxy_protocol version, struct bytes *out)
{
    struct proxy_protocol_peer peer;
    char tls_version[TLS_WORDS_SIZE], cipher[TLS_WORDS_SIZE], server_name[TLS_SERVER_NAME_SIZE];
    describe_peer(&x->client, &peer);
    if (x->down.tls == NULL)
        return proxy_protocol_write(out, version, &peer, NULL) == 0;
    struct tls_facts facts;
    tls_engine_facts(x->down.tls, &facts);
    tls_words_version(facts.version, tls_version);
    tls_words_suite(facts.suite, cipher);
    struct proxy_protocol_tls tls = {.version = tls_version, .cipher = cipher, .resumed = facts.resumed};
    tls.server_name = tls_engine_server_name(x->down.tls, server_name);
    describe_certificates(x->down.tls, &facts, &tls);
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
    if (uplink_ask_proxy(x->up) != 0)
        x->up->link.broken = x->up->link.lost = true;
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
    enum reason verdict = uplink_read_proxy(x->up, &wire, &err);
    if (verdict == REASON_UNDECIDED)
        return;
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
