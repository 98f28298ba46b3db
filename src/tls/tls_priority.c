/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_priority.h"

#include "mtlsd/base/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* TLS 1.3 and 1.2, AEAD and ECDHE only, no SHA-1 signatures, the cheapest cipher and group first. Not %SAFE_RENEGOTIATION: it refuses clients that
 * offer TLS 1.3 alone and therefore do not mention it (security A14). The engine asks for it after a handshake of TLS 1.2. */
static const char *const own_versions[] = {[TLS_VERSIONS_ALL] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
                                           [TLS_VERSIONS_13] = "NORMAL:-VERS-ALL:+VERS-TLS1.3",
                                           [TLS_VERSIONS_12] = "NORMAL:-VERS-ALL:+VERS-TLS1.2"};
/* Behind a string of the configuration. */
static const char *const fewer_versions[] = {[TLS_VERSIONS_ALL] = ":-VERS-DTLS-ALL:-VERS-TLS1.1:-VERS-TLS1.0",
                                             [TLS_VERSIONS_13] = ":-VERS-DTLS-ALL:-VERS-TLS1.2:-VERS-TLS1.1:-VERS-TLS1.0",
                                             [TLS_VERSIONS_12] = ":-VERS-DTLS-ALL:-VERS-TLS1.3:-VERS-TLS1.1:-VERS-TLS1.0"};
#define ALGORITHMS                                                                                                    \
    ":-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305"                       \
    ":-SIGN-ALL:+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-EDDSA-ED25519"                        \
    ":+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384" /* what TLS 1.2 calls them: without a curve in the name */               \
    ":+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-SHA256:+SIGN-RSA-SHA384"                          \
    ":+SIGN-ECDSA-SECP521R1-SHA512:+SIGN-ECDSA-SHA512:+SIGN-EDDSA-ED448:+SIGN-RSA-PSS-SHA256:+SIGN-RSA-PSS-SHA384"    \
    ":+SIGN-RSA-PSS-SHA512:+SIGN-RSA-PSS-RSAE-SHA512:+SIGN-RSA-SHA512:-GROUP-ALL"
#define HYBRID "X25519-MLKEM768" /* the library's name for X25519MLKEM768 */
#define HYBRID_GROUP ":+GROUP-" HYBRID
#define GROUPS ":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1" /* in TLS 1.2 also of certificates */

#define EXAMPLE "\"SECURE256:-VERS-ALL:+VERS-TLS1.3\""

void tls_priority_write(enum tls_versions versions, bool hybrid, char out[TLS_PRIORITY_SIZE])
{
    snprintf(out, TLS_PRIORITY_SIZE, "%s" ALGORITHMS "%s" GROUPS, own_versions[versions], hybrid && versions != TLS_VERSIONS_12 ? HYBRID_GROUP : "");
}

bool tls_priority_has_hybrid(void)
{
    return gnutls_group_get_id(HYBRID) != GNUTLS_GROUP_INVALID;
}

/* ---- strings that are meant for another library ---- */

/* How a list of OpenSSL's begins. A priority string begins with a keyword, which none of these is. */
static bool is_openssl_item(struct span item)
{
    static const char *const words[] = {"HIGH", "MEDIUM", "LOW", "ALL", "DEFAULT", "COMPLEMENTOFALL", "COMPLEMENTOFDEFAULT", "FIPS", "AESGCM",
                                        "AES", "AES128", "AES256", "CHACHA20", "RSA", "ECDSA", "PSK", "DES", "3DES", "RC4", "EECDH", "EDH"};
    static const char *const beginnings[] = {"TLS_", "ECDH", "DHE-", "ADH", "AECDH", "AES128-", "AES256-", "kE", "kRSA", "kDH", "kPSK", "aNULL",
                                             "aRSA", "aECDSA", "eNULL", "EECDH+", "EDH+", "DEFAULT@", "HIGH+", "!", "@SECLEVEL", "PSK-"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (span_equals_str(item, words[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        size_t n = strlen(beginnings[i]);
        if (item.len >= n && memcmp(item.ptr, beginnings[i], n) == 0)
            return true;
    }
    return false;
}

static bool is_openssl_list(const char *text)
{
    return is_openssl_item(span_of(text, strcspn(text, ":, ")));
}

static int refuse(const char *text, int rc, const char *bad, struct err *err)
{
    if (is_openssl_list(text))
        return err_set(err, ERR_CONFIG,
                       "priority \"%.200s\" is an OpenSSL cipher list, and a GnuTLS priority string is expected: write one such as " EXAMPLE
                       ", or leave priority out",
                       text);
    return err_set(err, ERR_CONFIG, "priority \"%.200s\": %s near \"%.40s\": a GnuTLS priority string is expected, such as " EXAMPLE, text,
                   gnutls_strerror(rc), bad != NULL ? bad : "");
}

/* ---- making one ---- */

/* Every handshake of TLS 1.2 would be refused (security A10). */
static bool lacks_safe_renegotiation(const char *text)
{
    return strcasestr(text, "%DISABLE_SAFE_RENEGOTIATION") != NULL;
}

static int make_own(enum tls_versions versions, gnutls_priority_t *out, struct err *err)
{
    char text[TLS_PRIORITY_SIZE];
    tls_priority_write(versions, true, text);
    if (tls_priority_has_hybrid() && gnutls_priority_init(out, text, NULL) >= 0)
        return 0;
    tls_priority_write(versions, false, text);
    int rc = gnutls_priority_init(out, text, NULL);
    return rc >= 0 ? 0 : err_set(err, ERR_INTERNAL, "the TLS library does not take our own priority string: %s", gnutls_strerror(rc));
}

/* The versions of a string are those that min_version and max_version leave of it. */
static int make_given(const char *text, enum tls_versions versions, gnutls_priority_t *out, struct err *err)
{
    const char *bad = NULL;
    char *whole;
    int rc = gnutls_priority_init(out, text, &bad);
    if (rc < 0)
        return refuse(text, rc, bad, err);
    gnutls_priority_deinit(*out);
    *out = NULL;
    if (asprintf(&whole, "%s%s", text, fewer_versions[versions]) < 0)
        return err_set(err, ERR_MEMORY, "out of memory");
    rc = gnutls_priority_init(out, whole, NULL);
    free(whole);
    const unsigned *list;
    if (rc >= 0 && gnutls_priority_protocol_list(*out, &list) > 0)
        return 0;
    if (rc >= 0)
        gnutls_priority_deinit(*out);
    *out = NULL;
    return err_set(err, ERR_CONFIG, "priority \"%.200s\" has no TLS version that min_version and max_version allow: change one of them", text);
}

int tls_priority_make(const char *text, enum tls_versions versions, gnutls_priority_t *out, struct err *err)
{
    if (text == NULL)
        return make_own(versions, out, err);
    if (lacks_safe_renegotiation(text))
        return err_set(err, ERR_CONFIG, "priority \"%.200s\": TLS 1.2 is refused without secure renegotiation: remove %%DISABLE_SAFE_RENEGOTIATION",
                       text);
    return make_given(text, versions, out, err);
}

unsigned tls_priority_key_shares(gnutls_priority_t priority)
{
    const unsigned *groups;
    int n = gnutls_priority_group_list(priority, &groups);
    bool hybrid = n > 0 && tls_priority_has_hybrid() && groups[0] == (unsigned)gnutls_group_get_id(HYBRID);
    return hybrid ? GNUTLS_KEY_SHARE_TOP2 : GNUTLS_KEY_SHARE_TOP;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int fill(struct tls_priority *p, const char *text, struct err *err)
{
    if (text != NULL && (p->text = strdup(text)) == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (tls_priority_make(text, p->versions, &p->set, err) != 0)
        return -1;
    p->key_shares = tls_priority_key_shares(p->set);
    return 0;
}

struct tls_priority *tls_priority_new(const char *text, enum tls_versions versions, struct tls_priority *like, struct err *err)
{
    if (like != NULL && like->versions == versions && same_text(like->text, text))
        return tls_priority_ref(like);
    struct tls_priority *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    atomic_init(&p->refs, 1);
    p->versions = versions;
    if (fill(p, text, err) == 0)
        return p;
    tls_priority_unref(p);
    return NULL;
}

struct tls_priority *tls_priority_ref(struct tls_priority *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void tls_priority_unref(struct tls_priority *p)
{
    if (p == NULL || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (p->set != NULL)
        gnutls_priority_deinit(p->set);
    free(p->text);
    free(p);
}
