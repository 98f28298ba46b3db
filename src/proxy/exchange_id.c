/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWN_SIZE = 33, MOST = 128 };

/* Bytes that no log, header or URI has to escape. */
static bool is_well_formed(struct span id)
{
    static const char marks[] = "-._~:+=/@";
    for (size_t i = 0; i < id.len; i++) {
        uint8_t c = span_lower(id.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (c == '\0' || strchr(marks, c) == NULL))
            return false;
    }
    return id.len > 0 && id.len <= MOST;
}

/* Empty: there is none, or it is not to be believed. Of two, each reader might take another one. */
static struct span told(const struct exchange *x, struct span field, const struct http_head *head)
{
    struct span found = {NULL, 0};
    size_t n = 0;
    const struct config_ranges *proxies = &x->listener->conf->trusted_proxies;
    if ((proxies->n == 0 && !proxies->sockets) || !exchange_forwarded(x).believe)
        return found;
    for (size_t i = 0; i < head->n_fields; i++)
        if (span_equals_nocase(head->fields[i].name, field)) {
            found = head->fields[i].value;
            n++;
        }
    return n == 1 && is_well_formed(found) ? found : span_of(NULL, 0);
}

/* Without memory the request has none. */
const char *exchange_id(struct exchange *x, struct span field, const struct http_head *head)
{
    if (x->rare.id != NULL)
        return x->rare.id;
    struct span kept = told(x, field, head);
    if (kept.len > 0)
        x->rare.id = span_dup(kept);
    else if ((x->rare.id = malloc(DRAWN_SIZE)) != NULL)
        snprintf(x->rare.id, DRAWN_SIZE, "%016" PRIx64 "%016" PRIx64, exchange_draw(x->client->env), exchange_draw(x->client->env));
    return x->rare.id;
}
