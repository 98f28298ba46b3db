/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics_page.h"
#include "t.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

static const struct metrics_family family = {.name = "ends"};
static struct bytes out;
static char text[1 << 14];

static const char *got(const struct metrics_page *p)
{
    ck_assert_int_eq(p->rc, 0);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, out.len > 0 ? (const char *)bytes_span(&out).ptr : "");
    bytes_clear(&out);
    return text;
}

static struct world w;
static struct findings findings;
static struct counters counters;
static struct snapshot *snapshot;
static struct admin_view view;
static struct metrics_page page;

static void set_up(void)
{
    world_make(&w);
    findings_init(&findings);
    snapshot = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(snapshot);
    ck_assert_int_eq(counters_init(&counters, 9), 0);
    bytes_init(&out, sizeof(text));
    view = (struct admin_view){.now = WORLD_NOW, .snapshot = snapshot, .counters = &counters};
    page = (struct metrics_page){.out = &out, .view = &view, .now = &family};
}

static void tear_down(void)
{
    bytes_clear(&out);
    counters_clear(&counters);
    snapshot_unref(snapshot);
    findings_clear(&findings);
    world_clear(&w);
}

static size_t count_lines(const char *of)
{
    size_t n = 0;
    for (; (of = strchr(of, '\n')) != NULL; of++)
        n++;
    return n;
}

START_TEST(tells_when_each_identity_and_trust_ends)
{
    char line[128];
    struct tls_identity_facts f;
    metrics_identities_end(&page);
    ck_assert_uint_eq(count_lines(got(&page)), snapshot->config->n_identities);
    tls_identity_facts(snapshot->identities[0].tls, &f);
    snprintf(line, sizeof(line), "ends{identity=\"%s\"} %lld\n", snapshot->identities[0].conf->name, (long long)f.not_after);
    ck_assert_ptr_nonnull(strstr(text, line));
    metrics_trusts_end(&page);
    ck_assert_ptr_nonnull(strstr(got(&page), "ends{trust=\"clients\"} "));
}
END_TEST

START_TEST(tells_of_lists_only_where_there_are_some)
{
    metrics_lists_end(&page);
    ck_assert_ptr_nonnull(strstr(got(&page), "ends{trust=\"clients\"} "));
    ck_assert_uint_eq(count_lines(text), 1);
}
END_TEST

START_TEST(tells_when_the_certificates_of_peers_end_once_one_was_seen)
{
    const char *listener = snapshot->config->listeners[0].name, *upstream = snapshot->config->upstreams[0].name;
    metrics_clients_end(&page);
    metrics_peers_end(&page);
    ck_assert_str_eq(got(&page), "");
    counters_soonest_see(&counters_listener(&counters, listener)->peer, 1900000000, 1800000000, 3600);
    counters_soonest_see(&counters_upstream(&counters, upstream)->peer, 1850000000, 1800000000, 3600);
    metrics_clients_end(&page);
    metrics_peers_end(&page);
    ck_assert_ptr_nonnull(strstr(got(&page), "} 1900000000\n"));
    ck_assert_ptr_nonnull(strstr(text, "} 1850000000\n"));
}
END_TEST

START_TEST(tells_nothing_of_registries_where_there_are_none)
{
    metrics_registry_rows(&page);
    metrics_registry_age(&page);
    metrics_registry_sessions(&page);
    ck_assert_str_eq(got(&page), "");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("metrics_certificates");
    TCase *t = tcase_create("metrics_certificates");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, tells_when_each_identity_and_trust_ends);
    tcase_add_test(t, tells_of_lists_only_where_there_are_some);
    tcase_add_test(t, tells_when_the_certificates_of_peers_end_once_one_was_seen);
    tcase_add_test(t, tells_nothing_of_registries_where_there_are_none);
    suite_add_tcase(s, t);
    return s;
}
