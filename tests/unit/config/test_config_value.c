/* SPDX-License-Identifier: Apache-2.0 */
#include "config_options.h"
#include "config_value.h"
#include "t.h"

#include <string.h>

static struct config top;
static struct config_identity identity;
static struct config_trust trust;
static struct config_upstream upstream;
static struct config_listener listener;
static struct config_allow rule;
static struct config_target target;
static struct config_route route;
static struct config_sni sni;

static const struct place {
    const char *group;
    void *base;
    size_t size;
} places[] = {
    {"", &top, sizeof(top)},
    {"admin", &top, sizeof(top)},
    {"log", &top, sizeof(top)},
    {"identity", &identity, sizeof(identity)},
    {"trust", &trust, sizeof(trust)},
    {"upstream", &upstream, sizeof(upstream)},
    {"upstream.tls", &upstream, sizeof(upstream)},
    {"upstream.timeouts", &upstream, sizeof(upstream)},
    {"upstream.pool", &upstream, sizeof(upstream)},
    {"listener", &listener, sizeof(listener)},
    {"listener.tls", &listener, sizeof(listener)},
    {"allow", &rule, sizeof(rule)},
    {"target", &target, sizeof(target)},
    {"route", &route, sizeof(route)},
    {"sni", &sni, sizeof(sni)},
};
enum { N_PLACES = sizeof(places) / sizeof(places[0]) };

static void *base_of(const char *group)
{
    for (size_t i = 0; i < N_PLACES; i++) {
        if (strcmp(places[i].group, group) == 0)
            return places[i].base;
    }
    ck_abort_msg("no place for %s", group);
    return NULL;
}

static int set(const char *group, const char *key, const char *text, struct err *err)
{
    const struct config_option *o = config_options_find(group, key);
    ck_assert_msg(o != NULL, "%s.%s", group, key);
    err_clear(err);
    return config_value_set(o, text, "/etc/mtlsd/mtlsd.conf", base_of(group), err);
}

static void must_set(const char *group, const char *key, const char *text)
{
    struct err err;
    ck_assert_msg(set(group, key, text, &err) == 0, "%s.%s = %s: %s", group, key, text, err.text);
}

static void clear(void)
{
    size_t n;
    const struct config_option *options = config_options(&n);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < N_PLACES; k++) {
            if (strcmp(options[i].group, places[k].group) == 0)
                config_value_free(&options[i], places[k].base);
        }
    }
    for (size_t k = 0; k < N_PLACES; k++)
        memset(places[k].base, 0, places[k].size);
}

#define HEX_32 "0123456789abcdef0123456789ABCDEF"
#define LONG_NAME "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

START_TEST(a_value_that_is_none_is_refused_with_its_words)
{
    static const struct {
        const char *why, *group, *key, *text, *says;
    } cases[] = {
        {"nothing", "identity", "bundle", "", "is empty"},
        {"a new line", "identity", "bundle", "a\nb", "control character"},
        {"a DEL", "allow", "cn", "a\x7f", "control character"},
        {"a sign", "trust", "depth", "-1", "not a whole number from 0 up"},
        {"a plus", "trust", "depth", "+1", "not a whole number from 0 up"},
        {"a blank first", "trust", "depth", " 8", "not a whole number from 0 up"},
        {"something behind", "trust", "depth", "8x", "not a whole number"},
        {"one below", "trust", "depth", "0", "0 is too little: from 1 to 16"},
        {"one above", "trust", "depth", "17", "17 is too much: from 1 to 16"},
        {"a number that wraps 32 bits", "trust", "depth", "4294967297", "too much"},
        {"a number that wraps 64 bits", "trust", "depth", "18446744073709551617", "too much"},
        {"no unit", "", "drain_timeout", "30", "no unit"},
        {"a duration above", "", "drain_timeout", "25h", "25h is too much: from 0s to 1d"},
        {"a duration below", "upstream.timeouts", "connect", "9ms", "9ms is too little: from 10ms to 10m"},
        {"a size above", "listener", "max_header_bytes", "1048577", "too much"},
        {"a size below", "listener", "max_header_bytes", "1023", "too little"},
        {"a word in capitals", "listener", "protocol", "HTTP", "is not a word for this"},
        {"part of a word", "listener", "protocol", "htt", "did you mean \"http\"?"},
        {"the bar between the words", "listener", "protocol", "|", "write http | tcp"},
        {"a word and a blank", "listener", "protocol", "tcp ", "is not a word for this"},
        {"a word nobody knows, of several", "listener", "identity_headers", "everything", "write rfc9440 | x-ssl"},
        {"no hex", "allow", "serial", "0x1f", "is not hexadecimal"},
        {"colons alone", "allow", "serial", "::", "has 0 hexadecimal digits where 1 are needed"},
        {"63 digits", "allow", "fingerprint", HEX_32 "0123456789abcdef0123456789ABCDE", "has 63 hexadecimal digits where 64 are needed"},
        {"65 digits", "allow", "spki", HEX_32 HEX_32 "0", "has 65 hexadecimal digits"},
        {"a name in place of an address", "allow", "ip", "a.example", "is not an IP address"},
        {"a host in place of its network", "allow", "ip", "10.0.0.1/8", "bits set behind"},
        {"a socket on TCP", "admin", "socket", "127.0.0.1:80", "is not a unix socket"},
        {"a socket path that is too long with its folder", "admin", "socket", "unix:" LONG_NAME, "is too long"},
        {"a target without a host", "target", "address", ":443", "names no host"},
        {"a target on port 0", "target", "address", "a:0", "nothing listens on port 0"},
        {"a Host with a blank", "upstream", "host", "a b", "cannot stand in a Host header"},
        {"a Host that is a header more", "upstream", "host", "a,b", "cannot stand in a Host header"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err;
        ck_assert_msg(set(cases[i].group, cases[i].key, cases[i].text, &err) == -1, "%s: accepted", cases[i].why);
        ck_assert_msg(err.kind == ERR_CONFIG, "%s: kind %d", cases[i].why, err.kind);
        ck_assert_msg(strstr(err.text, cases[i].says) != NULL, "%s: %s", cases[i].why, err.text);
    }
    /* and nothing of it was kept */
    ck_assert_ptr_null(identity.bundle);
    ck_assert_ptr_null(rule.cn);
    ck_assert_ptr_null(rule.serial);
    ck_assert_ptr_null(rule.fingerprint);
    ck_assert_ptr_null(top.admin_socket);
    ck_assert_ptr_null(target.text);
    ck_assert(!upstream.host_given);
    ck_assert_uint_eq(listener.identity_headers, 0);
}
END_TEST

START_TEST(numbers_reach_both_ends_of_their_bounds)
{
    must_set("trust", "depth", "1");
    ck_assert_uint_eq(trust.depth, 1);
    must_set("trust", "depth", "16");
    ck_assert_uint_eq(trust.depth, 16);
    must_set("", "drain_timeout", "0s");
    ck_assert_uint_eq(top.drain_ms, 0);
    must_set("", "drain_timeout", "1d");
    ck_assert_uint_eq(top.drain_ms, 86400000);
    must_set("listener", "max_header_bytes", "1KiB");
    ck_assert_uint_eq(listener.max_header_bytes, 1024);
    must_set("listener", "max_header_bytes", "1MiB");
    ck_assert_uint_eq(listener.max_header_bytes, 1048576);
}
END_TEST

START_TEST(words_become_the_numbers_of_their_enum)
{
    must_set("listener", "protocol", "tcp");
    ck_assert_int_eq(listener.protocol, CONFIG_PROTOCOL_TCP);
    must_set("listener", "forwarded", "rfc7239");
    ck_assert_int_eq(listener.forwarded, CONFIG_FORWARDED_RFC7239);
    must_set("listener.tls", "client_cert", "required");
    ck_assert_int_eq(listener.tls.client_cert, CONFIG_CLIENT_CERT_REQUIRED);
    must_set("listener.tls", "client_cert", "none");
    ck_assert_int_eq(listener.tls.client_cert, CONFIG_CLIENT_CERT_NONE);
    must_set("upstream.tls", "min_version", "1.3");
    ck_assert_int_eq(upstream.tls.min_version, CONFIG_TLS_1_3);
    must_set("trust", "crl_policy", "prefer");
    ck_assert_int_eq(trust.crl_policy, CONFIG_CRL_PREFER);
    must_set("upstream.tls", "require_client_auth", "true");
    ck_assert(upstream.tls.require_client_auth);
    must_set("listener", "identity_headers", "x-ssl");
    ck_assert_uint_eq(listener.identity_headers, CONFIG_HEADERS_X_SSL);
    must_set("listener", "identity_headers", "rfc9440"); /* one more of a list */
    ck_assert_uint_eq(listener.identity_headers, CONFIG_HEADERS_X_SSL | CONFIG_HEADERS_RFC9440);
}
END_TEST

START_TEST(paths_start_at_the_folder_of_their_file)
{
    must_set("identity", "bundle", "keys/me.pem");
    ck_assert_str_eq(identity.bundle, "/etc/mtlsd/keys/me.pem");
    must_set("identity", "bundle", "/abs.pem"); /* the later one stands, the earlier is freed */
    ck_assert_str_eq(identity.bundle, "/abs.pem");
    must_set("trust", "ca", "system");
    ck_assert_str_eq(trust.ca, "system");
    must_set("trust", "ca", "system.pem");
    ck_assert_str_eq(trust.ca, "/etc/mtlsd/system.pem");
    must_set("trust", "crl", "a.crl");
    must_set("trust", "crl", "/b.crl");
    ck_assert_uint_eq(trust.crl.n, 2);
    ck_assert_str_eq(trust.crl.items[0], "/etc/mtlsd/a.crl");
    ck_assert_str_eq(trust.crl.items[1], "/b.crl");
    must_set("admin", "socket", "unix:admin.sock");
    ck_assert_str_eq(top.admin_socket, "/etc/mtlsd/admin.sock");
    must_set("listener", "bind", "unix:in.sock");
    ck_assert_str_eq(listener.bind[0].path, "/etc/mtlsd/in.sock");
    must_set("upstream.tls", "server_name", "api/x"); /* a string is no path */
    ck_assert_str_eq(upstream.tls.server_name, "api/x");
}
END_TEST

START_TEST(addresses_keep_what_was_written)
{
    must_set("listener", "bind", "127.0.0.1:8443");
    must_set("listener", "bind", "[::1]:8444");
    ck_assert_uint_eq(listener.n_bind, 2);
    ck_assert_str_eq(listener.bind[0].host, "127.0.0.1");
    ck_assert_uint_eq(listener.bind[1].port, 8444);
    ck_assert_str_eq(listener.bind_text[1], "[::1]:8444");
    must_set("target", "address", "api.example:443");
    must_set("target", "address", "other.example:444");
    ck_assert_str_eq(target.address.host, "other.example");
    ck_assert_uint_eq(target.address.port, 444);
    ck_assert_str_eq(target.text, "other.example:444");
}
END_TEST

START_TEST(host_is_a_word_or_a_name)
{
    must_set("upstream", "host", "preserve");
    ck_assert(upstream.host_given);
    ck_assert_int_eq(upstream.host, CONFIG_HOST_PRESERVE);
    ck_assert_ptr_null(upstream.host_literal);
    must_set("upstream", "host", "api.example:8080");
    ck_assert_int_eq(upstream.host, CONFIG_HOST_LITERAL);
    ck_assert_str_eq(upstream.host_literal, "api.example:8080");
}
END_TEST

START_TEST(digits_may_stand_in_pairs)
{
    must_set("allow", "serial", "01:AB:cd");
    ck_assert_str_eq(rule.serial, "01:AB:cd");
    must_set("allow", "fingerprint", HEX_32 ":" HEX_32);
    ck_assert_ptr_nonnull(rule.fingerprint);
}
END_TEST

START_TEST(words_are_counted_from_the_left)
{
    static const struct {
        const char *why, *words;
        size_t n;
        const char *word; /* NULL: past the end */
    } cases[] = {
        {"the first", "http | tcp", 0, "http"}, {"the last", "http | tcp", 1, "tcp"}, {"past it", "http | tcp", 2, NULL},
        {"one alone", "system", 0, "system"},   {"none", "", 0, NULL},                {"far past", "a | b", 1000, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *word = "";
        size_t len = 0;
        bool found = config_value_word(cases[i].words, cases[i].n, &word, &len);
        ck_assert_msg(found == (cases[i].word != NULL), "%s", cases[i].why);
        if (found)
            ck_assert_msg(len == strlen(cases[i].word) && memcmp(word, cases[i].word, len) == 0, "%s: %.*s", cases[i].why, (int)len, word);
    }
}
END_TEST

START_TEST(each_type_has_its_form)
{
    static const struct {
        const char *group, *key;
        enum config_value_form form;
        bool list;
    } cases[] = {
        {"identity", "bundle", CONFIG_VALUE_STRING, false}, {"", "workers", CONFIG_VALUE_NUMBER, false},
        {"upstream.tls", "require_client_auth", CONFIG_VALUE_BOOL, false}, {"listener", "tls", CONFIG_VALUE_GROUP, false},
        {"listener", "allow", CONFIG_VALUE_GROUP, true}, {"", "trusts", CONFIG_VALUE_GROUP, false},
        {"listener", "bind", CONFIG_VALUE_STRING, true}, {"trust", "crl", CONFIG_VALUE_STRING, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct config_option *o = config_options_find(cases[i].group, cases[i].key);
        ck_assert_msg(config_value_form(o) == cases[i].form, "%s.%s", cases[i].group, cases[i].key);
        ck_assert_msg(config_value_takes_list(o) == cases[i].list, "%s.%s", cases[i].group, cases[i].key);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_value");
    TCase *c = tcase_create("value");
    tcase_add_checked_fixture(c, NULL, clear);
    tcase_add_test(c, a_value_that_is_none_is_refused_with_its_words);
    tcase_add_test(c, numbers_reach_both_ends_of_their_bounds);
    tcase_add_test(c, words_become_the_numbers_of_their_enum);
    tcase_add_test(c, paths_start_at_the_folder_of_their_file);
    tcase_add_test(c, addresses_keep_what_was_written);
    tcase_add_test(c, host_is_a_word_or_a_name);
    tcase_add_test(c, digits_may_stand_in_pairs);
    tcase_add_test(c, words_are_counted_from_the_left);
    tcase_add_test(c, each_type_has_its_form);
    suite_add_tcase(s, c);
    return s;
}
