/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a SPIFFE agent, as any bytes: a set is whole, or there is none. The first byte says what the rest is. A set that was read has well-formed IDs,
 * text that reads as certificates, and passes to another process without its keys. */
#include "fuzz.h"

#include "mtlsd/base/spiffe.h"
#include "mtlsd/control/workload_stream.h"
#include "mtlsd/tls/tls_chain.h"
#include "mtlsd/tls/tls_key_memory.h"

#include <string.h>

static void check_text(const struct workload_set *set, const char *source, size_t least)
{
    struct bytes text;
    struct tls_chain chain;
    struct err err = {0};
    assert(workload_set_text(set, source, &text, &err) == 0);
    assert(tls_chain_read(&chain, bytes_span(&text), "x", &err) == 0 && chain.n >= least);
    tls_chain_clear(&chain);
    bytes_wipe(&text);
}

static void check_passing(struct workload_set *set)
{
    struct workload_view view = {.state = WORKLOAD_CURRENT, .set = *set}, read;
    struct bytes packed;
    bytes_init(&packed, 1 << 24);
    assert(workload_view_pack(&view, &packed) == 0 && workload_view_unpack(&read, bytes_span(&packed)) == 0);
    assert(workload_set_equals(&read.set, set));
    for (size_t i = 0; i < read.set.n_svids; i++)
        assert(read.set.svids[i].key.len == 0);
    workload_view_clear(&read);
    bytes_clear(&packed);
}

static void read_set(enum workload_method method, struct span message)
{
    struct workload_set set;
    struct err err = {0};
    struct tls_key_memory *memory = method == WORKLOAD_X509_SVID ? tls_key_memory_new() : NULL;
    if (workload_set_read(&set, method, message, memory, &err) == 0) {
        assert(set.n_svids + set.n_bundles > 0);
        for (size_t i = 0; i < set.n_svids; i++) {
            assert(spiffe_is_well_formed(span_from_str(set.svids[i].id)) && set.svids[i].key.len > 0);
            check_text(&set, set.svids[i].id, 1);
        }
        for (size_t i = 0; i < set.n_bundles; i++) {
            char source[300] = "spiffe://";
            assert(spiffe_is_domain(span_from_str(set.bundles[i].domain)));
            memcpy(source + 9, set.bundles[i].domain, strlen(set.bundles[i].domain) + 1);
            check_text(&set, source, set.bundles[i].n);
        }
        check_passing(&set);
        workload_set_clear(&set);
    } else {
        assert(err.kind != ERR_NONE && set.svids == NULL && set.bundles == NULL);
    }
    tls_key_memory_unref(memory);
}

static void read_stream(struct span data)
{
    struct workload_stream s;
    struct workload_ending e = {.status = -1};
    struct err err = {0};
    char text[640];
    workload_stream_init(&s);
    workload_ending_line(&e, data);
    assert(workload_ending_state(&e, NULL, text, sizeof(text)) >= WORKLOAD_DENIED && strlen(text) > 0);
    while (data.len > 0) { /* cut as the first byte of each part says */
        size_t n = data.ptr[0] < data.len ? data.ptr[0] + 1U : data.len;
        if (workload_stream_add(&s, span_of(data.ptr, n), &err) != 0)
            break;
        data = span_skip(data, n);
    }
    assert(s.has_latest == (s.messages > 0));
    workload_stream_clear(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct workload_view view;
    struct span rest = span_of(bytes + (n > 0), n - (n > 0));
    if (n == 0 || bytes[0] % 4 == 0)
        read_set(WORKLOAD_X509_SVID, rest);
    else if (bytes[0] % 4 == 1)
        read_set(WORKLOAD_X509_BUNDLES, rest);
    else if (bytes[0] % 4 == 2)
        read_stream(rest);
    else if (workload_view_unpack(&view, rest) == 0)
        workload_view_clear(&view);
    return 0;
}
