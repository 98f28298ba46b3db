/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_frames.h"

#include <assert.h>
#include <ctype.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void http2_frame(struct bytes *out, unsigned type, unsigned flags, unsigned id, struct span payload)
{
    uint8_t head[9] = {(uint8_t)(payload.len >> 16), (uint8_t)(payload.len >> 8), (uint8_t)payload.len, (uint8_t)type, (uint8_t)flags,
                       (uint8_t)(id >> 24),          (uint8_t)(id >> 16),         (uint8_t)(id >> 8),   (uint8_t)id};
    bytes_append(out, head, sizeof(head));
    bytes_append_span(out, payload);
}

static void put32(struct bytes *out, unsigned long n)
{
    uint8_t b[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    bytes_append(out, b, sizeof(b));
}

static void put_decoded(struct bytes *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char hex[3] = {0};
        uint8_t c = s.ptr[i];
        if (c == '%' && i + 2 < s.len) {
            memcpy(hex, s.ptr + i + 1, 2);
            c = (uint8_t)strtoul(hex, NULL, 16);
            i += 2;
        }
        bytes_append(out, &c, 1);
    }
}

/* RFC 7541 section 5.2, without Huffman's code. */
static void put_string(struct bytes *out, struct span s)
{
    struct bytes plain;
    bytes_init(&plain, 1 << 20);
    put_decoded(&plain, s);
    size_t n = plain.len;
    uint8_t byte = (uint8_t)(n < 127 ? n : 127);
    bytes_append(out, &byte, 1);
    for (n -= byte; byte == 127 || n > 0;) {
        uint8_t more = (uint8_t)(n >= 128 ? 128 | (n & 127) : n);
        bytes_append(out, &more, 1);
        if (n < 128)
            break;
        n >>= 7;
    }
    bytes_append_span(out, bytes_span(&plain));
    bytes_clear(&plain);
}

static void put_fields(struct bytes *out, struct span text)
{
    while (text.len > 0) {
        const uint8_t *bar = memchr(text.ptr, '|', text.len);
        struct span field = span_of(text.ptr, bar != NULL ? (size_t)(bar - text.ptr) : text.len);
        const uint8_t *sign = memchr(field.ptr, '=', field.len);
        assert(sign != NULL);
        bytes_append(out, "\0", 1);
        put_string(out, span_of(field.ptr, (size_t)(sign - field.ptr)));
        put_string(out, span_skip(field, (size_t)(sign - field.ptr) + 1));
        text = span_skip(text, field.len + (bar != NULL));
    }
}

static void put_settings(struct bytes *out, const char *text)
{
    for (char *end; *text != '\0'; text = *end == ',' ? end + 1 : end) {
        unsigned long name = strtoul(text, &end, 10), value = strtoul(end + 1, &end, 10);
        uint8_t head[2] = {(uint8_t)(name >> 8), (uint8_t)name};
        bytes_append(out, head, 2);
        put32(out, value);
    }
}

static void put_goaway(struct bytes *out, const char *text)
{
    char *end;
    put32(out, strtoul(text, &end, 10));
    put32(out, strtoul(end, &end, 10));
    put_decoded(out, span_from_str(*end == ' ' ? end + 1 : end));
}

static void put_payload(struct bytes *p, char kind, const char *text)
{
    if (kind == 'H' || kind == 'C')
        put_fields(p, span_from_str(text));
    else if (kind == 'R' || kind == 'W' || kind == 'U')
        put32(p, strtoul(text, NULL, 10));
    else if (kind == 'S')
        put_settings(p, text);
    else if (kind == 'G')
        put_goaway(p, text);
    else
        put_decoded(p, span_from_str(text));
}

static void put_line(struct bytes *out, const char *line)
{
    static const char kinds[] = "DHYRSUPGWC"; /* in the order of their numbers */
    char kind = line[0], *at = (char *)(uintptr_t)line + 1;
    unsigned type = kind == 'X' ? 0 : (unsigned)(strchr(kinds, kind) - kinds), flags = kind == 'H' || kind == 'C' ? 4 : 0;
    unsigned long number = line[1] == ' ' ? 0 : strtoul(line + 1, &at, 10);
    if (kind == 'X') {
        type = (unsigned)number;
        number = strtoul(at + 1, &at, 10);
    }
    bool padded = false, priority = false;
    for (; *at != ' ' && *at != '\0'; at++) {
        flags |= *at == 'e' || *at == 'A' ? 1 : *at == 'p' || *at == 'q' ? 8 : *at == 'y' || *at == 'z' ? 32 : 0;
        flags &= *at == '-' ? ~4U : ~0U;
        padded = padded || *at == 'p';
        priority = priority || *at == 'y';
    }
    struct bytes payload;
    bytes_init(&payload, 1 << 24);
    if (padded)
        bytes_append(&payload, "\3", 1);
    if (priority)
        bytes_append(&payload, "\0\0\0\0\20", 5);
    put_payload(&payload, kind, *at == ' ' ? at + 1 : at);
    if (padded)
        bytes_append(&payload, "\0\0\0", 3);
    http2_frame(out, type, flags, (unsigned)number, bytes_span(&payload));
    bytes_clear(&payload);
}

void http2_frames(struct bytes *out, const char *script)
{
    char *copy = strdup(script), *rest = copy;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (strcmp(line, "PRI") == 0)
            bytes_append_str(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        else if (line[0] != '\0')
            put_line(out, line);
    }
    free(copy);
}

/* ---- back to text ---- */

struct http2_reader {
    nghttp2_hd_inflater *inflater;
    struct bytes rest;
};

struct http2_reader *http2_reader_new(void)
{
    struct http2_reader *r = calloc(1, sizeof(*r));
    assert(r != NULL && nghttp2_hd_inflate_new(&r->inflater) == 0);
    bytes_init(&r->rest, 1 << 24);
    return r;
}

void http2_reader_free(struct http2_reader *r)
{
    nghttp2_hd_inflate_del(r->inflater);
    bytes_clear(&r->rest);
    free(r);
}

static void say_fields(struct http2_reader *r, struct span in, bool last, struct bytes *text)
{
    const char *between = " ";
    for (;;) {
        nghttp2_nv nv;
        int flags = 0;
        ssize_t n = nghttp2_hd_inflate_hd2(r->inflater, &nv, &flags, in.ptr, in.len, last);
        assert(n >= 0);
        in = span_skip(in, (size_t)n);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0)
            break;
        bytes_printf(text, "%s%s%.*s=%.*s", between, (nv.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0 ? "!" : "", (int)nv.namelen, (const char *)nv.name, (int)nv.valuelen,
                     (const char *)nv.value);
        between = "|";
    }
    if (last)
        nghttp2_hd_inflate_end_headers(r->inflater);
}

static unsigned long get32(const uint8_t *p)
{
    return (unsigned long)p[0] << 24 | (unsigned long)p[1] << 16 | (unsigned long)p[2] << 8 | p[3];
}

static void say_settings(struct span p, struct bytes *text)
{
    for (const char *between = " "; p.len >= 6; p = span_skip(p, 6), between = ",")
        bytes_printf(text, "%s%d=%lu", between, p.ptr[0] << 8 | p.ptr[1], get32(p.ptr + 2));
}

static void say_frame(struct http2_reader *r, const uint8_t *head, struct span p, struct bytes *text)
{
    unsigned type = head[3], flags = head[4];
    unsigned long id = get32(head + 5);
    bytes_printf(text, "%c", type <= 9 ? "DHYRSUPGWC"[type] : 'X');
    if (type > 9)
        bytes_printf(text, "%u:", type);
    if ((type != 4 && type != 6 && type != 7) || id != 0)
        bytes_printf(text, "%lu", id);
    bytes_printf(text, "%s%s", (flags & 1) == 0 ? "" : type == 4 || type == 6 ? "A" : "e", (type == 1 || type == 9) && (flags & 4) == 0 ? "-" : "");
    if (type == 1 || type == 9)
        say_fields(r, p, (flags & 4) != 0, text);
    else if ((type == 3 || type == 8) && p.len == 4)
        bytes_printf(text, " %lu", get32(p.ptr));
    else if (type == 4)
        say_settings(p, text);
    else if (type == 7 && p.len >= 8)
        bytes_printf(text, " %lu %lu%s%.*s", get32(p.ptr), get32(p.ptr + 4), p.len > 8 ? " " : "", (int)p.len - 8, (const char *)p.ptr + 8);
    else if (p.len > 0)
        bytes_printf(text, " %.*s", (int)p.len, (const char *)p.ptr);
    bytes_append_str(text, "\n");
}

void http2_reader_say(struct http2_reader *r, struct span bytes, struct bytes *text)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    bytes_append_span(&r->rest, bytes);
    struct span rest = bytes_span(&r->rest);
    size_t before = rest.len;
    if (rest.len >= 24 && memcmp(rest.ptr, preface, 24) == 0) {
        bytes_append_str(text, "PRI\n");
        rest = span_skip(rest, 24);
    }
    while (rest.len >= 9) {
        size_t n = (size_t)rest.ptr[0] << 16 | (size_t)rest.ptr[1] << 8 | rest.ptr[2];
        if (rest.len < 9 + n)
            break;
        say_frame(r, rest.ptr, span_of(rest.ptr + 9, n), text);
        rest = span_skip(rest, 9 + n);
    }
    if (before > rest.len)
        bytes_consume(&r->rest, before - rest.len);
}
