/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that requests our certificate after the first handshake, as Apache does for a folder with SSLVerifyClient: TLS 1.3 by post-handshake
 * authentication (RFC 8446 4.6.2), TLS 1.2 by renegotiation. Only an upstream with such a key answers (security A10). A renegotiation is bound to the
 * handshake before it (RFC 5746), both have an extended master secret (RFC 7627), and the server shows the very same certificate.
 *
 *   open --CertificateRequest--> open                       TLS 1.3: the answer is sent at once
 *   open --HelloRequest--> renegotiating --done--> open     TLS 1.2: nothing of the application is sent meanwhile
 */
#include "tls_engine_internal.h"

#include <string.h>

enum { LATE_REQUESTS_MAX = 8 }; /* on one connection; each costs a signature (security D2) */

static void refuse(struct tls_engine *e, unsigned alert, const char *text)
{
    tls_engine_send_alert(e, alert);
    tls_engine_fail(e, REASON_RENEGOTIATION, text);
}

static bool is_too_often(struct tls_engine *e)
{
    if (++e->late_requests <= LATE_REQUESTS_MAX)
        return false;
    refuse(e, GNUTLS_A_ACCESS_DENIED, "the server requested our certificate too often on one connection");
    return true;
}

static void note_asked(struct tls_engine *e)
{
    e->agreed.asked_for_ours = e->agreed.asked_later = true;
    e->agreed.ours_sent = e->ctx->identity != NULL;
}

void tls_engine_reauthenticate(struct tls_engine *e)
{
    if (is_too_often(e))
        return;
    int rc = gnutls_reauth(e->session, 0);
    if (rc < 0)
        tls_engine_fail_by_code(e, rc);
    else
        note_asked(e);
}

bool tls_engine_is_same_peer(const struct tls_engine *e)
{
    unsigned n = 0;
    const gnutls_datum_t *list = gnutls_certificate_get_peers(e->session, &n);
    return e->peer != NULL && list != NULL && n > 0 && span_equals(e->peer->der, span_of(list[0].data, list[0].size));
}

static bool is_bound(const struct tls_engine *e)
{
    return gnutls_safe_renegotiation_status(e->session) != 0 && gnutls_session_ext_master_secret_status(e->session) != 0;
}

static bool has_same_version(const struct tls_engine *e)
{
    const char *version = gnutls_protocol_get_name(gnutls_protocol_get_version(e->session));
    return version != NULL && e->agreed.version != NULL && strcmp(version, e->agreed.version) == 0;
}

static void finish(struct tls_engine *e)
{
    e->renegotiating = false;
    if (!tls_engine_is_same_peer(e))
        refuse(e, GNUTLS_A_BAD_CERTIFICATE, "the server showed another certificate when it renegotiated");
    else if (!is_bound(e) || !has_same_version(e))
        refuse(e, GNUTLS_A_HANDSHAKE_FAILURE, "the server renegotiated without an extended master secret (RFC 7627), or changed the TLS version");
    else if (tls_engine_rejudge_running(e, e->ctx, e->now) != REASON_VALID) /* it may have brought another OCSP answer */
        tls_engine_refuse(e, e->verdict->status, NULL);
    else if (tls_engine_server_asked(e))
        note_asked(e);
    e->maybe_app = !e->failed;
}

void tls_engine_go_on_renegotiating(struct tls_engine *e)
{
    size_t before;
    int rc;
    do {
        before = tls_engine_wire_in_left(e);
        rc = gnutls_handshake(e->session);
    } while (rc == GNUTLS_E_AGAIN && tls_engine_wire_in_left(e) > 0 && tls_engine_wire_in_left(e) < before);
    if (rc == GNUTLS_E_SUCCESS)
        finish(e);
    else if (rc == GNUTLS_E_SESSION_USER_ID_CHANGED || (rc == GNUTLS_E_CERTIFICATE_ERROR && !tls_engine_is_same_peer(e)))
        refuse(e, GNUTLS_A_BAD_CERTIFICATE, "the server showed another certificate when it renegotiated");
    else if (rc == GNUTLS_E_GOT_APPLICATION_DATA)
        refuse(e, GNUTLS_A_UNEXPECTED_MESSAGE, "the server sent data while it renegotiated");
    else if (rc != GNUTLS_E_AGAIN && rc != GNUTLS_E_INTERRUPTED)
        tls_engine_fail_by_code(e, rc);
}

void tls_engine_renegotiate(struct tls_engine *e)
{
    if (e->ctx->accepting) {
        refuse(e, GNUTLS_A_NO_RENEGOTIATION, "the client asked to renegotiate");
    } else if (!e->ctx->renegotiation) {
        refuse(e, GNUTLS_A_NO_RENEGOTIATION,
               "the server asked to renegotiate: if it requests certificates on some paths only, set tls.renegotiation = true in the upstream");
    } else if (!is_bound(e)) {
        refuse(e, GNUTLS_A_NO_RENEGOTIATION, "the server asked to renegotiate without an extended master secret (RFC 7627): update the server, or let it use TLS 1.3");
    } else if (!is_too_often(e)) {
        e->renegotiating = true;
        e->maybe_app = false;
        e->handshake_bytes = 0;
        tls_engine_go_on_renegotiating(e);
    }
}
