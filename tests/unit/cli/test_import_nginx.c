/* SPDX-License-Identifier: Apache-2.0 */
#include "import_case.h"

#define TLS "listen 127.0.0.1:8443 ssl; ssl_certificate s.crt; ssl_certificate_key s.key; "
#define OPTIONAL TLS "ssl_client_certificate ca.pem; ssl_verify_client optional; "
#define MUTUAL TLS "ssl_client_certificate ca.pem; ssl_verify_client on; "
#define HERE "location / { proxy_pass http://127.0.0.1:9000; } "
#define PLAIN "listen 127.0.0.1:80; "

static const struct import_row rows[] = {
    {"server { " MUTUAL HERE "}", "client_cert = \"required\";", NULL},
    {"http { server { " MUTUAL "ssl_crl ca.crl; " HERE "} }", "crl = [ \"ca.crl\" ];", NULL},
    {"server { " MUTUAL "ssl_verify_depth 2; " HERE "}", "depth = 4;", NULL},
    {"server { " TLS HERE "}", "certificate = \"s.crt\";", NULL},
    {"server { " TLS "ssl_client_certificate ca.pem; ssl_verify_client optional; if ($ssl_client_verify != SUCCESS) { return 403; } " HERE "}", "cert = [ \"none\" ];", NULL},
    {"server { " TLS "ssl_client_certificate ca.pem; ssl_verify_client optional_no_ca; " HERE "}", "client_cert = \"optional\";", "optional_no_ca: only certificates of the trust"},
    {"server { " TLS "ssl_verify_client on; " HERE "}", "trust = \"system\";", "without ssl_client_certificate"},
    {"server { " MUTUAL "ssl_protocols TLSv1.1 TLSv1.3; " HERE "}", "min_version = \"1.3\";", "note: TLSv1.1 is not offered"},
    {"server { " MUTUAL "location /a { deny all; proxy_pass http://x; } " HERE "}", "respond = 403;", "source.conf:1: left out: access is limited"},
    {"server { " MUTUAL "location /a { satisfy any; proxy_pass http://x; } " HERE "}", "respond = 403;", "access is limited"},
    {"server { " OPTIONAL "if ($ssl_client_verify = NONE) { return 302 /login; } " HERE "}", "cert = [ \"none\" ];", NULL},
    {"server { " OPTIONAL "if ($ssl_client_verify = \"SUCCESS\") { return 302 /app; } " HERE "}", "cert = [ \"valid\" ];", NULL},
    {"server { " OPTIONAL "if ($ssl_client_verify !~ ^SUCC) { return 403; } " HERE "}", "cert = [ \"none\" ];", NULL},
    {"server { " OPTIONAL "if ($ssl_client_verify !~ S.C) { return 403; } " HERE "}", "respond = 403;", "an \"if\" that refuses"},
    {"server { " OPTIONAL "if ($ssl_client_verify ~* failed) { return 403; } " HERE "}", NULL, "note: this \"if\" is never true"},
    {"server { " OPTIONAL "if ($ssl_client_verify) { return 403; } " HERE "}", "respond = 403;", NULL},
    {"server { " MUTUAL "if ($ssl_client_verify != SUCCESS) { return 403; } " HERE "}", NULL, "note: not needed"},
    {"map $ssl_client_verify $bad { default 1; SUCCESS 0; } server { " OPTIONAL "if ($bad) { return 403; } " HERE "}", "cert = [ \"none\" ];", NULL},
    {"map $ssl_client_verify $ok { SUCCESS yes; } server { " OPTIONAL "if ($ok != yes) { return 403; } " HERE "}", "cert = [ \"none\" ];", NULL},
    {"map $ssl_client_verify $bad { default 1; ~^S 0; } server { " OPTIONAL "if ($bad = 1) { return 403; } " HERE "}", "cert = [ \"none\" ];", NULL},
    {"map $ssl_client_verify $bad { default $x; SUCCESS 0; } server { " OPTIONAL "if ($bad) { return 403; } " HERE "}", "respond = 403;", "an \"if\" that refuses"},
    {"map $ssl_client_verify $bad { include more; } server { " OPTIONAL "if ($bad) { return 403; } " HERE "}", "respond = 403;", "an \"if\" that refuses"},
    {"map $remote_addr $bad { default 1; } server { " OPTIONAL "if ($bad) { return 403; } " HERE "}", "respond = 403;", "an \"if\" that refuses"},
    {"map $ssl_client_s_dn $ok { default 0; \"CN=a,O=b\" 1; \"CN=c\" 1; \"CN=d\" 0; } server { " MUTUAL "if ($ok = 0) { return 403; } " HERE "}", "subject = \"CN=c\";", "\"CN=d\" is no plain subject"},
    {"map $ssl_client_s_dn $ok { default 0; \"CN=a\" 1; ~CN=b 1; } server { " MUTUAL "location /x { if ($ok = 0) { return 403; } proxy_pass http://127.0.0.1:1; } }", "subject = \"CN=a\";", "\"~CN=b\" is no plain subject"},
    {"map $ssl_client_s_dn $ok { default 0; ~CN=b 1; } server { " MUTUAL "if ($ok = 0) { return 403; } " HERE "}", "respond = 403;", "an \"if\" that refuses"},
    {"map $ssl_client_s_dn $bad { default 0; \"CN=a\" 1; } server { " MUTUAL "if ($bad) { return 403; } " HERE "}", "respond = 403;", "an \"if\" that refuses"},
    {"server { " MUTUAL "if ($ssl_client_s_dn != \"CN=a b,O=c\") { return 403; } " HERE "}", "subject = \"CN=a b,O=c\";", NULL},
    {"server { " MUTUAL "if ($ssl_client_s_dn != \"CN=a, b\") { return 403; } " HERE "}", "respond = 403;", "an \"if\" that refuses"},
    {"server { " MUTUAL "if ($ssl_client_s_dn != \"emailAddress=a@b.example,CN=a\") { return 403; } " HERE "}", "respond = 403;", "an \"if\" that refuses"},
    {"server { " MUTUAL "if ($ssl_client_s_dn = CN=a) { return 403; } " HERE "}", "respond = 403;", "an \"if\" that refuses"},
    {"server { " MUTUAL "if ($ssl_client_s_dn != CN=a) { return 403; } if ($ssl_client_s_dn != CN=b) { return 403; } " HERE "}", "respond = 403;", "an \"if\" that refuses"},
    {"server { " MUTUAL "if ($remote_addr = 10.0.0.1) { return 403; } " HERE "}", "respond = 403;", "an \"if\" that refuses"},
    {"server { " MUTUAL "location ~ ^/secret/.*x { auth_basic z; } " HERE "}", "path = \"/secret\";", "could be a gate"},
    {"server { " MUTUAL "location ~ x { proxy_pass http://y; } " HERE "}", NULL, "a location with a pattern"},
    {"server { " MUTUAL "location /old { return 301 https://$host/new; } " HERE "}", "redirect = \"https://{request.host}/new\";", NULL},
    {"server { " MUTUAL "location /t { return 200 \"a}{\"; } " HERE "}", "body = \"a}{{\";", NULL},
    {"server { " MUTUAL "location /f { root /var/www; } " HERE "}", "respond = 404;", "serves no files"},
    {"server { " MUTUAL "location / { proxy_pass http://127.0.0.1:1; proxy_set_header X-DN $ssl_client_s_dn; } }", "X-DN = \"{cert.subject}\";", NULL},
    {"server { " MUTUAL "location / { proxy_pass http://127.0.0.1:1; proxy_set_header X-V $geoip; } }", NULL, "this field"},
    {"server { " MUTUAL "location / { proxy_pass http://127.0.0.1:1; proxy_set_header Host $host; } }", "host = \"preserve\";", NULL},
    {"server { " MUTUAL "location / { proxy_pass http://$backend; } }", "respond = 403;", "proxy_pass with a variable"},
    {"http { upstream u { server 127.0.0.1:1 weight=2; server 127.0.0.1:2 backup; least_conn; } server { " PLAIN "location / { proxy_pass http://u; } } }", "weight = 2;", NULL},
    {"http { upstream u { server 127.0.0.1:1 down; server 127.0.0.1:2; } server { " PLAIN "location / { proxy_pass http://u; } } }", NULL, "this server is down"},
    {"server { " PLAIN "location /a/ { proxy_pass http://127.0.0.1:1/; } }", "strip_prefix = \"/a\";", NULL},
    {"server { " PLAIN "location / { proxy_pass https://api; proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem; proxy_ssl_name n.example; proxy_ssl_certificate c.crt; proxy_ssl_certificate_key c.key; } }",
     "server_name = \"n.example\";", NULL},
    {"server { " PLAIN "location / { proxy_pass https://api; } }", "trust = \"system\";", "nginx does not verify this server"},
    {"server { listen 80; " HERE "}", "insecure_expose = true;", "note: other hosts can use"},
    {"stream { server { listen 127.0.0.1:5432; proxy_pass db:5432; proxy_ssl on; proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem; } }", "protocol = \"tcp\";", NULL},
    {"stream { server { listen 127.0.0.1:5432; proxy_pass $name; ssl_preread on; } }", NULL, "no plain proxy_pass"},
    {"http { include conf.d/*.conf; server { " PLAIN HERE "} }", NULL, "source.conf:1: left out: included files are not read"},
    {"http { server { " PLAIN HERE "}", NULL, "the file ends inside a block"},
    {"server { " PLAIN HERE "} }", NULL, "\"}\" ends no block"},
    {"server { " PLAIN "frobnicate \"x; " HERE "}", NULL, "a quoted text does not end"},
    {"server { " PLAIN "frobnicate x; " HERE "}", NULL, "\"frobnicate\" has no counterpart"},
    {"http { server { " MUTUAL "server_name a.example; " HERE "} server { " TLS "server_name b.example; location / { proxy_pass http://127.0.0.1:2; } } }", "hosts = [ \"b.example\" ];", NULL},
    {"server { " MUTUAL "location = /x { return 404; } location /x/ { return 405; } " HERE "}", NULL, "an earlier route takes all"},
    {"http { auth_basic x; server { " MUTUAL HERE "} }", "respond = 403;", "access is limited"},
    {"http { ssl_ocsp on; server { " MUTUAL HERE "} }", "ocsp = \"hard\";", "only the client's own certificate"},
    {"http { ssl_ocsp leaf; server { " MUTUAL HERE "} }", "ocsp = \"hard\";", "private addresses in ocsp_hosts"},
    {"server { " MUTUAL "ssl_ocsp leaf; ssl_ocsp_responder http://10.0.0.1/; " HERE "}", "ocsp_responder = \"http://10.0.0.1/\";", NULL},
    {"http { ssl_stapling on; server { " MUTUAL HERE "} }", NULL, "\"ssl_stapling\" has no counterpart"},
    {"server { " MUTUAL "location /a { proxy_pass http://127.0.0.1:1; location /a/b { deny all; } } " HERE "}", "path = \"/a/b\";", "access is limited"},
    {"server { " MUTUAL "location /a { location /a/b { location /a/b/c { return 404; } } } " HERE "}", "path = \"/a/b/c\";", "serves no files"},
    {"server { " MUTUAL "location / { proxy_pass http://127.0.0.1:1; proxy_cache x; } }", NULL, "\"proxy_cache\" has no counterpart"},
    {"server { " MUTUAL "location /a { deny all; } " HERE "}", "path = \"/a\";", "nginx also refuses paths that go on without a slash, as /ax"},
    {"server { " MUTUAL "location /a { return 403; } " HERE "}", "path = \"/a\";", "as /ax"},
    {"server { " MUTUAL "location /a/ { return 403; } location = /b { return 403; } " HERE "}", "path = \"/a\";", NULL},
    {"server { " MUTUAL "location / { proxy_pass http://127.0.0.1:1; proxy_set_header X-V $geoip; } }", "remove_headers = [ \"X-V\" ];", "no client can forge it"},
    {"server { " MUTUAL "location ~ x { proxy_pass http://127.0.0.1:1; } }", "respond = 404;", "a location with a pattern"},
    {"server { " MUTUAL "location / { proxy_pass http://127.0.0.1:1; proxy_set_header Via x; proxy_set_header Expect y; } }", NULL, "this field"},
    {"{ ; } ;", NULL, "without a directive"},
    {"}", NULL, "ends no block"},
};

START_TEST(translates_or_says_why_not)
{
    import_case_check("nginx", import_nginx, &rows[_i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("import_nginx");
    TCase *tc = tcase_create("nginx");
    tcase_add_loop_test(tc, translates_or_says_why_not, 0, sizeof(rows) / sizeof(rows[0]));
    suite_add_tcase(s, tc);
    return s;
}
