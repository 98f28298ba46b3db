/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/link.h"
#include "t.h"
#include "wire_pki.h"

#include <string.h>

enum { RUNS = 60 };

static struct wire_pki pki;
static struct tls_context *connecting, *accepting;
static struct link plain, client, server;

static void make(void)
{
    static const struct wire_side good;
    wire_pki_make(&pki);
    connecting = wire_pki_connecting(&pki, &good);
    accepting = wire_pki_accepting(&pki, &good);
}

static void drop(void)
{
    tls_context_unref(connecting);
    tls_context_unref(accepting);
    wire_pki_clear(&pki);
}

static void begin(void)
{
    struct err err = {0};
    link_init(&plain, LINK_CLIENT, NULL);
    link_init(&client, LINK_UPLINK, NULL);
    client.tls = tls_engine_new(connecting, NULL, NULL, NULL, &err);
    link_init(&server, LINK_CLIENT, NULL);
    server.tls = tls_engine_new(accepting, NULL, NULL, NULL, &err);
    ck_assert(client.tls != NULL && server.tls != NULL);
    tls_engine_start(client.tls, WIRE_NOW);
}

static void end(void)
{
    link_clear(&plain);
    link_clear(&client);
    link_clear(&server);
}

static bool carry(struct link *from, struct link *to)
{
    struct span runs[RUNS];
    size_t n = link_runs(from, runs, RUNS);
    for (size_t i = 0; i < n; i++) {
        tls_engine_wire_in(to->tls, runs[i], WIRE_NOW);
        tls_engine_wire_keep(to->tls);
    }
    if (n > 0)
        link_sent(from, runs[0].len);
    return n > 0;
}

static void shake_hands(void)
{
    bool moved = true;
    while (moved) {
        moved = carry(&client, &server);
        moved = carry(&server, &client) || moved;
    }
    ck_assert(link_is_open(&client) && link_is_open(&server));
}

START_TEST(plaintext_is_open_at_once_and_gives_what_was_written)
{
    struct span runs[RUNS];
    ck_assert(link_is_open(&plain) && !link_is_handshaking(&plain));
    link_write_borrow(&plain, span_from_str("head"));
    link_write_copy(&plain, span_from_str("body"));
    ck_assert_uint_eq(link_pending(&plain), 8);
    ck_assert_uint_eq(link_runs(&plain, runs, RUNS), 2);
    link_sent(&plain, 6);
    ck_assert_uint_eq(link_runs(&plain, runs, RUNS), 1);
    ck_assert(span_equals_str(runs[0], "dy"));
}
END_TEST

START_TEST(plaintext_shuts_when_all_was_sent)
{
    struct span runs[RUNS];
    link_write_copy(&plain, span_from_str("bye"));
    link_end(&plain);
    ck_assert(!link_wants_shutdown(&plain));
    link_runs(&plain, runs, RUNS);
    ck_assert(!link_wants_shutdown(&plain));
    link_sent(&plain, 3);
    ck_assert(link_wants_shutdown(&plain));
}
END_TEST

START_TEST(who_has_nothing_to_say_is_not_asked_until_its_end_is_wanted)
{
    struct span runs[RUNS];
    ck_assert(!link_has_more(&plain));
    link_write_copy(&plain, span_from_str("a"));
    ck_assert(link_has_more(&plain));
    ck_assert_uint_eq(link_runs(&plain, runs, RUNS), 1);
    link_sent(&plain, 1);
    ck_assert(!link_has_more(&plain));
    link_end(&plain);
    ck_assert(link_has_more(&plain));
}
END_TEST

START_TEST(room_is_made_once_when_less_than_the_mark_waits)
{
    enum { MARK = 4 };
    link_write_copy(&plain, span_from_str("abcdef"));
    link_sent(&plain, 2);
    ck_assert_msg(!link_made_room(&plain, 2, MARK), "four wait");
    link_sent(&plain, 1);
    ck_assert_msg(link_made_room(&plain, 1, MARK), "three wait");
    link_sent(&plain, 3);
    ck_assert_msg(!link_made_room(&plain, 3, MARK), "there was room before");
    ck_assert_msg(!link_made_room(&plain, 0, MARK), "an end makes none");
}
END_TEST

START_TEST(settled_bytes_do_not_need_their_lender)
{
    char body[] = "body";
    struct span runs[RUNS];
    link_write_borrow(&plain, span_from_str(body));
    link_settle(&plain);
    memset(body, 'x', 4);
    ck_assert_uint_eq(link_runs(&plain, runs, RUNS), 1);
    ck_assert(span_equals_str(runs[0], "body"));
}
END_TEST

START_TEST(nothing_is_encrypted_before_the_handshake_ended) /* B3 */
{
    struct span runs[RUNS];
    link_write_copy(&client, span_from_str("marker"));
    ck_assert(!link_is_open(&client) && link_is_handshaking(&client));
    ck_assert_uint_eq(link_runs(&client, runs, RUNS), 1);
    ck_assert_ptr_null(memmem(runs[0].ptr, runs[0].len, "marker", 6));
    ck_assert_uint_eq(client.out.total, 6);
    shake_hands();
    ck_assert_uint_eq(client.out.total, 0);
    uint8_t got[16];
    ck_assert_uint_eq(tls_engine_app_read(server.tls, got, sizeof(got)), 6);
}
END_TEST

START_TEST(the_end_waits_for_the_handshake_and_for_what_was_written)
{
    struct span runs[RUNS];
    link_write_copy(&client, span_from_str("last words"));
    link_end(&client);
    link_runs(&client, runs, RUNS);
    ck_assert(!client.end_said);
    shake_hands();
    ck_assert(client.end_said && link_wants_shutdown(&client));
    uint8_t got[64];
    ck_assert_uint_eq(tls_engine_app_read(server.tls, got, sizeof(got)), 10);
    ck_assert_uint_eq(tls_engine_flags(server.tls) & TLS_CLOSED, TLS_CLOSED);
}
END_TEST

START_TEST(many_small_pieces_leave_in_few_records)
{
    struct span runs[RUNS];
    shake_hands();
    for (int i = 0; i < 100; i++) {
        link_write_borrow(&client, span_from_str("0123456789"));
        link_write_copy(&client, span_from_str("\r\n"));
    }
    ck_assert_uint_eq(link_runs(&client, runs, RUNS), 1);
    ck_assert_uint_lt(runs[0].len, 1200 + 3 * 64);
}
END_TEST

START_TEST(what_cannot_be_held_breaks_the_link_for_good)
{
    static uint8_t big[1024 * 1024];
    for (int i = 0; i < 9; i++)
        link_write_copy(&plain, span_of(big, sizeof(big)));
    ck_assert(plain.broken && !link_is_open(&plain));
    size_t before = link_pending(&plain);
    link_write_copy(&plain, span_from_str("the end of a message whose middle is lost"));
    link_write_borrow(&plain, span_from_str("and more"));
    ck_assert_uint_eq(link_pending(&plain), before);
}
END_TEST

/* Bytes of one run after the other, as a driver that can send n at a time would. */
static size_t drain_link(struct link *l, size_t n, char *out)
{
    struct span runs[RUNS];
    size_t total = 0;
    while (link_runs(l, runs, RUNS) > 0) {
        size_t step = runs[0].len < n ? runs[0].len : n;
        memcpy(out + total, runs[0].ptr, step);
        total += step;
        link_sent(l, step);
    }
    return total;
}

START_TEST(raw_bytes_leave_before_all_else)
{
    char out[64] = "";
    link_write_copy(&plain, span_from_str("content"));
    link_write_raw(&plain, span_from_str("PROXY "));
    link_write_raw(&plain, span_from_str("UNKNOWN\r\n"));
    ck_assert_uint_eq(link_pending(&plain), 22);
    link_end(&plain);
    ck_assert(!link_wants_shutdown(&plain));
    ck_assert_uint_eq(drain_link(&plain, (size_t)_i, out), 22);
    ck_assert_str_eq(out, "PROXY UNKNOWN\r\ncontent");
    ck_assert(link_pending(&plain) == 0 && plain.raw == NULL && link_wants_shutdown(&plain));
}
END_TEST

START_TEST(raw_bytes_leave_before_the_first_record)
{
    struct span runs[RUNS];
    link_write_raw(&client, span_from_str("PROXY UNKNOWN\r\n"));
    ck_assert_uint_eq(link_runs(&client, runs, 1), 1);
    ck_assert_uint_eq(link_runs(&client, runs, RUNS), 2);
    ck_assert(span_equals_str(runs[0], "PROXY UNKNOWN\r\n"));
    ck_assert_uint_eq(runs[1].ptr[0], 22); /* a handshake record */
    size_t records = runs[1].len;
    link_sent(&client, runs[0].len + 1);
    ck_assert_uint_eq(link_pending(&client), records - 1);
}
END_TEST

START_TEST(raw_bytes_without_end_break_the_link)
{
    static const uint8_t much[4096];
    for (int i = 0; i < 3; i++)
        link_write_raw(&plain, span_of(much, sizeof(much)));
    ck_assert(plain.broken && plain.lost);
}
END_TEST

START_TEST(all_links_of_a_queue_are_settled_in_it_and_in_the_turn)
{
    char text[64] = "a borrowed piece that is long enough not to be copied at once";
    struct run_queue run = {0};
    struct link links[2];
    struct span runs[4];
    for (size_t i = 0; i < 2; i++)
        link_init(&links[i], LINK_CLIENT, &run);
    run_touch(&links[0]);
    run_next(&run);
    link_write_borrow(&links[0], span_from_str(text));
    link_write_borrow(&links[1], span_from_str(text));
    link_settle_all(&run);
    text[0] = 'z';
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(link_runs(&links[i], runs, 4), 1);
        ck_assert_uint_eq(runs[0].ptr[0], 'a');
        link_clear(&links[i]);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("link");
    TCase *t = tcase_create("link");
    tcase_add_unchecked_fixture(t, make, drop);
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, plaintext_is_open_at_once_and_gives_what_was_written);
    tcase_add_test(t, plaintext_shuts_when_all_was_sent);
    tcase_add_test(t, who_has_nothing_to_say_is_not_asked_until_its_end_is_wanted);
    tcase_add_test(t, room_is_made_once_when_less_than_the_mark_waits);
    tcase_add_test(t, settled_bytes_do_not_need_their_lender);
    tcase_add_test(t, nothing_is_encrypted_before_the_handshake_ended);
    tcase_add_test(t, the_end_waits_for_the_handshake_and_for_what_was_written);
    tcase_add_test(t, many_small_pieces_leave_in_few_records);
    tcase_add_test(t, what_cannot_be_held_breaks_the_link_for_good);
    tcase_add_loop_test(t, raw_bytes_leave_before_all_else, 1, 24);
    tcase_add_test(t, raw_bytes_leave_before_the_first_record);
    tcase_add_test(t, raw_bytes_without_end_break_the_link);
    tcase_add_test(t, all_links_of_a_queue_are_settled_in_it_and_in_the_turn);
    suite_add_tcase(s, t);
    return s;
}
