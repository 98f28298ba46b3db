/* SPDX-License-Identifier: Apache-2.0 */
#include "starttls_protocol.h"

#include <string.h>

enum reason starttls_line(struct span in, struct span *line, size_t *eaten, struct err *err)
{
    const uint8_t *end = in.len > 0 ? memchr(in.ptr, '\n', in.len) : NULL;
    if (end == NULL)
        return in.len < STARTTLS_IN_MAX ? REASON_UNDECIDED : starttls_fail(err, "it sent a line that is too long");
    size_t len = (size_t)(end - in.ptr);
    if (len == 0 || in.ptr[len - 1] != '\r' || memchr(in.ptr, 0, len) != NULL)
        return starttls_fail(err, "it sent a line that does not end in CRLF, or with a NUL in it");
    *line = span_of(in.ptr, len - 1);
    *eaten = len + 1;
    return REASON_VALID;
}

struct span starttls_word(struct span line, struct span *rest)
{
    const uint8_t *space = line.len > 0 ? memchr(line.ptr, ' ', line.len) : NULL;
    size_t len = space != NULL ? (size_t)(space - line.ptr) : line.len;
    *rest = span_skip(line, space != NULL ? len + 1 : len);
    return span_of(line.ptr, len);
}

enum reason starttls_fail(struct err *err, const char *why)
{
    err_set(err, ERR_PROTOCOL, "%s", why);
    return REASON_STARTTLS_FAILED;
}

enum reason starttls_fail_line(struct err *err, const char *why, struct span line)
{
    char text[81];
    size_t n = 0;
    for (; n < line.len && n < sizeof(text) - 1; n++)
        text[n] = line.ptr[n] >= ' ' && line.ptr[n] < 0x7f ? (char)line.ptr[n] : '.';
    text[n] = '\0';
    err_set(err, ERR_PROTOCOL, "%s: %s", why, text);
    return REASON_STARTTLS_FAILED;
}
