/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_identity.h"

#include "mtlsd/base/text.h"
#include "tls_cert.h"
#include "tls_internal.h"
#include "tls_key.h"
#include "tls_links.h"
#include "tls_path.h"
#include "tls_pem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* GnuTLS refuses to send more (DEFAULT_MAX_VERIFY_DEPTH); no honest bundle comes near. */
enum { MAX_CERTIFICATES = 16, GOOD_RSA_BITS = 2048 };

struct tls_identity {
    atomic_uint refs;
    char *name;
    char subject[256], issuer[256], key_kind[TLS_KEY_NAME], key_word[TLS_KEY_NAME];
    char serial[2 * TLS_CERT_MAX_SERIAL_BYTES + 3]; /* hex, of the leaf */
    char sha256[65];                                /* hex, of the leaf */
    struct tls_key kind; /* of the leaf's key */
    struct tls_signing_key *key; /* counted */
    gnutls_privkey_t lent; /* borrows key */
    struct tls_link *links;    /* leaf first */
    gnutls_pcert_st *pcerts; /* the links, as the library sends them */
    size_t n_links, n_pcerts;
    const char *signature; /* of the leaf, as OpenSSL spells it; fixed text */
    bool unchecked;
    bool named_as_ca;
    atomic_bool withdrawn;
};

/* The state of reading one identity, carried through its steps. */
struct loading {
    const struct tls_identity_spec *spec;
    struct tls_identity *id;
    struct findings *notes;
    struct err *err;
    struct tls_signing_key_facts key;
};

static bool ends_with(struct span s, const char *text)
{
    size_t n = strlen(text);
    return s.len >= n && memcmp(s.ptr + s.len - n, text, n) == 0;
}

static bool is_bundle(const struct tls_identity_spec *spec)
{
    return spec->key.ptr == spec->certificate.ptr || spec->key_file == NULL;
}

static const char *key_file(const struct tls_identity_spec *spec)
{
    return is_bundle(spec) ? spec->certificate_file : spec->key_file;
}

static int add_certificate(struct loading *l, const struct tls_pem_reader *r,
                           const struct tls_pem_block *block)
{
    struct tls_identity *id = l->id;
    if (id->n_links == MAX_CERTIFICATES)
        return err_set(l->err, ERR_CREDENTIAL,
                       "%s:%zu: more than %d certificates; a chain needs its leaf and the intermediates only",
                       r->file, block->line, MAX_CERTIFICATES);
    struct span der;
    if (tls_pem_decode(r, block, &der, l->err) != 0)
        return -1;
    struct tls_link *link = &id->links[id->n_links++];
    link->der = (uint8_t *)(uintptr_t)der.ptr;
    link->line = block->line;
    link->file = r->file;
    int rc = tls_cert_open(der, &link->cert, &link->crt);
    if (rc == GNUTLS_E_MEMORY_ERROR)
        return err_set(l->err, ERR_MEMORY, "out of memory");
    if (rc != 0)
        return err_set(l->err, ERR_CREDENTIAL,
                       "%s:%zu: the block that begins here is not a readable certificate", r->file,
                       block->line);
    return 0;
}

/* Where there is one certificate, its key tells what is wrong with a key that the library cannot read or compare. */
static int check_only_kind(const struct loading *l)
{
    struct tls_key key;
    if (l->id->n_links != 1)
        return 0;
    tls_key_read(l->id->links[0].crt, l->id->links[0].cert.spki, &key);
    return tls_key_check(&key, l->spec->name, l->err);
}

static int explain_key(const struct loading *l, const struct err *fault)
{
    return check_only_kind(l) != 0 ? -1 : err_set(l->err, fault->kind, "%s", fault->text);
}

static int read_key(struct loading *l)
{
    const struct tls_identity_spec *spec = l->spec;
    const struct tls_key_source source = {.identity = spec->name, .text = spec->key, .file = key_file(spec), .bundle = is_bundle(spec)};
    struct err fault = {0};
    if (spec->signing_key != NULL)
        l->id->key = tls_signing_key_ref(spec->signing_key);
    else if (spec->key_fault != NULL)
        return explain_key(l, spec->key_fault);
    else
        l->id->key = tls_signing_key_read(&source, spec->key_memory, &fault);
    if (l->id->key == NULL)
        return explain_key(l, &fault);
    l->key = *tls_signing_key_facts(l->id->key);
    return 0;
}

static int read_file(struct loading *l, const char *file, struct span text)
{
    struct tls_pem_reader r;
    struct tls_pem_block block;
    if (tls_pem_plausible(file, text, "a certificate", l->err) != 0)
        return -1;
    tls_pem_start(&r, file, text);
    int more;
    while ((more = tls_pem_next(&r, &block, l->err)) == 1) {
        bool is_key = ends_with(block.label, "PRIVATE KEY");
        bool is_certificate =
            span_equals_str(block.label, "CERTIFICATE") || span_equals_str(block.label, "X509 CERTIFICATE");
        if (is_certificate && add_certificate(l, &r, &block) != 0)
            return -1;
        if (!is_key && !is_certificate && !ends_with(block.label, "PARAMETERS"))
            return tls_pem_refuse(&r, &block, "an identity", l->err);
    }
    return more;
}

static int read_chain(struct loading *l)
{
    size_t before = l->id->n_links;
    if (read_file(l, l->spec->chain_file, l->spec->chain) != 0)
        return -1;
    if (l->id->n_links > before)
        return 0;
    return err_set(l->err, ERR_CREDENTIAL, "identity %s: %s holds no certificate", l->spec->name, l->spec->chain_file);
}

static int read_all(struct loading *l)
{
    const struct tls_identity_spec *spec = l->spec;
    if (read_file(l, spec->certificate_file, spec->certificate) != 0)
        return -1;
    if (l->id->n_links == 0)
        return err_set(l->err, ERR_CREDENTIAL, "identity %s: %s holds no certificate", spec->name, spec->certificate_file);
    return read_key(l) != 0 || (spec->chain_file != NULL && read_chain(l) != 0) ? -1 : 0;
}

/* A matching public half says nothing about the private one: the fault would show only in a handshake. */
static int check_halves(const struct loading *l)
{
    if (!l->key.torn)
        return 0;
    return err_set(l->err, ERR_CREDENTIAL,
                   "identity %s: the private key in %s (line %zu) is damaged: its public half is that of another key",
                   l->spec->name, key_file(l->spec), l->key.line);
}

static int find_leaf(struct loading *l)
{
    struct tls_identity *id = l->id;
    for (size_t i = 0; i < id->n_links; i++) {
        if (!tls_cert_has_public_id(id->links[i].crt, l->key.public_id))
            continue;
        if (i > 0)
            findings_add(l->notes, FINDING_NOTE, id->links[i].file,
                         "identity %s: the leaf is in line %zu, not first; it is still sent first",
                         l->spec->name, id->links[i].line);
        tls_links_swap(&id->links[0], &id->links[i]);
        return check_halves(l);
    }
    char subject[160];
    if (check_only_kind(l) != 0)
        return -1;
    tls_cert_name_text(id->links[0].cert.subject, subject, sizeof(subject));
    return err_set(l->err, ERR_CREDENTIAL,
                   "identity %s: the private key in %s (line %zu) does not belong to %s in %s (%s)",
                   l->spec->name, key_file(l->spec), l->key.line,
                   id->n_links == 1 ? "the certificate" : "any certificate", l->spec->certificate_file,
                   subject);
}

static void order_chain(struct loading *l)
{
    struct tls_links links = {l->id->links, l->id->n_links, l->spec->name, l->spec->chain_file};
    tls_links_order(&links, l->notes);
    l->id->n_links = links.n;
}

/* A key that no peer accepts is an error; a rare kind may be intended. */
static int check_kind(const struct loading *l)
{
    const struct tls_key *kind = &l->id->kind;
    if (tls_key_check(kind, l->spec->name, l->err) != 0)
        return -1;
    if ((kind->algorithm == GNUTLS_PK_RSA || kind->algorithm == GNUTLS_PK_RSA_PSS) && kind->bits < GOOD_RSA_BITS)
        findings_add(l->notes, FINDING_WARNING, l->spec->certificate_file,
                     "identity %s: most peers will refuse its key (%s) as too weak: issue the certificate for an ECDSA P-256 key", l->spec->name,
                     l->id->key_kind);
    return 0;
}

/* An intermediate that we send may have a successor at the peer, which then takes another path. */
static void check_dates(const struct loading *l, size_t i, int64_t now)
{
    const struct tls_link *link = &l->id->links[i];
    const struct tls_cert *cert = &link->cert;
    enum finding_level level = i == 0 ? FINDING_FAULT : FINDING_WARNING;
    char subject[160], when[21];
    tls_cert_name_text(cert->subject, subject, sizeof(subject));
    if (now > cert->not_after) {
        text_utc(when, cert->not_after);
        findings_add(l->notes, level, link->file, "identity %s: certificate %s expired %s; peers will refuse it: renew it", l->spec->name,
                     subject, when);
    } else if (now < cert->not_before) {
        text_utc(when, cert->not_before);
        findings_add(l->notes, level, link->file,
                     "identity %s: certificate %s is not valid before %s; peers will refuse it: check the clock of this machine", l->spec->name, subject, when);
    }
}

static int check_leaf(struct loading *l, int64_t now)
{
    struct tls_link *leaf = &l->id->links[0];
    const char *file = leaf->file;
    unsigned ca = 0;
    if (gnutls_x509_crt_get_basic_constraints(leaf->crt, NULL, &ca, NULL) >= 0 && ca != 0)
        return err_set(l->err, ERR_CREDENTIAL,
                       "identity %s: %s:%zu is a CA certificate (%s), not one to present; give a leaf that "
                       "the CA issued, and its key",
                       l->spec->name, file, leaf->line, l->id->subject);
    unsigned usage = 0;
    if (gnutls_x509_crt_get_key_usage(leaf->crt, &usage, NULL) >= 0 && (usage & GNUTLS_KEY_DIGITAL_SIGNATURE) == 0)
        return err_set(l->err, ERR_CREDENTIAL,
                       "identity %s: the keyUsage of %s (%s:%zu) does not allow to sign, which TLS needs: issue it again with keyUsage = "
                       "digitalSignature",
                       l->spec->name, l->id->subject, file, leaf->line);
    if (l->id->named_as_ca)
        findings_add(l->notes, FINDING_WARNING, file,
                     "identity %s: the same name, %s, stands for the certificate and for the CA that issued it: OpenSSL takes such a certificate for self-signed and "
                     "refuses it (unknown_ca): issue it with a name of its own, and with key identifiers",
                     l->spec->name, l->id->subject);
    for (size_t i = 0; i < l->id->n_links; i++)
        check_dates(l, i, now);
    return 0;
}

static int import_pcerts(const struct tls_identity *id, gnutls_pcert_st *out, size_t *n)
{
    int rc = 0;
    for (*n = 0; rc == 0 && *n < id->n_links; *n += rc == 0) {
        const gnutls_datum_t der = tls_cert_datum(id->links[*n].cert.der);
        rc = gnutls_pcert_import_x509_raw(&out[*n], &der, GNUTLS_X509_FMT_DER, 0);
    }
    return rc;
}

/* Keeps what handshakes need and lets go of what only loading did. */
static int settle(struct loading *l)
{
    struct tls_identity *id = l->id;
    struct tls_link *fewer = realloc(id->links, id->n_links * sizeof(*fewer));
    if (fewer != NULL)
        id->links = fewer;
    id->signature = tls_key_openssl_signature(id->links[0].crt);
    id->pcerts = calloc(id->n_links, sizeof(*id->pcerts));
    if (id->pcerts == NULL || import_pcerts(id, id->pcerts, &id->n_pcerts) != 0 || tls_signing_key_lend(id->key, &id->lent) != 0)
        return err_set(l->err, ERR_CREDENTIAL, "identity %s: the TLS library does not accept this certificate and key", l->spec->name);
    for (size_t i = 0; i < id->n_links; i++) {
        gnutls_x509_crt_deinit(id->links[i].crt);
        id->links[i].crt = NULL;
        id->links[i].file = NULL;
    }
    return 0;
}

/* Key identifiers tell the two apart, also to OpenSSL. Certificates that were made by hand often have none. */
static bool is_named_as_ca(const struct tls_link *leaf)
{
    struct span value;
    bool told_apart = tls_cert_find_extension(&leaf->cert, "\x55\x1d\x23", &value) && tls_cert_find_extension(&leaf->cert, "\x55\x1d\x0e", &value);
    bool same = !tls_cert_name_is_empty(leaf->cert.subject) && span_equals(leaf->cert.subject, leaf->cert.issuer);
    return same && !told_apart && !tls_path_is_signed(leaf->crt, leaf->crt);
}

static void note_leaf(struct tls_identity *id)
{
    const struct tls_cert *leaf = &id->links[0].cert;
    tls_cert_name_text(leaf->subject, id->subject, sizeof(id->subject));
    tls_cert_name_text(leaf->issuer, id->issuer, sizeof(id->issuer));
    tls_key_read(id->links[0].crt, leaf->spki, &id->kind);
    tls_key_name(&id->kind, id->key_kind);
    text_hex(id->serial, tls_cert_serial_digits(leaf->serial));
    tls_key_openssl_name(&id->kind, id->key_word);
    tls_cert_sha256(leaf->der, id->sha256);
    id->named_as_ca = is_named_as_ca(&id->links[0]);
}

static int load(struct loading *l, int64_t now)
{
    struct tls_identity *id = l->id;
    id->name = span_dup(span_from_str(l->spec->name));
    id->links = calloc(MAX_CERTIFICATES, sizeof(*id->links));
    if (id->name == NULL || id->links == NULL)
        return err_set(l->err, ERR_MEMORY, "out of memory");
    if (read_all(l) != 0 || (!id->unchecked && find_leaf(l) != 0))
        return -1;
    if (!id->unchecked)
        order_chain(l);
    note_leaf(id);
    if (!id->unchecked && (check_leaf(l, now) != 0 || check_kind(l) != 0))
        return -1;
    return settle(l);
}

struct tls_identity *tls_identity_new(const struct tls_identity_spec *spec, int64_t now,
                                      struct findings *notes, struct err *err)
{
    struct tls_identity *id = calloc(1, sizeof(*id));
    if (id == NULL) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    atomic_init(&id->refs, 1);
    id->unchecked = spec->unchecked;
    struct loading l = {.spec = spec, .id = id, .notes = notes, .err = err};
    int rc = load(&l, now);
    if (rc == 0)
        return id;
    tls_identity_unref(id);
    return NULL;
}

struct tls_identity *tls_identity_ref(struct tls_identity *id)
{
    atomic_fetch_add_explicit(&id->refs, 1, memory_order_relaxed);
    return id;
}

void tls_identity_unref(struct tls_identity *id)
{
    if (id == NULL || atomic_fetch_sub_explicit(&id->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < id->n_links; i++)
        tls_link_clear(&id->links[i]);
    for (size_t i = 0; i < id->n_pcerts; i++)
        gnutls_pcert_deinit(&id->pcerts[i]);
    free(id->pcerts);
    free(id->links);
    gnutls_privkey_deinit(id->lent);
    tls_signing_key_unref(id->key);
    free(id->name);
    free(id);
}

void tls_identity_withdraw(struct tls_identity *id)
{
    atomic_store(&id->withdrawn, true);
}

bool tls_identity_is_withdrawn(const struct tls_identity *id)
{
    return atomic_load_explicit(&id->withdrawn, memory_order_relaxed);
}

void tls_identity_facts(const struct tls_identity *id, struct tls_identity_facts *out)
{
    const struct tls_cert *leaf = &id->links[0].cert;
    *out = (struct tls_identity_facts){
        .name = id->name,
        .subject = id->subject,
        .issuer = id->issuer,
        .key_kind = id->key_kind,
        .serial = id->serial,
        .not_before = leaf->not_before,
        .not_after = leaf->not_after,
        .chain_length = id->n_links,
        .named_as_ca = id->named_as_ca,
    };
    memcpy(out->sha256, id->sha256, sizeof(out->sha256));
}

bool tls_identity_link(const struct tls_identity *id, size_t i, struct tls_identity_link *out)
{
    if (i >= id->n_links)
        return false;
    const struct tls_cert *cert = &id->links[i].cert;
    *out = (struct tls_identity_link){.not_before = cert->not_before, .not_after = cert->not_after};
    tls_cert_name_text(cert->subject, out->subject, sizeof(out->subject));
    return true;
}

void tls_identity_algorithms(const struct tls_identity *id, struct tls_identity_algorithms *out)
{
    out->key = id->key_word[0] != '\0' ? id->key_word : NULL;
    out->signature = id->signature;
}

struct span tls_identity_der(const struct tls_identity *id, size_t i)
{
    return i < id->n_links ? id->links[i].cert.der : (struct span){0};
}

int tls_identity_check_priority(const struct tls_identity *id, gnutls_priority_t priority, bool accepting, struct err *err)
{
    return id->unchecked ? 0 : tls_key_check_priority(&id->kind, priority, accepting, err);
}

void tls_identity_lend(const struct tls_identity *id, gnutls_pcert_st **pcerts, unsigned *n, gnutls_privkey_t *key)
{
    *pcerts = id->pcerts;
    *n = (unsigned)id->n_pcerts;
    *key = id->lent;
}

bool tls_identity_is_named(const struct tls_identity *id, const gnutls_datum_t *names, size_t n)
{
    for (size_t i = 0; i < id->n_links; i++)
        for (size_t k = 0; k < n; k++)
            if (span_equals(id->links[i].cert.issuer, span_of(names[k].data, names[k].size)))
                return true;
    return false;
}

static int family(int kind)
{
    switch (kind) {
    case GNUTLS_PK_EDDSA_ED25519:
    case GNUTLS_PK_EDDSA_ED448:
        return GNUTLS_PK_ECDSA;
    case GNUTLS_PK_RSA_PSS:
        return GNUTLS_PK_RSA;
    default:
        return kind;
    }
}

bool tls_identity_has_kind(const struct tls_identity *id, const gnutls_pk_algorithm_t *kinds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (family((int)kinds[i]) == family(id->kind.algorithm))
            return true;
    return false;
}

bool tls_identity_suits(const struct tls_identity *id, gnutls_session_t session, bool of_ecdsa, bool of_rsa)
{
    bool v13 = gnutls_protocol_get_version(session) == GNUTLS_TLS1_3;
    gnutls_sign_algorithm_t sign;
    if (!v13 && !(family(id->kind.algorithm) == GNUTLS_PK_RSA ? of_rsa : of_ecdsa))
        return false;
    for (size_t i = 0; gnutls_sign_algorithm_get_requested(session, i, &sign) == 0; i++)
        if (tls_key_signs(&id->kind, sign, v13))
            return true;
    return false;
}
