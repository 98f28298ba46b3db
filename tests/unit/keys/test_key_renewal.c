/* SPDX-License-Identifier: Apache-2.0 */
/* E4 */
#include "key_renewal.h"
#include "t.h"
#include "world.h"

#include "mtlsd/tls/tls_rekey.h"

#include <stdio.h>
#include <string.h>

static struct world w;
static struct tls_key_memory *memory;
static bool unfinished;

static int write_pair(const struct key_pair *pair, struct err *err)
{
    (void)err;
    ck_assert_ptr_null(pair->certificate_path);
    memory_files_put(&w.files, pair->key_path, pair->key);
    return 0;
}

static bool is_unfinished(const char *key_path, const char *certificate_path, char *waiting, size_t size)
{
    (void)key_path;
    snprintf(waiting, size, "%s.renewed", certificate_path);
    return unfinished;
}

static int finish(const char *certificate_path, struct err *err)
{
    (void)err;
    char waiting[200];
    snprintf(waiting, sizeof(waiting), "%s.renewed", certificate_path);
    memory_files_put(&w.files, certificate_path, bytes_span(&memory_files_find(&w.files, waiting)->text));
    memory_files_remove(&w.files, waiting);
    unfinished = false;
    return 0;
}

static const struct key_pair_files pairs = {write_pair, is_unfinished, finish};
static struct key_service_order service;
static const struct identity_order order = {.name = "me", .key = "/etc/server.pem"};

static void set_up(void)
{
    world_make(&w);
    unfinished = false;
    memory = tls_key_memory_new();
    service = (struct key_service_order){.files = memory_files_source(&w.files), .pairs = &pairs};
}

static void tear_down(void)
{
    tls_key_memory_unref(memory);
    world_clear(&w);
}

static struct key_renewal *make(struct identity_files *files)
{
    struct err err = {0};
    struct key_renewal *r = key_renewal_new(&service, &order, memory, files, &err);
    ck_assert_msg(r != NULL, "%s", err.text);
    return r;
}

START_TEST(makes_another_key_and_gives_a_request_but_no_key)
{
    struct identity_files files;
    struct key_renewal *r = make(&files);
    ck_assert_ptr_nonnull(files.signing_key);
    ck_assert(memcmp(r->before, r->after, TLS_KEY_ID) != 0);
    ck_assert(memcmp(tls_signing_key_facts(files.signing_key)->public_id, r->after, TLS_KEY_ID) == 0);
    ck_assert_uint_gt(files.key.text.len, 0);
    ck_assert_ptr_null(memmem(files.key.text.data, files.key.text.len, "PRIVATE", 7));
    identity_files_clear(&files);
    key_renewal_free(r);
}
END_TEST

START_TEST(writes_no_certificate_of_another_key)
{
    struct identity_files files;
    struct err err = {0};
    struct key_renewal *r = make(&files);
    ck_assert_int_eq(key_renewal_write(&service, r, bytes_span(&memory_files_find(&w.files, "/etc/payments.pem")->text), &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "not of the key that was made for it"));
    identity_files_clear(&files);
    key_renewal_free(r);
}
END_TEST

START_TEST(writes_nothing_where_another_program_has_written)
{
    struct identity_files files;
    struct err err = {0};
    struct key_renewal *r = make(&files);
    world_issue(&w, "/etc/server.pem", &w.partner_ca, &(struct tls_pki_order){.cn = "server"});
    memcpy(r->after, r->before, TLS_KEY_ID); /* as if the CA had answered for it */
    struct bytes *old = &r->certificates;
    ck_assert_int_eq(key_renewal_write(&service, r, bytes_span(old), &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "changed by another program"));
    identity_files_clear(&files);
    key_renewal_free(r);
}
END_TEST

START_TEST(a_place_without_an_identity_gets_none)
{
    struct identity_files files;
    struct err err = {0};
    static const struct identity_order none = {.name = "me", .key = "/etc/clients.pem"}, away = {.name = "me", .key = "/etc/none.pem"};
    ck_assert_ptr_null(key_renewal_new(&service, &none, memory, &files, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "no private key"));
    identity_files_clear(&files);
    err = (struct err){0};
    ck_assert_ptr_null(key_renewal_new(&service, &away, memory, &files, &err));
    identity_files_clear(&files);
}
END_TEST

/* The key was exchanged, and then there was a crash. */
START_TEST(a_certificate_that_waits_for_its_place_gets_it)
{
    static const struct identity_order two = {.name = "me", .key = "/etc/payments.pem", .certificate = "/etc/me.crt"};
    struct identity_files files;
    memory_files_put(&w.files, "/etc/me.crt", bytes_span(&memory_files_find(&w.files, "/etc/server.pem")->text));
    memory_files_put(&w.files, "/etc/me.crt.renewed", bytes_span(&memory_files_find(&w.files, "/etc/payments.pem")->text));
    unfinished = true;
    key_renewal_read(&service, &two, memory, &files);
    ck_assert(!unfinished);
    ck_assert(tls_rekey_is_of(bytes_span(&files.certificate.text), tls_signing_key_facts(files.signing_key)->public_id));
    identity_files_clear(&files);
}
END_TEST

START_TEST(a_certificate_of_another_key_waits_in_vain)
{
    static const struct identity_order two = {.name = "me", .key = "/etc/payments.pem", .certificate = "/etc/me.crt"};
    struct identity_files files;
    memory_files_put(&w.files, "/etc/me.crt", bytes_span(&memory_files_find(&w.files, "/etc/payments.pem")->text));
    memory_files_put(&w.files, "/etc/me.crt.renewed", bytes_span(&memory_files_find(&w.files, "/etc/server.pem")->text));
    unfinished = true;
    key_renewal_read(&service, &two, memory, &files);
    ck_assert(unfinished);
    identity_files_clear(&files);
}
END_TEST

START_TEST(goes_with_its_set_and_is_taken_once)
{
    struct key_renewals all = {0};
    struct err err = {0};
    struct identity_files files;
    struct key_renewal *r = make(&files);
    r->set = 3;
    r->key = 9;
    identity_files_clear(&files);
    ck_assert_int_eq(key_renewals_add(&all, r, &err), 0);
    key_renewals_release(&all, 4);
    ck_assert_ptr_null(key_renewals_take(&all, 8));
    ck_assert_ptr_eq(key_renewals_take(&all, 9), r);
    ck_assert_ptr_null(key_renewals_take(&all, 9));
    ck_assert_int_eq(key_renewals_add(&all, r, &err), 0);
    key_renewals_release(&all, 3);
    ck_assert_uint_eq(all.n, 0);
    key_renewals_clear(&all);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("key_renewal");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, makes_another_key_and_gives_a_request_but_no_key);
    tcase_add_test(c, writes_no_certificate_of_another_key);
    tcase_add_test(c, writes_nothing_where_another_program_has_written);
    tcase_add_test(c, a_place_without_an_identity_gets_none);
    tcase_add_test(c, a_certificate_that_waits_for_its_place_gets_it);
    tcase_add_test(c, a_certificate_of_another_key_waits_in_vain);
    tcase_add_test(c, goes_with_its_set_and_is_taken_once);
    suite_add_tcase(s, c);
    return s;
}
