/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/policy/sticky.h"

#include <string.h>

static char worker1[] = "worker1", worker2[] = "worker2", cookie[] = "JSESSIONID";

static struct config_target targets[] = {
    {.address = {.host = "10.0.0.1", .port = 8080}, .route = worker1},
    {.address = {.host = "10.0.0.2", .port = 8080}, .route = worker2},
    {.address = {.host = "10.0.0.3", .port = 8080}},
    {.address = {.kind = ADDRESS_UNIX, .path = "/run/app.sock"}},
};

static struct config_upstream make_upstream(enum config_sticky how)
{
    return (struct config_upstream){.targets = targets, .n_targets = 4, .sticky = how, .sticky_cookie = cookie};
}

static const struct {
    const char *value, *suffix, *why;
} suffixes[] = {
    {"abc.worker1", "worker1", "Tomcat's jvmRoute"},
    {"abc.def.worker1", "worker1", "after the last dot"},
    {"\"abc.worker1\"", "worker1", "a value in quotes"},
    {"\"abc.worker1", "worker1", "a quote that is not closed belongs to the value"},
    {"abc.worker1\"", "worker1\"", "nor is one at the end alone taken off"},
    {"abc", "", "no dot"},
    {"abc.", "", "nothing after the dot"},
    {".worker1", "worker1", "nothing before it"},
    {"", "", "nothing at all"},
    {"\"\"", "", "quotes around nothing"},
    {"\"", "", "one quote"},
    {".", "", "a dot alone"},
};

START_TEST(reads_the_route_at_the_end_of_a_session)
{
    struct span got = sticky_suffix(span_from_str(suffixes[_i].value));
    ck_assert_msg(span_equals_str(got, suffixes[_i].suffix), "%s: \"%.*s\"", suffixes[_i].why, (int)got.len, (const char *)got.ptr);
}
END_TEST

static const struct {
    enum config_sticky how;
    const char *value;
    size_t index;
    const char *why;
} finds[] = {
    {CONFIG_STICKY_SUFFIX, "abc.worker1", 0, "the plain case"},
    {CONFIG_STICKY_SUFFIX, "abc.worker2", 1, "the other one"},
    {CONFIG_STICKY_SUFFIX, "\"abc.worker2\"", 1, "in quotes"},
    {CONFIG_STICKY_SUFFIX, "abc.worker3", SIZE_MAX, "a target that is gone"},
    {CONFIG_STICKY_SUFFIX, "abc.Worker1", SIZE_MAX, "case matters"},
    {CONFIG_STICKY_SUFFIX, "abc.worker", SIZE_MAX, "no prefix match"},
    {CONFIG_STICKY_SUFFIX, "abc.worker10", SIZE_MAX, "nor the other way"},
    {CONFIG_STICKY_SUFFIX, "worker1", SIZE_MAX, "a value without a dot has no suffix"},
    {CONFIG_STICKY_SUFFIX, "abc.", SIZE_MAX, "empty is not the target without a route"},
    {CONFIG_STICKY_INSERT, "worker1", 0, "the whole value"},
    {CONFIG_STICKY_INSERT, "\"worker1\"", 0, "in quotes"},
    {CONFIG_STICKY_INSERT, "abc.worker1", SIZE_MAX, "our own cookie has no session in front"},
    {CONFIG_STICKY_INSERT, "", SIZE_MAX, "an empty value"},
    {CONFIG_STICKY_INSERT, "10.0.0.3:8080", SIZE_MAX, "nobody chooses a target by its address"},
    {CONFIG_STICKY_NONE, "worker1", SIZE_MAX, "not sticky"},
    {CONFIG_STICKY_CLIENT_CERT, "worker1", SIZE_MAX, "sticky by something else"},
};

START_TEST(finds_the_target_a_cookie_names)
{
    struct config_upstream up = make_upstream(finds[_i].how);
    size_t got = sticky_find(&up, span_from_str(finds[_i].value));
    ck_assert_msg(got == finds[_i].index, "%s: %zu", finds[_i].why, got);
}
END_TEST

START_TEST(takes_no_empty_value_for_an_empty_route)
{
    static char empty[] = "";
    struct config_target unnamed = {.route = empty};
    struct config_upstream up = {.targets = &unnamed, .n_targets = 1, .sticky = CONFIG_STICKY_SUFFIX};
    ck_assert_uint_eq(sticky_find(&up, span_from_str("abc.")), SIZE_MAX);
    up.sticky = CONFIG_STICKY_INSERT;
    ck_assert_uint_eq(sticky_find(&up, span_from_str("")), SIZE_MAX);
}
END_TEST

START_TEST(finds_again_what_it_wrote_for_every_target)
{
    struct config_upstream up = make_upstream(CONFIG_STICKY_INSERT), by_suffix = make_upstream(CONFIG_STICKY_SUFFIX);
    for (size_t i = 0; i < up.n_targets; i++) {
        char out[32];
        struct span value = sticky_value(&targets[i], out, sizeof(out));
        ck_assert_uint_gt(value.len, 0);
        ck_assert_uint_eq(sticky_find(&up, value), i);
        if (targets[i].route == NULL) {
            char session[64] = "abc.";
            memcpy(session + 4, out, value.len + 1);
            ck_assert_uint_eq(sticky_find(&by_suffix, span_from_str(session)), SIZE_MAX);
        }
    }
}
END_TEST

START_TEST(names_a_target_without_a_route_by_sixteen_digits_that_stay)
{
    char first[17], again[17], other[17];
    struct span value = sticky_value(&targets[2], first, sizeof(first));
    ck_assert_uint_eq(value.len, 16);
    ck_assert_uint_eq(strspn(first, "0123456789abcdef"), 16);
    struct config_target moved = targets[2];
    moved.weight = 7;
    sticky_value(&moved, again, sizeof(again));
    ck_assert_str_eq(first, again);
    moved.address.port = 8081;
    sticky_value(&moved, other, sizeof(other));
    ck_assert_str_ne(first, other);
}
END_TEST

START_TEST(gives_no_half_value)
{
    char small[7];
    ck_assert_uint_eq(sticky_value(&targets[0], small, sizeof(small)).len, 0);
    ck_assert_uint_eq(sticky_value(&targets[2], small, sizeof(small)).len, 0);
}
END_TEST

START_TEST(writes_a_cookie_that_scripts_cannot_read)
{
    struct config_upstream up = make_upstream(CONFIG_STICKY_INSERT);
    struct bytes out;
    bytes_init(&out, 512);
    ck_assert_int_eq(sticky_set_cookie(&out, &up, &targets[0], false), 0);
    ck_assert(span_equals_str(bytes_span(&out), "Set-Cookie: JSESSIONID=worker1; Path=/; HttpOnly; SameSite=Lax\r\n"));
    bytes_clear(&out);
    ck_assert_int_eq(sticky_set_cookie(&out, &up, &targets[1], true), 0);
    ck_assert(span_equals_str(bytes_span(&out), "Set-Cookie: JSESSIONID=worker2; Path=/; HttpOnly; SameSite=Lax; Secure\r\n"));
    bytes_clear(&out);
    char hex[17], expected[128] = "Set-Cookie: JSESSIONID=";
    sticky_value(&targets[3], hex, sizeof(hex));
    ck_assert_int_eq(sticky_set_cookie(&out, &up, &targets[3], false), 0);
    struct span got = bytes_span(&out);
    size_t n = strlen(expected);
    ck_assert(got.len > n + 16 && memcmp(got.ptr, expected, n) == 0 && memcmp(got.ptr + n, hex, 16) == 0);
    bytes_clear(&out);
}
END_TEST

START_TEST(says_when_there_is_no_room_for_a_cookie)
{
    struct config_upstream up = make_upstream(CONFIG_STICKY_INSERT);
    struct bytes out;
    bytes_init(&out, 20);
    ck_assert_int_eq(sticky_set_cookie(&out, &up, &targets[0], false), -1);
    bytes_clear(&out);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sticky");
    TCase *t = tcase_create("sticky");
    tcase_add_loop_test(t, reads_the_route_at_the_end_of_a_session, 0, sizeof(suffixes) / sizeof(suffixes[0]));
    tcase_add_loop_test(t, finds_the_target_a_cookie_names, 0, sizeof(finds) / sizeof(finds[0]));
    tcase_add_test(t, takes_no_empty_value_for_an_empty_route);
    tcase_add_test(t, finds_again_what_it_wrote_for_every_target);
    tcase_add_test(t, names_a_target_without_a_route_by_sixteen_digits_that_stay);
    tcase_add_test(t, gives_no_half_value);
    tcase_add_test(t, writes_a_cookie_that_scripts_cannot_read);
    tcase_add_test(t, says_when_there_is_no_room_for_a_cookie);
    suite_add_tcase(s, t);
    return s;
}
