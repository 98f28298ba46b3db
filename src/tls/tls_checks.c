/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_checks.h"

#include "mtlsd/base/spiffe.h"
#include "mtlsd/base/text.h"
#include "tls_crl_set.h"
#include "tls_der.h"
#include "tls_key.h"
#include "tls_names.h"

#include <stdio.h>
#include <string.h>

enum { MIN_EC_BITS = 256, MIN_RSA_BITS = 2048 };

void tls_checks_describe(struct tls_certificate *out, const struct tls_cert *cert, gnutls_x509_crt_t crt)
{
    out->cert = cert;
    out->crt = crt;
    tls_cert_name_text(cert->subject, out->subject, sizeof(out->subject));
}

void tls_checks_until(struct tls_verdict *v, int64_t last)
{
    if (v->until == 0 || last < v->until)
        v->until = last;
}

static void check_dates(const struct tls_question *q, const struct tls_certificate *c,
                        struct tls_verdict *out)
{
    char when[21];
    if (q->now > c->cert->not_after) {
        text_utc(when, c->cert->not_after);
        tls_checks_found(out, REASON_EXPIRED, 10, "certificate %s: expired %s", c->subject, when);
    } else {
        tls_checks_until(out, c->cert->not_after);
    }
    if (q->now < c->cert->not_before) {
        tls_checks_until(out, c->cert->not_before - 1);
        text_utc(when, c->cert->not_before);
        tls_checks_found(out, REASON_NOT_YET_VALID, 9, "certificate %s: not valid before %s", c->subject,
                         when);
    }
}

static bool is_strong(int algorithm, unsigned bits, unsigned min_rsa_bits)
{
    switch (algorithm) {
    case GNUTLS_PK_RSA:
    case GNUTLS_PK_RSA_PSS:
        return bits >= min_rsa_bits;
    case GNUTLS_PK_ECDSA:
        return bits >= MIN_EC_BITS;
    case GNUTLS_PK_EDDSA_ED25519:
    case GNUTLS_PK_EDDSA_ED448:
        return true;
    default:
        return false;
    }
}

static void check_key(const struct tls_question *q, const struct tls_certificate *c, struct tls_verdict *out)
{
    unsigned bits = 0;
    int algorithm = gnutls_x509_crt_get_pk_algorithm(c->crt, &bits);
    bool strong = is_strong(algorithm, bits, q->trust != NULL ? tls_trust_rules(q->trust)->min_rsa_bits : MIN_RSA_BITS);
    if (strong && tls_cert_key_is_affordable(c->cert->spki))
        return;
    struct tls_key key;
    char name[TLS_KEY_NAME];
    tls_key_read(c->crt, c->cert->spki, &key);
    tls_key_name(&key, name);
    tls_checks_found(out, REASON_WEAK, 66, "certificate %s: its key (%s) %s", c->subject, name,
                     strong                       ? "has an unreasonable size"
                     : tls_key_is_known(algorithm) ? "is weaker than the policy allows"
                                                   : "is of a kind that is not accepted");
}

/* RFC 5280 4.1.1.2. Our own names come first: they are the same with every version of the library. */
static const char *name_signature(int algorithm, struct span der)
{
    struct tls_cert_envelope envelope;
    struct tls_der oid;
    const char *name = NULL;
    if (tls_cert_read_envelope(der, &envelope) == 0 && tls_der_expect(&envelope.algorithm.value, DER_OID, &oid) == 0)
        name = tls_key_foreign_name(oid.value);
    if (name == NULL && algorithm > 0)
        name = gnutls_sign_get_name((gnutls_sign_algorithm_t)algorithm);
    return name != NULL ? name : "an unknown algorithm";
}

static void check_signature_algorithm(const struct tls_certificate *c, struct tls_verdict *out)
{
    int algorithm = gnutls_x509_crt_get_signature_algorithm(c->crt);
    bool known = algorithm > 0 && tls_key_is_known(gnutls_sign_get_pk_algorithm((gnutls_sign_algorithm_t)algorithm));
    if (known && gnutls_sign_is_secure2((gnutls_sign_algorithm_t)algorithm, GNUTLS_SIGN_FLAG_SECURE_FOR_CERTS) != 0)
        return;
    tls_checks_found(out, REASON_WEAK, 68, "certificate %s: it is signed with %s, which is %s", c->subject, name_signature(algorithm, c->cert->der),
                     known ? "too weak" : "not accepted");
}

/* The extensions that this room or GnuTLS checks, and those about policies, which are not requested here. */
static bool is_known_extension(struct span oid)
{
    static const char *const known[] = {
        "\x55\x1d\x0f", /* keyUsage */
        "\x55\x1d\x11", /* subjectAltName */
        "\x55\x1d\x13", /* basicConstraints */
        "\x55\x1d\x1e", /* nameConstraints */
        "\x55\x1d\x25", /* extKeyUsage */
        "\x55\x1d\x20", /* certificatePolicies */
        "\x55\x1d\x21", /* policyMappings */
        "\x55\x1d\x24", /* policyConstraints */
        "\x55\x1d\x36", /* inhibitAnyPolicy */
        "\x55\x1d\x0e", /* subjectKeyIdentifier */
        "\x55\x1d\x23", /* authorityKeyIdentifier */
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (span_equals_str(oid, known[i]))
            return true;
    return false;
}

/* feature: the TLS feature extension of this certificate is honoured. */
static void check_extensions(const struct tls_certificate *c, bool feature, struct tls_verdict *out)
{
    struct span rest = c->cert->extensions;
    struct tls_cert_extension extension;
    while (rest.len > 0 && tls_cert_next_extension(&rest, &extension) == 0)
        if (extension.critical && !is_known_extension(extension.oid) && !(feature && span_equals_str(extension.oid, TLS_CHECKS_OID_FEATURE)))
            tls_checks_found(out, REASON_CONSTRAINT, 34,
                             "certificate %s: it has a critical extension that is not known here",
                             c->subject);
}

static const char *purpose_oid(enum tls_purpose purpose)
{
    return purpose == TLS_PURPOSE_CLIENT ? "\x2b\x06\x01\x05\x05\x07\x03\x02" : "\x2b\x06\x01\x05\x05\x07\x03\x01";
}

struct purposes {
    bool present, readable, wanted, any;
};

/* Not through GnuTLS, for which an empty list is none at all. */
static struct purposes read_purposes(const struct tls_cert *cert, const char *purpose)
{
    static const uint8_t any[] = "\x55\x1d\x25\x00"; /* RFC 5280 4.2.1.12 */
    const struct span wanted = span_from_str(purpose);
    struct purposes p = {0};
    struct span value;
    struct tls_der list, oid;
    p.present = tls_cert_find_extension(cert, "\x55\x1d\x25", &value);
    if (!p.present || tls_der_expect(&value, DER_SEQUENCE, &list) != 0 || value.len != 0)
        return p;
    while (list.value.len > 0) {
        if (tls_der_expect(&list.value, DER_OID, &oid) != 0)
            return p;
        p.wanted = p.wanted || span_equals(oid.value, wanted);
        p.any = p.any || span_equals(oid.value, span_of(any, sizeof(any) - 1));
    }
    p.readable = true;
    return p;
}

bool tls_checks_serves(const struct tls_cert *cert, enum tls_purpose purpose)
{
    struct purposes p = read_purposes(cert, purpose_oid(purpose));
    return !p.present || (p.readable && (p.wanted || p.any));
}

static const char *purpose_word(enum tls_purpose purpose)
{
    return purpose == TLS_PURPOSE_CLIENT ? "client" : "server";
}

static void check_leaf_purpose(const struct tls_question *q, const struct tls_certificate *leaf,
                               struct tls_verdict *out)
{
    struct purposes p = read_purposes(leaf->cert, purpose_oid(q->purpose));
    const char *word = purpose_word(q->purpose);
    if (!p.present && !tls_trust_rules(q->trust)->purpose_may_be_absent)
        tls_checks_found(out, REASON_WRONG_PURPOSE, 26,
                         "certificate %s: it names no purpose (extendedKeyUsage with %sAuth is required)",
                         leaf->subject, word);
    else if (p.present && (!p.readable || !p.wanted))
        tls_checks_found(out, REASON_WRONG_PURPOSE, 26,
                         "certificate %s: its extendedKeyUsage does not allow TLS %s authentication (%sAuth)",
                         leaf->subject, word, word);
    unsigned usage = 0;
    int rc = gnutls_x509_crt_get_key_usage(leaf->crt, &usage, NULL);
    if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return;
    if (rc < 0 || (usage & GNUTLS_KEY_DIGITAL_SIGNATURE) == 0)
        tls_checks_found(out, REASON_WRONG_PURPOSE, 26,
                         "certificate %s: its keyUsage does not allow digitalSignature", leaf->subject);
}

struct names_check {
    const struct tls_question *q;
    size_t n_uris;
    bool matched, by_id, insane;
};

static int on_name(void *ctx, const struct tls_name *name)
{
    struct names_check *check = ctx;
    bool is_id = name->type == TLS_NAME_URI && spiffe_is_meant(name->value);
    check->insane = check->insane || !tls_names_sane(name);
    check->n_uris += name->type == TLS_NAME_URI;
    for (size_t i = 0; i < check->q->n_names; i++)
        if (tls_names_match(name, check->q->names[i]))
            *(is_id ? &check->by_id : &check->matched) = true;
    return 0;
}

static void check_names(const struct tls_question *q, const struct tls_certificate *leaf,
                        struct tls_verdict *out)
{
    struct names_check check = {.q = q};
    if (tls_cert_each_name(leaf->cert, on_name, &check) != 0 || check.insane)
        tls_checks_found(out, REASON_MALFORMED, 1,
                         "certificate %s: its subjectAltName cannot be parsed or holds forbidden bytes",
                         leaf->subject);
    /* a SPIFFE ID counts only as the one URI (security A5) */
    if (q->n_names == 0 || check.matched || (check.by_id && check.n_uris == 1))
        return;
    tls_checks_found(out, REASON_NAME_MISMATCH, 62,
                     "certificate %s: its subjectAltName %s the expected name %s%s", leaf->subject,
                     leaf->cert->san.len > 0 ? "does not include" : "is missing and so cannot include",
                     q->names[0], q->n_names > 1 ? " or another expected one" : "");
}

void tls_checks_leaf(const struct tls_question *q, const struct tls_certificate *leaf,
                     struct tls_verdict *out)
{
    unsigned ca = 0;
    int rc = gnutls_x509_crt_get_basic_constraints(leaf->crt, NULL, &ca, NULL);
    if (ca != 0 || (rc < 0 && rc != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE))
        tls_checks_found(out, REASON_CONSTRAINT, 24,
                         "certificate %s: it is a CA certificate, not one to present", leaf->subject);
    check_dates(q, leaf, out);
    check_key(q, leaf, out);
    check_signature_algorithm(leaf, out);
    check_extensions(leaf, tls_checks_honours_feature(q, leaf->cert), out);
    check_leaf_purpose(q, leaf, out);
    check_names(q, leaf, out);
    tls_bounds_check_domain(tls_trust_rules(q->trust), leaf, out);
}

bool tls_checks_may_answer(const struct tls_question *q, const struct tls_certificate *c, struct tls_verdict *out)
{
    struct purposes p = read_purposes(c->cert, "\x2b\x06\x01\x05\x05\x07\x03\x09"); /* id-kp-OCSPSigning, by its name alone */
    if (!p.readable || !p.wanted)
        return false;
    check_dates(q, c, out);
    check_key(q, c, out);
    check_signature_algorithm(c, out);
    check_extensions(c, false, out);
    return out->all == 0;
}

static bool is_self_issued(const struct tls_path_node *node)
{
    return span_equals(node->cert->subject, node->cert->issuer);
}

/* RFC 5280 6.1.4 (l): certificates between this CA and the leaf, those that a CA issued to itself not
 * counted. */
static int intermediates_below(const struct tls_path_node *path, size_t i)
{
    int n = 0;
    for (size_t j = 1; j < i; j++)
        n += !is_self_issued(&path[j]);
    return n;
}

static void check_ca(const struct tls_certificate *c, int below, struct tls_verdict *out)
{
    unsigned ca = 0, usage = 0;
    int path_length = -1;
    if (gnutls_x509_crt_get_basic_constraints(c->crt, NULL, &ca, &path_length) < 0 || ca == 0)
        tls_checks_found(out, REASON_CONSTRAINT, 24,
                         "certificate %s: it issued another certificate but is not a CA", c->subject);
    else if (path_length >= 0 && below > path_length)
        tls_checks_found(out, REASON_CONSTRAINT, 25,
                         "certificate %s: it allows %d intermediates below it and there are %d", c->subject,
                         path_length, below);
    int rc = gnutls_x509_crt_get_key_usage(c->crt, &usage, NULL);
    if (rc != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE && (rc < 0 || (usage & GNUTLS_KEY_KEY_CERT_SIGN) == 0))
        tls_checks_found(out, REASON_CONSTRAINT, 24,
                         "certificate %s: its keyUsage does not allow it to sign certificates", c->subject);
}

/* A CA may leave purposes open (none named, or any); when it names some, the asked one must be among them. */
static void check_ca_purpose(const struct tls_question *q, const struct tls_certificate *c,
                             struct tls_verdict *out)
{
    struct purposes p = read_purposes(c->cert, purpose_oid(q->purpose));
    if (p.present && (!p.readable || (!p.wanted && !p.any)))
        tls_checks_found(out, REASON_WRONG_PURPOSE, 26,
                         "CA certificate %s: its extendedKeyUsage does not allow TLS %s authentication",
                         c->subject, purpose_word(q->purpose));
}

/* Asked whatever else is wrong: revoked outranks everything. */
static void check_revocation(const struct tls_question *q, const struct tls_crl_index *lists,
                             const struct tls_path_node *path, size_t i, struct tls_verdict *out)
{
    const struct tls_trust_rules *rules = tls_trust_rules(q->trust);
    const struct tls_path_node *issuer = &path[i + 1];
    struct tls_certificate c;
    struct tls_crl_answer answer;
    char when[21];
    tls_checks_describe(&c, path[i].cert, path[i].crt);
    tls_crl_look_up(lists, issuer->cert, issuer->crt, c.cert->serial, &answer);
    if (answer.untold) /* with every policy: a list that is there counts */
        tls_checks_found(out, REASON_CRL_MISSING, 17, "certificate %s: no memory to check the revocation list of its issuer", c.subject);
    if (answer.covered && answer.revoked)
        tls_checks_found(out, REASON_REVOKED, 23, "certificate %s: revoked by the list %s", c.subject,
                         answer.file);
    if (!rules->crl_required || answer.untold)
        return;
    char name[120];
    tls_cert_name_text(issuer->cert->subject, name, sizeof(name));
    if (!answer.covered) {
        tls_checks_found(out, REASON_CRL_MISSING, 3,
                         "certificate %s: there is no revocation list of its issuer %s", c.subject, name);
    } else if (q->now > answer.next_update && q->now - answer.next_update > rules->crl_grace) {
        text_utc(when, answer.next_update);
        tls_checks_found(out, REASON_CRL_STALE, 12,
                         "certificate %s: the revocation list of %s is stale since %s", c.subject, name,
                         when);
    } else if (q->now < answer.this_update) {
        tls_checks_until(out, answer.this_update - 1);
        text_utc(when, answer.this_update);
        tls_checks_found(out, REASON_CRL_STALE, 11,
                         "certificate %s: the revocation list of %s is not valid before %s", c.subject, name,
                         when);
    } else {
        tls_checks_until(out, answer.next_update + rules->crl_grace);
    }
}

void tls_checks_path(const struct tls_question *q, const struct tls_path_node *path, size_t n, unsigned *work, struct tls_verdict *out)
{
    size_t depth = tls_trust_rules(q->trust)->depth;
    struct tls_certificate c;
    for (size_t i = 1; i < n; i++) {
        tls_checks_describe(&c, path[i].cert, path[i].crt);
        check_dates(q, &c, out);
        check_key(q, &c, out);
        check_ca(&c, intermediates_below(path, i), out);
        check_ca_purpose(q, &c, out);
        if (i == n - 1)
            break; /* an anchor is trusted for its key, whatever it is signed with */
        check_signature_algorithm(&c, out);
        check_extensions(&c, false, out);
    }
    tls_constraints_check(q->purpose, path, n, work, out);
    tls_bounds_check_pins(tls_trust_rules(q->trust), path, n, out);
    struct tls_crl_held *lists = tls_crl_set_take(tls_trust_crls(q->trust));
    for (size_t i = 0; i + 1 < n; i++)
        check_revocation(q, lists->index, path, i, out);
    tls_checks_staple(q, lists->index, path, n, out);
    tls_checks_fetched(q, lists->index, path, n, out);
    tls_crl_set_give(lists);
    if (n > depth) {
        tls_checks_describe(&c, path[0].cert, path[0].crt);
        tls_checks_found(out, REASON_CONSTRAINT, 22,
                         "certificate %s: its chain has %zu certificates and %zu are allowed", c.subject, n,
                         depth);
    }
}
