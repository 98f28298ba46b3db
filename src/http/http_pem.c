/* SPDX-License-Identifier: Apache-2.0 */
#include "http_pem.h"

#include "mtlsd/base/text.h"

enum { LINE_DER_BYTES = 48 }; /* 64 letters */

static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

static int append_encoded(struct bytes *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((is_unreserved(s.ptr[i]) ? bytes_append(out, &s.ptr[i], 1) : bytes_printf(out, "%%%02X", s.ptr[i])) != 0)
            return -1;
    }
    return 0;
}

static int append_text(struct bytes *out, const char *text)
{
    return append_encoded(out, span_from_str(text));
}

static int append_lines(struct bytes *out, struct span der)
{
    while (der.len > 0) {
        size_t n = der.len < LINE_DER_BYTES ? der.len : LINE_DER_BYTES;
        struct bytes line;
        bytes_init(&line, 80);
        int rc = text_append_base64(&line, span_of(der.ptr, n));
        rc = rc == 0 ? append_encoded(out, bytes_span(&line)) : -1;
        bytes_clear(&line);
        if (rc != 0 || append_text(out, "\n") != 0)
            return -1;
        der = span_skip(der, n);
    }
    return 0;
}

int http_pem_append_encoded(struct bytes *out, struct span der)
{
    if (append_text(out, "-----BEGIN CERTIFICATE-----\n") != 0 || append_lines(out, der) != 0)
        return -1;
    return append_text(out, "-----END CERTIFICATE-----\n");
}
