/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_intercept.h"

#include "tls_context.h"
#include "tls_maker.h"
#include "mtlsd/base/hostname.h"
#include "mtlsd/base/text.h"
#include "mtlsd/tls/tls_identity.h"
#include "mtlsd/tls/tls_sni.h"

#include <gnutls/crypto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 256, HOST_SIZE = 256, PEM_MAX = 64 * 1024, BACKDATED_S = 3600, LIFE_S = 24 * 3600, RENEWED_S = 8 * 3600, COMMON_NAME_MAX = 64 };

struct issued { /* for one host; ctx NULL: free */
    char host[HOST_SIZE];
    struct tls_context *ctx; /* counted */
    int64_t until;           /* then another one is issued */
};

struct tls_intercept {
    struct tls_maker ca;
    int64_t ca_not_after;
    char **hosts; /* owned */
    size_t n_hosts;
    atomic_flag busy; /* for the rest, which is held for a look alone */
    struct issued kept[KEPT];
    size_t next; /* the one to give way */
};

/* ---- the CA ---- */

static int refuse(const struct tls_intercept_spec *spec, struct err *err, const char *why)
{
    return err_set(err, ERR_CREDENTIAL, "%s: %s; make such a CA with: mtlsd pki init --only HOST", spec->certificate_file, why);
}

/* "*.a.example" and "a.example" are one constraint. */
static const char *constraint_of(const char *host)
{
    return strncmp(host, "*.", 2) == 0 ? host + 2 : host;
}

static bool is_one_of(const struct tls_intercept *t, struct span name)
{
    for (size_t i = 0; i < t->n_hosts; i++)
        if (span_equals_nocase_str(name, constraint_of(t->hosts[i])))
            return true;
    return false;
}

static bool is_zero(const gnutls_datum_t *d)
{
    for (unsigned i = 0; i < d->size; i++)
        if (d->data[i] != 0)
            return false;
    return true;
}

static int check_permitted(const struct tls_intercept *t, const struct tls_intercept_spec *spec, gnutls_x509_name_constraints_t names, struct err *err)
{
    bool *seen = calloc(t->n_hosts + 1, sizeof(*seen));
    unsigned type;
    gnutls_datum_t name;
    int rc = seen != NULL ? 0 : err_set(err, ERR_MEMORY, "out of memory");
    for (unsigned i = 0; rc == 0 && gnutls_x509_name_constraints_get_permitted(names, i, &type, &name) == 0; i++) {
        struct span text = span_of(name.data, name.size);
        if (type != GNUTLS_SAN_DNSNAME)
            rc = refuse(spec, err, "its name constraints permit names other than host names");
        else if (!is_one_of(t, text))
            rc = err_set(err, ERR_CREDENTIAL, "%s: its name constraints permit \"%.*s\", which no route with an upstream names as host: make a CA for these hosts alone",
                         spec->certificate_file, (int)(text.len < 200 ? text.len : 200), (const char *)text.ptr);
        for (size_t k = 0; k < t->n_hosts && rc == 0; k++)
            seen[k] = seen[k] || span_equals_nocase_str(text, constraint_of(t->hosts[k]));
    }
    for (size_t k = 0; k < t->n_hosts && rc == 0; k++)
        if (!seen[k])
            rc = err_set(err, ERR_CREDENTIAL, "%s: its name constraints do not permit the host \"%.200s\" of a route: make a CA with that host, too",
                         spec->certificate_file, t->hosts[k]);
    free(seen);
    return rc;
}

static int check_excluded(const struct tls_intercept_spec *spec, gnutls_x509_name_constraints_t names, struct err *err)
{
    unsigned type;
    gnutls_datum_t name;
    bool four = false, six = false;
    for (unsigned i = 0; gnutls_x509_name_constraints_get_excluded(names, i, &type, &name) == 0; i++) {
        four = four || (type == GNUTLS_SAN_IPADDRESS && name.size == 8 && is_zero(&name));
        six = six || (type == GNUTLS_SAN_IPADDRESS && name.size == 32 && is_zero(&name));
    }
    return four && six ? 0 : refuse(spec, err, "its name constraints do not exclude all addresses, so that it could issue for any");
}

static int check_constraints(const struct tls_intercept *t, const struct tls_intercept_spec *spec, struct err *err)
{
    gnutls_x509_name_constraints_t names;
    unsigned critical = 0;
    if (gnutls_x509_name_constraints_init(&names) != 0)
        return err_set(err, ERR_MEMORY, "out of memory");
    int rc = gnutls_x509_crt_get_name_constraints(t->ca.crt, names, 0, &critical);
    if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        rc = refuse(spec, err, "it has no name constraints, so that it could issue for any host");
    else if (rc != 0)
        rc = refuse(spec, err, "its name constraints cannot be read");
    else if (critical == 0)
        rc = refuse(spec, err, "its name constraints are not critical, so that programs may ignore them");
    else if (check_permitted(t, spec, names, err) != 0 || check_excluded(spec, names, err) != 0)
        rc = -1;
    gnutls_x509_name_constraints_deinit(names);
    return rc;
}

static int check_ca(struct tls_intercept *t, const struct tls_intercept_spec *spec, int64_t now, struct err *err)
{
    unsigned critical, is_ca = 0, usage = 0;
    int path_length = -1;
    char when[21];
    t->ca_not_after = (int64_t)gnutls_x509_crt_get_expiration_time(t->ca.crt);
    if (gnutls_x509_crt_get_basic_constraints(t->ca.crt, &critical, &is_ca, &path_length) < 0 || is_ca == 0)
        return refuse(spec, err, "it is not the certificate of a CA");
    if (path_length != 0)
        return refuse(spec, err, "it allows another CA below it (pathLenConstraint must be 0)");
    if (gnutls_x509_crt_get_key_usage(t->ca.crt, &usage, &critical) < 0 || (usage & GNUTLS_KEY_KEY_CERT_SIGN) == 0)
        return refuse(spec, err, "its keyUsage does not let it sign certificates");
    text_utc(when, t->ca_not_after);
    if (now >= t->ca_not_after)
        return err_set(err, ERR_CREDENTIAL, "%s: expired %s: make a new CA, and give it to the programs", spec->certificate_file, when);
    if (now < (int64_t)gnutls_x509_crt_get_activation_time(t->ca.crt))
        return refuse(spec, err, "it is not valid yet");
    return check_constraints(t, spec, err);
}

/* ---- life ---- */

static bool is_name(const char *host)
{
    return hostname_is_well_formed(span_from_str(constraint_of(host))) && host[strspn(host, "0123456789.:")] != '\0';
}

static int keep_hosts(struct tls_intercept *t, const struct tls_intercept_spec *spec)
{
    t->hosts = calloc(spec->n_hosts + 1, sizeof(*t->hosts));
    for (size_t i = 0; t->hosts != NULL && i < spec->n_hosts; i++) {
        if (!is_name(spec->hosts[i]))
            continue;
        if ((t->hosts[t->n_hosts] = strdup(spec->hosts[i])) == NULL)
            return -1;
        t->n_hosts++;
    }
    return t->hosts != NULL ? 0 : -1;
}

struct tls_intercept *tls_intercept_new(const struct tls_intercept_spec *spec, int64_t now, struct err *err)
{
    struct tls_intercept *t = calloc(1, sizeof(*t));
    struct err why = {0};
    if (t == NULL || keep_hosts(t, spec) != 0)
        err_set(err, ERR_MEMORY, "out of memory");
    else if (tls_maker_import(&t->ca, spec->certificate, spec->key, &why) != 0)
        err_set(err, ERR_CREDENTIAL, "%s with %s: %s", spec->certificate_file, spec->key_file, why.text);
    else if (check_ca(t, spec, now, err) == 0)
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
    for (size_t i = 0; i < t->n_hosts; i++)
        free(t->hosts[i]);
    free(t->hosts);
    tls_maker_clear(&t->ca);
    free(t);
}

/* ---- certificates ---- */

bool tls_intercept_permits(const struct tls_intercept *t, struct span host)
{
    for (size_t i = 0; i < t->n_hosts; i++)
        if (hostname_matches(span_from_str(t->hosts[i]), host))
            return host.len < HOST_SIZE;
    return false;
}

static int issue(const struct tls_intercept *t, const char *host, int64_t now, struct bytes *certificate, struct bytes *key, struct err *err)
{
    static const struct tls_maker_shape shape = {.purposes = {GNUTLS_KP_TLS_WWW_SERVER}};
    struct tls_maker leaf = {NULL, NULL};
    char san[HOST_SIZE + 4];
    uint64_t serial = 0;
    int64_t ends = now + LIFE_S < t->ca_not_after ? now + LIFE_S : t->ca_not_after;
    snprintf(san, sizeof(san), "dns:%s", host);
    int rc = gnutls_rnd(GNUTLS_RND_NONCE, &serial, sizeof(serial)) == 0 ? 0 : err_set(err, ERR_INTERNAL, "no random number");
    if (rc == 0)
        rc = tls_maker_begin(&leaf, &shape, (struct tls_maker_dates){now - BACKDATED_S, ends}, (serial >> 1) + 1, err);
    if (rc == 0 && strlen(host) <= COMMON_NAME_MAX)
        rc = tls_maker_cn(&leaf, host, err);
    if (rc == 0 && (tls_maker_san(&leaf, san, err) != 0 || tls_maker_sign(&leaf, &t->ca, false, err) != 0 ||
                    tls_maker_append_certificate(&leaf, false, certificate, err) != 0 || tls_maker_append_key(&leaf, key, err) != 0))
        rc = -1;
    tls_maker_clear(&leaf);
    return rc;
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
    struct bytes certificate, key;
    struct findings notes;
    struct tls_context *ctx = NULL;
    bytes_init(&certificate, PEM_MAX);
    bytes_init(&key, PEM_MAX);
    findings_init(&notes);
    if (issue(t, host, now, &certificate, &key, err) == 0) {
        const struct tls_identity_spec spec = {.name = host, .certificate = bytes_span(&certificate), .certificate_file = host, .key = bytes_span(&key), .key_file = host};
        struct tls_identity *identity = tls_identity_new(&spec, now, &notes, err);
        ctx = identity != NULL ? context_for(identity, host, err) : NULL;
        if (identity != NULL)
            tls_identity_unref(identity);
    }
    findings_clear(&notes);
    bytes_clear(&certificate);
    bytes_wipe(&key);
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
    char name[HOST_SIZE] = "";
    host.len -= host.len > 1 && host.ptr[host.len - 1] == '.';
    for (size_t i = 0; i < host.len && host.len < sizeof(name); i++)
        name[i] = host.ptr[i] >= 'A' && host.ptr[i] <= 'Z' ? (char)(host.ptr[i] | 0x20) : (char)host.ptr[i];
    lock(t);
    const struct issued *at = find(t, name);
    struct tls_context *ctx = at != NULL && now < at->until ? tls_context_ref(at->ctx) : NULL;
    unlock(t);
    if (ctx != NULL)
        return ctx;
    if (now >= t->ca_not_after) {
        err_set(err, ERR_CREDENTIAL, "the CA of forward_proxy.intercept has expired: make a new one with mtlsd pki init --only HOST");
        return NULL;
    }
    ctx = make(t, name, now, err);
    if (ctx != NULL)
        keep(t, name, ctx, now + RENEWED_S);
    return ctx;
}
