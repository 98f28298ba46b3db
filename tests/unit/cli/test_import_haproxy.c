/* SPDX-License-Identifier: Apache-2.0 */
#include "import_case.h"

#define BACK "backend b\n mode http\n server s 127.0.0.1:9000\n"
#define FRONT "frontend f\n mode http\n bind 127.0.0.1:8443 ssl crt s.pem ca-file ca.pem verify "
#define REQUIRED FRONT "required\n"
#define OPTIONAL FRONT "optional\n"

static const struct import_row rows[] = {
    {REQUIRED " default_backend b\n" BACK, "client_cert = \"required\";", NULL},
    {OPTIONAL " default_backend b\n" BACK, "client_cert = \"optional\";", NULL},
    {FRONT "none\n default_backend b\n" BACK, NULL, "source.conf:3: left out: ca-file without verify"},
    {FRONT "optional crt-ignore-err 10,23\n use_backend b if { ssl_c_verify 10 }\n default_backend b\n" BACK, "cert = [ \"valid\", \"none\" ];", "note: HAProxy forwards certificates with ignored errors here"},
    {FRONT "optional crt-ignore-err 10\n use_backend b if { ssl_c_verify 10 }\n default_backend b\n" BACK, "cert = [ \"error\" ];", NULL},
    {FRONT "optional crt-ignore-err 33\n default_backend b\n" BACK, NULL, "crt-ignore-err 33"},
    {OPTIONAL " use_backend b if { ssl_fc_has_crt }\n default_backend b\n" BACK, "cert = [ \"valid\" ];", NULL},
    {OPTIONAL " use_backend b if !{ ssl_fc_has_crt }\n default_backend b\n" BACK, "cert = [ \"none\" ];", NULL},
    {OPTIONAL " acl has ssl_c_used\n use_backend b unless has\n default_backend b\n" BACK, "cert = [ \"none\" ];", NULL},
    {REQUIRED " use_backend b if { path_beg /api } { method POST }\n default_backend b\n" BACK, "method = [ \"POST\" ];", NULL},
    {REQUIRED " use_backend b if { path_reg ^/x }\n default_backend b\n" BACK, NULL, "source.conf:4: left out: the condition"},
    {REQUIRED " use_backend b if { path /a } or { path /b }\n default_backend c\n" BACK "backend c\n mode http\n server s 127.0.0.1:9\n", "path = \"/b\";", NULL},
    {REQUIRED " use_backend b if { path /a /b /c }\n default_backend c\n" BACK "backend c\n mode http\n server s 127.0.0.1:9\n", "path = \"/c\";", NULL},
    {REQUIRED " acl x path /a\n acl x path /b\n acl y method POST\n use_backend b if x y\n default_backend c\n" BACK "backend c\n mode http\n server s 127.0.0.1:9\n", "path = \"/b\";", NULL},
    {REQUIRED " http-request deny if { path /a } || { path_reg x }\n default_backend b\n" BACK, "respond = 403;", "all are refused"},
    {REQUIRED " http-request deny if { hdr(host) a } { hdr(host) b }\n default_backend b\n" BACK, NULL, "note: this rule never matches"},
    {REQUIRED " http-request deny if { hdr(host) A } { hdr(host) -i a }\n default_backend b\n" BACK, "host = [ \"A\" ];", NULL},
    {REQUIRED " http-request deny if { hdr_dom(host) a.example }\n default_backend b\n" BACK, "respond = 403;", "all are refused"},
    {REQUIRED " http-request deny if { path /a } { path /b }\n default_backend b\n" BACK, "respond = 403;", "all are refused"},
    {REQUIRED " acl ok ssl_c_s_dn(cn) a b\n acl ok ssl_c_s_dn(ou) ops\n http-request deny unless ok\n default_backend b\n" BACK, "ou = \"ops\";", NULL},
    {REQUIRED " http-request deny unless { ssl_c_s_dn(cn) a } { path /x }\n default_backend b\n" BACK, "respond = 403;", "all are refused"},
    {REQUIRED " http-request deny if { ssl_c_s_dn(cn) a } or { ssl_c_s_dn(cn) b }\n default_backend b\n" BACK, "cn = \"b\";", NULL},
    {OPTIONAL " http-request deny unless { ssl_fc_has_crt } or { path /open }\n default_backend b\n" BACK, "respond = 403;", "all are refused"},
    {OPTIONAL " http-request deny unless { ssl_fc_has_crt } { ssl_c_verify 0 }\n default_backend b\n" BACK, "cert = [ \"none\" ];", NULL},
    {FRONT "optional crt-ignore-err all\n http-request deny if { ssl_c_verify gt 0 }\n default_backend b\n" BACK, "cert = [ \"error\" ];", NULL},
    {FRONT "optional crt-ignore-err all\n http-request deny if { ssl_c_verify gt 9 }\n default_backend b\n" BACK, "respond = 403;", "all are refused"},
    {FRONT "optional crt-ignore-err all\n acl bad ssl_c_verify 10 23\n http-request deny if bad\n default_backend b\n" BACK, "cert = [ \"revoked\" ];", NULL},
    {REQUIRED " http-request deny if { path /a } or\n default_backend b\n" BACK, "respond = 403;", "all are refused"},
    {REQUIRED " http-request deny if or { path /a }\n default_backend b\n" BACK, "respond = 403;", "all are refused"},
    {REQUIRED " http-request deny if { path /1 } or { path /2 } or { path /3 } or { path /4 } or { path /5 } or { path /6 } or { path /7 } or { path /8 } or { path /9 }\n default_backend b\n" BACK,
     "respond = 403;", "all are refused"},
    {OPTIONAL " redirect location /x unless { ssl_fc_has_crt } !{ path /x }\n default_backend b\n" BACK, "redirect = \"/x\";", NULL},
    {REQUIRED " http-request deny unless { ssl_c_s_dn(OU) ops }\n default_backend b\n" BACK, "ou = \"ops\";", NULL},
    {REQUIRED " http-request deny if { ssl_c_s_dn(cn) eve }\n default_backend b\n" BACK, "caller = (", NULL},
    {REQUIRED " http-request deny if { sc0_http_req_rate gt 9 }\n default_backend b\n" BACK, "respond = 403;", "all are refused until you replace this route"},
    {REQUIRED " http-request deny if { ssl_c_s_dn(cn) -m beg eve }\n default_backend b\n" BACK, "respond = 403;", "all are refused"},
    {REQUIRED " tcp-request content reject if { src 10.0.0.1 }\n default_backend b\n" BACK, "respond = 403;", "all are refused"},
    {"defaults\n mode http\n http-request deny if { src 10.0.0.1 }\n" REQUIRED " default_backend b\n" BACK, "respond = 403;", "source.conf:3: left out: this rule refuses"},
    {REQUIRED " default_backend b\n" BACK " http-request deny if { src 10.0.0.1 }\n", "respond = 403;", "all are refused"},
    {"listen l\n bind 127.0.0.1:80\n tcp-request connection reject if { src 10.0.0.1 }\n server s 127.0.0.1:1\n", NULL, "so its listener is not written"},
    {REQUIRED " http-request deny if { path_beg /adm }\n default_backend b\n" BACK, "path = \"/adm\";", "as /admx"},
    {REQUIRED " http-request deny if { path_beg /adm/ }\n default_backend b\n" BACK, "path = \"/adm\";", NULL},
    {REQUIRED " http-request set-header X-F %[rand]\n default_backend b\n" BACK, "remove_headers = [ \"X-F\" ];", "no client can forge it"},
    {REQUIRED " http-request set-header X-F 1\n http-request set-header x-f 2\n http-request del-header X-f\n default_backend b\n" BACK, "remove_headers = [ \"X-f\" ];", NULL},
    {REQUIRED " http-request del-header X-F\n http-request set-header x-f 2\n default_backend b\n" BACK, "x-f = \"2\";", NULL},
    {"frontend f\n bind 127.0.0.1:1 ssl crt s ca-file c verify optional\n use_backend b if { ssl_fc_has_crt }\n default_backend b\nbackend b\n server s 127.0.0.1:9\n", NULL, "in tcp mode a route has sni"},
    {REQUIRED " http-request set-header X-CN %{+Q}[ssl_c_s_dn(cn)]\n default_backend b\n" BACK, "X-CN = \"{cert.cn}\";", NULL},
    {REQUIRED " http-request set-header X-F \"a}{b\"\n default_backend b\n" BACK, "X-F = \"a}{{b\";", NULL},
    {REQUIRED " http-request set-header X-F %[rand]\n default_backend b\n" BACK, NULL, "source.conf:4: left out: this field"},
    {REQUIRED " http-request set-header X-F 1 if { path /x }\n default_backend b\n" BACK, NULL, "this field"},
    {REQUIRED " http-request del-header X-Old\n default_backend b\n" BACK, "remove_headers = [ \"X-Old\" ];", NULL},
    {REQUIRED " http-request redirect location /new code 301 if { path /old }\n default_backend b\n" BACK, "redirect_status = 301;", NULL},
    {"frontend f\n mode http\n bind 127.0.0.1:80\n redirect scheme https unless { ssl_fc }\n", "redirect = \"https://{request.host}{request.uri}\";", NULL},
    {"frontend f\n mode http\n bind :80\n default_backend b\n" BACK, "insecure_expose = true;", "note: other hosts can use this plaintext address"},
    {"frontend f\n bind 127.0.0.1:80\n default_backend b\nbackend b\n server s unix@/run/s\n", NULL, "its address is not HOST:PORT"},
    {"listen l\n bind 127.0.0.1:80\n server s api:443 ssl crt c.pem ca-file ca.pem verify required verifyhost api\n", "server_name = \"api\";", NULL},
    {"listen l\n bind 127.0.0.1:80\n server s api:443 ssl verify none\n", "trust = \"system\";", "left out: verify none: mtlsd always verifies"},
    {"listen l\n bind 127.0.0.1:80\n server s api:443 ssl ca-file ca.pem\n", NULL, "note: HAProxy checks no name here"},
    {"listen l\n bind 127.0.0.1:80\n server s 127.0.0.1:1 weight 3 backup check inter 5s\n", "interval = \"5s\";", NULL},
    {"listen l\n bind 127.0.0.1:80\n server s 127.0.0.1:1 weight 999\n", NULL, "weight 999"},
    {"listen l\n mode http\n bind 127.0.0.1:80\n cookie SRV insert\n balance leastconn\n server s 127.0.0.1:1 cookie a\n", "cookie = \"SRV\";", NULL},
    {"listen l\n bind 127.0.0.1:80\n balance uri\n server s 127.0.0.1:1\n", NULL, "source.conf:3: left out: balance uri"},
    {"listen l\n bind 127.0.0.1:80\n timeout client 99d\n server s 127.0.0.1:1\n", NULL, "not within the bounds"},
    {"listen l\n bind 127.0.0.1:80\n frobnicate\n server s 127.0.0.1:1\n", NULL, "source.conf:3: left out: \"frobnicate\""},
    {"listen l\n bind 127.0.0.1:80 'x\n server s 127.0.0.1:1\n", NULL, "source.conf:2: left out: a quote does not end"},
    {"resolvers r\n nameserver x 1.1.1.1:53\nlisten l\n bind 127.0.0.1:80\n server s 127.0.0.1:1\n", NULL, "source.conf:1: left out: sections of this kind"},
    {"listen l\n bind 127.0.0.1:80\n server s 127.0.0.1:1\n server t 127.0.0.1:2 ssl ca-file c.pem\n", NULL, "its TLS settings differ"},
};

START_TEST(translates_or_says_why_not)
{
    import_case_check("haproxy", import_haproxy, &rows[_i]);
}
END_TEST

START_TEST(a_help_page_for_bad_certificates_keeps_its_order)
{
    struct import_case c = import_case("haproxy", import_haproxy,
        FRONT "optional crt-ignore-err all crl-file ca.crl\n use_backend help unless { ssl_c_verify 0 }\n use_backend app if { ssl_fc_has_crt }\n default_backend open\n"
        "backend help\n mode http\n acl late ssl_c_verify 10\n acl at_late path /late.html\n redirect location /late.html if late !at_late\n server h 127.0.0.1:1\n"
        "backend app\n mode http\n server a 127.0.0.1:2\nbackend open\n mode http\n server o 127.0.0.1:3\n");
    const struct config_listener *l = &c.config->listeners[0];
    ck_assert_uint_eq(c.left, 0);
    ck_assert_uint_eq(l->n_routes, 5);
    ck_assert_str_eq(l->routes[0].path, "/late.html");
    ck_assert_str_eq(l->routes[0].upstream, "help");
    ck_assert_str_eq(l->routes[1].redirect, "/late.html");
    ck_assert_str_eq(l->routes[2].upstream, "help");
    ck_assert_str_eq(l->routes[3].upstream, "app");
    ck_assert_str_eq(l->routes[4].upstream, "open");
    import_case_clear(&c);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("import_haproxy");
    TCase *tc = tcase_create("haproxy");
    tcase_add_loop_test(tc, translates_or_says_why_not, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(tc, a_help_page_for_bad_certificates_keeps_its_order);
    suite_add_tcase(s, tc);
    return s;
}
