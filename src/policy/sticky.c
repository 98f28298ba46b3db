/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/sticky.h"

#include "mtlsd/policy/balance.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HEX_SIZE = 17 };

/* RFC 6265 section 4.1.1 lets a value stand in quotes, which belong to it on the wire only. */
static struct span without_quotes(struct span value)
{
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        return span_of(value.ptr + 1, value.len - 2);
    return value;
}

struct span sticky_suffix(struct span cookie_value)
{
    struct span value = without_quotes(cookie_value);
    for (size_t i = value.len; i > 0; i--)
        if (value.ptr[i - 1] == '.')
            return span_skip(value, i);
    return span_of(NULL, 0);
}

struct span sticky_value(const struct config_target *target, char *out, size_t size)
{
    int n = 0;
    if (target->route != NULL) {
        n = snprintf(out, size, "%s", target->route);
    } else {
        char text[sizeof(target->address.host) + sizeof(target->address.path)];
        address_format(&target->address, text, sizeof(text));
        n = snprintf(out, size, "%016" PRIx64, balance_hash(text, strlen(text)));
    }
    return n > 0 && (size_t)n < size ? span_of(out, (size_t)n) : span_of(NULL, 0);
}

/* Empty says nothing: a client that sends an empty value asks for no target. */
static bool is_named(const struct config_target *target, enum config_sticky mode, struct span name)
{
    if (name.len == 0)
        return false;
    if (target->route != NULL)
        return span_equals_str(name, target->route);
    char hex[HEX_SIZE];
    return mode == CONFIG_STICKY_INSERT && span_equals(name, sticky_value(target, hex, sizeof(hex)));
}

size_t sticky_find(const struct config_upstream *up, struct span cookie_value)
{
    struct span name;
    if (up->sticky == CONFIG_STICKY_SUFFIX)
        name = sticky_suffix(cookie_value);
    else if (up->sticky == CONFIG_STICKY_INSERT)
        name = without_quotes(cookie_value);
    else
        return SIZE_MAX;
    for (size_t i = 0; i < up->n_targets; i++)
        if (is_named(&up->targets[i], up->sticky, name))
            return i;
    return SIZE_MAX;
}

int sticky_set_cookie(struct bytes *out, const struct config_upstream *up, const struct config_target *target, bool secure)
{
    char hex[HEX_SIZE];
    const char *value = target->route;
    if (value == NULL)
        value = sticky_value(target, hex, sizeof(hex)).len > 0 ? hex : "";
    return bytes_printf(out, "Set-Cookie: %s=%s; Path=/; HttpOnly; SameSite=Lax%s\r\n", up->sticky_cookie, value, secure ? "; Secure" : "");
}
