/* SPDX-License-Identifier: Apache-2.0 */
#include "access_event.h"

#include "mtlsd/base/log.h"
#include "mtlsd/base/text.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/tls/tls_hello.h"
#include "mtlsd/tls/tls_identity.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { SAN_MAX = 1024 };

struct san_list {
    size_t used;
    char text[SAN_MAX];
};

/* A name that does not fit is left out whole; a comma or space in one cannot make it look like two. */
static void add_san(struct san_list *list, const char *word, struct span name)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t at = list->used, n = strlen(word);
    if (name.len > SAN_MAX || at + 2 + n + 3 * name.len > SAN_MAX)
        return;
    memcpy(list->text + at, ", ", at > 0 ? 2 : 0);
    at += at > 0 ? 2 : 0;
    memcpy(list->text + at, word, n);
    at += n;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool plain = c != ',' && c != ' ' && c != '%';
        list->text[at++] = plain ? (char)c : '%';
        if (!plain) {
            list->text[at++] = hex[c >> 4];
            list->text[at++] = hex[c & 15];
        }
    }
    list->used = at;
}

/* "DNS:a, URI:b": what the certificate stands for beside its subject. */
static void log_san(struct log_line *l, const char *key, const struct tls_peer *peer)
{
    struct san_list list;
    char address[INET6_ADDRSTRLEN];
    list.used = 0; /* its text need not be cleared */
    for (size_t i = 0; i < peer->n_names; i++) {
        const struct tls_name *name = &peer->names[i];
        if (name->type == TLS_NAME_DNS)
            add_san(&list, "DNS:", name->value);
        else if (name->type == TLS_NAME_URI)
            add_san(&list, "URI:", name->value);
        else if (name->type == TLS_NAME_EMAIL)
            add_san(&list, "email:", name->value);
        else if (name->type == TLS_NAME_IP && inet_ntop(name->value.len == 4 ? AF_INET : AF_INET6, name->value.ptr, address, sizeof(address)) != NULL)
            add_san(&list, "IP:", span_from_str(address));
    }
    log_span(l, key, span_of(list.text, list.used));
}

struct peer_keys {
    const char *version, *cipher, *alpn, *resumed, *peer, *san, *serial, *sha256;
};

static void log_peer(struct log_line *l, const struct tls_facts *facts, const struct peer_keys *keys)
{
    log_str(l, keys->version, facts->version);
    log_str(l, keys->cipher, facts->cipher);
    log_str(l, keys->alpn, facts->alpn);
    if (facts->version != NULL)
        log_str(l, keys->resumed, facts->resumed ? "yes" : "no");
    if (facts->peer == NULL)
        return;
    log_str(l, keys->peer, facts->peer->subject);
    log_san(l, keys->san, facts->peer);
    log_str(l, keys->serial, facts->peer->serial);
    log_str(l, keys->sha256, facts->peer->sha256);
}

/* The details of a tolerated certificate, unless they are the message already. */
static void log_verdict(struct log_line *l, const struct tls_verdict *v, bool let_in)
{
    char words[REASON_WORDS_SIZE];
    log_str(l, "cert", reason_word(v->status));
    if (v->status != REASON_VALID && (v->all & ~(UINT64_C(1) << v->status)) != 0) {
        reason_words(v->status, v->all, words);
        log_str(l, "cert_faults", words);
    }
    if (v->openssl_error > 0)
        log_uint(l, "cert_error", (uint64_t)v->openssl_error);
    if (v->status != REASON_VALID && let_in)
        log_str(l, "cert_detail", v->text);
}

static void log_down(struct log_line *l, const struct tls_facts *down, enum reason reason)
{
    static const struct peer_keys keys = {"tls", "cipher", "alpn", "resumed", "peer", "peer_san", "peer_serial", "peer_sha256"};
    if (down->verdict != NULL)
        log_verdict(l, down->verdict, reason != down->verdict->status && down->verdict->status != REASON_NONE);
    log_peer(l, down, &keys);
}

static void log_up(struct log_line *l, const struct report *r)
{
    static const struct peer_keys keys = {"upstream_tls",  "upstream_cipher",   "upstream_alpn",        "upstream_resumed",
                                          "upstream_peer", "upstream_peer_san", "upstream_peer_serial", "upstream_peer_sha256"};
    log_peer(l, r->up, &keys);
    if (r->up->alert_received > 0)
        log_str(l, "alert_received", tls_alert_name(r->up->alert_received));
    if (r->reason != REASON_VALID && r->up->peer != NULL) {
        log_str(l, "upstream_issuer", r->up->peer->issuer);
    }
}

const struct tls_facts *access_event_refused_ours(const struct report *r)
{
    const struct tls_facts *side = r->up != NULL ? r->up : r->down;
    bool about_ours = r->reason == REASON_OUR_CERTIFICATE_REFUSED || r->reason == REASON_CLIENT_REFUSED_CERTIFICATE;
    return about_ours && side != NULL && side->ours != NULL ? side : NULL;
}

/* Names it, says whether it is simply too old, and what the peer takes instead. */
static void log_ours(struct log_line *l, const struct tls_facts *side)
{
    struct tls_identity_facts ours;
    char when[21];
    tls_identity_facts(side->ours, &ours);
    log_str(l, "ours", ours.subject);
    log_str(l, "ours_issuer", ours.issuer);
    log_str(l, "ours_serial", ours.serial);
    log_str(l, "ours_sha256", ours.sha256);
    text_utc(when, ours.not_before);
    log_str(l, "ours_not_before", when);
    text_utc(when, ours.not_after);
    log_str(l, "ours_not_after", when);
    log_str(l, "accepted_cas", side->accepted_cas);
}

static void log_times(struct log_line *l, const struct report *r)
{
    if (r->took.connect_us != 0)
        log_ms(l, "connect_ms", r->took.connect_us);
    if (r->took.handshake_us != 0)
        log_ms(l, "handshake_ms", r->took.handshake_us);
    if (r->took.first_byte_us != 0)
        log_ms(l, "first_byte_ms", r->took.first_byte_us);
    log_ms(l, "total_ms", r->took.total_us);
}

/* The program at the other end. */
static void log_caller(struct log_line *l, const struct report *r)
{
    const struct caller_limits *limits = r->listener->limits;
    const struct caller *caller = r->from.program;
    log_uint(l, "uid", caller->uid);
    log_str(l, "user", limits != NULL ? caller_user_name(&limits->names, caller->uid) : NULL);
    log_str(l, "program", caller->program[0] != '\0' ? caller->program : NULL);
}

static void log_route(struct log_line *l, const struct report *r)
{
    if (r->route != NULL && r->listener->n_routes > 1) /* a listener with one has nothing to tell apart */
        log_str(l, "route", r->route->conf->where);
}

/* A route that answers by itself has nothing to add, and without memory there are no words. */
const char *access_event_detail(const struct report *r)
{
    return r->detail != NULL && r->detail[0] != '\0' ? r->detail : reason_row(r->reason)->title;
}

/* For a client whose TLS another server ends. */
static void log_hello(struct log_line *l, const struct tls_hello *hello)
{
    log_str(l, "protocol", "tls-passthrough");
    log_str(l, "sni", hello->server_name);
    log_str(l, "alpn", hello->alpn);
}

static void log_request(struct log_line *l, const struct report *r)
{
    log_span(l, "method", r->request.method);
    log_span(l, "target", r->request.uri);
    log_str(l, "request_id", r->request.id);
    log_span(l, "traceparent", r->request.traceparent);
    if (r->request.method.len > 0)
        log_str(l, "protocol", r->request.http2 ? "HTTP/2" : r->request.minor == 0 ? "HTTP/1.0" : "HTTP/1.1");
    log_uint(l, "status", r->request.status);
}

static void log_outcome(struct log_line *l, const struct report *r)
{
    const struct reason_row *row = reason_row(r->reason);
    if (r->reason != REASON_VALID) {
        log_str(l, "reason", row->word);
        log_str(l, "refused_by", report_blame_word(report_blame(r->reason)));
        log_str(l, "hint", r->hint != NULL ? r->hint : row->hint);
    }
    if (r->would_refuse != REASON_UNDECIDED)
        log_str(l, "would_refuse", reason_word(r->would_refuse));
}

static void log_certificates(struct log_line *l, const struct report *r)
{
    const struct tls_facts *refused = access_event_refused_ours(r);
    if (r->down != NULL)
        log_down(l, r->down, r->reason);
    if (r->up != NULL)
        log_up(l, r);
    if (refused != NULL)
        log_ours(l, refused);
}

static void log_target(struct log_line *l, const struct report *r)
{
    log_str(l, "upstream", r->target->upstream->conf->name);
    log_str(l, "target_address", r->target->conf->text);
}

void access_event_write(const struct report *r, unsigned not_in_main)
{
    enum log_level level = r->reason == REASON_VALID ? LOG_LEVEL_INFO : reason_row(r->reason)->level;
    unsigned parts = LOG_REQUESTS | not_in_main | (r->reason != REASON_VALID ? LOG_REFUSALS : 0);
    struct log_line l;
    log_begin_as(&l, parts, level, r->kind == REPORT_REQUEST ? "request" : "connection", r->reason == REASON_VALID ? NULL : access_event_detail(r));
    if (!l.wanted)
        return;
    log_str(&l, "listener", r->listener->conf->name);
    log_str(&l, "client", r->client);
    log_str(&l, "forwarded_for", r->from.forwarded_for);
    if (r->from.program != NULL && r->from.program->known)
        log_caller(&l, r);
    if (r->kind == REPORT_REQUEST)
        log_request(&l, r);
    if (r->hello != NULL)
        log_hello(&l, r->hello);
    log_route(&l, r);
    if (r->target != NULL)
        log_target(&l, r);
    log_outcome(&l, r);
    log_certificates(&l, r);
    if (r->target != NULL)
        log_str(&l, "reused", r->up_reused ? "yes" : "no");
    if (r->up != NULL && r->up->asked_later)
        log_str(&l, "certificate_requested", "later");
    if (r->retries > 0)
        log_uint(&l, "retries", r->retries);
    log_uint(&l, "bytes_in", r->bytes_in);
    log_uint(&l, "bytes_out", r->bytes_out);
    log_times(&l, r);
    log_end(&l);
}
