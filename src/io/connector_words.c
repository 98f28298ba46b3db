/* SPDX-License-Identifier: Apache-2.0 */
#include "connector_internal.h"

#include <stdio.h>

static void show_place(const struct connector *k, char *out, size_t size)
{
    if (k->dial.address == &k->dial.target->conf->address)
        snprintf(out, size, "%s", k->dial.target->conf->text);
    else
        address_format(k->dial.address, out, size);
}

void connector_show_address(const struct name_address *a, char out[CONNECTOR_SHOWN])
{
    if (uv_inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->bytes, out, CONNECTOR_SHOWN) != 0)
        out[0] = '\0';
}

void connector_words(const struct connector *k, size_t index, const char *what, char *out, size_t size)
{
    char place[320], shown[CONNECTOR_SHOWN];
    show_place(k, place, sizeof(place));
    bool named = k->dial.address->kind == ADDRESS_TCP && !address_is_literal(k->dial.address) && index < k->list.n;
    if (named)
        connector_show_address(&k->list.items[index], shown);
    if (named && k->list.n > 1)
        snprintf(out, size, "%s: %s (%s, the last of %zu addresses)", place, what, shown, k->list.n);
    else if (named)
        snprintf(out, size, "%s: %s (%s)", place, what, shown);
    else
        snprintf(out, size, "%s: %s", place, what);
}

enum reason connector_describe(const struct connector *k, char *text, size_t size)
{
    if (k->list.n == 0 && k->dial.address->kind == ADDRESS_TCP) {
        connector_words(k, 0, "the resolver gave no answer in time", text, size);
        return REASON_DNS_FAILED;
    }
    connector_words(k, k->next > 0 ? k->next - 1 : 0, "no answer in time", text, size);
    return REASON_CONNECT_TIMEOUT;
}
