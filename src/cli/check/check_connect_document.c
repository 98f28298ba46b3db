/* SPDX-License-Identifier: Apache-2.0 */
#include "check_sheet.h"
#include "mtlsd/policy/reason.h"

static const char *alert_of(int alert)
{
    return alert >= 0 ? tls_alert_name(alert) : NULL;
}

static json_t *peer_of(const struct check_target *t, int64_t now)
{
    if (!t->has_peer)
        return json_null();
    return document_object("subject:t issuer:t not_after:I seconds_left:I", t->subject, t->issuer, t->not_after, t->not_after - now);
}

/* What the server refused: is it the one that was meant, and is it simply too old? */
static json_t *ours_of(const struct check_target *t, int64_t now)
{
    struct tls_identity_facts f;
    if (t->reason != REASON_OUR_CERTIFICATE_REFUSED || t->target->upstream->identity == NULL)
        return json_null();
    tls_identity_facts(t->target->upstream->identity, &f);
    return document_object("subject:t issuer:t serial:t sha256:t not_before:I not_after:I seconds_left:I", f.subject, f.issuer, f.serial, f.sha256, f.not_before,
                           f.not_after, f.not_after - now);
}

/* Of a handshake that ended early only what had happened by then; null: not known. */
static json_t *session_of(const struct check_target *t)
{
    bool finished = t->cipher[0] != '\0';
    if (t->version[0] == '\0')
        return json_null();
    return document_object("version:t cipher:t certificate_asked:o certificate_sent:b", t->version, finished ? t->cipher : NULL,
                           t->asked || finished ? json_boolean(t->asked) : json_null(), t->sent);
}

static const char *hint_of(const struct check_target *t)
{
    if (t->reason == REASON_VALID)
        return NULL;
    return t->hint != NULL && t->reason == REASON_NAME_MISMATCH ? t->hint : reason_row(t->reason)->hint;
}

json_t *check_connect_document(const struct check_connect *c, int64_t now)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->n; i++) {
        const struct check_target *t = &c->targets[i];
        const struct config_upstream *u = t->target->upstream->conf;
        bool ok = t->reason == REASON_VALID;
        json_t *json = document_object("upstream:t target:t accepted:b reason:t refused_by:t detail:t alert_received:t alert_sent:t", u->name,
                                       t->target->conf->text, ok, reason_word(t->reason), ok ? NULL : t->refused_by, t->text[0] != '\0' ? t->text : NULL,
                                       alert_of(t->alert_received), alert_of(t->alert_sent));
        json_array_append_new(list, document_add(json, "peer:o tls:o http_status:i connect_ms:f handshake_ms:f ours:o identity:t hint:t", peer_of(t, now),
                                                 session_of(t), (int)t->http_status, t->connect_ms, t->handshake_ms, ours_of(t, now), u->tls.identity,
                                                 hint_of(t)));
    }
    return list;
}
