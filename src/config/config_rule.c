/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/config/config_rule.h"

#include "mtlsd/base/spiffe.h"

#include <string.h>
#include <strings.h>

const struct config_rule_key config_rule_keys[CONFIG_RULE_KEYS] = {
    {"cn", offsetof(struct config_allow, cn)},
    {"ou", offsetof(struct config_allow, ou)},
    {"o", offsetof(struct config_allow, o)},
    {"c", offsetof(struct config_allow, c)},
    {"st", offsetof(struct config_allow, st)},
    {"l", offsetof(struct config_allow, l)},
    {"subject", offsetof(struct config_allow, subject)},
    {"dns", offsetof(struct config_allow, dns)},
    {"uri", offsetof(struct config_allow, uri)},
    {"email", offsetof(struct config_allow, email)},
    {"ip", offsetof(struct config_allow, ip)},
    {"policy", offsetof(struct config_allow, policy)},
    {"issuer", offsetof(struct config_allow, issuer)},
    {"serial", offsetof(struct config_allow, serial)},
    {"fingerprint", offsetof(struct config_allow, fingerprint)},
    {"spki", offsetof(struct config_allow, spki)},
};

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static int refuse(const char *value, const char *why, struct err *err)
{
    return err_set(err, ERR_CONFIG, "\"%.200s\" %s", value, why);
}

/* ---- names of hosts ---- */

static const char *host_refusal(const char *host)
{
    if (strstr(host, "://") != NULL || strchr(host, '/') != NULL)
        return "is not a host name: leave out the scheme and the path";
    if (strchr(host, ':') != NULL)
        return "is not a host name: leave out the port, and write addresses as ip = \"...\"";
    if (host[0] == '\0' || host[strspn(host, LETTERS DIGITS "-_.*")] != '\0')
        return "is not a host name: certificates have them in letters, digits, '-', '_' and '.', others as xn--...";
    if (host[0] == '.' || strstr(host, "..") != NULL || host[strlen(host) - 1] == '.')
        return "has an empty label: certificates write names without a dot at either end";
    return NULL;
}

/* ---- URIs ---- */

/* One segment from *p, which is behind its slash; *p at its end. Stars may stand for anything that a segment can hold. */
static const char *segment_refusal(const char **p)
{
    size_t n = strcspn(*p, "/"), plain = strspn(*p, LETTERS DIGITS ".-_*");
    const char *segment = *p;
    *p += n;
    if (n == 0)
        return "has an empty segment, which no SPIFFE ID has";
    if (strncmp(segment, "..", n) == 0)
        return "has a dot segment, which no SPIFFE ID has";
    if (plain < n)
        return "is not a valid SPIFFE ID: its path has letters, digits, '.', '-' and '_', and neither query, fragment nor percent-encoding";
    return NULL;
}

/* A star in the trust domain would let another authority's identities in as soon as the trust holds its CA. */
static const char *spiffe_refusal(const char *value)
{
    static const char scheme[] = "spiffe://";
    if (strncmp(value, scheme, strlen(scheme)) != 0)
        return "is not a SPIFFE ID: write spiffe:// first, in small letters";
    const char *domain = value + strlen(scheme);
    size_t n = strcspn(domain, "/");
    if (n == 0 || memchr(domain, '*', n) != NULL)
        return "leaves the trust domain open: it must be written out, as in spiffe://example.org/**";
    if (!spiffe_is_domain(span_of(domain, n)))
        return "names no SPIFFE trust domain: small letters, digits, '.', '-' and '_', without user and port";
    const char *why = NULL;
    for (const char *p = domain + n; why == NULL && *p == '/';) {
        p++;
        why = segment_refusal(&p);
    }
    return why;
}

static const char *uri_refusal(const char *value)
{
    size_t scheme = strspn(value, LETTERS DIGITS "+-.");
    if (scheme == 0 || value[scheme] != ':')
        return "must begin with the scheme that is meant, written out, as in spiffe://example.org/**";
    if (strpbrk(value, " \"<>\\^`{|}") != NULL)
        return "holds what no URI does";
    return spiffe_is_meant(span_from_str(value)) ? spiffe_refusal(value) : NULL;
}

/* ---- the rest ---- */

static const char *email_refusal(const char *value)
{
    const char *at = strchr(value, '@');
    if (at == NULL)
        return "has no @; any address of a domain is *@example.com";
    if (at == value || strchr(at + 1, '@') != NULL)
        return "is not a mail address";
    return host_refusal(at + 1);
}

static const char *issuer_refusal(const char *value)
{
    if (value[strspn(value, "*")] == '\0')
        return "matches every issuer: leave the key out";
    return strchr(value, '=') == NULL && strchr(value, '*') == NULL ? "is not a whole name, as in CN=Partner CA,O=Partner Ltd" : NULL;
}

static const char *country_refusal(const char *value)
{
    bool is_code = strlen(value) == 2 && value[strspn(value, LETTERS)] == '\0';
    return is_code || strchr(value, '*') != NULL ? NULL : "is not a country code of two letters, as certificates have it";
}

/* The type at the front of an RDN, as in our own text of names. */
static const char *type_refusal(const char *type, size_t n)
{
    static const char *const words[] = {"CN", "OU", "O", "C", "ST", "L", "DC", "UID", "EMAIL"};
    if (n == 0 || type[n] != '=')
        return "is not a whole name: write it as the log does, without blanks between the parts, as in CN=billing,O=Partner Ltd";
    if (n == strlen("emailAddress") && strncasecmp(type, "emailAddress", n) == 0)
        return "has emailAddress=: write EMAIL=, as the log does";
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (n == strlen(words[i]) && strncasecmp(type, words[i], n) == 0 && strncmp(type, words[i], n) != 0)
            return "has the type of a part in small letters: write CN, OU, O, C, ST, L, DC, UID and EMAIL in capitals";
    return NULL;
}

/* Behind the value of an RDN's attribute: at the end, or at the next type. NULL: see *why. */
static const char *skip_value(const char *p, const char **why)
{
    for (; *p != '\0' && *p != ',' && *p != '+'; p++) {
        if (*p != '\\')
            continue;
        if (strspn(p + 1, DIGITS "abcdefABCDEF") >= 2)
            *why = "has a character as \\ and two digits: write the character itself; control characters match nothing";
        p += p[1] != '\0';
    }
    if (*p != '\0' && p[1] == '\0')
        *why = "ends with a separator: write the whole name";
    return *p != '\0' ? p + 1 : p;
}

/* Compared whole, so only what tls_dn_text can write. */
static const char *subject_refusal(const char *value)
{
    const char *why = NULL;
    if (value[0] == '/')
        return "is in the old form of openssl: write it as the log does, the last part first, as in CN=billing,O=Partner Ltd";
    if (strchr(value, '*') != NULL)
        return "has a *, and this key takes no pattern: use cn, ou or o, or fingerprint for a name with a star";
    for (const char *p = value; why == NULL && *p != '\0';) {
        size_t n = strspn(p, LETTERS DIGITS ".");
        why = type_refusal(p, n);
        if (why == NULL)
            p = skip_value(p + n + 1, &why);
    }
    return why;
}

/* One number of a dotted list, of n digits. Behind 0 and 1 there are 40 (X.660). */
static bool is_arc(const char *value, size_t index, const char *arc, size_t n)
{
    if (n == 0 || n > 16 || (n > 1 && arc[0] == '0'))
        return false;
    if (index == 0)
        return n == 1 && arc[0] <= '2';
    return index > 1 || value[0] == '2' || n == 1 || (n == 2 && arc[0] < '4');
}

static const char *policy_refusal(const char *value)
{
    static const char not_oid[] = "is not the number of a certificate policy, as in 1.3.6.1.4.1.99999.1";
    const char *p = value;
    if (strcmp(value, "2.5.29.32.0") == 0)
        return "is anyPolicy, which names none: name the policy, or leave the key out";
    for (size_t i = 0;; i++) {
        size_t n = strspn(p, DIGITS);
        if (!is_arc(value, i, p, n))
            return not_oid;
        p += n;
        if (*p == '\0' && i > 0)
            return NULL;
        if (*p++ != '.')
            return not_oid;
    }
}

static const char *serial_refusal(const char *value)
{
    return value[strspn(value, "0:")] == '\0' ? "is not a serial number" : NULL;
}

/* Text that openssl prints in front of a value is no part of it. */
static bool has_label(const char *key, const char *value)
{
    static const struct {
        const char *key, *label;
    } labels[] = {{"cn", "CN="}, {"cn", "CN ="}, {"ou", "OU="}, {"ou", "OU ="}, {"o", "O="}, {"o", "O ="}, {"c", "C="}, {"c", "C ="},
                  {"st", "ST="}, {"st", "ST ="}, {"l", "L="}, {"l", "L ="}, {"dns", "DNS:"}, {"uri", "URI:"}, {"email", "email:"}};
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
        if (strcmp(labels[i].key, key) == 0 && strncasecmp(value, labels[i].label, strlen(labels[i].label)) == 0)
            return true;
    return false;
}

int config_rule_check(const char *key, const char *value, struct err *err)
{
    static const struct {
        const char *key;
        const char *(*refusal)(const char *value);
    } rows[] = {{"c", country_refusal},   {"subject", subject_refusal}, {"dns", host_refusal},      {"uri", uri_refusal},
                {"email", email_refusal}, {"policy", policy_refusal},   {"issuer", issuer_refusal}, {"serial", serial_refusal}};
    if (has_label(key, value))
        return refuse(value, "begins with a label, which is not part of the name in a certificate: write only the text after it", err);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *why = strcmp(rows[i].key, key) == 0 ? rows[i].refusal(value) : NULL;
        if (why != NULL)
            return refuse(value, why, err);
    }
    return 0;
}
