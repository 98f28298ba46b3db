/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "access_event.h"

#include "mtlsd/base/log.h"
#include "mtlsd/policy/caller.h"

#include <stdio.h>
#include <string.h>

static struct config_listener listener_conf = {.name = "public"};
static struct config_target target_conf = {.text = "api.example:443"};
static struct config_upstream upstream_conf = {.name = "partner", .targets = &target_conf, .n_targets = 1};
static struct plan_target plan;
static struct plan_upstream upstream = {.conf = &upstream_conf, .targets = &plan, .n_targets = 1};
static struct plan_target plan = {.conf = &target_conf, .upstream = &upstream};
static struct plan_route route = {.upstream = &upstream};
static struct plan_listener listener = {.conf = &listener_conf, .routes = &route, .n_routes = 1};
static const struct tls_peer caller = {.subject = "CN=caller", .issuer = "CN=Clients CA"};
static const struct tls_peer server = {.subject = "CN=api.example", .issuer = "CN=Partner CA"};
static const struct tls_verdict good = {.status = REASON_VALID};
static const struct tls_facts down = {.version = "TLS1.3", .cipher = "AES-128-GCM", .verdict = &good, .peer = &caller, .alert_received = -1};
static const struct tls_facts up = {.version = "TLS1.3", .cipher = "AES-128-GCM", .resumed = true, .peer = &server, .alert_received = -1};

static char lines[8192];
static size_t n_lines;

static double log_now(void)
{
    return 1800000000.0;
}

static void keep_line(void *ctx, enum log_kind kind, enum log_level level, struct span line)
{
    (void)ctx, (void)kind, (void)level;
    size_t used = strlen(lines);
    snprintf(lines + used, sizeof(lines) - used, "%.*s", (int)line.len, (const char *)line.ptr);
    n_lines++;
}

static void set_up(void)
{
    lines[0] = '\0';
    n_lines = 0;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, keep_line, NULL, log_now);
}

static struct report make_report(void)
{
    return (struct report){.kind = REPORT_REQUEST,
                           .listener = &listener,
                           .target = &plan,
                           .client = "127.0.0.1",
                           .request.method = span_from_str("GET"),
                           .request.uri = span_from_str("/a"),
                           .request.status = 200,
                           .reason = REASON_VALID,
                           .detail = "",
                           .down = &down,
                           .up = &up,
                           .bytes_in = 3,
                           .bytes_out = 5,
                           .took.connect_us = 100,
                           .took.total_us = 200};
}

START_TEST(tells_the_client_of_a_trusted_proxy_beside_the_proxy)
{
    struct report r = make_report();
    access_event_write(&r, 0);
    ck_assert_ptr_null(strstr(lines, "forwarded_for"));
    r.from.forwarded_for = "198.51.100.9";
    access_event_write(&r, 0);
    ck_assert_ptr_nonnull(strstr(lines, " client=127.0.0.1 forwarded_for=198.51.100.9 "));
}
END_TEST

START_TEST(tells_the_user_and_the_name_of_a_calling_program) /* E2 */
{
    struct caller program = {.known = true, .uid = 1001, .program = "curl"};
    struct report r = make_report();
    r.from.program = &program;
    access_event_write(&r, 0);
    ck_assert_ptr_nonnull(strstr(lines, " client=127.0.0.1 uid=1001 program=curl "));
    program.known = false;
    lines[0] = '\0';
    n_lines = 0;
    access_event_write(&r, 0);
    ck_assert_ptr_null(strstr(lines, "uid="));
}
END_TEST

/* C8: neither a target nor a subject can end the line or reach a terminal raw. */
START_TEST(cannot_be_made_to_write_a_line_of_its_own)
{
    static const struct tls_peer hostile = {.subject = "CN=x\nlevel=info \x1b[2J", .issuer = "CN=y\r\n"};
    static const struct tls_facts facts = {.verdict = &good, .peer = &hostile, .alert_received = -1};
    struct report r = make_report();
    r.down = &facts;
    r.request.uri = span_of("/a\r\nlevel=info\x00\x1b", 16);
    r.reason = REASON_EXPIRED;
    r.detail = "certificate CN=x\n: expired";
    access_event_write(&r, 0);
    ck_assert_uint_eq(n_lines, 1);
    for (const char *c = lines; c[1] != '\0'; c++)
        ck_assert_msg(*c >= 0x20 && *c < 0x7f, "byte %02x in the line", (unsigned char)*c);
    ck_assert_int_eq(lines[strlen(lines) - 1], '\n');
}
END_TEST

START_TEST(tells_all_that_is_known_of_a_request)
{
    static const struct tls_name names[] = {{TLS_NAME_CN, {(const uint8_t *)"caller", 6}},
                                            {TLS_NAME_DNS, {(const uint8_t *)"a.example", 9}},
                                            {TLS_NAME_URI, {(const uint8_t *)"spiffe://x/y, DNS:z", 19}},
                                            {TLS_NAME_IP, {(const uint8_t *)"\x7f\0\0\1", 4}},
                                            {TLS_NAME_IP, {(const uint8_t *)"\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16}}};
    static const struct tls_peer named = {.subject = "CN=caller", .serial = "1a2b", .sha256 = "00ff", .names = names, .n_names = 5};
    struct tls_facts facts = down;
    struct config_route confs[2] = {{.where = "mtlsd.conf:7"}, {.where = "mtlsd.conf:8"}};
    struct plan_route two[2] = {{.conf = &confs[0], .upstream = &upstream}, {.conf = &confs[1], .upstream = &upstream}};
    struct plan_listener routed = {.conf = &listener_conf, .routes = two, .n_routes = 2};
    facts.peer = &named;
    struct report r = make_report();
    r.down = &facts;
    r.listener = &routed;
    r.route = &two[1];
    r.request.minor = 1;
    r.retries = 2;
    r.took.handshake_us = 300;
    r.took.first_byte_us = 400;
    access_event_write(&r, 0);
    static const char *const wanted[] = {
        " listener=public ", " client=127.0.0.1 ", " method=GET ", " target=/a ", " protocol=HTTP/1.1 ", " status=200 ", " route=mtlsd.conf:8 ",
        " upstream=partner ", " target_address=api.example:443 ", " cert=valid ", " tls=TLS1.3 ", " cipher=AES-128-GCM ", " resumed=no ",
        " peer=\"CN=caller\" ", " peer_san=\"DNS:a.example, URI:spiffe://x/y%2C%20DNS:z, IP:127.0.0.1, IP:2001:db8::1\" ", " upstream_tls=TLS1.3 ", " upstream_resumed=yes ", " peer_serial=1a2b ", " peer_sha256=00ff ",
        " retries=2 ", " bytes_in=3 ", " bytes_out=5 ", " connect_ms=0.100 ", " handshake_ms=0.300 ", " first_byte_ms=0.400 ", " total_ms=0.200\n"};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        ck_assert_msg(strstr(lines, wanted[i]) != NULL, "%s is not in %s", wanted[i], lines);
}
END_TEST

/* Whoever is let in with a bad certificate leaves the number and the sentence; where it is refused for that the sentence is the message. */
START_TEST(tells_what_is_wrong_with_a_certificate_once)
{
    static const struct {
        enum reason status, reason;
        int number;
        const char *says, *never;
    } rows[] = {{REASON_EXPIRED, REASON_VALID, 10, " cert=expired cert_error=10 cert_detail=\"certificate CN=x: bad\" ", "reason="},
                {REASON_EXPIRED, REASON_DENIED, 10, " cert=expired cert_error=10 cert_detail=\"certificate CN=x: bad\" ", "reason=expired"},
                {REASON_UNKNOWN_CA, REASON_UNKNOWN_CA, 18, " cert=unknown_ca cert_error=18 ", "cert_detail"},
                {REASON_VALID, REASON_VALID, 0, " cert=valid ", "cert_error"},
                {REASON_NONE, REASON_VALID, 0, " cert=none ", "cert_"}};
    struct tls_verdict verdict = {.status = rows[_i].status, .openssl_error = rows[_i].number, .text = "certificate CN=x: bad"};
    struct tls_facts facts = down;
    struct report r = make_report();
    facts.verdict = &verdict;
    r.down = &facts;
    r.reason = rows[_i].reason;
    access_event_write(&r, 0);
    ck_assert_msg(strstr(lines, rows[_i].says) != NULL, "%s", lines);
    ck_assert_msg(strstr(lines, rows[_i].never) == NULL, "%s", lines);
}
END_TEST

START_TEST(tells_every_fault_of_a_certificate_that_was_tolerated)
{
    struct tls_verdict verdict = {.status = REASON_EXPIRED, .openssl_error = 10, .text = "certificate CN=x: bad"};
    struct tls_facts facts = down;
    struct report r = make_report();
    facts.verdict = &verdict;
    r.down = &facts;
    verdict.all = UINT64_C(1) << REASON_EXPIRED;
    access_event_write(&r, 0);
    ck_assert_msg(strstr(lines, "cert_faults") == NULL, "%s", lines);
    verdict.all |= UINT64_C(1) << REASON_WRONG_PURPOSE;
    access_event_write(&r, 0);
    ck_assert_msg(strstr(lines, " cert=expired cert_faults=expired,wrong_purpose cert_error=10 ") != NULL, "%s", lines);
}
END_TEST

/* A server's certificate with a thousand names fills no line. */
START_TEST(leaves_out_names_that_do_not_fit)
{
    static char long_name[2000];
    memset(long_name, 'a', sizeof(long_name));
    struct tls_name names[300];
    for (size_t i = 0; i < 300; i++)
        names[i] = (struct tls_name){TLS_NAME_DNS, span_of(long_name, i == 0 ? sizeof(long_name) : 10)};
    struct tls_peer crowded = {.subject = "CN=caller", .names = names, .n_names = 300};
    struct tls_facts facts = down;
    facts.peer = &crowded;
    struct report r = make_report();
    r.down = &facts;
    access_event_write(&r, 0);
    ck_assert_uint_lt(strlen(lines), 2000);
    ck_assert_ptr_nonnull(strstr(lines, "DNS:aaaaaaaaaa\" "));
}
END_TEST

/* A refusal without words, as of a route that denies, has the title of its reason. */
START_TEST(every_refusal_has_a_sentence)
{
    struct report r = make_report();
    r.reason = REASON_DENIED;
    ck_assert_str_eq(access_event_detail(&r), "the configuration answers this request with a refusal");
    r.detail = NULL;
    ck_assert_str_eq(access_event_detail(&r), "the configuration answers this request with a refusal");
    r.detail = "because";
    ck_assert_str_eq(access_event_detail(&r), "because");
}
END_TEST

START_TEST(without_a_certificate_of_ours_none_was_refused)
{
    struct report r = make_report();
    r.reason = REASON_OUR_CERTIFICATE_REFUSED;
    ck_assert_ptr_null(access_event_refused_ours(&r));
    r.up = r.down = NULL;
    ck_assert_ptr_null(access_event_refused_ours(&r));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("access_event");
    TCase *t = tcase_create("access_event");
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, tells_the_client_of_a_trusted_proxy_beside_the_proxy);
    tcase_add_test(t, tells_the_user_and_the_name_of_a_calling_program);
    tcase_add_test(t, cannot_be_made_to_write_a_line_of_its_own);
    tcase_add_test(t, tells_all_that_is_known_of_a_request);
    tcase_add_loop_test(t, tells_what_is_wrong_with_a_certificate_once, 0, 5);
    tcase_add_test(t, tells_every_fault_of_a_certificate_that_was_tolerated);
    tcase_add_test(t, leaves_out_names_that_do_not_fit);
    tcase_add_test(t, every_refusal_has_a_sentence);
    tcase_add_test(t, without_a_certificate_of_ours_none_was_refused);
    suite_add_tcase(s, t);
    return s;
}
