/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_subtree.h"

#include "tls_dn.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/base/text.h"

#include <string.h>

/* ---- hosts ---- */

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
    return host.len > constraint.len && span_equals_nocase(span_skip(host, host.len - constraint.len), constraint);
}

/* "example.com" is that host and everything below it, ".example.com" only what is below, "" every host. */
static bool dns_within(struct span name, struct span constraint)
{
    if (constraint.len == 0 || span_equals_nocase(name, constraint))
        return true;
    if (constraint.ptr[0] == '.')
        return host_within(name, constraint);
    return name.len > constraint.len && name.ptr[name.len - constraint.len - 1] == '.' &&
           span_equals_nocase(span_skip(name, name.len - constraint.len), constraint);
}

/* A wildcard stands for names that an excluded subtree below it may hold. Readers differ about a name that is not well-formed. A name
 * in other letters than ASCII may be the one that the constraint writes as "xn--". */
static bool dns_may_be_within(struct span name, struct span excluded)
{
    if (dns_within(name, excluded) || name.len == 0 || name.ptr[0] == '.')
        return true;
    if (!text_is_ascii(name) && memmem(excluded.ptr, excluded.len, "xn--", 4) != NULL)
        return true;
    return name.len > 2 && name.ptr[0] == '*' && name.ptr[1] == '.' && dns_within(excluded, span_skip(name, 2));
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
    return local == (size_t)(at - name.ptr) && memcmp(name.ptr, constraint.ptr, local) == 0 && host_within(host, span_skip(constraint, local + 1));
}

/* ---- addresses ---- */

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

/* ---- directory names ---- */

static size_t spaces(struct span s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[n] == ' ')
        n++;
    return n;
}

/* RFC 5280 section 7.1, as far as ASCII goes: case does not matter, nor do spaces at the ends, nor how many there are between words. */
static bool same_text(struct span a, struct span b)
{
    a = span_trim(a);
    b = span_trim(b);
    while (a.len > 0 && b.len > 0) {
        size_t a_spaces = spaces(a), b_spaces = spaces(b);
        if ((a_spaces > 0) != (b_spaces > 0) || (a_spaces == 0 && !span_equals_nocase(span_of(a.ptr, 1), span_of(b.ptr, 1))))
            return false;
        a = span_skip(a, a_spaces > 0 ? a_spaces : 1);
        b = span_skip(b, b_spaces > 0 ? b_spaces : 1);
    }
    return a.len == b.len;
}

/* The same kind, and the same text in whatever string type. */
static bool same_attribute(const struct tls_dn_attribute *a, const struct tls_dn_attribute *b)
{
    uint8_t a_buffer[TLS_DN_CHARACTERS], b_buffer[TLS_DN_CHARACTERS];
    struct span a_text, b_text;
    if (!span_equals(a->oid, b->oid))
        return false;
    if (span_equals(a->value.whole, b->value.whole))
        return true;
    return tls_dn_characters(&a->value, a_buffer, &a_text) && tls_dn_characters(&b->value, b_buffer, &b_text) && same_text(a_text, b_text);
}

static bool has_attribute(struct span set, const struct tls_dn_attribute *wanted)
{
    struct tls_dn_attribute have;
    while (set.len > 0 && tls_dn_next_attribute(&set, &have) == 0)
        if (same_attribute(&have, wanted))
            return true;
    return false;
}

enum { MAX_IN_RDN = 8 }; /* each is compared with each; honest RDNs have one or two */

static size_t count_attributes(struct span set)
{
    struct tls_dn_attribute one;
    size_t n = 0;
    while (n <= MAX_IN_RDN && set.len > 0 && tls_dn_next_attribute(&set, &one) == 0)
        n++;
    return n;
}

/* Every attribute of the one RDN is in the other. */
static bool rdn_within(struct span wanted, struct span have)
{
    struct tls_dn_attribute one;
    while (wanted.len > 0)
        if (tls_dn_next_attribute(&wanted, &one) != 0 || !has_attribute(have, &one))
            return false;
    return true;
}

/* The constraint's RDNs begin the name. Certainly, when each is the same set of attributes; perhaps, when the name's has more. */
static bool name_within(struct span name, struct span constraint, bool certainly)
{
    struct tls_der whole, part, wanted, have;
    if (tls_der_expect(&name, DER_SEQUENCE, &whole) != 0 || tls_der_expect(&constraint, DER_SEQUENCE, &part) != 0)
        return false;
    while (part.value.len > 0) {
        if (tls_der_expect(&part.value, DER_SET, &wanted) != 0 || tls_der_expect(&whole.value, DER_SET, &have) != 0)
            return false;
        if (span_equals(wanted.value, have.value))
            continue;
        if (count_attributes(wanted.value) > MAX_IN_RDN || count_attributes(have.value) > MAX_IN_RDN)
            return !certainly;
        if (!rdn_within(wanted.value, have.value) || (certainly && !rdn_within(have.value, wanted.value)))
            return false;
    }
    return true;
}

/* ---- kinds ---- */

bool tls_subtree_is_sound(const struct tls_der *base)
{
    switch (base->tag) {
    case TLS_NAME_TAG_IP:
        return (base->value.len == 8 || base->value.len == 32) && is_mask(span_skip(base->value, base->value.len / 2));
    case TLS_NAME_TAG_OTHER:
    case TLS_NAME_TAG_EMAIL:
    case TLS_NAME_TAG_DNS:
    case TLS_NAME_TAG_X400:
    case TLS_NAME_TAG_DIRECTORY:
    case TLS_NAME_TAG_EDI:
    case TLS_NAME_TAG_URI:
    case TLS_NAME_TAG_REGISTERED:
        return true;
    default:
        return false;
    }
}

/* Each type of an otherName is a kind of its own. One whose type cannot be read may be any. */
bool tls_subtree_concerns(const struct tls_der *base, uint8_t tag, struct span name)
{
    struct tls_der type, other;
    struct span wanted = base->value;
    if (base->tag != tag)
        return false;
    if (tag != TLS_NAME_TAG_OTHER || tls_der_expect(&wanted, DER_OID, &type) != 0 || tls_der_expect(&name, DER_OID, &other) != 0)
        return true;
    return span_equals(type.value, other.value);
}

bool tls_subtree_holds(const struct tls_der *base, struct span name)
{
    switch (base->tag) {
    case TLS_NAME_TAG_EMAIL:
        return email_within(name, base->value);
    case TLS_NAME_TAG_DNS:
        return dns_within(name, base->value);
    case TLS_NAME_TAG_URI:
        return host_within(host_of(name), base->value);
    case TLS_NAME_TAG_IP:
        return ip_within(name, base->value);
    case TLS_NAME_TAG_DIRECTORY:
        return name_within(name, base->value, true);
    default:
        return false;
    }
}

/* One dot at the end of a host does not count. */
bool tls_subtree_may_hold(const struct tls_der *base, struct span name)
{
    struct span host, bare = hostname_without_last_dot(name), excluded = hostname_without_last_dot(base->value);
    switch (base->tag) {
    case TLS_NAME_TAG_EMAIL:
        return memchr(bare.ptr, '@', bare.len) == NULL || bare.ptr[bare.len - 1] == '@' || email_within(bare, excluded);
    case TLS_NAME_TAG_DNS:
        return dns_may_be_within(bare, excluded);
    case TLS_NAME_TAG_URI:
        host = hostname_without_last_dot(host_of(name));
        return host.len == 0 || host_within(host, excluded);
    case TLS_NAME_TAG_IP:
        return (name.len != 4 && name.len != 16) || ip_within(name, base->value);
    case TLS_NAME_TAG_DIRECTORY:
        return name_within(name, base->value, false);
    default:
        return true;
    }
}
