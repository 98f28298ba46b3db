/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_token_pin.h"

#include <gnutls/crypto.h>
#include <gnutls/pkcs11.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum { REFUSED_MOST = 64, HASH = 32 };

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

int tls_token_pin_give(void *ctx, int attempt, const char *url, const char *label, unsigned flags, char *pin, size_t size)
{
    struct tls_token_pin *t = ctx;
    uint8_t hash[HASH];
    (void)label;
    if (t->text.len == 0)
        t->fault = "the token wants a PIN: name its file in pin_file";
    else if (t->text.len >= size || hash_pin(url, t->text, hash) != 0)
        t->fault = "the PIN is too long";
    else if (was_refused(hash) || is_full())
        t->fault = "the token refused this PIN before, and it is not tried again: correct pin_file, or restart mtlsd";
    else if (attempt > 0 || (flags & GNUTLS_PIN_WRONG) != 0) {
        note_refused(hash);
        t->fault = "the PIN is wrong: correct pin_file; it is not tried again";
    } else if ((flags & GNUTLS_PIN_FINAL_TRY) != 0)
        t->fault = "the token has one try left, which is not used: log in with another program first, which resets the count";
    else {
        memcpy(pin, t->text.ptr, t->text.len);
        pin[t->text.len] = '\0';
        return 0;
    }
    return -1;
}
