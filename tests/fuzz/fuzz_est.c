/* SPDX-License-Identifier: Apache-2.0 */
/* E8: any bytes as the answer of EST or of step-ca to a renewal. None is taken, because it has no certificate of the key that was made. */
#include "fuzz.h"

#include "certs.h"
#include "mtlsd/control/renewal_answer.h"
#include "mtlsd/tls/tls_renewal.h"
#include "mtlsd/tls/tls_signing_key.h"

#include <stdio.h>

static struct tls_identity *current;
static struct tls_signing_key *key;

static void make(void)
{
    static struct certs leaf, other;
    struct err err = {0};
    struct findings notes;
    findings_init(&notes);
    certs_make(&(struct certs_order){.cn = "x", .serial = 1}, &leaf);
    certs_make(&(struct certs_order){.cn = "y", .serial = 2}, &other);
    current = tls_identity_new(&(struct tls_identity_spec){.name = "x", .certificate = leaf.pem, .certificate_file = "x.crt", .key = leaf.key_pem, .key_file = "x.key"},
                               CERTS_NOW, &notes, &err);
    key = tls_signing_key_read(&(struct tls_key_source){.identity = "x", .text = other.key_pem, .file = "y.key"}, NULL, &err);
    assert(current != NULL && key != NULL);
    findings_clear(&notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err err = {0};
    struct bytes pem;
    if (current == NULL)
        make();
    if (n == 0 || n > TLS_RENEWAL_ANSWER_MAX)
        return 0;
    const enum renewal_kind kind = bytes[0] == '{' ? RENEWAL_STEP : RENEWAL_EST;
    struct renewal_reply reply = {.status = 200};
    snprintf(reply.type, sizeof(reply.type), "%s", kind == RENEWAL_STEP ? "application/json" : "application/pkcs7-mime");
    bytes_init(&reply.body, n);
    assert(bytes_append(&reply.body, bytes, n) == 0);
    if (renewal_answer_read(kind, &reply, &pem, &err) == RENEWAL_ANSWERED) {
        assert(pem.len > 0);
        assert(tls_renewal_join(&(struct tls_renewal_answer){"x", bytes_span(&pem), key, current, CERTS_NOW}, &err) == NULL);
        assert(err.text[0] != '\0');
    } else {
        assert(pem.len == 0 && err.text[0] != '\0');
    }
    bytes_clear(&pem);
    bytes_clear(&reply.body);
    return 0;
}
