/* SPDX-License-Identifier: Apache-2.0 */
/* Limits the connections of one client (security C14): each counts from when its address is known until it ends. */
#include "client_internal.h"

#include "mtlsd/proxy/client_count.h"
#include "mtlsd/proxy/early_answer.h"

#include <limits.h>
#include <stdio.h>

static void tell_client(struct client *c, struct moment now)
{
    struct early_answer answer = {0};
    struct span words = early_answer(&answer, c->listener, REASON_TOO_MANY_CONNECTIONS, now.utc);
    c->is.reset = words.len == 0;
    link_write_raw(&c->link, words);
    early_answer_clear(&answer);
    tls_engine_free(c->link.tls); /* it has not begun, and never will */
    c->link.tls = NULL;
}

static void refuse(struct client *c, struct moment now)
{
    char text[CLIENT_COUNT_TEXT_SIZE];
    tell_client(c, now);
    client_report(c, REASON_TOO_MANY_CONNECTIONS, client_count_text(c->env, text), NULL, now);
    if (c->is.reset) {
        client_finish(c, now);
        return;
    }
    client_linger(c, now);
    client_time_grace(c, now);
}

const char *client_count_text(const struct proxy_env *env, char out[CLIENT_COUNT_TEXT_SIZE])
{
    snprintf(out, CLIENT_COUNT_TEXT_SIZE, "the client's address has too many connections (limits.per_client is %u)", env->most_per_client);
    return out;
}

bool client_count_permits(const struct proxy_env *env, const struct client_address *address)
{
    uint64_t key = env->most_per_client > 0 ? client_count_key(address) : 0;
    return key == 0 || client_count_has_room(env->clients, key, env->most_per_client);
}

bool client_count_in(struct client *c, struct moment now)
{
    uint64_t key = c->env->most_per_client > 0 ? client_count_key(&c->who.address) : 0;
    if (key == 0)
        return true;
    if (!client_count_take(c->env->clients, key, c->env->most_per_client)) {
        refuse(c, now);
        return false;
    }
    c->who.counted = key;
    return true;
}

void client_count_late(struct client *c)
{
    bool told = c->phase != CLIENT_PROXY_HEADER && !c->is.unnamed;
    uint64_t key = c->who.counted == 0 && told ? client_count_key(&c->who.address) : 0;
    if (key != 0 && client_count_take(c->env->clients, key, UINT_MAX))
        c->who.counted = key;
}

void client_count_out(struct client *c)
{
    if (c->who.counted != 0)
        client_count_leave(c->env->clients, c->who.counted);
}
