/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_issuer.h"

#include "tls_hosts.h"
#include "tls_internal.h"
#include "tls_issuer_own.h"
#include "tls_maker.h"
#include "tls_private_key.h"
#include "tls_signing_key_own.h"
#include "mtlsd/base/text.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKDATED_S = 3600, LIFE_S = 24 * 3600, COMMON_NAME_MAX = 64 };

struct tls_issuer {
    gnutls_x509_crt_t ca;
    struct tls_signing_key *key; /* of the CA */
    gnutls_pubkey_t leaves;      /* the public half of the key of all leaves */
    int64_t ca_not_after;
    struct tls_hosts hosts;
};

/* ---- the CA ---- */

static int refuse(const struct tls_issuer_source *source, struct err *err, const char *why)
{
    return err_set(err, ERR_CREDENTIAL, "%s: %s; make such a CA with: mtlsd pki init --only HOST", source->certificate.name, why);
}

static bool is_one_of(const struct tls_issuer *t, struct span name)
{
    for (size_t i = 0; i < t->hosts.n; i++)
        if (span_equals_nocase_str(name, tls_hosts_constraint(&t->hosts, i)))
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

static int check_permitted(const struct tls_issuer *t, const struct tls_issuer_source *source, gnutls_x509_name_constraints_t names, struct err *err)
{
    bool *seen = calloc(t->hosts.n + 1, sizeof(*seen));
    unsigned type;
    gnutls_datum_t name;
    int rc = seen != NULL ? 0 : err_set(err, ERR_MEMORY, "out of memory");
    for (unsigned i = 0; rc == 0 && gnutls_x509_name_constraints_get_permitted(names, i, &type, &name) == 0; i++) {
        struct span text = span_of(name.data, name.size);
        if (type != GNUTLS_SAN_DNSNAME)
            rc = refuse(source, err, "its name constraints permit names other than host names");
        else if (!is_one_of(t, text))
            rc = err_set(err, ERR_CREDENTIAL, "%s: its name constraints permit \"%.*s\", which no route with an upstream names as host: make a CA for these hosts alone",
                         source->certificate.name, (int)(text.len < 200 ? text.len : 200), (const char *)text.ptr);
        for (size_t k = 0; k < t->hosts.n && rc == 0; k++)
            seen[k] = seen[k] || span_equals_nocase_str(text, tls_hosts_constraint(&t->hosts, k));
    }
    for (size_t k = 0; k < t->hosts.n && rc == 0; k++)
        if (!seen[k])
            rc = err_set(err, ERR_CREDENTIAL, "%s: its name constraints do not permit the host \"%.200s\" of a route: make a CA with that host, too",
                         source->certificate.name, t->hosts.names[k]);
    free(seen);
    return rc;
}

static int check_excluded(const struct tls_issuer_source *source, gnutls_x509_name_constraints_t names, struct err *err)
{
    unsigned type;
    gnutls_datum_t name;
    bool four = false, six = false;
    for (unsigned i = 0; gnutls_x509_name_constraints_get_excluded(names, i, &type, &name) == 0; i++) {
        four = four || (type == GNUTLS_SAN_IPADDRESS && name.size == 8 && is_zero(&name));
        six = six || (type == GNUTLS_SAN_IPADDRESS && name.size == 32 && is_zero(&name));
    }
    return four && six ? 0 : refuse(source, err, "its name constraints do not exclude all addresses, so that it could issue for any");
}

static int check_constraints(const struct tls_issuer *t, const struct tls_issuer_source *source, struct err *err)
{
    gnutls_x509_name_constraints_t names;
    unsigned critical = 0;
    if (gnutls_x509_name_constraints_init(&names) != 0)
        return err_set(err, ERR_MEMORY, "out of memory");
    int rc = gnutls_x509_crt_get_name_constraints(t->ca, names, 0, &critical);
    if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        rc = refuse(source, err, "it has no name constraints, so that it could issue for any host");
    else if (rc != 0)
        rc = refuse(source, err, "its name constraints cannot be read");
    else if (critical == 0)
        rc = refuse(source, err, "its name constraints are not critical, so that programs may ignore them");
    else if (check_permitted(t, source, names, err) != 0 || check_excluded(source, names, err) != 0)
        rc = -1;
    gnutls_x509_name_constraints_deinit(names);
    return rc;
}

static int check_ca(struct tls_issuer *t, const struct tls_issuer_source *source, int64_t now, struct err *err)
{
    unsigned critical, is_ca = 0, usage = 0;
    int path_length = -1;
    char when[21];
    t->ca_not_after = (int64_t)gnutls_x509_crt_get_expiration_time(t->ca);
    if (gnutls_x509_crt_get_basic_constraints(t->ca, &critical, &is_ca, &path_length) < 0 || is_ca == 0)
        return refuse(source, err, "it is not the certificate of a CA");
    if (path_length != 0)
        return refuse(source, err, "it allows another CA below it (pathLenConstraint must be 0)");
    if (gnutls_x509_crt_get_key_usage(t->ca, &usage, &critical) < 0 || (usage & GNUTLS_KEY_KEY_CERT_SIGN) == 0)
        return refuse(source, err, "its keyUsage does not let it sign certificates");
    text_utc(when, t->ca_not_after);
    if (now >= t->ca_not_after)
        return err_set(err, ERR_CREDENTIAL, "%s: expired %s: make a new CA, and give it to the programs", source->certificate.name, when);
    if (now < (int64_t)gnutls_x509_crt_get_activation_time(t->ca))
        return refuse(source, err, "it is not valid yet");
    return check_constraints(t, source, err);
}

/* ---- life ---- */

void tls_issuer_free(struct tls_issuer *t)
{
    if (t == NULL)
        return;
    gnutls_x509_crt_deinit(t->ca);
    if (t->leaves != NULL)
        gnutls_pubkey_deinit(t->leaves);
    tls_signing_key_unref(t->key);
    tls_hosts_clear(&t->hosts);
    free(t);
}

static int read_certificate(struct tls_issuer *t, const struct tls_issuer_source *source, struct err *err)
{
    const gnutls_datum_t pem = {(unsigned char *)(uintptr_t)source->certificate.text.ptr, (unsigned)source->certificate.text.len};
    int rc = gnutls_x509_crt_init(&t->ca);
    if (rc == 0)
        rc = gnutls_x509_crt_import(t->ca, &pem, GNUTLS_X509_FMT_PEM);
    return rc == 0 ? 0 : err_set(err, ERR_CREDENTIAL, "%s: the certificate of the CA cannot be read (%s)", source->certificate.name, gnutls_strerror(rc));
}

static int read_key(struct tls_issuer *t, const struct tls_issuer_source *source, struct tls_key_memory *memory, struct err *err)
{
    const struct tls_key_source key = {.identity = source->identity, .text = source->key.text, .file = source->key.name};
    uint8_t id[TLS_KEY_ID];
    size_t n = sizeof(id);
    t->key = tls_signing_key_read(&key, memory, err);
    if (t->key == NULL)
        return -1;
    const struct tls_signing_key_facts *facts = tls_signing_key_facts(t->key);
    bool same = gnutls_x509_crt_get_key_id(t->ca, GNUTLS_KEYID_USE_SHA256, id, &n) == 0 && memcmp(id, facts->public_id, sizeof(id)) == 0;
    return same && !facts->torn ? 0 : err_set(err, ERR_CREDENTIAL, "%s with %s: the CA's key does not match the CA's certificate", source->certificate.name, source->key.name);
}

static int keep_public(struct tls_issuer *t, gnutls_x509_privkey_t form)
{
    gnutls_privkey_t key = NULL;
    int rc = gnutls_pubkey_init(&t->leaves);
    if (rc == 0)
        rc = gnutls_privkey_init(&key);
    if (rc == 0)
        rc = gnutls_privkey_import_x509(key, form, 0);
    if (rc == 0)
        rc = gnutls_pubkey_import_privkey(t->leaves, key, GNUTLS_KEY_DIGITAL_SIGNATURE, 0);
    gnutls_privkey_deinit(key);
    return rc;
}

/* Takes t, also on failure. */
static struct tls_signing_key *make_key(struct tls_issuer *t, struct tls_key_memory *memory, struct err *err)
{
    gnutls_x509_privkey_t form = NULL;
    struct tls_signing_key *key = NULL;
    int rc = gnutls_x509_privkey_init(&form);
    if (rc == 0)
        rc = gnutls_x509_privkey_generate(form, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (rc == 0)
        rc = keep_public(t, form);
    if (rc == 0)
        key = tls_signing_key_own(form, memory, t);
    if (key == NULL) {
        tls_issuer_free(t);
        (void)tls_maker_failed(err, "cannot make a key for its certificates", rc != 0 ? rc : GNUTLS_E_MEMORY_ERROR);
    }
    gnutls_x509_privkey_deinit(form); /* wipes */
    tls_private_key_wipe_stack();
    return key;
}

struct tls_signing_key *tls_issuer_read(const struct tls_issuer_source *source, struct tls_key_memory *memory, int64_t now, uint8_t ca_id[TLS_KEY_ID],
                                        struct err *err)
{
    struct tls_issuer *t = calloc(1, sizeof(*t));
    if (t == NULL || tls_hosts_read(&t->hosts, source->hosts) != 0)
        (void)err_set(err, ERR_MEMORY, "out of memory");
    else if (read_certificate(t, source, err) == 0 && read_key(t, source, memory, err) == 0 && check_ca(t, source, now, err) == 0) {
        memcpy(ca_id, tls_signing_key_facts(t->key)->public_id, TLS_KEY_ID);
        return make_key(t, memory, err);
    }
    tls_issuer_free(t);
    return NULL;
}

/* ---- certificates ---- */

static int begin(const struct tls_issuer *t, struct span host, int64_t now, struct tls_maker *leaf, struct err *err)
{
    static const struct tls_maker_shape shape = {.purposes = {GNUTLS_KP_TLS_WWW_SERVER}};
    char name[TLS_HOSTS_NAME], san[TLS_HOSTS_NAME + 4];
    uint64_t serial = 0;
    int64_t ends = now + LIFE_S < t->ca_not_after ? now + LIFE_S : t->ca_not_after;
    snprintf(name, sizeof(name), "%.*s", (int)host.len, (const char *)host.ptr);
    snprintf(san, sizeof(san), "dns:%s", name);
    if (gnutls_rnd(GNUTLS_RND_NONCE, &serial, sizeof(serial)) != 0)
        return err_set(err, ERR_INTERNAL, "no random number");
    if (tls_maker_begin_for_key(leaf, &shape, (struct tls_maker_dates){now - BACKDATED_S, ends}, (serial >> 1) + 1, err) != 0)
        return -1;
    int rc = gnutls_x509_crt_set_pubkey(leaf->crt, t->leaves);
    if (rc != 0)
        return tls_maker_failed(err, "cannot set the key", rc);
    return (host.len <= COMMON_NAME_MAX && tls_maker_cn(leaf, name, err) != 0) || tls_maker_san(leaf, san, err) != 0 ? -1 : 0;
}

static int sign(const struct tls_issuer *t, struct tls_maker *leaf, struct err *err)
{
    gnutls_privkey_t key;
    int rc = tls_signing_key_lend(t->key, &key);
    if (rc != 0)
        return tls_maker_failed(err, "cannot use the CA's key", rc);
    rc = tls_maker_sign_with(leaf, t->ca, key, err);
    gnutls_privkey_deinit(key);
    return rc;
}

int tls_issuer_issue(const struct tls_issuer *t, struct span host, int64_t now, struct bytes *pem, struct err *err)
{
    struct tls_maker leaf = {NULL, NULL};
    if (!tls_hosts_match(&t->hosts, host))
        return err_set(err, ERR_PROTOCOL, "no route names the host of this certificate");
    if (now >= t->ca_not_after)
        return err_set(err, ERR_CREDENTIAL, "the CA of forward_proxy.intercept has expired: make a new one with mtlsd pki init --only HOST");
    int rc = begin(t, host, now, &leaf, err);
    if (rc == 0)
        rc = sign(t, &leaf, err);
    if (rc == 0)
        rc = tls_maker_append_certificate(&leaf, false, pem, err);
    tls_maker_clear(&leaf);
    return rc;
}
