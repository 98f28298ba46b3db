/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_token.h"

#include "tls_internal.h"
#include "tls_private_key.h"
#include "tls_token_pin.h"

#include <gnutls/pkcs11.h>
#include <stdlib.h>
#include <string.h>

struct token {
    gnutls_privkey_t key;
    struct tls_key_memory *memory; /* a reference; has the PIN, for the next login */
    struct tls_token_pin pin;
};

/* ---- the key ---- */

static void token_free(struct token *t)
{
    if (t->key != NULL)
        gnutls_privkey_deinit(t->key);
    tls_key_memory_wipe(t->pin.text);
    tls_key_memory_unref(t->memory);
    free(t);
}

static void end(void *ctx, uint64_t id)
{
    (void)id;
    token_free(ctx);
}

static int sign(void *ctx, uint64_t id, const struct tls_signing *what, struct tls_signature *out)
{
    const struct token *t = ctx;
    const gnutls_datum_t input = tls_cert_datum(what->input);
    const gnutls_sign_algorithm_t algorithm = (gnutls_sign_algorithm_t)what->algorithm;
    gnutls_datum_t made = {NULL, 0};
    (void)id;
    int rc = what->hashed ? gnutls_privkey_sign_hash2(t->key, algorithm, 0, &input, &made) : gnutls_privkey_sign_data2(t->key, algorithm, 0, &input, &made);
    bool fits = rc == 0 && made.size <= sizeof(out->bytes);
    out->n = fits ? made.size : 0;
    if (fits)
        memcpy(out->bytes, made.data, made.size);
    gnutls_free(made.data);
    return fits ? 0 : -1;
}

/* The library compares nothing: the identity does, with the certificate. */
static int read_facts(const struct token *t, struct tls_signing_key_facts *out)
{
    gnutls_pubkey_t public;
    size_t n = sizeof(out->public_id);
    int rc = gnutls_pubkey_init(&public);
    if (rc != 0)
        return rc;
    out->algorithm = gnutls_privkey_get_pk_algorithm(t->key, &out->bits);
    rc = gnutls_pubkey_import_privkey(public, t->key, 0, 0);
    if (rc == 0)
        rc = gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, out->public_id, &n);
    gnutls_pubkey_deinit(public);
    return rc;
}

static int open_key(struct token *t, const char *uri)
{
    int rc = gnutls_privkey_init(&t->key);
    if (rc != 0)
        return rc;
    gnutls_privkey_set_pin_function(t->key, tls_token_pin_give, &t->pin);
    return gnutls_privkey_import_url(t->key, uri, 0);
}

static int refuse(const struct token *t, const char *uri, int rc, struct err *err)
{
    if (rc == GNUTLS_E_MEMORY_ERROR)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (t->pin.fault != NULL)
        return err_set(err, ERR_CREDENTIAL, "%.300s: %s", uri, t->pin.fault);
    if (rc == GNUTLS_E_PKCS11_PIN_LOCKED)
        return err_set(err, ERR_CREDENTIAL, "%.300s: the token has locked its PIN: unlock it with the program of its vendor, as the security officer", uri);
    return err_set(err, ERR_CREDENTIAL, "%.300s: the private key cannot be used (%s): list what the token has (p11tool --login --list-all URI)", uri, gnutls_strerror(rc));
}

static int fill(struct token *t, const char *uri, const struct tls_passphrase *pin, struct tls_signing_key_facts *facts, struct err *err)
{
    if (strstr(uri, "pin-value=") != NULL || strstr(uri, "pin-source=") != NULL)
        return err_set(err, ERR_CREDENTIAL, "the pkcs11: URI has pin-value or pin-source: name the file of the PIN in pin_file, so that the PIN stays out of this text");
    size_t n = pin->file != NULL ? strlen(pin->text) : 0;
    t->pin.text = n > 0 && t->memory != NULL ? tls_key_memory_keep(t->memory, span_of(pin->text, n)) : (struct span){0};
    if (t->memory == NULL || t->pin.text.len != n)
        return err_set(err, ERR_MEMORY, "out of memory");
    int rc = open_key(t, uri);
    if (rc != 0)
        return refuse(t, uri, rc, err);
    if (read_facts(t, facts) == 0)
        return 0;
    return err_set(err, ERR_CREDENTIAL, "%.300s: the token has no public key beside the private one: store it too (p11tool --write --load-pubkey FILE)", uri);
}

struct tls_signing_key *tls_token_key(const char *uri, const struct tls_passphrase *pin, struct tls_key_memory *memory, struct err *err)
{
    struct tls_signing_key_facts facts = {.algorithm = 0};
    struct token *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    t->memory = memory != NULL ? tls_key_memory_ref(memory) : tls_key_memory_new();
    if (fill(t, uri, pin, &facts, err) != 0) {
        token_free(t);
        return NULL;
    }
    struct tls_signing_key *key = tls_signing_key_of(&(struct tls_signer){t, sign, NULL, end}, 0, &facts);
    if (key == NULL)
        (void)err_set(err, ERR_MEMORY, "out of memory");
    return key;
}
