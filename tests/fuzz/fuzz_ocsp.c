/* SPDX-License-Identifier: Apache-2.0 */
/* F2: any bytes as a stapled OCSP answer. What is read lies inside of the bytes, and GnuTLS reads the same entries in it. Made by nobody's key, it neither
 * revokes a certificate nor counts as the answer that one requires. */
#include "fuzz.h"

#include "judging.h"
#include "mtlsd/base/url.h"
#include "tls_ocsp_order.h"
#include "tls_ocsp_request.h"

#include <gnutls/ocsp.h>
#include <string.h>

static bool lies_inside(struct span part, struct span whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_entry(const struct tls_ocsp_entry *e, gnutls_ocsp_resp_t answer, unsigned i)
{
    static const enum tls_ocsp_status statuses[] = {
        [GNUTLS_OCSP_CERT_GOOD] = TLS_OCSP_GOOD, [GNUTLS_OCSP_CERT_REVOKED] = TLS_OCSP_REVOKED, [GNUTLS_OCSP_CERT_UNKNOWN] = TLS_OCSP_UNKNOWN};
    gnutls_datum_t name = {NULL, 0}, key = {NULL, 0}, serial = {NULL, 0};
    gnutls_digest_algorithm_t digest;
    unsigned status = ~0U;
    if (gnutls_ocsp_resp_get_single(answer, i, &digest, &name, &key, &serial, &status, NULL, NULL, NULL, NULL) != 0)
        return; /* it knows fewer hashes */
    assert(status < 3 && statuses[status] == e->status);
    assert(span_equals(tls_cert_serial_digits(span_of(serial.data, serial.size)), e->serial));
    assert(span_equals(span_of(name.data, name.size), e->issuer_name_hash) && span_equals(span_of(key.data, key.size), e->issuer_key_hash));
    gnutls_free(name.data);
    gnutls_free(key.data);
    gnutls_free(serial.data);
}

static void check_entries(const struct tls_ocsp_parsed *parsed, struct span whole)
{
    const gnutls_datum_t datum = tls_cert_datum(whole);
    gnutls_ocsp_resp_t answer;
    struct tls_ocsp_entry e;
    struct span rest = parsed->entries;
    assert(lies_inside(parsed->tbs, whole) && lies_inside(parsed->signature, whole) && lies_inside(parsed->certs, whole) && lies_inside(rest, whole));
    assert(gnutls_ocsp_resp_init(&answer) == 0);
    bool read = gnutls_ocsp_resp_import(answer, &datum) == 0;
    for (unsigned i = 0; rest.len > 0 && tls_ocsp_next_entry(&rest, &e) == 0; i++) {
        assert(lies_inside(e.serial, parsed->entries) && (e.status == TLS_OCSP_REVOKED || e.revoked_at == 0));
        if (read)
            check_entry(&e, answer, i);
    }
    gnutls_ocsp_resp_deinit(answer);
}

/* The same bytes as the answer of a responder that we asked, and as the addresses of responders in a certificate. */
static void check_fetched(struct span whole, struct span issuer, struct span leaf)
{
    static const struct tls_ocsp_rules rules = {.mode = TLS_OCSP_HARD, .responder = "http://r.test/"};
    char fault[TLS_OCSP_FAULT_SIZE];
    struct tls_ocsp_entry entry;
    struct tls_ocsp_order *order = tls_ocsp_order_new(&(struct tls_ocsp_about){&rules, leaf, issuer}, fault);
    assert(order != NULL && tls_ocsp_order_check(order, whole, CERTS_NOW, &entry) != NULL);
    tls_ocsp_order_unref(order);
    struct span url = {NULL, 0};
    if (tls_ocsp_request_read_urls(whole, &url))
        assert(lies_inside(url, whole) && url_is_http(url));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct certs root, leaf;
    static struct tls_trust *trust;
    struct tls_ocsp_parsed parsed;
    struct tls_verdict verdict;
    if (trust == NULL) {
        certs_make(&(struct certs_order){.cn = "Root", .ca = true, .serial = 1}, &root);
        certs_make(&(struct certs_order){.cn = "x", .issuer = &root, .serial = 0x1001, .extension = "1.3.6.1.5.5.7.1.24",
                                         .extension_value = span_of("\x30\x03\x02\x01\x05", 5)},
                   &leaf);
        trust = judging_trust(&(struct judging){.ca = {&root}});
    }
    struct span whole = span_of(bytes, n);
    if (tls_ocsp_parse(whole, &parsed) == 0 && parsed.successful)
        check_entries(&parsed, whole);
    tls_judge(&(struct tls_question){.trust = trust, .purpose = TLS_PURPOSE_SERVER, .now = CERTS_NOW, .asked_to_staple = true, .staple = whole}, &leaf.der, 1,
              &verdict);
    assert(verdict.status == REASON_STAPLE_MISSING && verdict.all == UINT64_C(1) << REASON_STAPLE_MISSING);
    tls_judge(&(struct tls_question){.trust = trust, .purpose = TLS_PURPOSE_CLIENT, .now = CERTS_NOW, .ocsp = TLS_OCSP_HARD, .staple = whole}, &leaf.der, 1,
              &verdict);
    assert(n == 0 || (verdict.status == REASON_OCSP_MISSING && verdict.all == UINT64_C(1) << REASON_OCSP_MISSING));
    check_fetched(whole, root.der, leaf.der);
    return 0;
}
