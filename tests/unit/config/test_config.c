/* SPDX-License-Identifier: Apache-2.0 */
/* What a good configuration becomes: values, defaults, joined paths. The bad ones are in test_config_check.c.
 */
#include "mtlsd/base/log.h"
#include "mtlsd/config/config.h"
#include "t.h"

#include <stdio.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config *parse(const char *text, const char *name)
{
    struct findings f;
    findings_init(&f);
    struct config *c = config_parse(text, name, &f);
    ck_assert_msg(c != NULL, "%s: %s", f.n > 0 ? f.items[0].where : "", f.n > 0 ? f.items[0].text : "");
    findings_clear(&f);
    return c;
}

static const char injector[] =
    "identities = { payments = { bundle = \"payments.pem\"; }; };\n"
    "trusts = { partner = { ca = \"partner-ca.pem\"; }; };\n"
    "upstreams = { partner = { targets = [ \"api.partner.example:443\" ];\n"
    "  tls = { identity = \"payments\"; trust = \"partner\"; }; }; };\n"
    "listeners = { app = { bind = \"127.0.0.1:8080\"; upstream = \"partner\"; }; };\n";

static const char gateway[] =
    "upstreams = { up = { targets = ( \"127.0.0.1:1\", { address = \"127.0.0.1:2\"; route = \"b\"; weight = 2; } );\n"
    "  sticky = { cookie = \"S\"; }; health = { path = \"/h\"; expect = \"200\"; }; proxy = \"http://127.0.0.1:3\"; }; };\n"
    "listeners = { app = { bind = \"127.0.0.1:8080\"; hosts = \"a:1\"; allow_origins = \"https://a\"; forward_proxy = { direct = \"*.b\"; };\n"
    "  routes = ( { host = \"*.a\"; path = \"/a\"; method = [ \"GET\", \"PUT\" ]; upstream = \"up\"; strip_prefix = \"/a\";\n"
    "    set_headers = { X-A = \"1\"; }; remove_headers = \"X-B\"; set_host = \"c\"; },\n"
    "    { path = \"/r\"; redirect = \"https://a/\"; redirect_status = 301; }, { deny = true; } ); }; };\n";

START_TEST(reads_the_injector_and_fills_in_every_default)
{
    struct config *c = parse(injector, "/etc/mtlsd/mtlsd.conf");
    ck_assert_str_eq(c->path, "/etc/mtlsd/mtlsd.conf");
    ck_assert_uint_ge(c->workers, 1);
    ck_assert_ptr_null(c->admin_socket);
    ck_assert_int_eq(c->log_level, LOG_LEVEL_INFO);
    ck_assert_int_eq(c->log_format.word, LOG_FORMAT_TEXT);
    ck_assert_uint_eq(c->max_connections, 0);
    ck_assert_uint_eq(c->max_per_client, 0);
    ck_assert_uint_eq(c->drain_ms, 30000);
    ck_assert_uint_eq(c->n_identities, 1);
    ck_assert_str_eq(c->identities[0].name, "payments");
    ck_assert_str_eq(c->identities[0].where, "/etc/mtlsd/mtlsd.conf:1");
    ck_assert_str_eq(c->identities[0].bundle, "/etc/mtlsd/payments.pem");
    ck_assert_ptr_null(c->identities[0].key);
    const struct config_trust *t = config_find_trust(c, "partner");
    ck_assert_str_eq(t->ca, "/etc/mtlsd/partner-ca.pem");
    ck_assert_int_eq(t->crl_policy, CONFIG_CRL_REQUIRE);
    ck_assert_uint_eq(t->crl.n + t->crl_grace_ms, 0);
    ck_assert_uint_eq(t->depth, 8);
    ck_assert_uint_eq(t->min_rsa_bits, 2048);
    config_free(c);
}
END_TEST

START_TEST(fills_in_the_defaults_of_an_upstream_and_a_plaintext_listener)
{
    struct config *c = parse(injector, "x.conf");
    const struct config_upstream *u = config_find_upstream(c, "partner");
    ck_assert_str_eq(u->targets[0].text, "api.partner.example:443");
    ck_assert_str_eq(u->targets[0].address.host, "api.partner.example");
    ck_assert_uint_eq(u->targets[0].address.port, 443);
    ck_assert(u->tls.present && u->tls.require_client_auth && !u->host_given);
    ck_assert_str_eq(u->tls.where, "x.conf:4");
    ck_assert_str_eq(u->tls.identity, "payments");
    ck_assert_int_eq(u->tls.min_version, CONFIG_TLS_1_2);
    ck_assert_ptr_null(u->tls.server_name);
    ck_assert_uint_eq(u->connect_ms, 5000);
    ck_assert_uint_eq(u->handshake_ms, 10000);
    ck_assert_uint_eq(u->response_ms, 60000);
    ck_assert_uint_eq(u->idle_ms, 600000);
    ck_assert_uint_eq(u->pool_max, UINT_MAX);
    ck_assert_uint_eq(u->pool_idle_ms, 50000);
    const struct config_listener *l = &c->listeners[0];
    ck_assert_uint_lt(u->pool_idle_ms + 1000, l->idle_ms); /* or two of us would race for each connection */
    ck_assert_uint_eq(l->n_bind, 1);
    ck_assert_str_eq(l->bind_text[0], "127.0.0.1:8080");
    ck_assert(!l->tls.present && !l->insecure_expose);
    ck_assert_int_eq(l->protocol, CONFIG_PROTOCOL_HTTP);
    ck_assert_int_eq(l->forwarded, CONFIG_FORWARDED_OFF);
    ck_assert_uint_eq(l->handshake_ms, 10000);
    ck_assert_uint_eq(l->header_ms, 10000);
    ck_assert_uint_eq(l->idle_ms, 60000);
    ck_assert_uint_eq(l->max_header_bytes, 32768);
    ck_assert_uint_eq(l->max_headers, 100);
    config_free(c);
}
END_TEST

START_TEST(trusted_proxies_are_ranges_and_set_forwarded)
{
    struct config *c = parse("upstreams = { up = { targets = \"unix:app.sock\"; }; };\n"
                             "listeners = { a = { bind = \"127.0.0.1:1\"; upstream = \"up\"; trusted_proxies = [ \"10.0.0.0/8\", \"::1\", \"unix\" ]; };\n"
                             "  b = { bind = \"127.0.0.1:2\"; upstream = \"up\"; trusted_proxies = \"unix\"; forwarded = \"rfc7239\"; };\n"
                             "  c = { bind = \"127.0.0.1:3\"; upstream = \"up\"; }; };\n",
                             "x.conf");
    const struct config_ranges *ranges = &c->listeners[0].trusted_proxies;
    ck_assert_uint_eq(ranges->n, 2);
    ck_assert_uint_eq(ranges->items[0].bits, 8);
    ck_assert_uint_eq(ranges->items[1].bits, 128);
    ck_assert(ranges->sockets);
    ck_assert_int_eq(c->listeners[0].forwarded, CONFIG_FORWARDED_X);
    ck_assert(c->listeners[1].trusted_proxies.n == 0 && c->listeners[1].trusted_proxies.sockets);
    ck_assert_int_eq(c->listeners[1].forwarded, CONFIG_FORWARDED_RFC7239);
    ck_assert(c->listeners[2].trusted_proxies.n == 0 && !c->listeners[2].trusted_proxies.sockets);
    config_free(c);
}
END_TEST

START_TEST(a_trust_makes_the_certificate_required_and_tls_sets_forwarded)
{
    struct config *c =
        parse("identities = { me = { certificate = \"me.crt\"; key = \"/keys/me.key\"; }; };\n"
              "trusts = { ca = { ca = \"system\"; crl = \"a.crl\"; crl_policy = \"prefer\"; crl_grace = "
              "\"2h\"; }; };\n"
              "upstreams = { up = { targets = \"unix:app.sock\"; }; };\n"
              "listeners = { web = { bind = \":8443\"; upstream = \"up\"; tls = { identity = \"me\"; trust = "
              "\"ca\"; }; };\n"
              "  open = { bind = \":8444\"; upstream = \"up\"; tls = { identity = \"me\"; }; };\n"
              "  raw = { bind = \":8445\"; upstream = \"up\"; protocol = \"tcp\"; tls = { identity = \"me\"; "
              "trust = \"ca\"; }; }; };\n",
              "conf/x.conf");
    ck_assert_int_eq(c->listeners[0].tls.client_cert, CONFIG_CLIENT_CERT_REQUIRED);
    ck_assert_int_eq(c->listeners[0].forwarded, CONFIG_FORWARDED_X);
    ck_assert_int_eq(c->listeners[1].tls.client_cert, CONFIG_CLIENT_CERT_NONE);
    ck_assert_int_eq(c->listeners[2].forwarded, CONFIG_FORWARDED_OFF);
    ck_assert_uint_eq(c->listeners[2].idle_ms, 600000);
    ck_assert_str_eq(c->identities[0].certificate, "conf/me.crt");
    ck_assert_str_eq(c->identities[0].key, "/keys/me.key");
    ck_assert_str_eq(c->trusts[0].ca, "system");
    ck_assert_uint_eq(c->trusts[0].crl.n, 1);
    ck_assert_str_eq(c->trusts[0].crl.items[0], "conf/a.crl");
    ck_assert_int_eq(c->trusts[0].crl_policy, CONFIG_CRL_PREFER);
    ck_assert_uint_eq(c->trusts[0].crl_grace_ms, 7200000);
    ck_assert_int_eq(c->upstreams[0].targets[0].address.kind, ADDRESS_UNIX);
    ck_assert_str_eq(c->upstreams[0].targets[0].address.path, "conf/app.sock");
    ck_assert(!c->upstreams[0].tls.present);
    config_free(c);
}
END_TEST

START_TEST(reads_every_key_that_is_not_a_default)
{
    struct config *c =
        parse("workers = 3; drain_timeout = \"1m\"; admin = { socket = \"unix:run/a.sock\"; };\n"
              "log = { level = \"debug\"; format = \"json\"; }; limits = { connections = 500; per_client = 20; };\n"
              "identities = { me = { bundle = \"b\"; }; };\n"
              "trusts = { ca = { ca = \"c\"; depth = 3; min_rsa_bits = 3072; }; };\n"
              "upstreams = { up = { targets = [ \"[::1]:443\" ]; host = \"preserve\";\n"
              "  tls = { identity = \"me\"; trust = \"ca\"; server_name = \"a.example\"; expect = [ "
              "\"b.example\", \"spiffe://x/y\" ];\n"
              "          min_version = \"1.3\"; priority = \"NORMAL\"; require_client_auth = false; };\n"
              "  timeouts = { connect = \"1s\"; handshake = \"2s\"; response = \"3s\"; idle = \"4s\"; }; "
              "pool = { max = 0; idle = \"5s\"; }; };\n"
              "  named = { targets = \"localhost:1\"; host = \"other.example:81\"; }; };\n"
              "listeners = { in = { bind = [ \"127.0.0.1:1\", \"unix:/x/y\" ]; upstream = \"named\"; "
              "forwarded = \"rfc7239\"; };\n"
              "  web = { bind = \":2\"; upstream = \"up\"; tls = { identity = \"me\"; trust = \"ca\"; "
              "client_cert = \"optional\"; };\n"
              "  identity_headers = [ \"x-ssl\", \"rfc9440\" ]; max_header_bytes = \"8KiB\"; max_headers = "
              "50; forwarded = \"off\";\n"
              "  timeouts = { handshake = \"1s\"; header = \"2s\"; idle = \"3s\"; };\n"
              "  allow = ( { cn = \"a\"; ou = \"b\"; o = \"c\"; dns = \"d\"; uri = \"e:e\"; }, { email = "
              "\"f@g\"; issuer = \"h=h\"; serial = \"0A\"; } ); }; };\n",
              "/c/x.conf");
    ck_assert_uint_eq(c->workers, 3);
    ck_assert_uint_eq(c->drain_ms, 60000);
    ck_assert_str_eq(c->admin_socket, "/c/run/a.sock");
    ck_assert_int_eq(c->log_level, LOG_LEVEL_DEBUG);
    ck_assert_int_eq(c->log_format.word, LOG_FORMAT_JSON);
    ck_assert_uint_eq(c->max_connections, 500);
    ck_assert_uint_eq(c->max_per_client, 20);
    ck_assert_uint_eq(c->trusts[0].depth, 3);
    ck_assert_uint_eq(c->trusts[0].min_rsa_bits, 3072);
    const struct config_upstream *u = &c->upstreams[0];
    ck_assert(u->host == CONFIG_HOST_PRESERVE && u->host_given);
    ck_assert_str_eq(u->tls.server_name, "a.example");
    ck_assert_uint_eq(u->tls.expect.n, 2);
    ck_assert_str_eq(u->tls.expect.items[1], "spiffe://x/y");
    ck_assert_int_eq(u->tls.min_version, CONFIG_TLS_1_3);
    ck_assert_str_eq(u->tls.priority, "NORMAL");
    ck_assert(!u->tls.require_client_auth);
    ck_assert_uint_eq(u->connect_ms + u->handshake_ms * 10 + u->response_ms * 100 + u->idle_ms * 1000,
                      4321000);
    ck_assert_uint_eq(u->pool_max, 0);
    ck_assert_uint_eq(u->pool_idle_ms, 5000);
    ck_assert_int_eq(c->upstreams[1].host, CONFIG_HOST_LITERAL);
    ck_assert_str_eq(c->upstreams[1].host_literal, "other.example:81");
    ck_assert_uint_eq(c->listeners[0].n_bind, 2);
    ck_assert_str_eq(c->listeners[0].bind[1].path, "/x/y");
    ck_assert_int_eq(c->listeners[0].forwarded, CONFIG_FORWARDED_RFC7239);
    const struct config_listener *l = &c->listeners[1];
    ck_assert_int_eq(l->tls.client_cert, CONFIG_CLIENT_CERT_OPTIONAL);
    ck_assert_uint_eq(l->identity_headers, CONFIG_HEADERS_RFC9440 | CONFIG_HEADERS_X_SSL);
    ck_assert_int_eq(l->forwarded, CONFIG_FORWARDED_OFF);
    ck_assert_uint_eq(l->max_header_bytes, 8192);
    ck_assert_uint_eq(l->max_headers, 50);
    ck_assert_uint_eq(l->handshake_ms + l->header_ms * 10 + l->idle_ms * 100, 321000);
    ck_assert_uint_eq(l->n_allow, 2);
    ck_assert_str_eq(l->allow[0].uri, "e:e");
    ck_assert_ptr_null(l->allow[0].email);
    ck_assert_str_eq(l->allow[1].serial, "0A");
    ck_assert_str_eq(l->allow[1].where, "/c/x.conf:14");
    config_free(c);
}
END_TEST

START_TEST(each_identity_header_preset_is_its_own_bit)
{
    static const char *const words[] = {"rfc9440", "x-ssl"};
    static const unsigned bits[] = {CONFIG_HEADERS_RFC9440, CONFIG_HEADERS_X_SSL};
    for (size_t i = 0; i < 2; i++) {
        char text[600];
        snprintf(text, sizeof(text),
                 "identities = { me = { bundle = \"b\"; }; }; trusts = { ca = { ca = \"c\"; }; }; upstreams "
                 "= { up = { targets = \"[::1]:1\"; }; };\n"
                 "listeners = { web = { bind = \":2\"; upstream = \"up\"; tls = { identity = \"me\"; trust = "
                 "\"ca\"; }; identity_headers = \"%s\"; }; };",
                 words[i]);
        struct config *c = parse(text, "x");
        ck_assert_uint_eq(c->listeners[0].identity_headers, bits[i]);
        config_free(c);
    }
}
END_TEST

START_TEST(an_upstream_without_trust_is_verified_by_the_system_and_one_without_identity_need_not_ask)
{
    struct config *c = parse("upstreams = { up = { targets = \"a.example:443\"; tls = { }; }; };\n"
                             "listeners = { app = { bind = \"localhost:1\"; upstream = \"up\"; }; };",
                             "x");
    ck_assert_str_eq(c->upstreams[0].tls.trust, "system");
    ck_assert_ptr_null(c->upstreams[0].tls.identity);
    ck_assert(!c->upstreams[0].tls.require_client_auth);
    ck_assert_ptr_null(config_find_trust(c, "system"));
    config_free(c);
}
END_TEST

START_TEST(finds_by_name_or_not)
{
    struct config *c = parse(injector, "x");
    ck_assert_ptr_eq(config_find_identity(c, "payments"), &c->identities[0]);
    ck_assert_ptr_null(config_find_identity(c, "payment"));
    ck_assert_ptr_null(config_find_trust(c, "Partner"));
    ck_assert_ptr_null(config_find_upstream(c, ""));
    config_free(c);
    config_free(NULL);
}
END_TEST

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(a_path_is_relative_to_the_file_it_stands_in_also_when_included)
{
    char folder[] = "/tmp/mtlsd-config-XXXXXX", path[128], want[128];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/ids", folder);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    write_file(folder, "ids/me.conf", "me = {\n  bundle = \"me.pem\";\n};\n");
    write_file(folder, "main.conf",
               "identities = {\n@include \"ids/me.conf\"\n};\nupstreams = { up = { targets = \"a:1\"; tls = "
               "{ identity = \"me\"; }; }; };\n"
               "listeners = { l = { bind = \"[::1]:1\"; upstream = \"up\"; }; };\n");
    snprintf(path, sizeof(path), "%s/main.conf", folder);
    struct findings f;
    findings_init(&f);
    struct config *c = config_load(path, &f);
    ck_assert_msg(c != NULL, "%s", f.n > 0 ? f.items[0].text : "");
    snprintf(want, sizeof(want), "%s/ids/me.pem", folder);
    ck_assert_str_eq(c->identities[0].bundle, want);
    snprintf(want, sizeof(want), "%s/ids/me.conf:1", folder);
    ck_assert_str_eq(c->identities[0].where, want);
    config_free(c);
    findings_clear(&f);
    snprintf(path, sizeof(path), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(path), 0);
}
END_TEST

/* Whatever the text, the reader comes back with an answer and with words. */
START_TEST(survives_every_prefix_and_every_changed_byte)
{
    static const char *const texts[] = {injector, gateway};
    static const char changes[] = "\x01\x7f\xff{}()[]\"\\;=,#/*@ 0";
    const char *whole = texts[_i];
    static char text[sizeof(injector) + sizeof(gateway)];
    for (size_t i = 0; i < strlen(whole); i++) {
        for (size_t k = 0; k < sizeof(changes); k++) {
            memcpy(text, whole, strlen(whole) + 1);
            text[i] = changes[k]; /* the last one is the NUL: a prefix */
            struct findings f;
            findings_init(&f);
            struct config *c = config_parse(text, "x", &f);
            ck_assert_msg((c == NULL) == (findings_failed(&f) != 0), "byte %zu to %d", i, changes[k]);
            config_free(c);
            findings_clear(&f);
        }
    }
}
END_TEST

START_TEST(explains_an_empty_file_and_syntax_errors)
{
    static const char *const rows[][3] = {{"", "x", "is empty"},
                                          {"\n\n# nothing\n", "x", "is empty"},
                                          {"a = {\n", "x:1", "never closed"},
                                          {"a = 1;\nb = = 2;\n", "x:2", "without a key"},
                                          {"a = [ 1, \"b\" ];\n", "x:1", "mixes"},
                                          {"a = 1;\na = 2;\n", "x:2", "already given"},
                                          {"garbage", "x:1", "no value"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct findings f;
        findings_init(&f);
        ck_assert_ptr_null(config_parse(rows[i][0], "x", &f));
        ck_assert_uint_eq(f.errors, 1);
        ck_assert_str_eq(f.items[0].where, rows[i][1]);
        ck_assert_msg(strstr(f.items[0].text, rows[i][2]) != NULL, "%s: %s", rows[i][0], f.items[0].text);
        findings_clear(&f);
    }
}
END_TEST

/* What a rotation loads again: the same text, and the files that it names. */
START_TEST(is_shared_and_names_the_files_of_identities_and_trusts)
{
    static const char *const expected[] = {"/b.pem", "/c.crt", "/c.key", "/ca.pem"};
    struct findings f;
    size_t n;
    findings_init(&f);
    struct config *c = config_parse("identities = { a = { bundle = \"/b.pem\"; }; b = { certificate = \"/c.crt\"; key = \"/c.key\"; }; };\n"
                                    "trusts = { own = { ca = \"/ca.pem\"; crl = \"/x.crl\"; }; public = { ca = \"system\"; }; };\n"
                                    "upstreams = { u = { targets = [ \"a:1\" ]; tls = { trust = \"own\"; identity = \"a\"; }; }; };\n"
                                    "listeners = { l = { bind = \"127.0.0.1:1\"; upstream = \"u\"; }; };\n",
                                    "x", &f);
    ck_assert_ptr_nonnull(c);
    struct config *shared = config_ref(c);
    config_free(c);
    const char **files = config_credential_files(shared, &n);
    ck_assert_uint_eq(n, sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < n; i++)
        ck_assert_str_eq(files[i], expected[i]);
    free((void *)files);
    config_free(shared);
    findings_clear(&f);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config");
    TCase *t = tcase_create("config");
    tcase_add_test(t, reads_the_injector_and_fills_in_every_default);
    tcase_add_test(t, fills_in_the_defaults_of_an_upstream_and_a_plaintext_listener);
    tcase_add_test(t, trusted_proxies_are_ranges_and_set_forwarded);
    tcase_add_test(t, a_trust_makes_the_certificate_required_and_tls_sets_forwarded);
    tcase_add_test(t, reads_every_key_that_is_not_a_default);
    tcase_add_test(t, each_identity_header_preset_is_its_own_bit);
    tcase_add_test(t,
                   an_upstream_without_trust_is_verified_by_the_system_and_one_without_identity_need_not_ask);
    tcase_add_test(t, finds_by_name_or_not);
    tcase_add_test(t, a_path_is_relative_to_the_file_it_stands_in_also_when_included);
    tcase_add_loop_test(t, survives_every_prefix_and_every_changed_byte, 0, 2);
    tcase_add_test(t, explains_an_empty_file_and_syntax_errors);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, is_shared_and_names_the_files_of_identities_and_trusts);
    suite_add_tcase(s, t);
    return s;
}
