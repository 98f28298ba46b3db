/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_request.h"

#include "tls_maker.h"

#include <string.h>

enum { RSA_BITS = 3072, PEM_MAX = 256 * 1024 };

static int generate(gnutls_x509_privkey_t key, bool rsa)
{
    return rsa ? gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, RSA_BITS, 0)
               : gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
}

static int set_dn(gnutls_x509_crq_t crq, const char *oid, const char *value)
{
    return value == NULL || value[0] == '\0' ? 0 : gnutls_x509_crq_set_dn_by_oid(crq, oid, 0, value, (unsigned)strlen(value));
}

static int set_subject(gnutls_x509_crq_t crq, const struct tls_request_order *order)
{
    int rc = set_dn(crq, GNUTLS_OID_X520_ORGANIZATION_NAME, order->o);
    if (rc == 0)
        rc = set_dn(crq, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, order->ou);
    return rc == 0 ? set_dn(crq, GNUTLS_OID_X520_COMMON_NAME, order->cn) : rc;
}

static int copy_extension(gnutls_x509_crq_t crq, gnutls_x509_crt_t from, const char *oid)
{
    gnutls_datum_t value = {NULL, 0};
    unsigned critical;
    int rc = gnutls_x509_crt_get_extension_by_oid2(from, oid, 0, &value, &critical);
    if (rc == 0)
        rc = gnutls_x509_crq_set_extension_by_oid(crq, oid, value.data, value.size, critical);
    gnutls_free(value.data);
    return rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE ? 0 : rc;
}

/* From a certificate as the CA may make it: the library has calls for requests too, but these mark every extension critical. */
static int set_extensions(gnutls_x509_crq_t crq, const struct tls_maker *m, bool with_purposes)
{
    int rc = copy_extension(crq, m->crt, "2.5.29.15");
    if (rc == 0 && with_purposes)
        rc = copy_extension(crq, m->crt, "2.5.29.37");
    return rc == 0 ? copy_extension(crq, m->crt, "2.5.29.17") : rc;
}

static int begin(struct tls_maker *m, const struct tls_request_order *order, struct err *err)
{
    struct tls_maker_shape shape = {.purposes = {order->server ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT}};
    if (order->client && order->server)
        shape.purposes[1] = GNUTLS_KP_TLS_WWW_CLIENT;
    if (tls_maker_begin_for_key(m, &shape, (struct tls_maker_dates){0, 0}, 1, err) != 0)
        return -1;
    for (size_t i = 0; i < order->n_sans; i++)
        if (tls_maker_san(m, order->sans[i], err) != 0)
            return -1;
    return 0;
}

static int sign(gnutls_x509_crq_t crq, gnutls_x509_privkey_t key)
{
    int rc = gnutls_x509_crq_set_version(crq, 1);
    if (rc == 0)
        rc = gnutls_x509_crq_set_key(crq, key);
    return rc == 0 ? gnutls_x509_crq_sign2(crq, key, GNUTLS_DIG_SHA256, 0) : rc;
}

static int write_request(gnutls_x509_crq_t crq, struct bytes *out, struct err *err)
{
    gnutls_datum_t der = {NULL, 0}, pem = {NULL, 0};
    int rc = gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_DER, &der);
    if (rc == 0)
        rc = gnutls_pem_base64_encode2("CERTIFICATE REQUEST", &der, &pem); /* the label of RFC 7468; the library writes an older one */
    if (rc == 0 && bytes_append(out, pem.data, pem.size) != 0)
        rc = GNUTLS_E_MEMORY_ERROR;
    gnutls_free(der.data);
    gnutls_free(pem.data);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot write the request", rc);
}

static int make(gnutls_x509_crq_t crq, const struct tls_maker *m, const struct tls_request_order *order, struct err *err)
{
    int rc = generate(m->key, order->rsa);
    if (rc == 0)
        rc = set_subject(crq, order);
    if (rc == 0)
        rc = set_extensions(crq, m, order->client || order->server);
    if (rc == 0)
        rc = sign(crq, m->key);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot make the request", rc);
}

int tls_request_new(const struct tls_request_order *order, struct bytes *request, struct bytes *key, struct err *err)
{
    struct tls_maker m = {NULL, NULL};
    gnutls_x509_crq_t crq = NULL;
    bytes_init(request, PEM_MAX);
    bytes_init(key, PEM_MAX);
    int rc = begin(&m, order, err);
    if (rc == 0 && gnutls_x509_crq_init(&crq) != 0)
        rc = err_set(err, ERR_MEMORY, "out of memory");
    if (rc == 0)
        rc = make(crq, &m, order, err);
    if (rc == 0)
        rc = write_request(crq, request, err);
    if (rc == 0)
        rc = tls_maker_append_key(&m, key, err);
    if (crq != NULL)
        gnutls_x509_crq_deinit(crq);
    tls_maker_clear(&m);
    if (rc != 0) {
        bytes_clear(request);
        bytes_wipe(key);
    }
    return rc;
}
