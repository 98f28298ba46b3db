/* SPDX-License-Identifier: Apache-2.0 */
/* What an upstream says becomes events of who asked: here a user that writes them down. */
#include "lone.h"
#include "mtlsd/proxy/uplink.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct config_upstream conf;
static struct config_target target_conf;
static struct plan_upstream upstream;
static struct plan_target target;
static struct lone l;
static struct uplink *u;
static struct uplink_use use;
static char seen[512];
static bool wanted, leaves_at_end;

static void note(const char *what, struct span text)
{
    size_t n = strlen(seen);
    snprintf(seen + n, sizeof(seen) - n, "%s%.*s;", what, (int)text.len, text.len > 0 ? (const char *)text.ptr : "");
}

static void note_only(const char *what)
{
    note(what, span_of(NULL, 0));
}

static void on_open(struct uplink_use *at, struct moment now)
{
    (void)at;
    (void)now;
}

static void on_failed(struct uplink_use *at, enum reason reason, const char *text, const char *hint, struct moment now)
{
    (void)reason;
    (void)now;
    note(hint != NULL ? "failed with a hint " : "failed ", span_from_str(text));
    uplink_leave(at);
    pool_retire(l.env.pool, u);
}

static bool takes(const struct uplink_use *at)
{
    (void)at;
    return wanted;
}

static void on_sent(struct uplink_use *at, size_t n, struct moment now)
{
    (void)at;
    (void)n;
    (void)now;
}

static bool on_bytes(struct uplink_use *at, struct span in, struct moment now)
{
    (void)at;
    (void)in;
    (void)now;
    return wanted;
}

static void on_head(struct uplink_use *at, const struct http_head *head, struct moment now)
{
    (void)at;
    (void)now;
    char status[8];
    snprintf(status, sizeof(status), "%u", head->status);
    note(status, span_of(NULL, 0));
}

static void on_data(struct uplink_use *at, struct span data, struct moment now)
{
    (void)at;
    (void)now;
    note("data ", data);
}

static void on_trailers(struct uplink_use *at, const struct http_head *head, struct moment now)
{
    (void)at;
    (void)now;
    note("trailer ", head->fields[0].name);
}

static void on_end(struct uplink_use *at, bool reusable, struct moment now)
{
    (void)now;
    note_only(reusable ? "end, reusable" : "end");
    if (leaves_at_end)
        uplink_leave(at);
}

static void on_switched(struct uplink_use *at, struct span left, struct moment now)
{
    (void)at;
    (void)now;
    note("switched ", left);
}

static const struct uplink_events events = {.on_open = on_open, .on_failed = on_failed, .takes = takes, .on_sent = on_sent, .on_bytes = on_bytes,
                                            .on_head = on_head, .on_data = on_data, .on_trailers = on_trailers, .on_end = on_end, .on_switched = on_switched};

static void begin(bool http)
{
    static const struct moment now = {.us = 1000000};
    struct err err = {0};
    conf = (struct config_upstream){.connect_ms = 5000};
    target_conf = (struct config_target){.address = {.kind = ADDRESS_TCP, .host = "a.example", .port = 80}};
    upstream = (struct plan_upstream){.conf = &conf};
    target = (struct plan_target){.conf = &target_conf, .upstream = &upstream};
    const struct dial dial = {.target = &target, .address = &target_conf.address};
    lone_open(&l, &target, now);
    use = (struct uplink_use){.events = &events};
    u = uplink_new(&l.env, &dial, http ? UPLINK_HTTP : UPLINK_RAW, NULL, now, &err);
    ck_assert_ptr_nonnull(u);
    uplink_join(u, &use);
    seen[0] = '\0';
    wanted = true;
    leaves_at_end = false;
    lone_turn(&l);
    lone_connected(&l);
}

static void end(void)
{
    if (l.asked != NULL) {
        uplink_leave(&use);
        pool_retire(l.env.pool, u);
    }
    lone_close(&l);
}

START_TEST(a_response_is_taken_apart_with_any_cut)
{
    static const char response[] = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n\r\n";
    begin(true);
    if (_i == 0)
        lone_give(&l, span_from_str(response));
    for (const char *p = response; _i == 1 && *p != '\0'; p++)
        lone_give(&l, span_of(p, 1));
    ck_assert_msg(strncmp(seen, "103;end", 7) == 0, "%s", seen);
    ck_assert_msg(strstr(seen, _i == 0 ? "200;data hi;trailer A;end, reusable;" : "200;data h;data i;trailer A;end, reusable;") != NULL, "%s", seen);
    end();
}
END_TEST

START_TEST(bytes_behind_a_response_make_it_useless)
{
    begin(true);
    leaves_at_end = true;
    lone_give(&l, span_from_str("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore"));
    ck_assert_str_eq(seen, "200;end;");
    pool_retire(l.env.pool, u);
    lone_close(&l);
}
END_TEST

START_TEST(what_is_not_wanted_is_not_taken_apart)
{
    begin(true);
    wanted = false;
    lone_give(&l, span_from_str("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    ck_assert_str_eq(seen, "");
    ck_assert(!uplink_wants_read(u));
    end();
}
END_TEST

static const struct {
    const char *said, *seen;
} ends[] = {
    {"", "failed the upstream closed without an answer;"},
    {"HTTP/1.1 200 OK\r\nContent-Le", "failed the upstream closed in the middle of its answer;"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", "200;data he;failed the upstream closed in the middle of its answer;"},
    {"HTTP/1.1 200 OK\r\n\r\nhe", "200;data he;end;"},
};

START_TEST(an_end_means_what_the_framing_says) /* B7 */
{
    begin(true);
    if (ends[_i].said[0] != '\0')
        lone_give(&l, span_from_str(ends[_i].said));
    lone_end(&l);
    ck_assert_str_eq(seen, ends[_i].seen);
    end();
}
END_TEST

START_TEST(what_is_no_response_fails_and_one_in_http2_gets_a_hint)
{
    begin(true);
    lone_give(&l, span_from_str("SSH-2.0-OpenSSH_9.2p1\r\n\r\n"));
    ck_assert_int_eq(strncmp(seen, "failed ", 7), 0);
    end();
    begin(true);
    lone_give(&l, span_of("\0\0\0\4\0\0\0\0\0", 9));
    ck_assert_int_eq(strncmp(seen, "failed with a hint ", 19), 0);
    end();
}
END_TEST

START_TEST(without_http_all_bytes_are_data)
{
    begin(false);
    lone_give(&l, span_from_str("220 hello"));
    lone_end(&l);
    lone_end(&l);
    ck_assert_str_eq(seen, "data 220 hello;end;");
    ck_assert(!uplink_wants_read(u));
    end();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("uplink_in");
    TCase *t = tcase_create("uplink_in");
    tcase_add_loop_test(t, a_response_is_taken_apart_with_any_cut, 0, 2);
    tcase_add_test(t, bytes_behind_a_response_make_it_useless);
    tcase_add_test(t, what_is_not_wanted_is_not_taken_apart);
    tcase_add_loop_test(t, an_end_means_what_the_framing_says, 0, (int)(sizeof(ends) / sizeof(ends[0])));
    tcase_add_test(t, what_is_no_response_fails_and_one_in_http2_gets_a_hint);
    tcase_add_test(t, without_http_all_bytes_are_data);
    suite_add_tcase(s, t);
    return s;
}
