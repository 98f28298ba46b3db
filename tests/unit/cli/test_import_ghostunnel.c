/* SPDX-License-Identifier: Apache-2.0 */
#include "import_case.h"

#define SERVER "ghostunnel server --listen 127.0.0.1:1 --target 127.0.0.1:2 --keystore s.pem --cacert ca.pem "
#define CLIENT "ghostunnel client --listen 127.0.0.1:1 --target api.example:443 --cacert ca.pem "

static const struct import_row rows[] = {
    {SERVER "--allow-cn web", "cn = \"web\";", NULL},
    {SERVER "--allow-ou=ops --allow-dns a.example --allow-uri spiffe://example/a", "uri = \"spiffe://example/a\";", NULL},
    {SERVER "--allow-all", "client_cert = \"required\";", NULL},
    {SERVER "", "cn = \"replace this rule\";", "left out: no --allow flag"},
    {SERVER "--allow-policy p.rego", "cn = \"replace this rule\";", "left out: --allow-policy"},
    {SERVER "--disable-authentication", NULL, "note: no certificate is requested"},
    {SERVER "--allow-all --unsafe-target", NULL, "note: the plaintext to this target"},
    {SERVER "--allow-all --proxy-protocol", "send_proxy_protocol = \"v2\";", NULL},
    {"ghostunnel server --listen 127.0.0.1:1 --target unix:/run/x --cert s.crt --key s.key --allow-all", "trust = \"system\";", NULL},
    {"ghostunnel server --listen 127.0.0.1:1 --target 127.0.0.1:2 --keystore s.p12 --allow-all", NULL, "PKCS#12"},
    {CLIENT "--cert c.crt --key c.key", "key = \"c.key\";", NULL},
    {CLIENT "--disable-authentication", NULL, "note: no client certificate is presented"},
    {CLIENT "--keystore c.pem --verify-dns b.example", "expect = [ \"b.example\" ];", "note: expect stands instead"},
    {CLIENT "--keystore c.pem --verify-cn b", NULL, "left out: --verify-cn"},
    {CLIENT "--keystore c.pem --override-server-name n.example", "server_name = \"n.example\";", NULL},
    {"[Service]\nExecStart=/usr/bin/ghostunnel client \\\n  --listen 127.0.0.1:1 \\\n --target a:1 --keystore c.pem\n", "targets = [ \"a:1\" ];", NULL},
    {SERVER "--allow-all --frob 1", NULL, "source.conf:1: left out: --frob"},
    {SERVER "--allow-all 'x", NULL, "a quote does not end"},
    {"ghostunnel server --listen 127.0.0.1:1", NULL, "it needs --listen and --target"},
};

START_TEST(translates_or_says_why_not)
{
    import_case_check("ghostunnel", import_ghostunnel, &rows[_i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("import_ghostunnel");
    TCase *tc = tcase_create("ghostunnel");
    tcase_add_loop_test(tc, translates_or_says_why_not, 0, sizeof(rows) / sizeof(rows[0]));
    suite_add_tcase(s, tc);
    return s;
}
