/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/workload.h"
#include "t.h"

#include "workload_messages.h"

#include "mtlsd/tls/tls_key_memory.h"

#include <string.h>

static void make_view(const struct workload_world *w, struct workload_view *view)
{
    struct bytes message;
    struct err err = {0};
    struct tls_key_memory *memory = tls_key_memory_new();
    bytes_init(&message, 1 << 20);
    workload_world_message(w, &message);
    *view = (struct workload_view){WORKLOAD_LOST, 7, 8, 9, 10, 11, 12, "/run/agent.sock", "the agent has ended the stream", {0}};
    ck_assert_int_eq(workload_set_read(&view->set, WORKLOAD_X509_SVID, bytes_span(&message), memory, &err), 0);
    tls_key_memory_unref(memory);
    bytes_clear(&message);
}

START_TEST(passes_all_but_keys_to_another_process) /* E4 */
{
    struct workload_world w;
    struct workload_view view, read;
    struct bytes packed;
    workload_world_make(&w);
    make_view(&w, &view);
    bytes_init(&packed, 1 << 20);
    ck_assert_int_eq(workload_view_pack(&view, &packed), 0);
    ck_assert_ptr_null(memmem(bytes_span(&packed).ptr, packed.len, w.one_key.ptr + 36, 32)); /* the private number */
    ck_assert_int_eq(workload_view_unpack(&read, bytes_span(&packed)), 0);
    ck_assert(read.state == view.state && read.generation == 7 && read.messages == 8 && read.refused == 9 && read.connects == 10);
    ck_assert(read.since == 11 && read.received == 12);
    ck_assert_str_eq(read.socket, view.socket);
    ck_assert_str_eq(read.error, view.error);
    ck_assert(workload_set_equals(&read.set, &view.set));
    ck_assert_uint_eq(read.set.svids[0].key.len, 0);
    ck_assert_int_eq(read.set.svids[0].not_after, view.set.svids[0].not_after);
    workload_view_clear(&read);
    for (size_t cut = 0; cut < packed.len; cut += 37) /* a part of it is another view, or none, and never more than it says */
        if (workload_view_unpack(&read, span_of(bytes_span(&packed).ptr, cut)) == 0)
            workload_view_clear(&read);
    workload_view_clear(&view);
    bytes_clear(&packed);
    workload_world_clear(&w);
}
END_TEST

START_TEST(has_a_word_for_each_state)
{
    ck_assert_str_eq(workload_state_word(WORKLOAD_WAITING), "waiting");
    ck_assert_str_eq(workload_state_word(WORKLOAD_CURRENT), "current");
    ck_assert_str_eq(workload_state_word(WORKLOAD_DENIED), "denied");
    ck_assert_str_eq(workload_state_word(WORKLOAD_LOST), "lost");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("workload_view");
    TCase *t = tcase_create("all");
    tcase_add_test(t, passes_all_but_keys_to_another_process);
    tcase_add_test(t, has_a_word_for_each_state);
    suite_add_tcase(s, t);
    return s;
}
