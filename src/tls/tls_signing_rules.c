/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_key.h"

#include "mtlsd/tls/tls_signing_key.h"

#include <gnutls/crypto.h>
#include <string.h>

/* ---- a hash ---- */

/* DigestInfo up to the hash (RFC 8017 section 9.2, note 1). */
static const struct digest_info {
    uint8_t prefix[19];
    uint8_t n, hash;
} infos[] = {
    {{0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14}, 15, 20},
    {{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}, 19, 32},
    {{0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30}, 19, 48},
    {{0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40}, 19, 64},
};

static bool is_digest_info(struct span s)
{
    for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++)
        if (s.len == (size_t)infos[i].n + infos[i].hash && memcmp(s.ptr, infos[i].prefix, infos[i].n) == 0)
            return true;
    return false;
}

static const char *hash_refusal(const struct tls_signing *what)
{
    const gnutls_sign_algorithm_t algorithm = (gnutls_sign_algorithm_t)what->algorithm;
    if (algorithm == GNUTLS_SIGN_RSA_RAW)
        return is_digest_info(what->input) ? NULL : "no hash in a DigestInfo";
    const gnutls_digest_algorithm_t hash = gnutls_sign_get_hash_algorithm(algorithm);
    if (!tls_key_is_known((int)gnutls_sign_get_pk_algorithm(algorithm)) || hash == GNUTLS_DIG_UNKNOWN || hash == GNUTLS_DIG_MD5)
        return "no algorithm of TLS for a hash";
    return what->input.len == gnutls_hash_get_len(hash) ? NULL : "no hash of this algorithm";
}

/* ---- what is signed in a handshake ---- */

enum { RANDOMS = 64, NAMED_CURVE = 3, CLIENT_HELLO = 1, CLIENT_KEY_EXCHANGE = 16 };

/* RFC 8446 section 4.4.3: 64 spaces, a context, a zero byte, the hash of the transcript. */
static bool is_certificate_verify_13(struct span s)
{
    static const char client[] = "TLS 1.3, client CertificateVerify", server[] = "TLS 1.3, server CertificateVerify";
    enum { SPACES = 64, CONTEXT = sizeof(client), SHA256 = 32, SHA384 = 48 };
    if (s.len != SPACES + CONTEXT + SHA256 && s.len != SPACES + CONTEXT + SHA384)
        return false;
    for (size_t i = 0; i < SPACES; i++)
        if (s.ptr[i] != ' ')
            return false;
    return memcmp(s.ptr + SPACES, client, CONTEXT) == 0 || memcmp(s.ptr + SPACES, server, CONTEXT) == 0;
}

/* Takes a vector of at least one byte off *rest, whose length has this many bytes. */
static bool skip_vector(struct span *rest, size_t length_bytes)
{
    size_t n = 0;
    if (rest->len < length_bytes)
        return false;
    for (size_t i = 0; i < length_bytes; i++)
        n = n << 8 | rest->ptr[i];
    *rest = span_skip(*rest, length_bytes);
    if (n == 0 || n > rest->len)
        return false;
    *rest = span_skip(*rest, n);
    return true;
}

/* RFC 5246 section 7.4.3 and RFC 8422 section 5.4: both randoms, then a named curve with a point, or the three numbers of Diffie-Hellman. */
static bool is_key_exchange_12(struct span s)
{
    if (s.len < RANDOMS + 4)
        return false;
    struct span curve = span_skip(s, RANDOMS + 3), numbers = span_skip(s, RANDOMS);
    if (s.ptr[RANDOMS] == NAMED_CURVE && skip_vector(&curve, 1) && curve.len == 0)
        return true;
    return skip_vector(&numbers, 2) && skip_vector(&numbers, 2) && skip_vector(&numbers, 2) && numbers.len == 0;
}

static bool may_precede_verify(uint8_t type)
{
    static const uint8_t types[] = {CLIENT_HELLO, 2 /* server_hello */, 11 /* certificate */, 12 /* server_key_exchange */, 13 /* certificate_request */,
                                    14 /* server_hello_done */, CLIENT_KEY_EXCHANGE, 22 /* certificate_status */};
    return memchr(types, type, sizeof(types)) != NULL;
}

/* RFC 5246 section 7.4.8: every message of the handshake so far. */
static bool is_certificate_verify_12(struct span s)
{
    uint8_t last = 0;
    if (s.len == 0 || s.ptr[0] != CLIENT_HELLO)
        return false;
    while (s.len > 0) {
        last = s.ptr[0];
        size_t n = s.len >= 4 ? (size_t)s.ptr[1] << 16 | (size_t)s.ptr[2] << 8 | s.ptr[3] : 0;
        if (!may_precede_verify(last) || s.len < 4 || n > s.len - 4)
            return false;
        s = span_skip(s, 4 + n);
    }
    return last == CLIENT_KEY_EXCHANGE;
}

const char *tls_signing_refusal(const struct tls_signing *what)
{
    if (what->hashed)
        return hash_refusal(what);
    const int kind = (int)gnutls_sign_get_pk_algorithm((gnutls_sign_algorithm_t)what->algorithm);
    if (kind != GNUTLS_PK_EDDSA_ED25519 && kind != GNUTLS_PK_EDDSA_ED448)
        return "no algorithm that takes data";
    bool known = is_certificate_verify_13(what->input) || is_key_exchange_12(what->input) || is_certificate_verify_12(what->input);
    return known ? NULL : "no content of a TLS handshake";
}
