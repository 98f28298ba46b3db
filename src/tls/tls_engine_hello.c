/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_engine_internal.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/tls/tls_sni.h"

#include <string.h>

enum { NAME_MAX_BYTES = TLS_SERVER_NAME_SIZE }; /* RFC 1035 allows 253 */

/* 0 with name[0] == 0: the client sent no name. */
static int read_name(gnutls_session_t session, char name[NAME_MAX_BYTES])
{
    size_t len = NAME_MAX_BYTES - 1;
    unsigned type;
    int rc = gnutls_server_name_get(session, name, &len, &type, 0);
    if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        len = 0;
    else if (rc < 0 || type != GNUTLS_NAME_DNS || memchr(name, 0, len) != NULL)
        return -1;
    name[len] = 0;
    return 0;
}

const char *tls_engine_server_name(const struct tls_engine *e, char room[TLS_SERVER_NAME_SIZE])
{
    return e->ctx->accepting && read_name(e->session, room) == 0 && room[0] != 0 ? room : NULL;
}

static int refuse_name(struct tls_engine *e, const char *why)
{
    e->reason = REASON_TLS_FAILED;
    e->why = why;
    e->alert_to_send = GNUTLS_A_UNRECOGNIZED_NAME;
    return GNUTLS_E_UNRECOGNIZED_NAME;
}

/* The name that a chosen context serves is settled: a second ClientHello (after a HelloRetryRequest) must ask for the same (RFC 8446 4.1.2). */
static int check_second(struct tls_engine *e, const char *name)
{
    bool same = strcmp(e->server_name != NULL ? e->server_name : "", name) == 0;
    return same ? 0 : refuse_name(e, "the client's second ClientHello has another server name");
}

/* A malformed name would match no rules here, but could match some for a lenient reader behind us (security A15). */
static bool is_name(const char *name)
{
    return name[0] == 0 || hostname_is_well_formed(span_from_str(name));
}

int tls_engine_on_hello(gnutls_session_t session)
{
    struct tls_engine *e = gnutls_session_get_ptr(session);
    char name[NAME_MAX_BYTES];
    if (read_name(session, name) != 0 || !is_name(name))
        return refuse_name(e, "the client's server name is not a host name");
    if (e->ctx->sni == NULL && e->front == NULL)
        return 0;
    if (e->front != NULL)
        return check_second(e, name);
    size_t policy = tls_sni_policy(e->ctx->sni, span_from_str(name));
    struct tls_context *chosen = tls_sni_context(e->ctx->sni, policy);
    if (chosen == NULL)
        return refuse_name(e, "the client's server name is missing or not served here");
    if (name[0] != 0 && (e->server_name = strdup(name)) == NULL)
        return GNUTLS_E_MEMORY_ERROR;
    e->front = e->ctx;
    e->ctx = tls_context_ref(chosen);
    e->policy = policy;
    int rc = tls_engine_adopt_context(e);
    return rc < 0 ? rc : 0;
}

const struct tls_context *tls_engine_choose_again(struct tls_engine *e, struct tls_context *ctx)
{
    char name[NAME_MAX_BYTES];
    if (ctx == e->front)
        return tls_sni_context(ctx->sni, e->policy);
    if (ctx->sni == NULL) {
        tls_context_unref(e->front);
        e->front = NULL;
        return ctx;
    }
    if (read_name(e->session, name) != 0)
        return NULL;
    tls_context_ref(ctx);
    tls_context_unref(e->front);
    e->front = ctx;
    e->policy = tls_sni_policy(ctx->sni, span_from_str(name));
    return tls_sni_context(ctx->sni, e->policy);
}
