/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_renewal.h"

#include "mtlsd/base/text.h"
#include "mtlsd/tls/tls_rekey.h"
#include "tls_internal.h"
#include "tls_maker.h"
#include "tls_pem.h"

#include <gnutls/pkcs7.h>
#include <stdlib.h>
#include <string.h>

enum { CERTIFICATES_MAX = 10, NAMES_MAX = 256, NAME_TEXT = 400 };

static int append_pem(const char *label, struct span der, struct bytes *out)
{
    const gnutls_datum_t in = tls_cert_datum(der);
    gnutls_datum_t pem = {NULL, 0};
    int rc = gnutls_pem_base64_encode2(label, &in, &pem);
    if (rc == 0 && bytes_append(out, pem.data, pem.size) != 0)
        rc = GNUTLS_E_MEMORY_ERROR;
    gnutls_free(pem.data);
    return rc;
}

/* ---- what is sent ---- */

int tls_renewal_write_request(struct span der, bool pem, struct bytes *out, struct err *err)
{
    const gnutls_datum_t in = tls_cert_datum(der);
    gnutls_datum_t text = {NULL, 0};
    int rc = pem ? append_pem("CERTIFICATE REQUEST", der, out) : gnutls_base64_encode2(&in, &text);
    if (rc == 0 && !pem && bytes_append(out, text.data, text.size) != 0)
        rc = GNUTLS_E_MEMORY_ERROR;
    gnutls_free(text.data);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot write the request", rc);
}

/* ---- PKCS#7 ---- */

static int take_certificates(gnutls_pkcs7_t message, struct bytes *pem, struct err *err)
{
    int n = gnutls_pkcs7_get_crt_count(message);
    if (n <= 0)
        return err_set(err, ERR_PROTOCOL, "the answer has no certificate");
    if (n > CERTIFICATES_MAX)
        return err_set(err, ERR_PROTOCOL, "the answer has more than %d certificates", CERTIFICATES_MAX);
    for (unsigned i = 0; i < (unsigned)n; i++) {
        gnutls_datum_t der = {NULL, 0};
        int rc = gnutls_pkcs7_get_crt_raw2(message, i, &der);
        if (rc == 0)
            rc = append_pem("CERTIFICATE", span_of(der.data, der.size), pem);
        gnutls_free(der.data);
        if (rc != 0)
            return tls_maker_failed(err, "the answer has an unreadable certificate", rc);
    }
    return 0;
}

static int read_message(gnutls_pkcs7_t message, struct span base64, struct bytes *pem, struct err *err)
{
    const gnutls_datum_t text = tls_cert_datum(base64);
    gnutls_datum_t der = {NULL, 0}, content = {NULL, 0};
    if (gnutls_base64_decode2(&text, &der) != 0)
        return err_set(err, ERR_PROTOCOL, "the answer is not base64");
    int rc = gnutls_pkcs7_import(message, &der, GNUTLS_X509_FMT_DER);
    gnutls_free(der.data);
    if (rc != 0)
        return err_set(err, ERR_PROTOCOL, "the answer is no PKCS#7 message (%s)", gnutls_strerror(rc));
    bool signed_data = gnutls_pkcs7_get_signature_count(message) > 0 || (gnutls_pkcs7_get_embedded_data(message, 0, &content) == 0 && content.size > 0);
    gnutls_free(content.data);
    return signed_data ? err_set(err, ERR_PROTOCOL, "the answer is a signed message, where certificates alone are expected") : take_certificates(message, pem, err);
}

int tls_renewal_read_pkcs7(struct span base64, struct bytes *pem, struct err *err)
{
    gnutls_pkcs7_t message;
    bytes_init(pem, 4 * TLS_RENEWAL_ANSWER_MAX);
    if (base64.len == 0 || base64.len > TLS_RENEWAL_ANSWER_MAX)
        return err_set(err, ERR_PROTOCOL, base64.len == 0 ? "the answer is empty" : "the answer is too large");
    if (gnutls_pkcs7_init(&message) != 0)
        return err_set(err, ERR_MEMORY, "out of memory");
    int rc = read_message(message, base64, pem, err);
    gnutls_pkcs7_deinit(message);
    if (rc != 0)
        bytes_clear(pem);
    return rc;
}

/* ---- one certificate of ours, and nothing else ---- */

static bool is_ca(struct span der)
{
    unsigned ca = 0;
    gnutls_x509_crt_t crt;
    if (tls_cert_import(der, &crt) != 0)
        return false;
    bool yes = gnutls_x509_crt_get_basic_constraints(crt, NULL, &ca, NULL) >= 0 && ca != 0;
    gnutls_x509_crt_deinit(crt);
    return yes;
}

static int count_leaves(struct span pem, size_t *leaves, struct err *err)
{
    struct tls_pem_reader r;
    struct tls_pem_block block;
    struct span der;
    size_t n = 0;
    int more;
    *leaves = 0;
    tls_pem_start(&r, "the answer", pem);
    while ((more = tls_pem_next(&r, &block, err)) == 1) {
        if (!span_equals_str(block.label, "CERTIFICATE") || ++n > CERTIFICATES_MAX)
            return err_set(err, ERR_PROTOCOL, "the answer has something else than a few certificates");
        if (tls_pem_decode(&r, &block, &der, err) != 0)
            return -1;
        *leaves += !is_ca(der);
        tls_pem_wipe(der);
    }
    return more;
}

/* ---- joining ---- */

static struct tls_identity *load(const struct tls_renewal_answer *a, struct span text, struct err *err)
{
    struct findings notes;
    findings_init(&notes);
    const struct tls_identity_spec spec = {.name = a->name, .certificate = text, .certificate_file = "the answer", .signing_key = a->key};
    struct tls_identity *id = tls_identity_new(&spec, a->now, &notes, err);
    findings_clear(&notes);
    return id;
}

/* RFC 7030 section 4.2.3: the answer may be the certificate alone. Then the intermediates in use lead on, if they are those of its CA. */
static struct tls_identity *load_with_chain(const struct tls_renewal_answer *a, struct err *err)
{
    struct bytes text;
    bytes_init(&text, 8 * TLS_RENEWAL_ANSWER_MAX);
    bytes_append_span(&text, a->pem);
    bytes_append_str(&text, "\n");
    struct span der;
    for (size_t i = 1; (der = tls_identity_der(a->current, i)).len > 0; i++)
        if (append_pem("CERTIFICATE", der, &text) != 0)
            text.failed = true;
    struct tls_identity *id = NULL;
    if (text.failed)
        (void)err_set(err, ERR_MEMORY, "out of memory");
    else
        id = load(a, bytes_span(&text), err);
    bytes_clear(&text);
    return id;
}

/* ---- comparing ---- */

static bool has_name(struct span list, struct span name)
{
    struct tls_der one;
    while (list.len > 0 && tls_der_next(&list, &one) == 0)
        if (span_equals(one.whole, name))
            return true;
    return false;
}

static bool includes(struct span all, struct span some)
{
    struct tls_der one;
    size_t n = 0;
    while (some.len > 0) {
        if (++n > NAMES_MAX || tls_der_next(&some, &one) != 0 || !has_name(all, one.whole))
            return false;
    }
    return true;
}

/* The names of both, in any order. */
static bool same_names(struct span a, struct span b)
{
    struct tls_der first = {0}, second = {0};
    if (a.len == 0 || b.len == 0)
        return a.len == b.len;
    return tls_der_expect(&a, DER_SEQUENCE, &first) == 0 && tls_der_expect(&b, DER_SEQUENCE, &second) == 0 && includes(first.value, second.value) &&
           includes(second.value, first.value);
}

static int compare(const struct tls_renewal_answer *a, const struct tls_identity *fresh, struct err *err)
{
    struct tls_cert before, after;
    char was[NAME_TEXT], is[NAME_TEXT], until[21], end[21];
    if (tls_cert_read(tls_identity_der(a->current, 0), &before) != 0 || tls_cert_read(tls_identity_der(fresh, 0), &after) != 0)
        return err_set(err, ERR_INTERNAL, "a certificate cannot be read");
    tls_cert_name_text(before.subject, was, sizeof(was));
    tls_cert_name_text(after.subject, is, sizeof(is));
    text_utc(until, before.not_after);
    text_utc(end, after.not_after);
    if (strcmp(was, is) != 0)
        return err_set(err, ERR_CREDENTIAL, "the certificate is for %.200s, and %.200s was requested", is, was);
    if (!same_names(before.san, after.san))
        return err_set(err, ERR_CREDENTIAL, "the certificate has other names in subjectAltName than those that were requested");
    if (after.not_before > a->now)
        return err_set(err, ERR_CREDENTIAL, "the certificate is not valid yet: check the clocks of this machine and of the CA");
    return after.not_after > before.not_after ? 0 : err_set(err, ERR_CREDENTIAL, "the certificate ends %s, no later than the one in use (%s)", end, until);
}

struct tls_identity *tls_renewal_join(const struct tls_renewal_answer *a, struct err *err)
{
    size_t leaves;
    if (count_leaves(a->pem, &leaves, err) != 0)
        return NULL;
    if (leaves != 1) {
        (void)err_set(err, ERR_PROTOCOL, "the answer has %s", leaves == 0 ? "no certificate but those of CAs" : "several certificates that are no CA's");
        return NULL;
    }
    struct err why = {0};
    struct tls_identity *fresh = load_with_chain(a, &why);
    if (fresh == NULL) {
        bool foreign = !tls_rekey_is_of(a->pem, tls_signing_key_facts(a->key)->public_id);
        (void)err_set(err, why.kind, "%s", foreign && why.kind != ERR_MEMORY ? "the certificate is of another key than the one that was made for it" : why.text);
    } else if (compare(a, fresh, err) != 0) {
        tls_identity_unref(fresh);
        fresh = NULL;
    }
    return fresh;
}

int tls_renewal_write_chain(const struct tls_identity *id, struct bytes *out, struct err *err)
{
    struct span der;
    bytes_init(out, 8 * TLS_RENEWAL_ANSWER_MAX);
    for (size_t i = 0; (der = tls_identity_der(id, i)).len > 0; i++) {
        int rc = append_pem("CERTIFICATE", der, out);
        if (rc != 0) {
            bytes_clear(out);
            return tls_maker_failed(err, "cannot write the chain", rc);
        }
    }
    return 0;
}
