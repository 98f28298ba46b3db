/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_address.h"
#include "t.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static struct sockaddr_storage of(const char *text, uint16_t port)
{
    struct sockaddr_storage out = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
    } else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
    }
    return out;
}

START_TEST(tells_both_ends_of_a_connection)
{
    static const struct {
        const char *why, *peer, *local, *text;
        bool v6;
        uint8_t first, last, local_last;
    } rows[] = {
        {"IPv4", "192.0.2.7", "192.0.2.1", "192.0.2.7", false, 192, 7, 1},
        {"IPv6", "2001:db8::7", "2001:db8::1", "2001:db8::7", true, 0x20, 7, 1},
        {"IPv4 that came to a socket for both families", "::ffff:192.0.2.7", "::ffff:192.0.2.1", "192.0.2.7", false, 192, 7, 1},
        {"an IPv6 address that only looks like IPv4", "::192.0.2.7", "::1", "::192.0.2.7", true, 0, 7, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct client_address a;
        struct sockaddr_storage peer = of(rows[i].peer, 50000), local = of(rows[i].local, 8443);
        peer_address_fill(&a, &peer, &local);
        size_t n = rows[i].v6 ? 16 : 4;
        ck_assert_msg(a.known && a.v6 == rows[i].v6, "%s", rows[i].why);
        ck_assert_str_eq(a.text, rows[i].text);
        ck_assert_msg(a.peer[0] == rows[i].first && a.peer[n - 1] == rows[i].last && a.local[n - 1] == rows[i].local_last, "%s", rows[i].why);
        ck_assert_uint_eq(a.peer_port, 50000);
        ck_assert_uint_eq(a.local_port, 8443);
    }
}
END_TEST

START_TEST(claims_nothing_it_does_not_know)
{
    struct client_address a;
    peer_address_unknown(&a, true);
    ck_assert(!a.known);
    ck_assert_str_eq(a.text, "unknown");
    peer_address_unknown(&a, false);
    ck_assert(!a.known);
    ck_assert_str_eq(a.text, "unix");
    struct sockaddr_storage v4 = of("192.0.2.7", 1), v6 = of("2001:db8::1", 2), mapped = of("::ffff:192.0.2.7", 1), none = {0};
    const struct { const char *why; struct sockaddr_storage *peer, *local; } rows[] = {
        {"two families", &v4, &v6}, {"one of them mapped", &mapped, &v6}, {"no address", &none, &none}, {"no local address", &v4, &none},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        peer_address_fill(&a, rows[i].peer, rows[i].local);
        ck_assert_msg(!a.known && strcmp(a.text, "unknown") == 0, "%s", rows[i].why);
    }
}
END_TEST

START_TEST(writes_ipv4_as_the_library_does)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        struct sockaddr_storage peer = of("0.0.0.0", 1), local = of("192.0.2.1", 2);
        uint8_t ip[4] = {(uint8_t)byte, (uint8_t)(255 - byte), 0, (uint8_t)byte};
        char expected[INET_ADDRSTRLEN];
        struct client_address a;
        memcpy(&((struct sockaddr_in *)&peer)->sin_addr, ip, sizeof(ip));
        peer_address_fill(&a, &peer, &local);
        ck_assert_str_eq(a.text, inet_ntop(AF_INET, ip, expected, sizeof(expected)));
    }
}
END_TEST

START_TEST(knows_which_sockets_have_one_address)
{
    static const struct {
        const char *why, *bound;
        bool one;
    } rows[] = {
        {"loopback", "127.0.0.1", true},
        {"an interface", "192.0.2.1", true},
        {"loopback of IPv6", "::1", true},
        {"all interfaces", "0.0.0.0", false},
        {"all of both families", "::", false},
        {"IPv4 in IPv6 clothes, which a peer may not wear", "::ffff:127.0.0.1", false},
        {"no address at all", "none", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sockaddr_storage bound = of(rows[i].bound, 8080);
        ck_assert_msg(peer_address_is_one(&bound) == rows[i].one, "%s", rows[i].why);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("peer_address");
    TCase *t = tcase_create("peer_address");
    tcase_add_test(t, tells_both_ends_of_a_connection);
    tcase_add_test(t, claims_nothing_it_does_not_know);
    tcase_add_test(t, writes_ipv4_as_the_library_does);
    tcase_add_test(t, knows_which_sockets_have_one_address);
    suite_add_tcase(s, t);
    return s;
}
