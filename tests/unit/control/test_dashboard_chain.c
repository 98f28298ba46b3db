/* SPDX-License-Identifier: Apache-2.0 */
#include "dashboard_parts.h"
#include "status_text.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

#define IDENTITIES "\"identities\":[{\"name\":\"me\",\"days_left\":%d}],"
#define LISTENER "\"listeners\":[{\"name\":\"in\",\"bind\":[\"127.0.0.1:1\"],\"tls\":true,\"identity\":\"me\",\"client_cert\":\"required\",\"leads_to\":[\"up\"]}],"
#define UPSTREAM(state) "\"upstreams\":[{\"name\":\"up\",\"tls\":true,\"identity\":\"me\",\"peer_days_left\":90,\"targets\":[{\"address\":\"a:1\",\"state\":\"" state "\"}]}],"

static const char *chain(int days, const char *upstream, const char *refusals)
{
    char json[4096];
    snprintf(json, sizeof(json), "{" IDENTITIES LISTENER "%s\"refusals\":[%s]}", days, upstream, refusals);
    return status_text_of(dashboard_chains, json);
}

START_TEST(a_chain_is_drawn_for_a_wide_and_for_a_narrow_window)
{
    const char *text = chain(100, UPSTREAM("up"), "");
    ck_assert_uint_eq(status_text_count(text, "<svg class=\"wide\""), 1);
    ck_assert_uint_eq(status_text_count(text, "<svg class=\"tall\""), 1);
    ck_assert_uint_eq(status_text_count(text, "class=\"way good\""), 6);
    ck_assert_ptr_nonnull(strstr(text, "aria-label=\"Clients to in to up to a:1\""));
    ck_assert_ptr_nonnull(strstr(text, "certificate ends in 100 days"));
    ck_assert_ptr_null(strstr(text, "bad"));
}
END_TEST

START_TEST(what_ends_soon_or_has_ended_is_marked)
{
    ck_assert_ptr_nonnull(strstr(chain(12, UPSTREAM("up"), ""), "class=\"box soon\""));
    const char *text = chain(-3, UPSTREAM("up"), "");
    ck_assert_ptr_nonnull(strstr(text, "class=\"box bad\""));
    ck_assert_ptr_nonnull(strstr(text, "certificate ended 3 days ago"));
}
END_TEST

START_TEST(it_is_red_where_it_breaks_with_the_last_reason_in_words)
{
    const char *text = chain(100, UPSTREAM("down"), "");
    ck_assert_uint_eq(status_text_count(text, "class=\"way bad\""), 2);
    text = chain(100, UPSTREAM("up"),
                 "{\"listener\":\"in\",\"upstream\":\"up\",\"age_seconds\":9,\"reason\":\"expired\",\"detail\":\"it expired\",\"hint\":\"renew it\"}");
    ck_assert_uint_eq(status_text_count(text, "class=\"way bad\""), 2);
    ck_assert_ptr_nonnull(strstr(text, "<strong>expired</strong> <span>it expired. What to do: renew it.</span>"));
    text = chain(100, UPSTREAM("up"), "{\"listener\":\"in\",\"age_seconds\":9,\"reason\":\"none\",\"detail\":\"d\",\"hint\":\"h\"}");
    ck_assert_uint_eq(status_text_count(text, "class=\"way soon\""), 2); /* a client was refused: that breaks nothing */
}
END_TEST

START_TEST(an_old_refusal_or_that_of_another_marks_nothing)
{
    ck_assert_ptr_null(strstr(chain(100, UPSTREAM("up"), "{\"listener\":\"in\",\"upstream\":\"up\",\"age_seconds\":901,\"reason\":\"expired\"}"), "expired"));
    ck_assert_ptr_null(strstr(chain(100, UPSTREAM("up"), "{\"listener\":\"x\",\"upstream\":\"other\",\"age_seconds\":1,\"reason\":\"expired\"}"), "expired"));
}
END_TEST

START_TEST(names_are_escaped) /* E1 */
{
    static const char json[] = "{\"listeners\":[{\"name\":\"<script>\",\"bind\":[\"<b>\"],\"leads_to\":[\"<i>\"]}],"
                               "\"upstreams\":[{\"name\":\"<i>\",\"targets\":[{\"address\":\"<u>\",\"state\":\"up\"}]}],"
                               "\"refusals\":[{\"upstream\":\"<i>\",\"age_seconds\":1,\"reason\":\"<s>\",\"detail\":\"<em>\",\"hint\":\"\\\"'\"}]}";
    const char *text = status_text_of(dashboard_chains, json);
    static const char *const tags[] = {"<script>", "<b>", "<i>", "<u>", "<s>", "<em>"};
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
        ck_assert_ptr_null(strstr(text, tags[i]));
    ck_assert_ptr_nonnull(strstr(text, "&lt;script&gt;"));
}
END_TEST

START_TEST(without_a_chain_there_is_a_sentence)
{
    ck_assert_ptr_nonnull(strstr(status_text_of(dashboard_chains, "{}"), "No listener leads to an upstream."));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("dashboard_chain");
    TCase *t = tcase_create("dashboard_chain");
    tcase_add_test(t, a_chain_is_drawn_for_a_wide_and_for_a_narrow_window);
    tcase_add_test(t, what_ends_soon_or_has_ended_is_marked);
    tcase_add_test(t, it_is_red_where_it_breaks_with_the_last_reason_in_words);
    tcase_add_test(t, an_old_refusal_or_that_of_another_marks_nothing);
    tcase_add_test(t, names_are_escaped);
    tcase_add_test(t, without_a_chain_there_is_a_sentence);
    suite_add_tcase(s, t);
    return s;
}
