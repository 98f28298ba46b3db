/* SPDX-License-Identifier: Apache-2.0 */
/* The timers that end a request or a connection, each with the key that sets it. */
#include "exchange_internal.h"

#include "mtlsd/base/units.h"

#include <stddef.h>
#include <stdio.h>

#define LISTENER(member) false, offsetof(struct config_listener, member)
#define UPSTREAM(member) true, offsetof(struct config_upstream, member)

static const struct {
    const char *key, *hint; /* hint NULL: that of the reason names the key */
    bool upstream;
    size_t offset;
} limits[] = {
    [LIMIT_PROXY_HEADER] = {"handshake", "remove accept_proxy_protocol if clients send no PROXY header; raise timeouts.handshake of the listener if they are slow", LISTENER(handshake_ms)},
    [LIMIT_CLIENT_HANDSHAKE] = {"handshake", NULL, LISTENER(handshake_ms)},
    [LIMIT_HEADER] = {"header", "raise timeouts.header of the listener if clients are slow", LISTENER(header_ms)},
    [LIMIT_BODY] = {"body", "raise timeouts.body of the listener if clients pause for longer", LISTENER(body_ms)},
    [LIMIT_BODY_RATE] = {"min_body_rate", "lower timeouts.min_body_rate of the listener if clients are slow; 0 accepts any rate", LISTENER(min_body_rate)},
    [LIMIT_WRITE] = {"write", NULL, LISTENER(write_ms)},
    [LIMIT_LISTENER_IDLE] = {"idle", "raise timeouts.idle of the listener if connections pause for longer", LISTENER(idle_ms)},
    [LIMIT_RESPONSE] = {"response", "raise timeouts.response of the upstream if it needs more time", UPSTREAM(response_ms)},
    [LIMIT_UPSTREAM_IDLE] = {"idle", "raise timeouts.idle of the upstream if connections pause for longer", UPSTREAM(idle_ms)},
};

const char *limit_text(const struct plan_listener *listener, const struct plan_target *target, enum limit which, const char *what, const char **hint,
                       char out[LIMIT_TEXT_SIZE])
{
    const char *conf = limits[which].upstream ? (const char *)target->upstream->conf : (const char *)listener->conf;
    const void *value = conf + limits[which].offset;
    char shown[UNITS_DURATION_SIZE];
    if (which == LIMIT_BODY_RATE)
        snprintf(shown, sizeof(shown), "%u", *(const unsigned *)value);
    else
        units_write_duration(shown, *(const uint64_t *)value);
    snprintf(out, LIMIT_TEXT_SIZE, "%.500s (timeouts.%s of the %s is %s)", what, limits[which].key, limits[which].upstream ? "upstream" : "listener", shown);
    *hint = limits[which].hint;
    return out;
}
