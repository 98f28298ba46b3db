/* SPDX-License-Identifier: Apache-2.0 */
/* E2: a program passes a limit by its user or group, and never where the kernel does not know it. */
#include "t.h"

#include "mtlsd/policy/caller.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t uids[] = {5, 1000, 4000000000U, CALLER_OVERFLOW_ID}, gids[] = {7, 50}, members[] = {2000};
static const struct caller_limit limit = {"identity", "payments", {uids, 4}, {gids, 2}, {members, 1}};
static const struct caller_user users[] = {{0, "root"}, {5, "games"}, {1001, "mallory"}};
static const struct caller_names names = {users, 3};

static const struct {
    const char *why;
    bool known, groups_known;
    uint32_t uid, gid;
    bool passes;
} rows[] = {
    {"listed first", true, false, 5, 0, true},
    {"listed later", true, false, 1000, 0, true},
    {"a large number", true, false, 4000000000U, 0, true},
    {"not listed", true, false, 1001, 0, false},
    {"root is a user like others", true, false, 0, 0, false},
    {"unknown, whatever it says beside", false, true, 5, 7, false},
    {"a user without a number here, also where it is listed", true, false, CALLER_OVERFLOW_ID, 0, false},
    {"in a listed group", true, true, 1001, 50, true},
    {"in another group", true, true, 1001, 51, false},
    {"a listed group that is not known to be its", true, false, 1001, 50, false},
    {"a user of the group by the database, where groups are unknown", true, false, 2000, 0, true},
    {"the same, but its groups are known", true, true, 2000, 3, false},
};

static struct caller *make(bool known, bool groups_known, uint32_t uid, uint32_t gid)
{
    struct caller *c = caller_new(1);
    ck_assert_ptr_nonnull(c);
    c->known = known;
    c->groups_known = groups_known;
    c->uid = uid;
    c->gids[0] = gid;
    return c;
}

START_TEST(passes_by_user_or_group)
{
    struct caller *c = make(rows[_i].known, rows[_i].groups_known, rows[_i].uid, rows[_i].gid);
    ck_assert_msg(caller_passes(&limit, c) == rows[_i].passes, "%s", rows[_i].why);
    free(c);
}
END_TEST

START_TEST(nothing_passes_before_it_is_known)
{
    struct caller *c = caller_new(0);
    ck_assert(!caller_passes(&limit, c) && !caller_passes(&limit, NULL));
    struct err err = {0};
    caller_refuse(&limit, c, &names, &err);
    ck_assert_ptr_nonnull(strstr(err.text, "is unknown, because"));
    free(c);
}
END_TEST

START_TEST(a_refusal_says_who_and_which_key)
{
    static const struct {
        uint32_t uid;
        const char *program, *says;
    } texts[] = {
        {1001, "curl", "user mallory (uid 1001, program curl) may not use identity \"payments\": if it should, add \"mallory\" to allow_uids of the identity"},
        {1001, "", "user mallory (uid 1001) may not use identity \"payments\": if it should, add \"mallory\" to allow_uids of the identity"},
        {77, "", "the user with uid 77 may not use identity \"payments\": if it should, add \"77\" to allow_uids of the identity"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct caller *c = make(true, false, texts[i].uid, 0);
        struct err err = {0};
        strcat(c->program, texts[i].program);
        caller_refuse(&limit, c, &names, &err);
        ck_assert_str_eq(err.text, texts[i].says);
        free(c);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("caller");
    TCase *t = tcase_create("caller");
    tcase_add_loop_test(t, passes_by_user_or_group, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(t, nothing_passes_before_it_is_known);
    tcase_add_test(t, a_refusal_says_who_and_which_key);
    suite_add_tcase(s, t);
    return s;
}
