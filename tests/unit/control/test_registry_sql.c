/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/registry_sql.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

START_TEST(every_version_has_its_step_in_both_databases)
{
    for (unsigned n = 1; n <= REGISTRY_SCHEMA; n++)
        for (enum registry_dialect d = REGISTRY_SQLITE; d <= REGISTRY_POSTGRES; d++) {
            char sets[64];
            snprintf(sets, sizeof(sets), n == 1 ? "(version) VALUES (%u)" : "SET version = %u", n);
            ck_assert_msg(strstr(registry_sql_step(d, n), sets) != NULL, "step %u does not set its version", n);
        }
}
END_TEST

START_TEST(only_known_versions_are_read)
{
    struct err err = {0};
    for (int64_t version = 1; version <= REGISTRY_SCHEMA; version++)
        ck_assert_int_eq(registry_sql_check_schema(version, &err), 0);
    ck_assert_int_eq(registry_sql_check_schema(REGISTRY_SCHEMA + 1, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "this mtlsd reads versions up to"));
    err = (struct err){0};
    ck_assert_int_eq(registry_sql_check_schema(0, &err), -1);
}
END_TEST

START_TEST(one_statement_writes_several_sessions)
{
    struct bytes sql;
    bytes_init(&sql, 4096);
    ck_assert_int_eq(registry_sql_put_sessions(&sql, 2), 0);
    const char *text = (const char *)bytes_span(&sql).ptr;
    ck_assert_ptr_nonnull(strstr(text, "VALUES ($1, $2, "));
    ck_assert_ptr_nonnull(strstr(text, "CAST($13 AS bigint), $14), ($15, "));
    ck_assert_ptr_nonnull(strstr(text, ", $28) ON CONFLICT (id) DO UPDATE SET ended = excluded.ended"));
    bytes_clear(&sql);
    bytes_init(&sql, 100);
    ck_assert_int_eq(registry_sql_put_sessions(&sql, 2), -1);
    bytes_clear(&sql);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("registry_sql");
    TCase *tc = tcase_create("sql");
    tcase_add_test(tc, every_version_has_its_step_in_both_databases);
    tcase_add_test(tc, only_known_versions_are_read);
    tcase_add_test(tc, one_statement_writes_several_sessions);
    suite_add_tcase(s, tc);
    return s;
}
