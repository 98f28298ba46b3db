/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifies certificates. A chain, a trust, a purpose, the expected names and the time go in; one status comes out, with
 * all other faults beside it. Pure: the time is an argument. The initial value of a verdict is REASON_UNDECIDED, which
 * is not yes.
 *
 * Of several faults the first of this list decides: revoked, unknown_ca, expired, not_yet_valid, then the others. One
 * failed check does not skip independent checks. Path validation: RFC 5280 section 6. Names: RFC 6125 and RFC 9525 (SAN
 * only, never CN). Purpose: RFC 5280 4.2.1.12.
 */
#ifndef MTLSD_TLS_TLS_JUDGE_H
#define MTLSD_TLS_TLS_JUDGE_H

#include "mtlsd/base/reasons.h"
#include "mtlsd/base/span.h"
#include "mtlsd/tls/tls_ocsp_store.h"
#include "mtlsd/tls/tls_trust.h"

enum tls_purpose { TLS_PURPOSE_CLIENT, TLS_PURPOSE_SERVER }; /* the use of the certificate */

struct tls_question {
    const struct tls_trust *trust;
    enum tls_purpose purpose;
    const char *const *names; /* any one must match; a name with "://" is a URI SAN, an IP literal an IP SAN, else a DNS SAN */
    size_t n_names;           /* 0: names are not asked about (a client) */
    int64_t now;              /* seconds since 1970 */
    bool asked_to_staple;     /* the server could staple an OCSP answer (RFC 6066 section 8), so a certificate that requires one needs it */
    struct span staple;       /* that answer; empty: none came */
    enum tls_ocsp_mode ocsp;  /* of a caller: then staple is what its OCSP responder answered us */
    const char *ocsp_fault;   /* why there is no such answer */
};

struct tls_verdict {
    enum reason status;    /* REASON_VALID or the worst that was found */
    uint64_t all;          /* bit (1 << enum reason) for each thing found wrong */
    int openssl_error;     /* the X509_V_ERR number for status; 0 when valid */
    int64_t until;         /* the last second at which dates leave the verdict as it is; 0: no date is ahead */
    char text[320];        /* one sentence that names the certificate and the fact: "certificate CN=x: expired 2025-01-03T..." */
    bool requires_staple;  /* the certificate requires a stapled OCSP answer (must-staple) */
    const char *staple_fault; /* why the stapled answer was not used: fixed text; NULL: it was used, or none came */
    bool unanswered;          /* a caller is accepted without the answer of its OCSP responder (TLS_OCSP_SOFT) */
    struct tls_details *details; /* while tls_judge_in_detail judges; otherwise NULL */
};

/* Every fault by itself, the worst first: for people who ask, not for connections. Faults that find no room are only in tls_verdict.all. */
enum { TLS_DETAILS_MAX = 16 };
struct tls_details {
    struct tls_detail {
        enum reason reason;
        int openssl_error;
        char text[320];
    } items[TLS_DETAILS_MAX];
    size_t n;
};

/* ders[0] is the leaf, the rest as the peer sent them (any order, superfluous ones allowed). n == 0 gives REASON_NONE. */
void tls_judge(const struct tls_question *q, const struct span *ders, size_t n, struct tls_verdict *out);
/* The same verdict, and the sentence for each fault. */
void tls_judge_in_detail(const struct tls_question *q, const struct span *ders, size_t n, struct tls_verdict *out, struct tls_details *details);

/* Facts that a chain claims about itself, without a signature check: good for a hint about our own certificates, for thousands of them at a start,
 * and for no decision. Both are false for unreadable chains. */
struct tls_glance {
    bool wrong_purpose;  /* the leaf does not allow what it is used for */
    bool leads_to_trust; /* one of them names a CA of the trust as its issuer */
    bool nameless;       /* the leaf has no subjectAltName, so it is valid for no host */
};
struct tls_glance tls_judge_glance(const struct tls_question *q, const struct span *ders, size_t n);

/* The certificate's extendedKeyUsage allows this use, or says nothing. False for an unreadable one. */
bool tls_judge_serves(struct span der, enum tls_purpose purpose);

enum { TLS_WAY_MAX = 16 };
struct tls_path {
    struct span ders[TLS_WAY_MAX]; /* borrowed from what was judged and from the trust */
    size_t n;
    bool by_anchor; /* a CA of the trust issued the leaf, not a CA that only the peer sent */
    struct span issuer; /* of the leaf, also where the verdict is another one; empty: none was found */
};
/* The same, with the verified path of a valid certificate: the leaf's issuer first, each the signer of the one before. The last is the trust's,
 * and left out if it is a root (its own issuer). Empty for every other verdict. */
void tls_judge_path(const struct tls_question *q, const struct span *ders, size_t n, struct tls_verdict *out, struct tls_path *path);

/* The TLS alert number that tells a peer this status (RFC 8446 section 6.2). */
unsigned tls_judge_alert(enum reason status);

#endif
