/* SPDX-License-Identifier: Apache-2.0 */
/* B2: RFC 9051 section 6.2.1, with what attackers put before and behind it. */
#include "starttls_rows.h"
#include "t.h"

#define ASK "mtlsd1 STARTTLS\r\n"
#define HELLO "* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] mtlsd\r\n"
#define NO " NO [PRIVACYREQUIRED] TLS is required: STARTTLS first\r\n"
#define READY " OK Begin TLS negotiation now\r\n"

static const struct starttls_row asked[] = {
    {"yes", SAID("* OK hi\r\nmtlsd1 OK go\r\n"), REASON_VALID, SAID(ASK), ""},
    {"untagged lines between", SAID("* ok [CAPABILITY IMAP4rev1] hi\r\n* CAPABILITY IMAP4rev1\r\nmtlsd1 ok go\r\n"), REASON_VALID, SAID(ASK), ""},
    {"a response behind the go-ahead", SAID("* OK hi\r\nmtlsd1 OK go\r\n* OK you are in\r\n"), REASON_STARTTLS_FAILED, SAID(ASK), "behind the go-ahead"},
    {"PREAUTH", SAID("* PREAUTH welcome\r\n"), REASON_STARTTLS_FAILED, SAID(""), "greets with PREAUTH"},
    {"BYE", SAID("* BYE busy\r\n"), REASON_STARTTLS_FAILED, SAID(""), "does not greet with OK: * BYE busy"},
    {"no", SAID("* OK hi\r\nmtlsd1 NO never\r\n"), REASON_STARTTLS_FAILED, SAID(ASK), "refused STARTTLS: mtlsd1 NO never"},
    {"bad", SAID("* OK hi\r\nmtlsd1 BAD what\r\n"), REASON_STARTTLS_FAILED, SAID(ASK), "refused STARTTLS"},
    {"BYE later", SAID("* OK hi\r\n* BYE busy\r\n"), REASON_STARTTLS_FAILED, SAID(ASK), "refused STARTTLS: * BYE"},
    {"another tag", SAID("* OK hi\r\nmtlsd2 OK go\r\n"), REASON_STARTTLS_FAILED, SAID(ASK), "does not speak IMAP"},
    {"another protocol", SAID("220 mx ESMTP\r\n"), REASON_STARTTLS_FAILED, SAID(""), "does not speak IMAP"},
    {"LF alone", SAID("* OK hi\n"), REASON_STARTTLS_FAILED, SAID(""), "does not end in CRLF"},
    {"not whole", SAID("* OK hi\r"), REASON_UNDECIDED, SAID(""), ""},
};

static const struct starttls_row answered[] = {
    {"as clients do it", SAID("a1 CAPABILITY\r\na2 STARTTLS\r\n"), REASON_VALID, SAID(HELLO "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK done\r\na2" READY), ""},
    {"lower case", SAID(". starttls\r\n"), REASON_VALID, SAID(HELLO "." READY), ""},
    {"a command behind it", SAID("a STARTTLS\r\nb SELECT INBOX\r\n"), REASON_STARTTLS_FAILED, SAID(HELLO "a" READY), "behind the go-ahead"},
    {"a password without TLS", SAID("a LOGIN x y\r\n"), REASON_UNDECIDED, SAID(HELLO "a" NO), ""},
    {"a literal without TLS", SAID("a LOGIN {1}\r\n"), REASON_STARTTLS_FAILED, SAID(HELLO), "literal before TLS"},
    {"STARTTLS with an argument", SAID("a STARTTLS x\r\n"), REASON_UNDECIDED, SAID(HELLO "a" NO), ""},
    {"it leaves", SAID("a NOOP\r\nb LOGOUT\r\n"), REASON_STARTTLS_FAILED, SAID(HELLO "a OK done\r\n* BYE\r\nb OK done\r\n"), "said LOGOUT"},
    {"a tag that is none", SAID("* STARTTLS\r\n"), REASON_STARTTLS_FAILED, SAID(HELLO), "does not speak IMAP"},
    {"no tag", SAID(" STARTTLS\r\n"), REASON_STARTTLS_FAILED, SAID(HELLO), "does not speak IMAP"},
    {"a control byte in a tag", SAID("\x1b[ STARTTLS\r\n"), REASON_STARTTLS_FAILED, SAID(HELLO), "does not speak IMAP"},
};

START_TEST(asks_the_server)
{
    starttls_rows_check(CONFIG_STARTTLS_IMAP, false, &asked[_i]);
}
END_TEST

START_TEST(answers_the_client)
{
    starttls_rows_check(CONFIG_STARTTLS_IMAP, true, &answered[_i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("starttls_imap");
    TCase *t = tcase_create("imap");
    tcase_add_loop_test(t, asks_the_server, 0, sizeof(asked) / sizeof(asked[0]));
    tcase_add_loop_test(t, answers_the_client, 0, sizeof(answered) / sizeof(answered[0]));
    suite_add_tcase(s, t);
    return s;
}
