/* SPDX-License-Identifier: Apache-2.0 */
/* A8, B2, D2: the first flight of a peer, any bytes cut anywhere, into an accepting and into a connecting engine. Neither opens, neither lets an application
 * byte pass, neither says more than a flight, and a failure stays. First byte: which engine, and how the bytes are cut. */
#include "fuzz.h"

#include "wire_pki.h"

#include <string.h>

enum { MOST_SAID = 16 * 1024 };

static struct tls_context *contexts[4]; /* required, optional, by name, connecting */

static void make(void)
{
    static struct wire_pki pki;
    static const char *const names[] = {"a.example", "*.b.example"};
    wire_pki_make(&pki);
    contexts[0] = wire_pki_accepting(&pki, &(struct wire_side){.tickets = true});
    contexts[1] = wire_pki_accepting(&pki, &(struct wire_side){.ask = TLS_ASK_OPTIONAL, .asks_given = true});
    struct tls_context *entries[2] = {contexts[0], contexts[1]};
    tls_context_ref(contexts[0]);
    tls_context_ref(contexts[1]);
    contexts[2] = wire_pki_by_name(names, entries, 2, NULL);
    contexts[3] = wire_pki_connecting(&pki, &(struct wire_side){0});
}

static void check(struct tls_engine *e)
{
    uint8_t buf[16];
    struct tls_facts facts;
    unsigned flags = tls_engine_flags(e);
    tls_engine_facts(e, &facts);
    assert((flags & (TLS_TAKES_APP | TLS_HAS_APP)) == 0);
    assert((flags & (TLS_HANDSHAKING | TLS_FAILED)) != 0);
    assert((flags & TLS_FAILED) == 0 || (facts.reason > REASON_VALID && facts.text[0] != '\0'));
    assert(tls_engine_app_write(e, span_from_str("early")) == 0 && tls_engine_app_read(e, buf, sizeof(buf)) == 0);
    assert(tls_engine_wire_out(e).len <= MOST_SAID);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (contexts[0] == NULL)
        make();
    if (n == 0)
        return 0;
    struct tls_engine *e = tls_engine_new(contexts[bytes[0] & 3], NULL, NULL, NULL, NULL);
    size_t step = (size_t)1 << (bytes[0] >> 2 & 15);
    struct span in = span_of(bytes + 1, n - 1);
    assert(e != NULL);
    tls_engine_start(e, WIRE_NOW);
    for (; in.len > 0; in = span_skip(in, in.len < step ? in.len : step)) {
        bool failed = (tls_engine_flags(e) & TLS_FAILED) != 0;
        size_t said = tls_engine_wire_out(e).len;
        tls_engine_wire_in(e, span_of(in.ptr, in.len < step ? in.len : step), WIRE_NOW);
        tls_engine_wire_keep(e);
        check(e);
        assert(!failed || ((tls_engine_flags(e) & TLS_FAILED) != 0 && tls_engine_wire_out(e).len == said));
    }
    tls_engine_wire_eof(e, WIRE_NOW);
    check(e);
    assert((tls_engine_flags(e) & TLS_FAILED) != 0);
    tls_engine_free(e);
    return 0;
}
