/* SPDX-License-Identifier: Apache-2.0 */
#include "config_check.h"

#include <string.h>

/* The protocols that the http room speaks. */
static bool is_http_name(const char *name)
{
    return strcmp(name, "http/1.1") == 0 || strcmp(name, "h2") == 0;
}

static void check_name(const struct config_reader *r, const struct config_strings *alpn, size_t i, bool http, const config_setting_t *at)
{
    const char *name = alpn->items[i];
    size_t len = strlen(name);
    if (http && !is_http_name(name))
        config_read_complain(r, FINDING_ERROR, at, "\"%.80s\" is not a protocol that is spoken here: with protocol = \"http\" they are \"h2\" and \"http/1.1\"", name);
    else if (len > CONFIG_ALPN_NAME_MAX)
        config_read_complain(r, FINDING_ERROR, at, "\"%.80s\" has %zu bytes: at most %d", name, len, CONFIG_ALPN_NAME_MAX);
    for (size_t k = 0; k < i; k++)
        if (strcmp(name, alpn->items[k]) == 0)
            config_read_complain(r, FINDING_ERROR, at, "\"%.80s\" is given twice", name);
}

/* carries: bits 1 << enum config_protocol. */
static void check_names(const struct config_reader *r, const struct config_strings *alpn, unsigned carries, const config_setting_t *at)
{
    bool http = (carries >> CONFIG_PROTOCOL_HTTP & 1) != 0, tcp = (carries >> CONFIG_PROTOCOL_TCP & 1) != 0;
    if (alpn->n > CONFIG_ALPN_MAX)
        config_read_complain(r, FINDING_ERROR, at, "%zu names: at most %d", alpn->n, CONFIG_ALPN_MAX);
    if (alpn->n > 0 && http && tcp)
        config_read_complain(r, FINDING_ERROR, at, "listeners with http and with tcp use this upstream: give each kind its own upstream to choose alpn");
    for (size_t i = 0; i < alpn->n && alpn->n <= CONFIG_ALPN_MAX; i++)
        check_name(r, alpn, i, http, at);
}

void config_check_alpn(const struct config_reader *r)
{
    const struct config *c = r->config;
    for (size_t i = 0; i < c->n_upstreams; i++)
        check_names(r, &c->upstreams[i].tls.alpn, c->upstreams[i].carries, config_read_at(config_read_group_at(r, "upstreams", i), "tls", "alpn", NULL));
    for (size_t i = 0; i < c->n_listeners; i++)
        check_names(r, &c->listeners[i].tls.alpn, 1U << c->listeners[i].protocol,
                    config_read_at(config_read_group_at(r, "listeners", i), "tls", "alpn", NULL));
}
