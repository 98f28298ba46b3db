/* SPDX-License-Identifier: Apache-2.0 */
#include "wire_pair.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const struct wire_pair *wire_pair(void)
{
    static struct wire_pair pair;
    static bool known;
    const char *text = getenv("WIRE_PAIR");
    if (!known && text != NULL && strlen(text) == 8)
        pair = (struct wire_pair){text[1] == '2', text[4] == '2', text[7] == '2'};
    known = true;
    return &pair;
}

enum where { APP = 1, HOP = 2, BACKEND = 4 };

/* Tests that are about HTTP/1.1 itself, and where it must be spoken for them. */
static const struct {
    const char *test;
    unsigned where;
    const char *why;
} left_out[] = {
    {"a_client_with_a_part_of_a_head_waits_for_nothing_to_be_closed", APP, "cuts a head's text"},
    {"an_unfinished_head_is_answered_408", APP, "cuts a head's text"},
    {"what_is_cut_is_told", APP, "cuts a head's text"},
    {"while_a_request_runs_its_upstream_connection_is_named", APP, "the next request waits behind the first"},
    {"pipelined_requests_are_answered_in_order", APP, "pipelining"},
    {"what_follows_a_refused_tunnel_or_an_ambiguous_request_is_not_read", APP, "what stands behind a head in the same text"},
    {"only_who_says_no_more_is_ended_at_once", APP, "Connection: close, and line ends behind a body"},
    {"a_client_that_goes_on_sending_is_left_two_seconds_after_the_last_word", APP, "bytes behind the last message"},
    {"the_last_words_are_not_waited_for_without_end", APP, "the end of a connection after its one answer"},
    {"an_answer_before_the_body_ended_ends_both_connections", APP | BACKEND, "Connection: close; a stream ends alone"},
    {"a_body_that_nobody_reads_ends_the_connection", APP, "Connection: close; a stream ends alone"},
    {"a_final_answer_instead_of_100_ends_the_connection", APP | BACKEND, "Connection: close; a stream ends alone"},
    {"a_body_that_pauses_is_answered_408", APP, "Connection: close; a stream ends alone"},
    {"draining_finishes_what_runs_and_then_closes", APP, "Connection: close; GOAWAY is in client_http2"},
    {"an_idle_client_may_send_one_more_request_after_the_last_call", APP, "Connection: close; GOAWAY is in client_http2"},
    {"http_1_0_gets_an_answer_it_can_read_and_the_end", APP, "HTTP/1.0"},
    {"http_1_0_sees_no_interim_answer", APP, "HTTP/1.0"},
    {"each_side_is_spoken_to_in_its_own_version", APP, "HTTP/1.0"},
    {"a_client_without_host_gets_what_was_said", APP, "HTTP/1.0 without Host"},
    {"no_trailer_undoes_what_a_route_sets_or_removes", APP, "names fields in Connection"},
    {"a_redirect_to_the_same_host_needs_one", APP, "HTTP/1.0 without Host"},
    {"a_client_that_names_the_field_in_connection_does_not_remove_it", APP, "names fields in Connection"},
    {"a_client_that_goes_over_to_http_2_is_told_in_http_2", APP, "the frames of HTTP/2 are the test's own"},
    {"one_above_the_limit_is_told_and_not_served", APP, "it is answered before its first byte, when the version is not known"},
    {"those_from_before_a_limit_count_and_stay", APP, "it is answered before its first byte, when the version is not known"},
    {"client_of_a_balancer_is_who_its_header_names", APP, "PROXY header in the text"},
    {"balancer_that_names_nobody_is_not_counted", APP, "PROXY header in the text"},
    {"refused_client_of_a_balancer_keeps_no_place_for_long", APP, "PROXY header in the text"},
    {"a_client_that_goes_takes_its_request_along", HOP, "its upstream connection ends with it; a stream ends alone"},
    {"what_begins_in_another_way_survives_any_failing_allocation", APP, "CONNECT and Upgrade"},
    {"a_request_without_a_host_belongs_to_otherwise", BACKEND, "HTTP/1.0 without Host; the backend's nghttp2 takes no request without one"},
    {"a_server_that_is_revoked_during_the_handshake_hears_no_request", BACKEND, "the backend's TLS is the test's own"},
    {"a_retry_after_a_reload_is_verified_by_what_was_loaded", BACKEND, "the backend's TLS is the test's own"},
    {"a_handshake_that_hangs_is_answered_504", BACKEND, "the backend's TLS is the test's own"},
    {"a_switch_nobody_asked_for_is_refused", APP | BACKEND, "Upgrade to something else than WebSocket"},
    {"a_switch_to_something_else_is_refused", BACKEND, "the backend's 101 is of HTTP/1.1"},
    {"a_connection_that_said_it_closes_is_not_pooled", BACKEND, "Connection: close"},
    {"a_second_answer_is_never_delivered", BACKEND, "a second answer to one request; a stream has one"},
    {"an_answer_before_the_request_reaches_nobody_else", BACKEND, "an answer without a request; uplink_http2 has its own"},
    {"an_answer_before_the_request_left_is_nobodys", BACKEND, "an answer without a request; uplink_http2 has its own"},
    {"a_hundred_interim_answers_are_enough", BACKEND, "of HTTP/2 32 are; uplink_http2 has its own"},
    {"a_connection_is_not_used_in_the_last_second_its_server_keeps_it", BACKEND, "Keep-Alive"},
    {"a_server_is_asked_to_keep_what_may_be_kept", BACKEND, "Connection: keep-alive"},
    {"an_upstream_that_answers_in_http_2_is_told_as_one", BACKEND, "it is asked in HTTP/2"},
    {"a_broken_answer_is_told_as_one", BACKEND, "texts that are no HTTP/1.1"},
    {"a_handshake_that_fails_leads_to_the_next_target", BACKEND, "the backend's TLS is the test's own"},
    {"test_client_header", APP, "PROXY headers in the text"},
    {"test_exchange_forward", APP, "forward proxies are asked in HTTP/1.1"},
};

static bool is_spoken(unsigned where)
{
    return (where & APP && wire_pair()->app) || (where & HOP && wire_pair()->hop) || (where & BACKEND && wire_pair()->backend);
}

bool wire_pair_takes(const char *test)
{
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
        if (strcmp(left_out[i].test, test) == 0 && is_spoken(left_out[i].where))
            return false;
    return true;
}
