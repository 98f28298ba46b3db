/* SPDX-License-Identifier: Apache-2.0 */
/* No input crashes the reader of PROXY headers, a verdict stands once it is given, and what was read is written so that it reads the same. */
#include "fuzz.h"

#include "mtlsd/proxy/proxy_protocol.h"

#include <string.h>

static void check_rewritten(enum config_proxy_protocol version, const struct proxy_protocol_peer *peer)
{
    struct proxy_protocol_peer again;
    struct bytes out;
    size_t eaten;
    const char *why;
    bytes_init(&out, 4096);
    assert(proxy_protocol_write(&out, version, peer, NULL) == 0);
    assert(proxy_protocol_read(bytes_span(&out), &again, &eaten, &why) == PROXY_PROTOCOL_WHOLE && eaten == out.len);
    assert(memcmp(&again, peer, sizeof(again)) == 0);
    bytes_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    enum proxy_protocol_found before = PROXY_PROTOCOL_MORE;
    size_t eaten_before = 0;
    for (size_t cut = 0; cut <= n && cut <= 300; cut++) {
        struct proxy_protocol_peer peer;
        size_t eaten;
        const char *why;
        enum proxy_protocol_found found = proxy_protocol_read(span_of(bytes, cut == 300 ? n : cut), &peer, &eaten, &why);
        assert(before == PROXY_PROTOCOL_MORE || (found == before && eaten == eaten_before));
        assert(found != PROXY_PROTOCOL_BAD || (why != NULL && eaten == 0 && !peer.known));
        assert(found != PROXY_PROTOCOL_WHOLE || (eaten > 0 && eaten <= n));
        if (found == PROXY_PROTOCOL_WHOLE && before == PROXY_PROTOCOL_MORE) {
            check_rewritten(CONFIG_PROXY_PROTOCOL_V1, &peer);
            check_rewritten(CONFIG_PROXY_PROTOCOL_V2, &peer);
        }
        before = found;
        eaten_before = eaten;
    }
    return 0;
}
