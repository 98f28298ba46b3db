/* SPDX-License-Identifier: Apache-2.0 */
/* Limits the connections of one client (security C14): each counts from when its address is known until it ends. */
#include "exchange_internal.h"

#include "mtlsd/proxy/client_count.h"
#include "mtlsd/proxy/early_answer.h"

#include <limits.h>
#include <stdio.h>

static void tell_client(struct exchange *x, struct moment now)
{
    struct early_answer answer = {0};
    struct span words = early_answer(&answer, x->listener, REASON_TOO_MANY_CONNECTIONS, now.utc);
    x->reset = words.len == 0;
    link_write_raw(&x->down, words);
    early_answer_clear(&answer);
    tls_engine_free(x->down.tls); /* it has not begun, and never will */
    x->down.tls = NULL;
}

static void refuse(struct exchange *x, struct moment now)
{
    char text[EXCHANGE_COUNT_SIZE];
    tell_client(x, now);
    exchange_report(x, REASON_TOO_MANY_CONNECTIONS, exchange_count_text(x->env, text), now);
    if (x->reset) {
        exchange_finish(x, now);
        return;
    }
    link_end(&x->down);
    exchange_enter(x, PHASE_LINGER, now);
    exchange_time_grace(x, now);
}

const char *exchange_count_text(const struct exchange_env *env, char out[EXCHANGE_COUNT_SIZE])
{
    snprintf(out, EXCHANGE_COUNT_SIZE, "the client's address has too many connections (limits.per_client is %u)", env->most_per_client);
    return out;
}

bool exchange_count_permits(const struct exchange_env *env, const struct client_address *client)
{
    uint64_t key = env->most_per_client > 0 ? client_count_key(client) : 0;
    return key == 0 || client_count_has_room(env->clients, key, env->most_per_client);
}

bool exchange_count_in(struct exchange *x, struct moment now)
{
    uint64_t key = x->env->most_per_client > 0 ? client_count_key(&x->client) : 0;
    if (key == 0)
        return true;
    if (!client_count_take(x->env->clients, key, x->env->most_per_client)) {
        refuse(x, now);
        return false;
    }
    x->counted = key;
    return true;
}

void exchange_count_late(struct exchange *x)
{
    bool told = x->phase != PHASE_TOLD && !x->unnamed;
    uint64_t key = x->counted == 0 && told ? client_count_key(&x->client) : 0;
    if (key != 0 && client_count_take(x->env->clients, key, UINT_MAX))
        x->counted = key;
}

void exchange_count_out(struct exchange *x)
{
    if (x->counted != 0)
        client_count_leave(x->env->clients, x->counted);
}
