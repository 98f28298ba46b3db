/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "mtlsd/io/probe_target.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/report.h"

static const char *alert_of(int alert)
{
    return alert >= 0 ? tls_alert_name(alert) : NULL;
}

/* Of several identities the one that the server's CAs chose, as soon as it requested one. */
static const char *name_of_ours(const struct probe_target *t)
{
    struct tls_identity_facts f;
    if (t->ours == NULL)
        return t->target->upstream->conf->tls.identity;
    tls_identity_facts(t->ours, &f);
    return f.name;
}

/* The server refused our certificate: is it the certificate that was meant, and is it simply too old? */
static json_t *ours_of(const struct probe_target *t, int64_t now)
{
    struct tls_identity_facts f;
    if (t->reason != REASON_OUR_CERTIFICATE_REFUSED || t->ours == NULL)
        return json_null();
    tls_identity_facts(t->ours, &f);
    return document_object("subject:t issuer:t serial:t sha256:t not_before:I not_after:I seconds_left:I", f.subject, f.issuer, f.serial, f.sha256, f.not_before,
                           f.not_after, f.not_after - now);
}

/* If the handshake ended early, only what had happened by then; null: not known. */
static json_t *session_of(const struct probe_target *t)
{
    bool finished = t->cipher[0] != '\0';
    if (t->version[0] == '\0')
        return json_null();
    return document_object("version:t cipher:t alpn:t certificate_asked:o certificate_sent:b staple_ignored:t", t->version, finished ? t->cipher : NULL,
                           t->alpn[0] != '\0' ? t->alpn : NULL, t->asked || finished ? json_boolean(t->asked) : json_null(), t->sent, t->staple_fault);
}

static const char *hint_of(const struct probe_target *t)
{
    if (t->reason == REASON_VALID)
        return NULL;
    return t->hint != NULL && t->reason == REASON_NAME_MISMATCH ? t->hint : reason_row(t->reason)->hint;
}

static json_t *peer_of(const struct probe_target *t, int64_t now)
{
    const struct probe_target_peer *peer = &t->peer;
    return peer->present ? document_object("subject:t issuer:t not_after:I seconds_left:I", peer->subject, peer->issuer, peer->not_after, peer->not_after - now)
                         : json_null();
}

static json_t *document_of(const struct probe_target *t, int64_t now)
{
    const struct config_upstream *u = t->target->upstream->conf;
    bool ok = t->reason == REASON_VALID;
    json_t *json = document_object("upstream:t target:t accepted:b reason:t refused_by:t detail:t alert_received:t alert_sent:t", u->name,
                                   t->target->conf->text, ok, reason_word(t->reason), ok ? NULL : report_blame_word(report_blame(t->reason)),
                                   t->text[0] != '\0' ? t->text : NULL, alert_of(t->alert_received), alert_of(t->alert_sent));
    return document_add(json, "peer:o tls:o http_status:i connect_ms:f handshake_ms:f ours:o identity:t hint:t", peer_of(t, now),
                        session_of(t), (int)t->http_status, t->connect_ms, t->handshake_ms, ours_of(t, now), name_of_ours(t), hint_of(t));
}

json_t *check_connect(const struct snapshot *snapshot, int64_t now, size_t *n_refused)
{
    json_t *list = json_array();
    *n_refused = 0;
    for (size_t i = 0; i < snapshot->n_targets; i++) {
        if (snapshot->targets[i].upstream->conf->serves != CONFIG_SERVE_NONE)
            continue;
        struct probe_target t;
        probe_target_try(&t, snapshot, &snapshot->targets[i]);
        list = document_append(list, document_of(&t, now));
        *n_refused += t.reason != REASON_VALID;
    }
    return list;
}
