/* SPDX-License-Identifier: Apache-2.0 */
/* A12, B2, B7: somebody between a client and a verifier, who flips bits of a live handshake and of what follows. Neither end opens before it judged the
 * other valid, and what comes out at one end is the beginning of what went in at the other. Input: edits of four bytes each: direction, where in the
 * flow (two bytes), and what to flip. */
#include "fuzz.h"

#include "ends.h"

#include <string.h>

enum { MAX_EDITS = 16 };

static const char said[] = "what a client says, and a verifier too";
static struct span edits;

/* One flight from one end to the other, edited on its way. */
static bool pass(struct ends_end *from, struct ends_end *to, unsigned direction, size_t *at)
{
    struct span out = tls_engine_wire_out(from->e);
    uint8_t flight[64 * 1024], plain[256];
    if (out.len == 0)
        return false;
    size_t n = out.len < sizeof(flight) ? out.len : sizeof(flight);
    memcpy(flight, out.ptr, n);
    for (size_t i = 0; i + 4 <= edits.len && i < 4 * MAX_EDITS; i += 4) {
        size_t where = (size_t)edits.ptr[i + 1] << 8 | edits.ptr[i + 2];
        if ((edits.ptr[i] & 1) == direction && where >= *at && where - *at < n)
            flight[where - *at] ^= edits.ptr[i + 3];
    }
    *at += n;
    tls_engine_wire_sent(from->e, n);
    tls_engine_wire_in(to->e, span_of(flight, n), WIRE_NOW);
    for (size_t got; (got = tls_engine_app_read(to->e, plain, sizeof(plain))) > 0;)
        assert(bytes_append(&to->got, plain, got) == 0);
    tls_engine_wire_keep(to->e);
    return true;
}

static void check(const struct ends_end *end)
{
    struct tls_facts facts;
    tls_engine_facts(end->e, &facts);
    struct span got = bytes_span(&end->got);
    assert(got.len < sizeof(said) && (got.len == 0 || memcmp(got.ptr, said, got.len) == 0));
    bool open = (tls_engine_flags(end->e) & TLS_TAKES_APP) != 0;
    assert(!open || (facts.peer != NULL && facts.verdict->status == REASON_VALID && facts.reason == REASON_UNDECIDED));
    assert(got.len == 0 || facts.peer != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct tls_context *contexts[2];
    if (contexts[0] == NULL) {
        ends_make();
        contexts[0] = wire_pki_connecting(&ends_pki, &(struct wire_side){0});
        contexts[1] = wire_pki_accepting(&ends_pki, &(struct wire_side){.tickets = true});
    }
    edits = span_of(bytes, n);
    ends_open_one(&ends_client, tls_context_ref(contexts[0]), NULL, NULL);
    ends_open_one(&ends_server, tls_context_ref(contexts[1]), NULL, NULL);
    tls_engine_start(ends_client.e, WIRE_NOW);
    size_t up = 0, down = 0;
    bool told[2] = {false, false};
    for (int turn = 0; turn < 40; turn++) {
        struct ends_end *const ends[2] = {&ends_client, &ends_server};
        bool moved = pass(&ends_client, &ends_server, 0, &up);
        moved = pass(&ends_server, &ends_client, 1, &down) || moved;
        for (int i = 0; i < 2; i++)
            if (!told[i] && (tls_engine_flags(ends[i]->e) & TLS_TAKES_APP) != 0) {
                told[i] = true;
                assert(tls_engine_app_write(ends[i]->e, span_of(said, sizeof(said) - 1)) == sizeof(said) - 1);
                moved = true;
            }
        check(&ends_client);
        check(&ends_server);
        if (!moved)
            break;
    }
    assert(n >= 4 || (ends_client.got.len == sizeof(said) - 1 && ends_server.got.len == sizeof(said) - 1));
    ends_close();
    return 0;
}
