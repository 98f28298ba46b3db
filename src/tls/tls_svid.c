/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_svid.h"

#include "mtlsd/base/spiffe.h"
#include "mtlsd/base/text.h"
#include "tls_cert.h"
#include "tls_private_key.h"

enum { LINE_BYTES = 48 }; /* of which base64 makes 64 characters */

struct opened {
    struct tls_cert cert;
    gnutls_x509_crt_t crt;
};

/* Takes one certificate off *rest. The caller gives crt back. */
static int open_next(struct span *rest, struct opened *out)
{
    struct tls_der der;
    *out = (struct opened){.crt = NULL};
    if (tls_der_expect(rest, DER_SEQUENCE, &der) != 0)
        return -1;
    int rc = tls_cert_open(der.whole, &out->cert, &out->crt);
    return rc == 0 ? 0 : rc == GNUTLS_E_MEMORY_ERROR ? rc : -1;
}

static bool is_ca(gnutls_x509_crt_t crt)
{
    unsigned ca = 0, usage = 0;
    if (gnutls_x509_crt_get_basic_constraints(crt, NULL, &ca, NULL) < 0 || ca == 0)
        return false;
    return gnutls_x509_crt_get_key_usage(crt, &usage, NULL) < 0 || (usage & GNUTLS_KEY_KEY_CERT_SIGN) != 0;
}

/* ---- the leaf ---- */

struct uris {
    size_t n;
    bool is_id;
    struct span id;
};

static int on_name(void *ctx, const struct tls_name *name)
{
    struct uris *uris = ctx;
    if (name->type != TLS_NAME_URI)
        return 0;
    uris->n++;
    uris->is_id = span_equals(name->value, uris->id);
    return 0;
}

static const char *judge_leaf(const struct opened *leaf, struct span id)
{
    unsigned ca = 0, usage = 0;
    struct uris uris = {.id = id};
    if (gnutls_x509_crt_get_basic_constraints(leaf->crt, NULL, &ca, NULL) >= 0 && ca != 0)
        return "its first certificate is a CA";
    if (gnutls_x509_crt_get_key_usage(leaf->crt, &usage, NULL) >= 0 && (usage & (GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN)) != 0)
        return "its first certificate may sign certificates or revocation lists";
    if (tls_cert_each_name(&leaf->cert, on_name, &uris) != 0)
        return "the names of its certificate are not well-formed";
    if (uris.n != 1)
        return uris.n == 0 ? "its certificate has no URI" : "its certificate has several URIs";
    return uris.is_id ? NULL : "its certificate has another ID";
}

static const char *judge_key(const struct opened *leaf, struct span key)
{
    struct tls_private_key kept;
    gnutls_x509_privkey_t form = NULL;
    if (key.len == 0)
        return NULL;
    if (gnutls_x509_privkey_init(&form) != 0)
        return "out of memory";
    const char *why = NULL;
    int rc = tls_private_key_read(span_from_str("PRIVATE KEY"), key, NULL, &kept, form);
    if (rc != 0)
        why = rc == GNUTLS_E_MEMORY_ERROR ? "out of memory" : "its private key is not readable PKCS#8";
    else if (!tls_cert_has_key(leaf->crt, form))
        why = "its private key does not belong to its certificate";
    gnutls_x509_privkey_deinit(form);
    if (rc == 0)
        tls_private_key_clear(&kept);
    tls_private_key_wipe_stack();
    return why;
}

static const char *judge_next(const struct tls_svid *svid, const struct opened *one, struct tls_svid_facts *out)
{
    if (out->n++ > 0)
        return is_ca(one->crt) ? NULL : "its chain has a certificate that is no CA";
    out->not_before = one->cert.not_before;
    out->not_after = one->cert.not_after;
    const char *why = judge_leaf(one, svid->id);
    return why != NULL ? why : judge_key(one, svid->key);
}

int tls_svid_check(const struct tls_svid *svid, struct tls_svid_facts *out, struct err *err)
{
    struct span rest = svid->chain;
    const char *why = svid->chain.len == 0 ? "it has no certificate" : NULL;
    *out = (struct tls_svid_facts){0};
    while (why == NULL && rest.len > 0) {
        struct opened one;
        int rc = open_next(&rest, &one);
        if (rc != 0)
            why = rc == GNUTLS_E_MEMORY_ERROR ? "out of memory" : "its chain has a certificate that is not readable";
        else
            why = judge_next(svid, &one, out);
        gnutls_x509_crt_deinit(one.crt);
    }
    if (why == NULL)
        return 0;
    return err_set(err, ERR_CREDENTIAL, "SVID %.*s: %s", svid->id.len < 200 ? (int)svid->id.len : 200, (const char *)svid->id.ptr, why);
}

int tls_svid_check_bundle(struct span domain, struct span ca, size_t *n, struct err *err)
{
    const char *why = ca.len == 0 ? "it has no certificate" : NULL;
    for (*n = 0; why == NULL && ca.len > 0; (*n)++) {
        struct opened one;
        int rc = open_next(&ca, &one);
        if (rc != 0)
            why = rc == GNUTLS_E_MEMORY_ERROR ? "out of memory" : "it has a certificate that is not readable";
        else if (!is_ca(one.crt))
            why = "it has a certificate that is no CA";
        gnutls_x509_crt_deinit(one.crt);
    }
    if (why == NULL)
        return 0;
    return err_set(err, ERR_CREDENTIAL, "bundle of %.*s: %s", domain.len < 200 ? (int)domain.len : 200, (const char *)domain.ptr, why);
}

/* ---- as PEM ---- */

static const char certificate[] = "CERTIFICATE", private_key[] = "PRIVATE KEY";

static size_t room_for(size_t der)
{
    return (der / LINE_BYTES + 1) * (LINE_BYTES / 3 * 4 + 1) + 2 * sizeof("-----BEGIN PRIVATE KEY-----\n");
}

static void append_block(const char *label, struct span der, struct bytes *out)
{
    bytes_printf(out, "-----BEGIN %s-----\n", label);
    while (der.len > 0) {
        size_t n = der.len < LINE_BYTES ? der.len : LINE_BYTES;
        text_append_base64(out, span_of(der.ptr, n));
        bytes_append_str(out, "\n");
        der = span_skip(der, n);
    }
    bytes_printf(out, "-----END %s-----\n", label);
}

int tls_svid_bundle_text(struct span ca, struct bytes *out)
{
    struct tls_der der;
    while (ca.len > 0) {
        if (tls_der_expect(&ca, DER_SEQUENCE, &der) != 0)
            return -1;
        append_block(certificate, der.whole, out);
    }
    return out->failed ? -1 : 0;
}

int tls_svid_text(const struct tls_svid *svid, struct bytes *out)
{
    size_t room = room_for(svid->key.len);
    for (struct span rest = svid->chain; rest.len > 0;) {
        struct tls_der der;
        if (tls_der_expect(&rest, DER_SEQUENCE, &der) != 0)
            return -1;
        room += room_for(der.whole.len);
    }
    if (bytes_reserve(out, room) == NULL || tls_svid_bundle_text(svid->chain, out) != 0)
        return -1;
    if (svid->key.len > 0)
        append_block(private_key, svid->key, out);
    return out->failed ? -1 : 0;
}
