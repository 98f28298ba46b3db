/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/served.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

#define NONCE "0123456789abcdef0123456789abcdef"
#define FORM "nonce=" NONCE "&target=partner%2F127.0.0.1%3A9000&weight=7&do="

enum { MAX_FIELDS = 6 };

static struct config_target target_conf = {.text = "127.0.0.1:9000", .weight = 1};
static struct config_upstream upstream_conf = {.name = "partner", .targets = &target_conf, .n_targets = 1};
static struct config_listener listener_conf = {.name = "public"};
static struct config config = {.path = "/etc/mtlsd.conf", .listeners = &listener_conf, .n_listeners = 1, .upstreams = &upstream_conf, .n_upstreams = 1};
static struct plan_target plan;
static struct plan_upstream upstream = {.conf = &upstream_conf, .targets = &plan, .n_targets = 1};
static struct plan_target plan = {.conf = &target_conf, .upstream = &upstream};
static struct plan_route route = {.upstream = &upstream};
static struct plan_listener listener = {.conf = &listener_conf, .routes = &route, .n_routes = 1};
static struct snapshot snapshot = {.config = &config, .generation = 3, .upstreams = &upstream, .targets = &plan, .n_targets = 1, .listeners = &listener};
static struct counters counters;
static struct bytes out;
static struct admin_view view;
static bool outside;
static char text[1 << 17];

static void begin(void)
{
    outside = false;
    bytes_init(&out, 1 << 20);
    ck_assert_int_eq(counters_init(&counters, 4), 0);
    snapshot.target_state = target_state_new(1);
    view = (struct admin_view){.version = "t", .now = 1800000100, .started = 1800000000, .workers = 2, .ready = true, .snapshot = &snapshot, .counters = &counters};
}

static void end(void)
{
    bytes_clear(&out);
    counters_clear(&counters);
    target_state_free(snapshot.target_state);
}

struct asked {
    enum config_serve what;
    const char *method, *target;
    const char *fields[2 * MAX_FIELDS + 1];
    const char *form;
    bool full;
};

static enum admin_action ask(const struct asked *a)
{
    struct http_field values[MAX_FIELDS];
    struct http_head rq = {.request = true, .minor = 1, .method = span_from_str(a->method), .target = span_from_str(a->target), .fields = values};
    for (; a->fields[2 * rq.n_fields] != NULL; rq.n_fields++)
        values[rq.n_fields] = (struct http_field){span_from_str(a->fields[2 * rq.n_fields]), span_from_str(a->fields[2 * rq.n_fields + 1])};
    struct served_question q = {.what = a->what, .head = &rq, .form = span_from_str(a->form), .nonce = NONCE, .full = a->full, .outside = outside};
    bytes_clear(&out);
    enum admin_action action = served_answer(&out, &q, &view);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, out.len > 0 ? (const char *)bytes_span(&out).ptr : "");
    return action;
}

static unsigned status(void)
{
    unsigned n = 0;
    ck_assert_int_eq(sscanf(text, "HTTP/1.1 %3u", &n), 1);
    return n;
}

static const struct page {
    struct asked asked;
    unsigned status;
    const char *says, *why;
} pages[] = {
    {{CONFIG_SERVE_STATUS, "GET", "/x/status", {0}, NULL, 0}, 200, "\"generation\": 3", "whatever the route calls it"},
    {{CONFIG_SERVE_STATUS, "POST", "/", {0}, FORM "drain", 0}, 405, "Allow: GET, HEAD", "the status changes nothing"},
    {{CONFIG_SERVE_HEALTH, "GET", "/a/livez", {0}, NULL, 0}, 200, "live", "alive"},
    {{CONFIG_SERVE_HEALTH, "GET", "/a", {0}, NULL, 0}, 200, "ready", "ready, without a word for it"},
    {{CONFIG_SERVE_HEALTH, "GET", "/a?/livez", {0}, NULL, 0}, 200, "ready", "a query is no path"},
    {{CONFIG_SERVE_HEALTH, "DELETE", "/a", {0}, NULL, 0}, 405, "Allow: GET, HEAD", "nothing else"},
    {{CONFIG_SERVE_METRICS, "GET", "/m", {0}, NULL, 0}, 200, "mtlsd_build_info", "for Prometheus"},
    {{CONFIG_SERVE_DASHBOARD, "GET", "/d", {0}, NULL, 0}, 200, "Content-Type: text/html; charset=utf-8", "the page"},
    {{CONFIG_SERVE_DASHBOARD, "GET", "/d?json", {0}, NULL, 0}, 200, "\"generation\": 3", "its twin"},
    {{CONFIG_SERVE_DASHBOARD, "GET", "/d", {"Accept", "application/json", NULL}, NULL, 0}, 200, "\"generation\": 3", "its twin by Accept"},
    {{CONFIG_SERVE_DASHBOARD, "GET", "/d", {"Accept", "text/html,application/json", NULL}, NULL, 0}, 200, "<!doctype html>", "browsers take HTML"},
    {{CONFIG_SERVE_DASHBOARD, "GET", "/d?events", {0}, NULL, true}, 503, "too many dashboards", "as many as there may be"},
    {{CONFIG_SERVE_DASHBOARD, "PUT", "/d", {0}, FORM "drain", 0}, 405, "Allow: GET, HEAD, POST", "E6: no change by anything but POST"},
    {{CONFIG_SERVE_DASHBOARD, "GET", "/d?" FORM "drain", {0}, FORM "drain", 0}, 200, "<!doctype html>", "E6: no change by GET"},
};

START_TEST(shows_what_the_route_serves)
{
    const struct page *page = &pages[_i];
    ck_assert_msg(ask(&page->asked) == ADMIN_ANSWERED, "%s", page->why);
    ck_assert_msg(status() == page->status && strstr(text, page->says) != NULL, "%s: %s", page->why, text);
    ck_assert_int_eq(target_state_mode(snapshot.target_state, 0), TARGET_ENABLED);
}
END_TEST

START_TEST(a_draining_daemon_is_not_healthy)
{
    view.draining = true;
    ask(&(struct asked){CONFIG_SERVE_HEALTH, "GET", "/", {0}, NULL, 0});
    ck_assert_uint_eq(status(), 503);
}
END_TEST

/* E6: beyond this host nothing is told but a word. */
static const struct outside {
    const char *method, *target;
    unsigned status;
    const char *says;
} outsides[] = {
    {"GET", "/livez", 200, "\"live\""},         {"GET", "/readyz", 200, "\"ready\""},       {"GET", "/readyz?x=/livez", 200, "\"ready\""},
    {"HEAD", "/readyz", 200, "HTTP/1.1 200"},   {"GET", "/readyz/", 404, "GET /livez"},     {"GET", "/x/livez", 404, "GET /livez"},
    {"GET", "/", 404, "GET /livez"},            {"GET", "/status", 404, "GET /livez"},      {"GET", "/metrics", 404, "GET /livez"},
    {"GET", "/refusals", 404, "GET /livez"},    {"POST", "/drain", 404, "GET /livez"},      {"POST", "/reload", 404, "GET /livez"},
    {"POST", "/livez", 405, "Allow: GET, HEAD"}, {"GET", "http://a/livez", 404, "GET /livez"}, {"GET", "*", 404, "GET /livez"},
};

START_TEST(other_hosts_are_told_two_words)
{
    const struct outside *o = &outsides[_i];
    outside = true;
    view.room = (struct admin_room){.clients = 7, .most_clients = 4242};
    ck_assert_int_eq(ask(&(struct asked){CONFIG_SERVE_HEALTH, o->method, o->target, {"Host", "rebound.example", NULL}, NULL, 0}), ADMIN_ANSWERED);
    ck_assert_msg(status() == o->status && strstr(text, o->says) != NULL, "%s %s: %s", o->method, o->target, text);
    ck_assert_msg(strstr(text, "4242") == NULL && strstr(text, "detail\": \"7") == NULL, "%s", text);
}
END_TEST

START_TEST(other_hosts_get_the_reason_without_a_name)
{
    outside = true;
    view.draining = true;
    ask(&(struct asked){CONFIG_SERVE_HEALTH, "GET", "/readyz", {0}, NULL, 0});
    ck_assert_uint_eq(status(), 503);
    ck_assert_ptr_nonnull(strstr(text, "\"draining\""));
    view.draining = false;
    view.room.full = true;
    view.room.most_clients = 4242;
    ask(&(struct asked){CONFIG_SERVE_HEALTH, "GET", "/readyz", {0}, NULL, 0});
    ck_assert_uint_eq(status(), 503);
    ck_assert_msg(strstr(text, "\"full\"") != NULL && strstr(text, "detail") == NULL, "%s", text);
}
END_TEST

START_TEST(the_answer_to_head_has_no_body)
{
    ask(&(struct asked){CONFIG_SERVE_DASHBOARD, "HEAD", "/", {0}, NULL, 0});
    ck_assert_uint_eq(status(), 200);
    ck_assert_str_eq(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    ck_assert_ptr_null(strstr(text, "Content-Length: 0\r\n"));
}
END_TEST

START_TEST(a_stream_begins_with_a_head_and_goes_on_with_the_page)
{
    ck_assert_int_eq(ask(&(struct asked){CONFIG_SERVE_DASHBOARD, "GET", "/d?events", {0}, NULL, 0}), ADMIN_STREAM);
    ck_assert_ptr_nonnull(strstr(text, "Content-Type: text/event-stream\r\n"));
    ck_assert_ptr_null(strstr(text, "Content-Length"));
    bytes_clear(&out);
    ck_assert_int_eq(served_event(&out, NONCE, &view), 0);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, (const char *)bytes_span(&out).ptr);
    ck_assert_ptr_eq(strstr(text, "data: <section id=\"instance\">"), text);
    ck_assert_str_eq(text + strlen(text) - 2, "\n\n");
    for (const char *line = text; (line = strchr(line, '\n')) != NULL && line[1] != '\n' && line[1] != '\0'; line++)
        ck_assert_int_eq(strncmp(line + 1, "data: ", 6), 0);
}
END_TEST

/* E1 and E6: forms that another page, or no page, could have sent. */
static const struct form {
    const char *fields[2 * MAX_FIELDS + 1];
    const char *form;
    unsigned status;
    const char *why;
} forms[] = {
    {{"Host", "a:1", "Origin", "http://a:1", "Sec-Fetch-Site", "same-origin", NULL}, FORM "drain", 303, "the page itself"},
    {{"Host", "a.example", "Origin", "https://A.example", NULL}, FORM "drain", 303, "over TLS"},
    {{"Host", "a:1", NULL}, FORM "drain", 303, "a program that read the page"},
    {{"Host", "a:1", "Origin", "http://b:1", NULL}, FORM "drain", 403, "another origin"},
    {{"Host", "a:1", "Origin", "http://a:2", NULL}, FORM "drain", 403, "another port"},
    {{"Host", "a:1", "Origin", "null", NULL}, FORM "drain", 403, "a page without an origin"},
    {{"Host", "a:1", "Origin", "", NULL}, FORM "drain", 403, "an empty origin"},
    {{"Host", "", "Origin", "http://", NULL}, FORM "drain", 403, "an empty host"},
    {{"Host", "a:1", "Origin", "http://a:1", "Sec-Fetch-Site", "same-site", NULL}, FORM "drain", 403, "a sister"},
    {{"Host", "a:1", "Sec-Fetch-Site", "cross-site", NULL}, FORM "drain", 403, "another site"},
    {{"Host", "a:1", "Origin", "http://a:1", "Origin", "http://b:1", NULL}, FORM "drain", 403, "two origins"},
    {{"Host", "a:1", NULL}, "target=partner%2F127.0.0.1%3A9000&do=drain", 403, "no nonce"},
    {{"Host", "a:1", NULL}, "nonce=&target=partner%2F127.0.0.1%3A9000&do=drain", 403, "an empty nonce"},
    {{"Host", "a:1", NULL}, "nonce=0123456789abcdef0123456789abcdee&target=partner%2F127.0.0.1%3A9000&do=drain", 403, "another nonce"},
    {{"Host", "a:1", NULL}, "nonce=" NONCE "0&target=partner%2F127.0.0.1%3A9000&do=drain", 403, "a longer nonce"},
    {{"Host", "a:1", NULL}, NULL, 403, "no form"},
    {{"Host", "a:1", NULL}, FORM "explode", 400, "no such change"},
    {{"Host", "a:1", NULL}, "nonce=" NONCE "&do=drain", 400, "no target"},
    {{"Host", "a:1", NULL}, "nonce=" NONCE "&target=partner%2Fgone&do=drain", 404, "a target that has gone"},
    {{"Host", "a:1", NULL}, "nonce=" NONCE "&target=partner%2F127.0.0.1%3A9000&do=weight&weight=999", 400, "too much weight"},
};

START_TEST(changes_only_what_its_own_page_asks)
{
    const struct form *f = &forms[_i];
    struct asked a = {CONFIG_SERVE_DASHBOARD, "POST", "/d", {0}, f->form, 0};
    memcpy(a.fields, f->fields, sizeof(a.fields));
    ask(&a);
    ck_assert_msg(status() == f->status, "%s: %s", f->why, text);
    ck_assert_msg((target_state_mode(snapshot.target_state, 0) == TARGET_DRAINED) == (f->status == 303), "%s", f->why);
    if (f->status == 303)
        ck_assert_ptr_nonnull(strstr(text, "Location: ?\r\n"));
}
END_TEST

START_TEST(each_button_does_what_it_says)
{
    static const char *const host[] = {"Host", "a:1", NULL};
    struct asked a = {CONFIG_SERVE_DASHBOARD, "POST", "/d", {host[0], host[1], NULL}, FORM "disable", 0};
    ask(&a);
    ck_assert_int_eq(target_state_mode(snapshot.target_state, 0), TARGET_DISABLED);
    a.form = FORM "enable";
    ask(&a);
    ck_assert_int_eq(target_state_mode(snapshot.target_state, 0), TARGET_ENABLED);
    ck_assert_uint_eq(target_state_weight(snapshot.target_state, 0), 0);
    a.form = FORM "weight";
    ask(&a);
    ck_assert_uint_eq(target_state_weight(snapshot.target_state, 0), 7);
}
END_TEST

START_TEST(says_so_when_there_is_no_room_for_the_answer)
{
    struct bytes small;
    struct http_head rq = {.request = true, .method = span_from_str("GET"), .target = span_from_str("/")};
    struct served_question q = {.what = CONFIG_SERVE_DASHBOARD, .head = &rq, .nonce = NONCE};
    bytes_init(&small, 16);
    ck_assert_int_eq(served_answer(&small, &q, &view), ADMIN_FAILED);
    rq.target = span_from_str("/?events");
    bytes_clear(&small);
    ck_assert_int_eq(served_answer(&small, &q, &view), ADMIN_FAILED);
    bytes_clear(&small);
    ck_assert_int_eq(served_event(&small, NONCE, &view), -1);
    bytes_clear(&small);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("served");
    TCase *t = tcase_create("served");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, shows_what_the_route_serves, 0, sizeof(pages) / sizeof(pages[0]));
    tcase_add_test(t, a_draining_daemon_is_not_healthy);
    tcase_add_test(t, the_answer_to_head_has_no_body);
    tcase_add_loop_test(t, other_hosts_are_told_two_words, 0, sizeof(outsides) / sizeof(outsides[0]));
    tcase_add_test(t, other_hosts_get_the_reason_without_a_name);
    tcase_add_test(t, a_stream_begins_with_a_head_and_goes_on_with_the_page);
    tcase_add_loop_test(t, changes_only_what_its_own_page_asks, 0, sizeof(forms) / sizeof(forms[0]));
    tcase_add_test(t, each_button_does_what_it_says);
    tcase_add_test(t, says_so_when_there_is_no_room_for_the_answer);
    suite_add_tcase(s, t);
    return s;
}
