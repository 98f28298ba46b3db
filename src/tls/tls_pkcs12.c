/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_pkcs12.h"

#include "tls_cert.h"
#include "tls_maker.h"
#include "tls_pem.h"
#include "tls_private_key.h"

#include "mtlsd/tls/tls_chain.h"

#include <gnutls/crypto.h>
#include <gnutls/pkcs12.h>
#include <string.h>

enum { FILE_MAX = 1024 * 1024, MOST_CERTIFICATES = 31, PASSPHRASE_CHARACTERS = 24 };

/* The contents of the file. The library wipes the key's form. */
struct parts {
    gnutls_x509_privkey_t key;
    struct tls_chain chain, ca;
    gnutls_x509_crt_t leaf;
};

static void clear(struct parts *p)
{
    if (p->key != NULL)
        gnutls_x509_privkey_deinit(p->key);
    if (p->leaf != NULL)
        gnutls_x509_crt_deinit(p->leaf);
    tls_chain_clear(&p->chain);
    tls_chain_clear(&p->ca);
}

/* ---- what goes in ---- */

static bool is_key(struct span label)
{
    return label.len >= 11 && memcmp(label.ptr + label.len - 11, "PRIVATE KEY", 11) == 0;
}

static int read_key_block(const struct tls_pem_reader *r, const struct tls_pem_block *block, struct parts *p, struct err *err)
{
    struct tls_private_key packed;
    struct span der;
    if (tls_pem_decode(r, block, &der, err) != 0)
        return -1;
    int rc = gnutls_x509_privkey_init(&p->key);
    if (rc == 0)
        rc = tls_private_key_read(block->label, der, NULL, &packed, p->key);
    tls_pem_wipe(der);
    if (rc != 0)
        return err_set(err, ERR_CREDENTIAL, "%s:%zu: the private key is encrypted, damaged or of an unknown kind (%s): give a plain one (openssl pkey)", r->file,
                       block->line, gnutls_strerror(rc));
    tls_private_key_clear(&packed);
    return 0;
}

static int read_key(const struct tls_file *file, struct parts *p, struct err *err)
{
    struct tls_pem_reader r;
    struct tls_pem_block block;
    int more;
    if (tls_pem_plausible(file->name, file->text, "a private key", err) != 0)
        return -1;
    tls_pem_start(&r, file->name, file->text);
    while ((more = tls_pem_next(&r, &block, err)) == 1)
        if (is_key(block.label))
            return read_key_block(&r, &block, p, err);
    return more < 0 ? -1 : err_set(err, ERR_CREDENTIAL, "%s: no private key in it: give the file of the key", file->name);
}

/* Whether the first certificate of the CA's file issued the last one of the chain, and is not that itself. */
static bool is_issuer(const struct parts *p)
{
    gnutls_x509_crt_t ca = NULL, last = NULL;
    struct span of_ca = p->ca.ders[0], of_last = p->chain.ders[p->chain.n - 1];
    bool yes = !span_equals(of_ca, of_last) && tls_cert_import(of_ca, &ca) == 0 && tls_cert_import(of_last, &last) == 0 &&
               gnutls_x509_crt_check_issuer(last, ca) != 0;
    gnutls_x509_crt_deinit(ca);
    gnutls_x509_crt_deinit(last);
    return yes;
}

static int read_parts(const struct tls_pkcs12_order *order, struct parts *p, struct err *err)
{
    const char *file = order->certificate.name;
    if (read_key(&order->key, p, err) != 0 || tls_chain_read(&p->chain, order->certificate.text, file, err) != 0)
        return -1;
    if (p->chain.n > MOST_CERTIFICATES)
        return err_set(err, ERR_CREDENTIAL, "%s: more than %d certificates: leave out those that are not of the chain", file, MOST_CERTIFICATES);
    int rc = tls_cert_import(p->chain.ders[0], &p->leaf);
    if (rc != 0)
        return tls_maker_failed(err, file, rc);
    if (!tls_cert_has_key(p->leaf, p->key))
        return err_set(err, ERR_CREDENTIAL, "%s: the first certificate does not belong to the private key in %s: give both of one request", file, order->key.name);
    return order->ca.text.len > 0 ? tls_chain_read(&p->ca, order->ca.text, order->ca.name, err) : 0;
}

/* ---- the file ---- */

/* Programs show the name, and find by the id which certificate belongs to the key. */
static int name_first(gnutls_pkcs12_bag_t bag, const struct parts *p, const char *name)
{
    uint8_t id[20];
    size_t size = sizeof(id);
    int rc = gnutls_x509_crt_get_key_id(p->leaf, GNUTLS_KEYID_USE_SHA1, id, &size);
    const gnutls_datum_t key_id = {id, (unsigned)size};
    if (rc == 0)
        rc = gnutls_pkcs12_bag_set_friendly_name(bag, 0, name);
    return rc == 0 ? gnutls_pkcs12_bag_set_key_id(bag, 0, &key_id) : rc;
}

static int put(gnutls_pkcs12_bag_t bag, gnutls_pkcs12_bag_type_t type, struct span der)
{
    const gnutls_datum_t datum = tls_cert_datum(der);
    int rc = gnutls_pkcs12_bag_set_data(bag, type, &datum);
    return rc < 0 ? rc : 0;
}

static int fill_certificates(gnutls_pkcs12_bag_t bag, const struct parts *p, const struct tls_pkcs12_order *order)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->chain.n; i++)
        rc = put(bag, GNUTLS_BAG_CERTIFICATE, p->chain.ders[i]);
    if (rc == 0 && p->ca.n > 0 && is_issuer(p))
        rc = put(bag, GNUTLS_BAG_CERTIFICATE, p->ca.ders[0]);
    if (rc == 0)
        rc = name_first(bag, p, order->name);
    return rc == 0 ? gnutls_pkcs12_bag_encrypt(bag, order->passphrase, GNUTLS_PKCS_PBES2_AES_256) : rc;
}

static int fill_key(gnutls_pkcs12_bag_t bag, const struct parts *p, const struct tls_pkcs12_order *order)
{
    gnutls_datum_t der = {NULL, 0};
    int rc = gnutls_x509_privkey_export2_pkcs8(p->key, GNUTLS_X509_FMT_DER, order->passphrase, GNUTLS_PKCS_PBES2_AES_256, &der);
    if (rc == 0)
        rc = put(bag, GNUTLS_BAG_PKCS8_ENCRYPTED_KEY, span_of(der.data, der.size));
    gnutls_free(der.data);
    return rc == 0 ? name_first(bag, p, order->name) : rc;
}

typedef int (*fill_fn)(gnutls_pkcs12_bag_t bag, const struct parts *p, const struct tls_pkcs12_order *order);

static int add_bag(gnutls_pkcs12_t p12, fill_fn fill, const struct parts *p, const struct tls_pkcs12_order *order)
{
    gnutls_pkcs12_bag_t bag;
    int rc = gnutls_pkcs12_bag_init(&bag);
    if (rc != 0)
        return rc;
    rc = fill(bag, p, order);
    if (rc == 0)
        rc = gnutls_pkcs12_set_bag(p12, bag);
    gnutls_pkcs12_bag_deinit(bag);
    return rc;
}

static int write_parts(const struct parts *p, const struct tls_pkcs12_order *order, struct bytes *out)
{
    gnutls_pkcs12_t p12;
    gnutls_datum_t der = {NULL, 0};
    int rc = gnutls_pkcs12_init(&p12);
    if (rc != 0)
        return rc;
    rc = add_bag(p12, fill_certificates, p, order);
    if (rc == 0)
        rc = add_bag(p12, fill_key, p, order);
    if (rc == 0)
        rc = gnutls_pkcs12_generate_mac2(p12, GNUTLS_MAC_SHA256, order->passphrase);
    if (rc == 0)
        rc = gnutls_pkcs12_export2(p12, GNUTLS_X509_FMT_DER, &der);
    if (rc == 0 && bytes_append(out, der.data, der.size) != 0)
        rc = GNUTLS_E_MEMORY_ERROR;
    gnutls_free(der.data);
    gnutls_pkcs12_deinit(p12);
    return rc;
}

int tls_pkcs12_new(const struct tls_pkcs12_order *order, struct bytes *out, struct err *err)
{
    struct parts p = {.key = NULL};
    bytes_init(out, FILE_MAX);
    int rc = read_parts(order, &p, err);
    if (rc == 0) {
        rc = write_parts(&p, order, out);
        rc = rc == 0 ? 0 : tls_maker_failed(err, "cannot make the PKCS#12 file", rc);
    }
    clear(&p);
    if (rc != 0)
        bytes_clear(out);
    return rc;
}

/* ---- the passphrase ---- */

static struct span without_line_end(struct span text)
{
    if (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.len--;
    if (text.len > 0 && text.ptr[text.len - 1] == '\r')
        text.len--;
    return text;
}

int tls_pkcs12_read_passphrase(const struct tls_file *file, char out[TLS_PKCS12_PASSPHRASE], struct err *err)
{
    struct span text = without_line_end(file->text);
    if (text.len < TLS_PKCS12_LEAST_PASSPHRASE || text.len >= TLS_PKCS12_PASSPHRASE)
        return err_set(err, ERR_CREDENTIAL, "%s: the passphrase has %zu characters: write one with %d to %d", file->name, text.len, TLS_PKCS12_LEAST_PASSPHRASE,
                       TLS_PKCS12_PASSPHRASE - 1);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~')
            return err_set(err, ERR_CREDENTIAL,
                           "%s: the passphrase has a line end or a character outside ASCII, which programs encode differently: write one line of ASCII", file->name);
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return 0;
}

int tls_pkcs12_new_passphrase(char out[TLS_PKCS12_PASSPHRASE], struct err *err)
{
    static const char letters[33] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32, without l, o, 0 and 1 */
    uint8_t random[PASSPHRASE_CHARACTERS];
    int rc = gnutls_rnd(GNUTLS_RND_KEY, random, sizeof(random));
    if (rc != 0)
        return tls_maker_failed(err, "no random bytes for a passphrase", rc);
    for (size_t i = 0; i < sizeof(random); i++)
        out[i] = letters[random[i] & 31];
    out[sizeof(random)] = '\0';
    explicit_bzero(random, sizeof(random));
    return 0;
}
