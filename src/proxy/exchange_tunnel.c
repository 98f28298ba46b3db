/* SPDX-License-Identifier: Apache-2.0 */
/* A request after which both directions are plain bytes: from then on the exchange works like one of a tcp listener, but is reported as that
 * request. */
#include "exchange_internal.h"

void exchange_tunnel_begin(struct exchange *x, struct span left, struct moment now)
{
    http1_free(x->http);
    http1_free(x->up->http);
    x->http = x->up->http = NULL;
    exchange_enter(x, PHASE_ACTIVE, now);
    if (left.len > 0)
        exchange_tcp_pass(x, SIDE_UP, left);
}
