/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_registry.h"
#include "t.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static const uint8_t cert_id[TLS_REGISTRY_ID_BYTES] = {1}, key_id[TLS_REGISTRY_ID_BYTES] = {2};

static struct tls_registry_index *rows(enum tls_registry_state of_cert, enum tls_registry_state of_key)
{
    struct tls_registry_index *index = tls_registry_index_new(2);
    struct tls_registry_row cert = {.state = (uint8_t)of_cert}, key = {.state = (uint8_t)of_key, .by_key = true};
    memcpy(cert.id, cert_id, sizeof(cert_id));
    memcpy(key.id, key_id, sizeof(key_id));
    ck_assert(of_cert == TLS_REGISTRY_ABSENT || tls_registry_index_put(index, &cert) == 0);
    ck_assert(of_key == TLS_REGISTRY_ABSENT || tls_registry_index_put(index, &key) == 0);
    return index;
}

static enum tls_registry_state look(struct tls_registry *r, const uint8_t *cert, const uint8_t *key)
{
    struct tls_registry_answer a;
    tls_registry_look_up(r, cert, key, &a);
    tls_registry_text_unref(a.text);
    return a.state;
}

START_TEST(the_stricter_of_two_rows_counts)
{
    static const struct {
        enum tls_registry_state cert, key, answer;
    } cases[] = {
        {TLS_REGISTRY_ABSENT, TLS_REGISTRY_ABSENT, TLS_REGISTRY_ABSENT},     {TLS_REGISTRY_ACTIVE, TLS_REGISTRY_ABSENT, TLS_REGISTRY_ACTIVE},
        {TLS_REGISTRY_ABSENT, TLS_REGISTRY_ACTIVE, TLS_REGISTRY_ACTIVE},     {TLS_REGISTRY_ACTIVE, TLS_REGISTRY_REVOKED, TLS_REGISTRY_REVOKED},
        {TLS_REGISTRY_REVOKED, TLS_REGISTRY_ACTIVE, TLS_REGISTRY_REVOKED},   {TLS_REGISTRY_SUSPENDED, TLS_REGISTRY_ACTIVE, TLS_REGISTRY_SUSPENDED},
        {TLS_REGISTRY_ACTIVE, TLS_REGISTRY_INVALID, TLS_REGISTRY_INVALID},   {TLS_REGISTRY_SUSPENDED, TLS_REGISTRY_REVOKED, TLS_REGISTRY_REVOKED},
    };
    struct tls_registry *r = tls_registry_new("partners");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_int_eq(tls_registry_replace(r, rows(cases[i].cert, cases[i].key), 1000, true), 0);
        ck_assert_msg(look(r, cert_id, key_id) == cases[i].answer, "case %zu", i);
    }
    tls_registry_unref(r);
}
END_TEST

START_TEST(a_hash_of_one_kind_does_not_stand_for_the_other)
{
    struct tls_registry *r = tls_registry_new("partners");
    ck_assert_int_eq(tls_registry_replace(r, rows(TLS_REGISTRY_ACTIVE, TLS_REGISTRY_ACTIVE), 1000, false), 0);
    ck_assert_int_eq(look(r, key_id, cert_id), TLS_REGISTRY_ABSENT);
    ck_assert_int_eq(tls_registry_replace(r, rows(TLS_REGISTRY_INVALID, TLS_REGISTRY_ABSENT), 1000, true), 0);
    ck_assert_msg(look(r, key_id, cert_id) == TLS_REGISTRY_INVALID, "the kind of a row that is not understood is not known");
    tls_registry_unref(r);
}
END_TEST

START_TEST(tells_what_it_holds_and_how_old_it_is)
{
    struct tls_registry *r = tls_registry_new("partners");
    struct tls_registry_facts f;
    tls_registry_facts(r, &f);
    ck_assert(!f.loaded && f.good_at == 0 && f.error[0] == '\0');
    ck_assert_int_eq(tls_registry_replace(r, rows(TLS_REGISTRY_ACTIVE, TLS_REGISTRY_REVOKED), 1000, false), 0);
    tls_registry_failed(r, "it is down");
    tls_registry_facts(r, &f);
    ck_assert(f.loaded && f.good_at == 1000 && f.generation == 1 && f.withdrawals == 0 && f.totals.rows == 2);
    ck_assert_str_eq(f.error, "it is down");
    tls_registry_confirm(r, 2000);
    tls_registry_facts(r, &f);
    ck_assert(f.good_at == 2000 && f.error[0] == '\0' && f.generation == 1);
    ck_assert_int_eq(tls_registry_replace(r, rows(TLS_REGISTRY_ABSENT, TLS_REGISTRY_ABSENT), 3000, true), 0);
    ck_assert_uint_eq(tls_registry_withdrawals(r), 1);
    ck_assert_str_eq(tls_registry_name(r), "partners");
    tls_registry_unref(r);
}
END_TEST

static atomic_bool over;

static void *reader(void *arg)
{
    while (!atomic_load(&over))
        ck_assert_int_ne(look(arg, cert_id, key_id), TLS_REGISTRY_ABSENT);
    return NULL;
}

START_TEST(readers_and_the_writer_do_not_wait_for_one_another)
{
    struct tls_registry *r = tls_registry_new("partners");
    pthread_t threads[3];
    ck_assert_int_eq(tls_registry_replace(r, rows(TLS_REGISTRY_ACTIVE, TLS_REGISTRY_ACTIVE), 1, false), 0);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, reader, r), 0);
    for (int64_t i = 0; i < 2000; i++)
        ck_assert_int_eq(tls_registry_replace(r, rows(i % 2 == 0 ? TLS_REGISTRY_REVOKED : TLS_REGISTRY_ACTIVE, TLS_REGISTRY_ACTIVE), i, true), 0);
    atomic_store(&over, true);
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    tls_registry_unref(r);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_registry");
    TCase *tc = tcase_create("registry");
    tcase_add_test(tc, the_stricter_of_two_rows_counts);
    tcase_add_test(tc, a_hash_of_one_kind_does_not_stand_for_the_other);
    tcase_add_test(tc, tells_what_it_holds_and_how_old_it_is);
    tcase_add_test(tc, readers_and_the_writer_do_not_wait_for_one_another);
    suite_add_tcase(s, tc);
    return s;
}
