/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/lookalike.h"

#include <stdio.h>
#include <string.h>

static const char quote[] = "a typographic quote", space[] = "a space of another width", dash[] = "a typographic dash",
                  nothing[] = "invisible", mark[] = "a byte order mark", dots[] = "an ellipsis", wide[] = "a full-width character";

static const struct row {
    uint32_t first, last;
    const char *name, *plain;
} rows[] = {
    {0x00a0, 0x00a0, "a no-break space", " "},
    {0x00ab, 0x00ab, quote, "\""},
    {0x00ad, 0x00ad, nothing, ""},
    {0x00bb, 0x00bb, quote, "\""},
    {0x2000, 0x200a, space, " "},
    {0x200b, 0x200f, nothing, ""},
    {0x2010, 0x2015, dash, "-"},
    {0x2018, 0x201f, quote, "\""},
    {0x2026, 0x2026, dots, "..."},
    {0x2028, 0x2029, "a line separator", " "},
    {0x202a, 0x202e, nothing, ""},
    {0x202f, 0x202f, "a no-break space", " "},
    {0x2032, 0x2033, quote, "\""},
    {0x2039, 0x203a, quote, "\""},
    {0x205f, 0x205f, space, " "},
    {0x2060, 0x2060, nothing, ""},
    {0x2212, 0x2212, dash, "-"},
    {0x3000, 0x3000, "a full-width space", " "},
    {0x300c, 0x300f, quote, "\""},
    {0xfeff, 0xfeff, mark, ""},
    {0xff02, 0xff02, wide, "\""},
    {0xff08, 0xff08, wide, "("},
    {0xff09, 0xff09, wide, ")"},
    {0xff0c, 0xff0c, wide, ","},
    {0xff0d, 0xff0d, wide, "-"},
    {0xff1a, 0xff1a, wide, ":"},
    {0xff1b, 0xff1b, wide, ";"},
    {0xff1d, 0xff1d, wide, "="},
    {0xff3b, 0xff3b, wide, "["},
    {0xff3d, 0xff3d, wide, "]"},
    {0xff5b, 0xff5b, wide, "{"},
    {0xff5d, 0xff5d, wide, "}"},
};

/* Bytes of Windows-1252, and those of Latin-1 that are the same as in Unicode. */
static const struct row windows[] = {
    {0x82, 0x82, quote, "\""}, {0x84, 0x84, quote, "\""}, {0x85, 0x85, dots, "..."}, {0x91, 0x94, quote, "\""},
    {0x96, 0x97, dash, "-"},   {0xa0, 0xa0, "a no-break space", " "}, {0xab, 0xab, quote, "\""}, {0xbb, 0xbb, quote, "\""},
};

static const struct row *find(const struct row *table, size_t n, uint32_t code)
{
    for (size_t i = 0; i < n; i++)
        if (code >= table[i].first && code <= table[i].last)
            return &table[i];
    return NULL;
}

/* The bytes that a character takes by its first one. */
static size_t length_of(uint8_t first)
{
    return first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

static bool decode(struct span text, size_t n, uint32_t *code)
{
    if (n == 0 || n > text.len)
        return false;
    *code = text.ptr[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((text.ptr[i] & 0xc0) != 0x80)
            return false;
        *code = *code << 6 | (text.ptr[i] & 0x3f);
    }
    return (n != 3 || (*code >= 0x800 && (*code < 0xd800 || *code > 0xdfff))) && (n != 4 || (*code >= 0x10000 && *code <= 0x10ffff));
}

struct lookalike lookalike_at(struct span text)
{
    struct lookalike l = {0};
    if (text.len == 0 || text.ptr[0] < 0x80)
        return l;
    size_t n = length_of(text.ptr[0]);
    l.is_utf8 = decode(text, n, &l.code);
    l.len = l.is_utf8 ? n : 1;
    if (!l.is_utf8)
        l.code = text.ptr[0];
    const struct row *row = l.is_utf8 ? find(rows, sizeof(rows) / sizeof(rows[0]), l.code) : find(windows, sizeof(windows) / sizeof(windows[0]), l.code);
    if (row != NULL) {
        l.name = row->name;
        l.plain = row->plain;
    }
    return l;
}

size_t lookalike_find(struct span text, const char *plain)
{
    for (size_t i = 0; i < text.len;) {
        struct lookalike l = lookalike_at(span_skip(text, i));
        if (l.name != NULL && strcmp(l.plain, plain) == 0)
            return i;
        i += l.len > 0 ? l.len : 1;
    }
    return text.len;
}

void lookalike_explain(const struct lookalike *l, char out[LOOKALIKE_TEXT])
{
    char code[32];
    snprintf(code, sizeof(code), l->is_utf8 ? "U+%04X" : "byte 0x%02x", (unsigned)l->code);
    if (l->name == NULL && l->is_utf8)
        snprintf(out, LOOKALIKE_TEXT, "%s is outside of a string: keys and names are written in ASCII letters", code);
    else if (l->name == NULL)
        snprintf(out, LOOKALIKE_TEXT, "%s outside of a string: is this a text file in UTF-8?", code);
    else if (l->plain[0] == '\0')
        snprintf(out, LOOKALIKE_TEXT, "%s is %s: remove it", code, l->name);
    else if (l->plain[0] == ' ')
        snprintf(out, LOOKALIKE_TEXT, "%s is %s: type a plain space in its place", code, l->name);
    else
        snprintf(out, LOOKALIKE_TEXT, "%s is %s: type the plain %s in its place", code, l->name, l->plain);
}
