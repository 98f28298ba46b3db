/* SPDX-License-Identifier: Apache-2.0 */
/* An answer of a SPIFFE agent, while the n-th allocation fails, for every n, also of the TLS library: the set is whole, or there is none and an error. */
#include "t.h"

#include "failing.h"
#include "workload_messages.h"

#include "mtlsd/control/workload_stream.h"
#include "mtlsd/tls/tls_key_memory.h"

#include <assert.h>
#include <string.h>

enum { MOST = 20000 };

static struct workload_world w;
static struct bytes message;

static void make(void)
{
    workload_world_make(&w);
    bytes_init(&message, 1 << 20);
    workload_world_message(&w, &message);
    failing_gnutls(true);
}

static void clear(void)
{
    failing_gnutls(false);
    bytes_clear(&message);
    workload_world_clear(&w);
}

typedef bool (*attempt_fn)(void); /* it went well; else nothing is left of it. Without Check, whose assertions allocate. */

static bool read_set(void)
{
    struct workload_set set;
    struct err err = {0};
    struct tls_key_memory *memory = tls_key_memory_new();
    bool good = memory != NULL && workload_set_read(&set, WORKLOAD_X509_SVID, bytes_span(&message), memory, &err) == 0;
    assert(memory == NULL || good || (err.kind != ERR_NONE && set.svids == NULL && set.bundles == NULL && set.memory == NULL));
    if (good) {
        assert(set.n_svids == 1 && set.n_bundles == 2 && span_equals(set.svids[0].key, w.one_key));
        workload_set_clear(&set);
    }
    tls_key_memory_unref(memory);
    return good;
}

static struct workload_view view;

static bool pass_on(void)
{
    struct workload_view read;
    struct bytes packed;
    bytes_init(&packed, 1 << 20);
    bool good = workload_view_pack(&view, &packed) == 0 && workload_view_unpack(&read, bytes_span(&packed)) == 0;
    if (good) {
        assert(workload_set_equals(&read.set, &view.set));
        workload_view_clear(&read);
    }
    bytes_clear(&packed);
    return good;
}

static bool write_text(void)
{
    struct bytes text;
    struct err err = {0};
    bool good = workload_set_text(&view.set, "spiffe:", &text, &err) == 0;
    assert(good == (err.kind == ERR_NONE));
    bytes_wipe(&text);
    return good;
}

static bool stream(void)
{
    struct workload_stream s;
    struct err err = {0};
    const uint8_t head[WORKLOAD_HEAD] = {0, 0, 0, (uint8_t)(message.len >> 8), (uint8_t)message.len};
    workload_stream_init(&s);
    bool good = workload_stream_add(&s, span_of(head, sizeof(head)), &err) == 0 && workload_stream_add(&s, bytes_span(&message), &err) == 0;
    assert(good == s.has_latest && good == (err.kind == ERR_NONE));
    workload_stream_clear(&s);
    return good;
}

static const attempt_fn attempts[] = {read_set, pass_on, write_text, stream};

START_TEST(is_whole_or_not_there)
{
    struct err err = {0};
    struct tls_key_memory *memory = tls_key_memory_new();
    view = (struct workload_view){.state = WORKLOAD_CURRENT};
    ck_assert_int_eq(workload_set_read(&view.set, WORKLOAD_X509_SVID, bytes_span(&message), memory, &err), 0);
    unsigned n = 0;
    for (bool failed = true; failed && n < MOST; n++) {
        failing_arm(n, false);
        bool good = attempts[_i]();
        failed = failing_disarm();
        ck_assert(good || failed);
    }
    ck_assert_uint_lt(n, MOST);
    ck_assert_uint_gt(n, 1);
    workload_view_clear(&view);
    tls_key_memory_unref(memory);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("no_memory_for_workload");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, make, clear);
    tcase_add_loop_test(t, is_whole_or_not_there, 0, sizeof(attempts) / sizeof(attempts[0]));
    suite_add_tcase(s, t);
    return s;
}
