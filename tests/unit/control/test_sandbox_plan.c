/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/sandbox_plan.h"
#include "t.h"

#include <stdlib.h>
#include <string.h>

static struct sandbox_plan plan_of(const char *text, enum sandbox_role role, struct config **config)
{
    struct findings findings;
    struct sandbox_plan plan;
    findings_init(&findings);
    *config = config_parse(text, "/etc/mtlsd/mtlsd.conf", &findings);
    ck_assert_msg(*config != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    findings_clear(&findings);
    ck_assert_int_eq(sandbox_plan_new(&plan, *config, role), 0);
    return plan;
}

/* The use of a path; -1: it is not in the plan. */
static int use_of(const struct sandbox_plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->n; i++)
        if (strcmp(plan->places[i].path, path) == 0)
            return (int)plan->places[i].use;
    return -1;
}

static const char full[] =
    "admin = { socket = \"unix:/run/mtlsd/admin.sock\"; };\n"
    "log = { target = \"/var/log/mtlsd/main.log\"; };\n"
    "logs = { requests = { target = \"/var/log/requests/%Y.log\"; what = (\"requests\"); }; };\n"
    "crl_cache = \"/var/lib/mtlsd/crl\";\n"
    "registries = { r = { database = \"sqlite:/var/lib/registry/r.db\"; }; };\n"
    "identities = { web = { bundle = \"/srv/web.pem\"; }; app = { certificate = \"/srv/a/app.crt\"; key = \"/srv/b/app.key\"; }; };\n"
    "trusts = { t = { ca = \"ca/t.pem\"; crl = (\"/srv/lists/t.crl\"); registry = \"r\"; }; };\n"
    "upstreams = { u = { targets = \"unix:/srv/app/app.sock\"; }; v = { targets = \"v.example:443\"; tls = { identity = \"app\"; }; }; };\n"
    "listeners = { a = { bind = \"127.0.0.1:1\"; tls = { identity = \"web\"; trust = \"t\"; }; routes = (\n"
    "    { path = \"/help\"; respond = { status = 200; file = \"/srv/pages/help.html\"; }; }, { upstream = \"u\"; } ); };\n"
    "  b = { bind = \"unix:/run/listeners/b.sock\"; upstream = \"v\"; };\n"
    "  c = { bind = \"127.0.0.1:3\"; require_header = { name = \"x-key\"; value_file = \"/srv/shared/key\"; };\n"
    "    forward_proxy = { intercept = { ca = \"/srv/ca/ca.pem\"; key = \"/srv/ca/ca.key\"; }; };\n"
    "    routes = ( { host = \"v.example\"; upstream = \"v\"; } ); }; };\n";

START_TEST(has_each_place_of_the_configuration)
{
    struct config *config;
    struct sandbox_plan plan = plan_of(full, SANDBOX_ALONE, &config);
    static const struct {
        const char *path;
        int use;
    } rows[] = {
        {"/run/mtlsd/admin.sock", SANDBOX_SOCKET},
        {"/run/listeners/b.sock", SANDBOX_SOCKET},
        {"/var/log/mtlsd/main.log", SANDBOX_KEEP},
        {"/var/log/requests/%Y.log", SANDBOX_KEEP},
        {"/var/lib/mtlsd/crl", SANDBOX_FOLDER},
        {"/var/lib/registry/r.db", SANDBOX_KEEP},
        {"/srv/web.pem", SANDBOX_READ},
        {"/srv/a/app.crt", SANDBOX_READ},
        {"/srv/b/app.key", SANDBOX_READ},
        {"/etc/mtlsd/ca/t.pem", SANDBOX_READ},
        {"/srv/lists/t.crl", SANDBOX_READ},
        {"/srv/ca/ca.pem", SANDBOX_READ},
        {"/srv/ca/ca.key", SANDBOX_READ},
        {"/srv/shared/key", SANDBOX_READ},
        {"/srv/pages/help.html", SANDBOX_READ},
        {"/etc/resolv.conf", SANDBOX_SYSTEM},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(use_of(&plan, rows[i].path) == rows[i].use, "%s: %d", rows[i].path, use_of(&plan, rows[i].path));
    ck_assert_int_eq(use_of(&plan, "/srv/app/app.sock"), -1); /* connecting needs no right */
    sandbox_plan_clear(&plan);
    config_free(config);
}
END_TEST

/* E4: an intruder in the process of connections cannot open what it does not need. */
START_TEST(files_of_identities_are_for_the_process_that_holds_keys)
{
    static const char *const of_identities[] = {"/srv/web.pem", "/srv/a/app.crt", "/srv/b/app.key", "/srv/ca/ca.pem", "/srv/ca/ca.key"};
    static const char *const of_the_rest[] = {"/etc/mtlsd/mtlsd.conf", "/etc/mtlsd/ca/t.pem", "/srv/lists/t.crl", "/var/log/mtlsd/main.log", "/run/mtlsd/admin.sock",
                                              "/srv/shared/key"};
    struct config *config;
    struct sandbox_plan plan = plan_of(full, SANDBOX_CONNECTIONS, &config), keys;
    ck_assert_int_eq(sandbox_plan_new(&keys, config, SANDBOX_KEYS), 0);
    for (size_t i = 0; i < sizeof(of_identities) / sizeof(of_identities[0]); i++) {
        ck_assert_int_eq(use_of(&plan, of_identities[i]), -1);
        ck_assert_int_eq(use_of(&keys, of_identities[i]), SANDBOX_AROUND);
    }
    for (size_t i = 0; i < sizeof(of_the_rest) / sizeof(of_the_rest[0]); i++)
        ck_assert_int_eq(use_of(&keys, of_the_rest[i]), -1);
    for (size_t i = 0; i < keys.n; i++)
        ck_assert(keys.places[i].use == SANDBOX_AROUND || keys.places[i].use == SANDBOX_SYSTEM);
    sandbox_plan_clear(&plan);
    sandbox_plan_clear(&keys);
    config_free(config);
}
END_TEST

START_TEST(files_that_a_database_is_opened_with_stay_open)
{
    struct config *config;
    setenv("HOME", "/home/mtlsd", 1);
    setenv("PGSSLKEY", "/srv/pg/key.pem", 1);
    struct sandbox_plan plan = plan_of("registries = { r = { database = \"postgresql://u@db.example/x?passfile=/srv/a%20b/pgpass&sslrootcert=system\"; }; };\n"
                                       "upstreams = { u = { targets = \"127.0.0.1:2\"; }; };\n"
                                       "listeners = { a = { bind = \"127.0.0.1:1\"; upstream = \"u\"; }; };\n",
                                       SANDBOX_CONNECTIONS, &config);
    ck_assert_int_eq(use_of(&plan, "/srv/a b/pgpass"), SANDBOX_READ);
    ck_assert_int_eq(use_of(&plan, "/srv/pg/key.pem"), SANDBOX_READ);
    ck_assert_int_eq(use_of(&plan, "/home/mtlsd/.postgresql/postgresql.crt"), SANDBOX_SYSTEM);
    ck_assert_int_eq(use_of(&plan, "/home/mtlsd/.pgpass"), -1); /* another one is named */
    ck_assert_int_eq(use_of(&plan, "system"), -1);
    unsetenv("PGSSLKEY");
    sandbox_plan_clear(&plan);
    config_free(config);
}
END_TEST

START_TEST(words_are_no_files)
{
    struct config *config;
    struct sandbox_plan plan = plan_of("admin = { socket = \"systemd:admin\"; }; log = { target = \"stdout\"; };\n"
                                       "logs = { l = { target = \"stderr\"; what = \"events\"; }; };\n"
                                       "registries = { r = { database = \"postgresql:///certs\"; }; };\n"
                                       "upstreams = { u = { targets = \"127.0.0.1:2\"; }; };\n"
                                       "listeners = { a = { bind = \"127.0.0.1:1\"; upstream = \"u\"; }; };\n",
                                       SANDBOX_ALONE, &config);
    for (size_t i = 0; i < plan.n; i++)
        ck_assert_msg(plan.places[i].use == SANDBOX_SYSTEM, "%s", plan.places[i].path);
    sandbox_plan_clear(&plan);
    config_free(config);
}
END_TEST

/* E5: whoever gets in as root must not find the passwords of the host. */
START_TEST(no_place_of_the_system_has_secrets)
{
    struct config *config;
    struct sandbox_plan plan = plan_of("listeners = { a = { bind = \"127.0.0.1:1\"; routes = ( { respond = 204; } ); }; };\n", SANDBOX_ALONE, &config);
    static const char *const secrets[] = {"/etc/shadow", "/etc/ssl/private/x.key", "/etc/pki/tls/private/x.key", "/root/.ssh/id_ed25519", "/home/a/.pgpass", "/var/lib/other/db", "/boot/x", "/run/secrets/x", "/srv/x"};
    for (size_t i = 0; i < plan.n; i++)
        for (size_t k = 0; k < sizeof(secrets) / sizeof(secrets[0]); k++) {
            const char *path = plan.places[i].path;
            ck_assert_msg(strncmp(secrets[k], path, strlen(path)) != 0, "%s holds %s", path, secrets[k]);
        }
    sandbox_plan_clear(&plan);
    config_free(config);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sandbox_plan");
    TCase *c = tcase_create("sandbox_plan");
    tcase_add_test(c, has_each_place_of_the_configuration);
    tcase_add_test(c, files_of_identities_are_for_the_process_that_holds_keys);
    tcase_add_test(c, files_that_a_database_is_opened_with_stay_open);
    tcase_add_test(c, words_are_no_files);
    tcase_add_test(c, no_place_of_the_system_has_secrets);
    suite_add_tcase(s, c);
    return s;
}
