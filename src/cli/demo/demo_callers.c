/* SPDX-License-Identifier: Apache-2.0 */
#include "demo.h"
#include "drill/drill.h"
#include "load.h"
#include "pki/pki.h"
#include "mtlsd/policy/reason.h"

#include <stdio.h>
#include <string.h>

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

static const char *expected_answer(enum reason expected, size_t version)
{
    if (expected == REASON_NOT_ALLOWED)
        return "HTTP 403";
    if (expected == REASON_NONE) /* TLS 1.2 has no word for it */
        return version == 0 ? "certificate_required" : "handshake_failure";
    return tls_alert_name(reason_row(expected)->alert);
}

/* The handshake, a request, and what comes back: with TLS 1.3 the verifier's alert arrives only then. True when it is as it should be. */
static bool attempt(const struct demo *d, const struct demo_caller *caller, size_t version, struct drill_try *try, struct demo_refusals *recorded)
{
    struct err err = {0};
    struct demo_refusals before;
    struct drill_setup setup = {.target = demo_address(d->verifier_http), .target_text = "the verifier", .server_name = DEMO_SERVER_NAME,
                                .server_trust = d->pki.trust, .request = "GET /who HTTP/1.1\r\nHost: " DEMO_SERVER_NAME "\r\nConnection: close\r\n\r\n"};
    *recorded = (struct demo_refusals){.n = 0};
    *try = (struct drill_try){.done = false};
    if (demo_process_refusals(&d->verifier, &before, &err) == 0 && drill_offer(&setup, caller->identity, version, try, NULL, &err))
        (void)(demo_process_next_refusal(&d->verifier, before.n, recorded, &err) == 0);
    if (err.kind != ERR_NONE)
        snprintf(try->why, sizeof(try->why), "%.190s", err.text);
    return err.kind == ERR_NONE && strcmp(try->told, expected_answer(caller->expected, version)) == 0 &&
           strcmp(recorded->newest, reason_word(caller->expected)) == 0;
}

static void show_caller(struct demo *d, const struct demo_caller *caller)
{
    struct drill_try tries[DRILL_VERSIONS];
    struct demo_refusals recorded[DRILL_VERSIONS];
    bool ok13 = attempt(d, caller, 0, &tries[0], &recorded[0]), ok12 = attempt(d, caller, 1, &tries[1], &recorded[1]);
    demo_show_row(&d->show, ok13 && ok12, "%-20s %-23s %-23s %s", caller->name, tries[0].told, tries[1].told, recorded[ok13 ? 1 : 0].newest);
    for (size_t v = 0; v < DRILL_VERSIONS; v++)
        if (v == 0 ? !ok13 : !ok12)
            demo_show_note(&d->show, "TLS 1.%d: expected %s, recorded \"%s\" %s", v == 0 ? 3 : 2, reason_word(caller->expected), recorded[v].newest,
                           tries[v].why);
}

/* No identity of ours can be a CA's certificate, so this one is judged as the verifier would, without a handshake. */
static void show_ca(struct demo *d)
{
    struct err err = {0};
    char path[DEMO_PATH_MAX + 32];
    struct tls_chain chain = {0};
    struct tls_verdict verdict = {.status = REASON_UNDECIDED};
    struct tls_question question = {.trust = d->pki.trust, .purpose = TLS_PURPOSE_CLIENT, .now = d->pki.now};
    tls_identity_unref(demo_pki_client(&d->pki, TLS_PKI_IS_CA, "demo", "caller-is-ca", NULL));
    snprintf(path, sizeof(path), "%s/caller-is-ca.pem", d->folder);
    if (load_chain(path, &chain, &err) == 0)
        tls_judge(&question, chain.ders, chain.n, &verdict);
    demo_show_row(&d->show, verdict.status == REASON_CONSTRAINT, "%-20s %-47s %s", "itself a CA", "(verified only: mtlsd does not present it)",
                  reason_word(verdict.status));
    tls_chain_clear(&chain);
}

void demo_callers_show(struct demo *d)
{
    char columns[160];
    snprintf(columns, sizeof(columns), "%-20s %-23s %-23s %s", "what is wrong", "sent in TLS 1.3", "sent in TLS 1.2", "reason recorded");
    demo_show_section(&d->show, "2. Bad client certificates: the verifier accepts none of them", columns);
    struct demo_count before, after;
    bool counted = demo_ask_tally(d, &before);
    for (size_t i = 0; i < d->n_callers && !demo_interrupted(d); i++)
        show_caller(d, &d->callers[i]);
    show_ca(d);
    if (!counted || !demo_ask_tally(d, &after))
        demo_show_row(&d->show, false, "the backend does not report its requests");
    else
        demo_show_row(&d->show, after.requests == before.requests, "their requests that reached the backend: %lu",
                      after.requests - before.requests);
}
