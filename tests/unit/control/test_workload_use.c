/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/workload_use.h"
#include "t.h"

#include "workload_messages.h"

#include "mtlsd/tls/tls_identity.h"
#include "mtlsd/tls/tls_trust.h"

#include <string.h>

static struct workload_world w;
static struct config_identity identities[3];
static struct snapshot_identity loaded[3];
static struct config config;
static struct snapshot snapshot;
static size_t told, told_expired, told_domains;

static struct tls_identity *load(const struct certs *c, const char *name)
{
    struct err err = {0};
    struct findings notes;
    findings_init(&notes);
    struct span both = certs_join((const struct span[]){c->pem, c->key_pem}, 2);
    struct tls_identity *id = tls_identity_new(&(struct tls_identity_spec){.name = name, .certificate = both, .certificate_file = "x", .key = both}, CERTS_NOW, &notes, &err);
    ck_assert_msg(id != NULL, "%s", err.text);
    findings_clear(&notes);
    certs_free(both);
    return id;
}

static void make(void)
{
    static char first[] = "spiffe:", two[] = "spiffe://a.example/two", file[] = "/etc/x.pem", a[] = "a", b[] = "b", c[] = "c";
    workload_world_make(&w);
    told = told_expired = told_domains = 0;
    identities[0] = (struct config_identity){.name = a, .bundle = first};
    identities[1] = (struct config_identity){.name = b, .bundle = two};
    identities[2] = (struct config_identity){.name = c, .bundle = file};
    for (size_t i = 0; i < 3; i++)
        loaded[i] = (struct snapshot_identity){&identities[i], load(i == 1 ? &w.two : &w.one, identities[i].name)};
    config = (struct config){.identities = identities, .n_identities = 3};
    snapshot = (struct snapshot){.config = &config, .identities = loaded};
}

static void clear(void)
{
    for (size_t i = 0; i < 3; i++)
        tls_identity_unref(loaded[i].tls);
    workload_world_clear(&w);
}

static void on_end(void *ctx, const struct workload_end *end)
{
    (void)ctx;
    told += end->identity != NULL;
    told_expired += end->expired;
    told_domains += end->domain != NULL && strcmp(end->domain, "b.example") == 0;
}

static void expect(bool a, bool b)
{
    ck_assert(tls_identity_is_withdrawn(loaded[0].tls) == a);
    ck_assert(tls_identity_is_withdrawn(loaded[1].tls) == b);
    ck_assert(!tls_identity_is_withdrawn(loaded[2].tls)); /* a file has nothing to do with the agent */
}

START_TEST(withdraws_what_the_agent_gives_no_longer)
{
    struct workload_svid svid = {.id = (char[]){"spiffe://a.example/one"}};
    struct workload_set set = {.svids = &svid, .n_svids = 1}, none = {0};
    ck_assert_uint_eq(workload_withdraw(&snapshot, &set, CERTS_NOW, on_end, NULL), 1);
    expect(false, true);
    ck_assert_uint_eq(workload_withdraw(&snapshot, &set, CERTS_NOW, on_end, NULL), 0);
    ck_assert_uint_eq(workload_withdraw(&snapshot, &none, CERTS_NOW, on_end, NULL), 1);
    expect(true, true);
    ck_assert(told == 2 && told_expired == 0);
}
END_TEST

START_TEST(withdraws_what_has_expired)
{
    struct workload_svid svids[] = {{.id = (char[]){"spiffe://a.example/one"}}, {.id = (char[]){"spiffe://a.example/two"}}};
    struct workload_set set = {.svids = svids, .n_svids = 2};
    struct tls_identity_facts facts;
    tls_identity_facts(loaded[0].tls, &facts);
    ck_assert_uint_eq(workload_withdraw(&snapshot, &set, facts.not_after - 1, on_end, NULL), 0);
    expect(false, false);
    ck_assert_uint_eq(workload_withdraw(&snapshot, &set, facts.not_after, on_end, NULL), 2);
    expect(true, true);
    ck_assert(told == 2 && told_expired == 2);
}
END_TEST

START_TEST(withdraws_the_domain_whose_bundle_is_gone)
{
    char *domains[] = {(char[]){"a.example"}, (char[]){"b.example"}};
    struct config_trust conf = {.name = domains[0], .ca = (char[]){"spiffe://a.example"}, .source = CONFIG_SOURCE_SPIFFE, .spiffe_domains = {.items = domains, .n = 2}};
    const struct tls_bundle bundles[] = {{"a.example", {"a", w.root.pem}}, {"b.example", {"b", w.other.pem}}};
    struct err err = {0};
    struct findings notes;
    struct tls_trust_facts before, after;
    findings_init(&notes);
    struct snapshot_trust trust = {.conf = &conf, .tls = tls_trust_new(&(struct tls_trust_spec){.name = "t", .bundles = bundles, .n_bundles = 2}, CERTS_NOW, &notes, &err)};
    ck_assert_msg(trust.tls != NULL, "%s", err.text);
    struct workload_bundle both[] = {{.domain = domains[0]}, {.domain = domains[1]}};
    struct workload_set set = {.bundles = both, .n_bundles = 2};
    config.n_identities = 0;
    snapshot.trusts = &trust;
    snapshot.n_trusts = 1;
    tls_trust_facts(trust.tls, &before);
    ck_assert_uint_eq(workload_withdraw(&snapshot, &set, CERTS_NOW, on_end, NULL), 0);
    set.n_bundles = 1;
    ck_assert_uint_eq(workload_withdraw(&snapshot, &set, CERTS_NOW, on_end, NULL), 1);
    ck_assert_uint_eq(workload_withdraw(&snapshot, &set, CERTS_NOW, on_end, NULL), 0);
    tls_trust_facts(trust.tls, &after);
    ck_assert(told_domains == 1 && after.generation == before.generation + 1);
    tls_trust_unref(trust.tls);
    findings_clear(&notes);
}
END_TEST

START_TEST(asks_for_svids_only_where_an_identity_needs_one)
{
    static char bundle[] = "spiffe://a.example", file[] = "/etc/ca.pem";
    struct config_trust trust = {.ca = bundle};
    struct config c = {.trusts = &trust, .n_trusts = 1};
    enum workload_method method;
    ck_assert(workload_is_used(&c, &method) && method == WORKLOAD_X509_BUNDLES);
    c.identities = identities;
    c.n_identities = 3;
    ck_assert(workload_is_used(&c, &method) && method == WORKLOAD_X509_SVID);
    trust.ca = file;
    c.identities = &identities[2];
    c.n_identities = 1;
    ck_assert(!workload_is_used(&c, &method));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("workload_use");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, make, clear);
    tcase_add_test(t, withdraws_what_the_agent_gives_no_longer);
    tcase_add_test(t, withdraws_what_has_expired);
    tcase_add_test(t, withdraws_the_domain_whose_bundle_is_gone);
    tcase_add_test(t, asks_for_svids_only_where_an_identity_needs_one);
    suite_add_tcase(s, t);
    return s;
}
