/* SPDX-License-Identifier: Apache-2.0 */
/* A4, A5, B1: what a CA signed may be hostile too. The input is the value of one extension, of the leaf or of the CA above it. Whoever is valid for us is so
 * for GnuTLS as well, but for one fault of one of its versions, has the purpose among his extension's bytes, and only names that the CA was permitted. */
#include "fuzz.h"

#include "judging.h"
#include "mtlsd/tls/tls_peer.h"

#include <stdlib.h>
#include <string.h>

enum { SAN, PURPOSE, USAGE, BASIC, CA_CONSTRAINTS, CA_BASIC, CA_USAGE, CA_PURPOSE, OTHER, N_KINDS };

static const char *const oids[N_KINDS] = {
    [SAN] = "2.5.29.17",      [PURPOSE] = "2.5.29.37",  [USAGE] = "2.5.29.15",      [BASIC] = "2.5.29.19", [CA_CONSTRAINTS] = "2.5.29.30",
    [CA_BASIC] = "2.5.29.19", [CA_USAGE] = "2.5.29.15", [CA_PURPOSE] = "2.5.29.37", [OTHER] = "1.2.3.4",
};
static struct certs root, key;

static bool gnutls_agrees(const struct certs *chain[2])
{
    gnutls_x509_trust_list_t list;
    gnutls_x509_crt_t crts[2] = {chain[0]->crt, chain[1]->crt};
    gnutls_typed_vdata_st data = {GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT, 0};
    unsigned status = ~0U;
    if (gnutls_x509_trust_list_init(&list, 0) != 0 || gnutls_x509_trust_list_add_cas(list, &root.crt, 1, 0) != 1)
        abort();
    int rc = gnutls_x509_trust_list_verify_crt2(list, crts, 2, &data, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status, NULL);
    gnutls_x509_trust_list_deinit(list, 0);
    return rc == 0 && status == 0;
}

/* GnuTLS 3.7.9-2+deb12u6 refuses every wildcard that a CA was permitted, others take it. The library says which one it is. */
static bool gnutls_takes_wildcards(void)
{
    static enum { UNKNOWN, TAKES, REFUSES } answer;
    struct certs ca, leaf;
    if (answer == UNKNOWN) {
        certs_make(&(struct certs_order){.cn = "Middle", .ca = true, .same_key_as = &key, .issuer = &root, .permitted = {"dns:good.example"}}, &ca);
        certs_make(&(struct certs_order){.cn = "x", .same_key_as = &key, .issuer = &ca, .sans = {"dns:*.good.example"}}, &leaf);
        answer = gnutls_agrees((const struct certs *[]){&leaf, &ca}) ? TAKES : REFUSES;
        certs_clear(&leaf);
        certs_clear(&ca);
    }
    return answer == TAKES;
}

static bool has_wildcard(const struct tls_peer *peer)
{
    for (size_t i = 0; i < peer->n_names; i++)
        if (peer->names[i].type == TLS_NAME_DNS && memchr(peer->names[i].value.ptr, '*', peer->names[i].value.len) != NULL)
            return true;
    return false;
}

static void check_with_gnutls(const struct certs *chain[2])
{
    struct tls_peer *peer = tls_peer_new(chain[0]->der, NULL);
    assert(peer != NULL);
    assert(gnutls_agrees(chain) || (has_wildcard(peer) && !gnutls_takes_wildcards()));
    tls_peer_free(peer);
}

/* The CA permits good.example and nothing else of its kind. */
static void check_names(const struct certs *leaf)
{
    struct tls_peer *peer = tls_peer_new(leaf->der, NULL);
    assert(peer != NULL);
    for (size_t i = 0; i < peer->n_names; i++) {
        struct span name = peer->names[i].value, tail = span_from_str(".good.example");
        bool below = name.len >= tail.len && span_equals_nocase(span_skip(name, name.len - tail.len), tail);
        assert(peer->names[i].type != TLS_NAME_DNS || below || span_equals_nocase_str(name, "good.example"));
    }
    tls_peer_free(peer);
}

static void check(unsigned kind, bool critical, struct span value, const struct certs *leaf, const struct certs *ca)
{
    static struct tls_trust *trust;
    if (trust == NULL)
        trust = judging_trust(&(struct judging){.ca = {&root}});
    const struct certs *chain[2] = {leaf, ca};
    struct span ders[2] = {leaf->der, ca->der};
    struct tls_question q = {.trust = trust, .purpose = TLS_PURPOSE_CLIENT, .now = CERTS_NOW};
    struct tls_verdict verdict;
    tls_judge(&q, ders, 2, &verdict);
    if (verdict.status != REASON_VALID)
        return;
    assert(leaf->crt != NULL);
    if (kind != CA_CONSTRAINTS) /* it refuses constraints of a kind that it does not know even where no such name is */
        check_with_gnutls(chain);
    assert(kind != PURPOSE || memmem(value.ptr, value.len, "\x2b\x06\x01\x05\x05\x07\x03\x02", 8) != NULL);
    assert(kind != OTHER || !critical);
    if (kind != CA_CONSTRAINTS)
        check_names(leaf);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 2 || n > 4096)
        return 0;
    if (root.crt == NULL) {
        certs_make(&(struct certs_order){.cn = "Root", .ca = true, .key = CERTS_ED25519}, &root);
        certs_make(&(struct certs_order){.cn = "key", .key = CERTS_ED25519}, &key);
    }
    unsigned kind = (bytes[0] & 0x7f) % N_KINDS;
    bool of_ca = kind >= CA_CONSTRAINTS && kind <= CA_PURPOSE, critical = (bytes[0] & 0x80) != 0;
    struct certs_order ca = {.cn = "Middle", .ca = true, .same_key_as = &key, .issuer = &root};
    ca.permitted[0] = kind != CA_CONSTRAINTS ? "dns:good.example" : NULL;
    /* GnuTLS takes the CN for a name where there is no other. */
    struct certs_order leaf = {.cn = "www.good.example", .same_key_as = &key};
    leaf.sans[0] = kind != SAN ? "dns:www.good.example" : NULL;
    leaf.sans[1] = kind != SAN ? "ip:127.0.0.1" : NULL;
    struct certs_order *odd = of_ca ? &ca : &leaf;
    odd->extension = oids[kind];
    odd->extension_value = span_of(bytes + 1, n - 1);
    odd->extension_critical = critical;
    odd->no_basic_constraints = kind == BASIC || kind == CA_BASIC;
    odd->no_usage = kind == USAGE || kind == CA_USAGE;
    odd->no_eku = kind == PURPOSE;
    struct certs made[2];
    certs_make(&ca, &made[1]);
    leaf.issuer = &made[1];
    if (made[1].crt != NULL) {
        certs_make(&leaf, &made[0]);
        check(kind, critical, odd->extension_value, &made[0], &made[1]);
        certs_clear(&made[0]);
    }
    certs_clear(&made[1]);
    return 0;
}
