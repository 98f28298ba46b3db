/* SPDX-License-Identifier: Apache-2.0 */
/* The single checks of tls_judge: on the leaf alone, and on one path from the leaf to an anchor. Each reports its faults, and none is skipped
 * because another failed. */
#ifndef MTLSD_TLS_CHECKS_H
#define MTLSD_TLS_CHECKS_H

#include "tls_internal.h"
#include "tls_path.h"
#include "mtlsd/tls/tls_judge.h"

struct tls_certificate { /* one certificate under examination; borrows */
    const struct tls_cert *cert;
    gnutls_x509_crt_t crt;
    char subject[120];
};

void tls_checks_describe(struct tls_certificate *out, const struct tls_cert *cert, gnutls_x509_crt_t crt);

/* Notes a fault: sets its bit, and its sentence when it is the worst so far. */
void tls_checks_found(struct tls_verdict *v, enum reason reason, int openssl_error, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Notes the last second before a date that may change the verdict. */
void tls_checks_until(struct tls_verdict *v, int64_t last);

/* Checks that do not depend on the issuer: purpose, CA flag, names, key, signature algorithm, dates, extensions. */
void tls_checks_leaf(const struct tls_question *q, const struct tls_certificate *leaf,
                     struct tls_verdict *out);

/* Its extendedKeyUsage allows this use, or says nothing. */
bool tls_checks_serves(const struct tls_cert *cert, enum tls_purpose purpose);

/* path[0] is the leaf, path[n - 1] an anchor; signatures have been verified. *work is lowered by the cost of name constraints. */
void tls_checks_path(const struct tls_question *q, const struct tls_path_node *path, size_t n, unsigned *work, struct tls_verdict *out);

/*
 * The stapled OCSP answer for the leaf. One that counts is about this certificate, of this time, and signed by the issuer on the path or by a
 * responder of that issuer (RFC 6960 4.2.2.2). "revoked" refuses. What does not count is ignored, unless the certificate requires an answer
 * (RFC 7633): then only "good" is accepted.
 */
#define TLS_CHECKS_OID_FEATURE "\x2b\x06\x01\x05\x05\x07\x01\x18"
/* The leaf demands nothing by this extension (RFC 7633) that is not done: the answer of a server is required of it, and that about a client is fetched. */
bool tls_checks_honours_feature(const struct tls_question *q, const struct tls_cert *leaf);
enum { TLS_STAPLE_SKEW = 300, TLS_STAPLE_MAX_AGE = 86400 }; /* seconds: by which clocks may differ; for which an answer without nextUpdate counts */
struct tls_crl_index;
void tls_checks_staple(const struct tls_question *q, const struct tls_crl_index *lists, const struct tls_path_node *path, size_t n,
                       struct tls_verdict *out);
/* The same of the answer that we fetched ourselves about a caller: q->ocsp decides when there is none that counts. */
void tls_checks_fetched(const struct tls_question *q, const struct tls_crl_index *lists, const struct tls_path_node *path, size_t n,
                        struct tls_verdict *out);
/* NULL: q->staple counts for path[0], issued by path[1], and *entry is "good" or "revoked". Else why not: fixed text. q may have no trust. */
struct tls_ocsp_entry;
const char *tls_checks_answer(const struct tls_question *q, const struct tls_crl_index *lists, const struct tls_path_node *path,
                              struct tls_ocsp_entry *entry);
int64_t tls_checks_answer_end(const struct tls_ocsp_entry *entry); /* the last second at which it counts */
/* Whether the certificate by itself is fit to sign OCSP answers for its issuer: purpose, key, signature, dates and extensions. */
bool tls_checks_may_answer(const struct tls_question *q, const struct tls_certificate *c, struct tls_verdict *out);

/* The row of the leaf in the trust's registry: absent, suspended, revoked, or rows that are too old. Without a registry nothing is found. ids: the
 * SHA-256 of the certificate and of its key. Gives the texts of the row, counted; NULL: none. */
struct tls_registry_text *tls_checks_registry(const struct tls_question *q, const char *subject, const uint8_t ids[2][TLS_REGISTRY_ID_BYTES],
                                              struct tls_verdict *out);

/* Demands of a trust beyond a verified chain: a pinned key on the path, a SPIFFE ID of a trust domain. */

/* A pin counts on the path that was verified only: what a peer sends beside it proves nothing (RFC 7469 section 2.6). */
void tls_bounds_check_pins(const struct tls_trust_rules *rules, const struct tls_path_node *path, size_t n, struct tls_verdict *out);

/* The trust domain of a leaf by its place in the rules; 0 where a trust has none, TLS_DOMAIN_NONE for a certificate of no such domain. */
size_t tls_bounds_domain(const struct tls_trust_rules *rules, const struct tls_cert *leaf);
/* X.509-SVID sections 2 and 5.2: exactly one URI, whatever its scheme; other kinds of names do not count, whatever they say (A5). The key signs neither
 * certificates nor lists. */
void tls_bounds_check_domain(const struct tls_trust_rules *rules, const struct tls_certificate *leaf, struct tls_verdict *out);

/*
 * Name constraints of the CAs on a path (RFC 5280 4.2.1.10). Not through GnuTLS, which is wrong about URIs, refuses all directory names, lets an
 * IPv6 name past a permitted IPv4 range, and takes quadratic time. The work is bounded; what cannot be checked is refused.
 *
 * The names that are checked, of every certificate below the CA: each subjectAltName, the subject as a directoryName, and each emailAddress in it as
 * an rfc822Name, also beside an rfc822Name. A client's certificate is also checked by each CN that has the form of a name (security A16): rules and
 * backends decide by it. A server's CN decides nothing (RFC 9525).
 *
 * A CN has the form of
 *   an iPAddress   when it is an address,
 *   a URI          when it holds "://",
 *   an rfc822Name  when what follows its last '@' consists of letters, digits, '-', '_', '.', '*' and bytes beyond ASCII,
 *   a dNSName      when all of it does and a dot stands in it, not counting one at its end.
 * "alice" and "Billing Service 2.0" have none. "john.smith" is a host name; OpenSSL agrees, and checks it where there is no dNSName. For OpenSSL a
 * CN with stars, empty labels or other letters is no host name; here such a CN does not escape the constraints.
 *
 * Some kinds are not understood here: otherName (by its type), x400Address, ediPartyName, registeredID. A constraint on one of these refuses only
 * certificates with a name of that kind, because the CAs of Microsoft have such constraints.
 */

/* The most comparisons of names with constraints in one verification; a long name counts as several. A chain that needs more is refused. This takes
 * some 10 ms. */
enum { TLS_CONSTRAINTS_WORK = 500000 };

/* Takes what it cost off *work. */
void tls_constraints_check(enum tls_purpose purpose, const struct tls_path_node *nodes, size_t n, unsigned *work, struct tls_verdict *out);

#endif
