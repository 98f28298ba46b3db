/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_identity.h"
#include "http_name.h"
#include "http_pem.h"

#include "mtlsd/base/encode.h"
#include "mtlsd/base/text.h"
#include "mtlsd/http/http_values.h"
#include "mtlsd/tls/tls_words.h"

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

static void put_text(struct bytes *out, const char *name, struct span s, const char *marks)
{
    struct bytes value;
    bytes_init(&value, MAX_BUILT_BYTES);
    encode_field(&value, s, marks);
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

static void put_names(struct bytes *out, const struct tls_peer *peer)
{
    struct bytes sans;
    bytes_init(&sans, MAX_BUILT_BYTES);
    http_values_san(&sans, peer);
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

static void append_x_ssl(struct bytes *out, const struct tls_verdict *v, const char *word, const struct tls_peer *peer)
{
    int number = http_values_error(v);
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

int http_identity_append_tls(struct bytes *out, unsigned presets, const char *version, const char *suite)
{
    char text[TLS_WORDS_SIZE];
    if ((presets & HTTP_IDENTITY_X_SSL) == 0)
        return 0;
    tls_words_version(version, text);
    put_plain(out, "X-SSL-Protocol", text);
    tls_words_suite(suite, text);
    put_plain(out, "X-SSL-Cipher", text);
    return out->failed ? -1 : 0;
}

bool http_identity_writes(unsigned presets, struct span name)
{
    static const struct {
        unsigned preset;
        const char *names[14];
    } rows[] = {
        {HTTP_IDENTITY_RFC9440, {"client-cert", "client-cert-chain"}},
        {HTTP_IDENTITY_X_SSL,
         {"x-ssl-client-verify", "x-ssl-client-status", "x-ssl-error", "x-ssl-client-dn", "x-ssl-issuer", "x-ssl-client-serial", "x-ssl-client-sha256",
          "x-ssl-client-notbefore", "x-ssl-client-notafter", "x-ssl-client-san", "x-ssl-client-cn", "x-ssl-protocol", "x-ssl-cipher"}},
        {HTTP_IDENTITY_NGINX, {"ssl-client-verify", "ssl-client-subject-dn", "ssl-client-issuer-dn", "ssl-client-cert"}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t k = 0; (presets & rows[i].preset) != 0 && rows[i].names[k] != NULL; k++)
            if (http_name_equals(name, rows[i].names[k]))
                return true;
    return false;
}
