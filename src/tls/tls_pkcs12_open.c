/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_pkcs12_open.h"

#include "tls_cert.h"
#include "tls_path.h"

#include <gnutls/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1024 * 1024, MOST_BAGS = 64, NAMES_SIZE = 200 };

/* The state of reading one file. */
struct opening {
    const struct tls_file *file;
    const char *passphrase; /* NULL: the file has none, not even an empty one */
    unsigned rounds;        /* left */
    size_t n_keys;
    struct span packed;     /* the first one, as it is in the file; owned */
    bool encrypted;         /* it is */
    char names[NAMES_SIZE]; /* of the keys, for a refusal */
    struct tls_pkcs12_content *out;
    struct err *err;
};

static int refuse(const struct opening *o, int rc, const char *what)
{
    if (rc == GNUTLS_E_MEMORY_ERROR)
        return err_set(o->err, ERR_MEMORY, "out of memory");
    return err_set(o->err, ERR_CREDENTIAL, "%s: %s (%s)", o->file->name, what, gnutls_strerror(rc));
}

/* ---- the elements of a bag ---- */

static void note_name(struct opening *o, gnutls_pkcs12_bag_t bag, unsigned i)
{
    char *name = NULL; /* stays the bag's */
    size_t used = strlen(o->names);
    if (gnutls_pkcs12_bag_get_friendly_name(bag, i, &name) < 0 || name == NULL)
        return;
    snprintf(o->names + used, sizeof(o->names) - used, "%s%.60s", used > 0 ? ", " : "", name);
    for (char *c = o->names + used; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
}

/* A copy, for tls_pem_wipe. */
static int copy_data(const struct opening *o, gnutls_pkcs12_bag_t bag, unsigned i, struct span *out)
{
    gnutls_datum_t data = {NULL, 0};
    int rc = gnutls_pkcs12_bag_get_data(bag, i, &data);
    if (rc < 0)
        return refuse(o, rc, "damaged, not PKCS#12");
    uint8_t *copy = malloc(data.size + 1);
    if (copy == NULL)
        return refuse(o, GNUTLS_E_MEMORY_ERROR, "");
    memcpy(copy, data.data, data.size);
    *out = span_of(copy, data.size);
    return 0;
}

/* Decrypted when it is known that there is only one. */
static int take_key(struct opening *o, gnutls_pkcs12_bag_t bag, unsigned i, bool encrypted)
{
    note_name(o, bag, i);
    o->encrypted = encrypted;
    return ++o->n_keys > 1 ? 0 : copy_data(o, bag, i, &o->packed);
}

static int take_certificate(struct opening *o, gnutls_pkcs12_bag_t bag, unsigned i)
{
    if (o->out->n == TLS_PKCS12_MOST_CERTIFICATES)
        return err_set(o->err, ERR_CREDENTIAL, "%s: more than %d certificates: export only the key with its chain", o->file->name, TLS_PKCS12_MOST_CERTIFICATES);
    int rc = copy_data(o, bag, i, &o->out->ders[o->out->n]);
    o->out->n += rc == 0;
    return rc;
}

static int take_elements(struct opening *o, gnutls_pkcs12_bag_t bag)
{
    int n = gnutls_pkcs12_bag_get_count(bag), rc = 0;
    for (int i = 0; rc == 0 && i < n; i++) {
        int type = gnutls_pkcs12_bag_get_type(bag, (unsigned)i);
        if (type == GNUTLS_BAG_PKCS8_ENCRYPTED_KEY || type == GNUTLS_BAG_PKCS8_KEY)
            rc = take_key(o, bag, (unsigned)i, type == GNUTLS_BAG_PKCS8_ENCRYPTED_KEY);
        else if (type == GNUTLS_BAG_CERTIFICATE)
            rc = take_certificate(o, bag, (unsigned)i);
    }
    return rc;
}

/* ---- bags ---- */

static int decrypt_bag(struct opening *o, gnutls_pkcs12_bag_t bag)
{
    unsigned schema = 0, cipher = 0, asked = 0, salt_size = 0;
    char *oid = NULL;
    int rc = gnutls_pkcs12_bag_enc_info(bag, &schema, &cipher, NULL, &salt_size, &asked, &oid);
    gnutls_free(oid);
    if (rc < 0 && rc != GNUTLS_E_SHORT_MEMORY_BUFFER)
        return refuse(o, rc, "its certificates are encrypted in a way that is not known here: export it again with AES-256 (PBES2)");
    if (tls_key_afford(o->file->name, asked, &o->rounds, o->err) != 0)
        return -1;
    rc = gnutls_pkcs12_bag_decrypt(bag, o->passphrase);
    return rc < 0 ? refuse(o, rc, "its certificates cannot be decrypted: export it again with AES-256 (PBES2)") : 0;
}

/* 1: a bag was read; 0: there is none. */
static int take_bag(struct opening *o, gnutls_pkcs12_t p12, int i)
{
    gnutls_pkcs12_bag_t bag;
    int rc = gnutls_pkcs12_bag_init(&bag);
    if (rc < 0)
        return refuse(o, rc, "");
    int got = gnutls_pkcs12_get_bag(p12, i, bag);
    if (got < 0)
        rc = got == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE ? 0 : refuse(o, got, "damaged, not PKCS#12");
    else if (gnutls_pkcs12_bag_get_type(bag, 0) == GNUTLS_BAG_ENCRYPTED && decrypt_bag(o, bag) != 0)
        rc = -1;
    else
        rc = take_elements(o, bag) == 0 ? 1 : -1;
    gnutls_pkcs12_bag_deinit(bag);
    return rc;
}

static int check_content(const struct opening *o)
{
    const char *file = o->file->name;
    if (o->n_keys > 1)
        return err_set(o->err, ERR_CREDENTIAL,
                       "%s: holds %zu private keys%s%s%s, and an identity has one: export the one alone (keytool -importkeystore -srcalias NAME)", file, o->n_keys,
                       o->names[0] != '\0' ? " (" : "", o->names, o->names[0] != '\0' ? ")" : "");
    if (o->n_keys == 0)
        return err_set(o->err, ERR_CREDENTIAL, "%s: holds no private key: export the certificate together with its key", file);
    if (o->out->n == 0)
        return err_set(o->err, ERR_CREDENTIAL, "%s: holds no certificate: export the key together with its certificate and chain", file);
    return 0;
}

static int take_all(struct opening *o, gnutls_pkcs12_t p12)
{
    int more = 1;
    for (int i = 0; more == 1; i++) {
        if (i == MOST_BAGS)
            return err_set(o->err, ERR_CREDENTIAL, "%s: more than %d parts: export only the key with its chain", o->file->name, MOST_BAGS);
        more = take_bag(o, p12, i);
    }
    if (more < 0 || check_content(o) != 0)
        return -1;
    const char *passphrase = o->passphrase != NULL ? o->passphrase : "";
    return tls_key_decrypt_pkcs8(o->file->name, o->packed, o->encrypted ? passphrase : NULL, &o->rounds, &o->out->key, o->err);
}

/* ---- the MAC ---- */

/* Some programs write an empty passphrase as no bytes, and some as one character that is zero. */
static int verify_mac(struct opening *o, gnutls_pkcs12_t p12, bool given)
{
    int rc = gnutls_pkcs12_verify_mac(p12, o->passphrase);
    if (rc < 0 && !given) {
        o->passphrase = NULL;
        rc = gnutls_pkcs12_verify_mac(p12, NULL);
    }
    if (rc == GNUTLS_E_MEMORY_ERROR)
        return refuse(o, rc, "");
    if (rc < 0 && !given)
        return err_set(o->err, ERR_CREDENTIAL, "%s: a passphrase protects it: name the file of the passphrase in passphrase_file", o->file->name);
    return rc < 0 ? refuse(o, rc, "the passphrase is wrong, or the file is damaged") : 0;
}

static int check_mac(struct opening *o, gnutls_pkcs12_t p12, bool given)
{
    unsigned mac = GNUTLS_MAC_UNKNOWN, salt_size = 0, asked = 0;
    char *oid = NULL;
    int rc = gnutls_pkcs12_mac_info(p12, &mac, NULL, &salt_size, &asked, &oid);
    if (rc == GNUTLS_E_SHORT_MEMORY_BUFFER)
        rc = 0;
    if (rc < 0 || mac == GNUTLS_MAC_UNKNOWN)
        rc = err_set(o->err, ERR_CREDENTIAL,
                     oid != NULL && oid[0] != '\0' ? "%s: its MAC is of a kind that is not known here (%s): export it again with an HMAC of SHA-256"
                                                   : "%s: has no MAC, so that a changed file would not be noticed: export it again with one (without -nomac)%s",
                     o->file->name, oid != NULL ? oid : "");
    else
        rc = tls_key_afford(o->file->name, asked, &o->rounds, o->err);
    gnutls_free(oid);
    return rc == 0 ? verify_mac(o, p12, given) : -1;
}

static int open_file(struct opening *o, bool given)
{
    const gnutls_datum_t der = tls_cert_datum(o->file->text);
    gnutls_pkcs12_t p12;
    int rc = gnutls_pkcs12_init(&p12);
    if (rc < 0)
        return refuse(o, rc, "");
    rc = gnutls_pkcs12_import(p12, &der, GNUTLS_X509_FMT_DER, 0);
    if (rc < 0)
        rc = refuse(o, rc, "is not a PKCS#12 file");
    else
        rc = check_mac(o, p12, given) == 0 ? take_all(o, p12) : -1;
    gnutls_pkcs12_deinit(p12);
    return rc;
}

int tls_pkcs12_open(const struct tls_file *file, const struct tls_passphrase *p, struct tls_pkcs12_content *out, struct err *err)
{
    struct opening o = {.file = file, .passphrase = p->text, .rounds = TLS_KEY_MOST_ROUNDS, .out = out, .err = err};
    *out = (struct tls_pkcs12_content){.n = 0};
    if (file->text.len > FILE_MAX)
        return err_set(err, ERR_CREDENTIAL, "%s: larger than 1 MiB: is this a PKCS#12 file with one key and its chain?", file->name);
    if (memmem(file->text.ptr, file->text.len, "-----BEGIN", 10) != NULL)
        return err_set(err, ERR_CREDENTIAL, "%s: is PEM, not PKCS#12: name it in bundle, or in certificate and key", file->name);
    int rc = open_file(&o, p->file != NULL);
    tls_pem_wipe(o.packed);
    if (rc != 0)
        tls_pkcs12_close(out);
    return rc;
}

void tls_pkcs12_close(struct tls_pkcs12_content *content)
{
    tls_pem_wipe(content->key);
    for (size_t i = 0; i < content->n; i++)
        free((void *)(uintptr_t)content->ders[i].ptr);
    *content = (struct tls_pkcs12_content){.n = 0};
}

/* ---- the chain ---- */

/* Stores of Java also hold CAs that have nothing to do with the key. */
void tls_pkcs12_put_leaf_first(struct tls_pkcs12_content *content, const uint8_t public_id[32])
{
    for (size_t i = 0; i < content->n; i++) {
        gnutls_x509_crt_t crt = NULL;
        bool leaf = tls_cert_import(content->ders[i], &crt) == 0 && tls_cert_has_public_id(crt, public_id);
        gnutls_x509_crt_deinit(crt);
        if (!leaf)
            continue;
        struct span first = content->ders[0];
        content->ders[0] = content->ders[i];
        content->ders[i] = first;
        return;
    }
}

/* The place of the certificate that issued this one, itself left out; n: there is none. */
static size_t find_issuer(const struct tls_pkcs12_content *content, const bool *used, gnutls_x509_crt_t of, gnutls_x509_crt_t *out)
{
    for (size_t i = 0; i < content->n; i++) {
        if (used[i] || tls_cert_import(content->ders[i], out) != 0)
            continue;
        if (gnutls_x509_crt_check_issuer(of, *out) != 0 && tls_path_is_signed(of, *out))
            return i;
        gnutls_x509_crt_deinit(*out);
        *out = NULL;
    }
    return content->n;
}

static int append_pem(struct bytes *out, struct span der)
{
    const gnutls_datum_t in = tls_cert_datum(der);
    gnutls_datum_t pem = {NULL, 0};
    int rc = gnutls_pem_base64_encode2("CERTIFICATE", &in, &pem);
    if (rc == 0 && bytes_append(out, pem.data, pem.size) != 0)
        rc = GNUTLS_E_MEMORY_ERROR;
    gnutls_free(pem.data);
    return rc;
}

int tls_pkcs12_write_chain(const struct tls_pkcs12_content *content, struct bytes *out, struct err *err)
{
    bool used[TLS_PKCS12_MOST_CERTIFICATES] = {true};
    gnutls_x509_crt_t crt = NULL, issuer;
    bytes_init(out, 2 * FILE_MAX);
    int rc = append_pem(out, content->ders[0]);
    bool more = rc == 0 && tls_cert_import(content->ders[0], &crt) == 0;
    while (more) {
        issuer = NULL;
        size_t i = find_issuer(content, used, crt, &issuer);
        more = i < content->n && gnutls_x509_crt_check_issuer(issuer, issuer) == 0;
        if (more)
            rc = append_pem(out, content->ders[i]);
        if (i < content->n)
            used[i] = true;
        more = more && rc == 0;
        gnutls_x509_crt_deinit(crt);
        crt = issuer;
    }
    gnutls_x509_crt_deinit(crt);
    return rc == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}
