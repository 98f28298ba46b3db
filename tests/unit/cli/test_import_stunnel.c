/* SPDX-License-Identifier: Apache-2.0 */
#include "import_case.h"

#define CLIENT "[c]\nclient = yes\naccept = 127.0.0.1:1\nconnect = api.example:443\n"
#define SERVER "[s]\naccept = 127.0.0.1:1\nconnect = 9000\ncert = s.pem\n"

static const struct import_row rows[] = {
    {CLIENT "cert = c.pem\nCAfile = ca.pem\nverifyChain = yes\ncheckHost = api.example\n", "server_name = \"api.example\";", NULL},
    {"client = yes\nverifyChain = yes\nCAfile = ca.pem\n[c]\naccept = 127.0.0.1:1\nconnect = a:443\ncheckHost = a\n", "ca = \"ca.pem\";", NULL},
    {CLIENT "cert = c.pem\n", "trust = \"system\";", "source.conf:1: left out: stunnel verifies no server here"},
    {CLIENT "CAfile = ca.pem\nverifyPeer = yes\n", NULL, "source.conf:6: left out: stunnel accepts only the certificates in CAfile"},
    {CLIENT "verify = 2\nCAfile = ca.pem\nprotocol = pgsql\n", "starttls = \"postgres\";", NULL},
    {CLIENT "verify = 2\nCAfile = ca.pem\nprotocol = cifs\n", NULL, "protocol = cifs"},
    {CLIENT "verify = 2\nCAfile = ca.pem\nprotocol = connect\nprotocolHost = t.example:443\n", "proxy = \"http://api.example:443\";", NULL},
    {SERVER "CAfile = ca.pem\nverifyChain = yes\nCRLfile = ca.crl\n", "client_cert = \"required\";", NULL},
    {SERVER "CAfile = ca.pem\nverify = 1\n", "client_cert = \"optional\";", NULL},
    {SERVER "CAfile = ca.pem\n", NULL, "note: stunnel does not verify clients here"},
    {SERVER "verifyChain = yes\n", "trust = \"system\";", "left out: clients are verified without CAfile"},
    {SERVER "CAfile = ca.pem\nverify = 2\ncheckHost = web\n", "dns = \"web\";", NULL},
    {SERVER "sslVersionMin = TLSv1.3\n", "min_version = \"1.3\";", NULL},
    {SERVER "protocol = proxy\n", "send_proxy_protocol = \"v1\";", NULL},
    {SERVER "connect = 9001\nfailover = prio\n", "backup = true;", NULL},
    {"[s]\naccept = 127.0.0.1:1\nconnect = no port\ncert = s.pem\n", NULL, "source.conf:3: left out: connect"},
    {SERVER "libwrap = yes\n", NULL, "\"libwrap\" has no counterpart"},
    {SERVER "frob = 1\n", NULL, "source.conf:5: left out: \"frob\""},
    {SERVER "what is this\n", NULL, "source.conf:5: left out: this is not KEY = VALUE"},
    {"include = /etc/stunnel/conf.d\n" SERVER, NULL, "source.conf:1: left out: included files are not read"},
    {"[x]\naccept = 1\nexec = /bin/sh\n" SERVER, NULL, "source.conf:1: left out: service [x]"},
    {"accept = 127.0.0.1:1\nconnect = 2\ncert = s.pem\n", "bind = [ \"127.0.0.1:1\" ];", NULL},
};

START_TEST(translates_or_says_why_not)
{
    import_case_check("stunnel", import_stunnel, &rows[_i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("import_stunnel");
    TCase *tc = tcase_create("stunnel");
    tcase_add_loop_test(tc, translates_or_says_why_not, 0, sizeof(rows) / sizeof(rows[0]));
    suite_add_tcase(s, tc);
    return s;
}
