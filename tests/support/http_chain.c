/* SPDX-License-Identifier: Apache-2.0 */
#include "http_chain.h"

struct wire http_chain;
static struct wire_pki pki;
static struct tls_context *connecting, *accepting;

void http_chain_make(void)
{
    struct wire_side good = {0};
    wire_pki_make(&pki);
    connecting = wire_pki_connecting(&pki, &good);
    accepting = wire_pki_accepting(&pki, &good);
}

void http_chain_drop(void)
{
    tls_context_unref(connecting);
    tls_context_unref(accepting);
    wire_pki_clear(&pki);
}

void http_chain_open(void)
{
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_HTTP, .connecting = connecting, .accepting = accepting};
    wire_open(&http_chain, &setup);
    http_chain.on_backend = wire_backend_http;
}

void http_chain_close(void)
{
    wire_close(&http_chain);
}

void http_chain_ask(struct wire_socket *app, const char *request)
{
    bytes_clear(&app->got);
    wire_say(app, request);
    wire_run(&http_chain);
}

void http_chain_silent(struct wire *on, struct wire_socket *s)
{
    (void)on;
    (void)s;
}
