/* SPDX-License-Identifier: Apache-2.0 */
/* A signer that hangs until it is told to go on. SoftHSM is in tests/system/test_key_sources.py. */
#include "key_token.h"
#include "t.h"

#include "mtlsd/io/clock.h"
#include "mtlsd/io/probe.h"

#include <stdatomic.h>

static atomic_bool hangs;
static atomic_uint signed_n, ended;

static int sign(void *ctx, uint64_t id, const struct tls_signing *what, struct tls_signature *out)
{
    (void)ctx;
    (void)id;
    while (atomic_load(&hangs))
        probe_pause(5);
    out->n = 1;
    out->bytes[0] = what->input.ptr[0];
    atomic_fetch_add(&signed_n, 1);
    return 0;
}

static void end(void *ctx, uint64_t id)
{
    (void)id;
    (void)ctx;
    atomic_fetch_add(&ended, 1);
}

static struct tls_signing_key *apart(void)
{
    struct tls_signing_key_facts facts = {.bits = 256};
    atomic_store(&ended, 0);
    atomic_store(&signed_n, 0);
    struct tls_signing_key *key = key_token_apart(tls_signing_key_of(&(struct tls_signer){NULL, sign, NULL, end}, 0, &facts));
    ck_assert_ptr_nonnull(key);
    ck_assert_uint_eq(tls_signing_key_facts(key)->bits, 256);
    return key;
}

static int ask(const struct tls_signing_key *key, const char *input, unsigned *ms)
{
    struct tls_signature made = {.n = 0};
    uint64_t begin = clock_monotonic_us();
    int rc = tls_signing_key_sign(key, &(struct tls_signing){1, true, span_from_str(input)}, &made);
    *ms = (unsigned)((clock_monotonic_us() - begin) / 1000);
    if (rc == 0)
        ck_assert(made.n == 1 && made.bytes[0] == (uint8_t)input[0]);
    return rc;
}

static void wait_for(const atomic_uint *count)
{
    for (unsigned i = 0; i < 1000 && atomic_load(count) == 0; i++)
        probe_pause(5);
    ck_assert_uint_eq(atomic_load(count), 1);
}

START_TEST(waits_once_for_a_token_that_hangs_and_takes_no_late_answer_for_another)
{
    unsigned ms;
    struct tls_signing_key *key = apart();
    ck_assert_int_eq(ask(key, "a", &ms), 0);
    atomic_store(&signed_n, 0);
    atomic_store(&hangs, true);
    ck_assert_int_eq(ask(key, "b", &ms), TLS_SIGNING_LATE);
    ck_assert_uint_ge(ms, KEY_TOKEN_MS - 10);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(ask(key, "c", &ms), TLS_SIGNING_LATE);
        ck_assert_uint_lt(ms, KEY_TOKEN_MS / 2);
    }
    atomic_store(&hangs, false);
    wait_for(&signed_n);
    probe_pause(50);
    ck_assert_int_eq(ask(key, "d", &ms), 0);
    tls_signing_key_unref(key);
    wait_for(&ended);
}
END_TEST

START_TEST(is_given_up_at_once_while_its_token_hangs_and_freed_later)
{
    unsigned ms;
    struct tls_signing_key *key = apart();
    atomic_store(&hangs, true);
    ck_assert_int_eq(ask(key, "a", &ms), TLS_SIGNING_LATE);
    uint64_t begin = clock_monotonic_us();
    tls_signing_key_unref(key);
    ck_assert_uint_lt(clock_monotonic_us() - begin, 1000000);
    ck_assert_uint_eq(atomic_load(&ended), 0);
    atomic_store(&hangs, false);
    wait_for(&ended);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("key_token");
    TCase *t = tcase_create("key_token");
    tcase_add_test(t, waits_once_for_a_token_that_hangs_and_takes_no_late_answer_for_another);
    tcase_add_test(t, is_given_up_at_once_while_its_token_hangs_and_freed_later);
    tcase_set_timeout(t, 30);
    suite_add_tcase(s, t);
    return s;
}
