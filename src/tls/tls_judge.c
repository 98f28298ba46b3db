/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_judge.h"

#include "mtlsd/base/text.h"
#include "tls_checks.h"
#include "tls_names.h"
#include "tls_path.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Ways to an anchor that are weighed against each other; honest peers have one or two (cross-signed CAs). */
enum { MAX_WAYS = 8 };

/* Lower is worse and decides the status. Reasons that are not listed come after, in the order of enum reason. */
static unsigned rank(enum reason reason)
{
    switch (reason) {
    case REASON_REVOKED:
        return 0;
    case REASON_UNKNOWN_CA:
        return 1;
    case REASON_WRONG_TRUST_DOMAIN:
        return 2;
    case REASON_EXPIRED:
        return 3;
    case REASON_NOT_YET_VALID:
        return 4;
    default:
        return 5 + (unsigned)reason;
    }
}

/* Keeps the worst first, and leaves out the mildest where room ends; those of one rank stay in the order in which they were found. */
static void add_detail(struct tls_details *d, enum reason reason, int openssl_error, const char *text)
{
    if (d->n == TLS_DETAILS_MAX && rank(d->items[d->n - 1].reason) <= rank(reason))
        return;
    d->n -= d->n == TLS_DETAILS_MAX;
    size_t at = d->n;
    while (at > 0 && rank(d->items[at - 1].reason) > rank(reason))
        at--;
    memmove(&d->items[at + 1], &d->items[at], (d->n - at) * sizeof(d->items[0]));
    d->n++;
    d->items[at].reason = reason;
    d->items[at].openssl_error = openssl_error;
    snprintf(d->items[at].text, sizeof(d->items[at].text), "%s", text);
}

void tls_checks_found(struct tls_verdict *v, enum reason reason, int openssl_error, const char *fmt, ...)
{
    char text[sizeof(v->text)];
    bool worst = v->status == REASON_UNDECIDED || rank(v->status) > rank(reason);
    v->all |= UINT64_C(1) << reason;
    if (!worst && v->details == NULL)
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (v->details != NULL)
        add_detail(v->details, reason, openssl_error, text);
    if (!worst)
        return;
    memcpy(v->text, text, sizeof(text));
    v->status = reason;
    v->openssl_error = openssl_error;
}

/* Takes over what one path from the leaf to an anchor has against it, beside what the leaf itself has. */
static void merge(struct tls_verdict *into, const struct tls_verdict *path)
{
    const struct tls_details *details = path->details;
    if (details != NULL)
        for (size_t i = 0; i < details->n; i++)
            tls_checks_found(into, details->items[i].reason, details->items[i].openssl_error, "%s", details->items[i].text);
    else if (path->status != REASON_UNDECIDED)
        tls_checks_found(into, path->status, path->openssl_error, "%s", path->text);
    into->all |= path->all;
    into->requires_staple = path->requires_staple;
    into->staple_fault = path->staple_fault;
    into->unanswered = path->unanswered;
    if (path->until != 0)
        tls_checks_until(into, path->until);
}

struct path_end { /* where a chain breaks off */
    const struct tls_path_finder *f;
    const struct tls_cert *cert;
};

/* The highest certificate that the presented ones lead to by name, so that a message can say where the chain
 * breaks off. */
static const struct tls_cert *chain_end(const struct tls_path_finder *f)
{
    const struct tls_cert *end = &f->presented[0];
    for (size_t step = 0; step < f->n_presented; step++) {
        size_t i = 1;
        while (i < f->n_presented &&
               (&f->presented[i] == end || !span_equals(f->presented[i].subject, end->issuer)))
            i++;
        if (i == f->n_presented || span_equals(end->subject, end->issuer))
            break;
        end = &f->presented[i];
    }
    return end;
}

/* The first one; NULL: there is none. */
static const struct tls_anchor *find_anchor(const struct tls_trust *trust, struct span name)
{
    for (size_t i = 0; i < tls_trust_n_anchors(trust); i++)
        if (span_equals(tls_trust_anchor(trust, i)->cert.subject, name))
            return tls_trust_anchor(trust, i);
    return NULL;
}

static bool is_anchor_name(const struct path_end *end)
{
    for (size_t i = 0; i < tls_trust_n_anchors(end->f->trust); i++) {
        const struct tls_anchor *anchor = tls_trust_anchor(end->f->trust, i);
        if (anchor->domain == end->f->domain && span_equals(anchor->cert.subject, end->cert->issuer))
            return true;
    }
    return false;
}

/* "CN=Root", or "CN=Root and 3 more": who would have been trusted. */
static void trusted_text(const struct tls_path_finder *f, char *out, size_t out_size)
{
    size_t n = 0;
    char first[80] = "no CA";
    for (size_t i = 0; i < tls_trust_n_anchors(f->trust); i++) {
        const struct tls_anchor *anchor = tls_trust_anchor(f->trust, i);
        if (anchor->domain != f->domain)
            continue;
        if (n++ == 0)
            tls_cert_name_text(anchor->cert.subject, first, sizeof(first));
    }
    if (n <= 1)
        snprintf(out, out_size, "%s", first);
    else
        snprintf(out, out_size, "%s and %zu more", first, n - 1);
}

/* A CA of another trust domain has the issuer's name: it may not issue for this one. */
static bool report_foreign_issuer(const struct path_end *end, const struct tls_certificate *leaf, struct tls_verdict *out)
{
    const struct tls_trust_rules *rules = tls_trust_rules(end->f->trust);
    const struct tls_anchor *of_other = find_anchor(end->f->trust, end->cert->issuer);
    char issuer[80];
    if (rules->n_domains == 0 || of_other == NULL || is_anchor_name(end))
        return false;
    tls_cert_name_text(end->cert->issuer, issuer, sizeof(issuer));
    tls_checks_found(out, REASON_WRONG_TRUST_DOMAIN, 47, "certificate %s: its issuer %s is a CA of trust domain %s, which may not issue for %s", leaf->subject,
                     issuer, rules->domains[of_other->domain], rules->domains[end->f->domain]);
    return true;
}

static void report_no_path(const struct tls_path_finder *f, const struct tls_certificate *leaf,
                          struct tls_verdict *out)
{
    char issuer[80], trusted[112];
    const struct tls_cert *end = chain_end(f);
    const struct path_end at = {f, end};
    if (f->domain == TLS_DOMAIN_NONE || report_foreign_issuer(&at, leaf, out))
        return;
    bool self_signed = span_equals(end->subject, end->issuer);
    int number = !self_signed ? 20 : end == &f->presented[0] ? 18 : 19;
    tls_cert_name_text(end->issuer, issuer, sizeof(issuer));
    trusted_text(f, trusted, sizeof(trusted));
    if (is_anchor_name(&at))
        tls_checks_found(out, REASON_UNKNOWN_CA, number,
                         "certificate %s: a trusted CA has the name of its issuer, %s, but another key",
                         leaf->subject, issuer);
    else if (self_signed)
        tls_checks_found(out, REASON_UNKNOWN_CA, number,
                         "certificate %s: %s %s, which is not trusted (trusted: %s)", leaf->subject,
                         end == &f->presented[0] ? "it is signed by itself," : "its chain leads to", issuer,
                         trusted);
    else
        tls_checks_found(out, REASON_UNKNOWN_CA, number,
                         "certificate %s: its issuer %s was neither sent nor is trusted (trusted: %s)",
                         leaf->subject, issuer, trusted);
    if (f->too_long)
        tls_checks_found(out, REASON_CONSTRAINT, 22,
                         "certificate %s: its chain is longer than %d certificates", leaf->subject,
                         TLS_PATH_MAX_LENGTH);
}

/* The certificates above the leaf, on the path that the finder is at. */
static void tell_path(const struct tls_path_finder *f, struct tls_path *path)
{
    path->n = 0;
    path->by_anchor = f->length == 2;
    for (size_t i = 1; i < f->length; i++) {
        const struct tls_cert *cert = f->path[i].cert;
        bool root = i + 1 == f->length && span_equals(cert->subject, cert->issuer);
        if (!root)
            path->ders[path->n++] = cert->der;
    }
}

/* Of several paths a faultless one counts; without one, the path whose worst fault is mildest. */
static void judge_paths(const struct tls_question *q, struct tls_path_finder *f, const struct tls_certificate *leaf, struct tls_verdict *out,
                       struct tls_path *found)
{
    struct tls_verdict best = {.status = REASON_UNDECIDED};
    struct tls_details details[2]; /* of the best path, and of the current path */
    unsigned spare = 0;
    bool any = false;
    unsigned work = TLS_CONSTRAINTS_WORK; /* for all paths together: the peer's chain determines their number */
    for (unsigned i = 0; i < MAX_WAYS && tls_path_next(f); i++) {
        struct tls_verdict path = {.status = REASON_UNDECIDED, .details = out->details != NULL ? &details[spare] : NULL};
        details[spare].n = 0;
        tls_checks_path(q, f->path, f->length, &work, &path);
        if (!any || path.status == REASON_UNDECIDED || rank(path.status) > rank(best.status)) {
            best = path;
            spare = !spare;
            found->issuer = f->length > 1 ? f->path[1].cert->der : span_of(NULL, 0);
        }
        any = true;
        if (best.status != REASON_UNDECIDED)
            continue;
        tell_path(f, found);
        break;
    }
    if (any)
        merge(out, &best);
    else
        report_no_path(f, leaf, out);
}

/* In a Certificate message of TLS 1.3 (RFC 8446 4.4.2) each has its length and extensions. A connection ends before more is read; a file can have
 * more. */
static void check_size(const struct span *ders, size_t n, const struct tls_certificate *leaf, struct tls_verdict *out)
{
    size_t size = 4;
    for (size_t i = 0; i < n; i++)
        size += ders[i].len + 5;
    if (size > TLS_MESSAGE_MAX_BYTES)
        tls_checks_found(out, REASON_CONSTRAINT, 22, "certificate %s: with its chain it takes %zu bytes of a handshake, and at most %d are accepted",
                         leaf->subject, size, TLS_MESSAGE_MAX_BYTES);
}

static void check_registry(const struct tls_question *q, const struct tls_certificate *leaf, struct tls_verdict *out)
{
    uint8_t ids[2][TLS_REGISTRY_ID_BYTES];
    if (tls_trust_rules(q->trust)->registry == NULL)
        return;
    tls_cert_digest(leaf->cert->der, ids[0]);
    tls_cert_digest(leaf->cert->spki, ids[1]);
    tls_registry_text_unref(tls_checks_registry(q, leaf->subject, (const uint8_t(*)[TLS_REGISTRY_ID_BYTES])ids, out));
}

static void judge_parsed(const struct tls_question *q, const struct span *ders, size_t n, const struct tls_certificate *leaf, struct tls_verdict *out,
                         struct tls_path *path)
{
    struct tls_path_finder finder;
    tls_checks_leaf(q, leaf, out);
    check_size(ders, n, leaf, out);
    if (n > TLS_PATH_MAX_PRESENTED)
        tls_checks_found(out, REASON_CONSTRAINT, 22,
                         "certificate %s: it came with %zu certificates, more than %d", leaf->subject, n,
                         TLS_PATH_MAX_PRESENTED);
    tls_path_start(&finder, q->trust, ders, n, leaf->crt);
    judge_paths(q, &finder, leaf, out, path);
    tls_path_stop(&finder);
    check_registry(q, leaf, out);
    if (out->status != REASON_UNDECIDED)
        return;
    out->status = REASON_VALID;
    out->openssl_error = 0;
    snprintf(out->text, sizeof(out->text), "certificate %s: valid", leaf->subject);
}

/* On failure there is nothing to release. */
static int open_leaf(struct span der, struct tls_cert *cert, struct tls_certificate *out)
{
    gnutls_x509_crt_t crt;
    if (tls_cert_open(der, cert, &crt) != 0)
        return -1;
    tls_checks_describe(out, cert, crt);
    return 0;
}

static void judge(const struct tls_question *q, const struct span *ders, size_t n, struct tls_verdict *out, struct tls_path *path)
{
    *path = (struct tls_path){.n = 0};
    if (n == 0) {
        tls_checks_found(out, REASON_NONE, 0, "no certificate was presented");
        return;
    }
    struct tls_cert cert;
    struct tls_certificate leaf;
    if (open_leaf(ders[0], &cert, &leaf) != 0) {
        tls_checks_found(out, REASON_MALFORMED, 1, "the certificate cannot be parsed");
        return;
    }
    judge_parsed(q, ders, n, &leaf, out, path);
    gnutls_x509_crt_deinit(leaf.crt);
    if (out->status != REASON_VALID)
        *path = (struct tls_path){.issuer = path->issuer};
}

struct tls_glance tls_judge_glance(const struct tls_question *q, const struct span *ders, size_t n)
{
    struct tls_glance glance = {0};
    struct tls_cert cert;
    struct tls_certificate leaf;
    if (n == 0 || open_leaf(ders[0], &cert, &leaf) != 0)
        return glance;
    struct tls_verdict of_leaf = {.status = REASON_UNDECIDED};
    tls_checks_leaf(q, &leaf, &of_leaf);
    glance.nameless = cert.san.len == 0;
    glance.wrong_purpose = (of_leaf.all & (UINT64_C(1) << REASON_WRONG_PURPOSE)) != 0;
    for (size_t i = 0; i < n && !glance.leads_to_trust; i++)
        glance.leads_to_trust = tls_cert_read(ders[i], &cert) == 0 && find_anchor(q->trust, cert.issuer) != NULL;
    gnutls_x509_crt_deinit(leaf.crt);
    return glance;
}

bool tls_judge_serves(struct span der, enum tls_purpose purpose)
{
    struct tls_cert cert;
    return tls_cert_read(der, &cert) == 0 && tls_checks_serves(&cert, purpose);
}

void tls_judge(const struct tls_question *q, const struct span *ders, size_t n, struct tls_verdict *out)
{
    struct tls_path path;
    tls_judge_path(q, ders, n, out, &path);
}

void tls_judge_path(const struct tls_question *q, const struct span *ders, size_t n, struct tls_verdict *out, struct tls_path *path)
{
    *out = (struct tls_verdict){.status = REASON_UNDECIDED};
    judge(q, ders, n, out, path);
}

void tls_judge_in_detail(const struct tls_question *q, const struct span *ders, size_t n, struct tls_verdict *out, struct tls_details *details)
{
    struct tls_path path;
    *out = (struct tls_verdict){.status = REASON_UNDECIDED, .details = details};
    details->n = 0;
    judge(q, ders, n, out, &path);
    out->details = NULL;
}

unsigned tls_judge_alert(enum reason status)
{
    switch (status) {
    case REASON_NONE:
        return 116; /* certificate_required */
    case REASON_EXPIRED:
        return 45;
    case REASON_REVOKED:
        return 44;
    case REASON_UNKNOWN_CA:
        return 48;
    case REASON_STAPLE_MISSING:
        return 113; /* bad_certificate_status_response */
    case REASON_WRONG_PURPOSE:
        return 43; /* unsupported_certificate */
    case REASON_NOT_ALLOWED:
    case REASON_CALLER_NOT_ALLOWED:
    case REASON_NOT_REGISTERED:
    case REASON_SUSPENDED:
        return 49; /* access_denied */
    default:
        return 42; /* bad_certificate */
    }
}
