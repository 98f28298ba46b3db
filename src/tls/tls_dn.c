/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_dn.h"

#include "mtlsd/base/text.h"

#include <stdio.h>
#include <string.h>

enum { MAX_RDNS = 64 };

/* Attributes with a usual name. All others are written as dotted numbers. */
static const struct {
    const char *oid, *word;
} words[] = {
    {"2.5.4.3", "CN"},
    {"2.5.4.11", "OU"},
    {"2.5.4.10", "O"},
    {"2.5.4.6", "C"},
    {"2.5.4.8", "ST"},
    {"2.5.4.7", "L"},
    {"0.9.2342.19200300.100.1.25", "DC"},
    {"0.9.2342.19200300.100.1.1", "UID"},
    {"1.2.840.113549.1.9.1", "EMAIL"},
    {"2.5.4.5", "serialNumber"},
    {"2.5.4.4", "surName"},
    {"2.5.4.42", "givenName"},
    {"2.5.4.9", "street"},
    {"2.5.4.12", "title"},
    {"2.5.4.13", "description"},
    {"2.5.4.15", "businessCategory"},
    {"2.5.4.17", "postalCode"},
    {"2.5.4.20", "telephoneNumber"},
    {"2.5.4.41", "name"},
    {"2.5.4.43", "initials"},
    {"2.5.4.44", "generationQualifier"},
    {"2.5.4.46", "dnQualifier"},
    {"2.5.4.65", "pseudonym"},
    {"1.2.840.113556.1.4.656", "userPrincipalName"},
    {"1.3.6.1.5.5.7.8.5", "XmppAddr"},
    {"1.3.6.1.5.5.7.9.2", "placeOfBirth"},
    {"1.3.6.1.5.5.7.9.3", "gender"},
    {"1.3.6.1.5.5.7.9.4", "countryOfCitizenship"},
    {"1.3.6.1.5.5.7.9.5", "countryOfResidence"},
    {"1.3.6.1.4.1.311.60.2.1.1", "jurisdictionOfIncorporationLocalityName"},
    {"1.3.6.1.4.1.311.60.2.1.2", "jurisdictionOfIncorporationStateOrProvinceName"},
    {"1.3.6.1.4.1.311.60.2.1.3", "jurisdictionOfIncorporationCountryName"},
    {"1.2.643.3.131.1.1", "INN"},
    {"1.2.643.100.1", "OGRN"},
    {"1.2.643.100.3", "SNILS"},
    {"1.2.643.100.5", "OGRNIP"},
};

struct writer {
    char *out;
    size_t size, length, put;
};

/* Once a piece does not fit, later ones are only counted: an escape is never cut in two. */
static void put(struct writer *w, const char *piece, size_t n)
{
    if (w->put == w->length && w->put + n < w->size) {
        memcpy(w->out + w->put, piece, n);
        w->put += n;
    }
    w->length += n;
}

static void put_hex(struct writer *w, struct span bytes)
{
    char pair[3];
    for (size_t i = 0; i < bytes.len; i++) {
        text_hex(pair, span_of(bytes.ptr + i, 1));
        put(w, pair, 2);
    }
}

/* The next number of an OID. -1: it is cut off, longer than it needs to be, or too large. */
static int next_arc(struct span *oid, uint64_t *arc)
{
    *arc = 0;
    if (oid->len > 0 && oid->ptr[0] == 0x80)
        return -1;
    while (oid->len > 0 && *arc <= UINT64_MAX >> 7) {
        uint8_t byte = oid->ptr[0];
        *oid = span_skip(*oid, 1);
        *arc = *arc << 7 | (byte & 0x7f);
        if ((byte & 0x80) == 0)
            return 0;
    }
    return -1;
}

int tls_dn_oid_text(struct span oid, char out[TLS_DN_OID_BYTES])
{
    uint64_t arc;
    if (next_arc(&oid, &arc) != 0)
        return -1;
    uint64_t first = arc < 80 ? arc / 40 : 2;
    size_t n = (size_t)snprintf(out, TLS_DN_OID_BYTES, "%llu.%llu", (unsigned long long)first, (unsigned long long)(arc - 40 * first));
    while (oid.len > 0) {
        if (next_arc(&oid, &arc) != 0)
            return -1;
        n += (size_t)snprintf(out + n, TLS_DN_OID_BYTES - n, ".%llu", (unsigned long long)arc);
        if (n >= TLS_DN_OID_BYTES)
            return -1;
    }
    return 0;
}

static const char *word_of(const char *oid)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i].oid, oid) == 0)
            return words[i].word;
    return NULL;
}

bool tls_dn_is_text(const struct tls_der *value)
{
    switch (value->tag) {
    case DER_UTF8_STRING:
        return text_is_utf8_with_controls(value->value);
    case DER_PRINTABLE_STRING:
    case DER_IA5_STRING:
    case DER_T61_STRING:
        return text_is_ascii(value->value);
    default:
        return false;
    }
}

/* Appends a character as UTF-8. */
static bool put_character(uint8_t buffer[TLS_DN_CHARACTERS], size_t *n, uint32_t c)
{
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t bytes = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (c > 0x10ffff || *n + bytes > TLS_DN_CHARACTERS)
        return false;
    for (size_t i = bytes - 1; i > 0; i--, c >>= 6)
        buffer[*n + i] = (uint8_t)(0x80 | (c & 0x3f));
    buffer[*n] = bytes == 1 ? (uint8_t)c : (uint8_t)(leads[bytes] | c);
    *n += bytes;
    return true;
}

/* width: bytes of a character, the highest first. */
static bool convert(struct span from, size_t width, uint8_t buffer[TLS_DN_CHARACTERS], struct span *out)
{
    size_t n = 0;
    for (; from.len > 0; from = span_skip(from, width)) {
        uint32_t c = 0;
        if (from.len < width)
            return false;
        for (size_t i = 0; i < width; i++)
            c = c << 8 | from.ptr[i];
        if (!put_character(buffer, &n, c))
            return false;
    }
    *out = span_of(buffer, n);
    return true;
}

bool tls_dn_characters(const struct tls_der *value, uint8_t buffer[TLS_DN_CHARACTERS], struct span *out)
{
    *out = value->value;
    switch (value->tag) {
    case DER_UTF8_STRING:
    case DER_PRINTABLE_STRING:
    case DER_IA5_STRING:
    case DER_NUMERIC_STRING:
    case DER_VISIBLE_STRING:
        return true;
    case DER_T61_STRING:
        return text_is_ascii(value->value) || convert(value->value, 1, buffer, out);
    case DER_BMP_STRING:
        return convert(value->value, 2, buffer, out);
    case DER_UNIVERSAL_STRING:
        return convert(value->value, 4, buffer, out);
    default:
        return false;
    }
}

/* Control characters, also those beyond ASCII, U+0080 to U+009F, which are two bytes. */
static bool is_control(struct span text, size_t i)
{
    uint8_t c = text.ptr[i];
    bool high = c >= 0x80 && c < 0xa0 && i > 0 && text.ptr[i - 1] == 0xc2;
    bool before_high = c == 0xc2 && i + 1 < text.len && text.ptr[i + 1] >= 0x80 && text.ptr[i + 1] < 0xa0;
    return c < 0x20 || c == 0x7f || high || before_high;
}

bool tls_dn_has_controls(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (is_control(text, i))
            return true;
    return false;
}

/* RFC 4514 section 2.4. Control characters go as their hex, so that a log line or a terminal never meets one. */
static void put_escaped(struct writer *w, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.ptr[i], piece[4] = {'\\', c};
        bool at_edge = i == 0 || i + 1 == text.len;
        bool marked = (c != '\0' && strchr(",+\"\\<>;", c) != NULL) || (c == ' ' && at_edge) || (c == '#' && i == 0);
        if (is_control(text, i)) {
            snprintf(piece, sizeof(piece), "\\%02X", text.ptr[i]);
            put(w, piece, 3);
        } else {
            put(w, marked ? piece : &c, marked ? 2 : 1);
        }
    }
}

int tls_dn_next_attribute(struct span *set, struct tls_dn_attribute *out)
{
    struct tls_der pair, oid;
    if (tls_der_expect(set, DER_SEQUENCE, &pair) != 0 || tls_der_expect(&pair.value, DER_OID, &oid) != 0 || tls_der_next(&pair.value, &out->value) != 0)
        return -1;
    out->oid = oid.value;
    return pair.value.len == 0 ? 0 : -1;
}

/* A dotted type always has the hex form (RFC 4514 section 2.4): its syntax is not known. */
static int put_attribute(struct writer *w, struct span *set)
{
    struct tls_dn_attribute a;
    char dotted[TLS_DN_OID_BYTES];
    if (tls_dn_next_attribute(set, &a) != 0 || tls_dn_oid_text(a.oid, dotted) != 0)
        return -1;
    const char *word = word_of(dotted), *type = word != NULL ? word : dotted;
    put(w, type, strlen(type));
    put(w, "=", 1);
    if (word != NULL && tls_dn_is_text(&a.value)) {
        put_escaped(w, a.value.value);
        return 0;
    }
    put(w, "#", 1);
    put_hex(w, a.value.whole);
    return 0;
}

static int put_rdn(struct writer *w, struct span set)
{
    if (set.len == 0)
        return -1;
    while (set.len > 0) {
        if (put_attribute(w, &set) != 0)
            return -1;
        if (set.len > 0)
            put(w, "+", 1);
    }
    return 0;
}

static int split(struct span name, struct span rdns[MAX_RDNS], size_t *n)
{
    struct tls_der whole, set;
    if (tls_der_expect(&name, DER_SEQUENCE, &whole) != 0 || name.len != 0)
        return -1;
    for (*n = 0; whole.value.len > 0; rdns[(*n)++] = set.value)
        if (*n == MAX_RDNS || tls_der_expect(&whole.value, DER_SET, &set) != 0)
            return -1;
    return 0;
}

size_t tls_dn_text(struct span name, char *out, size_t out_size)
{
    struct span rdns[MAX_RDNS];
    struct writer w = {.out = out, .size = out_size};
    size_t n = 0;
    bool well_formed = split(name, rdns, &n) == 0;
    for (; n > 0 && well_formed; n--) {
        well_formed = put_rdn(&w, rdns[n - 1]) == 0;
        if (n > 1)
            put(&w, ",", 1);
    }
    if (out_size > 0)
        out[well_formed ? w.put : 0] = '\0';
    return well_formed ? w.length : 0;
}
