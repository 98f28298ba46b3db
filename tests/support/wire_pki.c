/* SPDX-License-Identifier: Apache-2.0 */
#include "wire_pki.h"

#include "wire_pair.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static void make_ca(const char *cn, struct tls_pki_pair *out)
{
    struct err err = {0};
    int rc = tls_pki_new_ca(cn, WIRE_NOW - 100 * WIRE_DAY, (int64_t)WIRE_NOW + 1000 * WIRE_DAY, out, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
}

void wire_pki_make(struct wire_pki *p)
{
    make_ca("Clients CA", &p->clients_ca);
    make_ca("Servers CA", &p->servers_ca);
    make_ca("Other CA", &p->other_ca);
}

void wire_pki_clear(struct wire_pki *p)
{
    tls_pki_pair_clear(&p->clients_ca);
    tls_pki_pair_clear(&p->servers_ca);
    tls_pki_pair_clear(&p->other_ca);
}

static struct tls_identity *make_identity(const struct tls_pki_pair *ca, const struct tls_pki_order *order, uint64_t serial)
{
    struct tls_pki_pair pair = {0};
    struct err err = {0};
    int rc = tls_pki_issue(bytes_span(&ca->certificate), bytes_span(&ca->key), order, serial, &pair, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
    struct tls_identity_spec spec = {
        .name = "test",
        .certificate = bytes_span(&pair.certificate),
        .certificate_file = "cert.pem",
        .key = bytes_span(&pair.key),
        .key_file = "key.pem",
    };
    struct findings notes;
    findings_init(&notes);
    struct tls_identity *id = tls_identity_new(&spec, WIRE_NOW, &notes, &err);
    ck_assert_msg(id != NULL, "%s", err.text);
    findings_clear(&notes);
    tls_pki_pair_clear(&pair);
    return id;
}

static struct tls_identity *identity_of(const struct tls_pki_pair *ca, const struct wire_side *side, enum tls_purpose purpose)
{
    char san[100];
    snprintf(san, sizeof(san), "dns:%s", side->name != NULL ? side->name : WIRE_NAME);
    const char *const sans[] = {san};
    bool server = purpose == TLS_PURPOSE_SERVER;
    struct tls_pki_order order = {
        .cn = side->cn != NULL ? side->cn : server ? "server" : "client",
        .sans = sans,
        .n_sans = server ? 1 : 0,
        .purpose = purpose,
        .not_before = WIRE_NOW - 30 * WIRE_DAY,
        .not_after = (int64_t)WIRE_NOW + 300 * WIRE_DAY,
        .bad = side->bad,
    };
    return make_identity(ca, &order, server ? WIRE_SERVER_SERIAL : WIRE_CLIENT_SERIAL);
}

/* The list of a CA with at most one serial on it. */
static void make_list(const struct tls_pki_pair *ca, uint64_t serial, bool stale, struct bytes *out)
{
    struct err err = {0};
    struct tls_pki_revoked revoked = {.serial = serial, .when = WIRE_NOW - WIRE_DAY};
    int64_t end = stale ? WIRE_NOW - 1 : (int64_t)WIRE_NOW + 7 * WIRE_DAY;
    int rc = tls_pki_make_crl(bytes_span(&ca->certificate), bytes_span(&ca->key), &revoked, serial != 0, 1, WIRE_NOW - WIRE_DAY, end, out, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
}

static struct tls_trust *make_trust(const struct wire_pki *p, const struct tls_pki_pair *ca, const struct wire_side *side, uint64_t peer_serial)
{
    struct err err = {0};
    struct findings notes;
    struct bytes list;
    bool has_list = side->revokes_peer || side->crl != WIRE_CRL_GOOD;
    findings_init(&notes);
    bytes_init(&list, 1 << 16);
    if (has_list)
        make_list(side->crl == WIRE_CRL_MISSING ? &p->other_ca : ca, side->revokes_peer ? peer_serial : 0, side->crl == WIRE_CRL_STALE, &list);
    struct tls_file file = {"ca.pem", bytes_span(&ca->certificate)}, crl = {"ca.crl", bytes_span(&list)};
    struct tls_trust_spec spec = {
        .name = "test",
        .ca = &file,
        .n_ca = 1,
        .crl = &crl,
        .n_crl = has_list,
        .crl_required = has_list,
        .depth = 8,
        .min_rsa_bits = 2048,
    };
    struct tls_trust *trust = tls_trust_new(&spec, WIRE_NOW, &notes, &err);
    ck_assert_msg(trust != NULL, "%s", err.text);
    findings_clear(&notes);
    bytes_clear(&list);
    return trust;
}

static const char *priority_of(const struct wire_side *side)
{
    if (side->string != NULL)
        return side->string;
    return side->priority == WIRE_PRIORITY_12 ? WIRE_ANY_GNUTLS_12 : NULL;
}

/* Those of the side, else those that agree on HTTP/2 where the pair has it between the proxies. */
static const char *const *alpn_of(const struct wire_side *side, size_t *n)
{
    static const char *const agree[] = {"h2", "http/1.1", NULL};
    const char *const *names = side->alpn[0] == NULL && wire_pair()->hop ? agree : side->alpn;
    for (*n = 0; names[*n] != NULL;)
        (*n)++;
    return names;
}

static struct tls_context *make_context(struct tls_context_spec *spec)
{
    struct err err = {0};
    struct tls_context *ctx = tls_context_new(spec, &err);
    ck_assert_msg(ctx != NULL, "%s", err.text);
    tls_identity_unref(spec->identity);
    tls_trust_unref(spec->trust);
    return ctx;
}

struct tls_context *wire_pki_connecting(const struct wire_pki *p, const struct wire_side *side)
{
    const struct tls_pki_pair *issuer = side->issuer != NULL ? side->issuer : &p->clients_ca;
    struct tls_context_spec spec = {
        .identity = side->no_certificate ? NULL : identity_of(issuer, side, TLS_PURPOSE_CLIENT),
        .trust = make_trust(p, side->trusts != NULL ? side->trusts : &p->servers_ca, side, WIRE_SERVER_SERIAL),
        .server_name = side->name != NULL ? side->name : WIRE_NAME,
        .require_client_auth = !side->no_certificate && !side->does_not_insist && !side->asked_later,
        .post_handshake_auth = side->asked_later,
        .renegotiation = side->asked_later,
        .versions = side->priority == WIRE_PRIORITY_13 ? TLS_VERSIONS_13 : TLS_VERSIONS_ALL,
        .priority = priority_of(side),
        .alpn_need = side->alpn_need,
    };
    spec.alpn = alpn_of(side, &spec.n_alpn);
    return make_context(&spec);
}

struct tls_context *wire_pki_accepting(const struct wire_pki *p, const struct wire_side *side)
{
    const struct tls_pki_pair *issuer = side->issuer != NULL ? side->issuer : &p->servers_ca;
    struct tls_context_spec spec = {
        .accepting = true,
        .identity = identity_of(issuer, side, TLS_PURPOSE_SERVER),
        .ask = side->asks_given ? side->ask : TLS_ASK_REQUIRED,
        .tolerate = side->tolerate,
        .tickets = side->tickets,
        .trust = side->trust != NULL ? tls_trust_ref(side->trust)
                                     : make_trust(p, side->trusts != NULL ? side->trusts : &p->clients_ca, side, WIRE_CLIENT_SERIAL),
        .versions = side->priority == WIRE_PRIORITY_13 ? TLS_VERSIONS_13 : TLS_VERSIONS_ALL,
        .priority = priority_of(side),
        .alpn_need = side->alpn_need,
    };
    spec.alpn = alpn_of(side, &spec.n_alpn);
    return make_context(&spec);
}

struct tls_context *wire_pki_by_name(const char *const *names, struct tls_context *const *contexts, size_t n, struct tls_context *otherwise)
{
    struct err err = {0};
    struct tls_sni_entry entries[8];
    ck_assert_uint_le(n, 8);
    for (size_t i = 0; i < n; i++)
        entries[i] = (struct tls_sni_entry){.names = &names[i], .n_names = 1, .ctx = contexts[i]};
    struct tls_sni *sni = tls_sni_new(&(struct tls_sni_spec){.entries = entries, .n = n, .otherwise = otherwise}, &err);
    ck_assert_msg(sni != NULL, "%s", err.text);
    struct tls_context *listener = tls_sni_listener(sni, &err);
    ck_assert_msg(listener != NULL, "%s", err.text);
    tls_sni_unref(sni);
    for (size_t i = 0; i < n; i++)
        tls_context_unref(contexts[i]);
    tls_context_unref(otherwise);
    return listener;
}
