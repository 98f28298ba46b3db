/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/proxy_protocol.h"
#include "proxy_protocol_wire.h"
#include "t.h"

#include <string.h>

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\x0a\x00\x00\x01\xc0\x00\x02\x02\x30\x39\x01\xbb" /* 10.0.0.1:12345 to 192.0.2.2:443 */
#define V6 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x30\x39\x01\xbb"
#define BYTES(s) (s), sizeof(s) - 1

struct row {
    const char *bytes;
    size_t n;
    const char *source; /* "unknown": the connection speaks for itself */
    unsigned port;
    const char *why;
};

static const struct row good[] = {
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 12345 443\r\n"), "10.0.0.1", 12345, "a usual line"},
    {BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255", 65535, "the longest for IPv4"},
    {BYTES("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), "0.0.0.0", 0, "all zero"},
    {BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 12345 443\r\n"), "2001:db8::1", 12345, "IPv6"},
    {BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, "the longest for IPv6"},
    {BYTES("PROXY TCP6 ::ffff:10.0.0.1 ::ffff:192.0.2.2 12345 443\r\n"), "10.0.0.1", 12345, "IPv4 inside IPv6 is shown as what it is"},
    {BYTES("PROXY UNKNOWN\r\n"), "unknown", 0, "nothing is told"},
    {BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"), "unknown", 0,
     "the longest line of all, 107 bytes"},
    {BYTES("PROXY UNKNOWN whatever\r\n"), "unknown", 0, "what follows UNKNOWN is ignored"},
    {BYTES(SIG "\x21\x11\0\x0c" V4), "10.0.0.1", 12345, "v2, IPv4"},
    {BYTES(SIG "\x21\x21\0\x24" V6), "2001:db8::1", 12345, "v2, IPv6"},
    {BYTES(SIG "\x20\0\0\0"), "unknown", 0, "LOCAL"},
    {BYTES(SIG "\x20\x11\0\x0c" V4), "unknown", 0, "LOCAL with addresses, which are ignored"},
    {BYTES(SIG "\x20\xff\0\x02xx"), "unknown", 0, "LOCAL with a family and content that mean nothing"},
    {BYTES(SIG "\x21\0\0\0"), "unknown", 0, "an unspecified family"},
    {BYTES(SIG "\x21\x11\0\x10" V4 "\x04\0\x01x"), "10.0.0.1", 12345, "a TLV of padding"},
    {BYTES(SIG "\x21\x11\0\x0f" V4 "\xe0\0\0"), "10.0.0.1", 12345, "an empty TLV of somebody's own"},
    {BYTES(SIG "\x21\x11\0\x13" V4 "\x03\0\x04\x68\x29\xc7\x0e"), "10.0.0.1", 12345, "a checksum that holds"},
};

static const struct row wrong[] = {
    {BYTES("G"), NULL, 0, "HTTP, at its first byte"},
    {BYTES("POST / HTTP/1.1\r\n"), NULL, 0, "HTTP that begins with the same letter"},
    {BYTES("PROXI"), NULL, 0, "nearly"},
    {BYTES("proxy TCP4 10.0.0.1 192.0.2.2 12345 443\r\n"), NULL, 0, "lower case"},
    {BYTES("PROXY\tTCP4 10.0.0.1 192.0.2.2 12345 443\r\n"), NULL, 0, "a tab"},
    {BYTES(" PROXY UNKNOWN\r\n"), NULL, 0, "a space in front"},
    {BYTES("\x16\x03\x01"), NULL, 0, "TLS"},
    {BYTES("\0"), NULL, 0, "a NUL"},
    {BYTES("PROXY  TCP4 10.0.0.1 192.0.2.2 12345 443\r\n"), NULL, 0, "two spaces after PROXY"},
    {BYTES("PROXY TCP4  10.0.0.1 192.0.2.2 12345 443\r\n"), NULL, 0, "two spaces"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 12345  443\r\n"), NULL, 0, "two spaces before the last word"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 12345 443 \r\n"), NULL, 0, "a space at the end"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 12345 443\n"), NULL, 0, "LF alone"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 12345 443\r\r\n"), NULL, 0, "two CRs"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 12345 443\rx"), NULL, 0, "CR alone"},
    {BYTES("PROXY TCP4\r\n"), NULL, 0, "no addresses"},
    {BYTES("PROXY TCP4 10.0.0.1\r\n"), NULL, 0, "one address"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2\r\n"), NULL, 0, "no ports"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 12345\r\n"), NULL, 0, "one port"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 12345 443 1\r\n"), NULL, 0, "one word too many"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 65536 443\r\n"), NULL, 0, "a port beyond 65535"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 12345 99999\r\n"), NULL, 0, "the other port beyond 65535"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 123456 443\r\n"), NULL, 0, "a port of six digits"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 -1 443\r\n"), NULL, 0, "a negative port"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 +80 443\r\n"), NULL, 0, "a port with a sign"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 0080 443\r\n"), NULL, 0, "a port with zeroes in front"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 0x50 443\r\n"), NULL, 0, "a port in hex"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 80a 443\r\n"), NULL, 0, "a port with a letter"},
    {BYTES("PROXY TCP4 10.0.0.256 192.0.2.2 1 2\r\n"), NULL, 0, "an address beyond 255"},
    {BYTES("PROXY TCP4 10.0.1 192.0.2.2 1 2\r\n"), NULL, 0, "an address of three parts"},
    {BYTES("PROXY TCP4 010.0.0.1 192.0.2.2 1 2\r\n"), NULL, 0, "an address with a zero in front"},
    {BYTES("PROXY TCP4 0x0a.0.0.1 192.0.2.2 1 2\r\n"), NULL, 0, "an address in hex"},
    {BYTES("PROXY TCP4 167772161 192.0.2.2 1 2\r\n"), NULL, 0, "an address as one number"},
    {BYTES("PROXY TCP4 localhost 192.0.2.2 1 2\r\n"), NULL, 0, "a name"},
    {BYTES("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"), NULL, 0, "IPv6 addresses as TCP4"},
    {BYTES("PROXY TCP6 10.0.0.1 192.0.2.2 1 2\r\n"), NULL, 0, "IPv4 addresses as TCP6"},
    {BYTES("PROXY TCP6 2001:db8::1 192.0.2.2 1 2\r\n"), NULL, 0, "one of each"},
    {BYTES("PROXY TCP6 [2001:db8::1] [2001:db8::2] 1 2\r\n"), NULL, 0, "brackets"},
    {BYTES("PROXY TCP6 fe80::1%eth0 2001:db8::2 1 2\r\n"), NULL, 0, "a zone"},
    {BYTES("PROXY TCP6 2001:db8::1::2 2001:db8::2 1 2\r\n"), NULL, 0, "two runs of zeroes"},
    {BYTES("PROXY UDP4 10.0.0.1 192.0.2.2 1 2\r\n"), NULL, 0, "UDP"},
    {BYTES("PROXY TCP 10.0.0.1 192.0.2.2 1 2\r\n"), NULL, 0, "a family without a number"},
    {BYTES("PROXY TCP44 10.0.0.1 192.0.2.2 1 2\r\n"), NULL, 0, "a family that does not exist"},
    {BYTES("PROXY UNKNOWNX\r\n"), NULL, 0, "a word that begins with UNKNOWN"},
    {BYTES("PROXY unknown\r\n"), NULL, 0, "unknown in lower case"},
    {BYTES("PROXY \r\n"), NULL, 0, "nothing"},
    {BYTES("PROXY TCP4 10.0.0.1\0 192.0.2.2 1 2\r\n"), NULL, 0, "a NUL inside an address"},
    {BYTES("PROXY TCP4 10.0.0.1 192.0.2.2 80\0 443\r\n"), NULL, 0, "a NUL inside a port"},
    {BYTES("PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"), NULL, 0,
     "a line of 108 bytes"},
    {BYTES("PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), NULL, 0,
     "a line without an end"},
    {BYTES("\r\n\r\n\0\r\nQUIT\r"), NULL, 0, "the start of v2, but for its last byte"},
    {BYTES("\r\n\r\nGET / HTTP/1.1\r\n"), NULL, 0, "HTTP after empty lines"},
    {BYTES(SIG "\x11"), NULL, 0, "version 1 in the form of 2"},
    {BYTES(SIG "\x31"), NULL, 0, "version 3"},
    {BYTES(SIG "\x22"), NULL, 0, "a command that does not exist"},
    {BYTES(SIG "\x2f"), NULL, 0, "another one"},
    {BYTES(SIG "\x21\x12\0\x0c" V4), NULL, 0, "UDP over IPv4"},
    {BYTES(SIG "\x21\x22\0\x24" V6), NULL, 0, "UDP over IPv6"},
    {BYTES(SIG "\x21\x10\0\x0c" V4), NULL, 0, "IPv4 without a transport"},
    {BYTES(SIG "\x21\x41\0\x0c" V4), NULL, 0, "a family that does not exist"},
    {BYTES(SIG "\x21\x11\0\x0b" "12345678901"), NULL, 0, "too short for IPv4"},
    {BYTES(SIG "\x21\x11\0\0"), NULL, 0, "IPv4 without addresses"},
    {BYTES(SIG "\x21\x21\0\x23" "12345678901234567890123456789012345"), NULL, 0, "too short for IPv6"},
    {BYTES(SIG "\x21\x21\0\x0c" V4), NULL, 0, "IPv4 addresses as IPv6"},
    {BYTES(SIG "\x21\x31\0\x0c" V4), NULL, 0, "too short for unix"},
    {BYTES(SIG "\x21\x11\x0f\xf1"), NULL, 0, "more than 4 KiB, known from its length"},
    {BYTES(SIG "\x20\x00\xff\xff"), NULL, 0, "64 KiB, LOCAL"},
    {BYTES(SIG "\x21\x11\0\x0d" V4 "\x01"), NULL, 0, "a TLV of one byte"},
    {BYTES(SIG "\x21\x11\0\x0e" V4 "\x01\0"), NULL, 0, "a TLV of two bytes"},
    {BYTES(SIG "\x21\x11\0\x10" V4 "\x01\0\x02h"), NULL, 0, "a TLV longer than the header"},
    {BYTES(SIG "\x21\x11\0\x10" V4 "\x01\xff\xffh"), NULL, 0, "a TLV of 64 KiB"},
    {BYTES(SIG "\x21\0\0\x02xx"), NULL, 0, "bytes that are no TLV"},
    {BYTES(SIG "\x21\x11\0\x13" V4 "\x03\0\x04\0\0\0\0"), NULL, 0, "a checksum that does not hold"},
    {BYTES(SIG "\x21\x11\0\x12" V4 "\x03\0\x03\0\0\0"), NULL, 0, "a checksum of three bytes"},
    {BYTES(SIG "\x21\x11\0\x0f" V4 "\x03\0\0"), NULL, 0, "an empty checksum"},
};
enum { N_GOOD = sizeof(good) / sizeof(good[0]), N_WRONG = sizeof(wrong) / sizeof(wrong[0]) };

/* From the heap, so that a byte too many is seen. */
static enum proxy_protocol_found read_exactly(const char *bytes, size_t n, struct proxy_protocol_peer *peer, size_t *eaten, const char **why)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, n);
    enum proxy_protocol_found found = proxy_protocol_read(span_of(copy, n), peer, eaten, why);
    free(copy);
    return found;
}

START_TEST(reads_a_header_whatever_the_cut)
{
    const struct row *row = &good[_i];
    struct proxy_protocol_peer peer;
    size_t eaten;
    const char *why;
    for (size_t n = 0; n < row->n; n++) {
        ck_assert_msg(read_exactly(row->bytes, n, &peer, &eaten, &why) == PROXY_PROTOCOL_MORE, "%s: cut at %zu", row->why, n);
        ck_assert(!peer.known && eaten == 0);
    }
    ck_assert_msg(read_exactly(row->bytes, row->n, &peer, &eaten, &why) == PROXY_PROTOCOL_WHOLE, "%s: %s", row->why, why);
    ck_assert_uint_eq(eaten, row->n);
    char text[64];
    proxy_protocol_source_text(&peer, text, sizeof(text));
    ck_assert_str_eq(text, row->source);
    ck_assert_uint_eq(peer.source_port, row->port);
    ck_assert_uint_eq(peer.destination_port, peer.known && row->port == 12345 ? 443 : row->port);
}
END_TEST

START_TEST(eats_nothing_of_what_follows)
{
    const struct row *row = &good[_i];
    static const char *const next[] = {"GET / HTTP/1.1\r\n\r\n", "\r\n", "\x16\x03\x01", "PROXY UNKNOWN\r\n"};
    for (size_t i = 0; i < sizeof(next) / sizeof(next[0]); i++) {
        struct bytes both = {.max = 4096};
        struct proxy_protocol_peer peer;
        size_t eaten;
        const char *why;
        ck_assert(bytes_append(&both, row->bytes, row->n) == 0 && bytes_append_str(&both, next[i]) == 0);
        ck_assert_int_eq(proxy_protocol_read(bytes_span(&both), &peer, &eaten, &why), PROXY_PROTOCOL_WHOLE);
        ck_assert_uint_eq(eaten, row->n);
        bytes_clear(&both);
    }
}
END_TEST

START_TEST(refuses_what_is_no_header_at_some_byte_and_from_there_on)
{
    const struct row *row = &wrong[_i];
    struct proxy_protocol_peer peer;
    size_t eaten;
    bool refused = false;
    for (size_t n = 0; n <= row->n; n++) {
        const char *why = NULL;
        enum proxy_protocol_found found = read_exactly(row->bytes, n, &peer, &eaten, &why);
        ck_assert_msg(found != PROXY_PROTOCOL_WHOLE, "%s: taken for a header", row->why);
        ck_assert_msg(found == PROXY_PROTOCOL_BAD || !refused, "%s: refused, then not", row->why);
        refused = found == PROXY_PROTOCOL_BAD;
        ck_assert(!refused || (why != NULL && why[0] != '\0'));
        ck_assert(!peer.known && eaten == 0);
    }
    ck_assert_msg(refused, "%s: not refused", row->why);
}
END_TEST

START_TEST(a_unix_sender_speaks_for_itself)
{
    uint8_t header[16 + 216] = SIG "\x21\x31\0\xd8";
    struct proxy_protocol_peer peer;
    size_t eaten;
    const char *why;
    ck_assert_int_eq(proxy_protocol_read(span_of(header, sizeof(header)), &peer, &eaten, &why), PROXY_PROTOCOL_WHOLE);
    ck_assert(!peer.known);
    ck_assert_uint_eq(eaten, sizeof(header));
}
END_TEST

START_TEST(the_longest_header_is_4_kib)
{
    uint8_t header[4096] = SIG "\x21\x11\x0f\xf0" V4 "\x04\x0f\xe1";
    struct proxy_protocol_peer peer;
    size_t eaten;
    const char *why;
    ck_assert_int_eq(proxy_protocol_read(span_of(header, sizeof(header)), &peer, &eaten, &why), PROXY_PROTOCOL_WHOLE);
    ck_assert_uint_eq(eaten, sizeof(header));
}
END_TEST

/* The sum covers every byte: whichever is changed, it no longer holds (or the header is no header). */
START_TEST(a_checksum_covers_the_whole_header)
{
    static const char header[] = SIG "\x21\x11\0\x13" V4 "\x03\0\x04\x68\x29\xc7\x0e";
    struct proxy_protocol_peer peer;
    size_t eaten;
    const char *why;
    for (size_t i = 0; i < sizeof(header) - 1; i++) {
        char changed[sizeof(header)];
        if (i == 28)
            continue; /* the type of the TLV itself: then there is no sum */
        memcpy(changed, header, sizeof(header));
        changed[i] = (char)(changed[i] ^ 0x40);
        bool whole = read_exactly(changed, sizeof(header) - 1, &peer, &eaten, &why) == PROXY_PROTOCOL_WHOLE;
        ck_assert_msg(!whole, "byte %zu", i);
    }
}
END_TEST

START_TEST(two_checksums_are_refused)
{
    uint8_t header[] = SIG "\x21\x11\0\x1a" V4 "\x03\0\x04\0\0\0\0" "\x03\0\x04\0\0\0\0";
    struct proxy_protocol_peer peer;
    size_t eaten;
    const char *why;
    ck_assert_int_eq(proxy_protocol_read(span_of(header, sizeof(header) - 1), &peer, &eaten, &why), PROXY_PROTOCOL_BAD);
}
END_TEST

START_TEST(knows_the_sum_of_the_usual_test)
{
    ck_assert_uint_eq(proxy_protocol_crc32c(0, (const uint8_t *)"123456789", 9), 0xe3069283U); /* RFC 3720's polynomial, the usual check value */
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("proxy_protocol");
    TCase *c = tcase_create("read");
    tcase_add_loop_test(c, reads_a_header_whatever_the_cut, 0, N_GOOD);
    tcase_add_loop_test(c, eats_nothing_of_what_follows, 0, N_GOOD);
    tcase_add_loop_test(c, refuses_what_is_no_header_at_some_byte_and_from_there_on, 0, N_WRONG);
    tcase_add_test(c, a_unix_sender_speaks_for_itself);
    tcase_add_test(c, the_longest_header_is_4_kib);
    tcase_add_test(c, a_checksum_covers_the_whole_header);
    tcase_add_test(c, two_checksums_are_refused);
    tcase_add_test(c, knows_the_sum_of_the_usual_test);
    suite_add_tcase(s, c);
    return s;
}
