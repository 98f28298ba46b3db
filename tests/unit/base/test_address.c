/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/address.h"
#include "t.h"

#include <string.h>

static const struct {
    const char *text;
    const char *host; /* or the path of a unix socket */
    unsigned port;
    bool literal, loopback;
    const char *why;
} good[] = {
    {"127.0.0.1:8080", "127.0.0.1", 8080, true, true, "the usual injector"},
    {"127.255.0.9:1", "127.255.0.9", 1, true, true, "all of 127/8 is loopback"},
    {"128.0.0.1:1", "128.0.0.1", 1, true, false, "just past 127/8"},
    {"[::1]:8080", "::1", 8080, true, true, "IPv6 loopback"},
    {"[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1", 80, true, true, "IPv4 loopback in IPv6 clothes"},
    {"[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1", 80, true, false, "and what is not"},
    {"[2001:db8::7]:443", "2001:db8::7", 443, true, false, "IPv6"},
    {"0.0.0.0:8443", "0.0.0.0", 8443, true, false, "every interface is not loopback"},
    {"[::]:8443", "::", 8443, true, false, "every interface, IPv6"},
    {":8443", "", 8443, false, false, "every interface, short"},
    {"localhost:80", "localhost", 80, false, true, "the name of loopback"},
    {"LocalHost:80", "LocalHost", 80, false, true, "in any case"},
    {"localhost.example:80", "localhost.example", 80, false, false, "a name that only begins like it"},
    {"api.partner.example:443", "api.partner.example", 443, false, false, "a name"},
    {"under_score-1.example:65535", "under_score-1.example", 65535, false, false,
     "highest port; docker names have underscores"},
    {"3com.example:1", "3com.example", 1, false, false, "a name may begin with a digit"},
    {"127.0.0.1:0", "127.0.0.1", 0, true, true, "any free port"},
    {"unix:/run/x.sock", "/run/x.sock", 0, false, true, "a unix socket is local"},
    {"unix:app.sock", "app.sock", 0, false, true, "relative; who reads it joins it"},
};

static const struct {
    const char *text;
    const char *says;
    const char *why;
} bad[] = {
    {"", "empty", "nothing"},
    {"localhost", "no port", "no port"},
    {"localhost:", "port", "an empty port"},
    {"localhost:http", "port", "service names are not looked up"},
    {"localhost:-1", "port", "a sign"},
    {"localhost:+1", "port", "a sign"},
    {"localhost: 80", "port", "a space"},
    {"localhost:80 ", "port", "a space behind"},
    {"localhost:65536", "port", "16 bits"},
    {"localhost:4294967376", "port", "80 + 2^32 must not become 80"},
    {"::1:8080", "brackets", "which colon is it?"},
    {"[::1]", "no port", "a bracket without a port"},
    {"[::1]8080", "no port", "no colon behind the bracket"},
    {"[::1", "[::1]:8080", "bracket not closed"},
    {"[127.0.0.1]:80", "[::1]:8080", "IPv4 in brackets"},
    {"[fe80::1%eth0]:80", "[::1]:8080", "no zones"},
    {"*:8443", "every interface", "how others write it"},
    {"8443", "is a port alone: write \"127.0.0.1:8443\", or to listen on every interface \":8443\"", "only a port"},
    {"https://api.example:443", "is a URL: write \"api.example:443\" alone", "a URL"},
    {"https://api.example/x", "write \"api.example:443\" alone", "a URL with a path"},
    {"http://[::1]", "write \"[::1]:80\" alone", "a URL of an address"},
    {"tcp://a", "is a URL: write \"host:port\" alone", "a scheme without a port of its own"},
    {"https://", "is a URL: write \"host:port\" alone", "a URL of nothing"},
    {"/run/x.sock", "unix:/run/x.sock", "a path without its word"},
    {"unix:", "path", "no path"},
    {"unix:@name", "abstract", "anybody may connect to an abstract socket"},
    {"systemd:", "needs the name of a socket", "no name"},
    {"systemd:a:b", "needs the name of a socket", "a colon separates names in LISTEN_FDNAMES"},
    {"systemd:a b", "needs the name of a socket", "no spaces"},
    {"127.1:80", "complete IPv4", "libc reads it as 127.0.0.1"},
    {"2130706433:80", "complete IPv4", "libc reads it as 127.0.0.1"},
    {"0x7f000001:80", "complete IPv4", "libc reads it as 127.0.0.1"},
    {"256.1.1.1:80", "complete IPv4", "not an address, must not be looked up as a name"},
    {"a b:80", "not a host name", "a space"},
    {"a\nb:80", "not a host name", "a line break"},
    {"a..b:80", "not a host name", "an empty label"},
    {"-a:80", "not a host name", "would read as an option"},
    {"user@host:80", "not a host name", "no user names"},
    {"m\xc3\xbcller.example:80", "not a host name", "write the xn-- form"},
};

START_TEST(takes_apart_what_people_write)
{
    struct err err;
    err_clear(&err);
    struct address a;
    ck_assert_msg(address_parse(good[_i].text, &a, &err) == 0, "%s (%s): %s", good[_i].text, good[_i].why,
                  err.text);
    ck_assert_str_eq(a.kind == ADDRESS_UNIX ? a.path : a.host, good[_i].host);
    ck_assert_uint_eq(a.port, good[_i].port);
    ck_assert_msg(address_is_literal(&a) == good[_i].literal, "%s: literal (%s)", good[_i].text,
                  good[_i].why);
    ck_assert_msg(address_is_loopback(&a) == good[_i].loopback, "%s: loopback (%s)", good[_i].text,
                  good[_i].why);
    char again[300];
    address_format(&a, again, sizeof(again));
    ck_assert_str_eq(again, good[_i].text);
}
END_TEST

START_TEST(refuses_with_words_that_help)
{
    struct err err;
    err_clear(&err);
    struct address a;
    ck_assert_msg(address_parse(bad[_i].text, &a, &err) == -1, "%s was taken (%s)", bad[_i].text,
                  bad[_i].why);
    ck_assert_int_eq(err.kind, ERR_CONFIG);
    ck_assert_msg(strstr(err.text, bad[_i].says) != NULL, "%s (%s): says \"%s\"", bad[_i].text, bad[_i].why,
                  err.text);
}
END_TEST

START_TEST(knows_one_place_in_several_spellings)
{
    static const struct {
        const char *a, *b;
        bool same;
        const char *why;
    } rows[] = {
        {"127.0.0.1:80", "127.0.0.1:80", true, "the same"},
        {"127.0.0.1:80", "127.0.0.1:81", false, "another port"},
        {"127.0.0.1:80", "127.0.0.2:80", false, "another host"},
        {"[::1]:80", "[0:0:0::1]:80", true, "one address, two spellings"},
        {"[::1]:80", "[::2]:80", false, "two addresses"},
        {"Host:80", "hOST:80", true, "names have no case"},
        {"127.0.0.1:0", "127.0.0.1:0", false, "port 0 is another one each time"},
        {"0.0.0.0:80", "[::]:80", false, "the two families go together"},
        {"unix:/a", "unix:/a", true, "one path"},
        {"unix:/a", "unix:/A", false, "two paths"},
        {"unix:/a", "a:80", false, "two kinds"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address a, b;
        ck_assert_int_eq(address_parse(rows[i].a, &a, NULL), 0);
        ck_assert_int_eq(address_parse(rows[i].b, &b, NULL), 0);
        ck_assert_msg(address_same(&a, &b) == rows[i].same && address_same(&b, &a) == rows[i].same, "%s",
                      rows[i].why);
    }
}
END_TEST

START_TEST(takes_the_longest_socket_path_and_refuses_one_more)
{
    char text[5 + 108 + 1] = "unix:/";
    struct address a;
    memset(text + 6, 'x', 106);
    text[5 + 107] = '\0';
    ck_assert_int_eq(address_parse(text, &a, NULL), 0);
    ck_assert_uint_eq(strlen(a.path), 107);
    text[5 + 107] = 'x';
    ck_assert_int_eq(address_parse(text, &a, NULL), -1);
}
END_TEST

START_TEST(refuses_a_host_longer_than_a_name_can_be)
{
    char text[400];
    memset(text, 'a', sizeof(text));
    memcpy(text + sizeof(text) - 4, ":80", 4);
    struct address a;
    ck_assert_int_eq(address_parse(text, &a, NULL), -1);
    text[0] = '[';
    text[sizeof(text) - 5] = ']';
    ck_assert_int_eq(address_parse(text, &a, NULL), -1);
}
END_TEST

START_TEST(formats_into_too_little_room_without_overflowing)
{
    struct address a;
    ck_assert_int_eq(address_parse("api.partner.example:443", &a, NULL), 0);
    char out[8];
    address_format(&a, out, sizeof(out));
    ck_assert_str_eq(out, "api.par");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("address");
    TCase *t = tcase_create("address");
    tcase_add_loop_test(t, takes_apart_what_people_write, 0, (int)(sizeof(good) / sizeof(good[0])));
    tcase_add_loop_test(t, refuses_with_words_that_help, 0, (int)(sizeof(bad) / sizeof(bad[0])));
    tcase_add_test(t, knows_one_place_in_several_spellings);
    tcase_add_test(t, takes_the_longest_socket_path_and_refuses_one_more);
    tcase_add_test(t, refuses_a_host_longer_than_a_name_can_be);
    tcase_add_test(t, formats_into_too_little_room_without_overflowing);
    suite_add_tcase(s, t);
    return s;
}
