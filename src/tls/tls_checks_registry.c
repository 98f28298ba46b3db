/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_checks.h"

#include "mtlsd/base/text.h"

#include <stdio.h>

enum { NOT_ALLOWED_NUMBER = 50, REVOKED_NUMBER = 23 }; /* X509_V_ERR_APPLICATION_VERIFICATION, X509_V_ERR_CERT_REVOKED */

/* At the start there are no rows: nothing is accepted before they were read. A clock that was set back makes rows of the future, which are fresh. */
static bool is_stale(const struct tls_question *q, const struct tls_registry_answer *a, const char *subject, struct tls_verdict *out)
{
    const struct tls_trust_rules *rules = tls_trust_rules(q->trust);
    const char *name = tls_registry_name(rules->registry);
    char when[21];
    if (!a->loaded) {
        tls_checks_found(out, REASON_REGISTRY_STALE, NOT_ALLOWED_NUMBER, "certificate %s: the rows of registry %s were not read yet", subject, name);
        return true;
    }
    if (q->now <= a->good_at + rules->registry_staleness) {
        tls_checks_until(out, a->good_at + rules->registry_staleness);
        return false;
    }
    text_utc(when, a->good_at);
    tls_checks_found(out, REASON_REGISTRY_STALE, NOT_ALLOWED_NUMBER, "certificate %s: registry %s could not be read since %s, longer than max_staleness",
                     subject, name, when);
    return true;
}

struct tls_registry_text *tls_checks_registry(const struct tls_question *q, const char *subject, const uint8_t ids[2][TLS_REGISTRY_ID_BYTES],
                                              struct tls_verdict *out)
{
    const struct tls_trust_rules *rules = tls_trust_rules(q->trust);
    struct tls_registry_answer a;
    char hex[TLS_REGISTRY_ID_BYTES * 2 + 1];
    if (rules->registry == NULL)
        return NULL;
    const char *name = tls_registry_name(rules->registry);
    tls_registry_look_up(rules->registry, ids[0], ids[1], &a);
    is_stale(q, &a, subject, out);
    switch (a.state) {
    case TLS_REGISTRY_ACTIVE:
        break;
    case TLS_REGISTRY_ABSENT:
        if (rules->registry_deny_listed || !a.loaded)
            break;
        text_hex(hex, span_of(ids[0], TLS_REGISTRY_ID_BYTES));
        tls_checks_found(out, REASON_NOT_REGISTERED, NOT_ALLOWED_NUMBER, "certificate %s: not in registry %s (SHA-256 %s)", subject, name, hex);
        break;
    case TLS_REGISTRY_REVOKED:
        tls_checks_found(out, REASON_REVOKED, REVOKED_NUMBER, "certificate %s: revoked in registry %s", subject, name);
        break;
    case TLS_REGISTRY_SUSPENDED:
        tls_checks_found(out, REASON_SUSPENDED, NOT_ALLOWED_NUMBER, "certificate %s: suspended in registry %s", subject, name);
        break;
    default:
        tls_checks_found(out, REASON_SUSPENDED, NOT_ALLOWED_NUMBER, "certificate %s: its row in registry %s is not valid; the log has the fault", subject, name);
        break;
    }
    return a.text;
}
