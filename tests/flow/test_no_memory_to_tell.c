/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tells and plans, while the n-th allocation fails, for every n: a text is whole or an error, a plan is the new one or the old one, a configuration is
 * loaded whole or refused, and a caller who may not pass does not.
 */
#include "t.h"

#include "failing.h"
#include "judging.h"
#include "mtlsd/control/admin.h"
#include "mtlsd/control/crl_fetch.h"
#include "mtlsd/control/crl_cache.h"
#include "mtlsd/http/http_identity.h"
#include "mtlsd/http/http_values.h"
#include "mtlsd/http/http_xfcc.h"
#include "mtlsd/policy/allow.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/policy/route_index.h"
#include "mtlsd/proxy/client_count.h"
#include "mtlsd/proxy/proxy_connect.h"
#include "world.h"

#include <string.h>

static struct certs good;
static struct tls_peer *peer;
static const struct tls_verdict valid = {.status = REASON_VALID};
static struct world world;

static void make(void)
{
    certs_make(&(struct certs_order){.cn = "good", .ou = "ops", .sans = {"dns:a.example", "uri:spiffe://td/a"}}, &good);
    peer = tls_peer_new(good.der, NULL);
    ck_assert_ptr_nonnull(peer);
    tls_peer_set_path(peer, &good.der, 1, true);
    world_make(&world);
    world_edit(&world, "  upstream = \"partner\";\n", "  routes = ( { path = \"/help\"; respond = { body = \"{client.address}\"; }; }, { path = \"/\"; allow = ( { ou = \"ops\"; } ); "
                                                     "upstream = \"partner\"; set_headers = { X-Client = \"{cert.cn}\"; }; } );\n");
}

static void drop(void)
{
    tls_peer_free(peer);
    certs_clear(&good);
    world_clear(&world);
}

/* ---- texts ---- */

typedef int (*write_fn)(struct bytes *out);

static int write_identity(struct bytes *out)
{
    return http_identity_append(out, HTTP_IDENTITY_RFC9440 | HTTP_IDENTITY_X_SSL | HTTP_IDENTITY_NGINX, &valid, "valid", peer);
}

static int write_xfcc(struct bytes *out)
{
    struct http_head request = {.request = true};
    struct http_xfcc how = {HTTP_XFCC_SANITIZE_SET, HTTP_XFCC_CERT | HTTP_XFCC_CHAIN, span_from_str("spiffe://td/us"), &valid, peer};
    return http_xfcc_append(out, &how, &request);
}

static int write_template(struct bytes *out)
{
    static const char text[] = "<p>{cert.status} {cert.error} {cert.subject} {cert.san} {cert.pem} {cert.sha1} {request.uri}";
    const struct http_target target = {.host = span_from_str("a.example"), .query = span_from_str("?b")};
    struct http_values values = {.asks = true, .verdict = &valid, .words = "valid", .peer = peer, .target = &target, .path = span_from_str("/a")};
    struct template *t = template_new(span_from_str(text), TEMPLATE_OF_VALUE, NULL);
    if (t == NULL)
        return -1;
    enum template_result result = template_write(t, TEMPLATE_IN_HTML, http_values_give, &values, out);
    free(t);
    return result == TEMPLATE_WRITTEN ? 0 : -1;
}

static struct snapshot *snapshot;
static struct counters counters;

static int ask_admin(struct bytes *out, const char *target)
{
    static const struct refusal refusals[] = {{.when = 1, .reason = REASON_REVOKED, .listener = "public", .peer_subject = "CN=\xff", .detail = "d"}};
    struct admin_view view = {.version = "1", .snapshot = snapshot, .counters = &counters, .refusals = refusals, .n_refusals = 1, .now = WORLD_NOW};
    struct http_field host = {span_from_str("Host"), span_from_str("localhost")};
    struct http_head rq = {.request = true, .minor = 1, .method = span_from_str("GET"), .target = span_from_str(target), .fields = &host, .n_fields = 1};
    return admin_answer(out, &(struct admin_question){&rq, "a test"}, &view) == ADMIN_ANSWERED ? 0 : -1;
}

static int write_status(struct bytes *out)
{
    return ask_admin(out, "/status");
}

static int write_refusals(struct bytes *out)
{
    return ask_admin(out, "/refusals");
}

static const struct {
    const char *why;
    write_fn write;
    unsigned at_least;
} texts[] = {
    {"identity headers", write_identity, 1}, {"x-forwarded-client-cert", write_xfcc, 1}, {"a text with variables", write_template, 5}, {"status", write_status, 30}, {"refusals", write_refusals, 10},
};
enum { N_TEXTS = sizeof(texts) / sizeof(texts[0]) };

/* Not "as much as there was room for": a backend would take half an identity for the whole. */
static void write_without_memory(size_t row, bool for_good, struct span whole)
{
    bool any = true;
    unsigned n = 0;
    for (; any; n++) {
        struct bytes out;
        bytes_init(&out, 1 << 20);
        failing_jansson(true);
        failing_arm(n, for_good);
        int rc = texts[row].write(&out);
        any = failing_disarm();
        failing_jansson(false);
        ck_assert_msg(rc == 0 || any, "%s: nothing failed, and yet", texts[row].why);
        ck_assert_msg(rc != 0 || span_equals(bytes_span(&out), whole), "%s, allocation %u: taken for whole: %.*s", texts[row].why, n, (int)out.len,
                      (const char *)bytes_span(&out).ptr);
        bytes_clear(&out);
    }
    ck_assert_uint_gt(n, texts[row].at_least);
}

START_TEST(a_text_is_whole_or_an_error) /* C1, C2 */
{
    struct findings notes;
    struct bytes whole;
    findings_init(&notes);
    bytes_init(&whole, 1 << 20);
    snapshot = world_load(&world, 1, &notes);
    ck_assert_ptr_nonnull(snapshot);
    ck_assert_int_eq(counters_init(&counters, 4), 0);
    ck_assert_int_eq(texts[_i / 2].write(&whole), 0);
    write_without_memory((size_t)_i / 2, _i % 2 == 1, bytes_span(&whole));
    counters_clear(&counters);
    snapshot_unref(snapshot);
    bytes_clear(&whole);
    findings_clear(&notes);
}
END_TEST

/* ---- routes and rules ---- */

START_TEST(a_rule_is_read_whole_or_refused)
{
    bool any = true;
    unsigned n = 0;
    for (; any; n++) {
        struct config_allow rule = {0};
        struct err err = {0};
        failing_arm(n, _i == 1);
        int rc = allow_rule_parse("cn=good,ou=dev,uri=spiffe://td/**", &rule, &err);
        any = failing_disarm();
        ck_assert_msg(rc == 0 || (any && err.text[0] != '\0'), "allocation %u: %s", n, err.text);
        ck_assert_msg(rc != 0 || !allow_permits(&rule, 1, &valid, peer), "allocation %u: a rule that lost its ou lets pass", n);
        if (rc == 0)
            allow_rule_clear(&rule);
    }
    ck_assert_uint_gt(n, 4);
}
END_TEST

/* A proxy that agreed is not blamed for what we have no memory for. */
START_TEST(a_proxy_is_not_blamed_for_want_of_memory)
{
    bool any = true;
    unsigned n = 0;
    for (; any; n++) {
        struct err err = {0};
        struct http1 *reader = proxy_connect_reader();
        struct span answer = span_from_str("HTTP/1.1 200 OK\r\nX-Proxy: a\r\n\r\n");
        ck_assert_ptr_nonnull(reader);
        failing_arm(n, _i == 1);
        enum reason verdict = proxy_connect_read(reader, &answer, &err);
        any = failing_disarm();
        ck_assert_msg(verdict == REASON_VALID || (any && verdict == REASON_INTERNAL), "allocation %u: %s, %s", n, reason_word(verdict), err.text);
        http1_free(reader);
    }
    ck_assert_uint_gt(n, 1);
}
END_TEST

/* Without memory for an index the routes are looked through, and a gate without a matching rule stays shut. */
START_TEST(a_gate_stays_shut_without_an_index)
{
    static char a[] = "a.example", b[] = "b.example", c[] = "*.example", ou[] = "dev", path[] = "/admin";
    static char *hosts[][1] = {{a}, {b}, {c}};
    struct config_allow rule = {.ou = ou};
    struct config_route routes[33] = {{0}};
    for (size_t i = 0; i < 33; i++)
        routes[i] = (struct config_route){.host = {hosts[i % 3], 1}, .path = path, .allow = &rule, .n_allow = 1};
    struct route_question q = {
        .method = span_from_str("GET"), .host = span_from_str("x.example"), .path = span_from_str("/ADMIN/a"), .verdict = &valid, .peer = peer};
    bool any = true;
    unsigned n = 0;
    for (; any; n++) {
        struct route_choice choice;
        failing_arm(n, _i == 1);
        struct route_index *ix = route_index_new(routes, 33);
        struct route_runs found;
        route_index_find(ix, q.host, &found);
        enum reason reason = route_index_choose(&found, routes, 33, &q, &choice);
        any = failing_disarm();
        ck_assert_int_eq(reason, REASON_NOT_ALLOWED);
        ck_assert_uint_eq(choice.index, 2);
        route_index_free(ix);
    }
    ck_assert_uint_gt(n, 2);
}
END_TEST

/* ---- lists that are fetched ---- */

START_TEST(a_plan_to_fetch_is_the_new_one_or_the_old_one)
{
    struct crl_fetch_wish first[] = {{.url = "http://a/1"}}, second[] = {{.url = "http://a/1"}, {.url = "http://b/2"}, {.url = "http://c/3"}};
    bool any = true;
    unsigned n = 0;
    for (; any; n++) {
        struct crl_fetch f = {0};
        ck_assert_int_eq(crl_fetch_follow(&f, first, 1, 1), 0);
        failing_arm(n, _i == 1);
        int rc = crl_fetch_follow(&f, second, 3, 2);
        any = failing_disarm();
        ck_assert(rc == 0 || any);
        ck_assert_uint_eq(f.n, rc == 0 ? 3 : 1);
        ck_assert_ptr_nonnull(crl_fetch_find(&f, "http://a/1"));
        ck_assert((crl_fetch_find(&f, "http://c/3") != NULL) == (rc == 0));
        crl_fetch_clear(&f);
    }
    ck_assert_uint_gt(n, 3);
}
END_TEST

static void expect_cached(struct crl_cache *cache, const char *url, const char *text, unsigned n)
{
    struct bytes list;
    ck_assert_int_eq(crl_cache_get(cache, "t", url, &list), 0);
    ck_assert_msg(span_equals_str(bytes_span(&list), text), "allocation %u: %s", n, url);
    bytes_clear(&list);
}

START_TEST(the_cache_keeps_what_it_has)
{
    bool any = true;
    unsigned n = 0;
    for (; any; n++) {
        struct crl_cache *cache = crl_cache_new();
        ck_assert_ptr_nonnull(cache);
        ck_assert_int_eq(crl_cache_put(cache, "t", "http://a/1", span_from_str("old")), 0);
        failing_arm(n, _i == 1);
        int replaced = crl_cache_put(cache, "t", "http://a/1", span_from_str("new"));
        int added = crl_cache_put(cache, "t", "http://b/2", span_from_str("other"));
        any = failing_disarm();
        ck_assert((replaced == 0 && added == 0) || any);
        expect_cached(cache, "http://a/1", replaced == 0 ? "new" : "old", n);
        expect_cached(cache, "http://b/2", added == 0 ? "other" : "", n);
        crl_cache_free(cache);
    }
    ck_assert_uint_gt(n, 6);
}
END_TEST

/* ---- a whole configuration ---- */

static void check_whole(const struct snapshot *s, unsigned n)
{
    struct tls_trust_facts facts;
    ck_assert_msg(s->n_trusts == 2 && s->trusts[0].tls != NULL && s->trusts[1].tls != NULL, "allocation %u: a trust is missing", n);
    tls_trust_facts(s->trusts[0].tls, &facts);
    ck_assert_msg(facts.n_ca == 1 && facts.n_crl == 1 && facts.n_revoked == 1, "allocation %u: a list is missing", n);
    ck_assert_msg(s->listeners[0].tls != NULL && s->targets[0].tls != NULL, "allocation %u: plaintext", n);
    ck_assert_msg(s->routes[1].conf->n_allow == 1 && s->routes[1].conf->allow[0].ou != NULL, "allocation %u: a rule is missing", n);
    ck_assert_msg(s->routes[0].text != NULL && s->routes[0].text->body.text->n_values == 1, "allocation %u: a text is missing", n);
    ck_assert_msg(s->routes[1].text != NULL && s->routes[1].edit->next == s->owned && s->owned->n_remove == 1, "allocation %u: a field is not ours", n);
}

START_TEST(a_configuration_is_loaded_whole_or_refused) /* A3 */
{
    bool any = true;
    unsigned n = 0;
    for (; any; n++) {
        struct findings findings;
        findings_init(&findings);
        failing_arm(n, _i == 1);
        struct snapshot *s = world_load(&world, 1, &findings);
        any = failing_disarm();
        ck_assert_msg(any || s != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
        ck_assert_msg((s == NULL) == (findings_failed(&findings) != 0), "allocation %u: a refusal without words, or words without one", n);
        if (s != NULL)
            check_whole(s, n);
        snapshot_unref(s);
        findings_clear(&findings);
    }
    ck_assert_uint_gt(n, 50);
}
END_TEST

/* ---- counting clients ---- */

START_TEST(client_that_cannot_be_counted_has_no_place)
{
    struct client_count *count = client_count_new(1, 2);
    unsigned nth = 0;
    bool taken = false;
    for (; !taken; nth++) {
        failing_arm(nth, false);
        taken = client_count_take(count, 7, 1);
        failing_disarm();
        ck_assert_uint_eq(client_count_addresses(count), taken);
    }
    ck_assert_uint_ge(nth, 4); /* the entry, the table, its buckets; then none fails */
    client_count_free(count);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("no_memory_to_tell");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 100);
    tcase_add_unchecked_fixture(c, make, drop);
    tcase_add_loop_test(c, a_text_is_whole_or_an_error, 0, N_TEXTS * 2);
    tcase_add_loop_test(c, a_rule_is_read_whole_or_refused, 0, 2);
    tcase_add_loop_test(c, a_proxy_is_not_blamed_for_want_of_memory, 0, 2);
    tcase_add_loop_test(c, a_gate_stays_shut_without_an_index, 0, 2);
    tcase_add_loop_test(c, a_plan_to_fetch_is_the_new_one_or_the_old_one, 0, 2);
    tcase_add_loop_test(c, the_cache_keeps_what_it_has, 0, 2);
    tcase_add_loop_test(c, a_configuration_is_loaded_whole_or_refused, 0, 2);
    tcase_add_test(c, client_that_cannot_be_counted_has_no_place);
    suite_add_tcase(s, c);
    return s;
}
