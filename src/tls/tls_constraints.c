/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_checks.h"

#include "tls_dn.h"
#include "tls_subtree.h"

#include <arpa/inet.h>
#include <string.h>

enum {
    MAX_SUBTREES = 1024,
    BYTES_OF_A_NAME = 256, /* that cost as much as a comparison */
    BYTES_OF_A_BASE = 16,  /* of a directory name, and what each of them costs: its attributes are compared each with each */
    COST_OF_A_BASE = 64,
};

static const char oid_email_address[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01";
static const char oid_cn[] = "\x55\x04\x03";

enum { PERMITTED = 0, EXCLUDED = 1 };

struct subtrees { /* contents of the two GeneralSubtrees lists */
    struct span list[2];
    unsigned n;
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

/* Every subtree is readable and there are not too many. */
static int check_subtrees(struct subtrees *s)
{
    struct tls_der base;
    for (unsigned i = PERMITTED; i <= EXCLUDED; i++)
        for (struct span rest = s->list[i]; rest.len > 0;)
            if (next_base(&rest, &base) != 0 || !tls_subtree_is_sound(&base) || ++s->n > MAX_SUBTREES)
                return -1;
    return 0;
}

/* Permitted when no permitted subtree has this kind or one covers it, and no excluded one covers it. */
static bool is_allowed(const struct subtrees *s, uint8_t tag, struct span name)
{
    bool asked = false, permitted = false, excluded = false;
    struct tls_der base;
    for (struct span rest = s->list[PERMITTED]; rest.len > 0 && next_base(&rest, &base) == 0;) {
        bool concerns = tls_subtree_concerns(&base, tag, name);
        asked = asked || concerns;
        permitted = permitted || (concerns && tls_subtree_holds(&base, name));
    }
    for (struct span rest = s->list[EXCLUDED]; rest.len > 0 && next_base(&rest, &base) == 0;)
        excluded = excluded || (tls_subtree_concerns(&base, tag, name) && tls_subtree_may_hold(&base, name));
    return (!asked || permitted) && !excluded;
}

/* ---- the names of one certificate ---- */

struct walk {
    const struct subtrees *subtrees;
    unsigned *work;
    bool holds_cn;
    const char *broken; /* what is outside, or NULL */
};

static bool pay(const struct walk *walk, uint8_t tag, struct span name)
{
    const struct subtrees *s = walk->subtrees;
    size_t cost = s->n * (1 + name.len / BYTES_OF_A_NAME);
    if (tag == TLS_NAME_TAG_DIRECTORY)
        cost += (s->list[PERMITTED].len + s->list[EXCLUDED].len) / BYTES_OF_A_BASE * COST_OF_A_BASE;
    *walk->work = cost < *walk->work ? *walk->work - (unsigned)cost : 0;
    return *walk->work > 0;
}

/* what: for a message, when the name is outside. -1 then. */
static int hold(struct walk *walk, uint8_t tag, struct span name, const char *what)
{
    if (!pay(walk, tag, name) || !is_allowed(walk->subtrees, tag, name))
        walk->broken = what;
    return walk->broken != NULL ? -1 : 0;
}

/* Bytes beyond ASCII are letters of some language. */
static bool is_host_like(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i], letter = c | 0x20;
        bool plain = (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c > 0x7f;
        if (!plain && (c == '\0' || strchr(".-_*", c) == NULL))
            return false;
    }
    return s.len > 0;
}

static size_t address_of(struct span s, uint8_t address[16])
{
    char text[INET6_ADDRSTRLEN];
    if (s.len >= sizeof(text) || memchr(s.ptr, '\0', s.len) != NULL)
        return 0;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    if (inet_pton(AF_INET, text, address) == 1)
        return 4;
    return inet_pton(AF_INET6, text, address) == 1 ? 16 : 0;
}

static int hold_cn(struct walk *walk, struct span cn)
{
    uint8_t address[16];
    size_t n = address_of(cn, address);
    if (n > 0)
        return hold(walk, TLS_NAME_TAG_IP, span_of(address, n), "its CN, an address, is");
    if (memmem(cn.ptr, cn.len, "://", 3) != NULL)
        return hold(walk, TLS_NAME_TAG_URI, cn, "its CN, a URI, is");
    const uint8_t *at = memrchr(cn.ptr, '@', cn.len);
    if (at != NULL)
        return is_host_like(span_skip(cn, (size_t)(at - cn.ptr) + 1)) ? hold(walk, TLS_NAME_TAG_EMAIL, cn, "its CN, a mail address, is") : 0;
    bool dotted = cn.len > 1 && memchr(cn.ptr, '.', cn.len - 1) != NULL;
    return dotted && is_host_like(cn) ? hold(walk, TLS_NAME_TAG_DNS, cn, "its CN, a host name, is") : 0;
}

static int on_attribute(void *ctx, struct span oid, const struct tls_der *value)
{
    struct walk *walk = ctx;
    uint8_t buffer[TLS_DN_CHARACTERS];
    struct span text;
    bool email = span_equals_str(oid, oid_email_address), cn = walk->holds_cn && span_equals_str(oid, oid_cn);
    if (!email && !cn)
        return 0;
    if (!tls_dn_characters(value, buffer, &text))
        text = value->value; /* no string, and so hardly within a host */
    return email ? hold(walk, TLS_NAME_TAG_EMAIL, text, "its emailAddress is") : hold_cn(walk, text);
}

static int hold_sans(struct walk *walk, struct span san)
{
    struct tls_der list, name;
    if (san.len == 0)
        return 0;
    if (tls_der_expect(&san, DER_SEQUENCE, &list) != 0 || san.len != 0)
        return -1;
    for (struct span in = list.value; in.len > 0;)
        if (tls_der_next(&in, &name) != 0 || hold(walk, name.tag, name.value, "its subjectAltName is") != 0)
            return -1;
    return 0;
}

static const char *find_broken(struct walk *walk, const struct tls_cert *cert)
{
    bool named = !tls_cert_name_is_empty(cert->subject);
    if (hold_sans(walk, cert->san) != 0 || (named && hold(walk, TLS_NAME_TAG_DIRECTORY, cert->subject, "its subject is") != 0) ||
        tls_cert_each_attribute(cert->subject, on_attribute, walk) != 0)
        return walk->broken != NULL ? walk->broken : "its names cannot be read and so are";
    return NULL;
}

/* ---- the path ---- */

struct path {
    enum tls_purpose purpose;
    const struct tls_path_node *nodes;
    unsigned *work;
};

static void check_below(const struct path *path, size_t ca, struct span extension, struct tls_verdict *out)
{
    struct tls_certificate c, below;
    struct subtrees subtrees;
    const struct tls_path_node *nodes = path->nodes;
    tls_checks_describe(&c, nodes[ca].cert, nodes[ca].crt);
    if (read_subtrees(extension, &subtrees) != 0 || check_subtrees(&subtrees) != 0) {
        tls_checks_found(out, REASON_CONSTRAINT, 47,
                         "CA certificate %s: its name constraints cannot be checked here", c.subject);
        return;
    }
    for (size_t i = 0; i < ca; i++) {
        struct walk walk = {.subtrees = &subtrees, .work = path->work, .holds_cn = i == 0 && path->purpose == TLS_PURPOSE_CLIENT};
        /* a CA's certificate for itself is not held to its own constraints, a leaf always is (RFC 5280 6.1.3)
         */
        if (i > 0 && span_equals(nodes[i].cert->subject, nodes[i].cert->issuer))
            continue;
        const char *broken = find_broken(&walk, nodes[i].cert);
        if (broken == NULL)
            continue;
        tls_checks_describe(&below, nodes[i].cert, nodes[i].crt);
        tls_checks_found(out, REASON_CONSTRAINT, 47, "certificate %s: %s outside the name constraints of %s", below.subject, broken, c.subject);
    }
}

void tls_constraints_check(enum tls_purpose purpose, const struct tls_path_node *nodes, size_t n, unsigned *work, struct tls_verdict *out)
{
    const struct path path = {purpose, nodes, work};
    for (size_t i = 1; i < n; i++) {
        struct span extension;
        if (tls_cert_find_extension(nodes[i].cert, "\x55\x1d\x1e", &extension))
            check_below(&path, i, extension, out);
    }
}
