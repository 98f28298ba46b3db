/* SPDX-License-Identifier: Apache-2.0 */
#include "check_connect.h"
#include "daemon_json.h"
#include "mtlsd/base/text.h"
#include "mtlsd/policy/reason.h"

#include <jansson.h>

#define INDENT "                 "

/* The peer chose these bytes: never raw to a terminal. */
static int safe(struct bytes *out, const char *text)
{
    return text_append_percent(out, span_from_str(text));
}

static int result_text(const struct check_target *t, struct bytes *out)
{
    if (t->reason != REASON_VALID) {
        if (bytes_printf(out, "REFUSED by %s%s: %s", t->refused_by[0] == 'u' ? "" : "the ", t->refused_by, reason_word(t->reason)) != 0)
            return -1;
        return t->alert_received >= 0 ? bytes_printf(out, ", alert %s", tls_alert_name(t->alert_received)) : 0;
    }
    if (bytes_append_str(out, "accepted") != 0)
        return -1;
    if (t->target->tls == NULL)
        return bytes_printf(out, ", plaintext, connect %.1f ms", t->connect_ms);
    if (t->http_status != 0 && bytes_printf(out, ", HTTP %u", t->http_status) != 0)
        return -1;
    return bytes_printf(out, ", connect %.1f ms, handshake %.1f ms", t->connect_ms, t->handshake_ms);
}

static int until_text(int64_t not_after, int64_t now, struct bytes *out)
{
    char until[21];
    long long left = text_days_left(not_after, now);
    text_utc(until, not_after);
    return bytes_printf(out, left < 0 ? ", until %s, expired %lld day%s ago\n" : ", until %s, %lld day%s left\n", until, left < 0 ? -left : left,
                        left == 1 || left == -1 ? "" : "s");
}

static int peer_text(const struct check_target *t, int64_t now, struct bytes *out)
{
    if (!t->has_peer)
        return 0;
    if (bytes_append_str(out, INDENT "server: ") != 0 || safe(out, t->subject) != 0 || bytes_append_str(out, ", issued by ") != 0 ||
        safe(out, t->issuer) != 0)
        return -1;
    return until_text(t->not_after, now, out);
}

/* What the server refused: is it the one that was meant, and is it simply too old? */
static int ours_text(const struct check_target *t, int64_t now, struct bytes *out)
{
    struct tls_identity_facts f;
    if (t->reason != REASON_OUR_CERTIFICATE_REFUSED || t->target->upstream->identity == NULL)
        return 0;
    tls_identity_facts(t->target->upstream->identity, &f);
    if (bytes_append_str(out, INDENT "ours: ") != 0 || safe(out, f.subject) != 0 || bytes_append_str(out, ", issued by ") != 0 || safe(out, f.issuer) != 0 ||
        bytes_printf(out, ", serial %s", f.serial) != 0)
        return -1;
    return until_text(f.not_after, now, out);
}

/* Of a handshake that ended early only what had happened by then. */
static int session_text(const struct check_target *t, struct bytes *out)
{
    const char *ours = t->target->upstream->conf->tls.identity;
    bool finished = t->cipher[0] != '\0';
    if (t->version[0] == '\0')
        return 0;
    if (bytes_printf(out, INDENT "%s%s%s", t->version, finished ? ", " : ", handshake not finished", t->cipher) != 0)
        return -1;
    if (t->sent)
        return bytes_printf(out, "; it asked for a certificate, \"%s\" was sent\n", ours);
    if (t->asked)
        return bytes_append_str(out, finished || ours == NULL ? "; it asked for a certificate, there was none to send\n" : "; it asked for a certificate, none was sent\n");
    return bytes_append_str(out, finished ? "; it did not ask for a certificate\n" : "\n");
}

static int target_text(const struct check_target *t, int64_t now, struct bytes *out)
{
    if (bytes_printf(out, "%-16s %-32s ", t->target->upstream->conf->name, t->target->conf->text) != 0 || result_text(t, out) != 0 ||
        bytes_append_str(out, "\n") != 0)
        return -1;
    if (t->text[0] != '\0' && (bytes_append_str(out, INDENT) != 0 || safe(out, t->text) != 0 || bytes_append_str(out, "\n") != 0))
        return -1;
    if (peer_text(t, now, out) != 0 || ours_text(t, now, out) != 0 || session_text(t, out) != 0)
        return -1;
    return t->reason == REASON_VALID ? 0 : bytes_printf(out, INDENT "what to do: %s\n",
                                                             t->hint != NULL && t->reason == REASON_NAME_MISMATCH ? t->hint : reason_row(t->reason)->hint);
}

int check_connect_text(const struct check_connect *c, int64_t now, struct bytes *out)
{
    if (c->n > 0 && bytes_printf(out, "\n%-16s %-32s %s\n", "CONNECTING", "TARGET", "RESULT") != 0)
        return -1;
    for (size_t i = 0; i < c->n; i++)
        if (target_text(&c->targets[i], now, out) != 0)
            return -1;
    return 0;
}

/* ---- json ---- */

static json_t *alert_json(int alert)
{
    return alert >= 0 ? json_string(tls_alert_name(alert)) : json_null();
}

static json_t *peer_json(const struct check_target *t, int64_t now)
{
    if (!t->has_peer)
        return json_null();
    return json_pack("{so so sI sI}", "subject", daemon_json_text(t->subject), "issuer", daemon_json_text(t->issuer), "not_after",
                     (json_int_t)t->not_after, "seconds_left", (json_int_t)(t->not_after - now));
}

static json_t *ours_json(const struct check_target *t)
{
    struct tls_identity_facts f;
    if (t->reason != REASON_OUR_CERTIFICATE_REFUSED || t->target->upstream->identity == NULL)
        return json_null();
    tls_identity_facts(t->target->upstream->identity, &f);
    return json_pack("{so so ss ss sI sI}", "subject", daemon_json_text(f.subject), "issuer", daemon_json_text(f.issuer), "serial", f.serial, "sha256",
                     f.sha256, "not_before", (json_int_t)f.not_before, "not_after", (json_int_t)f.not_after);
}

/* null: not known, because the handshake ended before. */
static json_t *session_json(const struct check_target *t)
{
    bool finished = t->cipher[0] != '\0';
    if (t->version[0] == '\0')
        return json_null();
    return json_pack("{ss so so sb}", "version", t->version, "cipher", daemon_json_text(finished ? t->cipher : NULL), "certificate_asked",
                     t->asked || finished ? json_boolean(t->asked) : json_null(), "certificate_sent", t->sent);
}

json_t *check_connect_json(const struct check_connect *c, int64_t now)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->n; i++) {
        const struct check_target *t = &c->targets[i];
        bool ok = t->reason == REASON_VALID;
        json_t *o = json_pack("{so so sb ss so so so so so so si sf sf}", "upstream", daemon_json_text(t->target->upstream->conf->name), "target",
                              daemon_json_text(t->target->conf->text), "accepted", ok, "reason", reason_word(t->reason), "refused_by",
                              daemon_json_text(ok ? NULL : t->refused_by), "detail", daemon_json_text(t->text[0] != '\0' ? t->text : NULL),
                              "alert_received", alert_json(t->alert_received), "alert_sent", alert_json(t->alert_sent), "peer",
                              peer_json(t, now), "tls", session_json(t), "http_status", (int)t->http_status, "connect_ms", t->connect_ms,
                              "handshake_ms", t->handshake_ms);
        json_object_set_new(o, "ours", ours_json(t));
        json_array_append_new(list, o);
    }
    return list;
}
