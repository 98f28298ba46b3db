/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"
#include "t.h"

#include "mtlsd/config/config.h"

#define NINE "\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\""
#define LONGEST "a-name-of-thirty-one-bytes-here"
#define L(protocol, alpn)                                                                                                                            \
    CONFIG_ROWS_NAMES CONFIG_ROWS_BACK "listeners = { app = { bind = \":1\"; protocol = \"" protocol "\"; tls = { identity = \"me\"; trust = \"ca\"; alpn = [ " alpn      \
                                       " ]; }; upstream = \"up\"; }; };\n"
#define U(alpn, listeners)                                                                                                                           \
    CONFIG_ROWS_NAMES "upstreams = { up = { targets = \"127.0.0.1:9\"; tls = { identity = \"me\"; trust = \"ca\"; " alpn " }; }; };\nlisteners = { " listeners    \
                      " };\n"
#define HTTP "a = { bind = \"127.0.0.1:1\"; upstream = \"up\"; }; "
#define TCP "b = { bind = \"127.0.0.1:2\"; protocol = \"tcp\"; upstream = \"up\"; }; "

static const struct config_row refused[] = {
    {"another name on an http listener", L("http", "\"postgresql\""), "tls.alpn: \"postgresql\" is not a protocol that is spoken here"},
    {"what is not spoken", L("http", "\"h3\", \"http/1.1\""), "\"h3\" is not a protocol that is spoken here"},
    {"an empty name", L("tcp", "\"\""), "alpn[0]: is empty"},
    {"a name too long for the library", L("tcp", "\"" LONGEST "+\""), "has 32 bytes: at most 31"},
    {"a name twice", L("tcp", "\"a\", \"b\", \"a\""), "\"a\" is given twice"},
    {"nine names", L("tcp", NINE), "9 names: at most 8"},
    {"a number", L("tcp", "2"), "alpn"},
    {"another name for an http upstream", U("alpn = \"redis\";", HTTP), "tls.alpn: \"redis\" is not a protocol"},
    {"an upstream of two kinds", U("alpn = \"http/1.1\";", HTTP TCP), "give each kind its own upstream"},
    {"nine names for an upstream", U("alpn = [ " NINE " ];", TCP), "9 names: at most 8"},
    {"outside of tls", CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:1\"; alpn = [ \"h2\" ]; upstream = \"up\"; }; };", "tls"},
};

static const struct config_row taken[] = {
    {"http on an http listener", L("http", "\"h2\", \"http/1.1\""), NULL},
    {"any name in tcp", L("tcp", "\"postgresql\", \"" LONGEST "\""), NULL},
    {"any name to a tcp upstream", U("alpn = \"postgresql\";", TCP), NULL},
    {"http to an http upstream", U("alpn = \"http/1.1\";", HTTP), NULL},
};

START_TEST(refuses)
{
    config_rows_refused(&refused[_i]);
}
END_TEST

START_TEST(takes)
{
    config_rows_taken(&taken[_i]);
}
END_TEST

START_TEST(an_upstream_knows_what_its_listeners_speak)
{
    static const struct {
        const char *text;
        unsigned carries;
    } rows[] = {
        {U("", HTTP), 1U << CONFIG_PROTOCOL_HTTP},
        {U("", TCP), 1U << CONFIG_PROTOCOL_TCP},
        {U("", HTTP TCP), 1U << CONFIG_PROTOCOL_HTTP | 1U << CONFIG_PROTOCOL_TCP},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct findings f;
        findings_init(&f);
        struct config *c = config_parse(rows[i].text, "x.conf", &f);
        ck_assert_msg(c != NULL, "%s", f.n > 0 ? f.items[0].text : "");
        ck_assert_uint_eq(c->upstreams[0].carries, rows[i].carries);
        config_free(c);
        findings_clear(&f);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_check_alpn");
    TCase *t = tcase_create("alpn");
    tcase_add_loop_test(t, refuses, 0, CONFIG_ROWS_COUNT(refused));
    tcase_add_loop_test(t, takes, 0, CONFIG_ROWS_COUNT(taken));
    tcase_add_test(t, an_upstream_knows_what_its_listeners_speak);
    suite_add_tcase(s, t);
    return s;
}
