/* SPDX-License-Identifier: Apache-2.0 */
#include "quick/quick.h"
#include "mtlsd/config/config.h"
#include "t.h"

#include <string.h>

typedef int (*make_fn)(const struct quick_config *q, struct bytes *out, struct err *err);

static struct config *parsed(make_fn make, const struct quick_config *q)
{
    struct bytes out;
    struct err err = {0};
    struct findings findings;
    bytes_init(&out, 65536);
    findings_init(&findings);
    ck_assert_msg(make(q, &out, &err) == 0, "%s", err.text);
    char *text = span_dup(bytes_span(&out));
    struct config *config = config_parse(text, "command line", &findings);
    ck_assert_msg(config != NULL, "%s\n%s", findings.n > 0 ? findings.items[0].text : "no finding", text);
    ck_assert_msg(findings.n == 0, "%s", findings.n > 0 ? findings.items[0].text : "");
    free(text);
    bytes_clear(&out);
    findings_clear(&findings);
    return config;
}

START_TEST(a_client_is_an_injector)
{
    struct quick_config q = {.listen = "127.0.0.1:8080", .target = "https://api.example", .bundle = "/own.pem", .ca = "/ca.pem",
                             .server_name = "other.example", .log_level = "debug"};
    struct config *c = parsed(quick_config_client, &q);
    ck_assert_str_eq(c->upstreams[0].targets[0].text, "api.example:443");
    ck_assert(c->upstreams[0].tls.present);
    ck_assert_str_eq(c->upstreams[0].tls.trust, "peers");
    ck_assert_str_eq(c->upstreams[0].tls.server_name, "other.example");
    ck_assert_str_eq(c->identities[0].bundle, "/own.pem");
    ck_assert_str_eq(c->trusts[0].ca, "/ca.pem");
    ck_assert(!c->listeners[0].tls.present);
    ck_assert_int_eq(c->listeners[0].protocol, CONFIG_PROTOCOL_HTTP);
    config_free(c);
}
END_TEST

START_TEST(a_client_without_ca_trusts_the_system)
{
    struct quick_config q = {.listen = "unix:/run/x.sock", .target = "https://[::1]:8443/", .bundle = "/own.pem", .tcp = true};
    struct config *c = parsed(quick_config_client, &q);
    ck_assert_str_eq(c->upstreams[0].targets[0].text, "[::1]:8443");
    ck_assert_str_eq(c->upstreams[0].tls.trust, "system");
    ck_assert_int_eq(c->listeners[0].protocol, CONFIG_PROTOCOL_TCP);
    config_free(c);
}
END_TEST

START_TEST(a_client_may_be_called_by_other_names)
{
    struct quick_config q = {.listen = "0.0.0.0:8080", .target = "https://api.example", .bundle = "/own.pem", .insecure_expose = true,
                             .hosts = {{"box.lan", "box.lan:8080"}, 2}};
    struct bytes out;
    struct err err = {0};
    struct findings findings;
    bytes_init(&out, 65536);
    findings_init(&findings);
    ck_assert_int_eq(quick_config_client(&q, &out, &err), 0);
    ck_assert_int_eq(bytes_append(&out, "", 1), 0);
    struct config *c = config_parse((const char *)bytes_span(&out).ptr, "command line", &findings);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->listeners[0].hosts.n, 2);
    ck_assert_str_eq(c->listeners[0].hosts.items[1], "box.lan:8080");
    config_free(c);
    bytes_clear(&out);
    findings_clear(&findings);
}
END_TEST

START_TEST(a_server_is_a_verifier)
{
    struct quick_config q = {.listen = ":8443", .target = "127.0.0.1:9000", .bundle = "/own.pem", .ca = "/ca.pem",
                             .crl = {{"/a.crl", "/b.crl"}, 2}, .allow = {{"cn=x,ou=y", "dns=*.example"}, 2},
                             .identity_headers = {{"x-ssl"}, 1}};
    struct config *c = parsed(quick_config_server, &q);
    ck_assert_int_eq(c->listeners[0].tls.client_cert, CONFIG_CLIENT_CERT_REQUIRED);
    ck_assert_str_eq(c->listeners[0].tls.trust, "peers");
    ck_assert_uint_eq(c->trusts[0].crl.n, 2);
    ck_assert_uint_eq(c->listeners[0].n_allow, 2);
    ck_assert_str_eq(c->listeners[0].allow[0].cn, "x");
    ck_assert_str_eq(c->listeners[0].allow[0].ou, "y");
    ck_assert_str_eq(c->listeners[0].allow[1].dns, "*.example");
    ck_assert_uint_eq(c->listeners[0].identity_headers, CONFIG_HEADERS_X_SSL);
    ck_assert(!c->upstreams[0].tls.present);
    config_free(c);
}
END_TEST

START_TEST(a_name_cannot_break_out_of_its_quotes)
{
    struct quick_config q = {.listen = "127.0.0.1:8080", .target = "https://api.example",
                             .bundle = "/a\"; }; }; limits = { connections = 1; }; x = { y = { z = \"\\", .ca = "/b\"c\\"};
    struct config *c = parsed(quick_config_client, &q);
    ck_assert_str_eq(c->identities[0].bundle, q.bundle);
    ck_assert_str_eq(c->trusts[0].ca, q.ca);
    config_free(c);
}
END_TEST

static const struct {
    make_fn make;
    const char *listen, *target, *allow, *says, *why;
} wrong[] = {
    {quick_config_client, "8080:x", "https://a", NULL, "--listen: ", "no address"},
    {quick_config_client, "127.0.0.1:1", "http://a", NULL, "there is no plaintext upstream", "plaintext"},
    {quick_config_client, "127.0.0.1:1", "a:443", NULL, "--upstream \"a:443\": write https://HOST", "no scheme"},
    {quick_config_client, "127.0.0.1:1", "https://", NULL, "--upstream", "no host"},
    {quick_config_client, "127.0.0.1:1", "https://:443", NULL, "--upstream", "a port without a host"},
    {quick_config_client, "127.0.0.1:1", "https://a/b", NULL, "without a path", "a path would be ignored"},
    {quick_config_client, "127.0.0.1:1", "https://a?b", NULL, "without a path", "so would a query"},
    {quick_config_client, "127.0.0.1:1", "https://u:p@a", NULL, "without a user", "and a password must not be repeated"},
    {quick_config_client, "127.0.0.1:1", "https://a:99999", NULL, "--upstream: ", "no such port"},
    {quick_config_server, "127.0.0.1:1", "backend", NULL, "--backend: ", "no port"},
    {quick_config_server, "127.0.0.1:1", "127.0.0.1:2", "nonsense", "--allow \"nonsense\": ", "no rule"},
    {quick_config_server, "127.0.0.1:1", "127.0.0.1:2", "cnn=x", "--allow \"cnn=x\": ", "no such key"},
};

START_TEST(refuses_a_wrong_flag_by_its_name)
{
    struct quick_config q = {.listen = wrong[_i].listen, .target = wrong[_i].target, .bundle = "/own.pem", .ca = "/ca.pem"};
    if (wrong[_i].allow != NULL)
        q.allow = (struct flag_list){{wrong[_i].allow}, 1};
    struct bytes out;
    struct err err = {0};
    bytes_init(&out, 65536);
    ck_assert_msg(wrong[_i].make(&q, &out, &err) != 0, "%s: accepted", wrong[_i].why);
    ck_assert_int_eq(err.kind, ERR_USAGE);
    ck_assert_msg(strstr(err.text, wrong[_i].says) != NULL, "%s: %s", wrong[_i].why, err.text);
    ck_assert_ptr_null(strstr(err.text, "u:p"));
    bytes_clear(&out);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("quick_config");
    TCase *t = tcase_create("all");
    tcase_add_test(t, a_client_is_an_injector);
    tcase_add_test(t, a_client_without_ca_trusts_the_system);
    tcase_add_test(t, a_client_may_be_called_by_other_names);
    tcase_add_test(t, a_server_is_a_verifier);
    tcase_add_test(t, a_name_cannot_break_out_of_its_quotes);
    tcase_add_loop_test(t, refuses_a_wrong_flag_by_its_name, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
    suite_add_tcase(s, t);
    return s;
}
