/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_checks.h"

#include "mtlsd/base/text.h"
#include "tls_crl.h"
#include "tls_crl_seal.h"
#include "tls_ocsp.h"

enum { MISSING_NUMBER = 73, REVOKED_NUMBER = 23 }; /* X509_V_ERR_OCSP_VERIFY_NEEDED, X509_V_ERR_CERT_REVOKED */
enum { MAX_ENTRIES = 32, MAX_RESPONDERS = 4 };      /* of an answer; the peer chooses it (security A7) */

static const char unreadable[] = "it is not a readable OCSP answer", untold[] = "no memory to check it",
                  issuerless[] = "the certificate itself is trusted, so that no issuer is known";

bool tls_checks_honours_feature(const struct tls_question *q, const struct tls_cert *leaf)
{
    struct span value;
    struct tls_der list, feature;
    if (q->purpose == TLS_PURPOSE_CLIENT && q->ocsp != TLS_OCSP_HARD)
        return false;
    if (!tls_cert_find_extension(leaf, TLS_CHECKS_OID_FEATURE, &value) || tls_der_expect(&value, DER_SEQUENCE, &list) != 0 || value.len != 0)
        return false;
    while (list.value.len > 0)
        if (tls_der_expect(&list.value, DER_INTEGER, &feature) != 0 || !span_equals_str(feature.value, "\x05"))
            return false;
    return true;
}

/* The status_request of the TLS feature extension (RFC 7633 section 4.2.3.1). A list that cannot be read requires an answer too. */
static bool requires_answer(const struct tls_cert *cert)
{
    struct span value;
    struct tls_der list, feature;
    if (!tls_cert_find_extension(cert, TLS_CHECKS_OID_FEATURE, &value))
        return false;
    if (tls_der_expect(&value, DER_SEQUENCE, &list) != 0 || value.len != 0)
        return true;
    while (list.value.len > 0)
        if (tls_der_expect(&list.value, DER_INTEGER, &feature) != 0 || span_equals_str(feature.value, "\x05"))
            return true;
    return false;
}

/* ---- of this time ---- */

int64_t tls_checks_answer_end(const struct tls_ocsp_entry *e)
{
    return (e->next_update != 0 ? e->next_update : e->this_update + TLS_STAPLE_MAX_AGE) + TLS_STAPLE_SKEW;
}

static const char *check_time(const struct tls_question *q, const struct tls_ocsp_entry *e, struct tls_verdict *out)
{
    if (q->now < e->this_update - TLS_STAPLE_SKEW) {
        tls_checks_until(out, e->this_update - TLS_STAPLE_SKEW - 1);
        return "it is not valid yet: compare the clocks of both hosts";
    }
    if (q->now <= tls_checks_answer_end(e))
        return NULL;
    return e->next_update != 0 ? "its nextUpdate has passed: check that the server reaches the OCSP responder of its CA"
                               : "it is older than a day and has no nextUpdate: check that the server reaches the OCSP responder of its CA";
}

/* The entry about the leaf. NULL, or why there is none. */
static const char *find_entry(const struct tls_question *q, const struct tls_ocsp_parsed *answer, const struct tls_path_node *path,
                              struct tls_ocsp_entry *out, struct tls_verdict *verdict)
{
    struct span rest = answer->entries;
    struct tls_ocsp_entry e;
    const char *fault = "it is about another certificate";
    bool found = false;
    for (unsigned i = 0; rest.len > 0; i++) {
        if (i == MAX_ENTRIES)
            return "it has too many entries";
        if (tls_ocsp_next_entry(&rest, &e) != 0)
            return unreadable;
        if (!tls_ocsp_is_about(&e, path[0].cert, path[1].cert) || (fault = check_time(q, &e, verdict)) != NULL)
            continue;
        if (!found || e.status > out->status)
            *out = e;
        found = true;
    }
    return found ? NULL : fault;
}

/* ---- signed by whom ---- */

/* A no is asked for twice, as without memory the library gives no other answer (tls_crl_seal.c). */
static bool is_issued_by(gnutls_x509_crt_t child, gnutls_x509_crt_t issuer)
{
    return tls_path_is_signed(child, issuer) || tls_path_is_signed(child, issuer);
}

static bool is_revoked(const struct tls_crl_index *lists, const struct tls_cert *cert, const struct tls_path_node *issuer)
{
    struct tls_crl_answer answer;
    tls_crl_look_up(lists, issuer->cert, issuer->crt, cert->serial, &answer);
    return answer.untold || (answer.covered && answer.revoked);
}

struct signer {
    const struct tls_question *q;
    const struct tls_crl_index *lists;
    const struct tls_path_node *issuer;
    struct tls_crl_seal seal;
};

/* Whether this certificate made the answer, and the issuer let it. */
static enum tls_crl_seal_maker ask_responder(const struct signer *s, struct span der, struct tls_verdict *out)
{
    struct tls_cert cert;
    struct tls_certificate c;
    struct tls_verdict found = {.status = REASON_UNDECIDED};
    gnutls_x509_crt_t crt;
    int rc = tls_cert_open(der, &cert, &crt);
    if (rc != 0)
        return rc == GNUTLS_E_MEMORY_ERROR ? TLS_CRL_SEAL_UNTOLD : TLS_CRL_SEAL_OTHER;
    tls_checks_describe(&c, &cert, crt);
    enum tls_crl_seal_maker maker = TLS_CRL_SEAL_OTHER;
    if (span_equals(cert.issuer, s->issuer->cert->subject) && tls_checks_may_answer(s->q, &c, &found) && !is_revoked(s->lists, &cert, s->issuer))
        maker = tls_crl_seal_signer(&s->seal, crt, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_NON_REPUDIATION);
    if (maker == TLS_CRL_SEAL_OURS && !is_issued_by(crt, s->issuer->crt))
        maker = TLS_CRL_SEAL_OTHER;
    if (maker == TLS_CRL_SEAL_OURS)
        tls_checks_until(out, found.until);
    gnutls_x509_crt_deinit(crt);
    return maker;
}

static enum tls_crl_seal_maker find_signer(const struct signer *s, struct span certs, struct tls_verdict *out)
{
    struct tls_der cert;
    for (unsigned i = 0; i < MAX_RESPONDERS && tls_der_expect(&certs, DER_SEQUENCE, &cert) == 0; i++) {
        enum tls_crl_seal_maker maker = ask_responder(s, cert.whole, out);
        if (maker != TLS_CRL_SEAL_OTHER)
            return maker;
    }
    return tls_crl_seal_signer(&s->seal, s->issuer->crt, 0);
}

static const char *check_signer(const struct tls_question *q, const struct tls_crl_index *lists, const struct tls_ocsp_parsed *answer,
                                const struct tls_path_node *path, struct tls_verdict *out)
{
    const struct tls_crl_parsed as_list = {.tbs = answer->tbs, .algorithm = answer->algorithm, .signature = answer->signature};
    struct signer s = {.q = q, .lists = lists, .issuer = &path[1]};
    if (tls_crl_seal_make(&as_list, &s.seal) != 0)
        return "it is signed with an algorithm that is too weak or not known";
    switch (find_signer(&s, answer->certs, out)) {
    case TLS_CRL_SEAL_OURS:
        return NULL;
    case TLS_CRL_SEAL_UNTOLD:
        return untold;
    default:
        return "neither the issuer of the certificate nor an OCSP responder of that issuer signed it";
    }
}

/* ---- the answer ---- */

static const char *read_answer(const struct tls_question *q, const struct tls_crl_index *lists, const struct tls_path_node *path,
                               struct tls_ocsp_entry *entry, struct tls_verdict *out)
{
    struct tls_ocsp_parsed answer;
    if (tls_ocsp_parse(q->staple, &answer) != 0)
        return unreadable;
    if (!answer.successful)
        return "it says that the OCSP responder could not answer: check the responder of the CA";
    const char *fault = find_entry(q, &answer, path, entry, out);
    if (fault == NULL)
        fault = check_signer(q, lists, &answer, path, out);
    if (fault == NULL && entry->status == TLS_OCSP_UNKNOWN)
        fault = "it says that the OCSP responder does not know the certificate";
    return fault;
}

const char *tls_checks_answer(const struct tls_question *q, const struct tls_crl_index *lists, const struct tls_path_node *path,
                              struct tls_ocsp_entry *entry)
{
    struct tls_verdict unused = {.status = REASON_UNDECIDED};
    return read_answer(q, lists, path, entry, &unused);
}

static void find_missing(const struct tls_certificate *leaf, const char *fault, struct tls_verdict *out)
{
    if (fault == untold)
        tls_checks_found(out, REASON_STAPLE_MISSING, MISSING_NUMBER, "certificate %s: no memory to check the stapled OCSP answer", leaf->subject);
    else if (fault == NULL)
        tls_checks_found(out, REASON_STAPLE_MISSING, MISSING_NUMBER, "certificate %s: it requires a stapled OCSP answer (must-staple), and the server sent none",
                         leaf->subject);
    else
        tls_checks_found(out, REASON_STAPLE_MISSING, MISSING_NUMBER, "certificate %s: it requires a stapled OCSP answer (must-staple), and the one sent does not count: %s",
                         leaf->subject, fault);
}

void tls_checks_staple(const struct tls_question *q, const struct tls_crl_index *lists, const struct tls_path_node *path, size_t n,
                       struct tls_verdict *out)
{
    out->requires_staple = q->asked_to_staple && requires_answer(path[0].cert);
    if (!q->asked_to_staple || (q->staple.len == 0 && !out->requires_staple))
        return;
    struct tls_certificate leaf;
    struct tls_ocsp_entry entry = {.status = TLS_OCSP_UNKNOWN};
    char when[21];
    tls_checks_describe(&leaf, path[0].cert, path[0].crt);
    if (q->staple.len > 0)
        out->staple_fault = n < 2 ? issuerless : read_answer(q, lists, path, &entry, out);
    bool counts = q->staple.len > 0 && out->staple_fault == NULL;
    if (counts && entry.status == TLS_OCSP_REVOKED) {
        text_utc(when, entry.revoked_at);
        tls_checks_found(out, REASON_REVOKED, REVOKED_NUMBER, "certificate %s: revoked %s, as the stapled OCSP answer says", leaf.subject, when);
    } else if (counts) {
        if (out->requires_staple)
            tls_checks_until(out, tls_checks_answer_end(&entry));
    } else if (out->requires_staple || out->staple_fault == untold) {
        find_missing(&leaf, out->staple_fault, out);
    }
}

void tls_checks_fetched(const struct tls_question *q, const struct tls_crl_index *lists, const struct tls_path_node *path, size_t n,
                        struct tls_verdict *out)
{
    struct tls_certificate leaf;
    struct tls_ocsp_entry entry = {.status = TLS_OCSP_UNKNOWN};
    char when[21];
    if (q->ocsp == TLS_OCSP_OFF)
        return;
    tls_checks_describe(&leaf, path[0].cert, path[0].crt);
    const char *fault = n < 2 ? issuerless : q->staple.len == 0 ? q->ocsp_fault : read_answer(q, lists, path, &entry, out);
    if (fault == NULL && entry.status == TLS_OCSP_REVOKED) {
        text_utc(when, entry.revoked_at);
        tls_checks_found(out, REASON_REVOKED, REVOKED_NUMBER, "certificate %s: revoked %s, as its OCSP responder says", leaf.subject, when);
    } else if (fault == NULL && q->staple.len > 0) {
        tls_checks_until(out, tls_checks_answer_end(&entry));
    } else if (q->ocsp == TLS_OCSP_HARD || fault == untold) {
        tls_checks_found(out, REASON_OCSP_MISSING, MISSING_NUMBER, "certificate %s: no OCSP answer that counts: %s", leaf.subject,
                         fault != NULL ? fault : "its OCSP responder was not asked");
    } else {
        out->unanswered = true;
    }
}
