/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/forward.h"
#include "t.h"

#include <arpa/inet.h>
#include <string.h>

static char routed[] = "api.example", below[] = "*.farm.example", open_host[] = "build.example", open_port[] = "git.example:22", both[] = "both.example";
static char name[] = "app";
static char *hosts[] = {routed, below, both};
static char *direct[] = {open_host, open_port, both};
static struct config_route routes[2];
static struct config_listener l;

static void begin(void)
{
    routes[0] = (struct config_route){.host = {hosts, 3}};
    routes[1] = (struct config_route){0}; /* any host: names none */
    l = (struct config_listener){.name = name, .routes = routes, .n_routes = 2};
    l.forward_proxy = (struct config_forward_proxy){.present = true, .direct = {direct, 3}};
}

static struct forward_verdict judge(enum forward_use use, const char *host, unsigned port)
{
    struct err err = {0};
    struct forward_verdict v = forward_judge(&l, use, span_from_str(host), port, &err);
    ck_assert_msg((v.way == FORWARD_REFUSED) == (err.text[0] != '\0'), "%s: a refusal has words, and only a refusal", host);
    return v;
}

enum { R = FORWARD_REFUSED, ROUTE = FORWARD_BY_ROUTE, D = FORWARD_DIRECT, PUBLIC = 16 };

static const struct {
    const char *host;
    unsigned port;
    int request[2], blind[2], tls[2]; /* unmatched refused, and direct */
    const char *why;
} rows[] = {
    {"api.example", 80, {ROUTE, ROUTE}, {D | PUBLIC, D | PUBLIC}, {R, R}, "the host of a route"},
    {"API.Example", 80, {ROUTE, ROUTE}, {D | PUBLIC, D | PUBLIC}, {R, R}, "in other letters"},
    {"api.example.", 80, {ROUTE, ROUTE}, {D | PUBLIC, D | PUBLIC}, {R, R}, "with a dot at its end"},
    {"a.farm.example", 80, {ROUTE, ROUTE}, {D | PUBLIC, D | PUBLIC}, {R, R}, "below a suffix of a route"},
    {"farm.example", 80, {R, D | PUBLIC}, {R, D | PUBLIC}, {R, D | PUBLIC}, "the suffix itself"},
    {"api.example.evil.example", 80, {R, D | PUBLIC}, {R, D | PUBLIC}, {R, D | PUBLIC}, "a name that begins like a route's"},
    {"evilapi.example", 80, {R, D | PUBLIC}, {R, D | PUBLIC}, {R, D | PUBLIC}, "a name that ends like a route's"},
    {"build.example", 80, {D, D}, {D, D}, {D, D}, "listed without port"},
    {"build.example", 8443, {D, D}, {D, D}, {D, D}, "listed without port, another one"},
    {"git.example", 22, {D, D}, {D, D}, {D, D}, "listed with this port"},
    {"git.example", 80, {R, D | PUBLIC}, {R, D | PUBLIC}, {R, D | PUBLIC}, "listed with another port"},
    {"both.example", 443, {ROUTE, ROUTE}, {D, D}, {D, D}, "a route's and listed"},
    {"elsewhere.example", 80, {R, D | PUBLIC}, {R, D | PUBLIC}, {R, D | PUBLIC}, "nobody's"},
    {"169.254.169.254", 80, {R, D | PUBLIC}, {R, D | PUBLIC}, {R, D | PUBLIC}, "metadata of a cloud"},
    {"127.0.0.1", 80, {R, D | PUBLIC}, {R, D | PUBLIC}, {R, D | PUBLIC}, "this host"},
    {"::1", 80, {R, D | PUBLIC}, {R, D | PUBLIC}, {R, D | PUBLIC}, "this host, IPv6"},
};

static int as_number(struct forward_verdict v)
{
    return (int)v.way | (v.public_only ? PUBLIC : 0);
}

START_TEST(goes_where_routes_and_lists_say) /* E3 */
{
    for (int open = 0; open < 2; open++) {
        l.forward_proxy.unmatched = open ? CONFIG_UNMATCHED_DIRECT : CONFIG_UNMATCHED_REFUSE;
        ck_assert_msg(as_number(judge(FORWARD_REQUEST, rows[_i].host, rows[_i].port)) == rows[_i].request[open], "%s", rows[_i].why);
        ck_assert_msg(as_number(judge(FORWARD_BLIND, rows[_i].host, rows[_i].port)) == rows[_i].blind[open], "%s", rows[_i].why);
        ck_assert_msg(as_number(judge(FORWARD_TLS, rows[_i].host, rows[_i].port)) == rows[_i].tls[open], "%s", rows[_i].why);
    }
}
END_TEST

START_TEST(no_forward_proxy_goes_nowhere)
{
    l.forward_proxy.present = false;
    l.forward_proxy.unmatched = CONFIG_UNMATCHED_DIRECT;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_int_eq(judge(FORWARD_REQUEST, rows[i].host, rows[i].port).way, FORWARD_REFUSED);
}
END_TEST

START_TEST(a_refusal_names_the_key_that_would_allow_it)
{
    struct err err = {0};
    forward_judge(&l, FORWARD_REQUEST, span_from_str("elsewhere.example"), 8080, &err);
    ck_assert_ptr_nonnull(strstr(err.text, "elsewhere.example:8080"));
    ck_assert_ptr_nonnull(strstr(err.text, "forward_proxy.direct"));
    ck_assert_ptr_nonnull(strstr(err.text, "\"app\""));
    err_clear(&err);
    forward_judge(&l, FORWARD_TLS, span_from_str("api.example"), 443, &err);
    ck_assert_ptr_nonnull(strstr(err.text, "http://"));
}
END_TEST

static const struct {
    const char *host, *why;
    bool good;
} hosts_to_dial[] = {
    {"api.example", "a name", true},
    {"api.example.", "a name with a dot at its end", true},
    {"xn--bcher-kva.example", "a name that was written in other letters", true},
    {"3com.example", "a name that begins with a digit", true},
    {"x1", "a name that ends in a digit", true},
    {"192.0.2.1", "IPv4", true},
    {"2001:db8::1", "IPv6", true},
    {"::ffff:127.0.0.1", "IPv4 inside IPv6, judged by what is inside where it is connected to", true},
    {"0x7f.1", "hex and two parts", false},
    {"0x7f000001", "one hex number", false},
    {"0x7f.0.0.0x1", "hex at its end", false},
    {"0X7F.0.0.1", "hex at its start", false},
    {"2130706433", "one number", false},
    {"127.1", "two parts", false},
    {"127.0.1", "three parts", false},
    {"0177.0.0.1", "octal", false},
    {"127.0.0.1.", "with a dot at its end", false},
    {"127.0.0.01", "a zero in front", false},
    {"1.2.3.4.5", "five parts", false},
    {"256.0.0.1", "beyond 255", false},
    {"example.0", "a name that ends in a number", false},
    {"fe80::1%25eth0", "a zone", false},
    {"fe80::1%eth0", "a zone, not encoded", false},
    {"::g", "no IPv6", false},
    {"", "nothing", false},
};

START_TEST(an_address_has_one_spelling) /* E3 */
{
    struct address a;
    struct err err = {0};
    int rc = forward_address(span_from_str(hosts_to_dial[_i].host), 80, &a, &err);
    ck_assert_msg((rc == 0) == hosts_to_dial[_i].good, "%s", hosts_to_dial[_i].why);
    ck_assert_msg(rc != 0 || strcmp(a.host, hosts_to_dial[_i].host) == 0, "%s", hosts_to_dial[_i].why);
    ck_assert(rc == 0 || err.text[0] != '\0');
}
END_TEST

START_TEST(what_cannot_be_connected_to_is_refused)
{
    struct address a;
    char much[300];
    memset(much, 'x', sizeof(much));
    ck_assert_int_eq(forward_address(span_of(much, 253), 80, &a, NULL), 0);
    ck_assert_int_eq(forward_address(span_of(much, 254), 80, &a, NULL), -1);
    ck_assert_int_eq(forward_address(span_from_str("x"), 0, &a, NULL), -1);
    ck_assert_int_eq(forward_address(span_from_str("x"), 65536, &a, NULL), -1);
    ck_assert_int_eq(forward_address(span_of("a\0b", 3), 80, &a, NULL), -1);
}
END_TEST

static const struct {
    const char *bind, *address, *why;
    unsigned port;
    bool own;
} sockets[] = {
    {"127.0.0.1:3128", "127.0.0.1", "the very address", 3128, true},
    {"127.0.0.1:3128", "127.0.0.1", "another port", 3129, false},
    {"127.0.0.1:3128", "127.0.0.2", "another address", 3128, false},
    {"127.0.0.1:3128", "::1", "another family", 3128, false},
    {"0.0.0.0:3128", "192.0.2.7", "every address of IPv4", 3128, true},
    {"0.0.0.0:3128", "::1", "every address of IPv4 is none of IPv6", 3128, false},
    {":3128", "192.0.2.7", "every address", 3128, true},
    {"[::]:3128", "2001:db8::7", "every address of IPv6", 3128, true},
    {"[::]:3128", "192.0.2.7", "which takes IPv4 too", 3128, true},
    {"[::1]:3128", "::1", "the very address of IPv6", 3128, true},
    {"[::1]:3128", "2001:db8::7", "another address of IPv6", 3128, false},
    {"localhost:3128", "127.0.0.1", "a name may be any address", 3128, true},
    {"unix:/run/x.sock", "127.0.0.1", "no address", 0, false},
};

START_TEST(knows_where_any_listener_takes_connections) /* E3 */
{
    struct address bind[2];
    struct config_listener listeners[2] = {{.n_bind = 0}, {.bind = &bind[1], .n_bind = 1}};
    struct config c = {.listeners = listeners, .n_listeners = 2};
    uint8_t bytes[16] = {0};
    bool v6 = inet_pton(AF_INET, sockets[_i].address, bytes) != 1;
    ck_assert(!v6 || inet_pton(AF_INET6, sockets[_i].address, bytes) == 1);
    ck_assert_int_eq(address_parse(sockets[_i].bind, &bind[1], NULL), 0);
    ck_assert_msg(forward_is_listened_at(&c, bytes, v6, sockets[_i].port) == sockets[_i].own, "%s: %s", sockets[_i].bind, sockets[_i].why);
}
END_TEST

START_TEST(knows_the_sockets_of_the_listener) /* E3 */
{
    struct address bind[2], to;
    ck_assert(address_parse("127.0.0.1:3128", &bind[0], NULL) == 0 && address_parse("unix:/run/x.sock", &bind[1], NULL) == 0);
    l.bind = bind;
    l.n_bind = 2;
    ck_assert_int_eq(forward_address(span_from_str("127.0.0.1"), 3128, &to, NULL), 0);
    ck_assert(forward_is_own(&l, &to));
    to.port = 3129;
    ck_assert(!forward_is_own(&l, &to));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("forward");
    TCase *c = tcase_create("forward");
    tcase_add_checked_fixture(c, begin, NULL);
    tcase_add_loop_test(c, goes_where_routes_and_lists_say, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(c, no_forward_proxy_goes_nowhere);
    tcase_add_test(c, a_refusal_names_the_key_that_would_allow_it);
    tcase_add_loop_test(c, an_address_has_one_spelling, 0, sizeof(hosts_to_dial) / sizeof(hosts_to_dial[0]));
    tcase_add_test(c, what_cannot_be_connected_to_is_refused);
    tcase_add_test(c, knows_the_sockets_of_the_listener);
    tcase_add_loop_test(c, knows_where_any_listener_takes_connections, 0, sizeof(sockets) / sizeof(sockets[0]));
    suite_add_tcase(s, c);
    return s;
}
