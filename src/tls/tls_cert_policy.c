/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_cert_policy.h"

#include "tls_cert.h"
#include "tls_dn.h"

#include <string.h>

#define CERTIFICATE_POLICIES "\x55\x1d\x20"
#define POLICY_MAPPINGS "\x55\x1d\x21"
#define INHIBIT_ANY_POLICY "\x55\x1d\x36"
#define ANY_POLICY "2.5.29.32.0"

/* The part of one certificate that is about the policy in question. */
struct claims {
    bool readable, named, any;
};

/* The walk from the trust down. Without mappings the tree of RFC 5280 6.1.2 is two bits for one policy: its own node, and that of anyPolicy. */
struct walk {
    const char *oid;
    bool named, any;
    size_t any_left; /* certificates whose anyPolicy still counts */
};

static bool is_oid(struct span der, const char *text)
{
    char dotted[TLS_DN_OID_BYTES];
    return tls_dn_oid_text(der, dotted) == 0 && strcmp(dotted, text) == 0;
}

static struct claims read_claims(const struct tls_cert *cert, const char *oid)
{
    struct claims c = {0};
    struct span value;
    struct tls_der list, information, id;
    if (!tls_cert_find_extension(cert, CERTIFICATE_POLICIES, &value))
        return (struct claims){.readable = true};
    if (tls_der_expect(&value, DER_SEQUENCE, &list) != 0 || value.len != 0 || list.value.len == 0)
        return c;
    while (list.value.len > 0) {
        if (tls_der_expect(&list.value, DER_SEQUENCE, &information) != 0 || tls_der_expect(&information.value, DER_OID, &id) != 0)
            return (struct claims){0};
        c.named = c.named || is_oid(id.value, oid);
        c.any = c.any || is_oid(id.value, ANY_POLICY);
    }
    c.readable = true;
    return c;
}

/* A CA gives the policy another meaning, or means it by another one. What cannot be read may. */
static bool maps(const struct tls_cert *ca, const char *oid)
{
    struct span value;
    struct tls_der list, pair, from, to;
    if (!tls_cert_find_extension(ca, POLICY_MAPPINGS, &value))
        return false;
    if (tls_der_expect(&value, DER_SEQUENCE, &list) != 0 || value.len != 0)
        return true;
    while (list.value.len > 0) {
        if (tls_der_expect(&list.value, DER_SEQUENCE, &pair) != 0 || tls_der_expect(&pair.value, DER_OID, &from) != 0 ||
            tls_der_expect(&pair.value, DER_OID, &to) != 0)
            return true;
        if (is_oid(from.value, oid) || is_oid(to.value, oid) || is_oid(from.value, ANY_POLICY) || is_oid(to.value, ANY_POLICY))
            return true;
    }
    return false;
}

/* RFC 5280 6.1.4 (j). A number that cannot be read inhibits at once. */
static void inhibit(struct walk *w, const struct tls_cert *ca)
{
    struct span value;
    struct tls_der number;
    if (!tls_cert_find_extension(ca, INHIBIT_ANY_POLICY, &value))
        return;
    bool small = tls_der_expect(&value, DER_INTEGER, &number) == 0 && value.len == 0 && number.value.len == 1 && number.value.ptr[0] < 0x80;
    size_t most = small ? number.value.ptr[0] : 0;
    if (most < w->any_left)
        w->any_left = most;
}

/* RFC 5280 6.1.3 (d) and (e). */
static struct claims take(struct walk *w, const struct tls_cert *cert, bool any_counts)
{
    struct claims c = read_claims(cert, w->oid);
    bool any = c.any && any_counts;
    w->named = (c.named && (w->named || w->any)) || (any && w->named);
    w->any = any && w->any;
    return c;
}

/* RFC 5280 6.1.4, for every certificate but the leaf. */
static void pass_ca(struct walk *w, const struct tls_cert *ca)
{
    bool self_issued = span_equals(ca->subject, ca->issuer);
    (void)take(w, ca, w->any_left > 0 || self_issued);
    if (maps(ca, w->oid))
        w->named = w->any = false;
    if (!self_issued && w->any_left > 0)
        w->any_left--;
    inhibit(w, ca);
}

/* Where the path could not be kept, nothing is known of it. */
static bool has_path(const struct tls_peer *peer)
{
    return peer->by_anchor || peer->n_path > 0;
}

enum tls_cert_policy tls_cert_policy_find(const struct tls_peer *peer, const char *oid)
{
    struct walk w = {.oid = oid, .any = has_path(peer), .any_left = SIZE_MAX};
    struct tls_cert cert;
    for (size_t i = peer->n_path; i > 0; i--) {
        if (tls_cert_read(peer->path[i - 1], &cert) == 0)
            pass_ca(&w, &cert);
        else
            w.named = w.any = false;
    }
    if (tls_cert_read(peer->der, &cert) != 0)
        return TLS_CERT_POLICY_UNPROVEN;
    struct claims leaf = take(&w, &cert, w.any_left > 0);
    if (leaf.named && w.named)
        return TLS_CERT_POLICY_VALID;
    return leaf.named || leaf.any || !leaf.readable ? TLS_CERT_POLICY_UNPROVEN : TLS_CERT_POLICY_ABSENT;
}
