/* SPDX-License-Identifier: Apache-2.0 */
/* What each end gets of the other when one of them, or both, began in plaintext, however it is cut. */
#include "mtlsd/proxy/starttls_join.h"
#include "starttls_rows.h"
#include "t.h"

#include <string.h>

#define SSL "\0\0\0\x08\x04\xd2\x16\x2f"
#define GSS "\0\0\0\x08\x04\xd2\x16\x30"
#define STARTUP "\0\0\0\x10\0\3\0\0user\0a\0\0"
#define CANCEL "\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\1\0\0\0\2"
#define LOGIN(number, low, tls) "\x25\0\0" number low tls "\x3a\0\0\0\0\x01\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0root\0"

struct row {
    const char *why;
    enum config_starttls kind;
    bool down, up;
    const char *client; /* says */
    size_t client_len;
    const char *server; /* says, after that */
    size_t server_len;
    const char *to_client, *to_server;
    size_t to_client_len, to_server_len;
    const char *fails; /* NULL: it does not */
};
#define GOT(client, server) .to_client = (client), .to_client_len = sizeof(client) - 1, .to_server = (server), .to_server_len = sizeof(server) - 1
#define SAYS(c, s) .client = (c), .client_len = sizeof(c) - 1, .server = (s), .server_len = sizeof(s) - 1
#define IS(k, d, u) .kind = CONFIG_STARTTLS_##k, .down = (d), .up = (u)

static const struct row rows[] = {
    {"a PostgreSQL client that logs in at once", IS(POSTGRES, false, true), SAYS(STARTUP "more", "R..."), GOT("R...", STARTUP "more"), NULL},
    {"one that asks for TLS first, as psql does", IS(POSTGRES, false, true), SAYS(SSL STARTUP, "R"), GOT("NR", STARTUP), NULL},
    {"one that asks for GSSAPI too", IS(POSTGRES, false, true), SAYS(GSS SSL STARTUP, "R"), GOT("NNR", STARTUP), NULL},
    {"each is answered once", IS(POSTGRES, false, true), SAYS(SSL SSL STARTUP, ""), GOT("N", SSL STARTUP), NULL},
    {"one that cancels", IS(POSTGRES, false, true), SAYS(CANCEL, ""), GOT("", CANCEL), NULL},
    {"one that asked us", IS(POSTGRES, true, false), SAYS(SSL, "N"), GOT("N", SSL), NULL},
    {"LDAP has nothing to add", IS(LDAP, false, true), SAYS("0", "1"), GOT("1", "0"), NULL},
    {"an SMTP client whose server's greeting was left in plaintext", IS(SMTP, false, true), SAYS("EHLO a\r\n", "250 b\r\n"),
     GOT("220 mtlsd ESMTP\r\n250 b\r\n", "EHLO a\r\n"), NULL},
    {"an IMAP client whose server's greeting was left in plaintext", IS(IMAP, false, true), SAYS("a NOOP\r\n", "a OK\r\n"), GOT("* OK mtlsd\r\na OK\r\n", "a NOOP\r\n"), NULL},
    {"an SMTP client that we greeted, and the server too", IS(SMTP, true, true), SAYS("EHLO a\r\n", "250 b\r\n"), GOT("250 b\r\n", "EHLO a\r\n"), NULL},
    {"an SMTP client that we greeted", IS(SMTP, true, false), SAYS("", "220-x\r\n220 y\r\n250 b\r\n"), GOT("250 b\r\n", ""), NULL},
    {"an SMTP server that is full", IS(SMTP, true, false), SAYS("", "421-busy\r\n421 x\r\n"), GOT("421-busy\r\n421 x\r\n", ""), NULL},
    {"an IMAP client that we greeted", IS(IMAP, true, false), SAYS("", "* OK hi\r\n* x\r\n"), GOT("* x\r\n", ""), NULL},
    {"an IMAP server that is full", IS(IMAP, true, false), SAYS("", "* BYE busy\r\n"), GOT("* BYE busy\r\n", ""), NULL},
    {"an IMAP server that lets everybody in", IS(IMAP, true, false), SAYS("", "* PREAUTH root\r\n"), GOT("", ""), "PREAUTH"},
    {"a server that greets with LF alone", IS(SMTP, true, false), SAYS("", "220 x\n"), GOT("", ""), "CRLF"},
    {"a MySQL client in plaintext", IS(MYSQL, false, true),
     SAYS(LOGIN("\x01", "\x0d", "\xa2"), "\x01\0\0\x03\x01\x07\0\0\x04\0\0\0\x02\0\0\0rest"),
     GOT("\x01\0\0\x02\x01\x07\0\0\x03\0\0\0\x02\0\0\0rest", LOGIN("\x02", "\x0d", "\xaa")), NULL},
    {"its packets of the login, then commands", IS(MYSQL, false, true), SAYS(LOGIN("\x01", "\x0d", "\xa2") "\x03\0\0\x03xyz\0\0\0\x05\x01\0\0\0\x0e\x01\0\0\x01!", ""),
     GOT("", LOGIN("\x02", "\x0d", "\xaa") "\x03\0\0\x04xyz\0\0\0\x06\x01\0\0\0\x0e\x01\0\0\x01!"), NULL},
    {"a MySQL client by TLS before a server without", IS(MYSQL, true, false), SAYS(LOGIN("\x02", "\x0d", "\xaa"), "\x03\0\0\x02\xff\x15\x04"),
     GOT("\x03\0\0\x03\xff\x15\x04", LOGIN("\x01", "\x0d", "\xa2")), NULL},
    {"TLS on both sides", IS(MYSQL, true, true), SAYS(LOGIN("\x02", "\x0d", "\xaa"), "\x03\0\0\x03\xff\x15\x04"),
     GOT("\x03\0\0\x03\xff\x15\x04", LOGIN("\x02", "\x0d", "\xaa")), NULL},
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static enum reason give(struct starttls_join *j, bool from_client, struct span in, size_t step, struct bytes *to_client, struct bytes *to_server, struct err *err)
{
    enum reason verdict = REASON_VALID;
    while (in.len > 0 && verdict == REASON_VALID) {
        size_t n = step < in.len ? step : in.len;
        verdict = starttls_join_pass(j, from_client, span_of(in.ptr, n), to_client, to_server, err);
        in = span_skip(in, n);
    }
    return verdict;
}

static void run(const struct row *row, size_t step)
{
    struct starttls_join j;
    struct bytes to_client, to_server;
    struct err err = {0};
    bytes_init(&to_client, 1 << 16);
    bytes_init(&to_server, 1 << 16);
    starttls_join_init(&j, row->kind, row->down, row->up);
    ck_assert_int_eq(starttls_join_begin(&j, &to_client), 0);
    ck_assert(!j.holds_client || row->client_len == 0);
    enum reason verdict = give(&j, true, span_of(row->client, row->client_len), step, &to_client, &to_server, &err);
    if (verdict == REASON_VALID)
        verdict = give(&j, false, span_of(row->server, row->server_len), step, &to_client, &to_server, &err);
    ck_assert_msg((verdict == REASON_VALID) == (row->fails == NULL), "%s: %s", row->why, err.text);
    ck_assert_msg(row->fails == NULL || strstr(err.text, row->fails) != NULL, "%s: %s", row->why, err.text);
    ck_assert_msg(span_equals(bytes_span(&to_client), span_of(row->to_client, row->to_client_len)), "%s, %zu: the client got %zu bytes", row->why, step, to_client.len);
    ck_assert_msg(span_equals(bytes_span(&to_server), span_of(row->to_server, row->to_server_len)), "%s, %zu: the server got %zu bytes", row->why, step, to_server.len);
    starttls_join_clear(&j);
    bytes_clear(&to_client);
    bytes_clear(&to_server);
}

START_TEST(each_end_gets_what_it_expects)
{
    for (size_t step = 1; step < 60; step++)
        run(&rows[_i], step);
    run(&rows[_i], 1000);
}
END_TEST

START_TEST(a_client_that_was_greeted_waits_for_its_server)
{
    struct starttls_join j;
    struct bytes to_client = {.max = 100}, to_server = {.max = 100};
    struct err err = {0};
    starttls_join_init(&j, CONFIG_STARTTLS_SMTP, true, false);
    ck_assert(j.holds_client && !j.over);
    ck_assert_int_eq(starttls_join_pass(&j, false, span_from_str("220 x\r\n"), &to_client, &to_server, &err), REASON_VALID);
    ck_assert(!j.holds_client && j.over && to_client.len == 0);
    starttls_join_clear(&j);
}
END_TEST

START_TEST(a_greeting_without_end_is_refused)
{
    struct starttls_join j;
    struct bytes to_client = {.max = 100}, to_server = {.max = 100};
    struct err err = {0};
    enum reason verdict = REASON_VALID;
    starttls_join_init(&j, CONFIG_STARTTLS_IMAP, true, false);
    for (int i = 0; i < 10000 && verdict == REASON_VALID; i++)
        verdict = starttls_join_pass(&j, false, span_from_str("* OK"), &to_client, &to_server, &err);
    ck_assert_int_eq(verdict, REASON_STARTTLS_FAILED);
    starttls_join_clear(&j);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("starttls_join");
    TCase *t = tcase_create("join");
    tcase_add_loop_test(t, each_end_gets_what_it_expects, 0, N_ROWS);
    tcase_add_test(t, a_client_that_was_greeted_waits_for_its_server);
    tcase_add_test(t, a_greeting_without_end_is_refused);
    suite_add_tcase(s, t);
    return s;
}
