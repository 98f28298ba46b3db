/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_token.h"

#include "tls_internal.h"
#include "tls_private_key.h"

#include <gnutls/crypto.h>
#include <gnutls/pkcs11.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { REFUSED_MOST = 64, HASH = 32 };

struct token {
    gnutls_privkey_t key;
    struct tls_key_memory *memory; /* a reference; has the PIN, for the next login */
    struct span pin;
    const char *fault; /* fixed text: why no PIN was given */
};

/* ---- PINs that were refused ---- */

/* The process has one relation to its tokens, whatever configuration is loaded: a token counts wrong PINs, and locks itself. */
static struct {
    atomic_flag busy;
    unsigned n;
    uint8_t hashes[REFUSED_MOST][HASH];
} refused = {.busy = ATOMIC_FLAG_INIT};

static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&refused.busy, memory_order_acquire))
        ;
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&refused.busy, memory_order_release);
}

/* Of the token and the PIN. */
static int hash_pin(const char *url, struct span pin, uint8_t out[HASH])
{
    gnutls_hash_hd_t handle;
    int rc = gnutls_hash_init(&handle, GNUTLS_DIG_SHA256);
    if (rc != 0)
        return rc;
    rc = gnutls_hash(handle, url, strlen(url) + 1);
    if (rc == 0)
        rc = gnutls_hash(handle, pin.ptr, pin.len);
    gnutls_hash_deinit(handle, out);
    return rc;
}

static bool was_refused(const uint8_t hash[HASH])
{
    bool found = false;
    lock();
    for (unsigned i = 0; i < refused.n; i++)
        found = found || memcmp(refused.hashes[i], hash, HASH) == 0;
    unlock();
    return found;
}

/* With a full table no further PIN is tried. */
static bool is_full(void)
{
    lock();
    bool full = refused.n == REFUSED_MOST;
    unlock();
    return full;
}

static void note_refused(const uint8_t hash[HASH])
{
    lock();
    if (refused.n < REFUSED_MOST)
        memcpy(refused.hashes[refused.n++], hash, HASH);
    unlock();
}

/* The library calls this at a login, and a second time when the token refused the PIN. */
static int on_pin(void *ctx, int attempt, const char *url, const char *label, unsigned flags, char *pin, size_t size)
{
    struct token *t = ctx;
    uint8_t hash[HASH];
    (void)label;
    if (t->pin.len == 0)
        t->fault = "the token wants a PIN: name its file in pin_file";
    else if (t->pin.len >= size || hash_pin(url, t->pin, hash) != 0)
        t->fault = "the PIN is too long";
    else if (was_refused(hash) || is_full())
        t->fault = "the token refused this PIN before, and it is not tried again: correct pin_file, or restart mtlsd";
    else if (attempt > 0 || (flags & GNUTLS_PIN_WRONG) != 0) {
        note_refused(hash);
        t->fault = "the PIN is wrong: correct pin_file; it is not tried again";
    } else if ((flags & GNUTLS_PIN_FINAL_TRY) != 0)
        t->fault = "the token has one try left, which is not used: log in with another program first, which resets the count";
    else {
        memcpy(pin, t->pin.ptr, t->pin.len);
        pin[t->pin.len] = '\0';
        return 0;
    }
    return -1;
}

/* ---- the key ---- */

static void token_free(struct token *t)
{
    if (t->key != NULL)
        gnutls_privkey_deinit(t->key);
    tls_key_memory_wipe(t->pin);
    tls_key_memory_unref(t->memory);
    free(t);
}

static void end(void *ctx)
{
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
    gnutls_privkey_set_pin_function(t->key, on_pin, t);
    return gnutls_privkey_import_url(t->key, uri, 0);
}

static int refuse(const struct token *t, const char *uri, int rc, struct err *err)
{
    if (rc == GNUTLS_E_MEMORY_ERROR)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (t->fault != NULL)
        return err_set(err, ERR_CREDENTIAL, "%.300s: %s", uri, t->fault);
    return err_set(err, ERR_CREDENTIAL, "%.300s: the private key cannot be used (%s): list what the token has (p11tool --login --list-all URI)", uri, gnutls_strerror(rc));
}

static int fill(struct token *t, const char *uri, const struct tls_passphrase *pin, struct tls_signing_key_facts *facts, struct err *err)
{
    if (strstr(uri, "pin-value=") != NULL || strstr(uri, "pin-source=") != NULL)
        return err_set(err, ERR_CREDENTIAL, "the pkcs11: URI has pin-value or pin-source: name the file of the PIN in pin_file, so that the PIN stays out of this text");
    size_t n = pin->file != NULL ? strlen(pin->text) : 0;
    t->pin = n > 0 && t->memory != NULL ? tls_key_memory_keep(t->memory, span_of(pin->text, n)) : (struct span){0};
    if (t->memory == NULL || t->pin.len != n)
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
    struct tls_signing_key *key = tls_signing_key_of(&(struct tls_signer){t, sign, end}, 0, &facts);
    if (key == NULL)
        (void)err_set(err, ERR_MEMORY, "out of memory");
    return key;
}
