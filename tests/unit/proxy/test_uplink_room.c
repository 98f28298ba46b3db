/* SPDX-License-Identifier: Apache-2.0 */
/* Which connection to an upstream others may join. */
#include "mtlsd/proxy/uplink.h"
#include "t.h"

static struct uplink one(void)
{
    return (struct uplink){.phase = UPLINK_CONNECTING, .is = {.may_http2 = true}};
}

START_TEST(one_that_may_come_to_http2_is_shared_while_it_opens)
{
    struct uplink u = one();
    ck_assert(uplink_may_share(&u) && uplink_has_room(&u));
    u.n_users = 99;
    ck_assert(uplink_has_room(&u));
    u.n_users = 100;
    ck_assert(uplink_may_share(&u) && !uplink_has_room(&u));
}
END_TEST

START_TEST(one_of_http1_is_not_shared)
{
    struct uplink u = one();
    u.is.may_http2 = false;
    ck_assert(!uplink_may_share(&u) && !uplink_has_room(&u));
    u = one();
    u.phase = UPLINK_OPEN; /* without a session of HTTP/2 */
    ck_assert(!uplink_has_room(&u));
}
END_TEST

START_TEST(one_that_ends_is_joined_by_nothing)
{
    struct uplink u = one();
    u.is.closing = true;
    ck_assert(!uplink_may_share(&u) && !uplink_has_room(&u));
    u = one();
    u.phase = UPLINK_RETIRED;
    ck_assert(!uplink_may_share(&u) && !uplink_has_room(&u));
    u = one();
    u.link.broken = true;
    ck_assert(!uplink_has_room(&u));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("uplink_room");
    TCase *t = tcase_create("uplink_room");
    tcase_add_test(t, one_that_may_come_to_http2_is_shared_while_it_opens);
    tcase_add_test(t, one_of_http1_is_not_shared);
    tcase_add_test(t, one_that_ends_is_joined_by_nothing);
    suite_add_tcase(s, t);
    return s;
}
