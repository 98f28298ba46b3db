/* SPDX-License-Identifier: Apache-2.0 */
#include "html.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static const char *reference_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (unsigned char)c < 0x20 || c == 0x7f ? " " : NULL;
    }
}

static int append(struct bytes *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *reference = reference_of(text[i]);
        if (reference != NULL)
            bytes_append_str(out, reference);
        else
            bytes_append(out, &text[i], 1);
    }
    return out->failed ? -1 : 0;
}

int html_text(struct bytes *out, const char *text)
{
    return text != NULL ? append(out, text, strlen(text)) : 0;
}

/* The begin of a character of UTF-8. */
static bool begins(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

int html_cut(struct bytes *out, const char *text, size_t most)
{
    size_t n = 0, characters = 0, end = 0;
    for (; text != NULL && text[n] != '\0'; n++) {
        if (!begins(text[n]))
            continue;
        if (++characters == most)
            end = n;
    }
    if (characters <= most)
        return append(out, text, n);
    append(out, text, end);
    return bytes_append_str(out, "\u2026");
}

int html_raw(struct bytes *out, const char *first, ...)
{
    va_list more;
    va_start(more, first);
    for (const char *piece = first; piece != NULL; piece = va_arg(more, const char *))
        bytes_append_str(out, piece);
    va_end(more);
    return out->failed ? -1 : 0;
}
