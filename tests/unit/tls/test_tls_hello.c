/* SPDX-License-Identifier: Apache-2.0 */
/* The server name and the protocols of a ClientHello, however it is cut, and every form that two readers could understand differently (A8, A15). */
#include "mtlsd/tls/tls_hello.h"
#include "client_hellos.h"
#include "t.h"

#include <string.h>

enum { WIRE = 40000 };

/* A ClientHello with these extensions, in records of so many bytes. */
static size_t build(const char *extensions, size_t n, size_t record, uint8_t wire[WIRE])
{
    static uint8_t message[WIRE];
    static const char body[] = "\x03\x03" "0123456789abcdef0123456789abcdef" "\x04sess" "\0\x02\x13\x01" "\x01\0";
    size_t len = sizeof(body) - 1 + (n > 0 ? 2 + n : 0), at = 4, out = 0;
    ck_assert_uint_lt(len, WIRE - 4);
    memcpy(message, (uint8_t[]){1, (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len}, 4);
    memcpy(message + at, body, sizeof(body) - 1);
    at += sizeof(body) - 1;
    if (n > 0) {
        memcpy(message + at, (uint8_t[]){(uint8_t)(n >> 8), (uint8_t)n}, 2);
        memcpy(message + at + 2, extensions, n);
        at += 2 + n;
    }
    for (size_t from = 0; from < at; from += record) {
        size_t piece = at - from < record ? at - from : record;
        ck_assert_uint_le(out + 5 + piece, WIRE);
        memcpy(wire + out, (uint8_t[]){22, 3, 1, (uint8_t)(piece >> 8), (uint8_t)piece}, 5);
        memcpy(wire + out + 5, message + from, piece);
        out += 5 + piece;
    }
    return out;
}

static enum tls_hello_found feed(struct tls_hello *h, struct span wire, size_t step)
{
    enum tls_hello_found found = TLS_HELLO_MORE;
    tls_hello_init(h);
    while (wire.len > 0 && found == TLS_HELLO_MORE) {
        size_t n = step < wire.len ? step : wire.len;
        found = tls_hello_in(h, span_of(wire.ptr, n));
        wire = span_skip(wire, n);
    }
    return found;
}

#define EXT(text) (text), sizeof(text) - 1
#define SNI_A "\0\0\0\x0e\0\x0c\0\0\x09" "a.example"
#define ALPN_2 "\0\x10\0\x0e\0\x0c\x02h2\x08http/1.1"
#define OTHER "\0\x2b\0\x03\x02\x03\x04"

static const struct {
    const char *why, *extensions;
    size_t n;
    const char *name, *alpn; /* NULL: refused */
    const char *says;
} rows[] = {
    {"no extensions", EXT(""), "", "", ""},
    {"a name", EXT(SNI_A), "a.example", "", ""},
    {"protocols", EXT(ALPN_2), "", "h2, http/1.1", ""},
    {"both, among others", EXT(OTHER SNI_A OTHER ALPN_2 OTHER), "a.example", "h2, http/1.1", ""},
    {"a name with a dot at its end", EXT("\0\0\0\x07\0\x05\0\0\x02" "a."), "a.", "", ""},
    {"a protocol that cannot be printed", EXT("\0\x10\0\x05\0\x03\x02\x1b\xff"), "", "..", ""},
    {"the name twice", EXT(SNI_A SNI_A), NULL, NULL, "an extension twice"},
    {"the protocols twice", EXT(ALPN_2 ALPN_2), NULL, NULL, "an extension twice"},
    {"two names in one list", EXT("\0\0\0\x0a\0\x08\0\0\x01" "a\0\0\x01" "b"), NULL, NULL, "malformed server name"},
    {"another kind of name", EXT("\0\0\0\x06\0\x04\x01\0\x01" "a"), NULL, NULL, "malformed server name"},
    {"an empty name", EXT("\0\0\0\x05\0\x03\0\0\0"), NULL, NULL, "not a host name"},
    {"an empty list", EXT("\0\0\0\x02\0\0"), NULL, NULL, "malformed server name"},
    {"an empty extension, as servers answer", EXT("\0\0\0\0"), NULL, NULL, "malformed server name"},
    {"a name with a NUL", EXT("\0\0\0\x08\0\x06\0\0\x03" "a\0b"), NULL, NULL, "not a host name"},
    {"A15: an empty label", EXT("\0\0\0\x09\0\x07\0\0\x04" "a..b"), NULL, NULL, "not a host name"},
    {"bytes behind the list", EXT("\0\0\0\x07\0\x04\0\0\x01" "ax"), NULL, NULL, "malformed server name"},
    {"a name longer than its list", EXT("\0\0\0\x06\0\x04\0\0\x02" "a"), NULL, NULL, "malformed server name"},
    {"an empty protocol", EXT("\0\x10\0\x03\0\x01\0"), NULL, NULL, "malformed application protocols"},
    {"no protocol", EXT("\0\x10\0\x02\0\0"), NULL, NULL, "malformed application protocols"},
    {"a protocol longer than its list", EXT("\0\x10\0\x04\0\x02\x02h"), NULL, NULL, "malformed application protocols"},
    {"an extension longer than all of them", EXT("\0\x2b\0\x04\x02\x03\x04"), NULL, NULL, "malformed extensions"},
    {"half a head of an extension", EXT("\0\x2b\0"), NULL, NULL, "malformed extensions"},
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

START_TEST(reads_a_hello_in_any_records_and_pieces)
{
    static uint8_t wire[WIRE];
    static const size_t records[] = {1, 2, 3, 7, 50, 16384}, steps[] = {1, 2, 5, 6, 11, WIRE};
    for (size_t r = 0; r < sizeof(records) / sizeof(records[0]); r++)
        for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
            struct tls_hello h;
            size_t n = build(rows[_i].extensions, rows[_i].n, records[r], wire);
            enum tls_hello_found found = feed(&h, span_of(wire, n), steps[s]);
            if (rows[_i].name == NULL) {
                ck_assert_msg(found == TLS_HELLO_BAD && strstr(h.why, rows[_i].says) != NULL, "%s: %d %s", rows[_i].why, found, h.why);
            } else {
                ck_assert_msg(found == TLS_HELLO_WHOLE, "%s: %d %s", rows[_i].why, found, h.why);
                ck_assert_msg(strcmp(h.server_name, rows[_i].name) == 0 && strcmp(h.alpn, rows[_i].alpn) == 0, "%s: %s %s", rows[_i].why, h.server_name, h.alpn);
            }
            tls_hello_clear(&h);
        }
}
END_TEST

START_TEST(no_begin_of_a_hello_is_a_hello)
{
    static uint8_t wire[WIRE];
    size_t n = build(EXT(SNI_A ALPN_2), 20, wire);
    for (size_t cut = 0; cut < n; cut++) {
        struct tls_hello h;
        ck_assert_int_eq(feed(&h, span_of(wire, cut), WIRE), TLS_HELLO_MORE);
        tls_hello_clear(&h);
    }
}
END_TEST

static void expect_bad(const void *wire, size_t n, const char *says)
{
    for (size_t step = 1; step <= n; step++) {
        struct tls_hello h;
        ck_assert_msg(feed(&h, span_of(wire, n), step) == TLS_HELLO_BAD && strstr(h.why, says) != NULL, "%s: %s", says, h.why);
        tls_hello_clear(&h);
    }
}

START_TEST(what_is_no_hello_is_refused)
{
    expect_bad(EXT("GET / HTTP/1.1\r\n"), "does not speak TLS");
    expect_bad(EXT("\x80\x2e\x01\x03\x01"), "does not speak TLS"); /* SSL 2 */
    expect_bad(EXT("\x15\x03\x01\0\x02"), "does not speak TLS");
    expect_bad(EXT("\x16\x02\x01\0\x02"), "does not speak TLS");
    expect_bad(EXT("\x16\x03\x01\0\0"), "a length that none may have");
    expect_bad(EXT("\x16\x03\x01\x40\x01"), "a length that none may have");
    expect_bad(EXT("\x16\x03\x01\0\x04\x02"), "not a ClientHello");
    expect_bad(EXT("\x16\x03\x01\0\x04\x01\0\x40\x01"), "too long");
    expect_bad(EXT("\x16\x03\x01\0\x04\x01\0\0\0"), "malformed");
    expect_bad(EXT("\x16\x03\x01\0\x05\x01\0\0\0\x01"), "followed by another message");
}
END_TEST

/* ---- the body ---- */

START_TEST(a_body_with_a_wrong_length_is_refused)
{
    static const struct {
        size_t at;
        uint8_t value;
        const char *why;
    } edits[] = {
        {9, 2, "another version"}, {43, 33, "a session longer than 32"}, {49, 0xff, "suites longer than the message"}, {49, 3, "half a suite"}, {52, 0, "no compression"},
    };
    static uint8_t wire[WIRE];
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        struct tls_hello h;
        size_t n = build(EXT(SNI_A), 16384, wire);
        wire[edits[i].at] = edits[i].value;
        ck_assert_msg(feed(&h, span_of(wire, n), WIRE) == TLS_HELLO_BAD, "%s", edits[i].why);
        tls_hello_clear(&h);
    }
}
END_TEST

START_TEST(a_hello_has_an_end)
{
    static char extensions[TLS_HELLO_MAX];
    static uint8_t wire[WIRE];
    struct tls_hello h;
    size_t most = TLS_HELLO_MAX - (2 + 32 + 5 + 4 + 2 + 2); /* one extension as long as can be */
    memcpy(extensions, (uint8_t[]){0, 21, (uint8_t)((most - 4) >> 8), (uint8_t)(most - 4)}, 4);
    size_t n = build(extensions, most, 16384, wire);
    ck_assert_int_eq(feed(&h, span_of(wire, n), 4096), TLS_HELLO_WHOLE);
    tls_hello_clear(&h);
    n = build(extensions, 6000, 1, wire);
    ck_assert_int_eq(feed(&h, span_of(wire, n), 4096), TLS_HELLO_BAD);
    ck_assert_msg(strstr(h.why, "too many records") != NULL, "%s", h.why);
    tls_hello_clear(&h);
}
END_TEST

START_TEST(the_hellos_of_real_clients_are_read)
{
    uint8_t wire[4096];
    const char *hex = client_hellos[_i].hex;
    size_t n = strlen(hex) / 2;
    ck_assert_uint_le(n, sizeof(wire));
    for (size_t i = 0; i < n; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        wire[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    struct tls_hello h;
    ck_assert_msg(feed(&h, span_of(wire, n), 1) == TLS_HELLO_WHOLE, "%s, %s: %s", client_hellos[_i].program, client_hellos[_i].how, h.why);
    tls_hello_clear(&h);
}
END_TEST

START_TEST(a_refused_name_gets_a_fatal_alert)
{
    ck_assert(span_equals(tls_hello_refusal(), span_of("\x15\x03\x03\0\x02\x02\x70", 7)));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_hello");
    TCase *t = tcase_create("hello");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, reads_a_hello_in_any_records_and_pieces, 0, N_ROWS);
    tcase_add_test(t, no_begin_of_a_hello_is_a_hello);
    tcase_add_test(t, what_is_no_hello_is_refused);
    tcase_add_test(t, a_body_with_a_wrong_length_is_refused);
    tcase_add_test(t, a_hello_has_an_end);
    tcase_add_loop_test(t, the_hellos_of_real_clients_are_read, 0, sizeof(client_hellos) / sizeof(client_hellos[0]));
    tcase_add_test(t, a_refused_name_gets_a_fatal_alert);
    suite_add_tcase(s, t);
    return s;
}
