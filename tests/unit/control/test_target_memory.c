/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/target_memory.h"

#include "mtlsd/base/log.h"
#include "t.h"

#include <string.h>

static struct config_target confs[] = {{.text = "a:1", .weight = 3}, {.text = "[::1]:2", .weight = 1}, {.text = "a:3", .route = "w?1", .weight = 1}};
static struct config_upstream up_conf = {.name = "app"};
static struct plan_upstream upstream = {.conf = &up_conf};
static struct plan_target targets[] = {{.conf = &confs[0], .upstream = &upstream, .index = 0}, {.conf = &confs[1], .upstream = &upstream, .index = 1},
                                       {.conf = &confs[2], .upstream = &upstream, .index = 2}};
static struct snapshot old, next;
static struct bytes text;

static void set_up(void)
{
    old = next = (struct snapshot){.targets = targets, .n_targets = 3};
    old.target_state = target_state_new(3);
    next.target_state = target_state_new(3);
    bytes_init(&text, 65536);
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, NULL, NULL);
}

static void tear_down(void)
{
    target_state_free(old.target_state);
    target_state_free(next.target_state);
    bytes_clear(&text);
}

START_TEST(nothing_is_told_of_targets_as_configured)
{
    ck_assert_int_eq(target_memory_write(&text, &old), 0);
    ck_assert_uint_eq(text.len, 0);
}
END_TEST

START_TEST(what_one_process_tells_the_next_one_does_again)
{
    target_state_set_mode(old.target_state, 0, TARGET_DRAINED);
    target_state_set_weight(old.target_state, 0, 7);
    target_state_set_mode(old.target_state, 2, TARGET_DISABLED);
    target_state_set_weight(old.target_state, 1, 256);
    ck_assert_int_eq(target_memory_write(&text, &old), 0);
    target_memory_restore(&next, bytes_span(&text));
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(target_state_mode(next.target_state, i), target_state_mode(old.target_state, i));
        ck_assert_uint_eq(target_state_weight(next.target_state, i), target_state_weight(old.target_state, i));
    }
}
END_TEST

START_TEST(a_line_that_is_not_understood_changes_nothing)
{
    static const char *const lines[] = {"", "\n", "/status\n", "/targets/app/gone/drain\n", "/targets/app/a:1/explode\n", "/targets/app/a:1/weight\n",
                                        "/targets/app/a:1/weight?weight=257\n", "/targets/app/%/drain\n", "/targets/app/a:1/drain"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        target_memory_restore(&next, span_from_str(lines[i]));
        ck_assert_int_eq(target_memory_write(&text, &next), 0);
        ck_assert_msg(text.len == 0, "%s", lines[i]);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("target_memory");
    TCase *t = tcase_create("target_memory");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, nothing_is_told_of_targets_as_configured);
    tcase_add_test(t, what_one_process_tells_the_next_one_does_again);
    tcase_add_test(t, a_line_that_is_not_understood_changes_nothing);
    suite_add_tcase(s, t);
    return s;
}
