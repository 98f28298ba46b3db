/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_pbes2.h"

#include "tls_der.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 32, IV_MAX = 16 };

/* The encryption that the file names. */
struct scheme {
    struct span salt, iv, content;
    uint64_t rounds;
    gnutls_mac_algorithm_t mac;
    gnutls_cipher_algorithm_t cipher;
};

static const char pbes2[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d", pbkdf2[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c";

static const struct algorithm {
    const char *oid;
    int id;
} macs[] = {{"\x2a\x86\x48\x86\xf7\x0d\x02\x07", GNUTLS_MAC_SHA1},
            {"\x2a\x86\x48\x86\xf7\x0d\x02\x08", GNUTLS_MAC_SHA224},
            {"\x2a\x86\x48\x86\xf7\x0d\x02\x09", GNUTLS_MAC_SHA256},
            {"\x2a\x86\x48\x86\xf7\x0d\x02\x0a", GNUTLS_MAC_SHA384},
            {"\x2a\x86\x48\x86\xf7\x0d\x02\x0b", GNUTLS_MAC_SHA512},
            {NULL, 0}},
  ciphers[] = {{"\x60\x86\x48\x01\x65\x03\x04\x01\x02", GNUTLS_CIPHER_AES_128_CBC},
               {"\x60\x86\x48\x01\x65\x03\x04\x01\x16", GNUTLS_CIPHER_AES_192_CBC},
               {"\x60\x86\x48\x01\x65\x03\x04\x01\x2a", GNUTLS_CIPHER_AES_256_CBC},
               {"\x2a\x86\x48\x86\xf7\x0d\x03\x07", GNUTLS_CIPHER_3DES_CBC},
               {NULL, 0}};

/* 0: none of the table. */
static int find(const struct algorithm *table, struct span oid)
{
    for (; table->oid != NULL; table++)
        if (span_equals_str(oid, table->oid))
            return table->id;
    return 0;
}

/* AlgorithmIdentifier: its object identifier and what follows. */
static int read_algorithm(struct span *rest, struct span *oid, struct span *parameters)
{
    struct tls_der sequence, name;
    if (tls_der_expect(rest, DER_SEQUENCE, &sequence) != 0 || tls_der_expect(&sequence.value, DER_OID, &name) != 0)
        return -1;
    *oid = name.value;
    *parameters = sequence.value;
    return 0;
}

static int read_number(struct span *rest, uint64_t *out)
{
    struct tls_der number;
    if (tls_der_expect(rest, DER_INTEGER, &number) != 0 || number.value.len == 0 || number.value.len > 8 || (number.value.ptr[0] & 0x80) != 0)
        return -1;
    *out = 0;
    for (size_t i = 0; i < number.value.len; i++)
        *out = *out << 8 | number.value.ptr[i];
    return 0;
}

/* PBKDF2-params. The length of the key is that of the cipher. */
static int read_kdf(struct span parameters, struct scheme *out)
{
    struct tls_der sequence, salt;
    struct span oid, none;
    uint64_t length;
    if (tls_der_expect(&parameters, DER_SEQUENCE, &sequence) != 0 || tls_der_expect(&sequence.value, DER_OCTET_STRING, &salt) != 0 ||
        read_number(&sequence.value, &out->rounds) != 0)
        return -1;
    out->salt = salt.value;
    if (tls_der_peek(sequence.value, DER_INTEGER) && read_number(&sequence.value, &length) != 0)
        return -1;
    out->mac = GNUTLS_MAC_SHA1;
    if (sequence.value.len == 0)
        return 0;
    if (read_algorithm(&sequence.value, &oid, &none) != 0)
        return -1;
    out->mac = (gnutls_mac_algorithm_t)find(macs, oid);
    return 0;
}

static int read_scheme(struct span encrypted, struct scheme *out)
{
    struct tls_der info, parameters, iv, content;
    struct span oid, rest, kdf;
    if (tls_der_expect(&encrypted, DER_SEQUENCE, &info) != 0 || read_algorithm(&info.value, &oid, &rest) != 0 || !span_equals_str(oid, pbes2) ||
        tls_der_expect(&info.value, DER_OCTET_STRING, &content) != 0 || tls_der_expect(&rest, DER_SEQUENCE, &parameters) != 0)
        return -1;
    if (read_algorithm(&parameters.value, &oid, &kdf) != 0 || !span_equals_str(oid, pbkdf2) || read_kdf(kdf, out) != 0 ||
        read_algorithm(&parameters.value, &oid, &rest) != 0 || tls_der_expect(&rest, DER_OCTET_STRING, &iv) != 0)
        return -1;
    out->cipher = (gnutls_cipher_algorithm_t)find(ciphers, oid);
    out->iv = iv.value;
    out->content = content.value;
    size_t block = out->cipher != 0 ? gnutls_cipher_get_block_size(out->cipher) : 1;
    return out->mac != 0 && out->cipher != 0 && out->rounds > 0 && iv.value.len == gnutls_cipher_get_iv_size(out->cipher) && content.value.len > 0 &&
                   content.value.len % block == 0
               ? 0
               : -1;
}

static gnutls_datum_t datum(struct span s)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)s.ptr, (unsigned)s.len};
}

static int derive(const struct scheme *s, struct span passphrase, uint8_t key[KEY_MAX])
{
    const gnutls_datum_t secret = datum(passphrase), salt = datum(s->salt);
    return gnutls_pbkdf2(s->mac, &secret, &salt, (unsigned)s->rounds, key, gnutls_cipher_get_key_size(s->cipher));
}

static int decrypt(const struct scheme *s, const uint8_t key[KEY_MAX], uint8_t *out)
{
    const gnutls_datum_t secret = datum(span_of(key, gnutls_cipher_get_key_size(s->cipher))), iv = datum(s->iv);
    gnutls_cipher_hd_t handle;
    int rc = gnutls_cipher_init(&handle, s->cipher, &secret, &iv);
    if (rc != 0)
        return rc;
    rc = gnutls_cipher_decrypt2(handle, s->content.ptr, s->content.len, out, s->content.len);
    gnutls_cipher_deinit(handle);
    return rc;
}

/* Of 256 wrong passphrases one gives a right padding: then it is no key. */
static bool is_key(struct span plain)
{
    struct tls_der info, version;
    return tls_der_expect(&plain, DER_SEQUENCE, &info) == 0 && plain.len == 0 && tls_der_expect(&info.value, DER_INTEGER, &version) == 0 &&
           version.value.len == 1 && version.value.ptr[0] <= 1 && tls_der_peek(info.value, DER_SEQUENCE);
}

static bool unpad(const uint8_t *text, size_t n, size_t block, struct span *out)
{
    size_t pad = text[n - 1];
    if (pad == 0 || pad > block || pad > n)
        return false;
    for (size_t i = n - pad; i < n; i++)
        if (text[i] != pad)
            return false;
    *out = span_of(text, n - pad);
    return is_key(*out);
}

enum tls_pbes2 tls_pbes2_decrypt(struct span encrypted, struct span passphrase, unsigned *rounds, struct span *der)
{
    struct scheme s = {.mac = GNUTLS_MAC_UNKNOWN};
    uint8_t key[KEY_MAX];
    if (read_scheme(encrypted, &s) != 0)
        return TLS_PBES2_FOREIGN;
    if (s.rounds > *rounds) {
        *rounds = s.rounds > UINT32_MAX ? UINT32_MAX : (unsigned)s.rounds;
        return TLS_PBES2_COSTLY;
    }
    *rounds -= (unsigned)s.rounds;
    uint8_t *out = malloc(s.content.len);
    if (out == NULL)
        return TLS_PBES2_NO_MEMORY;
    bool fine = derive(&s, passphrase, key) == 0 && decrypt(&s, key, out) == 0 && unpad(out, s.content.len, gnutls_cipher_get_block_size(s.cipher), der);
    explicit_bzero(key, sizeof(key));
    if (fine)
        return TLS_PBES2_DONE;
    explicit_bzero(out, s.content.len);
    free(out);
    return TLS_PBES2_WRONG;
}
