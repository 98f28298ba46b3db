/* SPDX-License-Identifier: Apache-2.0 */
/* B2: RFC 3207, with what attackers put before and behind it. */
#include "starttls_rows.h"
#include "t.h"

#define EHLO "EHLO localhost\r\n"
#define ASK EHLO "STARTTLS\r\n"
#define HELLO "220 mtlsd ESMTP\r\n"
#define OFFER "250-mtlsd\r\n250-ENHANCEDSTATUSCODES\r\n250 STARTTLS\r\n"
#define READY "220 2.0.0 Ready to start TLS\r\n"
#define FIRST "530 5.7.0 Must issue a STARTTLS command first\r\n"

static const struct starttls_row asked[] = {
    {"yes", SAID("220 mx ESMTP\r\n250-mx\r\n250 STARTTLS\r\n220 Go\r\n"), REASON_VALID, SAID(ASK), ""},
    {"replies of several lines", SAID("220-mx\r\n220-no spam\r\n220 please\r\n250-mx\r\n250-SIZE 1\r\n250-starttls\r\n250 HELP\r\n220-Go\r\n220 on\r\n"), REASON_VALID,
     SAID(ASK), ""},
    {"digits alone", SAID("220\r\n250-mx\r\n250-STARTTLS\r\n250\r\n220\r\n"), REASON_VALID, SAID(ASK), ""},
    {"CVE-2011-0411: a reply behind the go-ahead", SAID("220 mx\r\n250-mx\r\n250 STARTTLS\r\n220 Go\r\n250 OK\r\n"), REASON_STARTTLS_FAILED, SAID(ASK), "behind the go-ahead"},
    {"no offer", SAID("220 mx\r\n250-mx\r\n250 SIZE 1\r\n"), REASON_STARTTLS_FAILED, SAID(EHLO), "does not offer STARTTLS"},
    {"a word that begins with it", SAID("220 mx\r\n250-mx\r\n250 STARTTLSX\r\n"), REASON_STARTTLS_FAILED, SAID(EHLO), "does not offer STARTTLS"},
    {"no", SAID("220 mx\r\n250-mx\r\n250 STARTTLS\r\n454 no TLS now\r\n"), REASON_STARTTLS_FAILED, SAID(ASK), "refused STARTTLS: 454 no TLS now"},
    {"a server that is full", SAID("421 busy\r\n"), REASON_STARTTLS_FAILED, SAID(""), "does not greet with 220: 421 busy"},
    {"a control byte in its words", SAID("554 \x1b[31m\r\n"), REASON_STARTTLS_FAILED, SAID(""), "554 .[31m"},
    {"EHLO is refused", SAID("220 mx\r\n502 what\r\n"), REASON_STARTTLS_FAILED, SAID(EHLO), "refused EHLO"},
    {"lines with different codes", SAID("220 mx\r\n250-mx\r\n220 STARTTLS\r\n"), REASON_STARTTLS_FAILED, SAID(EHLO), "refused EHLO: 220"},
    {"another protocol", SAID("SSH-2.0-x\r\n"), REASON_STARTTLS_FAILED, SAID(""), "does not greet with 220"},
    {"a letter among the digits", SAID("2O0 mx\r\n"), REASON_STARTTLS_FAILED, SAID(""), "does not greet with 220"},
    {"no space behind the digits", SAID("220mx\r\n"), REASON_STARTTLS_FAILED, SAID(""), "does not greet with 220"},
    {"LF alone", SAID("220 mx\n"), REASON_STARTTLS_FAILED, SAID(""), "does not end in CRLF"},
    {"a NUL", SAID("220 m\0x\r\n"), REASON_STARTTLS_FAILED, SAID(""), "NUL"},
    {"not whole", SAID("220-mx\r\n220 m"), REASON_UNDECIDED, SAID(""), ""},
};

static const struct starttls_row answered[] = {
    {"as clients do it", SAID("EHLO app\r\nSTARTTLS\r\n"), REASON_VALID, SAID(HELLO OFFER READY), ""},
    {"lower case", SAID("ehlo app\r\nstarttls\r\n"), REASON_VALID, SAID(HELLO OFFER READY), ""},
    {"at once", SAID("STARTTLS\r\n"), REASON_VALID, SAID(HELLO READY), ""},
    {"CVE-2011-0411: a command behind it", SAID("STARTTLS\r\nMAIL FROM:<a@b>\r\n"), REASON_STARTTLS_FAILED, SAID(HELLO READY), "behind the go-ahead"},
    {"mail without TLS", SAID("HELO app\r\nMAIL FROM:<a@b>\r\n"), REASON_UNDECIDED, SAID(HELLO "250 mtlsd\r\n" FIRST), ""},
    {"a password without TLS", SAID("AUTH PLAIN AGEAYg==\r\n"), REASON_UNDECIDED, SAID(HELLO FIRST), ""},
    {"STARTTLS with a parameter", SAID("STARTTLS now\r\n"), REASON_UNDECIDED, SAID(HELLO FIRST), ""},
    {"it leaves", SAID("NOOP\r\nQUIT\r\n"), REASON_STARTTLS_FAILED, SAID(HELLO "250 2.0.0 OK\r\n221 2.0.0 Bye\r\n"), "said QUIT"},
    {"LF alone", SAID("STARTTLS\n"), REASON_STARTTLS_FAILED, SAID(HELLO), "does not end in CRLF"},
    {"TLS at once", SAID("\x16\x03\x01\x02\n"), REASON_STARTTLS_FAILED, SAID(HELLO), "does not end in CRLF"},
    {"an empty line", SAID("\r\n"), REASON_UNDECIDED, SAID(HELLO FIRST), ""},
};

START_TEST(asks_the_server)
{
    starttls_rows_check(CONFIG_STARTTLS_SMTP, false, &asked[_i]);
}
END_TEST

START_TEST(answers_the_client)
{
    starttls_rows_check(CONFIG_STARTTLS_SMTP, true, &answered[_i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("starttls_smtp");
    TCase *t = tcase_create("smtp");
    tcase_add_loop_test(t, asks_the_server, 0, sizeof(asked) / sizeof(asked[0]));
    tcase_add_loop_test(t, answers_the_client, 0, sizeof(answered) / sizeof(answered[0]));
    suite_add_tcase(s, t);
    return s;
}
