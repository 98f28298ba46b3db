/* SPDX-License-Identifier: Apache-2.0 */
#include "drill.h"
#include "mtlsd/base/text.h"
#include "mtlsd/io/file.h"
#include "pki/pki.h"

enum { PEM_MAX = 1 << 20, LINE_DER_BYTES = 48 /* 64 letters */ };

static int append_pem(struct bytes *out, struct span der)
{
    bytes_append_str(out, "-----BEGIN CERTIFICATE-----\n");
    while (der.len > 0) {
        size_t n = der.len < LINE_DER_BYTES ? der.len : LINE_DER_BYTES;
        text_append_base64(out, span_of(der.ptr, n));
        bytes_append_str(out, "\n");
        der = span_skip(der, n);
    }
    return bytes_append_str(out, "-----END CERTIFICATE-----\n");
}

int drill_save(const char *folder, const char *word, const struct tls_identity *identity, struct err *err)
{
    struct bytes pem;
    struct span der;
    int rc = 0;
    if (identity == NULL)
        return 0;
    bytes_init(&pem, PEM_MAX);
    for (size_t i = 0; rc == 0 && (der = tls_identity_der(identity, i)).len > 0; i++)
        rc = append_pem(&pem, der);
    if (rc != 0)
        rc = err_set(err, ERR_MEMORY, "out of memory");
    else if (file_make_folder(folder, 0755, err) == 0)
        rc = pki_folder_put(folder, word, ".pem", bytes_span(&pem), false, err);
    else
        rc = -1;
    bytes_clear(&pem);
    return rc;
}
