/* SPDX-License-Identifier: Apache-2.0 */
/* A request that may become a tunnel is kept, so that the gate can be asked again while the tunnel runs (client_tls.c). */
#include "exchange_internal.h"

#include <stdlib.h>
#include <string.h>

bool exchange_rejudge_keep(struct exchange *x, const struct admission *a)
{
    size_t n_host = a->target.host.len, n_path = a->path.len;
    struct http_target *asked = malloc(sizeof(*asked) + n_host + n_path);
    if (asked == NULL)
        return false;
    char *text = (char *)(asked + 1);
    if (n_host > 0)
        memcpy(text, a->target.host.ptr, n_host);
    if (n_path > 0)
        memcpy(text + n_host, a->path.ptr, n_path);
    *asked = (struct http_target){.form = a->target.form, .host = span_of(text, n_host), .port = a->target.port, .path = span_of(text + n_host, n_path)};
    x->rare.asked = asked;
    return true;
}
