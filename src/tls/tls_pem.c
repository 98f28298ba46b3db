/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_pem.h"

#include <stdlib.h>
#include <string.h>

static const char begin_mark[] = "-----BEGIN ";
static const char end_mark[] = "-----END ";
static const char tail_mark[] = "-----";

/* A label as "%.*s" takes it. */
#define SHOWN(label) (int)((label).len < 40 ? (label).len : 40), (const char *)(label).ptr

static bool starts_with(struct span s, const char *text)
{
    size_t n = strlen(text);
    return s.len >= n && memcmp(s.ptr, text, n) == 0;
}

void tls_pem_start(struct tls_pem_reader *r, const char *file, struct span text)
{
    if (starts_with(text, "\xef\xbb\xbf")) /* editors on Windows put a byte order mark first */
        text = span_skip(text, 3);
    *r = (struct tls_pem_reader){.file = file, .rest = text, .line = 1};
}

/* Takes a line off the front, without its end (LF or CRLF) and blanks at its end. */
static struct span next_line(struct tls_pem_reader *r)
{
    const uint8_t *newline = memchr(r->rest.ptr, '\n', r->rest.len);
    size_t n = newline != NULL ? (size_t)(newline - r->rest.ptr) : r->rest.len;
    struct span line = span_of(r->rest.ptr, n);
    r->rest = span_skip(r->rest, newline != NULL ? n + 1 : n);
    r->line++;
    while (line.len > 0 && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == ' ' ||
                            line.ptr[line.len - 1] == '\t'))
        line.len--;
    return line;
}

/* The label between a mark and the closing dashes; an empty span when the line is not such a line. */
static struct span label_of(struct span line, const char *mark)
{
    if (!starts_with(line, mark))
        return (struct span){0};
    struct span label = span_skip(line, strlen(mark));
    size_t tail = strlen(tail_mark);
    if (label.len <= tail || memcmp(label.ptr + label.len - tail, tail_mark, tail) != 0)
        return (struct span){0};
    label.len -= tail;
    return label;
}

/* From just behind BEGIN to END. */
static int read_body(struct tls_pem_reader *r, struct tls_pem_block *out, struct err *err)
{
    out->body = span_of(r->rest.ptr, 0);
    while (r->rest.len > 0) {
        size_t line_number = r->line;
        struct span line = next_line(r);
        struct span label = label_of(line, end_mark);
        if (label.len > 0 && span_equals(label, out->label)) {
            out->body.len = (size_t)(line.ptr - out->body.ptr);
            out->whole = span_of(out->whole.ptr, (size_t)(line.ptr + line.len - out->whole.ptr));
            return 1;
        }
        if (starts_with(line, tail_mark))
            return err_set(
                err, ERR_CREDENTIAL,
                "%s:%zu: the block that begins in line %zu (%.*s) is cut by another mark before its END",
                r->file, line_number, out->line, (int)(out->label.len < 40 ? out->label.len : 40),
                (const char *)out->label.ptr);
    }
    return err_set(err, ERR_CREDENTIAL, "%s:%zu: the block %.*s has no END line: the file is cut short",
                   r->file, out->line, SHOWN(out->label));
}

int tls_pem_next(struct tls_pem_reader *r, struct tls_pem_block *out, struct err *err)
{
    while (r->rest.len > 0) {
        size_t line_number = r->line;
        struct span line = next_line(r);
        if (starts_with(line, end_mark))
            return err_set(err, ERR_CREDENTIAL, "%s:%zu: an END line without its BEGIN", r->file,
                           line_number);
        if (!starts_with(line, "-----BEGIN"))
            continue;
        out->label = label_of(line, begin_mark);
        if (out->label.len == 0)
            return err_set(err, ERR_CREDENTIAL, "%s:%zu: a damaged BEGIN line", r->file, line_number);
        out->line = line_number;
        out->whole = line;
        return read_body(r, out, err);
    }
    return 0;
}

static int sextet(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The value of each byte that has one; a list of a million entries is 50 MB of them. */
struct digits {
    int8_t value[256]; /* -1: no digit */
};

static void make_digits(struct digits *d)
{
    for (int c = 0; c < 256; c++)
        d->value[c] = (int8_t)sextet((uint8_t)c);
}

/* As many whole groups of four digits as come without anything between. */
static size_t decode_groups(const struct digits *d, struct span in, uint8_t *out, size_t *n)
{
    size_t i = 0;
    for (; in.len - i >= 4; i += 4) {
        int a = d->value[in.ptr[i]], b = d->value[in.ptr[i + 1]], c = d->value[in.ptr[i + 2]], e = d->value[in.ptr[i + 3]];
        if ((a | b | c | e) < 0)
            break;
        uint32_t bits = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | (uint32_t)e;
        out[*n] = (uint8_t)(bits >> 16);
        out[*n + 1] = (uint8_t)(bits >> 8);
        out[*n + 2] = (uint8_t)bits;
        *n += 3;
    }
    return i;
}

/* Base64 with white space between; the length of the output, or -1 with the place of the first bad byte in
 * *bad. */
static long decode_base64(struct span in, uint8_t *out, size_t *bad)
{
    struct digits table;
    size_t n = 0, digits = 0, padding = 0;
    uint32_t bits = 0;
    make_digits(&table);
    for (size_t i = 0; i < in.len; i++) {
        if (digits % 4 == 0 && padding == 0)
            i += decode_groups(&table, span_skip(in, i), out, &n);
        if (i == in.len)
            break;
        uint8_t c = in.ptr[i];
        *bad = i;
        if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
            continue;
        if (c == '=') {
            if (++padding > 2)
                return -1;
            continue;
        }
        int value = table.value[c];
        if (value < 0 || padding > 0)
            return -1;
        bits = bits << 6 | (uint32_t)value;
        if (++digits % 4 != 1)
            out[n++] = (uint8_t)(bits >> (6 - 2 * ((digits - 1) % 4)));
    }
    return (digits + padding) % 4 == 0 && n > 0 ? (long)n : -1;
}

static size_t lines_in(struct span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += s.ptr[i] == '\n';
    return n;
}

int tls_pem_decode(const struct tls_pem_reader *r, const struct tls_pem_block *block, struct span *der,
                   struct err *err)
{
    uint8_t *out = malloc(block->body.len + 1);
    if (out == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    size_t bad = 0;
    long n = decode_base64(block->body, out, &bad);
    if (n < 0) {
        tls_pem_wipe(span_of(out, block->body.len)); /* it may be a damaged key */
        size_t line = block->line + 1 +
                      lines_in(span_of(block->body.ptr, bad < block->body.len ? bad : block->body.len));
        return err_set(err, ERR_CREDENTIAL,
                       "%s:%zu: the block that begins in line %zu (%.*s) is damaged: not base64", r->file,
                       line, block->line, SHOWN(block->label));
    }
    *der = span_of(out, (size_t)n);
    return 0;
}

void tls_pem_wipe(struct span der)
{
    void *bytes = (void *)(uintptr_t)der.ptr;
    if (bytes != NULL)
        explicit_bzero(bytes, der.len);
    free(bytes);
}

/* What to do about it, as "; ..."; "" when nothing is known. */
static const char *advice_about(struct span label)
{
    static const struct {
        const char *end, *advice;
    } kinds[] = {
        {"PRIVATE KEY", "; a key is named by bundle or key of an identity, and a CA's own key stays with the CA"},
        {"CRL", "; a revocation list is named by crl of a trust"},
        {"CERTIFICATE REQUEST", "; a request is not a certificate yet: the CA makes one of it (mtlsd pki sign or openssl x509 -req)"},
        {"TRUSTED CERTIFICATE", "; write it as a plain certificate: openssl x509 -in FILE -out PLAIN"},
        {"CERTIFICATE", "; a certificate is named by ca of a trust, or by bundle or certificate of an identity"},
        {"PKCS7", "; take the certificates out of it: openssl pkcs7 -print_certs -in FILE -out PLAIN"},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t n = strlen(kinds[i].end);
        if (label.len >= n && memcmp(label.ptr + label.len - n, kinds[i].end, n) == 0)
            return kinds[i].advice;
    }
    return "";
}

int tls_pem_refuse(const struct tls_pem_reader *r, const struct tls_pem_block *block, const char *in, struct err *err)
{
    return err_set(err, ERR_CREDENTIAL, "%s:%zu: a block of kind %.*s does not belong in %s%s", r->file, block->line, SHOWN(block->label), in,
                   advice_about(block->label));
}

/* SEQUENCE { INTEGER 3, ... }: RFC 7292 section 4. Certificates and lists begin with a SEQUENCE in the first, keys with INTEGER 0 or 1. */
static bool is_pkcs12(struct span text)
{
    size_t lengths = text.len > 2 && text.ptr[0] == 0x30 && text.ptr[1] > 0x80 && text.ptr[1] <= 0x84 ? text.ptr[1] & 0x7f : 0;
    return lengths > 0 && text.len > 5 + lengths && memcmp(text.ptr + 2 + lengths, "\x02\x01\x03", 3) == 0;
}

int tls_pem_plausible(const char *file, struct span text, const char *wanted, struct err *err)
{
    if (text.len == 0)
        return err_set(err, ERR_CREDENTIAL, "%s: the file is empty; it should hold %s in PEM", file, wanted);
    if (memmem(text.ptr, text.len, "-----BEGIN", 10) != NULL)
        return 0;
    if (is_pkcs12(text))
        return err_set(err, ERR_CREDENTIAL,
                       "%s: looks like PKCS#12, not PEM; it should hold %s in PEM (an identity names such a file in pkcs12, and openssl pkcs12 -in FILE -nodes "
                       "-out BUNDLE.pem converts it)",
                       file, wanted);
    if (text.len >= 4 && text.ptr[0] == 0x30 && (text.ptr[1] & 0x80) != 0)
        return err_set(err, ERR_CREDENTIAL,
                       "%s: looks like DER, not PEM; it should hold %s in PEM (openssl x509 -inform DER -in "
                       "FILE turns a certificate into PEM)",
                       file, wanted);
    return err_set(err, ERR_CREDENTIAL, "%s: no PEM block in it; it should hold %s", file, wanted);
}
