/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "tls_dn.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 4096 };

/* Wraps *at..end in a tag with a two-byte or shorter length; grows towards lower addresses. */
static void wrap(uint8_t tag, uint8_t **at, const uint8_t *end)
{
    size_t n = (size_t)(end - *at);
    if (n > 255) {
        *--*at = (uint8_t)(n & 0xff);
        *--*at = (uint8_t)(n >> 8);
        *--*at = 0x82;
    } else {
        *--*at = (uint8_t)n;
        if (n > 127)
            *--*at = 0x81;
    }
    *--*at = tag;
}

struct ava {
    const char *oid; /* DER content; NULL: CN */
    uint8_t tag;
    struct span value;
    bool joined; /* in one RDN with the one before */
};

static void prepend_attribute(const struct ava *a, uint8_t **at)
{
    const char *oid = a->oid != NULL ? a->oid : "\x55\x04\x03";
    const uint8_t *end = *at;
    *at -= a->value.len;
    if (a->value.len > 0)
        memcpy(*at, a->value.ptr, a->value.len);
    wrap(a->tag, at, end);
    const uint8_t *oid_end = *at;
    *at -= strlen(oid);
    memcpy(*at, oid, strlen(oid));
    wrap(0x06, at, oid_end);
    wrap(0x30, at, end);
}

static struct span name_of(const struct ava *avas, size_t n, uint8_t buffer[NAME_MAX_BYTES])
{
    uint8_t *at = buffer + NAME_MAX_BYTES;
    const uint8_t *set_end = at;
    for (size_t i = n; i-- > 0;) {
        prepend_attribute(&avas[i], &at);
        if (avas[i].joined)
            continue;
        wrap(0x31, &at, set_end);
        set_end = at;
    }
    wrap(0x30, &at, buffer + NAME_MAX_BYTES);
    return span_of(at, (size_t)(buffer + NAME_MAX_BYTES - at));
}

#define TEXT(s) {(const uint8_t *)(s), sizeof(s) - 1}

enum { UTF8 = 0x0c, PRINTABLE = 0x13, T61 = 0x14, IA5 = 0x16, UNIVERSAL = 0x1c, BMP = 0x1e, NUMERIC = 0x12 };

/* One attribute each. Those of one text are one name to RFC 5280 section 7.1; all other texts differ, which is_injective checks. */
static const struct {
    const char *why;
    struct ava ava;
    const char *text;
} rows[] = {
    {"the usual", {NULL, UTF8, TEXT("alice"), false}, "CN=alice"},
    {"the same characters in PrintableString", {NULL, PRINTABLE, TEXT("alice"), false}, "CN=alice"},
    {"in IA5String", {NULL, IA5, TEXT("alice"), false}, "CN=alice"},
    {"in T61String, as old tools wrote a name with an underscore", {NULL, T61, TEXT("alice"), false}, "CN=alice"},
    {"BMPString twin", {NULL, BMP, TEXT("\0a\0l\0i\0c\0e"), false}, "CN=#1e0a0061006c006900630065"},
    {"UniversalString twin", {NULL, UNIVERSAL, TEXT("\0\0\0a"), false}, "CN=#1c0400000061"},
    {"NumericString", {NULL, NUMERIC, TEXT("1"), false}, "CN=#120131"},
    {"T61String beyond ASCII", {NULL, T61, TEXT("\xe9"), false}, "CN=#1401e9"},
    {"UTF8String that spells its hex", {NULL, UTF8, TEXT("#1401e9"), false}, "CN=\\#1401e9"},
    {"UTF8String that spells what the library made of it", {NULL, UTF8, TEXT("#e9"), false}, "CN=\\#e9"},
    {"UTF8String of that letter", {NULL, UTF8, TEXT("\xc3\xa9"), false}, "CN=\xc3\xa9"},
    {"T61String with the bytes of that", {NULL, T61, TEXT("\xc3\xa9"), false}, "CN=#1402c3a9"},
    {"BMPString of that letter", {NULL, BMP, TEXT("\0\xe9"), false}, "CN=#1e0200e9"},
    {"UTF8String that is none", {NULL, UTF8, TEXT("\xe9"), false}, "CN=#0c01e9"},
    {"PrintableString with a byte that it cannot hold", {NULL, PRINTABLE, TEXT("\xe9"), false}, "CN=#1301e9"},
    {"# only at the front", {NULL, UTF8, TEXT("a#1"), false}, "CN=a#1"},
    {"every mark", {NULL, UTF8, TEXT("a,b+c\"d\\e<f>g;h=i"), false}, "CN=a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h=i"},
    {"spaces at the edges", {NULL, UTF8, TEXT("  a  "), false}, "CN=\\  a \\ "},
    {"a space", {NULL, UTF8, TEXT(" "), false}, "CN=\\ "},
    {"nothing", {NULL, UTF8, TEXT(""), false}, "CN="},
    {"NUL", {NULL, UTF8, TEXT("a\0b"), false}, "CN=a\\00b"},
    {"a line end", {NULL, UTF8, TEXT("a\nb"), false}, "CN=a\\0Ab"},
    {"the escape of a line end", {NULL, UTF8, TEXT("a\\0Ab"), false}, "CN=a\\\\0Ab"},
    {"DEL, and CSI beyond ASCII", {NULL, UTF8, TEXT("\x7f\xc2\x9b"), false}, "CN=\\7F\\C2\\9B"},
    {"another attribute in the value", {NULL, UTF8, TEXT("a,O=b"), false}, "CN=a\\,O=b"},
    {"no string", {NULL, 0x04, TEXT("a"), false}, "CN=#040161"},
    {"C as UTF8String", {"\x55\x04\x06", UTF8, TEXT("DE"), false}, "C=DE"},
    {"DC", {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", IA5, TEXT("com"), false}, "DC=com"},
    {"emailAddress", {"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", IA5, TEXT("a@b"), false}, "EMAIL=a@b"},
    {"a type without a word", {"\x2a\x03\x04", UTF8, TEXT("x"), false}, "1.2.3.4=#0c0178"},
    {"the same in another string type", {"\x2a\x03\x04", PRINTABLE, TEXT("x"), false}, "1.2.3.4=#130178"},
    {"a long arc", {"\x88\x37\x81\x80\x01", UTF8, TEXT("x"), false}, "2.999.16385=#0c0178"},
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

START_TEST(a17_writes_a_value_by_its_string_type)
{
    uint8_t buffer[NAME_MAX_BYTES];
    char text[256];
    size_t n = tls_dn_text(name_of(&rows[_i].ava, 1, buffer), text, sizeof(text));
    ck_assert_msg(strcmp(text, rows[_i].text) == 0, "%s: %s", rows[_i].why, text);
    ck_assert_uint_eq(n, strlen(text));
}
END_TEST

/* A17: two texts are equal only for the first four rows, which are one name. */
START_TEST(a17_two_names_never_have_one_text)
{
    for (size_t i = 0; i < N_ROWS; i++)
        for (size_t k = i + 1; k < N_ROWS; k++)
            ck_assert_msg(k < 4 || strcmp(rows[i].text, rows[k].text) != 0, "%s, %s", rows[i].why, rows[k].why);
}
END_TEST

START_TEST(a17_tells_several_attributes_apart)
{
    static const struct {
        const char *why;
        size_t n;
        struct ava avas[3];
        const char *text;
    } names[] = {
        {"two RDNs, the last first", 2, {{NULL, UTF8, TEXT("a"), false}, {"\x55\x04\x0b", UTF8, TEXT("b"), false}}, "OU=b,CN=a"},
        {"in the other order", 2, {{"\x55\x04\x0b", UTF8, TEXT("b"), false}, {NULL, UTF8, TEXT("a"), false}}, "CN=a,OU=b"},
        {"in one RDN", 2, {{NULL, UTF8, TEXT("a"), false}, {"\x55\x04\x0b", UTF8, TEXT("b"), true}}, "CN=a+OU=b"},
        {"as one value", 1, {{NULL, UTF8, TEXT("a+OU=b"), false}}, "CN=a\\+OU=b"},
        {"two CNs", 2, {{NULL, UTF8, TEXT("a"), false}, {NULL, UTF8, TEXT("b"), false}}, "CN=b,CN=a"},
        {"two of three in one RDN", 3,
         {{NULL, UTF8, TEXT("a"), false}, {NULL, UTF8, TEXT("b"), false}, {NULL, UTF8, TEXT("c"), true}}, "CN=b+CN=c,CN=a"},
    };
    uint8_t buffer[NAME_MAX_BYTES];
    char text[256];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ck_assert_uint_gt(tls_dn_text(name_of(names[i].avas, names[i].n, buffer), text, sizeof(text)), 0);
        ck_assert_msg(strcmp(text, names[i].text) == 0, "%s: %s", names[i].why, text);
    }
}
END_TEST

START_TEST(a16_reads_the_characters_of_every_string_type)
{
    static const struct {
        const char *why;
        struct tls_der value;
        const char *text; /* NULL: none */
    } values[] = {
        {"UTF8String", {UTF8, TEXT("\xc3\xa9"), {0}}, "\xc3\xa9"},
        {"T61String in ASCII", {T61, TEXT("a.b"), {0}}, "a.b"},
        {"T61String as most write it", {T61, TEXT("a\xe9"), {0}}, "a\xc3\xa9"},
        {"BMPString", {BMP, TEXT("\0a\0.\x20\xac"), {0}}, "a.\xe2\x82\xac"},
        {"half a BMPString", {BMP, TEXT("\0a\0"), {0}}, NULL},
        {"UniversalString", {UNIVERSAL, TEXT("\0\0\0a\0\1\xf6\0"), {0}}, "a\xf0\x9f\x98\x80"},
        {"UniversalString beyond the last character", {UNIVERSAL, TEXT("\0\x11\0\0"), {0}}, NULL},
        {"no string", {0x04, TEXT("a"), {0}}, NULL},
    };
    uint8_t buffer[TLS_DN_CHARACTERS];
    struct span text;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        bool is = tls_dn_characters(&values[i].value, buffer, &text);
        ck_assert_msg(is == (values[i].text != NULL) && (!is || span_equals_str(text, values[i].text)), "%s", values[i].why);
    }
    static uint8_t many[2 * TLS_DN_CHARACTERS + 2];
    struct tls_der fits = {BMP, {many, 2 * TLS_DN_CHARACTERS}, {0}}, too_long = {BMP, {many, sizeof(many)}, {0}};
    ck_assert(tls_dn_characters(&fits, buffer, &text) && text.len == TLS_DN_CHARACTERS);
    ck_assert(!tls_dn_characters(&too_long, buffer, &text));
}
END_TEST

START_TEST(gives_the_length_of_the_whole_text)
{
    uint8_t buffer[NAME_MAX_BYTES];
    struct ava ava = {NULL, UTF8, TEXT("a\nb,c"), false};
    struct span name = name_of(&ava, 1, buffer);
    for (size_t size = 0; size < 13; size++) {
        char *exact = malloc(size + 1); /* so that the sanitizer sees a write past the end */
        exact[0] = 'x';
        ck_assert_uint_eq(tls_dn_text(name, size > 0 ? exact : NULL, size), 11);
        if (size > 0)
            ck_assert_msg(strncmp("CN=a\\0Ab\\,c", exact, strlen(exact)) == 0 && strlen(exact) < size, "%s", exact);
        free(exact);
    }
    char text[7];
    ck_assert_uint_eq(tls_dn_text(name, text, sizeof(text)), 11);
    ck_assert_str_eq(text, "CN=a"); /* an escape is never cut in two */
}
END_TEST

START_TEST(a_name_that_is_not_well_formed_has_no_text)
{
    static const struct span bad[] = {
        TEXT(""),
        TEXT("\x30\x00"),
        TEXT("junk"),
        TEXT("\x30\x02\x31\x00"),
        TEXT("\x30\x0a\x31\x08\x30\x06\x06\x01\x80\x0c\x01x"),                     /* an arc cut off */
        TEXT("\x30\x0b\x31\x09\x30\x07\x06\x02\x80\x01\x0c\x01x"),                 /* longer than it needs to be */
        TEXT("\x30\x09\x31\x07\x30\x05\x06\x00\x0c\x01x"),                         /* no arc */
        TEXT("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01x\x00"),         /* more behind the name */
        TEXT("\x30\x14\x31\x12\x30\x10\x06\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x0c\x01x"), /* over 64 bits */
    };
    char text[64];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(text, 'x', sizeof(text));
        ck_assert_msg(tls_dn_text(bad[i], text, sizeof(text)) == 0 && text[0] == '\0', "%zu: %.60s", i, text);
    }
}
END_TEST

START_TEST(takes_64_rdns_and_no_more)
{
    uint8_t buffer[NAME_MAX_BYTES];
    struct ava many[65];
    for (size_t i = 0; i < 65; i++)
        many[i] = (struct ava){NULL, UTF8, TEXT("a"), false};
    ck_assert_uint_eq(tls_dn_text(name_of(many, 64, buffer), NULL, 0), 64 * 5 - 1);
    ck_assert_uint_eq(tls_dn_text(name_of(many, 65, buffer), NULL, 0), 0);
}
END_TEST

START_TEST(writes_an_object_identifier_as_dotted_numbers)
{
    static const struct {
        struct span oid;
        const char *text; /* NULL: it is none */
    } oids[] = {{{(const uint8_t *)"\x55\x1d\x20\x00", 4}, "2.5.29.32.0"}, {{(const uint8_t *)"\x2a\x03\x01", 3}, "1.2.3.1"},
                {{(const uint8_t *)"\x88\x37", 2}, "2.999"},             {{(const uint8_t *)"", 0}, NULL},
                {{(const uint8_t *)"\x2a\x83", 2}, NULL},                {{(const uint8_t *)"\x2a\x80\x01", 3}, NULL}};
    for (size_t i = 0; i < sizeof(oids) / sizeof(oids[0]); i++) {
        char text[TLS_DN_OID_BYTES] = "";
        int rc = tls_dn_oid_text(oids[i].oid, text);
        ck_assert_int_eq(rc, oids[i].text != NULL ? 0 : -1);
        if (oids[i].text != NULL)
            ck_assert_str_eq(text, oids[i].text);
    }
}
END_TEST

START_TEST(a5_finds_control_characters_of_one_byte_and_of_two)
{
    ck_assert(!tls_dn_has_controls(span_from_str("M\xc3\xbcller ~")) && !tls_dn_has_controls(span_of(NULL, 0)));
    ck_assert(tls_dn_has_controls(span_of("a\0b", 3)) && tls_dn_has_controls(span_from_str("a\x7f")) && tls_dn_has_controls(span_from_str("a\xc2\x85")));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_dn");
    TCase *c = tcase_create("dn");
    tcase_add_loop_test(c, a17_writes_a_value_by_its_string_type, 0, N_ROWS);
    tcase_add_test(c, a17_two_names_never_have_one_text);
    tcase_add_test(c, a17_tells_several_attributes_apart);
    tcase_add_test(c, a16_reads_the_characters_of_every_string_type);
    tcase_add_test(c, gives_the_length_of_the_whole_text);
    tcase_add_test(c, a_name_that_is_not_well_formed_has_no_text);
    tcase_add_test(c, takes_64_rdns_and_no_more);
    tcase_add_test(c, writes_an_object_identifier_as_dotted_numbers);
    tcase_add_test(c, a5_finds_control_characters_of_one_byte_and_of_two);
    suite_add_tcase(s, c);
    return s;
}
