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
    enum where where;
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
    {"an_answer_before_the_body_ended_ends_both_connections", APP, "Connection: close; a stream ends alone"},
    {"a_body_that_nobody_reads_ends_the_connection", APP, "Connection: close; a stream ends alone"},
    {"a_final_answer_instead_of_100_ends_the_connection", APP, "Connection: close; a stream ends alone"},
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
    {"a_date_that_passes_ends_nothing_that_runs", BACKEND, "counts connections; its WebSocket takes another one, of HTTP/1.1"},
    {"what_was_spared_for_a_date_is_not_spared_for_more", BACKEND, "counts connections; its WebSocket takes another one, of HTTP/1.1"},
    {"a_listener_s_rules_that_were_loaded_count_for_what_runs", BACKEND, "counts connections; its WebSocket takes another one, of HTTP/1.1"},
    {"a_tunnel_stays_as_long_as_it_would_be_opened_again", BACKEND, "counts connections; its WebSocket takes another one, of HTTP/1.1"},
    {"a_trust_that_was_loaded_counts_for_what_runs", BACKEND, "counts connections; its WebSocket takes another one, of HTTP/1.1"},
    {"a_server_that_is_revoked_during_the_handshake_hears_no_request", BACKEND, "the backend's TLS is the test's own"},
    {"a_retry_after_a_reload_is_verified_by_what_was_loaded", BACKEND, "the backend's TLS is the test's own"},
    {"a_handshake_that_hangs_is_answered_504", BACKEND, "the backend's TLS is the test's own"},
    {"test_client_http", BACKEND, "its backend writes and reads parts of the text of HTTP/1.1"},
    {"test_exchange_response", BACKEND, "its backend writes and reads parts of the text of HTTP/1.1"},
    {"test_exchange_tunnel", BACKEND, "its backend writes and reads parts of the text of HTTP/1.1"},
    {"test_exchange_upstream", BACKEND, "its backend writes and reads parts of the text of HTTP/1.1"},
    {"test_client_header", APP, "PROXY headers in the text"},
    {"test_exchange_forward", APP, "forward proxies are asked in HTTP/1.1"},
    {"test_exchange_tunnel", APP, "its Upgrade has no key"},
    {"test_exchange_tunnel", HOP, "its backend does not answer a key, which WebSocket over HTTP/2 asks for"},
};

static bool is_spoken(enum where where)
{
    return where == APP ? wire_pair()->app : where == HOP ? wire_pair()->hop : wire_pair()->backend;
}

bool wire_pair_takes(const char *test)
{
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
        if (strcmp(left_out[i].test, test) == 0 && is_spoken(left_out[i].where))
            return false;
    return true;
}
