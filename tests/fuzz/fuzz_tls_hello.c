/* SPDX-License-Identifier: Apache-2.0 */
/* No first bytes of a client crash the reader of a ClientHello, and its verdict does not depend on how they are cut. The first byte of the input is the
 * size of the pieces. */
#include "fuzz.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/tls/tls_hello.h"

#include <string.h>

static enum tls_hello_found feed(struct tls_hello *h, struct span in, size_t step)
{
    enum tls_hello_found found = TLS_HELLO_MORE;
    tls_hello_init(h);
    while (in.len > 0 && found == TLS_HELLO_MORE) {
        size_t n = step < in.len ? step : in.len;
        found = tls_hello_in(h, span_of(in.ptr, n));
        in = span_skip(in, n);
    }
    assert((found == TLS_HELLO_BAD) == (h->why[0] != '\0'));
    assert(found != TLS_HELLO_WHOLE || h->server_name[0] == '\0' || hostname_is_well_formed(span_from_str(h->server_name)));
    assert(strlen(h->server_name) < sizeof(h->server_name) && strlen(h->alpn) < sizeof(h->alpn));
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct tls_hello pieces, whole;
    if (n < 2)
        return 0;
    struct span in = span_of(bytes + 1, n - 1);
    enum tls_hello_found a = feed(&pieces, in, 1 + bytes[0]), b = feed(&whole, in, n);
    assert(a == b && strcmp(pieces.server_name, whole.server_name) == 0 && strcmp(pieces.alpn, whole.alpn) == 0);
    tls_hello_clear(&pieces);
    tls_hello_clear(&whole);
    return 0;
}
