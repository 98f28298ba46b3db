/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_alpn.h"
#include "tls_cert.h"
#include "tls_engine_internal.h"
#include "tls_internal.h"

#include "mtlsd/base/text.h"

#include <stdio.h>
#include <string.h>

void tls_engine_fail(struct tls_engine *e, enum reason reason, const char *text)
{
    if (e->failed)
        return;
    e->failed = true;
    e->handshaking = false;
    e->maybe_app = false;
    e->reason = reason;
    e->text = strdup(text); /* NULL is shown as no text */
    bytes_clear(&e->kept);
    e->lent = span_of(NULL, 0);
}

void tls_engine_send_alert(struct tls_engine *e, unsigned alert)
{
    if (e->alert_sent < 0 && gnutls_alert_send(e->session, GNUTLS_AL_FATAL, (gnutls_alert_description_t)alert) >= 0)
        e->alert_sent = (int)alert;
}

static bool alert_is_about_certificate(int alert)
{
    switch (alert) {
    case GNUTLS_A_HANDSHAKE_FAILURE: /* what TLS 1.2 servers say when they miss a certificate */
    case GNUTLS_A_BAD_CERTIFICATE:
    case GNUTLS_A_UNSUPPORTED_CERTIFICATE:
    case GNUTLS_A_CERTIFICATE_REVOKED:
    case GNUTLS_A_CERTIFICATE_EXPIRED:
    case GNUTLS_A_CERTIFICATE_UNKNOWN:
    case GNUTLS_A_UNKNOWN_CA:
    case GNUTLS_A_ACCESS_DENIED:
    case GNUTLS_A_DECRYPT_ERROR:
    case GNUTLS_A_CERTIFICATE_REQUIRED:
        return true;
    default:
        return false;
    }
}

/* The CA that a client of ours has to know: who issued the last certificate that we send. */
static void name_our_ca(const struct tls_engine *e, char *out, size_t size)
{
    struct tls_cert cert;
    size_t last = 0;
    while (tls_identity_der(tls_engine_identity(e), last + 1).len > 0)
        last++;
    if (tls_cert_read(tls_identity_der(tls_engine_identity(e), last), &cert) == 0)
        tls_cert_name_text(cert.issuer, out, size);
    else
        snprintf(out, size, "(unknown)");
}

enum { FAULT_SIZE = 200 };

/* The faults of our certificate by our own clock, or in its name: often all there is to know. */
static void tell_fault(const struct tls_engine *e, char out[FAULT_SIZE])
{
    struct tls_identity_facts ours;
    char when[21];
    tls_identity_facts(tls_engine_identity(e), &ours);
    text_utc(when, e->now > ours.not_after ? ours.not_after : ours.not_before);
    out[0] = '\0';
    if (e->now > ours.not_after)
        snprintf(out, FAULT_SIZE, "; it expired %s", when);
    else if (e->now < ours.not_before)
        snprintf(out, FAULT_SIZE, "; it is not valid before %s", when);
    else if (ours.named_as_ca)
        snprintf(out, FAULT_SIZE, "; the same name stands for it and for its CA, so OpenSSL takes it for self-signed: issue it with a name of its own");
}

static void fail_by_client(struct tls_engine *e)
{
    char text[600], ca[200], fault[FAULT_SIZE];
    name_our_ca(e, ca, sizeof(ca));
    tell_fault(e, fault);
    if (e->alert_received == GNUTLS_A_UNKNOWN_CA)
        snprintf(text, sizeof(text), "the client does not trust the CA of our certificate, %s (alert unknown_ca)%s", ca, fault);
    else if (e->alert_received >= 0)
        snprintf(text, sizeof(text), "the client refused our certificate, issued by %s (alert %s)%s", ca, tls_alert_name(e->alert_received), fault);
    else
        snprintf(text, sizeof(text), "the client closed the connection when it had our certificate, issued by %s, without an alert%s", ca, fault);
    tls_engine_fail(e, REASON_CLIENT_REFUSED_CERTIFICATE, text);
}

static void fail_by_server(struct tls_engine *e)
{
    char text[900], fault[FAULT_SIZE];
    struct tls_identity_facts ours;
    const char *name = tls_alert_name(e->alert_received);
    if (e->ctx->identity == NULL) {
        snprintf(text, sizeof(text), "the peer requested a certificate, none is configured, and it sent the alert %s", name);
    } else {
        tls_identity_facts(tls_engine_identity(e), &ours);
        tell_fault(e, fault);
        snprintf(text, sizeof(text), "the peer refused our certificate %.250s, serial %.64s, with the alert %s%s%s%s", ours.subject, ours.serial, name, fault,
                 e->unfit_cas != NULL ? "; it accepts certificates of other CAs: " : "", e->unfit_cas != NULL ? e->unfit_cas : "");
    }
    tls_engine_fail(e, REASON_OUR_CERTIFICATE_REFUSED, text);
}

void tls_engine_refuse_withdrawn(struct tls_engine *e)
{
    char text[400];
    struct tls_identity_facts ours;
    tls_identity_facts(tls_engine_identity(e), &ours);
    snprintf(text, sizeof(text), "identity %.80s: the SPIFFE agent gives its SVID no longer, or it has expired: it is not presented", ours.name);
    tls_engine_send_alert(e, GNUTLS_A_INTERNAL_ERROR);
    tls_engine_fail(e, REASON_IDENTITY_WITHDRAWN, text);
}

void tls_engine_refuse_alpn(struct tls_engine *e)
{
    char text[100 + TLS_ALPN_LIST_SIZE];
    snprintf(text, sizeof(text), "%s: %s", e->ctx->accepting ? "the client offers no application protocol (ALPN) of the listener"
                                                            : "the server chose no application protocol (ALPN) that we offered",
             e->ctx->alpn->list);
    tls_engine_send_alert(e, GNUTLS_A_NO_APPLICATION_PROTOCOL);
    tls_engine_fail(e, REASON_ALPN_MISMATCH, text);
}

static void fail_by_alert(struct tls_engine *e, int alert)
{
    char text[100 + TLS_ALPN_LIST_SIZE];
    bool about_ours = alert_is_about_certificate(alert) && (!e->app_seen || e->agreed.asked_later || e->renegotiating);
    e->alert_received = alert;
    if (about_ours && e->ctx->accepting && e->ctx->identity != NULL && alert != GNUTLS_A_HANDSHAKE_FAILURE) {
        fail_by_client(e);
        return;
    }
    if (about_ours && tls_engine_server_asked(e)) {
        fail_by_server(e);
        return;
    }
    bool about_alpn = alert == GNUTLS_A_NO_APPLICATION_PROTOCOL && e->ctx->alpn != NULL;
    snprintf(text, sizeof(text), "the peer ended TLS with the alert %s%s%s", tls_alert_name(alert), about_alpn ? "; we offered " : "",
             about_alpn ? e->ctx->alpn->list : "");
    tls_engine_fail(e, REASON_TLS_FAILED, text);
}

/* OpenSSL's clients refuse our certificate before they change to the keys of TLS 1.3's handshake, and so send their alert in the clear. The
 * library takes it for a record that it cannot decrypt. An attacker on the network could have sent it: it only tells why a failed handshake ended.
 * -1: no such alert. */
static int alert_in_the_clear(const struct tls_engine *e)
{
    static const uint8_t head[] = {21, 3, 3, 0, 2};
    const uint8_t *level = e->last_bytes + sizeof(head);
    bool is_one = e->handshaking && memcmp(e->last_bytes, head, sizeof(head)) == 0 && level[0] == GNUTLS_AL_FATAL;
    return is_one ? level[1] : -1;
}

static void fail_not_tls(struct tls_engine *e, int rc)
{
    char text[300], seen[9] = "";
    for (size_t i = 0; i < e->n_first_bytes; i++)
        seen[i] = e->first_bytes[i] >= ' ' && e->first_bytes[i] < 0x7f ? (char)e->first_bytes[i] : '.';
    bool plain = e->n_first_bytes > 0 && e->first_bytes[0] != 22 && e->first_bytes[0] != 21;
    if (rc == GNUTLS_E_HANDSHAKE_TOO_LARGE)
        snprintf(text, sizeof(text), "the peer sent a handshake message of more than %d KiB, as too many or too long certificates make it",
                 TLS_MESSAGE_MAX_BYTES / 1024);
    else if (plain)
        snprintf(text, sizeof(text), "the peer does not speak TLS on this port: it began with \"%s\"", seen);
    else
        snprintf(text, sizeof(text), "TLS failed: %s", gnutls_strerror(rc));
    tls_engine_fail(e, REASON_TLS_FAILED, text);
}

/* Node and Java's HttpClient say nothing when they do not like a certificate. A change_cipher_spec may have come; it says nothing either. */
static bool went_at_our_certificate(const struct tls_engine *e)
{
    enum { CHANGE_CIPHER_SPEC_BYTES = 6 };
    return e->ctx->accepting && e->bytes_before_ours > 0 && e->handshake_bytes - e->bytes_before_ours <= CHANGE_CIPHER_SPEC_BYTES;
}

static void fail_by_end(struct tls_engine *e)
{
    if (!e->handshaking)
        tls_engine_fail(e, REASON_TRUNCATED, "the connection ended without a TLS close_notify");
    else if (went_at_our_certificate(e))
        fail_by_client(e);
    else if (e->ctx->accepting)
        tls_engine_fail(e, REASON_CLIENT_CLOSED, "the client closed the connection during the TLS handshake");
    else
        tls_engine_fail(e, REASON_UPSTREAM_CLOSED, "the server closed the connection during the TLS handshake");
}

/* In TLS 1.2 the library calls any alert in the place of the client's certificate a missing certificate, as SSL 3 had it. */
static bool alert_instead_of_certificate(const struct tls_engine *e)
{
    gnutls_alert_description_t alert = gnutls_alert_get(e->session);
    return alert != GNUTLS_A_CLOSE_NOTIFY && alert != GNUTLS_A_SSL3_NO_CERTIFICATE;
}

/* The faults of this host, whatever the peer did. */
static void fail_by_us(struct tls_engine *e, const char *text)
{
    tls_engine_send_alert(e, GNUTLS_A_INTERNAL_ERROR);
    tls_engine_fail(e, REASON_INTERNAL, text);
}

void tls_engine_fail_by_code(struct tls_engine *e, int rc)
{
    switch (rc) {
    case GNUTLS_E_MEMORY_ERROR:
    case GNUTLS_E_PUSH_ERROR: /* our push only fails when memory does */
        fail_by_us(e, "out of memory for TLS");
        return;
    case GNUTLS_E_RANDOM_FAILED:
    case GNUTLS_E_PK_SIGN_FAILED:
        fail_by_us(e, gnutls_strerror(rc));
        return;
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
        fail_by_alert(e, (int)gnutls_alert_get(e->session));
        return;
    case GNUTLS_E_PREMATURE_TERMINATION:
    case GNUTLS_E_PULL_ERROR:
        fail_by_end(e);
        return;
    case GNUTLS_E_UNEXPECTED_PACKET_LENGTH:
        if (e->wire_ended && tls_engine_wire_in_left(e) == 0) { /* the end came inside a record */
            fail_by_end(e);
            return;
        }
        break;
    case GNUTLS_E_NO_CERTIFICATE_FOUND:
    case GNUTLS_E_CERTIFICATE_REQUIRED:
        if (e->ctx->accepting && alert_instead_of_certificate(e)) {
            fail_by_alert(e, (int)gnutls_alert_get(e->session));
            return;
        }
        if (e->ctx->accepting) {
            bool v13 = gnutls_protocol_get_version(e->session) == GNUTLS_TLS1_3;
            tls_engine_send_alert(e, v13 ? GNUTLS_A_CERTIFICATE_REQUIRED : GNUTLS_A_HANDSHAKE_FAILURE);
            tls_engine_fail(e, REASON_NONE, "the client presented no certificate");
            return;
        }
        break;
    case GNUTLS_E_NO_APPLICATION_PROTOCOL:
        tls_engine_refuse_alpn(e);
        return;
    case GNUTLS_E_KEY_USAGE_VIOLATION:
        tls_engine_send_alert(e, GNUTLS_A_UNSUPPORTED_CERTIFICATE);
        tls_engine_fail(e, REASON_WRONG_PURPOSE, "the peer's certificate may not be used to sign (its keyUsage says so): is it a CA's own?");
        return;
    case GNUTLS_E_CERTIFICATE_ERROR: /* the library's own, in TLS 1.2 */
    case GNUTLS_E_ASN1_DER_ERROR:
    case GNUTLS_E_ASN1_TAG_ERROR:
    case GNUTLS_E_ASN1_ELEMENT_NOT_FOUND:
    case GNUTLS_E_ASN1_GENERIC_ERROR:
    case GNUTLS_E_ASN1_VALUE_NOT_VALID:
        tls_engine_send_alert(e, GNUTLS_A_BAD_CERTIFICATE);
        tls_engine_fail(e, REASON_MALFORMED, "the peer's certificate cannot be parsed");
        return;
    default:
        break;
    }
    int level = 0, in_clear = alert_in_the_clear(e);
    if (in_clear >= 0) {
        fail_by_alert(e, in_clear);
        return;
    }
    int alert = gnutls_error_to_alert(rc, &level);
    tls_engine_send_alert(e, alert > 0 ? (unsigned)alert : GNUTLS_A_INTERNAL_ERROR);
    fail_not_tls(e, rc);
}
