/* SPDX-License-Identifier: Apache-2.0 */
#include "target_change.h"

#include "mtlsd/base/log.h"
#include "mtlsd/proxy/balancer.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct config_target confs[] = {{.text = "a:1", .weight = 3}, {.text = "a:2", .route = "worker1", .weight = 1}};
static struct config_upstream up_conf = {.name = "app"};
static struct plan_upstream upstream = {.conf = &up_conf};
static struct plan_target targets[] = {{.conf = &confs[0], .upstream = &upstream, .index = 0}, {.conf = &confs[1], .upstream = &upstream, .index = 1}};
static struct snapshot snapshot = {.targets = targets, .n_targets = 2};
static struct target_change change;
static char line[512];

static void keep_line(void *ctx, enum log_kind kind, enum log_level level, struct span text)
{
    (void)ctx;
    (void)kind;
    (void)level;
    snprintf(line, sizeof(line), "%.*s", (int)text.len, (const char *)text.ptr);
}

static enum target_change_result read_change(const char *path, const char *values)
{
    return target_change_read(span_from_str(path), span_from_str(values), &change);
}

START_TEST(reads_a_change_from_a_path)
{
    ck_assert_int_eq(read_change("/targets/app/worker1/drain", ""), TARGET_CHANGE_READ);
    ck_assert(span_equals_str(change.name, "app/worker1") && change.mode == TARGET_DRAINED && !change.weighs);
    ck_assert_str_eq(target_change_word(&change), "drained");
    ck_assert_int_eq(read_change("/targets/app/%5b::1%5D:80/disable", ""), TARGET_CHANGE_READ);
    ck_assert(span_equals_str(change.name, "app/[::1]:80") && change.mode == TARGET_DISABLED);
    ck_assert_int_eq(read_change("/targets/app/a:1/weight", "nonce=x&weight=12"), TARGET_CHANGE_READ);
    ck_assert(change.weighs && change.weight == 12);
    ck_assert_int_eq(read_change("/targets/app/a:1/weight", "weight=12x"), TARGET_CHANGE_BAD_WEIGHT);
    ck_assert_int_eq(read_change("/targets/app/%zz/drain", ""), TARGET_CHANGE_BAD_NAME);
    ck_assert_int_eq(read_change("/targets/app/a:1", ""), TARGET_CHANGE_ELSEWHERE);
    ck_assert_int_eq(read_change("/status", ""), TARGET_CHANGE_ELSEWHERE);
}
END_TEST

START_TEST(refuses_a_name_that_is_too_long)
{
    char path[TARGET_NAME_MAX_BYTES + 64];
    int n = snprintf(path, sizeof(path), "/targets/");
    memset(path + n, 'x', TARGET_NAME_MAX_BYTES + 1);
    snprintf(path + n + TARGET_NAME_MAX_BYTES + 1, sizeof("/drain"), "/drain");
    ck_assert_int_eq(read_change(path, ""), TARGET_CHANGE_BAD_NAME);
    snprintf(path + n + TARGET_NAME_MAX_BYTES, sizeof("/drain"), "/drain");
    ck_assert_int_eq(read_change(path, ""), TARGET_CHANGE_READ);
}
END_TEST

START_TEST(logs_what_was_changed_and_who_asked)
{
    snapshot.target_state = target_state_new(2);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, keep_line, NULL, NULL);
    ck_assert_int_eq(read_change("/targets/app/a:1/weight", "weight=0"), TARGET_CHANGE_READ);
    ck_assert_uint_eq(target_change_apply(&snapshot, &change, "uid 7"), 1);
    ck_assert_ptr_nonnull(strstr(line, "upstream=app target=a:1 weight=3 asked_by=\"uid 7\""));
    ck_assert_int_eq(read_change("/targets/app/worker1/disable", ""), TARGET_CHANGE_READ);
    ck_assert_uint_eq(target_change_apply(&snapshot, &change, "uid 7"), 1);
    ck_assert_ptr_nonnull(strstr(line, "target=worker1 asked_by"));
    ck_assert_int_eq(target_state_mode(snapshot.target_state, 1), TARGET_DISABLED);
    ck_assert_int_eq(read_change("/targets/app/a:9/drain", ""), TARGET_CHANGE_READ);
    line[0] = '\0';
    ck_assert_uint_eq(target_change_apply(&snapshot, &change, "uid 7"), 0);
    ck_assert_str_eq(line, "");
    target_state_free(snapshot.target_state);
}
END_TEST

START_TEST(finds_a_value_by_its_whole_name)
{
    struct span values = span_from_str("aa=1&a=2&b=&a=3&c");
    ck_assert(span_equals_str(target_change_value(values, "a"), "2"));
    ck_assert_uint_eq(target_change_value(values, "b").len, 0);
    ck_assert_ptr_nonnull(target_change_value(values, "b").ptr);
    ck_assert_ptr_null(target_change_value(values, "c").ptr);
    ck_assert_ptr_null(target_change_value(span_of(NULL, 0), "a").ptr);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("target_change");
    TCase *t = tcase_create("target_change");
    tcase_add_test(t, reads_a_change_from_a_path);
    tcase_add_test(t, refuses_a_name_that_is_too_long);
    tcase_add_test(t, logs_what_was_changed_and_who_asked);
    tcase_add_test(t, finds_a_value_by_its_whole_name);
    suite_add_tcase(s, t);
    return s;
}
