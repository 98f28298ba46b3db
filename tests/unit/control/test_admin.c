/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/control/admin.h"
#include "mtlsd/control/renewal.h"

#include <stdio.h>
#include <string.h>

static struct config_listener listener_conf = {.name = "public"};
static struct config_target target_conf = {.text = "127.0.0.1:9000"};
static struct config_upstream upstream_conf = {.name = "partner", .targets = &target_conf, .n_targets = 1};
static struct config config = {.path = "/etc/mtlsd.conf", .listeners = &listener_conf, .n_listeners = 1, .upstreams = &upstream_conf, .n_upstreams = 1};
static struct plan_target plan;
static struct plan_upstream upstream = {.conf = &upstream_conf, .targets = &plan, .n_targets = 1};
static struct plan_target plan = {.conf = &target_conf, .upstream = &upstream};
static struct plan_route route = {.upstream = &upstream};
static struct plan_listener listener = {.conf = &listener_conf, .routes = &route, .n_routes = 1};
static struct snapshot snapshot = {.config = &config, .generation = 3, .upstreams = &upstream, .targets = &plan, .n_targets = 1, .listeners = &listener};
static struct counters counters;
static struct bytes out;

static struct admin_view make_view(void)
{
    return (struct admin_view){.version = "0.1.0",
                               .now = 1800000100,
                               .started = 1800000000,
                               .workers = 2,
                               .ready = true,
                               .snapshot = &snapshot,
                               .counters = &counters};
}

static void set_up(void)
{
    bytes_init(&out, 1 << 20);
    ck_assert_int_eq(counters_init(&counters, 4), 0);
    snapshot.target_state = target_state_new(1);
    ck_assert_ptr_nonnull(snapshot.target_state);
}

static void tear_down(void)
{
    bytes_clear(&out);
    counters_clear(&counters);
    target_state_free(snapshot.target_state);
}

enum { MAX_FIELDS = 4 };

static enum admin_action ask(const char *method, const char *target, const char *const *fields, const struct admin_view *view)
{
    struct http_field values[MAX_FIELDS];
    struct http_head rq = {.request = true, .minor = 1, .method = span_from_str(method), .target = span_from_str(target), .fields = values};
    for (; rq.n_fields < MAX_FIELDS && fields[2 * rq.n_fields] != NULL; rq.n_fields++)
        values[rq.n_fields] =
            (struct http_field){span_from_str(fields[2 * rq.n_fields]), span_from_str(fields[2 * rq.n_fields + 1])};
    return admin_answer(&out, &(struct admin_question){&rq, "a test"}, view);
}

static const char *answer_text(void)
{
    static char text[65536];
    snprintf(text, sizeof(text), "%.*s", (int)out.len, out.len > 0 ? (const char *)bytes_span(&out).ptr : "");
    return text;
}

static unsigned status_of_answer(void)
{
    unsigned status = 0;
    ck_assert_int_eq(sscanf(answer_text(), "HTTP/1.1 %3u", &status), 1);
    return status;
}

static const char *const plain[] = {"Host", "localhost", NULL};

static const struct row {
    const char *method, *target;
    bool draining, starting;
    enum admin_action action;
    unsigned status; /* 0: nothing is written */
    const char *body, *why;
} rows[] = {
    {"GET", "/status", 0, 0, ADMIN_ANSWERED, 200, "\"generation\": 3", "the status document"},
    {"GET", "/status?x=1", 0, 0, ADMIN_ANSWERED, 200, "\"public\"", "a query changes nothing"},
    {"GET", "/dashboard", 0, 0, ADMIN_ANSWERED, 200, "<!doctype html>", "the page"},
    {"GET", "/refusals", 0, 0, ADMIN_ANSWERED, 200, "\"refusals\": []", "none yet"},
    {"GET", "/metrics", 0, 0, ADMIN_ANSWERED, 200, "text/plain; version=0.0.4", "for Prometheus"},
    {"POST", "/metrics", 0, 0, ADMIN_ANSWERED, 405, "use GET", "nothing to post there"},
    {"GET", "/livez", 0, 1, ADMIN_ANSWERED, 200, "live", "alive while it starts"},
    {"GET", "/livez", 1, 0, ADMIN_ANSWERED, 200, "live", "alive while it drains"},
    {"GET", "/readyz", 0, 0, ADMIN_ANSWERED, 200, "ready", "ready"},
    {"GET", "/readyz", 0, 1, ADMIN_ANSWERED, 503, "starting", "not ready yet"},
    {"GET", "/readyz", 1, 0, ADMIN_ANSWERED, 503, "draining", "not ready any more"},
    {"POST", "/reload", 0, 0, ADMIN_RELOAD, 0, "", "the answer comes after the reload"},
    {"POST", "/reload", 1, 0, ADMIN_ANSWERED, 409, "draining", "too late for that"},
    {"POST", "/drain", 0, 0, ADMIN_DRAIN, 202, "draining", "drains"},
    {"POST", "/drain", 1, 0, ADMIN_ANSWERED, 202, "already", "twice is once"},
    {"GET", "/reload", 0, 0, ADMIN_ANSWERED, 405, "use POST", "E6: no change by GET"},
    {"GET", "/drain", 0, 0, ADMIN_ANSWERED, 405, "use POST", "E6: no change by GET"},
    {"HEAD", "/drain", 0, 0, ADMIN_ANSWERED, 405, "use POST", "E6: nor by HEAD"},
    {"PUT", "/drain", 0, 0, ADMIN_ANSWERED, 405, "use POST", "E6: nor by anything but POST"},
    {"OPTIONS", "/reload", 0, 0, ADMIN_ANSWERED, 405, "use POST", "E1: no preflight is answered"},
    {"post", "/reload", 0, 0, ADMIN_ANSWERED, 405, "use POST", "methods are case-sensitive"},
    {"POST", "/status", 0, 0, ADMIN_ANSWERED, 405, "use GET", "nothing to post there"},
    {"GET", "/", 0, 0, ADMIN_ANSWERED, 404, "/status", "no page, but a hint"},
    {"GET", "/status/", 0, 0, ADMIN_ANSWERED, 404, "", "paths are exact"},
    {"GET", "//status", 0, 0, ADMIN_ANSWERED, 404, "", "paths are exact"},
    {"GET", "http://localhost/status", 0, 0, ADMIN_ANSWERED, 404, "", "E1: absolute form"},
    {"GET", "", 0, 0, ADMIN_ANSWERED, 404, "", "no target"},
};

START_TEST(answers_what_it_knows_and_nothing_else)
{
    const struct row *row = &rows[_i];
    struct admin_view view = make_view();
    view.draining = row->draining;
    view.ready = !row->starting;
    ck_assert_msg(ask(row->method, row->target, plain, &view) == row->action, "%s %s: %s", row->method, row->target, row->why);
    if (row->status == 0) {
        ck_assert_uint_eq(out.len, 0);
        return;
    }
    ck_assert_msg(status_of_answer() == row->status, "%s: %u", row->why, status_of_answer());
    ck_assert_msg(strstr(answer_text(), row->body) != NULL, "%s: %s", row->why, answer_text());
}
END_TEST

/* C13 */
START_TEST(is_not_ready_while_it_is_full_and_says_how_full_it_is)
{
    struct admin_view view = make_view();
    view.room = (struct admin_room){.clients = 9, .most_clients = 10};
    ask("GET", "/readyz", plain, &view);
    ck_assert_uint_eq(status_of_answer(), 200);
    ck_assert_ptr_nonnull(strstr(answer_text(), "9 of 10 connections"));
    bytes_clear(&out);
    view.room.full = true;
    ask("GET", "/readyz", plain, &view);
    ck_assert_uint_eq(status_of_answer(), 503);
    ck_assert_ptr_nonnull(strstr(answer_text(), "\"full\""));
}
END_TEST

/* E1 and E6: shapes that only a browser makes, each with a request that would else be carried out. */
static const struct shape {
    const char *fields[2 * MAX_FIELDS + 1];
    bool refused;
    const char *why;
} shapes[] = {
    {{"Host", "localhost", NULL}, false, "a program"},
    {{"host", "LOCALHOST:8080", NULL}, false, "with a port"},
    {{"Host", "127.0.0.1", "User-Agent", "curl/8", NULL}, false, "by address"},
    {{"Host", "[::1]:99", NULL}, false, "by IPv6 address"},
    {{"Host", "localhost", "Origin", "http://localhost", NULL}, true, "Origin, even of this host"},
    {{"Host", "localhost", "ORIGIN", "null", NULL}, true, "Origin null"},
    {{"Host", "localhost", "Referer", "http://evil.example/", NULL}, true, "a link"},
    {{"Host", "localhost", "Sec-Fetch-Site", "cross-site", NULL}, true, "fetch metadata"},
    {{"Host", "localhost", "Sec-Fetch-Site", "none", NULL}, true, "typed into a browser"},
    {{"Host", "localhost", "sec-fetch-mode", "no-cors", NULL}, true, "fetch metadata in lower case"},
    {{"Host", "localhost", "Access-Control-Request-Private-Network", "true", NULL}, true, "private network preflight"},
    {{"Host", "localhost", "Access-Control-Request-Method", "POST", NULL}, true, "preflight"},
    {{"Host", "evil.example", NULL}, true, "rebinding"},
    {{"Host", "localhost.evil.example", NULL}, true, "begins like ours"},
    {{"Host", "localhost:", NULL}, true, "an empty port"},
    {{"Host", "localhost:80@evil.example", NULL}, true, "a port that is none"},
    {{"Host", "127.0.0.1.nip.io", NULL}, true, "a name that resolves to this host"},
    {{"Host", "127.1", NULL}, true, "another spelling of the address"},
    {{"Host", "0.0.0.0", NULL}, true, "0.0.0.0 day"},
    {{"Host", "", NULL}, true, "an empty Host"},
    {{"Host", "localhost", "Host", "evil.example", NULL}, true, "two Hosts"},
    {{"Host", "localhost", "Host", "localhost", NULL}, true, "two Hosts alike"},
    {{"User-Agent", "x", NULL}, true, "no Host"},
};

START_TEST(refuses_what_a_web_page_could_have_sent)
{
    const struct shape *shape = &shapes[_i];
    struct admin_view view = make_view();
    enum admin_action action = ask("POST", "/reload", shape->fields, &view);
    ck_assert_msg(action == (shape->refused ? ADMIN_ANSWERED : ADMIN_RELOAD), "%s", shape->why);
    if (shape->refused)
        ck_assert_msg(status_of_answer() == 403, "%s", shape->why);
    ck_assert_ptr_null(strstr(answer_text(), "Access-Control-Allow"));
}
END_TEST

START_TEST(drains_and_enables_a_target_by_its_name)
{
    static const struct {
        const char *method, *target;
        unsigned status;
        bool drained; /* afterwards; it begins drained where it is not to be */
        const char *why;
    } asked[] = {
        {"POST", "/targets/partner/127.0.0.1:9000/drain", 200, true, "by address"},
        {"POST", "/targets/partner/127.0.0.1:9000/enable", 200, false, "and back"},
        {"POST", "/targets/partner/127%2e0%2E0.1:9000/drain?x", 200, true, "encoded"},
        {"GET", "/targets/partner/127.0.0.1:9000/drain", 405, false, "E6: no change by GET"},
        {"PUT", "/targets/partner/127.0.0.1:9000/drain", 405, false, "E6: nor by anything but POST"},
        {"POST", "/targets/partner/127.0.0.1:9001/drain", 404, false, "another address"},
        {"POST", "/targets/other/127.0.0.1:9000/drain", 404, false, "another upstream"},
        {"POST", "/targets/partner/drain", 404, false, "no target"},
        {"POST", "/targets//drain", 404, false, "no name"},
        {"POST", "/targets/drain", 404, false, "nothing"},
        {"POST", "/targets/partner/127.0.0.1:9000", 404, false, "no verb"},
        {"POST", "/targets/partner/127.0.0.1:9000/stop", 404, false, "another verb"},
        {"POST", "/targets/partner/127.0.0.1:9000%00/drain", 404, false, "a NUL does not end a name"},
        {"POST", "/targets/partner/%4/drain", 400, false, "half an escape"},
        {"POST", "/targets/partner/%zz/drain", 400, false, "no hex"},
        {"POST", "/targets/partner/%", 404, false, "nothing behind it"},
    };
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct admin_view view = make_view();
        bytes_clear(&out);
        target_state_set_mode(snapshot.target_state, 0, strstr(asked[i].target, "enable") != NULL ? TARGET_DRAINED : TARGET_ENABLED);
        ck_assert_msg(ask(asked[i].method, asked[i].target, plain, &view) == ADMIN_ANSWERED, "%s", asked[i].why);
        ck_assert_msg(status_of_answer() == asked[i].status, "%s: %s", asked[i].why, answer_text());
        ck_assert_msg((target_state_mode(snapshot.target_state, 0) == TARGET_DRAINED) == asked[i].drained, "%s", asked[i].why);
    }
    static const char *const page[] = {"Host", "localhost", "Origin", "http://localhost", NULL};
    struct admin_view view = make_view();
    bytes_clear(&out);
    ask("POST", "/targets/partner/127.0.0.1:9000/drain", page, &view);
    ck_assert_uint_eq(status_of_answer(), 403);
    ck_assert(target_state_mode(snapshot.target_state, 0) == TARGET_ENABLED);
}
END_TEST

START_TEST(disables_a_target_and_changes_its_weight)
{
    static const struct {
        const char *target;
        unsigned status, weight;
        const char *body;
    } asked[] = {
        {"weight?weight=256", 200, 256, "\"weight\""},      {"weight?weight=257", 400, 256, "1 to 256"},  {"weight?weight=-1", 400, 256, "1 to 256"},
        {"weight?weight=5%20", 400, 256, "1 to 256"},       {"weight?weight=", 400, 256, "1 to 256"},     {"weight", 400, 256, "1 to 256"},
        {"weight?x=1&weight=7&y=2", 200, 7, "\"weight\""},  {"weight?xweight=9", 400, 7, "1 to 256"},     {"weight?weight=9999999999999999", 400, 7, "1 to 256"},
        {"weight?weight=0", 200, 0, "as configured"},       {"disable", 200, 0, "\"disabled\""},
    };
    struct admin_view view = make_view();
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        char target[128];
        snprintf(target, sizeof(target), "/targets/partner/127.0.0.1:9000/%s", asked[i].target);
        bytes_clear(&out);
        ck_assert_int_eq(ask("POST", target, plain, &view), ADMIN_ANSWERED);
        ck_assert_msg(status_of_answer() == asked[i].status && strstr(answer_text(), asked[i].body) != NULL, "%s: %s", target, answer_text());
        ck_assert_uint_eq(target_state_weight(snapshot.target_state, 0), asked[i].weight);
    }
    ck_assert_int_eq(target_state_mode(snapshot.target_state, 0), TARGET_DISABLED);
    ask("GET", "/targets/partner/127.0.0.1:9000/weight?weight=3", plain, &view); /* E6 */
    ck_assert_uint_eq(target_state_weight(snapshot.target_state, 0), 0);
}
END_TEST

START_TEST(tells_the_length_of_what_it_sends)
{
    struct admin_view view = make_view();
    ask("GET", "/status", plain, &view);
    const char *text = answer_text(), *length = strstr(text, "Content-Length: "), *body = strstr(text, "\r\n\r\n");
    size_t n = 0;
    ck_assert(length != NULL && body != NULL);
    ck_assert_int_eq(sscanf(length, "Content-Length: %zu", &n), 1);
    ck_assert_uint_eq(n, strlen(body + 4));
    ck_assert_ptr_nonnull(strstr(text, "Connection: close\r\n"));
}
END_TEST

START_TEST(gives_every_finding_of_a_reload)
{
    struct findings findings;
    findings_init(&findings);
    findings_add(&findings, FINDING_ERROR, "a.conf:3", "trust \"x\": is empty");
    findings_add(&findings, FINDING_WARNING, "a.conf:9", "identity \"y\" ends");
    struct admin_reload bad = {.ok = false, .generation = 3, .findings = &findings}, good = {.ok = true, .generation = 4, .findings = &findings};
    ck_assert_int_eq(admin_answer_reload(&out, &bad), 0);
    ck_assert_uint_eq(status_of_answer(), 422);
    ck_assert_ptr_nonnull(strstr(answer_text(), "a.conf:3"));
    ck_assert_ptr_nonnull(strstr(answer_text(), "a.conf:9"));
    ck_assert_ptr_nonnull(strstr(answer_text(), "\"refused\""));
    bytes_clear(&out);
    ck_assert_int_eq(admin_answer_reload(&out, &good), 0);
    ck_assert_uint_eq(status_of_answer(), 200);
    ck_assert_ptr_nonnull(strstr(answer_text(), "\"generation\": 4"));
    findings_clear(&findings);
}
END_TEST

START_TEST(says_so_when_there_is_no_room_for_the_answer)
{
    struct admin_view view = make_view();
    struct bytes small;
    bytes_init(&small, 16);
    struct http_field host = {span_from_str("Host"), span_from_str("localhost")};
    struct http_head rq = {.method = span_from_str("GET"), .target = span_from_str("/status"), .fields = &host, .n_fields = 1};
    struct admin_question question = {&rq, "a test"};
    ck_assert_int_eq(admin_answer(&small, &question, &view), ADMIN_FAILED);
    rq.method = span_from_str("POST");
    rq.target = span_from_str("/drain");
    ck_assert_int_eq(admin_answer(&small, &question, &view), ADMIN_FAILED);
    bytes_clear(&small);
}
END_TEST

/* E6 */
START_TEST(a_renewal_is_asked_for_by_post_alone)
{
    static const char *const host[] = {"Host", "localhost", NULL}, *const page[] = {"Host", "localhost", "Origin", "http://a", NULL};
    struct renewal_item item = {.identity = (char *)(uintptr_t)"me"};
    struct renewal all = {&item, 1};
    struct admin_view view = make_view();
    const struct asks { const char *method, *path, *const *fields; struct renewal *renewals; unsigned status; bool asked; } asks[] = {
        {"GET", "/renew/me", host, &all, 405, false},  {"POST", "/renew/me", page, &all, 403, false}, {"POST", "/renew/you", host, &all, 404, false},
        {"POST", "/renew/", host, &all, 404, false},   {"POST", "/renew/me", host, NULL, 404, false}, {"POST", "/renew/me", host, &all, 202, true},
    };
    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
        view.renewals = asks[i].renewals;
        bytes_clear(&out);
        ck_assert_int_eq(ask(asks[i].method, asks[i].path, asks[i].fields, &view), ADMIN_ANSWERED);
        ck_assert_uint_eq(status_of_answer(), asks[i].status);
        ck_assert(item.asked == asks[i].asked);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("admin");
    TCase *t = tcase_create("admin");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, is_not_ready_while_it_is_full_and_says_how_full_it_is);
    tcase_add_loop_test(t, answers_what_it_knows_and_nothing_else, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_loop_test(t, refuses_what_a_web_page_could_have_sent, 0, sizeof(shapes) / sizeof(shapes[0]));
    tcase_add_test(t, drains_and_enables_a_target_by_its_name);
    tcase_add_test(t, disables_a_target_and_changes_its_weight);
    tcase_add_test(t, tells_the_length_of_what_it_sends);
    tcase_add_test(t, gives_every_finding_of_a_reload);
    tcase_add_test(t, a_renewal_is_asked_for_by_post_alone);
    tcase_add_test(t, says_so_when_there_is_no_room_for_the_answer);
    suite_add_tcase(s, t);
    return s;
}
