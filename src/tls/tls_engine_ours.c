/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which certificate we present. A server that requests one may name CAs (RFC 8446 4.2.4) and kinds of keys. Of several identities of an upstream, the
 * first is presented that one of these CAs issued, itself or through the intermediates that are sent, and whose key is of such a kind. Where the server
 * names no CA, or none of ours, it is the first that has such a key, then the first: a list of CAs is a hint, and a server that refuses says so. Of
 * several identities of a listener, the first is presented whose key the client accepts.
 */
#include "tls_engine_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_CAS = 4, CAS_SIZE = 300 };

static const struct tls_identity *at(const struct tls_context *ctx, size_t i)
{
    return i == 0 ? ctx->identity : ctx->others[i - 1];
}

static bool is_of_kind(const struct tls_identity *id, const struct gnutls_cert_retr_st *asked)
{
    return asked->pk_algos_length == 0 || tls_identity_has_kind(id, asked->pk_algos, asked->pk_algos_length);
}

/* The first identity that fits. n: none. */
static size_t find(const struct tls_context *ctx, const struct gnutls_cert_retr_st *asked, bool by_name)
{
    size_t n = 1 + ctx->n_others;
    for (size_t i = 0; i < n; i++)
        if (!tls_identity_is_withdrawn(at(ctx, i)) && (!by_name || tls_identity_is_named(at(ctx, i), asked->req_ca_rdn, asked->nreqs)) && is_of_kind(at(ctx, i), asked))
            return i;
    return n;
}

static bool any_is_named(const struct tls_context *ctx, const struct gnutls_cert_retr_st *asked)
{
    for (size_t i = 0; i < 1 + ctx->n_others; i++)
        if (tls_identity_is_named(at(ctx, i), asked->req_ca_rdn, asked->nreqs))
            return true;
    return false;
}

/* Only for a refusal; without memory it has fewer words. */
static void note_cas(struct tls_engine *e, const struct gnutls_cert_retr_st *asked)
{
    char text[CAS_SIZE];
    size_t used = 0;
    for (size_t i = 0; i < asked->nreqs && i < SHOWN_CAS && used + 1 < sizeof(text); i++) {
        char name[80];
        tls_cert_name_text(span_of(asked->req_ca_rdn[i].data, asked->req_ca_rdn[i].size), name, sizeof(name));
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? "; " : "", name);
    }
    if (asked->nreqs > SHOWN_CAS && used + 1 < sizeof(text))
        snprintf(text + used, sizeof(text) - used, " and %u more", asked->nreqs - SHOWN_CAS);
    free(e->unfit_cas);
    e->unfit_cas = strdup(text);
}

/* ---- as a server ---- */

/* In TLS 1.2 a cipher suite says what kind of key the server has. */
static void note_suite(struct tls_engine *e, unsigned suite)
{
    static const uint16_t ecdsa[] = {0xc009, 0xc00a, 0xc023, 0xc024, 0xc02b, 0xc02c, 0xc0ac, 0xc0ad, 0xc0ae, 0xc0af, 0xcca9};
    static const uint16_t rsa[] = {0x0067, 0x006b, 0x009e, 0x009f, 0xc013, 0xc014, 0xc027, 0xc028, 0xc02f, 0xc030, 0xc09e, 0xc09f, 0xcca8, 0xccaa};
    for (size_t i = 0; i < sizeof(ecdsa) / sizeof(ecdsa[0]); i++)
        e->suites_ecdsa = e->suites_ecdsa || ecdsa[i] == suite;
    for (size_t i = 0; i < sizeof(rsa) / sizeof(rsa[0]); i++)
        e->suites_rsa = e->suites_rsa || rsa[i] == suite;
}

/* The library refuses a malformed hello. */
static void note_suites(struct tls_engine *e, struct span hello)
{
    enum { VERSION_AND_RANDOM = 2 + 32 };
    size_t session = hello.len > VERSION_AND_RANDOM ? hello.ptr[VERSION_AND_RANDOM] : 0, at = VERSION_AND_RANDOM + 1 + session;
    if (hello.len < at + 2)
        return;
    size_t n = (size_t)hello.ptr[at] << 8 | hello.ptr[at + 1];
    struct span suites = span_skip(hello, at + 2);
    for (size_t i = 0; i + 1 < n && i + 1 < suites.len; i += 2)
        note_suite(e, (unsigned)suites.ptr[i] << 8 | suites.ptr[i + 1]);
}

int tls_engine_on_message(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming, const gnutls_datum_t *message)
{
    if (type == GNUTLS_HANDSHAKE_CLIENT_HELLO && incoming)
        note_suites(gnutls_session_get_ptr(session), span_of(message->data, message->size));
    return type == GNUTLS_HANDSHAKE_CERTIFICATE_PKT ? tls_engine_on_certificate(session, type, when, incoming, message) : 0;
}

static void choose_for_client(struct tls_engine *e)
{
    size_t n = 1 + e->ctx->n_others, i = 0;
    while (i < n && (tls_identity_is_withdrawn(at(e->ctx, i)) || !tls_identity_suits(at(e->ctx, i), e->session, e->suites_ecdsa, e->suites_rsa)))
        i++;
    e->ours.which = i < n ? (uint8_t)i : 0;
}

/* ---- as a client ---- */

/* The identity that was presented once stays, on this connection and on those that resume its session (security A10). In its first handshake a server
 * that requests one has not resumed the session: the ticket decides nothing. */
static void choose(struct tls_engine *e, const struct gnutls_cert_retr_st *asked)
{
    const struct tls_context *ctx = e->ctx;
    size_t none = 1 + ctx->n_others, found = none;
    if (e->ours_chosen || (e->ours.presented && !e->handshaking))
        return;
    e->ours_chosen = e->ours.presented = true;
    if (asked->nreqs > 0 && !any_is_named(ctx, asked))
        note_cas(e, asked);
    else if (asked->nreqs > 0)
        found = find(ctx, asked, true);
    if (found == none)
        found = find(ctx, asked, false);
    e->ours.which = found == none ? 0 : (uint8_t)found;
}

const struct tls_identity *tls_engine_identity(const struct tls_engine *e)
{
    return at(e->ctx, e->ours.which);
}

/* ---- later: whether it is still the one ---- */

static bool is_same(const struct tls_identity *a, const struct tls_identity *b)
{
    return a == b || span_equals(tls_identity_der(a, 0), tls_identity_der(b, 0));
}

static bool presents(const struct tls_context *ctx, const struct tls_identity *id)
{
    for (size_t i = 0; ctx->identity != NULL && i < 1 + ctx->n_others; i++)
        if (is_same(at(ctx, i), id))
            return true;
    return false;
}

bool tls_engine_has_presented(const struct tls_engine *e)
{
    return tls_engine_identity(e) != NULL && (e->ctx->accepting || e->ours.presented);
}

bool tls_engine_shows_withdrawn(const struct tls_engine *e)
{
    return tls_engine_has_presented(e) && tls_identity_is_withdrawn(tls_engine_identity(e));
}

const struct tls_identity *tls_engine_replaced(struct tls_engine *e, struct tls_context *ctx)
{
    if (tls_engine_shows_withdrawn(e))
        return tls_engine_identity(e);
    if (ctx == e->ctx || !tls_engine_has_presented(e))
        return NULL;
    const struct tls_context *now_there = ctx != NULL && ctx->accepting == e->ctx->accepting ? tls_engine_choose_again(e, ctx) : NULL;
    const struct tls_identity *id = tls_engine_identity(e);
    return now_there != NULL && presents(now_there, id) ? NULL : id;
}

/* As a client it is sent whatever kinds of keys the server names, if it is the only one: in TLS 1.2 most servers name RSA and ECDSA only. */
int tls_engine_on_asked(gnutls_session_t session, const struct gnutls_cert_retr_st *asked, gnutls_pcert_st **certs, unsigned *n, gnutls_ocsp_data_st **ocsp,
                        unsigned *n_ocsp, gnutls_privkey_t *key, unsigned *flags)
{
    struct tls_engine *e = gnutls_session_get_ptr(session);
    *n = *n_ocsp = *flags = 0;
    *ocsp = NULL;
    if (e->ctx->identity == NULL)
        return 0;
    if (!e->ctx->accepting)
        choose(e, asked);
    else if (e->ctx->n_others > 0)
        choose_for_client(e);
    if (tls_engine_shows_withdrawn(e))
        return -1;
    tls_identity_lend(tls_engine_identity(e), certs, n, key);
    return 0;
}
