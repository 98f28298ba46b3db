/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every protocol: there is an end to what is read before TLS, and its words. */
#include "mtlsd/proxy/starttls.h"
#include "t.h"

#include <string.h>

static const struct {
    enum config_starttls kind;
    bool answers;
    const char *forever; /* may be said again and again */
    const char *says;    /* when it was */
} talkers[] = {
    {CONFIG_STARTTLS_SMTP, false, "220-welcome\r\n", "too many messages"},
    {CONFIG_STARTTLS_SMTP, true, "NOOP\r\n", "too many messages"},
    {CONFIG_STARTTLS_SMTP, true, "NOOP ", "too much before TLS"},
    {CONFIG_STARTTLS_IMAP, false, "* OK hi\r\n", "too many messages"},
    {CONFIG_STARTTLS_IMAP, true, "a NOOP\r\n", "too many messages"},
    {CONFIG_STARTTLS_IMAP, true, "aaaa", "too long"},
    {CONFIG_STARTTLS_LDAP, true, "\x30\x06\x02\x01\x02\x50\x01\x01", "too many messages"},
};

START_TEST(nobody_talks_for_ever) /* D2 */
{
    struct starttls s;
    struct err err = {0};
    enum reason verdict = REASON_UNDECIDED;
    starttls_init(&s, talkers[_i].kind, talkers[_i].answers);
    ck_assert_int_eq(starttls_begin(&s), 0);
    for (int i = 0; i < 10000 && verdict == REASON_UNDECIDED; i++) {
        verdict = starttls_in(&s, span_from_str(talkers[_i].forever), &err);
        bytes_consume(&s.out, s.out.len);
    }
    ck_assert_int_eq(verdict, REASON_STARTTLS_FAILED);
    ck_assert_msg(strstr(err.text, talkers[_i].says) != NULL, "%s", err.text);
    starttls_clear(&s);
}
END_TEST

START_TEST(more_than_a_talk_before_tls_can_be_is_refused_at_once)
{
    static uint8_t much[STARTTLS_IN_MAX + 1];
    for (enum config_starttls kind = CONFIG_STARTTLS_POSTGRES; kind <= CONFIG_STARTTLS_IMAP; kind++)
        for (int answers = 0; answers < 2; answers++) {
            struct starttls s;
            struct err err = {0};
            starttls_init(&s, kind, answers != 0);
            ck_assert_int_eq(starttls_in(&s, span_of(much, sizeof(much)), &err), REASON_STARTTLS_FAILED);
            ck_assert(s.in.len == 0 && strstr(err.text, "too much") != NULL);
            starttls_clear(&s);
        }
}
END_TEST

START_TEST(an_end_is_no_answer)
{
    for (enum config_starttls kind = CONFIG_STARTTLS_POSTGRES; kind <= CONFIG_STARTTLS_IMAP; kind++)
        for (int answers = 0; answers < 2; answers++) {
            struct starttls s;
            struct err err = {0};
            starttls_init(&s, kind, answers != 0);
            ck_assert_int_eq(starttls_eof(&s, &err), REASON_STARTTLS_FAILED);
            ck_assert_msg(strstr(err.text, "closed the connection before") != NULL, "%s", err.text);
            starttls_clear(&s);
        }
}
END_TEST

/* Nothing is said to a server of these that a client could have written. */
START_TEST(what_is_said_first_is_fixed)
{
    static const struct {
        enum config_starttls kind;
        bool answers;
        size_t n;
    } rows[] = {{CONFIG_STARTTLS_POSTGRES, false, 8}, {CONFIG_STARTTLS_LDAP, false, 31}, {CONFIG_STARTTLS_SMTP, false, 0}, {CONFIG_STARTTLS_IMAP, false, 0},
                {CONFIG_STARTTLS_MYSQL, false, 0},    {CONFIG_STARTTLS_POSTGRES, true, 0}, {CONFIG_STARTTLS_LDAP, true, 0},  {CONFIG_STARTTLS_MYSQL, true, 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct starttls s;
        starttls_init(&s, rows[i].kind, rows[i].answers);
        ck_assert_int_eq(starttls_begin(&s), 0);
        ck_assert_uint_eq(s.out.len, rows[i].n);
        starttls_clear(&s);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("starttls");
    TCase *t = tcase_create("starttls");
    tcase_add_loop_test(t, nobody_talks_for_ever, 0, sizeof(talkers) / sizeof(talkers[0]));
    tcase_add_test(t, more_than_a_talk_before_tls_can_be_is_refused_at_once);
    tcase_add_test(t, an_end_is_no_answer);
    tcase_add_test(t, what_is_said_first_is_fixed);
    suite_add_tcase(s, t);
    return s;
}
