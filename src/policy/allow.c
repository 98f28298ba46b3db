/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/allow.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/base/ip_range.h"
#include "mtlsd/base/spiffe.h"
#include "mtlsd/base/text.h"
#include "mtlsd/config/config_rule.h"
#include "mtlsd/tls/tls_cert_policy.h"
#include "mtlsd/tls/tls_subject.h"

#include <string.h>
#include <strings.h>

enum { DNS_MAX = 253 }; /* RFC 1035; a longer "name" is not one */

/* A name with a control byte or NUL was made to look like another one: it matches nothing, not even '**'. */
static bool is_clean(struct span value, bool ascii_only)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < 0x20 || value.ptr[i] == 0x7f || (ascii_only && value.ptr[i] > 0x7e))
            return false;
    return value.len > 0;
}

/* A certificate for "*.example" names no host. An address is no host name, and names in certificates have no dot at the end (RFC 5280 section
 * 4.2.1.6). */
static bool is_host_name(struct span value)
{
    return value.len > 0 && value.len <= DNS_MAX && value.ptr[value.len - 1] != '.' && memchr(value.ptr, ':', value.len) == NULL &&
           hostname_is_well_formed(value);
}

/* Host names compare without case (RFC 4343); everything else in a certificate compares byte for byte. */
static bool dns_matches(const char *pattern, struct span value)
{
    size_t n = strlen(pattern);
    char folded_pattern[CONFIG_RULE_PATTERN_MAX + 1];
    uint8_t folded[DNS_MAX];
    if (n > CONFIG_RULE_PATTERN_MAX || !is_host_name(value))
        return false;
    for (size_t i = 0; i <= n; i++)
        folded_pattern[i] = (char)span_lower((uint8_t)pattern[i]);
    for (size_t i = 0; i < value.len; i++)
        folded[i] = span_lower(value.ptr[i]);
    return text_glob(folded_pattern, span_of(folded, value.len), '.');
}

/* "local@domain", with one '@': a second one could hide the real domain. */
static bool split_email(struct span value, struct span *local, struct span *domain)
{
    const uint8_t *at = memchr(value.ptr, '@', value.len);
    if (at == NULL)
        return false;
    *local = span_of(value.ptr, (size_t)(at - value.ptr));
    *domain = span_skip(value, local->len + 1);
    return is_host_name(*domain);
}

/* Local part byte for byte, domain as a host name (RFC 5280 section 7.5). */
static bool email_matches(const char *pattern, struct span value)
{
    struct span local, domain;
    const char *pattern_at = strchr(pattern, '@');
    if (!split_email(value, &local, &domain) || pattern_at == NULL || (size_t)(pattern_at - pattern) > CONFIG_RULE_PATTERN_MAX)
        return false;
    char local_pattern[CONFIG_RULE_PATTERN_MAX + 1];
    memcpy(local_pattern, pattern, (size_t)(pattern_at - pattern));
    local_pattern[pattern_at - pattern] = '\0';
    return text_glob(local_pattern, local, '@') && dns_matches(pattern_at + 1, domain);
}

static size_t count_names(const struct tls_peer *peer, enum tls_name_type type)
{
    size_t n = 0;
    for (size_t i = 0; i < peer->n_names; i++)
        n += peer->names[i].type == type;
    return n;
}

/* Byte for byte: "%61" is not "a". A SPIFFE ID counts only when it is the certificate's one URI (X.509-SVID section 2). */
static bool uri_matches(const char *pattern, struct span value, const struct tls_peer *peer)
{
    if (spiffe_is_meant(value))
        return count_names(peer, TLS_NAME_URI) == 1 && spiffe_matches(pattern, value);
    return text_glob(pattern, value, '/');
}

static bool is_like_host(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = span_lower(text.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (c == '\0' || strchr(".-_*", c) == NULL))
            return false;
    }
    return text.len > 0 && memchr(text.ptr, '.', text.len) != NULL;
}

/* A star in a pattern of the form of a host name, as *.ops.example, stands for labels. dNSName constraints limit only such names (security A16),
 * so any CA could issue "x y.ops.example". */
static bool is_for_hosts(const char *pattern)
{
    return strchr(pattern, '*') != NULL && is_like_host(span_from_str(pattern));
}

/* Byte for byte. */
static bool cn_matches(const char *pattern, struct span value)
{
    return text_glob(pattern, value, '.') && (!is_for_hosts(pattern) || is_host_name(value));
}

static bool is_clean_name(const struct tls_name *name)
{
    bool ascii_only = name->type == TLS_NAME_DNS || name->type == TLS_NAME_URI || name->type == TLS_NAME_EMAIL;
    return is_clean(name->value, ascii_only);
}

/* No pattern whatever can match a name that is not. */
static bool is_readable(const struct tls_name *name, const struct tls_peer *peer)
{
    struct span local, domain;
    if (!is_clean_name(name))
        return false;
    switch (name->type) {
    case TLS_NAME_DNS:
        return is_host_name(name->value);
    case TLS_NAME_URI:
        return !spiffe_is_meant(name->value) || (spiffe_is_well_formed(name->value) && count_names(peer, TLS_NAME_URI) == 1);
    case TLS_NAME_EMAIL:
        return split_email(name->value, &local, &domain);
    default:
        return true;
    }
}

static bool name_matches(const char *pattern, const struct tls_name *name, const struct tls_peer *peer)
{
    if (!is_clean_name(name))
        return false;
    switch (name->type) {
    case TLS_NAME_CN:
        return cn_matches(pattern, name->value);
    case TLS_NAME_OU:
    case TLS_NAME_O:
        return text_glob(pattern, name->value, '\0');
    case TLS_NAME_DNS:
        return dns_matches(pattern, name->value);
    case TLS_NAME_URI:
        return uri_matches(pattern, name->value, peer);
    case TLS_NAME_EMAIL:
        return email_matches(pattern, name->value);
    case TLS_NAME_IP: /* bytes, not text */
    case TLS_NAME_OTHER:
        break;
    }
    return false;
}

/* Every value of a kind is tried, except for CNs: several prove nothing (tls_peer.h), and a header could name only one of them. */
static bool any_name_matches(const char *pattern, enum tls_name_type type, const struct tls_peer *peer)
{
    if (type == TLS_NAME_CN && count_names(peer, TLS_NAME_CN) != 1)
        return false;
    for (size_t i = 0; i < peer->n_names; i++)
        if (peer->names[i].type == type && name_matches(pattern, &peer->names[i], peer))
            return true;
    return false;
}

static bool any_address_matches(const char *pattern, const struct tls_peer *peer)
{
    struct ip_range range;
    if (ip_range_parse(pattern, &range, NULL) != 0)
        return false;
    for (size_t i = 0; i < peer->n_names; i++)
        if (peer->names[i].type == TLS_NAME_IP && ip_range_holds(&range, peer->names[i].value))
            return true;
    return false;
}

/* The issuer is only there as text, in which a comma inside a value is escaped. A pattern with a star could be crossed by such a
 * value, so it does not meet escaped text at all. Without a star the whole text must be equal, and escaping is one to one. */
bool allow_issuer_matches(const char *pattern, const char *issuer)
{
    if (issuer == NULL || !is_clean(span_from_str(issuer), false))
        return false;
    if (strchr(pattern, '*') == NULL)
        return strcmp(pattern, issuer) == 0;
    return strchr(issuer, '\\') == NULL && text_glob(pattern, span_from_str(issuer), ',');
}

/* Hexadecimal as people paste it: colons and case do not matter, leading zeros only where skip_zeros says so. */
static bool hex_matches(const char *pattern, const char *hex, bool skip_zeros)
{
    while (skip_zeros && (*pattern == '0' || *pattern == ':'))
        pattern++;
    while (skip_zeros && *hex == '0')
        hex++;
    size_t digits = 0;
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == ':')
            continue;
        if (span_lower((uint8_t)*pattern) != span_lower((uint8_t)*hex))
            return false;
        hex++;
        digits++;
    }
    return digits > 0 && *hex == '\0';
}

/* Whether a key looks at names of a type. */
static bool has_type(const char *word, enum tls_name_type *type)
{
    static const struct {
        const char *word;
        enum tls_name_type type;
    } named[] = {{"cn", TLS_NAME_CN},   {"ou", TLS_NAME_OU},   {"o", TLS_NAME_O},
                 {"dns", TLS_NAME_DNS}, {"uri", TLS_NAME_URI}, {"email", TLS_NAME_EMAIL}};
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        *type = named[i].type;
        if (strcmp(named[i].word, word) == 0)
            return true;
    }
    return false;
}

/* Which part of the subject a key looks at that is not among the names. */
static bool has_part(const char *word, enum tls_subject_part *part)
{
    static const char *const words[] = {[TLS_SUBJECT_C] = "c", [TLS_SUBJECT_ST] = "st", [TLS_SUBJECT_L] = "l"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        *part = (enum tls_subject_part)i;
        if (strcmp(words[i], word) == 0)
            return true;
    }
    return false;
}

/* If there are several values none counts, as with CNs (security A6). */
static bool part_matches(const char *pattern, enum tls_subject_part part, const struct tls_peer *peer)
{
    struct tls_subject_value value = tls_subject_find(peer, part);
    return is_clean(value.value, false) && text_glob(pattern, value.value, '\0');
}

/* The whole text, which no other subject has (security A17). Control characters are escaped in it, and no rule holds such an escape. */
static bool subject_matches(const char *pattern, const struct tls_peer *peer)
{
    return !peer->subject_cut && peer->subject != NULL && strcmp(pattern, peer->subject) == 0;
}

/* The keys that are no names and no parts of the subject. */
static bool fact_holds(const char *word, const char *pattern, const struct tls_peer *peer)
{
    if (strcmp(word, "subject") == 0)
        return subject_matches(pattern, peer);
    if (strcmp(word, "ip") == 0)
        return any_address_matches(pattern, peer);
    if (strcmp(word, "policy") == 0)
        return tls_cert_policy_find(peer, pattern) == TLS_CERT_POLICY_VALID;
    if (strcmp(word, "issuer") == 0)
        return peer->by_anchor && !peer->issuer_cut && allow_issuer_matches(pattern, peer->issuer);
    if (strcmp(word, "serial") == 0)
        return peer->serial != NULL && hex_matches(pattern, peer->serial, true);
    if (strcmp(word, "fingerprint") == 0)
        return hex_matches(pattern, peer->sha256, false);
    if (strcmp(word, "spki") == 0)
        return hex_matches(pattern, peer->spki_sha256, false);
    return false;
}

static bool key_holds(const char *word, const char *pattern, const struct tls_peer *peer)
{
    enum tls_name_type type;
    enum tls_subject_part part;
    if (has_type(word, &type))
        return any_name_matches(pattern, type, peer);
    return has_part(word, &part) ? part_matches(pattern, part, peer) : fact_holds(word, pattern, peer);
}

/* Of the row in the registry. Byte for byte, and an absent attribute is not an empty one. */
static bool attribute_holds(const struct config_header *attribute, const struct tls_peer *peer)
{
    struct span value = tls_registry_text_get(peer->registry, attribute->name);
    return value.ptr != NULL && is_clean(value, false) && text_glob(attribute->value, value, '\0');
}

/* A rule without any key is a mistake, not an open door: it matches no client. */
const char *allow_first_miss(const struct config_allow *rule, const struct tls_peer *peer)
{
    const char *miss = "";
    for (size_t i = 0; i < CONFIG_RULE_KEYS; i++) {
        const char *pattern = config_rule_value(rule, &config_rule_keys[i]);
        if (pattern == NULL)
            continue;
        if (!key_holds(config_rule_keys[i].word, pattern, peer))
            return config_rule_keys[i].word;
        miss = NULL;
    }
    for (size_t i = 0; i < rule->n_attribute; i++) {
        if (!attribute_holds(&rule->attribute[i], peer))
            return "attribute";
        miss = NULL;
    }
    return miss;
}

bool allow_spares(const struct tls_verdict *verdict)
{
    return verdict != NULL && (verdict->status == REASON_VALID || verdict->status == REASON_NONE);
}

bool allow_permits(const struct config_allow *rules, size_t n, const struct tls_verdict *verdict, const struct tls_peer *peer)
{
    if (verdict == NULL || peer == NULL || verdict->status != REASON_VALID)
        return false;
    for (size_t i = 0; i < n; i++)
        if (allow_first_miss(&rules[i], peer) == NULL)
            return true;
    return n == 0;
}

static bool has_unreadable(enum tls_name_type type, const struct tls_peer *peer)
{
    for (size_t i = 0; i < peer->n_names; i++)
        if (peer->names[i].type == type && !is_readable(&peer->names[i], peer))
            return true;
    return false;
}

/* The subject holds what rules do not take for a CN, OU or O, or what they take for none of them. */
static bool subject_is_in_doubt(const struct config_allow *rule, const struct tls_peer *peer)
{
    struct span cn = tls_peer_first(peer, TLS_NAME_CN);
    if ((rule->cn != NULL || rule->ou != NULL || rule->o != NULL) && peer->has_odd_names)
        return true;
    if (rule->cn == NULL)
        return false;
    bool host_to_some = is_for_hosts(rule->cn) && !is_host_name(cn) && (is_like_host(cn) || text_glob(rule->cn, cn, '.'));
    return peer->n_cns > 1 || host_to_some;
}

static bool part_is_in_doubt(const char *pattern, enum tls_subject_part part, const struct tls_peer *peer)
{
    if (pattern == NULL)
        return false;
    struct tls_subject_value value = tls_subject_find(peer, part);
    return value.odd || value.n > 1 || (value.n == 1 && !is_clean(value.value, false));
}

static bool whole_is_in_doubt(const struct config_allow *rule, const struct tls_peer *peer)
{
    return rule->subject != NULL && ((peer->subject_cut && !peer->subject_empty) || tls_subject_is_odd(peer));
}

static bool policy_is_in_doubt(const struct config_allow *rule, const struct tls_peer *peer)
{
    return rule->policy != NULL && tls_cert_policy_find(peer, rule->policy) == TLS_CERT_POLICY_UNPROVEN;
}

static bool parts_are_in_doubt(const struct config_allow *rule, const struct tls_peer *peer)
{
    return part_is_in_doubt(rule->c, TLS_SUBJECT_C, peer) || part_is_in_doubt(rule->st, TLS_SUBJECT_ST, peer) ||
           part_is_in_doubt(rule->l, TLS_SUBJECT_L, peer) || whole_is_in_doubt(rule, peer) || policy_is_in_doubt(rule, peer);
}

static bool issuer_is_in_doubt(const struct config_allow *rule, const struct tls_peer *peer)
{
    return rule->issuer != NULL && (peer->issuer_cut || (!peer->by_anchor && allow_issuer_matches(rule->issuer, peer->issuer)));
}

bool allow_is_in_doubt(const struct config_allow *rules, size_t n, const struct tls_verdict *verdict, const struct tls_peer *peer)
{
    enum tls_name_type type;
    if (verdict == NULL || peer == NULL || verdict->status != REASON_VALID)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (subject_is_in_doubt(&rules[i], peer) || issuer_is_in_doubt(&rules[i], peer) || parts_are_in_doubt(&rules[i], peer))
            return true;
        for (size_t k = 0; k < CONFIG_RULE_KEYS; k++)
            if (config_rule_value(&rules[i], &config_rule_keys[k]) != NULL && has_type(config_rule_keys[k].word, &type) && has_unreadable(type, peer))
                return true;
    }
    return false;
}
