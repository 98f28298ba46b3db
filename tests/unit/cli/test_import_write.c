/* SPDX-License-Identifier: Apache-2.0 */
#include "import_case.h"

/* Nothing in a source becomes a setting or a line of ours. */
static const struct {
    const char *source;
    import_read_fn read;
} hostile[] = {
    {"listen l\n bind 127.0.0.1:80\n cookie \"x\\\"; evil = 1; }\" insert\n server s 127.0.0.1:1\n mode http\n", import_haproxy},
    {"listen \"a}; evil = { x\"\n bind 127.0.0.1:80\n server s 127.0.0.1:1\n", import_haproxy},
    {"listen l\n bind 127.0.0.1:80 # */ evil = 1;\n server s 127.0.0.1:1\n \x01\x1b[2J \r evil = 1;\n", import_haproxy},
    {"listen l\n bind 127.0.0.1:80 ssl crt \"s\\\"; };\\nevil = 1; #\"\n server s 127.0.0.1:1\n", import_haproxy},
    {"server { listen 127.0.0.1:80; location / { proxy_pass http://127.0.0.1:1; proxy_set_header \"X = 1; evil\" 1; } }", import_nginx},
    {"server { listen 127.0.0.1:80; location / { proxy_pass http://127.0.0.1:1; proxy_set_header X-A 'a\"; evil = \"b'; } }", import_nginx},
    {"[s]\naccept = 127.0.0.1:1\nconnect = 2\ncert = \"; evil = 1; \\\\\n", import_stunnel},
    {"[s}; evil = {]\naccept = 127.0.0.1:1\nconnect = 2\ncert = s.pem\n", import_stunnel},
    {"ghostunnel server --listen 127.0.0.1:1 --target 127.0.0.1:2 --keystore '\"; evil = 1; #' --allow-cn '\" }, { evil = \"'", import_ghostunnel},
    {"@include \"/etc/passwd\"\nlisten l\n bind 127.0.0.1:80\n server s 127.0.0.1:1\n", import_haproxy},
};

START_TEST(a_hostile_source_injects_nothing)
{
    /* import_case has read the text with our own reader: an unknown key "evil" is an error there */
    struct import_case c = import_case("p", hostile[_i].read, hostile[_i].source);
    for (const char *at = c.text; *at != '\0'; at++)
        ck_assert_msg(*at == '\n' || (unsigned char)*at >= 0x20, "a control byte: %s", c.text);
    import_case_clear(&c);
}
END_TEST

START_TEST(names_are_unique)
{
    struct import_case c = import_case("haproxy", import_haproxy,
        "listen a.b\n bind 127.0.0.1:1 ssl crt /x/s.pem\n server s 127.0.0.1:9\nlisten a-b\n bind 127.0.0.1:2 ssl crt /y/s.pem\n server s 127.0.0.1:9\n"
        "listen 9\n bind 127.0.0.1:3 ssl crt /x/s.pem\n server s 127.0.0.1:9\n");
    ck_assert_uint_eq(c.config->n_identities, 2);
    ck_assert_str_eq(c.config->listeners[0].name, "a-b");
    ck_assert_str_eq(c.config->listeners[1].name, "a-b-2");
    ck_assert_str_eq(c.config->listeners[2].name, "n9");
    import_case_clear(&c);
}
END_TEST

START_TEST(refuses_what_is_no_text)
{
    struct import_model m;
    struct err err = {0};
    ck_assert_int_eq(import_begin(&m, "nginx", "f", span_of("a\0b", 3), &err), -1);
    ck_assert_str_eq(err.text, "f: byte 2 is NUL: this is not a text file");
    import_clear(&m);
    size_t n = (size_t)1 << 20;
    char *line = malloc(n);
    memset(line, 'x', n);
    err_clear(&err);
    ck_assert_int_eq(import_begin(&m, "nginx", "f", span_of(line, n), &err), -1);
    ck_assert_str_eq(err.text, "f:1: the line has more than 16384 bytes: break it");
    import_clear(&m);
    free(line);
}
END_TEST

START_TEST(every_beginning_of_a_source_is_translated)
{
    static const char *const sources[] = {
        "global\n crt-base /x\nfrontend f\n mode http\n bind :1 ssl crt \"a b\" verify optional ca-file c crt-ignore-err all\n acl x ssl_c_verify 10\n"
        " redirect location / if x !{ path / }\n http-request set-header A %[src]\n use_backend b if x\nbackend b\n mode http\n server s 127.0.0.1:1 ssl sni str(a)\n",
        "http { upstream u { server a:1 weight=2; } server { listen 1 ssl; ssl_certificate a; location /x/ { proxy_pass http://u/; } if ($a) { return 403; } } }",
        "Listen 1\n<VirtualHost *:1>\nSSLEngine on\nSSLCertificateFile \"a\" \\\n b\n<Proxy balancer://f>\nBalancerMember http://a:1 route=b\n</Proxy>\nProxyPass / balancer://f/\n"
        "<Location /a>\nRequire x\n</Location>\nRedirect / /x\n</VirtualHost>\n",
        "client = yes\n[a]\naccept = 1\nconnect = a:2\nprotocol = connect\nprotocolHost = b:3\ncheckHost = a\ncheckHost = b\n",
        "ExecStart=ghostunnel server --listen=:1 \\\n --target a:2 --keystore 'x' --allow-cn b \\\n",
    };
    static const import_read_fn readers[] = {import_haproxy, import_nginx, import_apache, import_stunnel, import_ghostunnel};
    for (size_t i = 0; i < 5; i++)
        for (size_t n = 0; n <= strlen(sources[i]); n++)
            for (size_t k = 0; k < 5; k++) { /* by the wrong reader, too */
                struct import_model m;
                struct err err = {0};
                struct bytes out;
                bytes_init(&out, 1 << 20);
                ck_assert_int_eq(import_begin(&m, "p", "f", span_of(sources[i], n), &err), 0);
                readers[k](&m);
                ck_assert_int_eq(import_write(&m, &out, &err), 0);
                import_summary(&m, &out);
                import_clear(&m);
                bytes_clear(&out);
            }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("import_write");
    TCase *tc = tcase_create("write");
    tcase_add_loop_test(tc, a_hostile_source_injects_nothing, 0, sizeof(hostile) / sizeof(hostile[0]));
    tcase_add_test(tc, names_are_unique);
    tcase_add_test(tc, refuses_what_is_no_text);
    tcase_add_test(tc, every_beginning_of_a_source_is_translated);
    suite_add_tcase(s, tc);
    return s;
}
