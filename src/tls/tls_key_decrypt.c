/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_key_decrypt.h"

#include "tls_cert.h"
#include "tls_der.h"
#include "tls_pbes2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the passphrase ---- */

/* Editors write a mark of UTF-8 and a line end, which are not meant. */
static struct span line_of(struct span text)
{
    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
        text = span_skip(text, 3);
    if (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.len--;
    if (text.len > 0 && text.ptr[text.len - 1] == '\r')
        text.len--;
    return text;
}

int tls_passphrase_read(const struct tls_file *file, struct tls_passphrase *out, struct err *err)
{
    struct span line = line_of(file->text);
    *out = (struct tls_passphrase){.file = file->name};
    if (file->name == NULL)
        return 0;
    if (line.len == 0)
        return err_set(err, ERR_CREDENTIAL, "%s: the passphrase is empty: write it into the file as one line, or leave passphrase_file out", file->name);
    if (line.len >= sizeof(out->text))
        return err_set(err, ERR_CREDENTIAL, "%s: the passphrase is longer than %zu bytes: is this another file?", file->name, sizeof(out->text) - 1);
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] < ' ')
            return err_set(err, ERR_CREDENTIAL, "%s: the passphrase has several lines or a control character: write it alone, as one line", file->name);
    memcpy(out->text, line.ptr, line.len);
    return 0;
}

void tls_passphrase_wipe(struct tls_passphrase *p)
{
    explicit_bzero(p, sizeof(*p));
}

/* ---- keys ---- */

static bool has_proc_type(const struct tls_pem_block *block)
{
    static const char mark[] = "Proc-Type: 4,ENCRYPTED";
    return block->body.len > sizeof(mark) && memmem(block->body.ptr, block->body.len, mark, sizeof(mark) - 1) != NULL;
}

bool tls_key_is_encrypted(const struct tls_pem_block *block)
{
    return span_equals_str(block->label, "ENCRYPTED PRIVATE KEY") || has_proc_type(block);
}

int tls_key_afford(const char *file, unsigned asked, unsigned *rounds, struct err *err)
{
    if (asked > *rounds)
        return err_set(err, ERR_CREDENTIAL, "%s: asks for %u rounds to make a key of the passphrase, and %d in all are allowed: encrypt it again with fewer (-iter)",
                       file, asked, TLS_KEY_MOST_ROUNDS);
    *rounds -= asked;
    return 0;
}

/* A copy that the caller may wipe; the library's own is wiped here. */
static int export_plain(gnutls_x509_privkey_t form, struct span *der)
{
    gnutls_datum_t plain = {NULL, 0};
    int rc = gnutls_x509_privkey_export2_pkcs8(form, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN, &plain);
    uint8_t *copy = rc == 0 ? malloc(plain.size) : NULL;
    if (copy != NULL)
        memcpy(copy, plain.data, plain.size);
    else if (rc == 0)
        rc = GNUTLS_E_MEMORY_ERROR;
    if (plain.data != NULL)
        explicit_bzero(plain.data, plain.size);
    gnutls_free(plain.data);
    *der = span_of(copy, copy != NULL ? plain.size : 0);
    return rc;
}

static int refuse_pkcs8(const char *file, int rc, struct err *err)
{
    if (rc == GNUTLS_E_MEMORY_ERROR)
        return err_set(err, ERR_MEMORY, "out of memory");
    return err_set(err, ERR_CREDENTIAL, "%s: the private key cannot be decrypted: the passphrase is wrong, or the file is damaged (%s)", file, gnutls_strerror(rc));
}

/* Other libraries have schemes that this one lacks, such as scrypt of openssl pkcs8. */
static int check_scheme(const char *file, const gnutls_datum_t *encrypted, unsigned *rounds, struct err *err)
{
    unsigned schema = 0, cipher = 0, asked = 0, salt_size = 0;
    char *oid = NULL;
    int rc = gnutls_pkcs8_info(encrypted, GNUTLS_X509_FMT_DER, &schema, &cipher, NULL, &salt_size, &asked, &oid);
    int result = 0;
    if (rc < 0 && rc != GNUTLS_E_SHORT_MEMORY_BUFFER)
        result = err_set(err, ERR_CREDENTIAL,
                         "%s: the private key is damaged, or encrypted in a way that is not known here (%s): encrypt it again (openssl pkcs8 -topk8 -v2 aes256)", file,
                         oid != NULL ? oid : gnutls_strerror(rc));
    else
        result = tls_key_afford(file, asked, rounds, err);
    gnutls_free(oid);
    return result;
}

/* The older schemes, which the library has. */
static int decrypt_by_library(const char *file, struct span encrypted, const char *passphrase, unsigned *rounds, struct span *der, struct err *err)
{
    const gnutls_datum_t in = tls_cert_datum(encrypted);
    gnutls_x509_privkey_t form;
    if (check_scheme(file, &in, rounds, err) != 0)
        return -1;
    int rc = gnutls_x509_privkey_init(&form);
    if (rc != 0)
        return refuse_pkcs8(file, rc, err);
    rc = gnutls_x509_privkey_import_pkcs8(form, &in, GNUTLS_X509_FMT_DER, passphrase, 0);
    if (rc == 0)
        rc = export_plain(form, der);
    gnutls_x509_privkey_deinit(form);
    return rc == 0 ? 0 : refuse_pkcs8(file, rc, err);
}

static int copy_plain(struct span plain, struct span *der, struct err *err)
{
    uint8_t *copy = malloc(plain.len + 1);
    if (copy == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    memcpy(copy, plain.ptr, plain.len);
    *der = span_of(copy, plain.len);
    return 0;
}

int tls_key_decrypt_pkcs8(const char *file, struct span encrypted, const char *passphrase, unsigned *rounds, struct span *der, struct err *err)
{
    unsigned asked = *rounds;
    if (passphrase == NULL)
        return copy_plain(encrypted, der, err);
    switch (tls_pbes2_decrypt(encrypted, span_from_str(passphrase), &asked, der)) {
    case TLS_PBES2_DONE:
        *rounds = asked;
        return 0;
    case TLS_PBES2_COSTLY:
        return tls_key_afford(file, asked, rounds, err);
    case TLS_PBES2_WRONG:
        return refuse_pkcs8(file, GNUTLS_E_DECRYPTION_FAILED, err);
    case TLS_PBES2_NO_MEMORY:
        return err_set(err, ERR_MEMORY, "out of memory");
    case TLS_PBES2_FOREIGN:
        break;
    }
    return decrypt_by_library(file, encrypted, passphrase, rounds, der, err);
}

/* One round of MD5: it needs no bound, and protects a short passphrase badly. */
static int decrypt_openssl(const char *place, const struct tls_pem_block *block, const char *passphrase, struct span *der, struct err *err)
{
    const gnutls_datum_t in = tls_cert_datum(block->whole);
    gnutls_x509_privkey_t form;
    int rc = gnutls_x509_privkey_init(&form);
    if (rc != 0)
        return refuse_pkcs8(place, rc, err);
    rc = gnutls_x509_privkey_import_openssl(form, &in, passphrase);
    if (rc == 0)
        rc = export_plain(form, der);
    gnutls_x509_privkey_deinit(form);
    if (rc == GNUTLS_E_INVALID_REQUEST || rc == GNUTLS_E_UNKNOWN_CIPHER_TYPE)
        return err_set(err, ERR_CREDENTIAL, "%s: the private key is encrypted in a way that is not known here: encrypt it again (openssl pkcs8 -topk8 -v2 aes256)", place);
    return rc == 0 ? 0 : refuse_pkcs8(place, rc, err);
}

int tls_key_decrypt_block(const struct tls_pem_reader *r, const struct tls_pem_block *block, const struct tls_passphrase *p, struct span *der, struct err *err)
{
    char place[320];
    unsigned rounds = TLS_KEY_MOST_ROUNDS;
    snprintf(place, sizeof(place), "%.280s:%zu", r->file, block->line);
    if (p->file == NULL)
        return err_set(err, ERR_CREDENTIAL,
                       "%s: the private key is encrypted: name the file of its passphrase in passphrase_file, or store the key without one (openssl pkey -in FILE "
                       "-out PLAIN), readable by its owner only",
                       place);
    if (has_proc_type(block))
        return decrypt_openssl(place, block, p->text, der, err);
    struct span encrypted;
    if (tls_pem_decode(r, block, &encrypted, err) != 0)
        return -1;
    int rc = tls_key_decrypt_pkcs8(place, encrypted, p->text, &rounds, der, err);
    tls_pem_wipe(encrypted);
    return rc;
}

/* ---- keys without their public half ---- */

/* The secret number of an EC key (RFC 5915) in PKCS#8. */
static int find_scalar(struct span pkcs8, struct span *out)
{
    struct tls_der info, version, algorithm, oid, octets, key, scalar;
    if (tls_der_expect(&pkcs8, DER_SEQUENCE, &info) != 0 || tls_der_expect(&info.value, DER_INTEGER, &version) != 0 ||
        tls_der_expect(&info.value, DER_SEQUENCE, &algorithm) != 0 || tls_der_expect(&algorithm.value, DER_OID, &oid) != 0 ||
        !span_equals_str(oid.value, "\x2a\x86\x48\xce\x3d\x02\x01") || tls_der_expect(&info.value, DER_OCTET_STRING, &octets) != 0)
        return -1;
    if (tls_der_expect(&octets.value, DER_SEQUENCE, &key) != 0 || tls_der_expect(&key.value, DER_INTEGER, &version) != 0 ||
        tls_der_expect(&key.value, DER_OCTET_STRING, &scalar) != 0)
        return -1;
    *out = scalar.value;
    return 0;
}

/* That the two halves belong together shows in a signature that is made and verified. */
static int join_halves(gnutls_x509_crt_t crt, struct span scalar, gnutls_x509_privkey_t form)
{
    gnutls_ecc_curve_t curve;
    gnutls_datum_t x = {NULL, 0}, y = {NULL, 0};
    const gnutls_datum_t k = tls_cert_datum(scalar);
    int rc = gnutls_x509_crt_get_pk_ecc_raw(crt, &curve, &x, &y);
    if (rc == 0)
        rc = gnutls_x509_privkey_import_ecc_raw(form, curve, &x, &y, &k);
    if (rc == 0)
        rc = gnutls_x509_privkey_verify_params(form);
    gnutls_free(x.data);
    gnutls_free(y.data);
    return rc;
}

int tls_key_complete(struct span pkcs8, struct span certificate, struct span *whole)
{
    gnutls_x509_crt_t crt = NULL;
    gnutls_x509_privkey_t form = NULL;
    struct span scalar;
    int rc = find_scalar(pkcs8, &scalar) == 0 && tls_cert_import(certificate, &crt) == 0 && gnutls_x509_privkey_init(&form) == 0 ? 0 : -1;
    if (rc == 0)
        rc = join_halves(crt, scalar, form);
    if (rc == 0)
        rc = export_plain(form, whole);
    gnutls_x509_privkey_deinit(form);
    gnutls_x509_crt_deinit(crt);
    return rc == 0 ? 0 : -1;
}
