/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_identity.h"
#include "http_pem.h"

#include "mtlsd/base/text.h"

#include <string.h>

/* Larger values would exceed the limits of backends, and a cut value would name another subject. It is still built whole, which no handshake makes
 * long, to tell a long value from a lack of memory. */
enum { MAX_VALUE_BYTES = 16 * 1024, MAX_BUILT_BYTES = 4 << 20 };

/* Takes value's bytes; a value that is too long is left out with its name. */
static void put_line(struct bytes *out, const char *name, struct bytes *value)
{
    bool tells = value->len > 0 && value->len <= MAX_VALUE_BYTES;
    if (!tells && !value->failed)
        bytes_clear(value);
    if (tells) {
        bytes_append_str(out, name);
        bytes_append_str(out, ": ");
    }
    bytes_append_part(out, value);
    if (tells)
        bytes_append(out, "\r\n", 2);
}

/* A byte that must not stand as it is, beyond what text_append_percent does: list and quoting marks, and
 * spaces at the ends, which every reader trims ("CN= admin" must not become "admin"). */
static bool needs_escape(struct span s, size_t i, const char *marks)
{
    if (s.ptr[i] == ' ' && (i == 0 || i + 1 == s.len))
        return true;
    return s.ptr[i] != 0 && strchr(marks, s.ptr[i]) != NULL;
}

static void append_value(struct bytes *out, struct span s, const char *marks)
{
    size_t done = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!needs_escape(s, i, marks))
            continue;
        text_append_percent(out, span_of(s.ptr + done, i - done));
        bytes_printf(out, "%%%02X", (unsigned)s.ptr[i]);
        done = i + 1;
    }
    text_append_percent(out, span_skip(s, done));
}

static void put_text(struct bytes *out, const char *name, struct span s, const char *marks)
{
    struct bytes value;
    bytes_init(&value, MAX_BUILT_BYTES);
    append_value(&value, s, marks);
    put_line(out, name, &value);
}

static void put_plain(struct bytes *out, const char *name, const char *text)
{
    put_text(out, name, span_from_str(text), "");
}

/* A part of a name could be another subject's whole name. */
static void put_dn(struct bytes *out, const char *name, const char *text, bool cut)
{
    if (!cut)
        put_plain(out, name, text);
}

static void put_time(struct bytes *out, const char *name, int64_t seconds)
{
    char text[21];
    text_utc(text, seconds);
    put_plain(out, name, text);
}

/* RFC 9440: a byte sequence of structured fields. */
static void append_der(struct bytes *value, struct span der)
{
    bytes_append_str(value, value->len > 0 ? ", :" : ":");
    text_append_base64(value, der);
    bytes_append_str(value, ":");
}

/* A certificate that was tolerated is not proof of anything, and Client-Cert has no way to say so: it is sent for valid ones only. Without it there is
 * no Client-Cert-Chain (RFC 9440 section 2.3). */
static void append_rfc9440(struct bytes *out, const struct tls_peer *peer)
{
    struct bytes value;
    bytes_init(&value, MAX_BUILT_BYTES);
    if (peer->der.len == 0)
        return;
    append_der(&value, peer->der);
    bool told = value.len <= MAX_VALUE_BYTES;
    put_line(out, "Client-Cert", &value);
    for (size_t i = 0; told && i < peer->n_path; i++)
        append_der(&value, peer->path[i]);
    put_line(out, "Client-Cert-Chain", &value);
}

static void append_ip(struct bytes *out, struct span ip)
{
    if (ip.len == 4)
        bytes_printf(out, "IP:%u.%u.%u.%u", ip.ptr[0], ip.ptr[1], ip.ptr[2], ip.ptr[3]);
    else
        bytes_append_str(out, "IP");
    for (size_t i = 0; ip.len == 16 && i < ip.len; i += 2)
        bytes_printf(out, ":%x", (unsigned)(ip.ptr[i] << 8 | ip.ptr[i + 1]));
}

static void append_san(struct bytes *out, const struct tls_name *name)
{
    static const char *const prefixes[] = {
        [TLS_NAME_DNS] = "DNS:", [TLS_NAME_URI] = "URI:", [TLS_NAME_EMAIL] = "email:", [TLS_NAME_IP] = "IP:"};
    if (name->type < TLS_NAME_DNS || name->type > TLS_NAME_IP)
        return;
    if (out->len > 0)
        bytes_append_str(out, ", ");
    if (name->type == TLS_NAME_IP && (name->value.len == 4 || name->value.len == 16)) {
        append_ip(out, name->value);
        return;
    }
    bytes_append_str(out, prefixes[name->type]);
    append_value(out, name->value, ",;\"\\ ");
}

static void put_names(struct bytes *out, const struct tls_peer *peer)
{
    struct bytes sans;
    bytes_init(&sans, MAX_BUILT_BYTES);
    for (size_t i = 0; i < peer->n_names; i++)
        append_san(&sans, &peer->names[i]);
    put_line(out, "X-SSL-Client-SAN", &sans);
    put_text(out, "X-SSL-Client-CN", tls_peer_first(peer, TLS_NAME_CN), ",;\"\\");
}

static void put_certificate(struct bytes *out, const struct tls_peer *peer)
{
    put_dn(out, "X-SSL-Client-DN", peer->subject, peer->subject_cut);
    put_dn(out, "X-SSL-Issuer", peer->issuer, peer->issuer_cut);
    put_plain(out, "X-SSL-Client-Serial", peer->serial);
    put_plain(out, "X-SSL-Client-SHA256", peer->sha256);
    put_time(out, "X-SSL-Client-NotBefore", peer->not_before);
    put_time(out, "X-SSL-Client-NotAfter", peer->not_after);
    put_names(out, peer);
}

/* 0 means verified to every reader: only a valid certificate gets it. A status without a number of its own
 * is 1, X509_V_ERR_UNSPECIFIED. */
static int verify_number(const struct tls_verdict *v)
{
    if (v == NULL || v->status != REASON_VALID)
        return v == NULL || v->openssl_error == 0 ? 1 : v->openssl_error;
    return 0;
}

static void append_x_ssl(struct bytes *out, const struct tls_verdict *v, const char *word, const struct tls_peer *peer)
{
    int number = verify_number(v);
    bytes_printf(out, "X-SSL-Client-Verify: %d\r\n", number);
    put_plain(out, "X-SSL-Client-Status", word);
    if (number != 0 && v != NULL && v->openssl_error != 0)
        bytes_printf(out, "X-SSL-Error: %d\r\n", v->openssl_error);
    if (peer != NULL)
        put_certificate(out, peer);
}

static void append_nginx(struct bytes *out, const struct tls_verdict *v, const char *word, const struct tls_peer *peer)
{
    enum reason status = v != NULL ? v->status : REASON_UNDECIDED;
    if (status == REASON_NONE || peer == NULL)
        put_plain(out, "ssl-client-verify", "NONE");
    else if (status == REASON_VALID)
        put_plain(out, "ssl-client-verify", "SUCCESS");
    else
        bytes_printf(out, "ssl-client-verify: FAILED:%s\r\n", word);
    if (peer == NULL)
        return;
    put_dn(out, "ssl-client-subject-dn", peer->subject, peer->subject_cut);
    put_dn(out, "ssl-client-issuer-dn", peer->issuer, peer->issuer_cut);
    if (status != REASON_VALID || peer->der.len == 0)
        return;
    struct bytes value;
    bytes_init(&value, MAX_BUILT_BYTES);
    http_pem_append_encoded(&value, peer->der);
    put_line(out, "ssl-client-cert", &value);
}

int http_identity_append(struct bytes *out, unsigned presets, const struct tls_verdict *verdict,
                         const char *status_word, const struct tls_peer *peer)
{
    bool valid = verdict != NULL && verdict->status == REASON_VALID;
    if ((presets & HTTP_IDENTITY_RFC9440) != 0 && valid && peer != NULL)
        append_rfc9440(out, peer);
    if ((presets & HTTP_IDENTITY_X_SSL) != 0)
        append_x_ssl(out, verdict, status_word, peer);
    if ((presets & HTTP_IDENTITY_NGINX) != 0)
        append_nginx(out, verdict, status_word, peer);
    return out->failed ? -1 : 0;
}
