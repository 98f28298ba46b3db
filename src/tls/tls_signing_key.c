/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_signing_key.h"

#include "tls_internal.h"
#include "tls_issuer_own.h"
#include "tls_key.h"
#include "tls_key_decrypt.h"
#include "tls_pem.h"
#include "tls_pkcs12_open.h"
#include "tls_private_key.h"
#include "tls_signing_key_own.h"
#include "tls_token.h"
#include "mtlsd/tls/tls_token_uri.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct tls_signing_key {
    atomic_uint refs;
    struct tls_signing_key_facts facts;
    struct tls_private_key own; /* where signer.sign is NULL */
    struct tls_issuer *issuer;  /* whose certificates have it; NULL: none, or it is elsewhere */
    struct tls_signer signer;
    uint64_t id;
};

/* The state of reading one source. */
struct reading {
    const struct tls_key_source *source;
    struct tls_key_memory *memory;
    struct tls_signing_key *key;
    bool found;
    struct err *err;
    struct tls_passphrase passphrase;
};

static bool ends_with(struct span s, const char *text)
{
    size_t n = strlen(text);
    return s.len >= n && memcmp(s.ptr + s.len - n, text, n) == 0;
}

static bool is_key(const struct tls_pem_block *block)
{
    return ends_with(block->label, "PRIVATE KEY");
}

static bool is_certificate(const struct tls_pem_block *block)
{
    return span_equals_str(block->label, "CERTIFICATE") || span_equals_str(block->label, "X509 CERTIFICATE");
}

/* The public half is compared with a signature that is made and verified: a damaged file would show only in a handshake. */
static int note_facts(struct tls_signing_key *key, gnutls_x509_privkey_t form)
{
    size_t n = sizeof(key->facts.public_id);
    key->facts.algorithm = (int)key->own.algorithm;
    key->facts.bits = key->own.bits;
    key->facts.torn = gnutls_x509_privkey_verify_params(form) != 0;
    return gnutls_x509_privkey_get_key_id(form, GNUTLS_KEYID_USE_SHA256, key->facts.public_id, &n);
}

static int read_der(struct reading *r, struct span label, struct span der)
{
    gnutls_x509_privkey_t form;
    int rc = gnutls_x509_privkey_init(&form);
    if (rc != 0)
        return rc;
    rc = tls_private_key_read(label, der, r->memory, &r->key->own, form);
    if (rc == 0)
        rc = note_facts(r->key, form);
    gnutls_x509_privkey_deinit(form); /* wipes */
    tls_private_key_wipe_stack();
    return rc;
}

static int read_key(struct reading *r, const struct tls_pem_reader *pem, const struct tls_pem_block *block)
{
    struct span der;
    if (r->found)
        return err_set(r->err, ERR_CREDENTIAL, "%s:%zu: a second private key (the first begins in line %zu)", pem->file, block->line, r->key->facts.line);
    r->found = true;
    r->key->facts.line = block->line;
    bool encrypted = tls_key_is_encrypted(block);
    int rc = encrypted ? tls_key_decrypt_block(pem, block, &r->passphrase, &der, r->err) : tls_pem_decode(pem, block, &der, r->err);
    if (rc != 0)
        return -1;
    rc = read_der(r, encrypted ? span_from_str("PRIVATE KEY") : block->label, der);
    tls_pem_wipe(der);
    if (rc == 0)
        return 0;
    return err_set(r->err, ERR_CREDENTIAL, "%s:%zu: the private key that begins here is damaged or of an unknown kind (%s); keys may be " TLS_KEY_KINDS, pem->file,
                   block->line, gnutls_strerror(rc));
}

static int read_blocks(struct reading *r)
{
    const struct tls_key_source *s = r->source;
    struct tls_pem_reader pem;
    struct tls_pem_block block;
    int more;
    if (tls_pem_plausible(s->file, s->text, s->bundle ? "a certificate" : "a private key", r->err) != 0)
        return -1;
    tls_pem_start(&pem, s->file, s->text);
    while ((more = tls_pem_next(&pem, &block, r->err)) == 1) {
        if (is_key(&block) && read_key(r, &pem, &block) != 0)
            return -1;
        if (!is_key(&block) && !is_certificate(&block) && !ends_with(block.label, "PARAMETERS"))
            return tls_pem_refuse(&pem, &block, "an identity", r->err);
    }
    if (more == 0 && !r->found)
        return err_set(r->err, ERR_CREDENTIAL, "identity %s: %s holds no private key%s", s->identity, s->file,
                       s->bundle ? "; a bundle is chain and key in one file, or give certificate and key apart" : "");
    return more;
}

/* The EC keys of Java lack their public half, which one of the certificates has. */
static int read_packed(struct reading *r, const struct tls_pkcs12_content *content)
{
    struct span label = span_from_str("PRIVATE KEY"), whole;
    int rc = read_der(r, label, content->key);
    for (size_t i = 0; rc != 0 && i < content->n; i++) {
        if (tls_key_complete(content->key, content->ders[i], &whole) != 0)
            continue;
        rc = read_der(r, label, whole);
        tls_pem_wipe(whole);
    }
    return rc;
}

static int read_pkcs12(struct reading *r)
{
    const struct tls_key_source *s = r->source;
    const struct tls_file file = {s->file, s->text};
    struct tls_pkcs12_content content;
    if (tls_pkcs12_open(&file, &r->passphrase, &content, r->err) != 0)
        return -1;
    int rc = read_packed(r, &content);
    if (rc != 0)
        rc = err_set(r->err, ERR_CREDENTIAL, "%s: the private key is damaged or of an unknown kind (%s); keys may be " TLS_KEY_KINDS, s->file, gnutls_strerror(rc));
    else {
        tls_pkcs12_put_leaf_first(&content, r->key->facts.public_id);
        rc = tls_pkcs12_write_chain(&content, s->chain, r->err);
    }
    tls_pkcs12_close(&content);
    return rc;
}

static int read_source(struct reading *r)
{
    if (tls_passphrase_read(&r->source->passphrase, &r->passphrase, r->err) != 0)
        return -1;
    return r->source->pkcs12 ? read_pkcs12(r) : read_blocks(r);
}

/* The library computes with pieces of the key in its frames and leaves them there. */
static __attribute__((noinline)) void wipe_stack(void)
{
    uint8_t frames[32 * 1024];
    explicit_bzero(frames, sizeof(frames));
}

static struct tls_signing_key *read_token(const struct tls_key_source *source, struct tls_key_memory *memory, struct err *err)
{
    struct tls_passphrase pin;
    struct tls_signing_key *key = tls_passphrase_read(&source->passphrase, &pin, err) == 0 ? tls_token_key(source->file, &pin, memory, err) : NULL;
    tls_passphrase_wipe(&pin);
    return key;
}

struct tls_signing_key *tls_signing_key_read(const struct tls_key_source *source, struct tls_key_memory *memory, struct err *err)
{
    if (source->file != NULL && tls_token_uri(source->file))
        return read_token(source, memory, err);
    struct tls_signing_key *key = calloc(1, sizeof(*key));
    struct reading r = {.source = source, .memory = memory, .key = key, .err = err};
    if (key == NULL) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    atomic_init(&key->refs, 1);
    int rc = read_source(&r);
    tls_passphrase_wipe(&r.passphrase);
    wipe_stack();
    if (rc == 0)
        return key;
    tls_signing_key_unref(key);
    return NULL;
}

struct tls_signing_key *tls_signing_key_own(gnutls_x509_privkey_t form, struct tls_key_memory *memory, struct tls_issuer *issuer)
{
    struct tls_signing_key *key = calloc(1, sizeof(*key));
    if (key == NULL)
        return NULL;
    atomic_init(&key->refs, 1);
    if (tls_private_key_take(form, memory, &key->own) == 0 && note_facts(key, form) == 0) {
        key->issuer = issuer;
        return key;
    }
    tls_signing_key_unref(key);
    return NULL;
}

struct tls_signing_key *tls_signing_key_of(const struct tls_signer *signer, uint64_t id, const struct tls_signing_key_facts *facts)
{
    struct tls_signing_key *key = calloc(1, sizeof(*key));
    if (key == NULL) {
        signer->end(signer->ctx, id);
        return NULL;
    }
    atomic_init(&key->refs, 1);
    key->signer = *signer;
    key->id = id;
    key->facts = *facts;
    return key;
}

struct tls_signing_key *tls_signing_key_ref(struct tls_signing_key *key)
{
    atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
    return key;
}

void tls_signing_key_unref(struct tls_signing_key *key)
{
    if (key == NULL || atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (key->signer.sign != NULL)
        key->signer.end(key->signer.ctx, key->id);
    else
        tls_private_key_clear(&key->own);
    tls_issuer_free(key->issuer);
    free(key);
}

const struct tls_signing_key_facts *tls_signing_key_facts(const struct tls_signing_key *key)
{
    return &key->facts;
}

int tls_signing_key_sign(const struct tls_signing_key *key, const struct tls_signing *what, struct tls_signature *out)
{
    gnutls_datum_t signature = {0};
    if (key->signer.sign != NULL)
        return key->signer.sign(key->signer.ctx, key->id, what, out);
    int rc = tls_private_key_sign(&key->own, what, &signature);
    bool fits = rc == 0 && signature.size <= sizeof(out->bytes);
    out->n = fits ? signature.size : 0;
    if (fits)
        memcpy(out->bytes, signature.data, signature.size);
    gnutls_free(signature.data);
    return fits ? 0 : -1;
}

int tls_signing_key_issue(const struct tls_signing_key *key, struct span host, int64_t now, struct bytes *pem, struct err *err)
{
    if (key->signer.issue != NULL)
        return key->signer.issue(key->signer.ctx, key->id, host, pem, err);
    return key->issuer != NULL ? tls_issuer_issue(key->issuer, host, now, pem, err) : err_set(err, ERR_PROTOCOL, "no CA issues for this key");
}

/* ---- what the library calls ---- */

static int ask(const struct tls_signing_key *key, const struct tls_signing *what, gnutls_datum_t *signature)
{
    struct tls_signature made = {.n = 0};
    if (key->signer.sign(key->signer.ctx, key->id, what, &made) != 0)
        return GNUTLS_E_PK_SIGN_FAILED;
    signature->data = gnutls_malloc(made.n);
    if (signature->data == NULL)
        return GNUTLS_E_MEMORY_ERROR;
    memcpy(signature->data, made.bytes, made.n);
    signature->size = (unsigned)made.n;
    return 0;
}

static int ask_data(gnutls_privkey_t lent, gnutls_sign_algorithm_t algorithm, void *key, unsigned flags, const gnutls_datum_t *data, gnutls_datum_t *signature)
{
    (void)lent;
    (void)flags; /* the library gives none */
    return ask(key, &(struct tls_signing){(int)algorithm, false, span_of(data->data, data->size)}, signature);
}

static int ask_hash(gnutls_privkey_t lent, gnutls_sign_algorithm_t algorithm, void *key, unsigned flags, const gnutls_datum_t *hash, gnutls_datum_t *signature)
{
    (void)lent;
    (void)flags;
    return ask(key, &(struct tls_signing){(int)algorithm, true, span_of(hash->data, hash->size)}, signature);
}

static int tell(gnutls_privkey_t lent, unsigned what, void *ctx)
{
    (void)lent;
    const struct tls_signing_key *key = ctx;
    return tls_private_key_tell(what, key->facts.algorithm, key->facts.bits);
}

int tls_signing_key_lend(const struct tls_signing_key *key, gnutls_privkey_t *out)
{
    if (key->signer.sign == NULL)
        return tls_private_key_lend(&key->own, out);
    int rc = gnutls_privkey_init(out);
    if (rc == 0)
        rc = gnutls_privkey_import_ext4(*out, (void *)(uintptr_t)key, ask_data, ask_hash, NULL, NULL, tell, 0);
    if (rc != 0) {
        gnutls_privkey_deinit(*out);
        *out = NULL;
    }
    return rc;
}

/* ---- text that may leave the process that holds the key ---- */

static void blank(const uint8_t *begin, const uint8_t *end)
{
    for (uint8_t *at = (uint8_t *)(uintptr_t)begin; at < end; at++)
        if (*at != '\n')
            *at = ' ';
}

/* Marks stay, so that a reader finds the same fault in the same line. */
static void blank_between_marks(const uint8_t *begin, const uint8_t *end)
{
    while (begin < end) {
        const uint8_t *newline = memchr(begin, '\n', (size_t)(end - begin));
        const uint8_t *next = newline != NULL ? newline + 1 : end;
        bool mark = next - begin >= 5 && memcmp(begin, "-----", 5) == 0;
        if (!mark)
            blank(begin, next);
        begin = next;
    }
}

/* As much as tells DER and PKCS#12 from other things: the head of a SEQUENCE and the version in it. */
static size_t head_of_der(const uint8_t *text, size_t n)
{
    size_t lengths = n > 2 && text[1] > 0x80 && text[1] <= 0x84 ? text[1] & 0x7f : 0, head = lengths > 0 ? 5 + lengths : 2;
    return head < n ? head : n;
}

void tls_signing_key_blank(uint8_t *text, size_t n)
{
    struct tls_pem_reader pem;
    struct tls_pem_block block;
    if (memmem(text, n, "-----BEGIN", 10) == NULL) {
        blank(text + head_of_der(text, n), text + n);
        return;
    }
    tls_pem_start(&pem, "", span_of(text, n));
    const uint8_t *done = pem.rest.ptr;
    while (tls_pem_next(&pem, &block, NULL) == 1) {
        blank_between_marks(done, block.whole.ptr);
        if (!is_certificate(&block))
            blank(block.body.ptr, block.body.ptr + block.body.len);
        done = block.whole.ptr + block.whole.len;
    }
    blank_between_marks(done, text + n);
}
