/* SPDX-License-Identifier: Apache-2.0 */
#include "drill_save.h"
#include "mtlsd/base/text.h"
#include "mtlsd/io/file.h"
#include "pki/pki_folder.h"

enum { PEM_MAX = 1 << 20, PEM_LINE = 64 };

static int append_pem(struct bytes *out, struct span der)
{
    struct bytes base64;
    bytes_init(&base64, PEM_MAX);
    int rc = text_append_base64(&base64, der) != 0 || bytes_append_str(out, "-----BEGIN CERTIFICATE-----\n") != 0 ? -1 : 0;
    for (struct span rest = bytes_span(&base64); rc == 0 && rest.len > 0;) {
        size_t n = rest.len < PEM_LINE ? rest.len : PEM_LINE;
        rc = bytes_append(out, rest.ptr, n) != 0 || bytes_append_str(out, "\n") != 0 ? -1 : 0;
        rest = span_skip(rest, n);
    }
    bytes_clear(&base64);
    return rc != 0 ? rc : bytes_append_str(out, "-----END CERTIFICATE-----\n");
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
