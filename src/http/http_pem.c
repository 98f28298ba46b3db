/* SPDX-License-Identifier: Apache-2.0 */
#include "http_pem.h"

#include "mtlsd/base/encode.h"
#include "mtlsd/base/text.h"

enum { LINE_DER_BYTES = 48 }; /* 64 letters */

int http_pem_append(struct bytes *out, struct span der)
{
    bytes_append_str(out, "-----BEGIN CERTIFICATE-----\n");
    for (; der.len > 0; der = span_skip(der, LINE_DER_BYTES)) {
        text_append_base64(out, span_of(der.ptr, der.len < LINE_DER_BYTES ? der.len : LINE_DER_BYTES));
        bytes_append_str(out, "\n");
    }
    return bytes_append_str(out, "-----END CERTIFICATE-----\n");
}

int http_pem_append_encoded(struct bytes *out, struct span der)
{
    struct bytes pem;
    bytes_init(&pem, out->max);
    int rc = http_pem_append(&pem, der);
    encode_component(out, bytes_span(&pem));
    bytes_clear(&pem);
    out->failed = out->failed || rc != 0;
    return out->failed ? -1 : 0;
}
