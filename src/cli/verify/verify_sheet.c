/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/tls/tls_engine.h"
#include "mtlsd/tls/tls_peer.h"

#include <string.h>

/* ---- the document ---- */

static const char *hint_of(const struct verify_answer *a, enum reason reason)
{
    struct tls_peer *leaf = reason == REASON_NAME_MISMATCH && a->chain.n > 0 ? tls_peer_new(a->chain.ders[0], NULL) : NULL;
    const char *hint = reason_hint(reason, leaf);
    tls_peer_free(leaf);
    return hint;
}

static json_t *certificate_of(struct span der)
{
    char key[TLS_CHAIN_KEY_NAME];
    struct tls_peer *peer = tls_peer_new(der, NULL);
    if (peer == NULL)
        return document_object("parsed:b bytes:I", false, (int64_t)der.len);
    tls_chain_key_name(der, key);
    json_t *value = document_object("parsed:b subject:t issuer:t key:t serial:t not_before:I not_after:I sha256:t spki_sha256:t", true, peer->subject,
                                    peer->issuer, key, peer->serial, peer->not_before, peer->not_after, peer->sha256, peer->spki_sha256);
    tls_peer_free(peer);
    return value;
}

/* problems holds each word once, findings each sentence. */
static void add_problems(const struct verify_answer *a, json_t **problems, json_t **findings)
{
    const struct tls_details *d = &a->details;
    for (size_t i = 0; i < d->n; i++) {
        const struct reason_row *row = reason_row(d->items[i].reason);
        if (i == 0 || d->items[i - 1].reason != row->reason)
            *problems = document_append(*problems, json_string(row->word));
        *findings = document_append(*findings, document_object("reason:t openssl_error:i detail:t hint:t", row->word, d->items[i].openssl_error,
                                                               d->items[i].text, hint_of(a, row->reason)));
    }
}

json_t *verify_sheet_document(const struct verify_answer *a)
{
    struct tls_trust_facts trust;
    json_t *problems = json_array(), *findings = json_array(), *chain = json_array();
    add_problems(a, &problems, &findings);
    for (size_t i = 0; i < a->chain.n; i++)
        chain = document_append(chain, certificate_of(a->chain.ders[i]));
    tls_trust_facts(a->question.trust, &trust);
    const struct reason_row *row = reason_row(a->verdict.status);
    json_t *alert = row->alert >= 0 ? document_object("number:i name:t", row->alert, tls_alert_name(row->alert)) : json_null();
    json_t *listener = a->listener == NULL ? json_null() : document_object("name:t where:t lets_in:b answers:i", a->listener, a->where, a->lets_in,
                                                                           a->refuses_later ? (int)row->http_status : 0);
    json_t *json = document_object("status:t title:t detail:t hint:t openssl_error:i alert:o listener:o problems:o findings:o", row->word, row->title,
                                   a->verdict.text, hint_of(a, row->reason), a->verdict.openssl_error, alert, listener, problems, findings);
    return document_add(json, "purpose:t at:I names:o chain:o trust:o", a->question.purpose == TLS_PURPOSE_CLIENT ? "client" : "server", a->question.now,
                        document_strings(a->question.names, a->question.n_names), chain,
                        document_object("cas:I crls:I revoked:I", (int64_t)trust.n_ca, (int64_t)trust.n_crl, (int64_t)trust.n_revoked));
}

/* ---- for people ---- */

/* One after the other, the worst first; the same advice once. */
static void print_findings(struct page *p, const json_t *findings)
{
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i), *next = json_array_get(findings, i + 1);
        page_say(p, i == 0 ? "problems   " : "           ");
        page_put(p, finding, "{reason:15}{detail}\n");
        if (!json_equal(document_get(finding, "reason"), document_get(next, "reason")))
            page_put(p, finding, "                          -> {$hint}\n");
    }
}

static void print_certificate(struct page *p, const json_t *o, size_t i)
{
    page_printf(p, "\n[%zu] ", i);
    page_put(p, o, document_truth(o, "parsed") ? "subject    {subject}\n    issuer     {issuer}\n    valid      {not_before:utc} to {not_after:utc}\n"
                                                 "    key        {key}\n    serial     {serial}\n    sha256     {sha256}\n"
                                               : "cannot be parsed ({bytes} bytes)\n");
}

void verify_sheet_print(struct page *p, const json_t *document)
{
    const json_t *names = document_get(document, "names"), *chain = document_get(document, "chain");
    page_put(p, document, "status     {status}\nbecause    {detail}\n"
                          "[{!status=valid}sent as    [HTTP {listener.answers}][{!listener.answers}alert {alert.name} ({alert.number|0})], OpenSSL's number "
                          "{openssl_error|0}\n]"
                          "[{?listener}listener   {listener.name} at {listener.where}: "
                          "[{!listener.lets_in}[answers each request with {listener.answers}][{!listener.answers}refuses the handshake]]"
                          "[{?listener.lets_in}lets it in[{!status=valid} (tolerate), for routes that name the status; mtlsd explain says which]]\n]");
    print_findings(p, document_get(document, "findings"));
    page_put(p, document, "verified   as a {purpose}, at {at:utc}\n");
    for (size_t i = 0; i < json_array_size(names); i++) {
        page_say(p, i == 0 ? "expected   " : "           ");
        page_safe(p, json_string_value(json_array_get(names, i)));
        page_say(p, "\n");
    }
    page_put(p, document, "trust      {trust.cas} CA{trust.cas#}, {trust.crls} CRL{trust.crls#}, {trust.revoked} revoked\n");
    for (size_t i = 0; i < json_array_size(chain); i++)
        print_certificate(p, json_array_get(chain, i), i);
}
