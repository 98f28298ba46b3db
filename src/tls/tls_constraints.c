/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_constraints.h"

#include "tls_der.h"

#include <string.h>

/* GnuTLS walks both lists once per pair; beyond this a chain is refused rather than worked on. */
enum { MAX_SUBTREES = 128, MAX_NAMES = 256, MAX_CONSTRAINT_BYTES = 16 * 1024 };

enum { PERMITTED = 0, EXCLUDED = 1 };

struct subtrees { /* contents of the two GeneralSubtrees lists */
    struct span list[2];
};

static int read_subtrees(struct span extension, struct subtrees *out)
{
    struct tls_der outer, list;
    *out = (struct subtrees){0};
    if (extension.len > MAX_CONSTRAINT_BYTES || tls_der_expect(&extension, DER_SEQUENCE, &outer) != 0 || extension.len != 0)
        return -1;
    struct span in = outer.value;
    for (unsigned i = PERMITTED; i <= EXCLUDED; i++) {
        if (!tls_der_peek(in, (uint8_t)(DER_CONTEXT_CONSTRUCTED + i)))
            continue;
        if (tls_der_next(&in, &list) != 0)
            return -1;
        out->list[i] = list.value;
    }
    return in.len == 0 ? 0 : -1;
}

/* The base of the next subtree; minimum and maximum other than the default are not for certificates (RFC 5280). */
static int next_base(struct span *rest, struct tls_der *base)
{
    struct tls_der subtree;
    if (tls_der_expect(rest, DER_SEQUENCE, &subtree) != 0)
        return -1;
    struct span in = subtree.value;
    return tls_der_next(&in, base) != 0 || in.len != 0 ? -1 : 0;
}

static bool is_supported(uint8_t tag)
{
    return tag == DER_CONTEXT + 1 || tag == DER_CONTEXT + 2 || tag == DER_CONTEXT + 6 || tag == DER_CONTEXT + 7 ||
           tag == DER_CONTEXT_CONSTRUCTED + 4;
}

/* Every subtree is readable, of a kind that is checked, and there are not too many. */
static bool are_checkable(const struct subtrees *s)
{
    size_t n = 0;
    struct tls_der base;
    for (unsigned i = PERMITTED; i <= EXCLUDED; i++)
        for (struct span rest = s->list[i]; rest.len > 0;)
            if (next_base(&rest, &base) != 0 || !is_supported(base.tag) || ++n > MAX_SUBTREES)
                return false;
    return true;
}

/* The host of a URI: behind "://", without user and port. Empty when there is none or it is an address: no constraint permits those. */
static struct span host_of(struct span uri)
{
    const uint8_t *mark = memmem(uri.ptr, uri.len, "://", 3);
    if (mark == NULL)
        return (struct span){0};
    struct span host = span_skip(uri, (size_t)(mark - uri.ptr) + 3);
    for (size_t i = 0; i < host.len; i++)
        if (host.ptr[i] == '/' || host.ptr[i] == '?' || host.ptr[i] == '#')
            host.len = i;
    const uint8_t *at = memrchr(host.ptr, '@', host.len);
    if (at != NULL)
        host = span_skip(host, (size_t)(at - host.ptr) + 1);
    const uint8_t *colon = memchr(host.ptr, ':', host.len);
    if (colon != NULL)
        host.len = (size_t)(colon - host.ptr);
    return host.len > 0 && host.ptr[0] == '[' ? (struct span){0} : host;
}

/* ".example.com" is any host below it, "example.com" that host only. */
static bool host_within(struct span host, struct span constraint)
{
    if (constraint.len == 0 || constraint.ptr[0] != '.')
        return constraint.len > 0 && span_equals_nocase(host, constraint);
    return host.len > constraint.len && span_equals_nocase(span_skip(host, host.len - constraint.len), constraint);
}

/* One attribute each, the same kind, the same text whatever string type and case. Anything more unusual must be equal byte by byte. */
static bool rdn_equals(struct span a, struct span b)
{
    struct tls_der pair[2], oid[2], value[2];
    struct span side[2] = {a, b};
    if (span_equals(a, b))
        return true;
    for (size_t i = 0; i < 2; i++) {
        if (tls_der_expect(&side[i], DER_SEQUENCE, &pair[i]) != 0 || side[i].len != 0 ||
            tls_der_expect(&pair[i].value, DER_OID, &oid[i]) != 0 || tls_der_next(&pair[i].value, &value[i]) != 0)
            return false;
    }
    return span_equals(oid[0].value, oid[1].value) && span_equals_nocase(span_trim(value[0].value), span_trim(value[1].value));
}

/* The constraint's RDNs begin the name. */
static bool name_within(struct span name, struct span constraint)
{
    struct tls_der whole, part, wanted, have;
    if (tls_der_expect(&name, DER_SEQUENCE, &whole) != 0 || tls_der_expect(&constraint, DER_SEQUENCE, &part) != 0)
        return false;
    while (part.value.len > 0) {
        if (tls_der_expect(&part.value, DER_SET, &wanted) != 0 || tls_der_expect(&whole.value, DER_SET, &have) != 0)
            return false;
        if (!rdn_equals(have.value, wanted.value))
            return false;
    }
    return true;
}

struct name_walk {
    const struct subtrees *subtrees;
    uint8_t tag; /* of the GeneralName kind being checked */
    size_t n;
    bool has_dns, broken;
};

static bool is_within(uint8_t tag, struct span name, struct span constraint)
{
    return tag == DER_CONTEXT + 6 ? host_within(host_of(name), constraint) : name_within(name, constraint);
}

/* Permitted when no permitted subtree has this kind or one covers it, and no excluded one covers it. */
static bool is_allowed(const struct subtrees *s, uint8_t tag, struct span name)
{
    bool asked = false, permitted = false, excluded = false;
    struct tls_der base;
    for (struct span rest = s->list[PERMITTED]; rest.len > 0 && next_base(&rest, &base) == 0;) {
        if (base.tag != tag)
            continue;
        asked = true;
        permitted = permitted || is_within(tag, name, base.value);
    }
    for (struct span rest = s->list[EXCLUDED]; rest.len > 0 && next_base(&rest, &base) == 0;) {
        if (base.tag != tag)
            continue;
        bool unreadable = tag == DER_CONTEXT + 6 && host_of(name).len == 0;
        excluded = excluded || unreadable || is_within(tag, name, base.value);
    }
    return (!asked || permitted) && !excluded;
}

static int on_name(void *ctx, const struct tls_name *name)
{
    struct name_walk *walk = ctx;
    walk->n++;
    walk->has_dns = walk->has_dns || name->type == TLS_NAME_DNS;
    if (name->type == TLS_NAME_URI && !is_allowed(walk->subtrees, DER_CONTEXT + 6, name->value))
        walk->broken = true;
    return 0;
}

static bool gnutls_allows(gnutls_x509_name_constraints_t nc, gnutls_x509_crt_t crt, bool has_dns)
{
    /* without a DNS name GnuTLS would hold the CN to the constraint, but no CN is ever used as a host name here */
    return (!has_dns || gnutls_x509_name_constraints_check_crt(nc, GNUTLS_SAN_DNSNAME, crt) != 0) &&
           gnutls_x509_name_constraints_check_crt(nc, GNUTLS_SAN_RFC822NAME, crt) != 0 &&
           gnutls_x509_name_constraints_check_crt(nc, GNUTLS_SAN_IPADDRESS, crt) != 0;
}

static bool is_empty_name(struct span name)
{
    return name.len <= 2;
}

static bool obeys(const struct subtrees *subtrees, gnutls_x509_name_constraints_t nc, const struct tls_path_node *node)
{
    struct name_walk walk = {.subtrees = subtrees};
    if (tls_cert_each_name(node->cert, on_name, &walk) != 0 || walk.broken || walk.n > MAX_NAMES)
        return false;
    if (!is_empty_name(node->cert->subject) && !is_allowed(subtrees, DER_CONTEXT_CONSTRUCTED + 4, node->cert->subject))
        return false;
    return gnutls_allows(nc, node->crt, walk.has_dns);
}

static void check_ca(const struct tls_path_node *way, size_t ca, struct span extension, struct tls_verdict *out)
{
    struct tls_certificate c;
    struct subtrees subtrees;
    gnutls_x509_name_constraints_t nc;
    tls_checks_describe(&c, way[ca].cert, way[ca].crt);
    if (read_subtrees(extension, &subtrees) != 0 || !are_checkable(&subtrees)) {
        tls_checks_found(out, REASON_CONSTRAINT, 47, "CA certificate %s: its name constraints cannot be checked here", c.subject);
        return;
    }
    bool ready = gnutls_x509_name_constraints_init(&nc) == 0;
    if (!ready || gnutls_x509_crt_get_name_constraints(way[ca].crt, nc, 0, NULL) != 0) {
        tls_checks_found(out, REASON_CONSTRAINT, 47, "CA certificate %s: its name constraints cannot be read", c.subject);
    } else {
        for (size_t i = 0; i < ca; i++) {
            struct tls_certificate below;
            if ((i > 0 && span_equals(way[i].cert->subject, way[i].cert->issuer)) || obeys(&subtrees, nc, &way[i]))
                continue; /* a CA's certificate for itself is not held to its own constraints, a leaf always is */
            tls_checks_describe(&below, way[i].cert, way[i].crt);
            tls_checks_found(out, REASON_CONSTRAINT, 47, "certificate %s: its names are outside the name constraints of %s", below.subject,
                             c.subject);
        }
    }
    if (ready)
        gnutls_x509_name_constraints_deinit(nc);
}

void tls_constraints_check(const struct tls_path_node *way, size_t n, struct tls_verdict *out)
{
    for (size_t i = 1; i < n; i++) {
        struct span rest = way[i].cert->extensions;
        struct tls_cert_extension extension;
        while (rest.len > 0 && tls_cert_next_extension(&rest, &extension) == 0)
            if (span_equals_str(extension.oid, "\x55\x1d\x1e"))
                check_ca(way, i, extension.value, out);
    }
}
