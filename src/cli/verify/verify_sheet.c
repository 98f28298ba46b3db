/* SPDX-License-Identifier: Apache-2.0 */
#include "verify_sheet.h"
#include "daemon_json.h"
#include "mtlsd/base/text.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/tls/tls_engine.h"
#include "mtlsd/tls/tls_peer.h"

#include <jansson.h>

static int line(struct bytes *out, const char *label, const char *value)
{
    if (bytes_printf(out, "%-11s", label) != 0 || text_append_percent(out, span_from_str(value)) != 0)
        return -1;
    return bytes_append_str(out, "\n");
}

/* What a peer and a page are told of it. */
static int numbers_text(const struct verify_sheet *s, struct bytes *out)
{
    const struct tls_verdict *v = s->verdict;
    int alert = reason_row(v->status)->alert;
    if (v->status == REASON_VALID)
        return 0;
    if (s->refuses_later)
        return bytes_printf(out, "%-11sHTTP %u, OpenSSL's number %d\n", "told as", reason_row(v->status)->http_status, v->openssl_error);
    return bytes_printf(out, "%-11salert %s (%d), OpenSSL's number %d\n", "told as", tls_alert_name(alert), alert, v->openssl_error);
}

static const char *hint_of(const struct verify_sheet *s, enum reason reason)
{
    struct tls_peer *leaf = reason == REASON_NAME_MISMATCH && s->chain->n > 0 ? tls_peer_new(s->chain->ders[0], NULL) : NULL;
    const char *hint = reason_hint(reason, leaf);
    tls_peer_free(leaf);
    return hint;
}

/* One after the other, the worst first; the same advice once. */
static int problems_text(const struct verify_sheet *s, struct bytes *out)
{
    const struct tls_details *d = s->details;
    for (size_t i = 0; i < d->n; i++) {
        const struct reason_row *row = reason_row(d->items[i].reason);
        bool last = i + 1 == d->n || d->items[i + 1].reason != row->reason;
        if (bytes_printf(out, "%-11s%-15s", i == 0 ? "problems" : "", row->word) != 0 ||
            text_append_percent(out, span_from_str(d->items[i].text)) != 0 || bytes_append_str(out, "\n") != 0)
            return -1;
        if (last && bytes_printf(out, "%-11s%-15s-> %s\n", "", "", hint_of(s, row->reason)) != 0)
            return -1;
    }
    return 0;
}

static int listener_text(const struct verify_sheet *s, struct bytes *out)
{
    bool valid = s->verdict->status == REASON_VALID;
    if (s->listener == NULL)
        return 0;
    if (bytes_printf(out, "%-11s", "listener") != 0 || text_append_percent(out, span_from_str(s->listener)) != 0 ||
        bytes_append_str(out, " at ") != 0 || text_append_percent(out, span_from_str(s->where)) != 0)
        return -1;
    if (!s->lets_in)
        return bytes_append_str(out, s->refuses_later ? ": answers each request with 403\n" : ": refuses the handshake\n");
    return bytes_append_str(out, valid ? ": lets it in\n" : ": lets it in (tolerate), for routes that name the status; mtlsd explain says which\n");
}

static int certificate_text(struct span der, size_t i, struct bytes *out)
{
    char from[21], until[21], key[TLS_CHAIN_KEY_NAME];
    struct tls_peer *peer = tls_peer_new(der, NULL);
    if (peer == NULL)
        return bytes_printf(out, "\n[%zu] cannot be parsed (%zu bytes)\n", i, der.len);
    text_utc(from, peer->not_before);
    text_utc(until, peer->not_after);
    tls_chain_key_name(der, key);
    int rc = bytes_printf(out, "\n[%zu] ", i);
    if (rc == 0)
        rc = line(out, "subject", peer->subject);
    if (rc == 0)
        rc = bytes_append_str(out, "    ") != 0 ? -1 : line(out, "issuer", peer->issuer);
    if (rc == 0)
        rc = bytes_printf(out, "    %-11s%s to %s\n    %-11s%s\n    %-11s%s\n    %-11s%s\n", "valid", from, until, "key", key, "serial", peer->serial,
                          "sha256", peer->sha256);
    tls_peer_free(peer);
    return rc;
}

int verify_sheet_text(const struct verify_sheet *s, struct bytes *out)
{
    char at[21];
    struct tls_trust_facts trust;
    text_utc(at, s->question->now);
    tls_trust_facts(s->question->trust, &trust);
    if (line(out, "status", reason_word(s->verdict->status)) != 0 || line(out, "because", s->verdict->text) != 0)
        return -1;
    if (numbers_text(s, out) != 0 || listener_text(s, out) != 0 || problems_text(s, out) != 0)
        return -1;
    if (bytes_printf(out, "%-11sas a %s, at %s\n", "judged", s->question->purpose == TLS_PURPOSE_CLIENT ? "client" : "server", at) != 0)
        return -1;
    for (size_t i = 0; i < s->question->n_names; i++)
        if (line(out, i == 0 ? "expected" : "", s->question->names[i]) != 0)
            return -1;
    if (bytes_printf(out, "%-11s%zu CA%s, %zu CRL%s, %zu revoked\n", "trust", trust.n_ca, trust.n_ca == 1 ? "" : "s", trust.n_crl,
                     trust.n_crl == 1 ? "" : "s", trust.n_revoked) != 0)
        return -1;
    for (size_t i = 0; i < s->chain->n; i++)
        if (certificate_text(s->chain->ders[i], i, out) != 0)
            return -1;
    return 0;
}

static json_t *certificate_json(struct span der)
{
    char key[TLS_CHAIN_KEY_NAME];
    struct tls_peer *peer = tls_peer_new(der, NULL);
    if (peer == NULL)
        return json_pack("{sb}", "parsed", 0);
    tls_chain_key_name(der, key);
    json_t *value = json_pack("{sb so so ss ss sI sI ss ss}", "parsed", 1, "subject", daemon_json_text(peer->subject), "issuer",
                              daemon_json_text(peer->issuer), "key", key, "serial", peer->serial, "not_before", (json_int_t)peer->not_before, "not_after",
                              (json_int_t)peer->not_after, "sha256", peer->sha256, "spki_sha256", peer->spki_sha256);
    tls_peer_free(peer);
    return value;
}

static json_t *names_json(const struct tls_question *q)
{
    json_t *list = json_array();
    for (size_t i = 0; i < q->n_names; i++)
        json_array_append_new(list, daemon_json_text(q->names[i]));
    return list;
}

static json_t *listener_json(const struct verify_sheet *s)
{
    if (s->listener == NULL)
        return json_null();
    return json_pack("{so so sb}", "name", daemon_json_text(s->listener), "where", daemon_json_text(s->where), "lets_in", s->lets_in);
}

/* problems holds each word once, findings each sentence. */
static void add_problems(const struct verify_sheet *s, json_t *problems, json_t *findings)
{
    const struct tls_details *d = s->details;
    for (size_t i = 0; i < d->n; i++) {
        const struct reason_row *row = reason_row(d->items[i].reason);
        if (i == 0 || d->items[i - 1].reason != row->reason)
            json_array_append_new(problems, json_string(row->word));
        json_array_append_new(findings, json_pack("{ss si so ss}", "reason", row->word, "openssl_error", d->items[i].openssl_error, "detail",
                                                  daemon_json_text(d->items[i].text), "hint", hint_of(s, row->reason)));
    }
}

static json_t *sheet_json(const struct verify_sheet *s)
{
    json_t *problems = json_array(), *findings = json_array(), *chain = json_array();
    add_problems(s, problems, findings);
    for (size_t i = 0; i < s->chain->n; i++)
        json_array_append_new(chain, certificate_json(s->chain->ders[i]));
    const struct reason_row *row = reason_row(s->verdict->status);
    json_t *alert = row->alert >= 0 ? json_pack("{si ss}", "number", row->alert, "name", tls_alert_name(row->alert)) : json_null();
    return json_pack("{ss ss so ss si so so so so ss sI so so}", "status", row->word, "title", row->title, "detail",
                     daemon_json_text(s->verdict->text), "hint", hint_of(s, row->reason), "openssl_error", s->verdict->openssl_error, "alert", alert, "listener",
                     listener_json(s), "problems", problems, "findings", findings, "purpose",
                     s->question->purpose == TLS_PURPOSE_CLIENT ? "client" : "server", "at", (json_int_t)s->question->now, "names",
                     names_json(s->question), "chain", chain);
}

int verify_sheet_json(const struct verify_sheet *s, struct bytes *out)
{
    return daemon_json_write(sheet_json(s), out);
}
