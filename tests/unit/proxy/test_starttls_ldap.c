/* SPDX-License-Identifier: Apache-2.0 */
/* B2: RFC 4511 section 4.14, in BER. */
#include "starttls_rows.h"
#include "t.h"

#define OID "1.3.6.1.4.1.1466.20037"
#define ASK "\x30\x1d\x02\x01\x01\x77\x18\x80\x16" OID
#define YES "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0"
#define TEXT "TLS is required: send StartTLS first"
#define NO(op) "\x30\x30\x02\x01\x02" op "\x2b\x0a\x01\x0d\x04\0\x04\x24" TEXT

static const struct starttls_row asked[] = {
    {"yes", SAID(YES), REASON_VALID, SAID(ASK), ""},
    {"yes, with its name", SAID("\x30\x24\x02\x01\x01\x78\x1f\x0a\x01\0\x04\0\x04\0\x8a\x16" OID), REASON_VALID, SAID(ASK), ""},
    {"yes, with long lengths, as Active Directory writes them", SAID("\x30\x84\0\0\0\x10\x02\x01\x01\x78\x84\0\0\0\x07\x0a\x01\0\x04\0\x04\0"), REASON_VALID, SAID(ASK), ""},
    {"a message behind the go-ahead", SAID(YES "\x30\x05\x02\x01\x02\x65\0"), REASON_STARTTLS_FAILED, SAID(ASK), "behind the go-ahead"},
    {"no TLS there", SAID("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\0\x04\0"), REASON_STARTTLS_FAILED, SAID(ASK), "with the result code 2"},
    {"a notice of disconnection", SAID("\x30\x0c\x02\x01\0\x78\x07\x0a\x01\x34\x04\0\x04\0"), REASON_STARTTLS_FAILED, SAID(ASK), "with the result code 52"},
    {"an answer to another question", SAID("\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\0\x04\0\x04\0"), REASON_STARTTLS_FAILED, SAID(ASK), "refused StartTLS"},
    {"another kind of answer", SAID("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0"), REASON_STARTTLS_FAILED, SAID(ASK), "not an extended response"},
    {"no result code", SAID("\x30\x05\x02\x01\x01\x78\0"), REASON_STARTTLS_FAILED, SAID(ASK), "not an extended response"},
    {"no number", SAID("\x30\x02\x04\0"), REASON_STARTTLS_FAILED, SAID(ASK), "malformed"},
    {"an element longer than the message", SAID("\x30\x05\x02\x01\x01\x78\x07"), REASON_STARTTLS_FAILED, SAID(ASK), "malformed"},
    {"another protocol", SAID("HTTP/1.1 400\r\n"), REASON_STARTTLS_FAILED, SAID(ASK), "does not speak LDAP"},
    {"not whole", SAID("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04"), REASON_UNDECIDED, SAID(ASK), ""},
};

static const struct starttls_row answered[] = {
    {"a request", SAID(ASK), REASON_VALID, SAID(YES), ""},
    {"a number of four bytes", SAID("\x30\x20\x02\x04\x01\x02\x03\x04\x77\x18\x80\x16" OID), REASON_VALID,
     SAID("\x30\x0f\x02\x04\x01\x02\x03\x04\x78\x07\x0a\x01\0\x04\0\x04\0"), ""},
    {"a message behind it", SAID(ASK "\x30\x05\x02\x01\x02\x42\0"), REASON_STARTTLS_FAILED, SAID(YES), "behind the go-ahead"},
    {"a bind with a password", SAID("\x30\x0c\x02\x01\x02\x60\x07\x02\x01\x03\x04\0\x80\0"), REASON_UNDECIDED, SAID(NO("\x61")), ""},
    {"a search", SAID("\x30\x05\x02\x01\x02\x63\0"), REASON_UNDECIDED, SAID(NO("\x65")), ""},
    {"a modification", SAID("\x30\x05\x02\x01\x02\x66\0"), REASON_UNDECIDED, SAID(NO("\x67")), ""},
    {"a deletion", SAID("\x30\x05\x02\x01\x02\x4a\0"), REASON_UNDECIDED, SAID(NO("\x6b")), ""},
    {"another extended request", SAID("\x30\x08\x02\x01\x02\x77\x03\x80\x01" "1"), REASON_UNDECIDED, SAID(NO("\x78")), ""},
    {"a name that begins like it", SAID("\x30\x1c\x02\x01\x02\x77\x17\x80\x15" "1.3.6.1.4.1.1466.2003"), REASON_UNDECIDED, SAID(NO("\x78")), ""},
    {"a bind, then the request", SAID("\x30\x05\x02\x01\x02\x60\0" ASK), REASON_VALID, SAID(NO("\x61") YES), ""},
    {"nothing is said to an abandon", SAID("\x30\x06\x02\x01\x02\x50\x01\x01"), REASON_UNDECIDED, SAID(""), ""},
    {"it leaves", SAID("\x30\x05\x02\x01\x02\x42\0"), REASON_STARTTLS_FAILED, SAID(""), "unbound"},
    {"TLS at once", SAID("\x16\x03\x01"), REASON_STARTTLS_FAILED, SAID(""), "does not speak LDAP"},
    {"no length", SAID("\x30\x80\x02\x01\x02\x42\0\0\0"), REASON_UNDECIDED, SAID(""), ""},
};

START_TEST(asks_the_server)
{
    starttls_rows_check(CONFIG_STARTTLS_LDAP, false, &asked[_i]);
}
END_TEST

START_TEST(answers_the_client)
{
    starttls_rows_check(CONFIG_STARTTLS_LDAP, true, &answered[_i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("starttls_ldap");
    TCase *t = tcase_create("ldap");
    tcase_add_loop_test(t, asks_the_server, 0, sizeof(asked) / sizeof(asked[0]));
    tcase_add_loop_test(t, answers_the_client, 0, sizeof(answered) / sizeof(answered[0]));
    suite_add_tcase(s, t);
    return s;
}
