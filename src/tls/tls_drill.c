/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_drill.h"

#include "tls_maker.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#define DAY ((int64_t)86400)
#define CODE_SIGNING "1.3.6.1.5.5.7.3.3"
#define UNKNOWN_EXTENSION "1.3.6.1.4.1.99999.1"

enum { CHAIN_MAX = 12, LONG_CHAIN = 9, PEM_MAX = 256 * 1024 };

struct shape { /* of one certificate; all zero is a good one */
    bool weak, sha1;          /* RSA 1024; signed with SHA-1 */
    bool says_ca, says_no_ca; /* against its place in the chain */
    bool usage_wrong;         /* an intermediate that may not sign certificates */
    bool unknown_critical;
    bool servers_only;  /* an intermediate limited to servers */
    bool path_length_0;
    int from_day, until_day;  /* 0, 0: yesterday until in a week */
    const char *purpose;      /* of a leaf; NULL: client */
    const char *permitted, *excluded; /* DNS names an intermediate may (not) issue for */
};

enum twist {
    AS_IT_IS,
    NOTHING,        /* no certificate at all */
    SELF_SIGNED,
    FALSE_CA,       /* the CA's name, another key */
    OTHER_CA,
    NOT_SENT,       /* the intermediate stays at home */
    FALSE_SENT,     /* one of the same name and another key is sent instead */
    BROKEN,         /* a bit of the signature is flipped */
    STOLEN,         /* without its key */
};

struct recipe {
    struct tls_drill_kind kind;
    enum twist twist;
    size_t n_mids; /* intermediates; mids[0] is next to the root, missing ones are good */
    struct shape mids[2];
    struct shape leaf;
};

static const struct recipe recipes[] = {
    {.kind = {"good", "nothing: it must be accepted", REASON_VALID, false}},
    {.kind = {"good-intermediate", "nothing, issued by an intermediate", REASON_VALID, true}, .n_mids = 1},
    {.kind = {"none", "no certificate at all", REASON_NONE, false}, .twist = NOTHING},
    {.kind = {"expired", "it expired yesterday", REASON_EXPIRED, false}, .leaf = {.from_day = -30, .until_day = -1}},
    {.kind = {"not-yet-valid", "it begins tomorrow", REASON_NOT_YET_VALID, false}, .leaf = {.from_day = 1, .until_day = 30}},
    {.kind = {"server-only", "for servers only", REASON_WRONG_PURPOSE, false}, .leaf = {.purpose = GNUTLS_KP_TLS_WWW_SERVER}},
    {.kind = {"code-signing", "for code signing only", REASON_WRONG_PURPOSE, false}, .leaf = {.purpose = CODE_SIGNING}},
    {.kind = {"any-purpose", "for \"any purpose\"", REASON_WRONG_PURPOSE, false}, .leaf = {.purpose = GNUTLS_KP_ANY}},
    {.kind = {"self-signed", "signed by itself", REASON_UNKNOWN_CA, false}, .twist = SELF_SIGNED},
    {.kind = {"false-ca", "a CA of the same name, another key", REASON_UNKNOWN_CA, false}, .twist = FALSE_CA},
    {.kind = {"other-ca", "an untrusted CA", REASON_UNKNOWN_CA, false}, .twist = OTHER_CA},
    {.kind = {"false-ca-expired", "a false CA, and expired too", REASON_UNKNOWN_CA, false}, .twist = FALSE_CA, .leaf = {.from_day = -30, .until_day = -1}},
    {.kind = {"weak-key", "RSA with 1024 bits", REASON_WEAK, false}, .leaf = {.weak = true}},
    {.kind = {"sha1", "signed with SHA-1", REASON_WEAK, false}, .leaf = {.sha1 = true}},
    {.kind = {"is-ca", "itself a CA", REASON_CONSTRAINT, false}, .leaf = {.says_ca = true}},
    {.kind = {"unknown-critical", "an unknown critical extension", REASON_CONSTRAINT, false}, .leaf = {.unknown_critical = true}},
    {.kind = {"broken-signature", "one bit of its signature flipped", REASON_UNKNOWN_CA, false}, .twist = BROKEN},
    {.kind = {"stolen", "another client's certificate without its key", REASON_TLS_FAILED, false}, .twist = STOLEN},
    {.kind = {"issued-by-a-leaf", "issued by a certificate that is no CA", REASON_CONSTRAINT, false}, .n_mids = 1, .mids = {{.says_no_ca = true}}},
    {.kind = {"issued-without-right", "issued by a CA that may not sign certificates", REASON_CONSTRAINT, false}, .n_mids = 1, .mids = {{.usage_wrong = true}}},
    {.kind = {"path-too-long", "one CA more than its CA allowed", REASON_CONSTRAINT, false}, .n_mids = 2, .mids = {{.path_length_0 = true}}},
    {.kind = {"chain-too-long", "nine intermediates", REASON_CONSTRAINT, false}, .n_mids = LONG_CHAIN},
    {.kind = {"expired-intermediate", "its intermediate expired", REASON_EXPIRED, false}, .n_mids = 1, .mids = {{.from_day = -30, .until_day = -1}}},
    {.kind = {"future-intermediate", "its intermediate begins tomorrow", REASON_NOT_YET_VALID, false}, .n_mids = 1, .mids = {{.from_day = 1, .until_day = 30}}},
    {.kind = {"server-intermediate", "its intermediate is for servers only", REASON_WRONG_PURPOSE, false}, .n_mids = 1, .mids = {{.servers_only = true}}},
    {.kind = {"weak-intermediate", "its intermediate has RSA with 1024 bits", REASON_WEAK, false}, .n_mids = 1, .mids = {{.weak = true}}},
    {.kind = {"sha1-intermediate", "its intermediate is signed with SHA-1", REASON_WEAK, false}, .n_mids = 1, .mids = {{.sha1 = true}}},
    {.kind = {"missing-intermediate", "its intermediate is not sent", REASON_UNKNOWN_CA, false}, .twist = NOT_SENT, .n_mids = 1},
    {.kind = {"false-intermediate", "another intermediate of the same name is sent", REASON_UNKNOWN_CA, false}, .twist = FALSE_SENT, .n_mids = 1},
    {.kind = {"outside-permitted", "outside the names its CA may issue", REASON_CONSTRAINT, false}, .n_mids = 1, .mids = {{.permitted = "permitted.drill.invalid"}}},
    {.kind = {"inside-excluded", "inside the names its CA must not issue", REASON_CONSTRAINT, false}, .n_mids = 1, .mids = {{.excluded = "excluded.drill.invalid"}}},
};
enum { N_RECIPES = sizeof(recipes) / sizeof(recipes[0]) };

const struct tls_drill_kind *tls_drill_kind(size_t i)
{
    return i < N_RECIPES ? &recipes[i].kind : NULL;
}

/* ---- one certificate ---- */

struct bench { /* what is being worked on */
    const struct tls_drill_order *order;
    const struct recipe *recipe;
    struct tls_maker root, mids[CHAIN_MAX], leaf, stranger;
    size_t n_mids;
    uint64_t serial;
    struct err *err;
};

static int tried(struct bench *b, int rc)
{
    return rc == 0 ? 0 : tls_maker_failed(b->err, b->recipe->kind.word, rc);
}

static int add_constraints(struct bench *b, gnutls_x509_crt_t crt, const struct shape *s)
{
    gnutls_x509_name_constraints_t names;
    if (s->permitted == NULL && s->excluded == NULL)
        return 0;
    int rc = gnutls_x509_name_constraints_init(&names);
    if (rc != 0)
        return tried(b, rc);
    const char *name = s->permitted != NULL ? s->permitted : s->excluded;
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)name, (unsigned)strlen(name)};
    rc = s->permitted != NULL ? gnutls_x509_name_constraints_add_permitted(names, GNUTLS_SAN_DNSNAME, &datum)
                              : gnutls_x509_name_constraints_add_excluded(names, GNUTLS_SAN_DNSNAME, &datum);
    if (rc == 0)
        rc = gnutls_x509_crt_set_name_constraints(crt, names, 1);
    gnutls_x509_name_constraints_deinit(names);
    return tried(b, rc);
}

static int set_extensions(struct bench *b, gnutls_x509_crt_t crt, const struct shape *s, bool ca)
{
    static const unsigned char nothing[] = {5, 0};
    unsigned usage = ca ? GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN : GNUTLS_KEY_DIGITAL_SIGNATURE;
    if (s->says_ca)
        usage |= GNUTLS_KEY_KEY_CERT_SIGN;
    if (s->says_no_ca)
        usage = GNUTLS_KEY_DIGITAL_SIGNATURE;
    if (s->usage_wrong)
        usage = GNUTLS_KEY_CRL_SIGN;
    int rc = gnutls_x509_crt_set_basic_constraints(crt, (ca || s->says_ca) && !s->says_no_ca, ca && s->path_length_0 ? 0 : -1);
    if (rc == 0)
        rc = gnutls_x509_crt_set_key_usage(crt, usage);
    if (rc == 0 && !ca)
        rc = gnutls_x509_crt_set_key_purpose_oid(crt, s->purpose != NULL ? s->purpose : GNUTLS_KP_TLS_WWW_CLIENT, 0);
    if (rc == 0 && s->servers_only)
        rc = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
    if (rc == 0 && s->unknown_critical)
        rc = gnutls_x509_crt_set_extension_by_oid(crt, UNKNOWN_EXTENSION, nothing, sizeof(nothing), 1);
    return rc == 0 ? add_constraints(b, crt, s) : tried(b, rc);
}

static int fill(struct bench *b, struct tls_maker *m, const struct shape *s, bool ca)
{
    int64_t from = s->from_day != 0 ? s->from_day : -1, until = s->until_day != 0 ? s->until_day : 7;
    if (tls_maker_init(m, b->err) != 0 || tls_maker_key(m, s->weak, b->err) != 0)
        return -1;
    return tls_maker_dates(m, b->order->now + from * DAY, b->order->now + until * DAY, ++b->serial, b->err) == 0
               ? set_extensions(b, m->crt, s, ca)
               : -1;
}

static int sign(struct bench *b, struct tls_maker *m, const struct tls_maker *issuer, const struct shape *s)
{
    if (tls_maker_key_ids(m, issuer->crt, b->err) != 0)
        return -1;
    return tried(b, gnutls_x509_crt_sign2(m->crt, issuer->crt, issuer->key, s->sha1 ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256, 0));
}

/* ---- the chain ---- */

static int open_root(struct bench *b)
{
    const struct tls_drill_order *o = b->order;
    enum twist twist = b->recipe->twist;
    if (o->ca_cert.len > INT_MAX || o->ca_key.len > INT_MAX)
        return err_set(b->err, ERR_CREDENTIAL, "the CA's files are too large");
    if (tls_maker_init(&b->root, b->err) != 0)
        return -1;
    if (twist == OTHER_CA) {
        static const struct shape plain;
        tls_maker_clear(&b->root);
        if (fill(b, &b->root, &plain, true) != 0 || tls_maker_dn(&b->root, GNUTLS_OID_X520_COMMON_NAME, "unknown CA", b->err) != 0)
            return -1;
        return sign(b, &b->root, &b->root, &plain);
    }
    gnutls_datum_t cert = {(unsigned char *)(uintptr_t)o->ca_cert.ptr, (unsigned)o->ca_cert.len};
    gnutls_datum_t key = {(unsigned char *)(uintptr_t)o->ca_key.ptr, (unsigned)o->ca_key.len};
    int rc = gnutls_x509_crt_import(b->root.crt, &cert, GNUTLS_X509_FMT_PEM);
    if (rc != 0)
        return tls_maker_failed(b->err, "the CA's certificate cannot be read", rc);
    rc = twist == FALSE_CA ? gnutls_x509_privkey_generate(b->root.key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0)
                           : gnutls_x509_privkey_import2(b->root.key, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
    return rc == 0 ? 0 : tls_maker_failed(b->err, "the CA's key cannot be read", rc);
}

static int make_mids(struct bench *b)
{
    static const struct shape plain;
    for (; b->n_mids < b->recipe->n_mids; b->n_mids++) {
        size_t i = b->n_mids;
        const struct shape *s = i < 2 ? &b->recipe->mids[i] : &plain;
        const struct tls_maker *issuer = i > 0 ? &b->mids[i - 1] : &b->root;
        char cn[] = "drill intermediate 0";
        cn[sizeof(cn) - 2] = (char)('0' + i);
        if (fill(b, &b->mids[i], s, true) != 0 || tls_maker_dn(&b->mids[i], GNUTLS_OID_X520_COMMON_NAME, cn, b->err) != 0 ||
            sign(b, &b->mids[i], issuer, s) != 0)
            return -1;
    }
    return 0;
}

static int name_leaf(struct bench *b)
{
    const struct tls_drill_order *o = b->order;
    if (tls_maker_dn(&b->leaf, GNUTLS_OID_X520_ORGANIZATION_NAME, o->o, b->err) != 0 ||
        tls_maker_dn(&b->leaf, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, o->ou, b->err) != 0 ||
        tls_maker_dn(&b->leaf, GNUTLS_OID_X520_COMMON_NAME, o->cn, b->err) != 0)
        return -1;
    for (size_t i = 0; i < o->n_sans; i++)
        if (tls_maker_san(&b->leaf, o->sans[i], b->err) != 0)
            return -1;
    const struct shape *mid = &b->recipe->mids[0];
    if (mid->permitted != NULL)
        return tls_maker_san(&b->leaf, "dns:elsewhere.drill.invalid", b->err);
    return mid->excluded != NULL ? tls_maker_san(&b->leaf, "dns:excluded.drill.invalid", b->err) : 0;
}

static int make_leaf(struct bench *b)
{
    const struct shape *s = &b->recipe->leaf;
    if (fill(b, &b->leaf, s, false) != 0 || name_leaf(b) != 0)
        return -1;
    const struct tls_maker *issuer = b->n_mids > 0 ? &b->mids[b->n_mids - 1] : &b->root;
    return sign(b, &b->leaf, b->recipe->twist == SELF_SIGNED ? &b->leaf : issuer, s);
}

/* Another intermediate under the same name, which did not sign the leaf. */
static int swap_mid(struct bench *b)
{
    static const struct shape plain;
    tls_maker_clear(&b->mids[0]);
    if (fill(b, &b->mids[0], &plain, true) != 0 ||
        tls_maker_dn(&b->mids[0], GNUTLS_OID_X520_COMMON_NAME, "drill intermediate 0", b->err) != 0)
        return -1;
    return sign(b, &b->mids[0], &b->root, &plain);
}

/* ---- to an identity ---- */

static int append_certificate(struct bench *b, struct bytes *out, gnutls_x509_crt_t crt, bool broken)
{
    gnutls_datum_t der = {NULL, 0}, pem = {NULL, 0};
    int rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der);
    if (rc == 0 && broken)
        der.data[der.size - 1] ^= 1; /* the last byte of the signature's second number */
    if (rc == 0)
        rc = gnutls_pem_base64_encode2("CERTIFICATE", &der, &pem);
    if (rc == 0 && bytes_append(out, pem.data, pem.size) != 0)
        rc = GNUTLS_E_MEMORY_ERROR;
    gnutls_free(der.data);
    gnutls_free(pem.data);
    return tried(b, rc);
}

static int append_key(struct bench *b, struct bytes *out, gnutls_x509_privkey_t key)
{
    gnutls_datum_t pem = {NULL, 0};
    int rc = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
    if (rc == 0 && bytes_append(out, pem.data, pem.size) != 0)
        rc = GNUTLS_E_MEMORY_ERROR;
    if (pem.data != NULL)
        gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    return tried(b, rc);
}

static int write_bundle(struct bench *b, struct bytes *out)
{
    enum twist twist = b->recipe->twist;
    if (append_certificate(b, out, b->leaf.crt, twist == BROKEN) != 0)
        return -1;
    for (size_t i = twist == NOT_SENT ? 0 : b->n_mids; i > 0; i--)
        if (append_certificate(b, out, b->mids[i - 1].crt, false) != 0)
            return -1;
    if (twist != STOLEN)
        return append_key(b, out, b->leaf.key);
    if (tls_maker_init(&b->stranger, b->err) != 0 || tls_maker_key(&b->stranger, false, b->err) != 0)
        return -1;
    return append_key(b, out, b->stranger.key);
}

static int make_all(struct bench *b, struct bytes *bundle)
{
    if (open_root(b) != 0 || make_mids(b) != 0 || make_leaf(b) != 0)
        return -1;
    if (b->recipe->twist == FALSE_SENT && swap_mid(b) != 0)
        return -1;
    return write_bundle(b, bundle);
}

static void clear(struct bench *b)
{
    tls_maker_clear(&b->root);
    for (size_t i = 0; i < CHAIN_MAX; i++)
        tls_maker_clear(&b->mids[i]);
    tls_maker_clear(&b->leaf);
    tls_maker_clear(&b->stranger);
}

struct tls_identity *tls_drill_make(size_t i, const struct tls_drill_order *order, bool *none, struct err *err)
{
    assert(i < N_RECIPES);
    struct bench b = {.order = order, .recipe = &recipes[i], .serial = (uint64_t)order->now, .err = err};
    struct tls_identity *identity = NULL;
    struct bytes bundle;
    *none = recipes[i].twist == NOTHING;
    if (*none)
        return NULL;
    bytes_init(&bundle, PEM_MAX);
    if (make_all(&b, &bundle) == 0) {
        struct findings notes;
        findings_init(&notes);
        struct tls_identity_spec spec = {.name = recipes[i].kind.word, .certificate = bytes_span(&bundle), .key = bytes_span(&bundle),
                                         .certificate_file = recipes[i].kind.word, .unchecked = true};
        identity = tls_identity_new(&spec, order->now, &notes, err);
        findings_clear(&notes);
    }
    if (bundle.data != NULL)
        gnutls_memset(bundle.data, 0, bundle.cap);
    bytes_clear(&bundle);
    clear(&b);
    return identity;
}
