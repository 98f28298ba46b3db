/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_private_key.h"

#include "tls_cert.h"

#include <stdlib.h>
#include <string.h>

enum { ED25519_BYTES = 32, ED448_BYTES = 57, STACK_WIPED = 32 * 1024 };

static bool is_eddsa(int algorithm)
{
    return algorithm == GNUTLS_PK_EDDSA_ED25519 || algorithm == GNUTLS_PK_EDDSA_ED448;
}

static bool is_rsa(gnutls_pk_algorithm_t algorithm)
{
    return algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS;
}

/* The library decodes an EdDSA key into two small blocks that it frees with the key in them. An allocator gives a thread first what that thread
 * freed last, so they are taken once more and wiped. */
static void wipe_freed(size_t size)
{
    void *blocks[32];
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        blocks[i] = malloc(size + i % 4);
        if (blocks[i] != NULL)
            explicit_bzero(blocks[i], size);
    }
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
        free(blocks[i]);
}

__attribute__((noinline)) void tls_private_key_wipe_stack(void)
{
    uint8_t room[STACK_WIPED];
    explicit_bzero(room, sizeof(room));
}

static int import_file(gnutls_x509_privkey_t form, bool pkcs8, struct span der)
{
    const gnutls_datum_t file = tls_cert_datum(der);
    return pkcs8 ? gnutls_x509_privkey_import_pkcs8(form, &file, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN)
                 : gnutls_x509_privkey_import(form, &file, GNUTLS_X509_FMT_DER);
}

/* Wipes and frees number, which may be empty. */
static bool keep(struct tls_key_memory *memory, gnutls_datum_t *number, struct span *out)
{
    *out = tls_key_memory_keep(memory, span_of(number->data, number->size));
    if (number->data != NULL)
        explicit_bzero(number->data, number->size);
    gnutls_free(number->data);
    return out->len == number->size;
}

/* Not the DER: for many files GnuTLS would compute the public key at each import. */
static int keep_numbers(gnutls_x509_privkey_t form, struct tls_private_key *out)
{
    gnutls_datum_t x = {0}, y = {0}, secret = {0};
    int rc = gnutls_x509_privkey_export_ecc_raw(form, &out->curve, &x, &y, &secret);
    bool kept = keep(out->memory, &x, &out->x);
    kept = keep(out->memory, &y, &out->y) && kept;
    kept = keep(out->memory, &secret, &out->secret) && kept; /* each is freed, whatever became of the others */
    return rc < 0 ? rc : kept ? 0 : GNUTLS_E_MEMORY_ERROR;
}

static int keep_file(struct span der, struct tls_private_key *out)
{
    out->secret = tls_key_memory_keep(out->memory, der);
    return out->secret.len == der.len ? 0 : GNUTLS_E_MEMORY_ERROR;
}

int tls_private_key_read(struct span label, struct span der, struct tls_key_memory *memory, struct tls_private_key *out, gnutls_x509_privkey_t form)
{
    *out = (struct tls_private_key){.memory = memory != NULL ? tls_key_memory_ref(memory) : tls_key_memory_new(),
                                    .pkcs8 = span_equals_str(label, "PRIVATE KEY")};
    int rc = out->memory == NULL ? GNUTLS_E_MEMORY_ERROR : import_file(form, out->pkcs8, der);
    int kind = gnutls_x509_privkey_get_pk_algorithm2(form, &out->bits);
    if (is_eddsa(kind))
        wipe_freed(kind == GNUTLS_PK_EDDSA_ED25519 ? ED25519_BYTES : ED448_BYTES);
    out->algorithm = kind > 0 ? (gnutls_pk_algorithm_t)kind : GNUTLS_PK_UNKNOWN;
    if (rc == 0)
        rc = kind < 0 ? kind : is_rsa(out->algorithm) ? keep_file(der, out) : keep_numbers(form, out);
    if (rc < 0)
        tls_private_key_clear(out);
    return rc < 0 ? rc : 0;
}

int tls_private_key_take(gnutls_x509_privkey_t form, struct tls_key_memory *memory, struct tls_private_key *out)
{
    *out = (struct tls_private_key){.memory = memory != NULL ? tls_key_memory_ref(memory) : tls_key_memory_new()};
    int kind = gnutls_x509_privkey_get_pk_algorithm2(form, &out->bits);
    out->algorithm = kind > 0 ? (gnutls_pk_algorithm_t)kind : GNUTLS_PK_UNKNOWN;
    int rc = out->memory == NULL ? GNUTLS_E_MEMORY_ERROR : kind < 0 ? kind : keep_numbers(form, out);
    if (rc < 0)
        tls_private_key_clear(out);
    return rc < 0 ? rc : 0;
}

void tls_private_key_clear(struct tls_private_key *key)
{
    tls_key_memory_wipe(key->secret);
    tls_key_memory_unref(key->memory);
    *key = (struct tls_private_key){0};
}

/* ---- what the library calls ---- */

static int import(const struct tls_private_key *key, gnutls_x509_privkey_t form)
{
    const gnutls_datum_t x = tls_cert_datum(key->x), y = tls_cert_datum(key->y), secret = tls_cert_datum(key->secret);
    return is_rsa(key->algorithm) ? import_file(form, key->pkcs8, key->secret) : gnutls_x509_privkey_import_ecc_raw(form, key->curve, &x, &y, &secret);
}

/* For one signature. */
static int unpack(const struct tls_private_key *key, gnutls_privkey_t *out)
{
    gnutls_x509_privkey_t form = NULL;
    int rc = gnutls_privkey_init(out);
    if (rc != 0)
        return rc;
    rc = gnutls_x509_privkey_init(&form);
    if (rc == 0)
        rc = import(key, form);
    if (rc == 0)
        rc = gnutls_privkey_import_x509(*out, form, GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
    if (rc == 0)
        return 0;
    gnutls_x509_privkey_deinit(form);
    gnutls_privkey_deinit(*out);
    return rc;
}

int tls_private_key_sign(const struct tls_private_key *key, const struct tls_signing *what, gnutls_datum_t *signature)
{
    const gnutls_sign_algorithm_t algorithm = (gnutls_sign_algorithm_t)what->algorithm;
    const gnutls_datum_t input = tls_cert_datum(what->input);
    gnutls_privkey_t form;
    int rc = unpack(key, &form);
    if (rc != 0)
        return rc;
    rc = what->hashed ? gnutls_privkey_sign_hash2(form, algorithm, 0, &input, signature) : gnutls_privkey_sign_data2(form, algorithm, 0, &input, signature);
    gnutls_privkey_deinit(form);
    tls_private_key_wipe_stack();
    return rc;
}

static int sign_data(gnutls_privkey_t lent, gnutls_sign_algorithm_t algorithm, void *key, unsigned flags, const gnutls_datum_t *data,
                     gnutls_datum_t *signature)
{
    (void)lent;
    (void)flags; /* the library gives none */
    return tls_private_key_sign(key, &(struct tls_signing){(int)algorithm, false, span_of(data->data, data->size)}, signature);
}

static int sign_hash(gnutls_privkey_t lent, gnutls_sign_algorithm_t algorithm, void *key, unsigned flags, const gnutls_datum_t *hash,
                     gnutls_datum_t *signature)
{
    (void)lent;
    (void)flags;
    return tls_private_key_sign(key, &(struct tls_signing){(int)algorithm, true, span_of(hash->data, hash->size)}, signature);
}

/* GnuTLS has compared the kind of the algorithm with that of the key before it asks. */
int tls_private_key_tell(unsigned what, int algorithm, unsigned bits)
{
    if (what & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO)
        return 1;
    return what & GNUTLS_PRIVKEY_INFO_PK_ALGO ? algorithm : what & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS ? (int)bits : -1;
}

static int tell(gnutls_privkey_t lent, unsigned what, void *ctx)
{
    (void)lent;
    const struct tls_private_key *key = ctx;
    return tls_private_key_tell(what, (int)key->algorithm, key->bits);
}

int tls_private_key_lend(const struct tls_private_key *key, gnutls_privkey_t *out)
{
    int rc = gnutls_privkey_init(out);
    if (rc != 0)
        return rc;
    rc = gnutls_privkey_import_ext4(*out, (void *)(uintptr_t)key, sign_data, sign_hash, NULL, NULL, tell, 0);
    if (rc != 0) {
        gnutls_privkey_deinit(*out);
        *out = NULL;
    }
    return rc;
}
