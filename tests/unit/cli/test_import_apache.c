/* SPDX-License-Identifier: Apache-2.0 */
#include "import_case.h"

#define HOST "<VirtualHost 127.0.0.1:8443>\nSSLEngine on\nSSLCertificateFile s.crt\nSSLCertificateKeyFile s.key\nSSLCACertificateFile ca.pem\n"
#define MUTUAL HOST "SSLVerifyClient require\n"
#define PASS "ProxyPass / http://127.0.0.1:9000/\n"
#define END "</VirtualHost>\n"
#define ON "RewriteEngine On\n"

static const struct import_row rows[] = {
    {MUTUAL PASS END, "client_cert = \"required\";", NULL},
    {MUTUAL "SSLOCSPEnable leaf\n" PASS END, "ocsp = \"hard\";", "private addresses in ocsp_hosts"},
    {MUTUAL "SSLOCSPEnable on\nSSLOCSPDefaultResponder http://10.0.0.1/\nSSLOCSPOverrideResponder on\n" PASS END, "ocsp_responder = \"http://10.0.0.1/\";", "Apache asks about its CAs too"},
    {MUTUAL "SSLOCSPEnable leaf\nSSLOCSPDefaultResponder http://10.0.0.1/\n" PASS END, "ocsp = \"hard\";", "unless you set ocsp_responder"},
    {HOST "SSLVerifyClient optional\n" PASS END, "client_cert = \"optional\";", NULL},
    {HOST "SSLVerifyClient optional_no_ca\n" PASS END, "client_cert = \"optional\";", "optional_no_ca: only certificates of the trust"},
    {HOST PASS END, "identity = \"s\";", NULL},
    {MUTUAL "SSLVerifyDepth 2\n" PASS END, "depth = 4;", NULL},
    {MUTUAL "SSLCARevocationFile ca.crl\n" PASS END, "crl = [ \"ca.crl\" ];", "note: Apache reads this list"},
    {MUTUAL "SSLCARevocationFile ca.crl\nSSLCARevocationCheck chain\n" PASS END, "crl = [ \"ca.crl\" ];", NULL},
    {MUTUAL "SSLProtocol -all +TLSv1.3\n" PASS END, "min_version = \"1.3\";", NULL},
    {MUTUAL "SSLProtocol all -SSLv3\n" PASS END, NULL, NULL},
    {MUTUAL "SSLCertificateChainFile chain.pem\n" PASS END, "chain = \"chain.pem\";", NULL},
    {HOST "<Location /private>\nSSLVerifyClient require\n</Location>\n" PASS END, "cert = [ \"none\" ];", NULL},
    {MUTUAL "<Location /a>\nRequire ip 10.0.0.1\n</Location>\n" PASS END, "path = \"/a\";", "source.conf:8: left out: access is limited"},
    {"<Location /a>\nRequire user x\n</Location>\n" MUTUAL PASS END, "path = \"/a\";", "source.conf:2: left out: access is limited"},
    {MUTUAL "<LocationMatch x>\nRequire all denied\n</LocationMatch>\n" PASS END, "respond = 403;", "access is limited"},
    {MUTUAL "<Proxy *>\nRequire ip 10.0.0.1\n</Proxy>\n" PASS END, "respond = 403;", "access is limited"},
    {MUTUAL "<Location /a>\nRequire all granted\n</Location>\n" PASS END, NULL, NULL},
    {MUTUAL "RewriteRule ^/x - [F]\n" PASS END, "respond = 403;", "access is limited"},
    {MUTUAL "RewriteRule ^/x /y [R]\n" PASS END, NULL, "RewriteEngine is not on here"},
    {MUTUAL ON "RewriteRule ^/x - [F]\n" PASS END, "respond = 403;", "access is limited"},
    {MUTUAL ON "RewriteRule ^/x/ - [l,forbidden]\n" PASS END, "path = \"/x\";", NULL},
    {MUTUAL ON "RewriteRule ^/x/ - [NC,F]\n" PASS END, "respond = 403;", "access is limited"},
    {MUTUAL ON "RewriteRule ^/x$ - [G]\n" PASS END, "respond = 410;", NULL},
    {MUTUAL ON "RewriteRule ^/x$ - [F,S=2]\n" PASS END, "respond = 403;", "access is limited"},
    {MUTUAL ON "RewriteRule ^/(a|b)$ - [F]\n" PASS END, "respond = 403;", "access is limited"},
    {MUTUAL ON "RewriteCond %{REMOTE_ADDR} ^10\\.\nRewriteRule ^ - [F]\n" PASS END, "respond = 403;", "access is limited"},
    {MUTUAL ON "RewriteCond %{HTTPS} off\nRewriteRule ^ - [F]\n" PASS END, NULL, "note: this RewriteRule never matches"},
    {MUTUAL ON "RewriteCond %{SSL:SSL_CLIENT_VERIFY} !^SUCCESS$\nRewriteRule ^ - [F]\n" PASS END, NULL, "note: this RewriteRule never matches"},
    {MUTUAL ON "RewriteCond %{HTTP_HOST} ^a\\.example$ [NC]\nRewriteCond %{REQUEST_METHOD} ^TRACE$\nRewriteRule .* - [F]\n" PASS END, "host = [ \"a.example\" ];", NULL},
    {MUTUAL ON "RewriteCond %{SSL:SSL_CLIENT_VERIFY} ^SUCCESS$ [OR]\nRewriteCond %{HTTPS} on\nRewriteRule ^ - [F]\n" PASS END, "respond = 403;", "access is limited"},
    {MUTUAL "<Location /a>\n" ON "RewriteRule ^ - [F]\n</Location>\n" PASS END, "path = \"/a\";", "access is limited"},
    {ON "RewriteRule ^ - [F]\n" MUTUAL PASS END, "respond = 403;", "access is limited"},
    {HOST "SSLVerifyClient optional\n" ON "RewriteCond %{SSL:SSL_CLIENT_VERIFY} !=SUCCESS\nRewriteRule ^ - [R=401]\n" PASS END, "cert = [ \"none\" ];", NULL},
    {HOST "SSLVerifyClient optional\n" ON "RewriteCond %{ENV:SSL_CLIENT_VERIFY} ^NONE$\nRewriteRule ^/?(.*)$ https://help.example/$1?why=%{SSL:SSL_CLIENT_VERIFY} [R=302,L]\n" PASS END, NULL, "its target has no counterpart"},
    {HOST "SSLVerifyClient optional\n" ON "RewriteCond %{SSL:SSL_CLIENT_VERIFY} ^NONE$\nRewriteRule ^ https://help.example/?why=%{SSL:SSL_CLIENT_VERIFY} [R=302,L]\n" PASS END,
     "redirect = \"https://help.example/?why={cert.verify}\";", NULL},
    {"Listen 127.0.0.1:80\n" ON "RewriteCond %{HTTPS} !=on\nRewriteRule ^/?(.*) https://%{HTTP_HOST}/$1 [R=301,L]\n", "redirect = \"https://{request.host}{request.uri}\";", NULL},
    {MUTUAL ON "RewriteRule ^(.*)$ https://b.example$1\n" PASS END, "redirect = \"https://b.example{request.uri}\";", NULL},
    {MUTUAL ON "RewriteRule ^/x$ https://b.example%{REQUEST_URI} [R=308]\n" PASS END, "redirect_status = 308;", NULL},
    {MUTUAL ON "RewriteRule ^/x$ https://b.example/ [R]\n" PASS END, "redirect_status = 302;", "note: Apache appends the query"},
    {MUTUAL ON "RewriteRule ^/a$ /b\n" PASS END, NULL, "left out: this RewriteRule"},
    {MUTUAL "ProxyPass /x !\n" PASS END, "respond = 404;", NULL},
    {MUTUAL "ProxyPass /a http://127.0.0.1:1/a\n" PASS END, "path = \"/a\";", NULL},
    {MUTUAL "ProxyPass /a/ http://127.0.0.1:1/\n" PASS END, "strip_prefix = \"/a\";", NULL},
    {MUTUAL "ProxyPass /a http://127.0.0.1:1/b\n" PASS END, NULL, "the path \"/b\" of the target"},
    {MUTUAL "ProxyPass /a ajp://127.0.0.1:1/\n" PASS END, "respond = 503;", "only http, https and balancer"},
    {MUTUAL "ProxyPass /a balancer://none/\n" PASS END, "respond = 503;", "no member"},
    {MUTUAL "ProxyPreserveHost On\n" PASS END, "host = \"preserve\";", NULL},
    {MUTUAL "RequestHeader set X-DN \"%{SSL_CLIENT_S_DN}s\"\n" PASS END, "X-DN = \"{cert.subject}\";", NULL},
    {MUTUAL "RequestHeader unset X-Old\n" PASS END, "remove_headers = [ \"X-Old\" ];", NULL},
    {MUTUAL "RequestHeader set X-DN \"%{NO}s\"\n" PASS END, "remove_headers = [ \"X-DN\" ];", "this field"},
    {MUTUAL "Redirect permanent /old https://new.example/x\n" PASS END, "redirect_status = 301;", NULL},
    {MUTUAL "ServerAdmin ops@example.com\n" PASS END, "contact = \"ops@example.com\";", NULL},
    {MUTUAL "<Proxy balancer://f>\nBalancerMember https://127.0.0.1:1 route=a loadfactor=3 retry=10\nBalancerMember https://127.0.0.1:2 route=b status=+H\nProxySet lbmethod=bybusyness stickysession=SID|sid\n</Proxy>\n"
     "SSLProxyEngine on\nSSLProxyVerify require\nSSLProxyCACertificateFile b.pem\nSSLProxyMachineCertificateFile m.pem\nProxyPass / balancer://f/\n" END, "mode = \"suffix\";", NULL},
    {MUTUAL "<Proxy balancer://f>\nBalancerMember http://127.0.0.1:1\n</Proxy>\nProxyPass / balancer://f/ stickysession=SID\n" END, NULL, "a member has no route="},
    {MUTUAL "SSLProxyEngine on\nProxyPass / https://127.0.0.1:1/\n" END, "trust = \"system\";", "Apache does not verify this server"},
    {MUTUAL "SSLProxyVerify require\nSSLProxyCheckPeerName off\nProxyPass / https://127.0.0.1:1/\n" END, NULL, "SSLProxyCheckPeerName off"},
    {MUTUAL "BrowserMatch \"MSIE [2-5]\" \\\n nokeepalive \\\n downgrade-1.0\n" PASS END, NULL, NULL},
    {"<IfModule mod_ssl.c>\n" MUTUAL PASS END "</IfModule>\n", "client_cert = \"required\";", NULL},
    {MUTUAL "ServerName a.example\n" PASS END "<VirtualHost 127.0.0.1:8443>\nServerName b.example\nSSLEngine on\nSSLCertificateFile b.pem\n" PASS END, "hosts = [ \"b.example\" ];", NULL},
    {"Listen 127.0.0.1:80\n" PASS, "bind = [ \"127.0.0.1:80\" ];", NULL},
    {MUTUAL "Include conf.d/*.conf\n" PASS END, NULL, "included files are not read"},
    {MUTUAL "Frobnicate on\n" PASS END, NULL, "source.conf:7: left out: \"frobnicate\""},
    {MUTUAL PASS, NULL, "the file ends inside <virtualhost>"},
    {MUTUAL PASS "</Location>\n" END, NULL, "this ends no open section"},
    {MUTUAL "ServerName \"x\n" PASS END, NULL, "a quote does not end"},
    {MUTUAL END, "respond = 404;", "this host forwards nothing"},
};

START_TEST(translates_or_says_why_not)
{
    import_case_check("apache", import_apache, &rows[_i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("import_apache");
    TCase *tc = tcase_create("apache");
    tcase_add_loop_test(tc, translates_or_says_why_not, 0, sizeof(rows) / sizeof(rows[0]));
    suite_add_tcase(s, tc);
    return s;
}
