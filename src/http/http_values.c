/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_values.h"

#include "http_pem.h"

#include "mtlsd/base/encode.h"
#include "mtlsd/base/hostname.h"
#include "mtlsd/base/text.h"
#include "mtlsd/tls/tls_digest.h"
#include "mtlsd/tls/tls_words.h"

#include <string.h>

/* ---- the certificate ---- */

int http_values_error(const struct tls_verdict *v)
{
    if (v == NULL || v->status != REASON_VALID)
        return v == NULL || v->openssl_error == 0 ? 1 : v->openssl_error;
    return 0;
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
    encode_field(out, name->value, ",;\"\\ ");
}

void http_values_san(struct bytes *out, const struct tls_peer *peer)
{
    for (size_t i = 0; i < peer->n_names; i++)
        append_san(out, &peer->names[i]);
}

static void give_str(struct template_value *out, const char *text)
{
    out->text = span_from_str(text);
}

static void give_time(struct template_value *out, int64_t seconds)
{
    char text[21];
    text_utc(text, seconds);
    bytes_append_str(&out->made, text);
}

/* A subject that is too long would be another one if it were cut. */
static void give_dn(struct template_value *out, const char *text, bool cut, bool empty)
{
    if (!cut)
        give_str(out, text);
    out->unfit = cut && !empty;
}

static void give_sha1(struct template_value *out, struct span der)
{
    uint8_t digest[TLS_DIGEST_SHA1_SIZE];
    char text[2 * TLS_DIGEST_SHA1_SIZE + 1];
    out->unfit = tls_digest_sha1(der, digest) != 0;
    text_hex(text, span_of(digest, out->unfit ? 0 : sizeof(digest)));
    bytes_append_str(&out->made, text);
}

static void give_verify(const struct http_values *v, struct template_value *out)
{
    enum reason status = v->verdict != NULL ? v->verdict->status : REASON_UNDECIDED;
    if (status == REASON_NONE || v->peer == NULL)
        give_str(out, "NONE");
    else if (status == REASON_VALID)
        give_str(out, "SUCCESS");
    else
        bytes_printf(&out->made, "FAILED:%s", v->words);
}

/* The values about a client, also about a client without a certificate. */
static void give_status(const struct http_values *v, enum variable which, struct template_value *out)
{
    if (!v->asks)
        return;
    if (which == VARIABLE_CERT_STATUS)
        give_str(out, v->words);
    else if (which == VARIABLE_CERT_ERROR)
        text_append_number(&out->made, (uint64_t)http_values_error(v->verdict));
    else
        give_verify(v, out);
}

/* The certificate itself cannot say that it was only tolerated, and some backends ask no more of it than to be there. */
static void give_whole(const struct http_values *v, enum variable which, struct template_value *out)
{
    if (v->verdict == NULL || v->verdict->status != REASON_VALID)
        return;
    if (which == VARIABLE_CERT_PEM)
        (void)http_pem_append(&out->made, v->peer->der);
    else
        (void)text_append_base64(&out->made, v->peer->der);
}

static void give_of_peer(const struct http_values *v, enum variable which, struct template_value *out)
{
    const struct tls_peer *peer = v->peer;
    if (peer == NULL)
        return;
    if (which == VARIABLE_CERT_SUBJECT)
        give_dn(out, peer->subject, peer->subject_cut, peer->subject_empty);
    else if (which == VARIABLE_CERT_ISSUER)
        give_dn(out, peer->issuer, peer->issuer_cut, false);
    else if (which == VARIABLE_CERT_CN || which == VARIABLE_CERT_URI)
        out->text = tls_peer_first(peer, which == VARIABLE_CERT_CN ? TLS_NAME_CN : TLS_NAME_URI);
    else if (which == VARIABLE_CERT_SERIAL || which == VARIABLE_CERT_SHA256)
        give_str(out, which == VARIABLE_CERT_SERIAL ? peer->serial : peer->sha256);
    else if (which == VARIABLE_CERT_SHA1)
        give_sha1(out, peer->der);
    else if (which == VARIABLE_CERT_SAN)
        http_values_san(&out->made, peer);
    else if (which == VARIABLE_CERT_NOT_BEFORE || which == VARIABLE_CERT_NOT_AFTER)
        give_time(out, which == VARIABLE_CERT_NOT_BEFORE ? peer->not_before : peer->not_after);
    else
        give_whole(v, which, out);
}

/* ---- the rest ---- */

static void give_of_tls(const struct http_values *v, enum variable which, struct template_value *out)
{
    char text[TLS_WORDS_SIZE];
    if (v->tls_version == NULL)
        return;
    if (which == VARIABLE_TLS_SNI)
        give_str(out, v->server_name);
    else if (which == VARIABLE_TLS_RESUMED)
        give_str(out, v->resumed ? "true" : "false");
    else if (which == VARIABLE_TLS_VERSION)
        tls_words_version(v->tls_version, text);
    else
        tls_words_suite(v->tls_suite, text);
    if (which == VARIABLE_TLS_VERSION || which == VARIABLE_TLS_CIPHER)
        bytes_append_str(&out->made, text);
}

/* Only a host that all readers take for the same one (security A15). */
static void give_host(const struct http_values *v, struct template_value *out)
{
    if (v->target == NULL || !hostname_is_well_formed(v->target->host))
        return;
    bool v6 = memchr(v->target->host.ptr, ':', v->target->host.len) != NULL;
    bytes_append(&out->made, "[", v6 ? 1 : 0);
    bytes_append_span(&out->made, v->target->host);
    bytes_append(&out->made, "]", v6 ? 1 : 0);
}

static void give_of_request(const struct http_values *v, enum variable which, struct template_value *out)
{
    if (which == VARIABLE_REQUEST_METHOD)
        out->text = v->method;
    else if (which == VARIABLE_REQUEST_HOST)
        give_host(v, out);
    else if (which == VARIABLE_REQUEST_ID)
        give_str(out, v->id);
    else
        out->text = v->path;
    if (which != VARIABLE_REQUEST_URI || v->target == NULL || v->target->query.len == 0)
        return;
    bytes_append_span(&out->made, v->path);
    bytes_append_span(&out->made, v->target->query);
}

void http_values_give(void *ctx, const struct template_part *part, struct template_value *out)
{
    const struct http_values *v = ctx;
    enum variable which = part->variable;
    if (which <= VARIABLE_CERT_VERIFY)
        give_status(v, which, out);
    else if (which <= VARIABLE_CERT_DER)
        give_of_peer(v, which, out);
    else if (which == VARIABLE_REGISTRY)
        out->text = v->peer != NULL ? tls_registry_text_find(v->peer->registry, part->name) : span_of(NULL, 0);
    else if (which <= VARIABLE_TLS_RESUMED)
        give_of_tls(v, which, out);
    else if (which == VARIABLE_CLIENT_ADDRESS)
        give_str(out, v->client);
    else if (which == VARIABLE_CLIENT_PORT && v->client_port != 0)
        text_append_number(&out->made, v->client_port);
    else if (which >= VARIABLE_REQUEST_METHOD && which <= VARIABLE_REQUEST_ID)
        give_of_request(v, which, out);
    else if (which == VARIABLE_LISTENER || which == VARIABLE_ROUTE)
        give_str(out, which == VARIABLE_LISTENER ? v->listener : v->route);
}
