/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_context.h"
#include "tls_alpn.h"
#include "tls_internal.h"
#include "tls_priority.h"

#include "mtlsd/base/address.h"

#include <gnutls/crypto.h>

#include <stdlib.h>
#include <string.h>

static atomic_uint_fast64_t next_context_id = 1;

static void free_context(struct tls_context *ctx)
{
    if (ctx->credentials != NULL && ctx->trust == NULL)
        gnutls_certificate_free_credentials(ctx->credentials);
    tls_priority_unref(ctx->priority);
    if (ctx->sni == NULL)
        tls_alpn_free(ctx->alpn);
    if (ctx->identity != NULL)
        tls_identity_unref(ctx->identity);
    for (size_t i = 0; i < ctx->n_others; i++)
        tls_identity_unref(ctx->others[i]);
    free(ctx->others);
    if (ctx->trust != NULL)
        tls_trust_unref(ctx->trust);
    tls_sni_unref(ctx->sni);
    for (size_t i = 0; i < ctx->n_expect; i++)
        free(ctx->expect[i]);
    free(ctx->expect);
    free(ctx->server_name);
    gnutls_memset(ctx->ticket_secret, 0, sizeof(ctx->ticket_secret));
    free(ctx);
}

static int copy_names(struct tls_context *ctx, const struct tls_context_spec *spec)
{
    if (spec->server_name != NULL && (ctx->server_name = strdup(spec->server_name)) == NULL)
        return -1;
    const char *own[] = {spec->server_name};
    const char *const *names = spec->n_expect > 0 ? spec->expect : own;
    size_t n = spec->n_expect > 0 ? spec->n_expect : spec->server_name != NULL;
    ctx->expect = calloc(n + 1, sizeof(*ctx->expect));
    if (ctx->expect == NULL)
        return -1;
    for (; ctx->n_expect < n; ctx->n_expect++) {
        if ((ctx->expect[ctx->n_expect] = strdup(names[ctx->n_expect])) == NULL)
            return -1;
    }
    return 0;
}

static int take_others(struct tls_context *ctx, const struct tls_context_spec *spec)
{
    if (spec->n_others == 0)
        return 0;
    ctx->others = calloc(spec->n_others, sizeof(struct tls_identity *));
    if (ctx->others == NULL)
        return -1;
    for (; ctx->n_others < spec->n_others; ctx->n_others++)
        ctx->others[ctx->n_others] = tls_identity_ref(spec->others[ctx->n_others]);
    return 0;
}

static int set_priority(struct tls_context *ctx, const struct tls_context_spec *spec, struct err *err)
{
    ctx->priority = tls_priority_new(spec->priority, spec->versions, spec->like != NULL ? spec->like->priority : NULL, err);
    return ctx->priority != NULL ? 0 : -1;
}

static int set_alpn(struct tls_context *ctx, const struct tls_context_spec *spec, struct err *err)
{
    if (spec->n_alpn > 0)
        ctx->alpn = tls_alpn_new(spec, err);
    return spec->n_alpn == 0 || ctx->alpn != NULL ? 0 : -1;
}

/* The library would go on without a certificate that no signature fits, and say nothing. */
static int check_identity(const struct tls_context *ctx, struct err *err)
{
    for (size_t i = 0; i < ctx->n_others; i++)
        if (tls_identity_check_priority(ctx->others[i], ctx->priority->set, ctx->accepting, err) != 0)
            return -1;
    return ctx->identity != NULL ? tls_identity_check_priority(ctx->identity, ctx->priority->set, ctx->accepting, err) : 0;
}

static int make_credentials(gnutls_certificate_credentials_t *out, struct err *err)
{
    if (gnutls_certificate_allocate_credentials(out) < 0)
        return err_set(err, ERR_MEMORY, "out of memory");
    gnutls_certificate_set_verify_limits(*out, 8200, 16);
    gnutls_certificate_set_retrieve_function3(*out, tls_engine_on_asked);
    return 0;
}

/* Ten thousand identities under one trust share one set of credentials: which of them a session presents is asked of its context. */
static int share_credentials(struct tls_context *ctx, struct err *err)
{
    gnutls_certificate_credentials_t *shared = tls_trust_credentials(ctx->trust, ctx->accepting);
    if (*shared == NULL) {
        if (make_credentials(shared, err) != 0)
            return -1;
        if (ctx->accepting && tls_trust_hint_cas(ctx->trust, *shared) != 0) {
            gnutls_certificate_free_credentials(*shared);
            *shared = NULL;
            return err_set(err, ERR_CREDENTIAL, "the TLS library does not accept this set of CAs");
        }
    }
    ctx->credentials = *shared;
    return 0;
}

static int set_credentials(struct tls_context *ctx, struct err *err)
{
    return ctx->trust != NULL ? share_credentials(ctx, err) : make_credentials(&ctx->credentials, err);
}

static struct tls_context *new_context(bool accepting, struct err *err)
{
    struct tls_context *ctx = calloc(1, sizeof(*ctx));
    if (ctx == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    atomic_init(&ctx->refs, 1);
    ctx->id = atomic_fetch_add(&next_context_id, 1);
    ctx->accepting = accepting;
    return ctx;
}

struct tls_context *tls_context_new(const struct tls_context_spec *spec, struct err *err)
{
    bool judges = !spec->accepting || spec->ask != TLS_ASK_NONE;
    if ((spec->accepting && spec->identity == NULL) || (judges && spec->trust == NULL) ||
        (!spec->accepting && ((spec->server_name == NULL && spec->n_expect == 0) || spec->tolerate != 0 || spec->tickets))) {
        err_set(err, ERR_INTERNAL, "a TLS context lacks an identity, a trust or a name to expect, or tolerates a bad server");
        return NULL;
    }
    struct tls_context *ctx = new_context(spec->accepting, err);
    if (ctx == NULL)
        return NULL;
    ctx->ask = spec->ask;
    ctx->tolerate = spec->tolerate;
    ctx->require_client_auth = spec->require_client_auth;
    ctx->post_handshake_auth = spec->post_handshake_auth && spec->identity != NULL;
    ctx->renegotiation = spec->renegotiation && spec->identity != NULL;
    if (spec->identity != NULL)
        ctx->identity = tls_identity_ref(spec->identity);
    if (spec->trust != NULL)
        ctx->trust = tls_trust_ref(spec->trust);
    ctx->tickets = spec->tickets;
    if (take_others(ctx, spec) != 0 || (!spec->accepting && copy_names(ctx, spec) != 0))
        err_set(err, ERR_MEMORY, "out of memory");
    else if (ctx->tickets && gnutls_rnd(GNUTLS_RND_KEY, ctx->ticket_secret, sizeof(ctx->ticket_secret)) != 0)
        err_set(err, ERR_INTERNAL, "the TLS library has no random bytes");
    else if (set_priority(ctx, spec, err) == 0 && set_alpn(ctx, spec, err) == 0 && check_identity(ctx, err) == 0 && set_credentials(ctx, err) == 0)
        return ctx;
    free_context(ctx);
    return NULL;
}

struct tls_context *tls_context_new_by_name(struct tls_sni *sni, struct err *err)
{
    struct tls_context *ctx = new_context(true, err);
    if (ctx == NULL)
        return NULL;
    ctx->ask = TLS_ASK_REQUIRED;
    ctx->sni = tls_sni_ref(sni);
    ctx->alpn = tls_sni_context(sni, 0)->alpn;
    ctx->priority = tls_priority_ref(tls_sni_context(sni, 0)->priority); /* the library settles on TLS 1.3 before there is a choice */
    return ctx;
}

struct tls_context *tls_context_ref(struct tls_context *ctx)
{
    atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
    return ctx;
}

void tls_context_unref(struct tls_context *ctx)
{
    if (ctx != NULL && atomic_fetch_sub_explicit(&ctx->refs, 1, memory_order_acq_rel) == 1)
        free_context(ctx);
}

int tls_context_ticket_key(const struct tls_context *ctx, uint8_t key[TLS_TICKET_KEY_BYTES])
{
    struct tls_trust_facts facts = {0};
    if (ctx->trust != NULL)
        tls_trust_facts(ctx->trust, &facts);
    return gnutls_hmac_fast(GNUTLS_MAC_SHA512, ctx->ticket_secret, sizeof(ctx->ticket_secret), &facts.generation, sizeof(facts.generation), key) == 0
               ? 0
               : -1;
}

bool tls_context_lets_pass(const struct tls_context *ctx, const struct tls_verdict *verdict)
{
    switch (verdict->status) {
    case REASON_VALID:
        return true;
    case REASON_NONE:
        return ctx->accepting && ctx->ask != TLS_ASK_REQUIRED;
    default:
        return ctx->accepting && verdict->all != 0 && (verdict->all & ~ctx->tolerate) == 0;
    }
}

void tls_context_judge(const struct tls_context *ctx, const struct tls_presented *sent, int64_t now, struct tls_verdict *out, struct tls_path *path)
{
    struct tls_question question = {
        .trust = ctx->trust,
        .purpose = ctx->accepting ? TLS_PURPOSE_CLIENT : TLS_PURPOSE_SERVER,
        .names = (const char *const *)ctx->expect,
        .n_names = ctx->n_expect,
        .now = now,
        .asked_to_staple = !ctx->accepting, /* the library asks every server */
        .staple = sent->staple,
        .ocsp = sent->ocsp,
        .ocsp_fault = sent->ocsp_fault,
    };
    tls_judge_path(&question, sent->ders, sent->n, out, path);
}
