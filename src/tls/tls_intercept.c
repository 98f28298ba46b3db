/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_intercept.h"

#include "tls_cert.h"
#include "tls_context.h"
#include "tls_hosts.h"
#include "mtlsd/tls/tls_identity.h"
#include "mtlsd/tls/tls_signing_key.h"
#include "mtlsd/tls/tls_sni.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 256, PEM_MAX = 64 * 1024, RENEWED_S = 8 * 3600 };

struct issued { /* for one host; ctx NULL: free */
    char host[TLS_HOSTS_NAME];
    struct tls_context *ctx; /* counted */
    int64_t until;           /* then another one is issued */
};

struct tls_intercept {
    struct tls_signing_key *key; /* counted; of all certificates */
    struct tls_hosts hosts;
    char ca[256]; /* subject */
    int64_t not_before, not_after;
    atomic_flag busy; /* for the rest, which is held for a look alone */
    struct issued kept[KEPT];
    size_t next; /* the one to give way */
};

/* ---- life ---- */

static int note_ca(struct tls_intercept *t, struct span ca)
{
    const gnutls_datum_t pem = tls_cert_datum(ca);
    gnutls_datum_t name = {NULL, 0};
    gnutls_x509_crt_t crt;
    if (gnutls_x509_crt_init(&crt) != 0)
        return -1;
    int rc = gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM);
    if (rc == 0)
        rc = gnutls_x509_crt_get_raw_dn(crt, &name);
    if (rc == 0)
        tls_cert_name_text(span_of(name.data, name.size), t->ca, sizeof(t->ca));
    t->not_before = (int64_t)gnutls_x509_crt_get_activation_time(crt);
    t->not_after = (int64_t)gnutls_x509_crt_get_expiration_time(crt);
    gnutls_free(name.data);
    gnutls_x509_crt_deinit(crt);
    return rc == 0 ? 0 : -1;
}

struct tls_intercept *tls_intercept_new(struct tls_signing_key *key, struct span hosts, struct span ca)
{
    struct tls_intercept *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    t->key = tls_signing_key_ref(key);
    if (tls_hosts_read(&t->hosts, hosts) == 0 && note_ca(t, ca) == 0)
        return t;
    tls_intercept_free(t);
    return NULL;
}

void tls_intercept_free(struct tls_intercept *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < KEPT; i++)
        if (t->kept[i].ctx != NULL)
            tls_context_unref(t->kept[i].ctx);
    tls_hosts_clear(&t->hosts);
    tls_signing_key_unref(t->key);
    free(t);
}

void tls_intercept_facts(const struct tls_intercept *t, struct tls_intercept_facts *out)
{
    *out = (struct tls_intercept_facts){t->ca, t->not_before, t->not_after, (const char *const *)t->hosts.names, t->hosts.n};
}

/* ---- certificates ---- */

bool tls_intercept_permits(const struct tls_intercept *t, struct span host)
{
    return tls_hosts_match(&t->hosts, host);
}

/* By server name, though there is one: clients that ask for another are refused, and requests for another host are answered 421. */
static struct tls_context *context_for(struct tls_identity *identity, const char *host, struct err *err)
{
    static const char *const alpn[] = {"h2", "http/1.1"};
    const struct tls_context_spec spec = {.accepting = true, .identity = identity, .alpn = alpn, .n_alpn = 2};
    struct tls_context *own = tls_context_new(&spec, err), *by_name = NULL;
    const struct tls_sni_entry entry = {&host, 1, own};
    struct tls_sni *sni = own != NULL ? tls_sni_new(&(struct tls_sni_spec){&entry, 1, NULL}, err) : NULL;
    if (sni != NULL)
        by_name = tls_sni_listener(sni, err);
    tls_sni_unref(sni);
    if (own != NULL)
        tls_context_unref(own);
    return by_name;
}

static struct tls_context *make(const struct tls_intercept *t, const char *host, int64_t now, struct err *err)
{
    struct bytes certificate;
    struct findings notes;
    struct tls_context *ctx = NULL;
    bytes_init(&certificate, PEM_MAX);
    findings_init(&notes);
    if (tls_signing_key_issue(t->key, span_from_str(host), now, &certificate, err) == 0) {
        const struct tls_identity_spec spec = {.name = host, .certificate = bytes_span(&certificate), .certificate_file = host, .key_file = host, .signing_key = t->key};
        struct tls_identity *identity = tls_identity_new(&spec, now, &notes, err);
        ctx = identity != NULL ? context_for(identity, host, err) : NULL;
        if (identity != NULL)
            tls_identity_unref(identity);
    }
    findings_clear(&notes);
    bytes_clear(&certificate);
    return ctx;
}

static void lock(struct tls_intercept *t)
{
    while (atomic_flag_test_and_set_explicit(&t->busy, memory_order_acquire))
        ; /* held for a look through the array */
}

static void unlock(struct tls_intercept *t)
{
    atomic_flag_clear_explicit(&t->busy, memory_order_release);
}

static struct issued *find(struct tls_intercept *t, const char *host)
{
    for (size_t i = 0; i < KEPT; i++)
        if (t->kept[i].ctx != NULL && strcmp(t->kept[i].host, host) == 0)
            return &t->kept[i];
    return NULL;
}

/* Takes a further reference. */
static void keep(struct tls_intercept *t, const char *host, struct tls_context *ctx, int64_t until)
{
    lock(t);
    struct issued *at = find(t, host);
    if (at == NULL)
        at = &t->kept[t->next++ % KEPT];
    struct tls_context *old = at->ctx;
    snprintf(at->host, sizeof(at->host), "%s", host);
    at->ctx = tls_context_ref(ctx);
    at->until = until;
    unlock(t);
    if (old != NULL)
        tls_context_unref(old);
}

struct tls_context *tls_intercept_context(struct tls_intercept *t, struct span host, int64_t now, struct err *err)
{
    char name[TLS_HOSTS_NAME] = "";
    host.len -= host.len > 1 && host.ptr[host.len - 1] == '.';
    for (size_t i = 0; i < host.len && host.len < sizeof(name); i++)
        name[i] = host.ptr[i] >= 'A' && host.ptr[i] <= 'Z' ? (char)(host.ptr[i] | 0x20) : (char)host.ptr[i];
    lock(t);
    const struct issued *at = find(t, name);
    struct tls_context *ctx = at != NULL && now < at->until ? tls_context_ref(at->ctx) : NULL;
    unlock(t);
    if (ctx != NULL)
        return ctx;
    ctx = make(t, name, now, err);
    if (ctx != NULL)
        keep(t, name, ctx, now + RENEWED_S);
    return ctx;
}
