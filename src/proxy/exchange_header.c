/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY header that tells an upstream who is behind us. */
#include "exchange_internal.h"

#include "mtlsd/proxy/proxy_protocol.h"
#include "mtlsd/tls/tls_words.h"

#include <string.h>

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

int exchange_write_header(const struct uplink_use *use, enum config_proxy_protocol version, struct bytes *out)
{
    const struct client *c = ((const struct exchange *)use)->client;
    struct proxy_protocol_peer peer;
    char tls_version[TLS_WORDS_SIZE], cipher[TLS_WORDS_SIZE], server_name[TLS_SERVER_NAME_SIZE];
    describe_peer(&c->who.address, &peer);
    if (c->link.tls == NULL)
        return proxy_protocol_write(out, version, &peer, NULL);
    struct tls_facts facts;
    tls_engine_facts(c->link.tls, &facts);
    tls_words_version(facts.version, tls_version);
    tls_words_suite(facts.suite, cipher);
    struct proxy_protocol_tls tls = {.version = tls_version, .cipher = cipher, .resumed = facts.resumed};
    tls.server_name = tls_engine_server_name(c->link.tls, server_name);
    describe_certificates(c->link.tls, &facts, &tls);
    return proxy_protocol_write(out, version, &peer, &tls);
}
