/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_token_uri.h"

#include <gnutls/pkcs11.h>
#include <gnutls/x509.h>
#include <string.h>

enum { PEM_MAX = 64 * 1024 };

bool tls_token_uri(const char *path)
{
    return strncmp(path, "pkcs11:", 7) == 0;
}

/* A certificate is public: a token that wants a PIN for it gets none. */
static int refuse_pin(void *ctx, int attempt, const char *url, const char *label, unsigned flags, char *pin, size_t size)
{
    (void)ctx, (void)attempt, (void)url, (void)label, (void)flags, (void)pin, (void)size;
    return -1;
}

static int export_pem(const char *uri, gnutls_x509_crt_t crt, struct bytes *pem)
{
    gnutls_datum_t text = {NULL, 0};
    gnutls_x509_crt_set_pin_function(crt, refuse_pin, NULL);
    int rc = gnutls_x509_crt_import_url(crt, uri, 0);
    if (rc == 0)
        rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text);
    if (rc == 0 && bytes_append(pem, text.data, text.size) != 0)
        rc = GNUTLS_E_MEMORY_ERROR;
    gnutls_free(text.data);
    return rc;
}

int tls_token_uri_certificate(const char *uri, struct bytes *pem, struct err *err)
{
    gnutls_x509_crt_t crt;
    bytes_init(pem, PEM_MAX);
    int rc = gnutls_x509_crt_init(&crt);
    if (rc != 0)
        return err_set(err, ERR_MEMORY, "out of memory");
    rc = export_pem(uri, crt, pem);
    gnutls_x509_crt_deinit(crt);
    if (rc == 0)
        return 0;
    bytes_clear(pem);
    return err_set(err, ERR_CREDENTIAL, "%.300s: the certificate cannot be read (%s): list what the token has (p11tool --list-all-certs URI), or name a file", uri,
                   gnutls_strerror(rc));
}
