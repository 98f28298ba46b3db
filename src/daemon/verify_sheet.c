/* SPDX-License-Identifier: Apache-2.0 */
#include "verify_sheet.h"
#include "daemon_json.h"
#include "mtlsd/base/text.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/tls/tls_peer.h"

#include <jansson.h>

static bool has(const struct tls_verdict *v, enum reason reason)
{
    return (v->all & (UINT64_C(1) << reason)) != 0;
}

static int line(struct bytes *out, const char *label, const char *value)
{
    if (bytes_printf(out, "%-11s", label) != 0 || text_append_percent(out, span_from_str(value)) != 0)
        return -1;
    return bytes_append_str(out, "\n");
}

static int problems_text(const struct tls_verdict *v, struct bytes *out)
{
    const char *label = "problems";
    for (enum reason reason = REASON_VALID; reason < REASON_COUNT; reason++) {
        if (reason == REASON_VALID || !has(v, reason))
            continue;
        const struct reason_row *row = reason_row(reason);
        if (bytes_printf(out, "%-11s%-15s%s\n%-11s%-15s-> %s\n", label, row->word, row->title, "", "", row->hint) != 0)
            return -1;
        label = "";
    }
    return 0;
}

static int certificate_text(struct span der, size_t i, struct bytes *out)
{
    char from[21], until[21];
    struct tls_peer *peer = tls_peer_new(&der, 1, NULL);
    if (peer == NULL)
        return bytes_printf(out, "\n[%zu] cannot be parsed (%zu bytes)\n", i, der.len);
    text_utc(from, peer->not_before);
    text_utc(until, peer->not_after);
    int rc = bytes_printf(out, "\n[%zu] ", i);
    if (rc == 0)
        rc = line(out, "subject", peer->subject);
    if (rc == 0)
        rc = bytes_append_str(out, "    ") != 0 ? -1 : line(out, "issuer", peer->issuer);
    if (rc == 0)
        rc = bytes_printf(out, "    %-11s%s to %s\n    %-11s%s\n    %-11s%s\n", "valid", from, until, "serial", peer->serial, "sha256",
                          peer->sha256);
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
    if (problems_text(s->verdict, out) != 0)
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
    struct tls_peer *peer = tls_peer_new(&der, 1, NULL);
    if (peer == NULL)
        return json_pack("{sb}", "parsed", 0);
    json_t *value = json_pack("{sb so so ss sI sI ss ss}", "parsed", 1, "subject", daemon_json_text(peer->subject), "issuer",
                              daemon_json_text(peer->issuer), "serial", peer->serial, "not_before", (json_int_t)peer->not_before, "not_after",
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

static json_t *sheet_json(const struct verify_sheet *s)
{
    json_t *problems = json_array(), *chain = json_array();
    for (enum reason reason = REASON_VALID; reason < REASON_COUNT; reason++)
        if (reason != REASON_VALID && has(s->verdict, reason))
            json_array_append_new(problems, json_string(reason_word(reason)));
    for (size_t i = 0; i < s->chain->n; i++)
        json_array_append_new(chain, certificate_json(s->chain->ders[i]));
    const struct reason_row *row = reason_row(s->verdict->status);
    return json_pack("{ss ss so ss si so ss sI so so}", "status", row->word, "title", row->title, "detail", daemon_json_text(s->verdict->text),
                     "hint", row->hint, "openssl_error", s->verdict->openssl_error, "problems", problems, "purpose",
                     s->question->purpose == TLS_PURPOSE_CLIENT ? "client" : "server", "at", (json_int_t)s->question->now, "names",
                     names_json(s->question), "chain", chain);
}

int verify_sheet_json(const struct verify_sheet *s, struct bytes *out)
{
    return daemon_json_write(sheet_json(s), out);
}
