/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that came over the network: F1 and F3 hold for them as for files, and a reload keeps them. */
#include "mtlsd/control/snapshot_fetch.h"
#include "t.h"
#include "world.h"

#include "mtlsd/control/crl_cache.h"
#include "mtlsd/tls/tls_pki.h"

#include <stdio.h>
#include <string.h>

#define URL "http://crl.example/clients"

static struct world w;
static struct findings findings;
static struct file_source files;

static void set_up(void)
{
    world_make(&w);
    findings_init(&findings);
    world_edit(&w, "crl = \"/etc/clients.crl\";", "crl = \"fetch\"; crl_urls = [ \"" URL "\" ];");
    files = memory_files_source(&w.files);
    files.crl_cache = crl_cache_new();
}

static void tear_down(void)
{
    crl_cache_free(files.crl_cache);
    findings_clear(&findings);
    world_clear(&w);
}

static struct snapshot *load(void)
{
    struct config *config = config_parse(w.config, "test.conf", &findings);
    return config != NULL ? snapshot_new(config, &files, 1, WORLD_NOW, &findings) : NULL;
}

static void make_list(struct bytes *list, const struct tls_pki_pair *ca, uint64_t number)
{
    struct err err = {0};
    bytes_init(list, 1 << 16);
    ck_assert_int_eq(
        tls_pki_make_crl(bytes_span(&ca->certificate), bytes_span(&ca->key), NULL, 0, number, WORLD_NOW, WORLD_NOW + 7 * WORLD_DAY, list, &err), 0);
}

static int take_from(struct snapshot *s, const char *url, struct span text, struct err *err)
{
    int64_t ends;
    *err = (struct err){0};
    int rc = snapshot_fetch_take(s, &files, &(struct snapshot_fetch_list){url, text, WORLD_NOW}, &ends, err);
    ck_assert_int_eq(ends, rc >= 0 ? WORLD_NOW + 7 * WORLD_DAY : 0);
    return rc;
}

static size_t lists_of(const struct snapshot *s)
{
    struct tls_trust_facts facts;
    tls_trust_facts(s->trusts[0].tls, &facts);
    return facts.n_crl;
}

START_TEST(takes_good_lists_only_and_keeps_them_over_a_reload)
{
    struct err err;
    struct bytes second, older, newer, foreign;
    struct snapshot *s = load();
    ck_assert_ptr_nonnull(s);
    ck_assert_str_eq(s->trusts[0].conf->name, "clients");
    ck_assert_uint_eq(lists_of(s), 0);
    make_list(&second, &w.clients_ca, 20);
    make_list(&older, &w.clients_ca, 19);
    make_list(&newer, &w.clients_ca, 21);
    make_list(&foreign, &w.partner_ca, 30);
    ck_assert_int_eq(take_from(s, URL, bytes_span(&foreign), &err), -1); /* before there is one: once in, it could not leave */
    ck_assert_ptr_nonnull(strstr(err.text, "not a trusted CA"));
    ck_assert_int_eq(take_from(s, URL, bytes_span(&second), &err), 1);
    ck_assert_int_eq(take_from(s, URL, bytes_span(&second), &err), 0);
    ck_assert_int_eq(take_from(s, URL, bytes_span(&older), &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "older than the one in use"));
    ck_assert_int_eq(take_from(s, URL, span_from_str("<html>"), &err), -1);
    ck_assert_int_eq(take_from(s, "http://elsewhere.example/", bytes_span(&newer), &err), -1);
    ck_assert_int_eq(take_from(s, URL, bytes_span(&newer), &err), 1);
    struct snapshot *next = load();
    ck_assert_ptr_nonnull(next);
    ck_assert_uint_eq(lists_of(next), 1);
    ck_assert(atomic_load(&next->trusts[0].urls[0].held));
    ck_assert_uint_eq(snapshot_refresh_crls(next, &files, WORLD_NOW, &findings), 0); /* it does not lose them */
    ck_assert_uint_eq(lists_of(next), 1);
    snapshot_unref(next);
    snapshot_unref(s);
    bytes_clear(&second);
    bytes_clear(&older);
    bytes_clear(&newer);
    bytes_clear(&foreign);
}
END_TEST

START_TEST(a_kept_list_is_verified_like_any_other)
{
    struct bytes good;
    char path[SNAPSHOT_FETCH_PATH];
    world_edit(&w, "trusts", "crl_cache = \"/cache\";\ntrusts");
    make_list(&good, &w.clients_ca, 20);
    struct snapshot *s = load();
    ck_assert(snapshot_fetch_cache_path(s, URL, path));
    snapshot_unref(s);
    memory_files_put(&w.files, path, span_from_str("damaged"));
    s = load();
    ck_assert_uint_eq(lists_of(s), 0);
    ck_assert_uint_eq(findings.errors, 0);
    snapshot_unref(s);
    memory_files_put(&w.files, path, bytes_span(&good));
    s = load();
    ck_assert_uint_eq(lists_of(s), 1);
    snapshot_unref(s);
    bytes_clear(&good);
}
END_TEST

static void count_and_clear(size_t *warnings, const char *text)
{
    *warnings = 0;
    for (size_t i = 0; i < findings.n; i++)
        *warnings += findings.items[i].level == FINDING_WARNING && strstr(findings.items[i].text, text) != NULL;
    findings_clear(&findings);
    findings_init(&findings);
}

/* A3: whatever lies in the folder, the start goes on without it, and says so. */
START_TEST(what_the_folder_cannot_give_is_told)
{
    size_t warnings;
    struct bytes foreign;
    char path[SNAPSHOT_FETCH_PATH];
    struct snapshot *s = load();
    snapshot_unref(s);
    count_and_clear(&warnings, "crl_cache");
    ck_assert_uint_eq(warnings, 0);
    world_edit(&w, "trusts", "crl_cache = \"/cache\";\ntrusts");
    s = load();
    ck_assert_ptr_nonnull(s);
    ck_assert(snapshot_fetch_cache_path(s, URL, path));
    snapshot_unref(s);
    count_and_clear(&warnings, "crl_cache: fetched lists are not saved for the next start: /cache");
    ck_assert_uint_eq(warnings, 1);
    memory_files_put_folder(&w.files, "/cache");
    s = load();
    snapshot_unref(s);
    count_and_clear(&warnings, ""); /* nothing was ever fetched: no news */
    ck_assert_uint_eq(warnings, 0);
    memory_files_put(&w.files, path, span_from_str("x"))->unreadable = true;
    s = load();
    snapshot_unref(s);
    count_and_clear(&warnings, "the cached list is not used: /cache");
    ck_assert_uint_eq(warnings, 1);
    memory_files_put(&w.files, path, span_of(NULL, 0));
    s = load();
    snapshot_unref(s);
    count_and_clear(&warnings, "the cached list is not used: " URL);
    ck_assert_uint_eq(warnings, 1);
    make_list(&foreign, &w.partner_ca, 30);
    memory_files_put(&w.files, path, bytes_span(&foreign));
    s = load();
    ck_assert_uint_eq(lists_of(s), 0);
    snapshot_unref(s);
    count_and_clear(&warnings, "not a trusted CA");
    ck_assert_uint_eq(warnings, 1);
    bytes_clear(&foreign);
}
END_TEST

/* F1: a CA whose clock runs ahead must not take the list in use out of use. */
START_TEST(a_list_of_tomorrow_takes_the_place_of_none)
{
    struct err err = {0};
    struct bytes today, tomorrow;
    int64_t ends;
    struct snapshot *s = load();
    make_list(&today, &w.clients_ca, 20);
    bytes_init(&tomorrow, 1 << 16);
    ck_assert_int_eq(tls_pki_make_crl(bytes_span(&w.clients_ca.certificate), bytes_span(&w.clients_ca.key), NULL, 0, 21, WORLD_NOW + 60,
                                      WORLD_NOW + 7 * WORLD_DAY, &tomorrow, &err), 0);
    ck_assert_int_eq(take_from(s, URL, bytes_span(&today), &err), 1);
    ck_assert_int_eq(take_from(s, URL, bytes_span(&tomorrow), &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "is not valid before"));
    err = (struct err){0};
    ck_assert_int_eq(snapshot_fetch_take(s, &files, &(struct snapshot_fetch_list){URL, bytes_span(&tomorrow), WORLD_NOW + 60}, &ends, &err), 1);
    snapshot_unref(s);
    bytes_clear(&today);
    bytes_clear(&tomorrow);
}
END_TEST

START_TEST(a_trust_that_refuses_what_another_takes_is_told)
{
    struct err err;
    struct bytes list;
    world_edit(&w, "ca = \"/etc/partner.pem\";", "ca = \"/etc/partner.pem\"; crl = \"fetch\"; crl_urls = [ \"" URL "\" ];");
    struct snapshot *s = load();
    ck_assert_msg(s != NULL, "%s", findings.n > 0 ? findings.items[findings.n - 1].text : "");
    make_list(&list, &w.clients_ca, 20);
    ck_assert_int_eq(take_from(s, URL, bytes_span(&list), &err), 1);
    ck_assert_ptr_nonnull(strstr(err.text, "trust \"partner\": "));
    ck_assert_ptr_nonnull(strstr(err.text, "not a trusted CA"));
    snapshot_unref(s);
    bytes_clear(&list);
}
END_TEST

static bool count_list(void *ctx, const char *trust, const char *url)
{
    (void)trust;
    (void)url;
    ++*(size_t *)ctx;
    return true;
}

static size_t in_cache(void)
{
    size_t n = 0;
    crl_cache_keep(files.crl_cache, count_list, &n);
    return n;
}

START_TEST(reloads_with_ever_other_addresses_leave_nothing_behind)
{
    enum { RELOADS = 1000 };
    char from[80] = URL, to[80];
    struct err err;
    struct bytes list;
    make_list(&list, &w.clients_ca, 20);
    for (unsigned i = 0; i < RELOADS; i++) {
        struct snapshot *s = load();
        ck_assert_int_eq(take_from(s, from, bytes_span(&list), &err), 1);
        ck_assert_uint_le(in_cache(), 2); /* one of before */
        snapshot_fetch_tidy(s, files.crl_cache);
        ck_assert_uint_eq(in_cache(), 1);
        snprintf(to, sizeof(to), "http://crl.example/%u", i);
        world_edit(&w, from, to);
        memcpy(from, to, sizeof(to));
        snapshot_unref(s);
        findings_clear(&findings);
        findings_init(&findings);
    }
    struct snapshot *s = load();
    snapshot_fetch_tidy(s, files.crl_cache);
    ck_assert_uint_eq(in_cache(), 0);
    snapshot_unref(s);
    bytes_clear(&list);
}
END_TEST

START_TEST(no_address_anywhere_is_refused)
{
    world_edit(&w, " crl_urls = [ \"" URL "\" ];", "");
    ck_assert_ptr_null(load());
    ck_assert_ptr_nonnull(strstr(findings.items[findings.n - 1].text, "say where it is with crl_urls"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("snapshot_fetch");
    TCase *t = tcase_create("snapshot_fetch");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, takes_good_lists_only_and_keeps_them_over_a_reload);
    tcase_add_test(t, a_kept_list_is_verified_like_any_other);
    tcase_add_test(t, what_the_folder_cannot_give_is_told);
    tcase_add_test(t, a_list_of_tomorrow_takes_the_place_of_none);
    tcase_add_test(t, a_trust_that_refuses_what_another_takes_is_told);
    tcase_add_test(t, reloads_with_ever_other_addresses_leave_nothing_behind);
    tcase_add_test(t, no_address_anywhere_is_refused);
    suite_add_tcase(s, t);
    return s;
}
