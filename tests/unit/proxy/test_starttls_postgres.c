/* SPDX-License-Identifier: Apache-2.0 */
/* B2: nothing but one byte of the server, and nothing but a request for TLS of the client, comes before TLS. */
#include "starttls_rows.h"
#include "t.h"

#define SSL "\0\0\0\x08\x04\xd2\x16\x2f"
#define GSS "\0\0\0\x08\x04\xd2\x16\x30"
#define FATAL "E\0\0\0\x55SFATAL\0VFATAL\0C28000\0MTLS is required: connect with sslmode=require or stricter\0\0"

static const struct starttls_row asked[] = {
    {"yes", SAID("S"), REASON_VALID, SAID(SSL), ""},
    {"no", SAID("N"), REASON_STARTTLS_FAILED, SAID(SSL), "answered N to SSLRequest: it has no TLS"},
    {"an error, of an old or a busy server", SAID("E\0\0\0\x20SFATAL\0"), REASON_STARTTLS_FAILED, SAID(SSL), "with an error"},
    {"another server", SAID("HTTP/1.1 400"), REASON_STARTTLS_FAILED, SAID(SSL), "none of PostgreSQL's"},
    {"lower case", SAID("s"), REASON_STARTTLS_FAILED, SAID(SSL), "none of PostgreSQL's"},
    {"CVE-2021-23222: an answer to a question that was not asked", SAID("SZ\0\0\0\x05I"), REASON_STARTTLS_FAILED, SAID(SSL), "behind the go-ahead"},
    {"nothing", SAID(""), REASON_UNDECIDED, SAID(SSL), ""},
};

static const struct starttls_row answered[] = {
    {"a request", SAID(SSL), REASON_VALID, SAID("S"), ""},
    {"GSSAPI first", SAID(GSS SSL), REASON_VALID, SAID("NS"), ""},
    {"GSSAPI alone", SAID(GSS), REASON_UNDECIDED, SAID("N"), ""},
    {"GSSAPI twice", SAID(GSS GSS), REASON_STARTTLS_FAILED, SAID("N"), "does not speak PostgreSQL's protocol"},
    {"TLS at once", SAID("\x16\x03\x01"), REASON_VALID, SAID(""), ""},
    {"TLS at once after GSSAPI", SAID(GSS "\x16\x03\x01\0\0\0\0\0"), REASON_STARTTLS_FAILED, SAID("N"), "does not speak PostgreSQL's protocol"},
    {"CVE-2021-23222: a query behind the request", SAID(SSL "Q\0\0\0\x0d" "DROP..."), REASON_STARTTLS_FAILED, SAID("S"), "behind the go-ahead"},
    {"a login in plaintext", SAID("\0\0\0\x10\0\3\0\0user\0a\0\0"), REASON_STARTTLS_FAILED, SAID(FATAL), "did not ask for TLS"},
    {"a login of protocol 3.2", SAID("\0\0\0\x10\0\3\0\2user\0a\0\0"), REASON_STARTTLS_FAILED, SAID(FATAL), "did not ask for TLS"},
    {"a CancelRequest in plaintext", SAID("\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\1\0\0\0\2"), REASON_STARTTLS_FAILED, SAID(""), "CancelRequest without TLS"},
    {"another protocol", SAID("GET / HTTP/1.1\r\n"), REASON_STARTTLS_FAILED, SAID(""), "does not speak PostgreSQL's protocol"},
    {"another length", SAID("\0\0\0\x09\x04\xd2\x16\x2f\0"), REASON_STARTTLS_FAILED, SAID(""), "does not speak PostgreSQL's protocol"},
    {"not whole", SAID("\0\0\0\x08\x04\xd2\x16"), REASON_UNDECIDED, SAID(""), ""},
};

START_TEST(asks_the_server)
{
    starttls_rows_check(CONFIG_STARTTLS_POSTGRES, false, &asked[_i]);
}
END_TEST

START_TEST(answers_the_client)
{
    starttls_rows_check(CONFIG_STARTTLS_POSTGRES, true, &answered[_i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("starttls_postgres");
    TCase *t = tcase_create("postgres");
    tcase_add_loop_test(t, asks_the_server, 0, sizeof(asked) / sizeof(asked[0]));
    tcase_add_loop_test(t, answers_the_client, 0, sizeof(answered) / sizeof(answered[0]));
    suite_add_tcase(s, t);
    return s;
}
