/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/proxy_protocol.h"
#include "t.h"

#include <string.h>

#define SIG "\r\n\r\n\0\r\nQUIT\n"

static const struct proxy_protocol_peer v4 = {
    .known = true, .source = {10, 0, 0, 1}, .destination = {192, 0, 2, 2}, .source_port = 12345, .destination_port = 443};
static const struct proxy_protocol_peer v6 = {.known = true,
                                              .v6 = true,
                                              .source = {0x20, 1, 0xd, 0xb8, [15] = 1},
                                              .destination = {0x20, 1, 0xd, 0xb8, [15] = 2},
                                              .source_port = 1,
                                              .destination_port = 65535};
static const struct proxy_protocol_peer nobody;

static struct bytes out;

static void begin(void)
{
    bytes_init(&out, 8192);
}

static void end(void)
{
    bytes_clear(&out);
}

static void expect(const char *bytes, size_t n)
{
    ck_assert_uint_eq(out.len, n);
    ck_assert(memcmp(bytes_span(&out).ptr, bytes, n) == 0);
}

/* The value of a TLV behind the addresses (or behind the five bytes of the TLS one), or an empty span. */
static struct span find_tlv(struct span in, uint8_t type)
{
    while (in.len >= 3) {
        size_t n = (size_t)in.ptr[1] << 8 | in.ptr[2];
        ck_assert_uint_le(n + 3, in.len);
        if (in.ptr[0] == type)
            return span_of(in.ptr + 3, n);
        in = span_skip(in, n + 3);
    }
    return span_of(NULL, 0);
}

static struct span tls_part(uint8_t type)
{
    struct span tls = find_tlv(span_skip(bytes_span(&out), 28), 0x20);
    return tls.len >= 5 ? find_tlv(span_skip(tls, 5), type) : tls;
}

START_TEST(writes_lines)
{
    ck_assert_int_eq(proxy_protocol_write(&out, CONFIG_PROXY_PROTOCOL_V1, &v4, NULL), 0);
    ck_assert_int_eq(proxy_protocol_write(&out, CONFIG_PROXY_PROTOCOL_V1, &v6, NULL), 0);
    ck_assert_int_eq(proxy_protocol_write(&out, CONFIG_PROXY_PROTOCOL_V1, &nobody, NULL), 0);
    ck_assert_int_eq(proxy_protocol_write(&out, CONFIG_PROXY_PROTOCOL_V1, NULL, NULL), 0);
    static const char lines[] = "PROXY TCP4 10.0.0.1 192.0.2.2 12345 443\r\nPROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"
                                "PROXY UNKNOWN\r\nPROXY UNKNOWN\r\n";
    expect(lines, sizeof(lines) - 1);
}
END_TEST

START_TEST(writes_blocks)
{
    static const char want[] = SIG "\x21\x11\0\x0c\x0a\0\0\x01\xc0\0\x02\x02\x30\x39\x01\xbb";
    ck_assert_int_eq(proxy_protocol_write(&out, CONFIG_PROXY_PROTOCOL_V2, &v4, NULL), 0);
    expect(want, sizeof(want) - 1);
}
END_TEST

START_TEST(writes_what_is_read_back)
{
    static const struct proxy_protocol_peer *const peers[] = {&v4, &v6, &nobody, NULL};
    const struct proxy_protocol_tls tls = {.version = "TLSv1.3", .certificate = true, .verified = true, .common_name = span_from_str("x")};
    for (int version = CONFIG_PROXY_PROTOCOL_V1; version <= CONFIG_PROXY_PROTOCOL_V2; version++) {
        for (size_t i = 0; i < 4; i++) {
            struct proxy_protocol_peer got;
            size_t eaten;
            const char *why;
            bytes_clear(&out);
            ck_assert_int_eq(proxy_protocol_write(&out, (enum config_proxy_protocol)version, peers[i], &tls), 0);
            ck_assert_int_eq(proxy_protocol_read(bytes_span(&out), &got, &eaten, &why), PROXY_PROTOCOL_WHOLE);
            ck_assert_uint_eq(eaten, out.len);
            ck_assert(memcmp(&got, peers[i] != NULL ? peers[i] : &nobody, sizeof(got)) == 0);
        }
    }
}
END_TEST

START_TEST(our_own_connection_is_local_and_tells_nothing)
{
    static const struct proxy_protocol_tls tls = {.version = "TLSv1.3"};
    ck_assert_int_eq(proxy_protocol_write(&out, CONFIG_PROXY_PROTOCOL_V2, NULL, &tls), 0);
    expect(SIG "\x20\0\0\0", 16);
}
END_TEST

START_TEST(tells_the_tls_of_the_client)
{
    const struct proxy_protocol_tls tls = {
        .version = "TLSv1.3",
        .cipher = "TLS_AES_128_GCM_SHA256",
        .common_name = span_from_str("J\xc3\xbcrgen"),
        .key_algorithm = "EC256",
        .signature_algorithm = "ecdsa-with-SHA256",
        .server_name = "api.example",
        .alpn = "http/1.1",
        .certificate = true,
        .verified = true,
    };
    ck_assert_int_eq(proxy_protocol_write(&out, CONFIG_PROXY_PROTOCOL_V2, &v4, &tls), 0);
    struct span tlvs = span_skip(bytes_span(&out), 28);
    ck_assert(span_equals_str(find_tlv(tlvs, 0x01), "http/1.1"));
    ck_assert(span_equals_str(find_tlv(tlvs, 0x02), "api.example"));
    ck_assert(memcmp(find_tlv(tlvs, 0x20).ptr, "\x07\0\0\0\0", 5) == 0);
    ck_assert(span_equals_str(tls_part(0x21), "TLSv1.3"));
    ck_assert(span_equals_str(tls_part(0x22), "J\xc3\xbcrgen"));
    ck_assert(span_equals_str(tls_part(0x23), "TLS_AES_128_GCM_SHA256"));
    ck_assert(span_equals_str(tls_part(0x24), "ecdsa-with-SHA256"));
    ck_assert(span_equals_str(tls_part(0x25), "EC256"));
}
END_TEST

/* verify is 0 only for a certificate that was presented and held (A2). */
START_TEST(only_a_certificate_that_held_is_told_as_verified)
{
    static const struct {
        bool certificate, verified, resumed;
        int error;
        const char *want;
    } rows[] = {
        {true, true, false, 0, "\x07\0\0\0\0"},
        {true, true, true, 0, "\x05\0\0\0\0"},
        {true, false, false, 0, "\x07\0\0\0\x01"},
        {true, false, false, 10, "\x07\0\0\0\x0a"},
        {true, false, true, 23, "\x05\0\0\0\x17"},
        {true, false, false, -1, "\x07\0\0\0\x01"},
        {false, true, false, 0, "\x01\0\0\0\x01"},
        {false, false, false, 0, "\x01\0\0\0\x01"},
        {false, false, false, 10, "\x01\0\0\0\x01"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct proxy_protocol_tls tls = {
            .common_name = span_from_str("x"), .certificate = rows[i].certificate, .verified = rows[i].verified, .resumed = rows[i].resumed, .error = rows[i].error};
        bytes_clear(&out);
        ck_assert_int_eq(proxy_protocol_write(&out, CONFIG_PROXY_PROTOCOL_V2, &v4, &tls), 0);
        struct span got = find_tlv(span_skip(bytes_span(&out), 28), 0x20);
        ck_assert_msg(memcmp(got.ptr, rows[i].want, 5) == 0, "row %zu", i);
        ck_assert_uint_eq(tls_part(0x22).len, rows[i].certificate ? 1 : 0);
    }
}
END_TEST

/* The two algorithms are those of our own certificate, which the client need not have one for. */
START_TEST(tells_our_algorithms_also_without_a_client_certificate)
{
    static const struct proxy_protocol_tls tls = {.version = "TLSv1.3", .key_algorithm = "RSA2048", .signature_algorithm = "RSA-SHA256"};
    ck_assert_int_eq(proxy_protocol_write(&out, CONFIG_PROXY_PROTOCOL_V2, &v4, &tls), 0);
    ck_assert(span_equals_str(tls_part(0x24), "RSA-SHA256"));
    ck_assert(span_equals_str(tls_part(0x25), "RSA2048"));
    ck_assert_uint_eq(tls_part(0x22).len, 0);
}
END_TEST

START_TEST(a_name_with_control_bytes_is_not_told) /* C2 */
{
    static const char *const names[] = {"a\r\nb", "a\nb", "\x1b[31m", "a\x7f", "\x01", "J\xfcrgen", "\xc2\x9b", ""};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct proxy_protocol_tls tls = {.version = "TLSv1.2", .common_name = span_from_str(names[i]), .server_name = names[i], .certificate = true};
        bytes_clear(&out);
        ck_assert_int_eq(proxy_protocol_write(&out, CONFIG_PROXY_PROTOCOL_V2, &v4, &tls), 0);
        ck_assert_uint_eq(tls_part(0x22).len, 0);
        ck_assert_uint_eq(find_tlv(span_skip(bytes_span(&out), 28), 0x02).len, 0);
        ck_assert(span_equals_str(tls_part(0x21), "TLSv1.2"));
    }
}
END_TEST

START_TEST(a_name_with_a_nul_is_not_told_to_its_half) /* C2 */
{
    struct proxy_protocol_tls tls = {.common_name = span_of("admin\0.evil", 11), .certificate = true};
    ck_assert_int_eq(proxy_protocol_write(&out, CONFIG_PROXY_PROTOCOL_V2, &v4, &tls), 0);
    ck_assert_uint_eq(tls_part(0x22).len, 0);
}
END_TEST

START_TEST(a_name_too_long_to_pass_is_not_told)
{
    static char name[600];
    memset(name, 'x', sizeof(name) - 1);
    struct proxy_protocol_tls tls = {.common_name = span_from_str(name), .certificate = true};
    ck_assert_int_eq(proxy_protocol_write(&out, CONFIG_PROXY_PROTOCOL_V2, &v4, &tls), 0);
    ck_assert_uint_eq(tls_part(0x22).len, 0);
}
END_TEST

START_TEST(writes_nothing_where_nothing_is_configured)
{
    ck_assert_int_eq(proxy_protocol_write(&out, CONFIG_PROXY_PROTOCOL_NONE, &v4, NULL), 0);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(a_full_queue_is_told)
{
    struct bytes small;
    bytes_init(&small, 20);
    ck_assert_int_eq(proxy_protocol_write(&small, CONFIG_PROXY_PROTOCOL_V1, &v4, NULL), -1);
    ck_assert_int_eq(proxy_protocol_write(&small, CONFIG_PROXY_PROTOCOL_V2, &v4, NULL), -1);
    bytes_clear(&small);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("proxy_protocol_write");
    TCase *c = tcase_create("write");
    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, writes_lines);
    tcase_add_test(c, writes_blocks);
    tcase_add_test(c, writes_what_is_read_back);
    tcase_add_test(c, our_own_connection_is_local_and_tells_nothing);
    tcase_add_test(c, tells_the_tls_of_the_client);
    tcase_add_test(c, only_a_certificate_that_held_is_told_as_verified);
    tcase_add_test(c, tells_our_algorithms_also_without_a_client_certificate);
    tcase_add_test(c, a_name_with_control_bytes_is_not_told);
    tcase_add_test(c, a_name_with_a_nul_is_not_told_to_its_half);
    tcase_add_test(c, a_name_too_long_to_pass_is_not_told);
    tcase_add_test(c, writes_nothing_where_nothing_is_configured);
    tcase_add_test(c, a_full_queue_is_told);
    suite_add_tcase(s, c);
    return s;
}
