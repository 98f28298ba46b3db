/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

#include "mtlsd/http/http_identity.h"
#include "mtlsd/http/http_xfcc.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/base/text.h"

#include <string.h>

/* The same for every request of a connection, since the identity is fixed by its handshake. */
static int make_identity(struct exchange *x)
{
    unsigned presets = x->listener->conf->identity_headers;
    if (presets == 0 || x->client->who.identity.len > 0 || x->client->link.tls == NULL)
        return 0;
    struct tls_facts facts;
    tls_engine_facts(x->client->link.tls, &facts);
    static const struct tls_verdict undecided = {.status = REASON_NONE};
    const struct tls_verdict *verdict = facts.verdict != NULL ? facts.verdict : &undecided;
    char words[REASON_WORDS_SIZE]; /* a backend that accepts an expired certificate must not mistake another fault for that */
    reason_words(verdict->status, verdict->all, words);
    int rc = http_identity_append(&x->client->who.identity, presets, verdict, words, facts.peer);
    if (rc == 0)
        rc = http_identity_append_tls(&x->client->who.identity, presets, facts.version, facts.suite);
    if (rc != 0)
        bytes_clear(&x->client->who.identity); /* the next request must not go on with a part of it */
    return rc;
}

static int append_xfcc(struct exchange *x, const struct http_head *head, struct bytes *out)
{
    const struct config_listener *conf = x->listener->conf;
    if ((conf->identity_headers & CONFIG_HEADERS_XFCC) == 0)
        return 0;
    struct tls_facts facts = {0};
    if (x->client->link.tls != NULL)
        tls_engine_facts(x->client->link.tls, &facts);
    struct http_xfcc how = {
        .mode = (enum http_xfcc_mode)conf->xfcc,
        .details = conf->xfcc_details,
        .by = span_from_str(x->listener->own_uri),
        .verdict = facts.verdict,
        .peer = facts.peer,
    };
    return http_xfcc_append(out, &how, head);
}

static bool is_trusted(const struct config_ranges *proxies, const struct client_address *peer)
{
    if (!peer->known)
        return proxies->sockets && strcmp(peer->text, "unix") == 0;
    for (size_t i = 0; i < proxies->n; i++)
        if (ip_range_holds(&proxies->items[i], span_of(peer->peer, peer->v6 ? 16 : 4)))
            return true;
    return false;
}

struct http_forwarded exchange_forwarded(const struct exchange *x)
{
    const struct config_listener *conf = x->listener->conf;
    return (struct http_forwarded){
        .rfc7239 = conf->forwarded == CONFIG_FORWARDED_RFC7239,
        .peer = span_from_str(x->client->who.address.text),
        .proto = x->client->link.tls != NULL ? "https" : "http",
        .believe = is_trusted(&conf->trusted_proxies, &x->client->who.address),
        .hold_host = conf->has_host_rules,
        .trusted = conf->trusted_proxies.items,
        .n_trusted = conf->trusted_proxies.n,
    };
}

static bool is_for_us(const struct exchange *x)
{
    return x->way.route != NULL && x->way.route->conf->serve != CONFIG_SERVE_NONE;
}

/* Names the client to our own page, for the log of changes made there. These fields come last, and the last of a name counts. */
static int append_caller(struct exchange *x, struct bytes *out)
{
    struct tls_facts facts = {0};
    if (x->client->link.tls != NULL)
        tls_engine_facts(x->client->link.tls, &facts);
    bytes_append_str(out, PLAN_CALLER_FIELD ": ");
    if (facts.peer != NULL && facts.verdict != NULL && facts.verdict->status == REASON_VALID) {
        text_append_percent(out, span_from_str(facts.peer->subject));
        bytes_append_str(out, " from ");
    }
    bytes_append_str(out, x->client->who.address.text);
    return bytes_append_str(out, "\r\n");
}

int exchange_added_fields(struct exchange *x, const struct admission *a, struct bytes *out)
{
    const struct http_head *head = a->head;
    if (exchange_forward_is_direct(x))
        return 0; /* a foreign server: it gets no facts about our client */
    if (make_identity(x) != 0)
        return -1;
    if (x->listener->conf->forwarded != CONFIG_FORWARDED_OFF && block_cache_lend(&x->client->env->blocks, out) != 0)
        return -1;
    bytes_append_span(out, bytes_span(&x->client->who.identity));
    if (append_xfcc(x, head, out) != 0)
        return -1;
    if (x->listener->conf->forwarded != CONFIG_FORWARDED_OFF) {
        struct http_forwarded how = exchange_forwarded(x);
        http_forwarded_append(out, &how, head);
    }
    if (exchange_text_fields(x, a, out) != 0 || (is_for_us(x) && append_caller(x, out) != 0))
        return -1;
    return out->failed ? -1 : 0;
}

struct span exchange_host_field(const struct exchange *x, char *buf, size_t size)
{
    return plan_host(x->listener, x->way.route, x->way.target, buf, size);
}
