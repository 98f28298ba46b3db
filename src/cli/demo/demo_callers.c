/* SPDX-License-Identifier: Apache-2.0 */
#include "demo.h"
#include "pki/pki_folder.h"
#include "mtlsd/io/file.h"
#include "mtlsd/io/probe.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/tls/tls_chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MS = 5000, ALERT_CERTIFICATE_REQUIRED = 116, ALERT_HANDSHAKE_FAILURE = 40 };

static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2"};

struct attempt {
    int alert;       /* -1: none came */
    unsigned status; /* of an HTTP answer, 0: none */
    char reason[64]; /* what the verifier wrote down */
    char trouble[200];
};

/* ---- certificates ---- */

static int add_caller(struct demo *d, const char *name, enum reason expected, struct tls_identity *identity)
{
    d->callers[d->n_callers++] = (struct demo_caller){name, identity, expected};
    return identity != NULL || expected == REASON_NONE ? 0 : -1;
}

static int add_bad(struct demo *d, enum tls_pki_bad bad, const char *name, struct err *err)
{
    char file[64];
    snprintf(file, sizeof(file), "caller-%s", tls_pki_bad_word(bad));
    return add_caller(d, name, tls_pki_bad_status(bad), demo_pki_client(&d->pki, bad, "demo", file, err));
}

int demo_callers_prepare(struct demo *d, struct err *err)
{
    static const struct {
        enum tls_pki_bad bad;
        const char *name;
    } kinds[] = {
        {TLS_PKI_EXPIRED, "expired"},
        {TLS_PKI_NOT_YET_VALID, "not yet valid"},
        {TLS_PKI_WRONG_PURPOSE, "for servers only"},
        {TLS_PKI_NO_PURPOSE, "for code signing"},
        {TLS_PKI_ANY_PURPOSE, "for \"any purpose\""},
        {TLS_PKI_SELF_SIGNED, "self-signed"},
        {TLS_PKI_UNKNOWN_CA, "false CA, same name"},
        {TLS_PKI_WEAK, "RSA with 1024 bits"},
        {TLS_PKI_SHA1, "signed with SHA-1"},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (add_bad(d, kinds[i].bad, kinds[i].name, err) != 0)
            return -1;
    if (add_caller(d, "revoked", REASON_REVOKED, demo_pki_client(&d->pki, TLS_PKI_GOOD, "demo", "caller-revoked", err)) != 0 ||
        demo_pki_revoke_last(&d->pki, err) != 0)
        return -1;
    if (add_caller(d, "none at all", REASON_NONE, NULL) != 0)
        return -1;
    return add_caller(d, "genuine, not allowed", REASON_NOT_ALLOWED, demo_pki_client(&d->pki, TLS_PKI_GOOD, "guests", "caller-guest", err));
}

/* ---- trying them ---- */

/* The handshake, a request, and what comes back: with TLS 1.3 the verifier's alert arrives only now. */
static void ask(struct probe *p, struct attempt *a)
{
    static const char request[] = "GET /who HTTP/1.1\r\nHost: " DEMO_SERVER_NAME "\r\nConnection: close\r\n\r\n";
    char start[64] = "";
    if (probe_send(p, span_from_str(request)) && probe_read(p, start, sizeof(start) - 1) > 0 && strncmp(start, "HTTP/1.1 ", 9) == 0)
        a->status = (unsigned)strtoul(start + 9, NULL, 10);
}

static void attempt_with(const struct demo *d, struct tls_context *ctx, struct attempt *a)
{
    struct address to = demo_address(d->verifier_http);
    struct tls_facts facts = {.alert_received = -1};
    struct probe *p = probe_connect(&to, LIMIT_MS);
    if (p == NULL)
        return;
    if (probe_start_tls(p, ctx))
        ask(p, a);
    if (probe_engine(p) != NULL)
        tls_engine_facts(probe_engine(p), &facts);
    a->alert = facts.alert_received;
    if (probe_failed(p) && a->alert < 0)
        snprintf(a->trouble, sizeof(a->trouble), "%s", probe_text(p));
    probe_free(p);
}

static void attempt(const struct demo *d, const struct demo_caller *caller, const char *priority, struct attempt *a)
{
    struct err err = {0};
    struct demo_refusals before, after = {0};
    *a = (struct attempt){.alert = -1};
    struct tls_context_spec spec = {
        .identity = caller->identity, .trust = d->pki.trust, .server_name = DEMO_SERVER_NAME, .priority = priority};
    struct tls_context *ctx = tls_context_new(&spec, &err);
    if (ctx != NULL && demo_process_refusals(&d->verifier, &before, &err) == 0) {
        attempt_with(d, ctx, a);
        if (a->trouble[0] == '\0' && demo_process_next_refusal(&d->verifier, before.n, &after, &err) == 0)
            snprintf(a->reason, sizeof(a->reason), "%s", after.newest);
    }
    if (err.kind != ERR_NONE && a->trouble[0] == '\0')
        snprintf(a->trouble, sizeof(a->trouble), "%.190s", err.text);
    tls_context_unref(ctx);
}

/* ---- judging what happened ---- */

static int expected_alert(enum reason expected, bool tls13)
{
    if (expected == REASON_NONE) /* TLS 1.2 has no word for it */
        return tls13 ? ALERT_CERTIFICATE_REQUIRED : ALERT_HANDSHAKE_FAILURE;
    return expected == REASON_NOT_ALLOWED ? -1 : reason_row(expected)->alert;
}

static bool as_expected(const struct demo_caller *caller, const struct attempt *a, bool tls13)
{
    unsigned status = caller->expected == REASON_NOT_ALLOWED ? reason_row(REASON_NOT_ALLOWED)->http_status : 0;
    return a->trouble[0] == '\0' && a->alert == expected_alert(caller->expected, tls13) && a->status == status &&
           strcmp(a->reason, reason_word(caller->expected)) == 0;
}

static const char *describe(const struct attempt *a, char out[40])
{
    if (a->status > 0)
        snprintf(out, 40, "HTTP %u", a->status);
    else
        snprintf(out, 40, "%s", a->alert >= 0 ? tls_alert_name(a->alert) : "no alert");
    return out;
}

static void show_caller(struct demo *d, const struct demo_caller *caller)
{
    struct attempt with13, with12;
    char told13[40], told12[40];
    attempt(d, caller, priorities[0], &with13);
    attempt(d, caller, priorities[1], &with12);
    bool ok13 = as_expected(caller, &with13, true), ok12 = as_expected(caller, &with12, false);
    demo_show_row(&d->show, ok13 && ok12, "%-20s %-23s %-23s %s", caller->name, describe(&with13, told13), describe(&with12, told12),
                  !ok13 ? with13.reason : with12.reason);
    if (!ok13)
        demo_show_note(&d->show, "TLS 1.3: expected %s, recorded \"%s\" %s", reason_word(caller->expected), with13.reason, with13.trouble);
    if (!ok12)
        demo_show_note(&d->show, "TLS 1.2: expected %s, recorded \"%s\" %s", reason_word(caller->expected), with12.reason, with12.trouble);
}

/* No identity of ours can be a CA's certificate, so this one is judged as the verifier would, without a handshake. */
static void show_ca(struct demo *d)
{
    struct err err = {0};
    char path[DEMO_PATH_MAX + 32];
    struct bytes text = {0};
    struct tls_chain chain = {0};
    struct tls_verdict verdict = {.status = REASON_UNDECIDED};
    struct tls_question question = {.trust = d->pki.trust, .purpose = TLS_PURPOSE_CLIENT, .now = d->pki.now};
    tls_identity_unref(demo_pki_client(&d->pki, TLS_PKI_IS_CA, "demo", "caller-is-ca", NULL));
    snprintf(path, sizeof(path), "%s/caller-is-ca.pem", d->folder);
    if (file_read(path, &text, NULL, &err) == 0 && tls_chain_read(&chain, bytes_span(&text), path, &err) == 0)
        tls_judge(&question, chain.ders, chain.n, &verdict);
    demo_show_row(&d->show, verdict.status == REASON_CONSTRAINT, "%-20s %-47s %s", "itself a CA", "(judged only: mtlsd does not present it)",
                  reason_word(verdict.status));
    tls_chain_clear(&chain);
    pki_folder_wipe(&text);
}

void demo_callers_show(struct demo *d)
{
    char columns[160];
    snprintf(columns, sizeof(columns), "%-20s %-23s %-23s %s", "what is wrong", "told by TLS 1.3", "told by TLS 1.2", "reason recorded");
    demo_show_section(&d->show, "2. Bad client certificates: the verifier lets none of them reach the backend", columns);
    struct demo_count before, after;
    bool counted = demo_ask_tally(d, &before);
    for (size_t i = 0; i < d->n_callers && !demo_interrupted(d); i++)
        show_caller(d, &d->callers[i]);
    show_ca(d);
    if (!counted || !demo_ask_tally(d, &after))
        demo_show_row(&d->show, false, "the backend does not say what reached it");
    else
        demo_show_row(&d->show, after.requests == before.requests, "requests of theirs that reached the backend: %lu",
                      after.requests - before.requests);
}
