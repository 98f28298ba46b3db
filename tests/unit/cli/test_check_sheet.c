/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"
#include "world.h"

#include "check/check.h"
#include "mtlsd/control/snapshot.h"

#include <stdio.h>
#include <string.h>

static struct world w;
static struct findings findings;
static struct snapshot *snapshot;
static char text[65536];

static void set_up(void)
{
    world_make(&w);
    findings_init(&findings);
    snapshot = NULL;
}

static void tear_down(void)
{
    if (snapshot != NULL)
        snapshot_unref(snapshot);
    findings_clear(&findings);
    world_clear(&w);
}

static json_t *make_document(void)
{
    if (snapshot == NULL)
        snapshot = world_load(&w, 1, &findings);
    ck_assert_msg(snapshot != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    json_t *json = check_document(&(struct check_sheet){.path = "test.conf", .findings = &findings, .snapshot = snapshot, .now = WORLD_NOW});
    ck_assert_ptr_nonnull(json);
    return json;
}

static void print_sheet(void)
{
    struct bytes out;
    bytes_init(&out, sizeof(text) - 1);
    struct page page = {.out = &out};
    json_t *json = make_document();
    check_sheet_print(&page, json);
    ck_assert_int_eq(page_end(&page), 0);
    json_decref(json);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, (const char *)bytes_span(&out).ptr);
    bytes_clear(&out);
}

static void expect(const char *const *lines, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(strstr(text, lines[i]) != NULL, "\"%s\" is not in\n%s", lines[i], text);
}
#define EXPECT(lines) expect(lines, sizeof(lines) / sizeof((lines)[0]))

static void make_farm(void)
{
    world_edit(&w, "targets = [ \"api.partner.example:443\" ];",
               "targets = ( { address = \"a.example:443\"; route = \"w1\"; weight = 2; }, { address = \"b.example:443\"; route = \"w2\"; }, "
               "{ address = \"c.example:443\"; route = \"w3\"; backup = true; } );\n"
               " balance = \"least_conn\"; sticky = { cookie = \"JSESSIONID\"; mode = \"suffix\"; }; health = { path = \"/up\"; interval = \"500ms\"; };\n"
               " proxy = \"127.0.0.1:3128\"; send_proxy_protocol = \"v2\";");
    world_edit(&w, "trust = \"clients\"; };", "trust = \"clients\"; client_cert = \"optional\"; };");
    world_edit(&w, "  upstream = \"partner\";\n",
               "  accept_proxy_protocol = true; routes = (\n"
               "   { host = [ \"a.example\", \"*.b.example\" ]; path = \"/api\"; method = \"GET\"; cert = \"valid\"; upstream = \"partner\"; strip_prefix = \"/api\";\n"
               "     set_headers = { X-A = \"1\"; }; remove_headers = \"X-B\"; set_host = \"preserve\"; allow = ( { ou = \"ops\"; }, { cn = \"x\"; } ); },\n"
               "   { cert = \"none\"; redirect = \"/login\"; redirect_status = 303; }, { caller = ( { o = \"y\"; } ); respond = 404; },\n"
               "   { path = \"/balancer-manager\"; path_case = \"exact\"; method = \"POST\"; deny = true; }, { upstream = \"partner\"; } );\n");
}

START_TEST(shows_which_service_is_asked_by_grpc)
{
    static const struct { const char *health, *line; } rows[] = {{"grpc = \"shop.Cart\";", ", health by gRPC of shop.Cart every 10s\n"}, {"grpc = \"\";", ", health by gRPC every 10s\n"}, {"", ", health by handshake every 10s\n"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char keys[200];
        snprintf(keys, sizeof(keys), "targets = [ \"api.partner.example:443\" ]; health = { %s };", rows[i].health);
        tear_down();
        set_up();
        world_edit(&w, "targets = [ \"api.partner.example:443\" ];", keys);
        print_sheet();
        expect(&rows[i].line, 1);
    }
}
END_TEST

START_TEST(shows_each_target_and_each_route_on_a_line)
{
    static const char *const lines[] = {
        "partner          3 targets ",
        ", least_conn, sticky by the end of cookie JSESSIONID, health by GET /up every 0.5s, through proxy 127.0.0.1:3128, sends a PROXY header v2\n",
        "                 a.example:443                    route w1, weight 2\n",
        "                 b.example:443                    route w2\n",
        "                 c.example:443                    route w3, backup\n",
        ", certificate optional, PROXY header required, http, 5 routes\n",
        "                 1. host a.example or *.b.example, path /api, method GET, certificate valid -> partner, strips /api, sets X-A, removes X-B, "
        "Host kept, only for ou = \"ops\" or cn = \"x\"\n",
        "                 2. certificate none -> 303 to /login\n",
        "                 3. caller o = \"y\" -> 404\n",
        "                 4. path /balancer-manager as spelled, method POST -> 403\n",
        "                 5. everything -> partner\n",
    };
    make_farm();
    print_sheet();
    EXPECT(lines);
}
END_TEST

START_TEST(shows_one_upstream_without_routes)
{
    static const char *const lines[] = {
        "partner          api.partner.example:443          TLS 1.2+, presents \"payments\", verifies with \"partner\"\n",
        "public           127.0.0.1:8443                   TLS 1.2+, presents \"server\", verifies with \"clients\", certificate required, http -> partner\n",
    };
    print_sheet();
    EXPECT(lines);
    ck_assert_ptr_null(strstr(text, "everything"));
}
END_TEST

START_TEST(shows_a_forward_proxy_and_every_address)
{
    static const char *const lines[] = {
        ", forward proxy (tunnels blindly, 2 hosts directly, other public hosts directly), http -> partner\n                 [::1]:8443\n",
    };
    world_edit(&w, "bind = \"127.0.0.1:8443\";", "bind = [ \"127.0.0.1:8443\", \"[::1]:8443\" ]; forward_proxy = { connect = \"tunnel\"; unmatched = \"direct\"; direct = [ \"a\", \"b\" ]; };");
    print_sheet();
    EXPECT(lines);
}
END_TEST

START_TEST(shows_how_tls_starts_and_routes_by_server_name)
{
    static const char *const lines[] = {
        "verifies with \"clients\", starttls postgres, certificate required, tcp, 1 route\n",
        "                 1. sni a.example or *.b.example -> partner\n",
    };
    world_edit(&w, "bind = \"127.0.0.1:8443\";", "bind = \"127.0.0.1:8443\"; protocol = \"tcp\";");
    world_edit(&w, "  upstream = \"partner\";\n", "  routes = ( { sni = [ \"a.example\", \"*.b.example\" ]; upstream = \"partner\"; } );\n");
    world_edit(&w, "identity = \"server\";", "identity = \"server\"; starttls = \"postgres\";");
    print_sheet();
    EXPECT(lines);
}
END_TEST

static const char *string_at(const json_t *json, const char *key)
{
    const char *value = json_string_value(json_object_get(json, key));
    return value != NULL ? value : "";
}

START_TEST(tells_programs_the_same)
{
    make_farm();
    json_t *json = make_document();
    const json_t *up = json_array_get(json_object_get(json, "upstreams"), 0), *targets = json_object_get(up, "targets");
    ck_assert_uint_eq(json_array_size(targets), 3);
    ck_assert_str_eq(string_at(json_array_get(targets, 1), "address"), "b.example:443");
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(targets, 0), "weight")), 2);
    ck_assert(json_is_true(json_object_get(json_array_get(targets, 2), "backup")));
    ck_assert_str_eq(string_at(up, "balance"), "least_conn");
    ck_assert_str_eq(string_at(json_object_get(up, "sticky"), "mode"), "suffix");
    ck_assert_str_eq(string_at(json_object_get(up, "health"), "expect"), "200-399");
    const json_t *listener = json_array_get(json_object_get(json, "listeners"), 0), *routes = json_object_get(listener, "routes");
    ck_assert_uint_eq(json_array_size(routes), 5);
    ck_assert(json_is_true(json_object_get(listener, "accept_proxy_protocol")) && json_is_null(json_object_get(listener, "forward_proxy")));
    const json_t *first = json_array_get(routes, 0), *second = json_array_get(routes, 1);
    ck_assert_str_eq(string_at(first, "path"), "/api");
    ck_assert_str_eq(string_at(first, "cert"), "valid");
    ck_assert_str_eq(string_at(first, "set_host"), "preserve");
    ck_assert_str_eq(string_at(json_object_get(first, "set_headers"), "X-A"), "1");
    ck_assert_int_eq(json_integer_value(json_object_get(first, "allow_rules")), 2);
    ck_assert_str_eq(string_at(second, "redirect"), "/login");
    ck_assert_int_eq(json_integer_value(json_object_get(second, "status")), 303);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(routes, 3), "status")), 403);
    ck_assert_str_eq(string_at(json_array_get(routes, 3), "path_case"), "exact");
    ck_assert_str_eq(string_at(json_array_get(routes, 0), "path_case"), "ignore");
    json_decref(json);
}
END_TEST

START_TEST(says_which_ca_a_revocation_list_covers)
{
    static const char *const lines[] = {": 1 revoked, next list due "};
    print_sheet();
    EXPECT(lines);
    ck_assert_ptr_null(strstr(text, "no revocation list"));
}
END_TEST

/* The other CA's certificates would be refused, or with prefer let pass: either way somebody should know before. */
START_TEST(says_which_ca_has_no_list)
{
    struct bytes both;
    bytes_init(&both, 1 << 16);
    ck_assert_int_eq(bytes_append_span(&both, bytes_span(&w.clients_ca.certificate)), 0);
    ck_assert_int_eq(bytes_append_span(&both, bytes_span(&w.partner_ca.certificate)), 0);
    memory_files_put(&w.files, "/etc/clients.pem", bytes_span(&both));
    bytes_clear(&both);
    if (_i == 1)
        world_edit(&w, "crl = \"/etc/clients.crl\";", "crl = \"/etc/clients.crl\"; crl_policy = \"prefer\";");
    print_sheet();
    ck_assert_ptr_nonnull(strstr(text, _i == 0 ? ": no revocation list, so its certificates are refused (crl_missing)" : "accepted as not revoked"));
    ck_assert_ptr_nonnull(strstr(text, ": 1 revoked"));
    bool warned = strstr(text, "warning: trust \"clients\": crl holds no revocation list of CA ") != NULL;
    ck_assert(warned == (_i == 0));
    snapshot_unref(snapshot);
    snapshot = NULL;
    json_t *json = make_document();
    ck_assert(json_is_false(document_get(json, "trusts.0.crl_coverage.0.covered")) || json_is_false(document_get(json, "trusts.0.crl_coverage.1.covered")));
    json_decref(json);
}
END_TEST

START_TEST(says_who_issued_an_identity_and_what_is_let_in)
{
    static const char *const lines[] = {"CN=proxy.example\n                 issued by CN=", ", sent without intermediates\n",
                                        "\n                 accepts for its routes: expired revoked\n"};
    world_edit(&w, "trust = \"clients\"; };", "trust = \"clients\"; tolerate = [ \"revoked\", \"expired\" ]; };");
    world_edit(&w, "upstream = \"partner\";", "routes = ( { cert = \"error\"; respond = 403; }, { upstream = \"partner\"; } );");
    print_sheet();
    EXPECT(lines);
}
END_TEST

static void print_document(const char *json)
{
    struct bytes out;
    struct page page = {.out = &out};
    json_t *document = json_loads(json, 0, NULL);
    ck_assert_ptr_nonnull(document);
    bytes_init(&out, sizeof(text) - 1);
    check_sheet_print(&page, document);
    ck_assert_int_eq(page_end(&page), 0);
    json_decref(document);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, (const char *)bytes_span(&out).ptr);
    bytes_clear(&out);
}

START_TEST(says_which_certificate_is_renewed_by_whom_and_when)
{
    static const char *const lines[] = {"                 renewed by https://ca.example from 2027-11-01T08:00:00Z on, which trust partner verifies\n"};
    world_edit(&w, "/etc/payments.pem\";", "/etc/payments.pem\"; renew = { est = \"https://ca.example\"; trust = \"partner\"; before = \"10d\"; };");
    print_sheet();
    EXPECT(lines);
    ck_assert_ptr_eq(strstr(strstr(text, "renewed by") + 1, "renewed by"), NULL);
    json_t *json = make_document();
    ck_assert(json_is_null(document_get(json, "identities.0.renewal")) != json_is_null(document_get(json, "identities.1.renewal")));
    json_decref(json);
}
END_TEST

START_TEST(says_how_a_run_would_go)
{
    static const struct {
        const char *members, *says;
    } rows[] = {
        {"\"starts\":true,\"ok\":true,\"errors\":0,\"warnings\":0", "a.conf: fine\n"},
        {"\"starts\":true,\"ok\":true,\"errors\":0,\"warnings\":2", "a.conf: can be used, 2 warnings\n"},
        {"\"starts\":true,\"ok\":false,\"errors\":1,\"warnings\":0", "a.conf: run would start, but not everything works, 1 error\n"},
        {"\"starts\":false,\"ok\":false,\"errors\":2,\"warnings\":1", "a.conf: refused, 2 errors, 1 warning\n"},
    };
    char json[300];
    snprintf(json, sizeof(json), "{\"config\":\"a.conf\",%s}", rows[_i].members);
    print_document(json);
    ck_assert_str_eq(text, rows[_i].says);
}
END_TEST

/* C8: what a server presents or says is not printed raw. */
START_TEST(tells_a_connection_without_a_byte_of_the_peers)
{
    static const char *const lines[] = {
        "far              a:1                              REFUSED by the peer: our_certificate_refused, alert certificate_expired\n"
        "                 d%1B\n",
        "                 server: CN=%1B[2J, issued by CN=CA, until 1970-01-02T00:00:00Z, expired 1 day ago\n",
        "                 TLS1.3, handshake not finished; it requested a certificate, none was sent\n",
        "                 what to do: renew it\n",
        ", 0 of 1 targets accepted\n",
    };
    print_document("{\"config\":\"a\",\"starts\":true,\"ok\":true,\"connections\":[{\"upstream\":\"far\",\"target\":\"a:1\",\"accepted\":false,"
                   "\"reason\":\"our_certificate_refused\",\"refused_by\":\"peer\",\"detail\":\"d\\u001b\",\"alert_received\":\"certificate_expired\","
                   "\"peer\":{\"subject\":\"CN=\\u001b[2J\",\"issuer\":\"CN=CA\",\"not_after\":86400,\"seconds_left\":-3},"
                   "\"tls\":{\"version\":\"TLS1.3\",\"cipher\":null,\"certificate_asked\":true,\"certificate_sent\":false},\"identity\":\"own\","
                   "\"hint\":\"renew it\"}]}");
    EXPECT(lines);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("check_sheet");
    TCase *t = tcase_create("check_sheet");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, shows_which_service_is_asked_by_grpc);
    tcase_add_test(t, shows_each_target_and_each_route_on_a_line);
    tcase_add_test(t, shows_one_upstream_without_routes);
    tcase_add_test(t, shows_a_forward_proxy_and_every_address);
    tcase_add_test(t, tells_programs_the_same);
    tcase_add_test(t, says_who_issued_an_identity_and_what_is_let_in);
    tcase_add_test(t, says_which_ca_a_revocation_list_covers);
    tcase_add_loop_test(t, says_which_ca_has_no_list, 0, 2);
    tcase_add_test(t, says_which_certificate_is_renewed_by_whom_and_when);
    tcase_add_loop_test(t, says_how_a_run_would_go, 0, 4);
    tcase_add_test(t, shows_how_tls_starts_and_routes_by_server_name);
    tcase_add_test(t, tells_a_connection_without_a_byte_of_the_peers);
    suite_add_tcase(s, t);
    return s;
}
