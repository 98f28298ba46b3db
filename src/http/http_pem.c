/* SPDX-License-Identifier: Apache-2.0 */
#include "http_pem.h"

#include "mtlsd/base/text.h"

enum { LINE_DER_BYTES = 48 }; /* 64 letters */

static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

static void append_encoded(struct bytes *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        is_unreserved(s.ptr[i]) ? bytes_append(out, &s.ptr[i], 1) : bytes_printf(out, "%%%02X", s.ptr[i]);
}

int http_pem_append_encoded(struct bytes *out, struct span der)
{
    append_encoded(out, span_from_str("-----BEGIN CERTIFICATE-----\n"));
    for (; der.len > 0; der = span_skip(der, LINE_DER_BYTES)) {
        struct bytes line;
        bytes_init(&line, 80);
        text_append_base64(&line, span_of(der.ptr, der.len < LINE_DER_BYTES ? der.len : LINE_DER_BYTES));
        bytes_append_str(&line, "\n");
        append_encoded(out, bytes_span(&line));
        out->failed = out->failed || line.failed;
        bytes_clear(&line);
    }
    append_encoded(out, span_from_str("-----END CERTIFICATE-----\n"));
    return out->failed ? -1 : 0;
}
