/* SPDX-License-Identifier: Apache-2.0 */
/* A5, A7: a chain of any bytes. Nobody is valid but the very leaves that a CA signed, a revoked one never is where there are lists, the answer is the
 * same when asked again, and its sentence is one line. Input: certificates, each behind its length in two bytes. */
#include "fuzz.h"

#include "mtlsd/tls/tls_judge.h"
#include "pki_files.h"

#include <string.h>

enum { MAX_CHAIN = 40 };

static const char *const good_names[] = {"www.good.example", "spiffe://good.example/a"};

static size_t take_apart(struct span in, struct span *ders)
{
    size_t n = 0;
    while (in.len >= 2 && n < MAX_CHAIN) {
        size_t len = (size_t)in.ptr[0] << 8 | in.ptr[1];
        in = span_skip(in, 2);
        ders[n++] = span_of(in.ptr, len < in.len ? len : in.len);
        in = span_skip(in, len < in.len ? len : in.len);
    }
    return n;
}

static void check_words(const struct tls_verdict *v)
{
    assert(v->status != REASON_UNDECIDED && v->text[0] != '\0');
    assert((v->status == REASON_VALID) == (v->all == 0));
    assert(v->all == 0 || (v->all >> v->status & 1) != 0);
    assert((v->openssl_error == 0) == (v->status == REASON_VALID || v->status == REASON_NONE));
    for (const char *p = v->text; *p != '\0'; p++)
        assert((uint8_t)*p >= 0x20 && *p != 0x7f);
}

/* What is told as the path of a valid chain is what the CA signed, and each fault that is told is among all. */
static void check_detail(const struct tls_question *q, const struct span *ders, size_t n, const struct tls_verdict *verdict)
{
    struct tls_verdict same;
    struct tls_path path;
    struct tls_details details;
    tls_judge_path(q, ders, n, &same, &path);
    assert(same.status == verdict->status && (verdict->status == REASON_VALID || path.n == 0));
    assert(path.n <= 1 && (path.n == 0 || span_equals(path.ders[0], pki_files_der("middle.pem"))));
    tls_judge_in_detail(q, ders, n, &same, &details);
    assert(same.status == verdict->status && same.all == verdict->all && (details.n == 0) == (verdict->all == 0));
    for (size_t i = 0; i < details.n; i++)
        assert((verdict->all >> details.items[i].reason & 1) != 0 && details.items[i].text[0] != '\0');
}

static enum reason judge(const struct tls_question *q, const struct span *ders, size_t n)
{
    struct tls_verdict verdict, again;
    tls_judge(q, ders, n, &verdict);
    check_words(&verdict);
    check_detail(q, ders, n, &verdict);
    tls_judge(q, ders, n, &again);
    assert(again.status == verdict.status && again.all == verdict.all && again.until == verdict.until && strcmp(again.text, verdict.text) == 0);
    return verdict.status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct tls_trust *listed, *plain;
    if (listed == NULL) {
        listed = pki_files_trust((const char *const[]){"root.crl", "middle.crl", NULL});
        plain = pki_files_trust((const char *const[]){NULL});
    }
    struct span ders[MAX_CHAIN];
    size_t n_ders = take_apart(span_of(bytes, n), ders);
    struct tls_question q = {.trust = listed, .purpose = TLS_PURPOSE_CLIENT, .now = PKI_FILES_NOW};
    bool leaf = n_ders > 0 && span_equals(ders[0], pki_files_der("leaf.pem"));
    bool revoked = n_ders > 0 && span_equals(ders[0], pki_files_der("revoked.pem"));
    assert(judge(&q, ders, n_ders) != REASON_VALID || leaf);
    q = (struct tls_question){.trust = plain, .purpose = TLS_PURPOSE_SERVER, .names = good_names, .n_names = 2, .now = PKI_FILES_NOW};
    assert(judge(&q, ders, n_ders) != REASON_VALID || leaf || revoked);
    return 0;
}
