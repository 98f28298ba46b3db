/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/report.h"
#include "t.h"

static const struct {
    enum reason reason;
    enum refused_by by;
    const char *why;
} rows[] = {
    {REASON_VALID, REFUSED_BY_NOBODY, "nothing was refused"},
    {REASON_UNDECIDED, REFUSED_BY_NOBODY, "nobody has decided"},
    {REASON_EXPIRED, REFUSED_BY_US, "we judged a certificate"},
    {REASON_NONE, REFUSED_BY_US, "we asked for a certificate"},
    {REASON_NOT_ALLOWED, REFUSED_BY_US, "our rules"},
    {REASON_OUR_CERTIFICATE_NOT_REQUESTED, REFUSED_BY_US, "we insist on being asked"},
    {REASON_REQUEST_MALFORMED, REFUSED_BY_US, "our parser"},
    {REASON_OUR_CERTIFICATE_REFUSED, REFUSED_BY_PEER, "the peer's alert"},
    {REASON_UPSTREAM_PROTOCOL, REFUSED_BY_PEER, "what the peer said"},
    {REASON_CLIENT_REFUSED_CERTIFICATE, REFUSED_BY_PEER, "the client's alert, or its going"},
    {REASON_RENEGOTIATION, REFUSED_BY_US, "we never do it"},
    {REASON_CLIENT_CLOSED, REFUSED_BY_PEER, "the client left"},
    {REASON_CONNECT_REFUSED, REFUSED_BY_NETWORK, "no connection"},
    {REASON_DNS_FAILED, REFUSED_BY_NETWORK, "no address"},
    {REASON_TRUNCATED, REFUSED_BY_NETWORK, "a cut"},
    {REASON_HANDSHAKE_TIMEOUT, REFUSED_BY_NETWORK, "silence"},
};

START_TEST(says_whose_no_it_was)
{
    ck_assert_msg(report_blame(rows[_i].reason) == rows[_i].by, "%s", rows[_i].why);
}
END_TEST

START_TEST(has_a_word_for_everybody_but_nobody)
{
    ck_assert_ptr_null(report_blame_word(REFUSED_BY_NOBODY));
    ck_assert_str_eq(report_blame_word(REFUSED_BY_US), "us");
    ck_assert_str_eq(report_blame_word(REFUSED_BY_PEER), "peer");
    ck_assert_str_eq(report_blame_word(REFUSED_BY_NETWORK), "network");
}
END_TEST

START_TEST(blames_somebody_for_every_refusal)
{
    for (enum reason r = REASON_NONE; r < REASON_COUNT; r++)
        ck_assert_int_ne(report_blame(r), REFUSED_BY_NOBODY);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("report");
    TCase *t = tcase_create("report");
    tcase_add_loop_test(t, says_whose_no_it_was, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(t, has_a_word_for_everybody_but_nobody);
    tcase_add_test(t, blames_somebody_for_every_refusal);
    suite_add_tcase(s, t);
    return s;
}
