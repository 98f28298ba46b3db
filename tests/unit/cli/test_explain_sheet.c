/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "explain/explain_sheet.h"

#include <stdlib.h>
#include <string.h>

/* An answer made by hand: the sheet shows what is there and decides nothing. */
static char name[] = "app", where[] = "m.conf:3", up_name[] = "far", target_text[] = "far.example:443", route_where[] = "m.conf:7", prefix[] = "/api",
            set_name[] = "X-A", set_value[] = "b\r\nX-B: c", removed[] = "X-Debug";
static struct config_target target = {.text = target_text};
static struct config_upstream up = {.name = up_name, .where = where, .targets = &target, .n_targets = 1};
static struct plan_upstream plan_up = {.conf = &up};
static struct config_header set_header = {set_name, set_value};
static char *removed_items[] = {removed};
static struct config_route conf_route = {.where = route_where, .strip_prefix = prefix, .set_headers = &set_header, .n_set_headers = 1,
                                         .remove_headers = {removed_items, 1}};
static struct plan_route route = {.conf = &conf_route, .upstream = &plan_up};
static struct config_listener conf = {.name = name, .where = where, .routes = &conf_route, .n_routes = 1, .identity_headers = CONFIG_HEADERS_RFC9440,
                                      .forwarded = CONFIG_FORWARDED_RFC7239};
static struct plan_listener listener = {.conf = &conf, .routes = &route, .n_routes = 1};
static struct explain_ask ask = {.listener = &listener};

static struct http_field fields[2];
static struct http_head head;
static struct explain_route routes[1];
static struct explain answer;
static struct bytes out;

static void set_up(void)
{
    fields[0] = (struct http_field){span_from_str("x_ssl_client_cn"), span_from_str("root")};
    fields[1] = (struct http_field){span_from_str("X-Other"), span_from_str("y")};
    head = (struct http_head){.request = true, .minor = 1, .method = span_from_str("GET"), .target = span_from_str("/api/%61\x1b[31m"), .fields = fields,
                              .n_fields = 2};
    routes[0] = (struct explain_route){.conf = &conf_route, .where = route_where};
    answer = (struct explain){.stopped = EXPLAIN_STAGES, .action = EXPLAIN_FORWARD, .head = &head, .has_target = true, .routes = routes};
    admission_init(&answer.admission);
    answer.admission.target = (struct http_target){.host = span_from_str("a.example"), .port = 81, .path = head.target};
    answer.admission.path = head.target;
    answer.admission.choice.index = 0;
    answer.steps[EXPLAIN_REQUEST] = (struct explain_step){true, REASON_VALID, "well-formed"};
    bytes_init(&answer.out_target, 100);
    ck_assert_int_eq(bytes_append_str(&answer.out_target, "/%61"), 0);
    bytes_init(&out, 65536);
}

static void tear_down(void)
{
    bytes_clear(&answer.out_target);
    bytes_clear(&out);
}

static const char *show(bool as_json)
{
    json_t *document = explain_sheet_document(&ask, &answer);
    struct page page = {.out = &out};
    ck_assert_ptr_nonnull(document);
    if (as_json) {
        char *text = json_dumps(document, 0);
        ck_assert_int_eq(bytes_append_str(&out, text), 0);
        free(text);
    } else {
        explain_sheet_print(&page, document);
    }
    ck_assert_int_eq(page_end(&page), 0);
    ck_assert_int_eq(bytes_append(&out, "", 1), 0);
    json_decref(document);
    return (const char *)out.data;
}

START_TEST(shows_people_everything_about_a_forwarded_request)
{
    static const char *const lines[] = {"listener    app at m.conf:3\n",
                                        "request     GET /api/%61%1B[31m HTTP/1.1\n",
                                        "            origin form, host a.example, port 81, path /api/%61%1B[31m\n",
                                        "request     passes: well-formed\n",
                                        "routes      m.conf:7  DECIDES\n",
                                        "answer      m.conf:7  forwarded to upstream far at m.conf:3: far.example:443\n",
                                        "            as GET /%61, Host as it came\n",
                                        "            strips /api\n",
                                        "            sets X-A: b%0D%0AX-B: c\n",
                                        "            removes X-Debug\n",
                                        "            adds the identity fields of rfc9440\n",
                                        "            adds Forwarded\n",
                                        "            drops x_ssl_client_cn: clients cannot claim an identity\n"};
    const char *text = show(false);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        ck_assert_msg(strstr(text, lines[i]) != NULL, "no line \"%s\" in\n%s", lines[i], text);
    ck_assert_ptr_null(strstr(text, "X-Other"));
    ck_assert_ptr_null(strchr(text, '\x1b'));
}
END_TEST

static const struct {
    enum config_ocsp ocsp;
    const char *says, *json;
} responders[] = {
    {CONFIG_OCSP_OFF, NULL, "\"ocsp\": null"},
    {CONFIG_OCSP_SOFT, "run asks its OCSP responder, too, and accepts it without an answer; explain asks nothing\n", "\"ocsp\": \"soft\""},
    {CONFIG_OCSP_HARD, "run asks its OCSP responder, too, and refuses it without an answer; explain asks nothing\n", "\"ocsp\": \"hard\""},
};

static const char *show_again(bool as_json)
{
    bytes_clear(&out);
    bytes_init(&out, 65536);
    return show(as_json);
}

START_TEST(says_that_a_client_would_be_asked_about)
{
    struct config_trust conf_trust = {.name = name, .ocsp = responders[_i].ocsp};
    struct snapshot_trust trust = {.conf = &conf_trust, .tls = (struct tls_trust *)(void *)&conf_trust}; /* compared only */
    struct snapshot snapshot = {.trusts = &trust, .n_trusts = 1};
    const char *says = responders[_i].says;
    ask.snapshot = &snapshot;
    answer.trust = trust.tls;
    answer.verdict = (struct tls_verdict){.status = REASON_VALID};
    ck_assert_ptr_nonnull(strstr(show_again(true), responders[_i].json));
    const char *text = show_again(false);
    ck_assert_msg(says != NULL ? strstr(text, says) != NULL : strstr(text, "OCSP") == NULL, "%s", text);
    answer.verdict.status = REASON_EXPIRED; /* it is refused before that */
    ck_assert_ptr_null(strstr(show_again(false), "OCSP"));
    ask.snapshot = NULL;
}
END_TEST

START_TEST(shows_a_refusal_with_its_number_and_what_to_do)
{
    answer.action = EXPLAIN_REFUSED;
    answer.stopped = EXPLAIN_ROUTES;
    answer.steps[EXPLAIN_ROUTES] = (struct explain_step){true, REASON_NOT_ALLOWED, "because"};
    routes[0].gate = EXPLAIN_GATE_SHUT;
    memcpy(routes[0].gate_why, "nobody", 7);
    const char *text = show(false);
    ck_assert_ptr_nonnull(strstr(text, "its allow refuses this client: nobody\n"));
    ck_assert_ptr_nonnull(strstr(text, "answer      m.conf:7  refused with 403, not_allowed\n            -> "));
}
END_TEST

START_TEST(shows_a_route_that_would_have_decided_when_something_before_refused)
{
    answer.action = EXPLAIN_REFUSED;
    answer.stopped = EXPLAIN_BROWSER;
    answer.steps[EXPLAIN_BROWSER] = (struct explain_step){true, REASON_HOST_NOT_ALLOWED, "a name"};
    const char *text = show(false);
    ck_assert_ptr_nonnull(strstr(text, "browser     REFUSED: a name\n"));
    ck_assert_ptr_nonnull(strstr(text, "m.conf:7  would decide\n"));
    ck_assert_ptr_nonnull(strstr(text, "answer      refused with 403, host_not_allowed\n"));
}
END_TEST

START_TEST(shows_programs_the_same)
{
    static const char *const parts[] = {"\"action\": \"forward\"", "\"where\": \"m.conf:7\"", "\"target\": \"/%61\"", "\"strip_prefix\": \"/api\"",
                                        "\"X-A\": \"b\\r\\nX-B: c\"", "\"x_ssl_client_cn\"", "\"decides\": true", "\"certificate\": null",
                                        "\"form\": \"origin\""};
    const char *text = show(true);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        ck_assert_msg(strstr(text, parts[i]) != NULL, "no %s in\n%s", parts[i], text);
}
END_TEST

START_TEST(says_when_there_is_no_room)
{
    struct bytes small;
    bytes_init(&small, 100);
    json_t *document = explain_sheet_document(&ask, &answer);
    struct page page = {.out = &small};
    explain_sheet_print(&page, document);
    ck_assert_int_eq(page_end(&page), -1);
    json_decref(document);
    bytes_clear(&small);
}
END_TEST

START_TEST(of_a_tcp_listener_a_refusal_is_an_alert)
{
    conf.protocol = CONFIG_PROTOCOL_TCP;
    answer.action = EXPLAIN_REFUSED;
    answer.stopped = EXPLAIN_CALLER;
    answer.steps[EXPLAIN_CALLER] = (struct explain_step){true, REASON_NOT_ALLOWED, "because"};
    const char *text = show(true);
    ck_assert_ptr_nonnull(strstr(text, "\"alert\": 49, \"alert_name\": \"access_denied\""));
    ck_assert_ptr_null(strstr(text, "\"status\""));
    bytes_clear(&out);
    ck_assert_ptr_nonnull(strstr(show(false), "answer      the handshake is refused with alert access_denied (49), not_allowed\n"));
    conf.protocol = CONFIG_PROTOCOL_HTTP;
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("explain_sheet");
    TCase *t = tcase_create("explain_sheet");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, shows_people_everything_about_a_forwarded_request);
    tcase_add_loop_test(t, says_that_a_client_would_be_asked_about, 0, 3);
    tcase_add_test(t, shows_a_refusal_with_its_number_and_what_to_do);
    tcase_add_test(t, shows_a_route_that_would_have_decided_when_something_before_refused);
    tcase_add_test(t, shows_programs_the_same);
    tcase_add_test(t, says_when_there_is_no_room);
    tcase_add_test(t, of_a_tcp_listener_a_refusal_is_an_alert);
    suite_add_tcase(s, t);
    return s;
}
