/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"
#include "mtlsd/config/config.h"
#include "t.h"

#include <string.h>

#define WITH(registry, trust)                                                                                                                          \
    "identities = { me = { bundle = \"me.pem\"; }; };\nregistries = { r = { " registry " }; };\ntrusts = { ca = { ca = \"ca.pem\"; " trust " }; };\n" CONFIG_ROWS_BACK \
    "listeners = { app = { bind = \"127.0.0.1:8080\"; upstream = \"up\"; tls = { identity = \"me\"; trust = \"ca\"; }; }; };\n"
#define DB "database = \"sqlite:/r.db\";"
#define USE "registry = \"r\";"

START_TEST(a_registry_that_cannot_be_meant_is_refused)
{
    static const struct config_row cases[] = {
        {"no database", WITH("", USE), "database is missing"},
        {"a path alone", WITH("database = \"/r.db\";", USE), "names no database"},
        {"another kind", WITH("database = \"mysql://h/x\";", USE), "names no database"},
        {"no file", WITH("database = \"sqlite:\";", USE), "names no file"},
        {"no memory", WITH("database = \"sqlite::memory:\";", USE), "names no file"},
        {"too short a time", WITH(DB " max_staleness = \"1s\";", USE), "max_staleness"},
        {"an unknown name", WITH(DB, "registry = \"rr\";"), "no registry \"rr\" is defined, did you mean \"r\"?"},
        {"an unknown mode", WITH(DB, USE " registry_mode = \"listed\";"), "registry_mode"},
        {"TLS that may be left out", WITH("database = \"postgresql://db.example/x?sslmode=prefer\";", USE), "sslmode=prefer would let others"},
        {"TLS that is not verified", WITH("database = \"postgresql://u:p@10.0.0.1:5432/x?a=b&sslmode=require\";", USE), "sslmode=require would let others"},
        {"a host in the query", WITH("database = \"postgresql:///x?host=db.example&sslmode=disable\";", USE), "sslmode=disable would let others"},
        {"one of two hosts", WITH("database = \"postgresql://localhost,db.example/x?sslmode=disable\";", USE), "sslmode=disable would let others"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        config_rows_refused(&cases[i]);
}
END_TEST

START_TEST(a_registry_is_taken)
{
    static const struct config_row cases[] = {
        {"SQLite", WITH(DB, USE), NULL},
        {"PostgreSQL", WITH("database = \"postgresql://u@db.example/x\";", USE), NULL},
        {"verified", WITH("database = \"postgres://u@db.example/x?sslmode=verify-full\";", USE), NULL},
        {"a unix socket", WITH("database = \"postgresql:///x?host=/run/postgresql&sslmode=disable\";", USE), NULL},
        {"this host", WITH("database = \"postgresql://u:a%40b@127.0.0.1:5433/x?sslmode=disable\";", USE), NULL},
        {"on purpose", WITH("database = \"postgresql://db.example/x?sslmode=prefer\"; insecure_sslmode = true;", USE), "may be read and changed"},
        {"of no use", WITH(DB, ""), "nothing uses this registry"},
        {"a mode alone", "trusts = { ca = { ca = \"ca.pem\"; registry_mode = \"deny_listed\"; }; };\nidentities = { me = { bundle = \"me.pem\"; }; };\n" CONFIG_ROWS_BACK
                         "listeners = { app = { bind = \"127.0.0.1:8080\"; upstream = \"up\"; tls = { identity = \"me\"; trust = \"ca\"; }; }; };\n",
         "has no effect without registry"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        config_rows_taken(&cases[i]);
}
END_TEST

START_TEST(a_database_is_named_without_its_password)
{
    static const char *const cases[][2] = {
        {"postgresql://user:secret@db.example:5432/x?sslmode=verify-full&password=secret", "postgresql://db.example:5432/x"},
        {"postgres:///x?password=secret", "postgresql:///x"},
        {"postgresql://user:se@cret@h", "postgresql://h"},
        {"sqlite:/var/lib/mtlsd/registry.db", "sqlite:/var/lib/mtlsd/registry.db"},
    };
    char out[CONFIG_REGISTRY_PLACE];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        config_registry_place(cases[i][0], out);
        ck_assert_str_eq(out, cases[i][1]);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_registry");
    TCase *tc = tcase_create("registry");
    tcase_add_test(tc, a_registry_that_cannot_be_meant_is_refused);
    tcase_add_test(tc, a_registry_is_taken);
    tcase_add_test(tc, a_database_is_named_without_its_password);
    suite_add_tcase(s, tc);
    return s;
}
