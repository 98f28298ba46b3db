/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_constraints.h"

#include "tls_der.h"

#include <string.h>

enum { MAX_SUBTREES = 1024, BYTES_OF_A_NAME = 256 /* that cost as much as a comparison */ };

enum { PERMITTED = 0, EXCLUDED = 1 };

struct subtrees { /* contents of the two GeneralSubtrees lists */
    struct span list[2];
};

static int read_subtrees(struct span extension, struct subtrees *out)
{
    struct tls_der outer, list;
    *out = (struct subtrees){0};
    if (tls_der_expect(&extension, DER_SEQUENCE, &outer) != 0 || extension.len != 0)
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

/* The base of the next subtree; minimum and maximum other than the default are not for certificates (RFC
 * 5280). */
static int next_base(struct span *rest, struct tls_der *base)
{
    struct tls_der subtree;
    if (tls_der_expect(rest, DER_SEQUENCE, &subtree) != 0)
        return -1;
    struct span in = subtree.value;
    return tls_der_next(&in, base) != 0 || in.len != 0 ? -1 : 0;
}

enum {
    EMAIL = DER_CONTEXT + 1,
    DNS = DER_CONTEXT + 2,
    DIRECTORY = DER_CONTEXT_CONSTRUCTED + 4,
    URI = DER_CONTEXT + 6,
    IP = DER_CONTEXT + 7
};

/* Ones, then zeros (RFC 5280 4.2.1.10: as in CIDR). Others mean different sets of addresses to different readers. */
static bool is_mask(struct span mask)
{
    bool ended = false;
    for (size_t i = 0; i < mask.len * 8; i++) {
        bool one = (mask.ptr[i / 8] >> (7 - i % 8) & 1) != 0;
        if (one && ended)
            return false;
        ended = ended || !one;
    }
    return true;
}

static bool is_supported(const struct tls_der *base)
{
    if (base->tag == IP)
        return (base->value.len == 8 || base->value.len == 32) && is_mask(span_skip(base->value, base->value.len / 2));
    return base->tag == EMAIL || base->tag == DNS || base->tag == URI || base->tag == DIRECTORY;
}

/* Every subtree is readable and of a kind that is checked, and there are not too many. Gives their number; -1
 * otherwise. */
static int count_checkable(const struct subtrees *s)
{
    int n = 0;
    struct tls_der base;
    for (unsigned i = PERMITTED; i <= EXCLUDED; i++)
        for (struct span rest = s->list[i]; rest.len > 0;)
            if (next_base(&rest, &base) != 0 || !is_supported(&base) || ++n > MAX_SUBTREES)
                return -1;
    return n;
}

/* Takes "scheme://" off; false when the URI has no such beginning and so no host ("urn:x://a" has none). */
static bool skip_scheme(struct span *uri)
{
    const uint8_t *colon = memchr(uri->ptr, ':', uri->len);
    if (colon == NULL || colon == uri->ptr)
        return false;
    *uri = span_skip(*uri, (size_t)(colon - uri->ptr));
    if (uri->len < 3 || memcmp(uri->ptr, "://", 3) != 0)
        return false;
    *uri = span_skip(*uri, 3);
    return true;
}

/* The host of a URI: behind "scheme://", without a port. Empty when there is none, when it is an address, or when readers disagree about it
 * (a user before it, a backslash that some take for a slash): no constraint permits those. */
static struct span host_of(struct span uri)
{
    struct span host = uri;
    if (!skip_scheme(&host))
        return (struct span){0};
    for (size_t i = 0; i < host.len; i++)
        if (host.ptr[i] == '/' || host.ptr[i] == '?' || host.ptr[i] == '#')
            host.len = i;
    if (memchr(host.ptr, '\\', host.len) != NULL || memchr(host.ptr, '@', host.len) != NULL)
        return (struct span){0};
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
    return host.len > constraint.len &&
           span_equals_nocase(span_skip(host, host.len - constraint.len), constraint);
}

/* One attribute each, the same kind, the same text whatever string type and case. Anything more unusual must
 * be equal byte by byte. */
static bool rdn_equals(struct span a, struct span b)
{
    struct tls_der pair[2], oid[2], value[2];
    struct span side[2] = {a, b};
    if (span_equals(a, b))
        return true;
    for (size_t i = 0; i < 2; i++) {
        if (tls_der_expect(&side[i], DER_SEQUENCE, &pair[i]) != 0 || side[i].len != 0 ||
            tls_der_expect(&pair[i].value, DER_OID, &oid[i]) != 0 ||
            tls_der_next(&pair[i].value, &value[i]) != 0)
            return false;
    }
    return span_equals(oid[0].value, oid[1].value) &&
           span_equals_nocase(span_trim(value[0].value), span_trim(value[1].value));
}

/* The constraint's RDNs begin the name. */
static bool name_within(struct span name, struct span constraint)
{
    struct tls_der whole, part, wanted, have;
    if (tls_der_expect(&name, DER_SEQUENCE, &whole) != 0 ||
        tls_der_expect(&constraint, DER_SEQUENCE, &part) != 0)
        return false;
    while (part.value.len > 0) {
        if (tls_der_expect(&part.value, DER_SET, &wanted) != 0 ||
            tls_der_expect(&whole.value, DER_SET, &have) != 0)
            return false;
        if (!rdn_equals(have.value, wanted.value))
            return false;
    }
    return true;
}

/* "example.com" is that host and everything below it, ".example.com" only what is below. */
static bool dns_within(struct span name, struct span constraint)
{
    if (constraint.len == 0)
        return true;
    if (constraint.ptr[0] == '.')
        return host_within(name, constraint);
    if (span_equals_nocase(name, constraint))
        return true;
    return name.len > constraint.len && name.ptr[name.len - constraint.len - 1] == '.' &&
           span_equals_nocase(span_skip(name, name.len - constraint.len), constraint);
}

/* A wildcard stands for names that an excluded subtree below it may hold. */
static bool dns_touches(struct span name, struct span excluded)
{
    if (dns_within(name, excluded))
        return true;
    return name.len > 2 && name.ptr[0] == '*' && name.ptr[1] == '.' &&
           dns_within(excluded, span_skip(name, 2));
}

/* "a@b" is one mailbox, "b" every mailbox of that host, ".b" of the hosts below it. */
static bool email_within(struct span name, struct span constraint)
{
    const uint8_t *at = memrchr(name.ptr, '@', name.len);
    if (at == NULL)
        return false;
    struct span host = span_skip(name, (size_t)(at - name.ptr) + 1);
    const uint8_t *wanted = memrchr(constraint.ptr, '@', constraint.len);
    if (wanted == NULL)
        return host_within(host, constraint);
    size_t local = (size_t)(wanted - constraint.ptr);
    return local == (size_t)(at - name.ptr) && memcmp(name.ptr, constraint.ptr, local) == 0 &&
           span_equals_nocase(host, span_skip(constraint, local + 1));
}

/* Address and mask; a range of one family holds no address of the other. */
static bool ip_within(struct span name, struct span constraint)
{
    if (constraint.len != 2 * name.len)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (((name.ptr[i] ^ constraint.ptr[i]) & constraint.ptr[name.len + i]) != 0)
            return false;
    return true;
}

/* Of a URI the host. */
static bool is_within(uint8_t tag, struct span name, struct span constraint)
{
    switch (tag) {
    case EMAIL:
        return email_within(name, constraint);
    case DNS:
        return dns_within(name, constraint);
    case URI:
        return host_within(name, constraint);
    case IP:
        return ip_within(name, constraint);
    default:
        return name_within(name, constraint);
    }
}

/* The same, where the answer "outside" must be certain. */
static bool is_maybe_within(uint8_t tag, struct span name, struct span constraint)
{
    if (tag == DNS)
        return (name.len > 0 && name.ptr[0] == '.') || dns_touches(name, constraint);
    if (tag == URI && name.len == 0)
        return true;
    if (tag == EMAIL && (memchr(name.ptr, '@', name.len) == NULL || name.ptr[name.len - 1] == '@'))
        return true;
    return is_within(tag, name, constraint);
}

/* What of a name constraints are about. */
static struct span significant(uint8_t tag, struct span name)
{
    return tag == URI ? host_of(name) : name;
}

/* Permitted when no permitted subtree has this kind or one covers it, and no excluded one covers it. */
static bool is_allowed(const struct subtrees *s, uint8_t tag, struct span whole)
{
    struct span name = significant(tag, whole);
    bool asked = false, permitted = false, excluded = false;
    struct tls_der base;
    for (struct span rest = s->list[PERMITTED]; rest.len > 0 && next_base(&rest, &base) == 0;) {
        asked = asked || base.tag == tag;
        permitted = permitted || (base.tag == tag && is_within(tag, name, base.value));
    }
    for (struct span rest = s->list[EXCLUDED]; rest.len > 0 && next_base(&rest, &base) == 0;)
        excluded = excluded || (base.tag == tag && is_maybe_within(tag, name, base.value));
    return (!asked || permitted) && !excluded;
}

struct name_walk {
    const struct subtrees *subtrees;
    unsigned per_name, *work;
    bool broken;
};

static bool pay(unsigned *work, unsigned comparisons, struct span name)
{
    size_t cost = comparisons * (1 + name.len / BYTES_OF_A_NAME);
    *work = cost < *work ? *work - (unsigned)cost : 0;
    return *work > 0;
}

/* Names of kinds that cannot be told apart further (otherName) have no subtrees here: those were refused. */
static int on_name(void *ctx, const struct tls_name *name)
{
    struct name_walk *walk = ctx;
    static const uint8_t tags[] = {
        [TLS_NAME_DNS] = DNS, [TLS_NAME_URI] = URI, [TLS_NAME_EMAIL] = EMAIL, [TLS_NAME_IP] = IP};
    uint8_t tag = (size_t)name->type < sizeof(tags) ? tags[name->type] : 0;
    if (tag != 0 && (!pay(walk->work, walk->per_name, name->value) || !is_allowed(walk->subtrees, tag, name->value)))
        walk->broken = true;
    return walk->broken ? -1 : 0;
}

static bool obeys(const struct subtrees *subtrees, unsigned n_subtrees, unsigned *work, const struct tls_cert *cert)
{
    struct name_walk walk = {.subtrees = subtrees, .per_name = n_subtrees, .work = work};
    if (tls_cert_each_name(cert, on_name, &walk) != 0 || walk.broken)
        return false;
    return tls_cert_name_is_empty(cert->subject) || (pay(work, n_subtrees, cert->subject) && is_allowed(subtrees, DIRECTORY, cert->subject));
}

static void check_below(const struct tls_path_node *way, size_t ca, struct span extension, unsigned *work, struct tls_verdict *out)
{
    struct tls_certificate c, below;
    struct subtrees subtrees;
    tls_checks_describe(&c, way[ca].cert, way[ca].crt);
    int n = read_subtrees(extension, &subtrees) == 0 ? count_checkable(&subtrees) : -1;
    if (n < 0) {
        tls_checks_found(out, REASON_CONSTRAINT, 47,
                         "CA certificate %s: its name constraints cannot be checked here", c.subject);
        return;
    }
    for (size_t i = 0; i < ca; i++) {
        /* a CA's certificate for itself is not held to its own constraints, a leaf always is (RFC 5280 6.1.3)
         */
        if ((i > 0 && span_equals(way[i].cert->subject, way[i].cert->issuer)) ||
            obeys(&subtrees, (unsigned)n, work, way[i].cert))
            continue;
        tls_checks_describe(&below, way[i].cert, way[i].crt);
        tls_checks_found(out, REASON_CONSTRAINT, 47,
                         "certificate %s: its names are outside the name constraints of %s", below.subject,
                         c.subject);
    }
}

void tls_constraints_check(const struct tls_path_node *way, size_t n, unsigned *work, struct tls_verdict *out)
{
    for (size_t i = 1; i < n; i++) {
        struct span rest = way[i].cert->extensions;
        struct tls_cert_extension extension;
        while (rest.len > 0 && tls_cert_next_extension(&rest, &extension) == 0)
            if (span_equals_str(extension.oid, "\x55\x1d\x1e"))
                check_below(way, i, extension.value, work, out);
    }
}
