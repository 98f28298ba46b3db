/* SPDX-License-Identifier: Apache-2.0 */
#include "check/check.h"
#include "t.h"
#include "world.h"

#include <string.h>

static struct world w;
static struct findings findings;

static void set_up(void)
{
    world_make(&w);
    findings_init(&findings);
}

static void tear_down(void)
{
    findings_clear(&findings);
    world_clear(&w);
}

static json_t *document_of(const struct snapshot *snapshot, json_t *connections)
{
    json_t *json = check_document(&(struct check_sheet){"test.conf", &findings, snapshot, connections, WORLD_NOW});
    ck_assert_ptr_nonnull(json);
    return json;
}

START_TEST(tells_what_run_would_load)
{
    struct snapshot *snapshot = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(snapshot);
    json_t *json = document_of(snapshot, NULL);
    ck_assert(document_truth(json, "ok") && document_truth(json, "starts"));
    ck_assert_str_eq(document_string(json, "config", ""), "test.conf");
    ck_assert_uint_eq(json_array_size(document_get(json, "identities")), snapshot->config->n_identities);
    ck_assert_uint_eq(json_array_size(document_get(json, "listeners")), snapshot->config->n_listeners);
    ck_assert_uint_eq(json_array_size(document_get(json, "upstreams")), snapshot->config->n_upstreams);
    ck_assert_str_eq(document_string(json, "identities.0.name", ""), snapshot->config->identities[0].name);
    ck_assert_str_eq(document_string(json, "trusts.0.name", ""), "clients");
    ck_assert(document_truth(json, "trusts.0.crl_coverage.0.covered"));
    ck_assert_str_eq(document_string(json, "trusts.0.crl_policy", ""), "require");
    ck_assert_ptr_null(document_get(json, "connections"));
    json_decref(json);
    snapshot_unref(snapshot);
}
END_TEST

START_TEST(a_fault_is_listed_with_its_place_and_nothing_is_said_to_be_loaded)
{
    findings_add(&findings, FINDING_WARNING, "test.conf:1", "careful");
    findings_add(&findings, FINDING_ERROR, "test.conf:2", "trust \"%s\" is empty", "x");
    json_t *json = document_of(NULL, NULL);
    ck_assert(!document_truth(json, "ok") && !document_truth(json, "starts"));
    ck_assert_int_eq(document_number(json, "errors"), 1);
    ck_assert_int_eq(document_number(json, "warnings"), 1);
    ck_assert_uint_eq(json_array_size(document_get(json, "findings")), 2);
    ck_assert_ptr_null(document_get(json, "identities"));
    json_decref(json);
}
END_TEST

START_TEST(connections_are_told_where_they_were_tried)
{
    json_t *connections = json_array();
    json_t *json = document_of(NULL, connections);
    ck_assert_ptr_nonnull(document_get(json, "connections"));
    json_decref(json);
    ck_assert_uint_eq(connections->refcount, 1);
    json_decref(connections);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("check_document");
    TCase *t = tcase_create("check_document");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, tells_what_run_would_load);
    tcase_add_test(t, a_fault_is_listed_with_its_place_and_nothing_is_said_to_be_loaded);
    tcase_add_test(t, connections_are_told_where_they_were_tried);
    suite_add_tcase(s, t);
    return s;
}
