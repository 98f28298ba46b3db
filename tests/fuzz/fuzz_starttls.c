/* SPDX-License-Identifier: Apache-2.0 */
/* No peer crashes the talk before TLS, of any protocol and at either end. TLS begins only when nothing is left of what came, however it was cut, and
 * what a client says reaches no server. The first byte of the input chooses the protocol and the end, the second how it is cut. */
#include "fuzz.h"

#include "mtlsd/proxy/starttls_join.h"

#include <string.h>

enum { KINDS = CONFIG_STARTTLS_IMAP };

static const char greeting[] = "\x14\0\0\0\x0a" "5.0\0\x08\0\0\0abcdefgh\0\xff\xff";

static enum reason talk(enum config_starttls kind, bool answers, struct span in, size_t step)
{
    struct starttls s;
    struct err err = {0};
    enum reason verdict = REASON_UNDECIDED;
    starttls_init(&s, kind, answers);
    assert(starttls_begin(&s) == 0);
    if (s.wants_greeting)
        assert(starttls_greet(&s, span_of(greeting, sizeof(greeting) - 1), &err) == REASON_UNDECIDED);
    while (in.len > 0 && verdict == REASON_UNDECIDED) {
        size_t n = step < in.len ? step : in.len;
        verdict = starttls_in(&s, span_of(in.ptr, n), &err);
        in = span_skip(in, n);
        if (verdict == REASON_UNDECIDED && s.wants_client)
            verdict = starttls_login(&s, NULL, &err);
    }
    assert(verdict == REASON_UNDECIDED || verdict == REASON_VALID || err.text[0] != '\0');
    assert(verdict != REASON_VALID || s.direct || s.in.len == 0);
    assert(answers || s.out.len <= 64); /* only our own words */
    assert(s.in.len <= STARTTLS_IN_MAX && s.out.len <= STARTTLS_IN_MAX);
    starttls_clear(&s);
    return verdict;
}

static void join(enum config_starttls kind, bool down, struct span in, size_t step)
{
    struct starttls_join j;
    struct err err = {0};
    struct bytes to_client, to_server;
    enum reason verdict = REASON_VALID;
    bytes_init(&to_client, 1 << 21);
    bytes_init(&to_server, 1 << 21);
    starttls_join_init(&j, kind, down, !down);
    assert(starttls_join_begin(&j, &to_client) == 0);
    size_t begun = to_client.len;
    for (size_t i = 0; in.len > 0 && verdict == REASON_VALID; i++) {
        size_t n = step < in.len ? step : in.len;
        bool from_client = !j.holds_client && i % 2 == 0;
        verdict = starttls_join_pass(&j, from_client, span_of(in.ptr, n), &to_client, &to_server, &err);
        in = span_skip(in, n);
    }
    assert(verdict == REASON_VALID || err.text[0] != '\0');
    assert(to_client.len >= begun);
    starttls_join_clear(&j);
    bytes_clear(&to_client);
    bytes_clear(&to_server);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 2 || n > 1 << 16)
        return 0;
    enum config_starttls kind = 1 + bytes[0] % KINDS;
    bool answers = bytes[0] / KINDS % 2 == 1;
    size_t step = 1 + bytes[1] % 64;
    struct span in = span_of(bytes + 2, n - 2);
    enum reason pieces = talk(kind, answers, in, step), whole = talk(kind, answers, in, n);
    assert(pieces == whole || whole == REASON_STARTTLS_FAILED); /* what comes with a go-ahead is refused, what comes later is for TLS */
    join(kind, answers, in, step);
    return 0;
}
