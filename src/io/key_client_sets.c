/* SPDX-License-Identifier: Apache-2.0 */
#include "key_client_parts.h"

#include "mtlsd/base/log.h"

#include <stdlib.h>
#include <string.h>

/* Counted by its keys, and once while identities are read into it. */
struct identity_set {
    atomic_size_t refs;
    struct key_client *client;
    uint32_t number;
};

static struct identity_set *begin_set(void *ctx)
{
    struct key_client *c = ctx;
    struct identity_set *set = calloc(1, sizeof(*set));
    if (set == NULL)
        return NULL;
    atomic_init(&set->refs, 1);
    set->client = c;
    set->number = atomic_fetch_add(&c->sets, 1) + 1;
    return set;
}

/* Its keys are no longer asked for, so that their tokens cannot answer again. */
static void forget_late(struct key_client *c, uint32_t set)
{
    uint64_t late = atomic_load(&c->late);
    if (late >> 32 == set)
        atomic_compare_exchange_strong(&c->late, &late, 0);
}

static void give_back(struct key_client *c, const struct key_request *request)
{
    struct key_answer answer;
    struct err err = {0};
    if (key_client_ask(c, &(struct key_conversation){request, &answer, NULL, KEY_CLIENT_SIGN_MS, NULL}, &err) != 0 && !atomic_load(&c->ended) &&
        request->kind == KEY_RELEASE)
        log_say(LOG_LEVEL_WARN, "keys", "the key process keeps keys that are no longer used: %s", err.text);
}

/* True: it was the last use, and the keys are gone. */
static bool end_use(struct identity_set *set)
{
    if (atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
        return false;
    forget_late(set->client, set->number);
    give_back(set->client, &(struct key_request){.kind = KEY_RELEASE, .set = set->number});
    free(set);
    return true;
}

static void end_set(struct identity_set *set)
{
    (void)end_use(set);
}

/* Another key of the set may be in use for long: as a certificate to go back to, or of one connection. */
static void end_key(void *ctx, uint64_t id)
{
    struct identity_set *set = ctx;
    struct key_client *c = set->client;
    if (!end_use(set))
        give_back(c, &(struct key_request){.kind = KEY_DROP, .key = id});
}

/* One at a time is told of, so that two tokens do not fill the log. */
static void note_token(struct key_client *c, uint64_t key, const struct key_answer *answer)
{
    uint64_t none = 0;
    if (!answer->fine && answer->err.kind == ERR_IO && atomic_compare_exchange_strong(&c->late, &none, key))
        log_say(LOG_LEVEL_ERROR, "keys", "a token does not answer: handshakes with its key are refused until it does: look after the token and its module");
    if (answer->fine && atomic_load_explicit(&c->late, memory_order_relaxed) == key && atomic_exchange(&c->late, 0) == key)
        log_say(LOG_LEVEL_WARN, "keys", "the token answers again");
}

static int sign(void *ctx, uint64_t id, const struct tls_signing *what, struct tls_signature *out)
{
    struct identity_set *set = ctx;
    struct key_request request = {.kind = KEY_SIGN, .key = id, .what = *what};
    struct key_answer answer;
    struct err err = {0};
    if (key_client_ask(set->client, &(struct key_conversation){&request, &answer, NULL, KEY_CLIENT_SIGN_MS, NULL}, &err) != 0)
        return -1;
    note_token(set->client, id, &answer);
    if (!answer.fine)
        return -1;
    out->n = answer.signature.n;
    memcpy(out->bytes, answer.signature.bytes, out->n);
    return 0;
}

static int issue(void *ctx, uint64_t id, struct span host, struct bytes *pem, struct err *err)
{
    struct identity_set *set = ctx;
    struct key_request request = {.kind = KEY_ISSUE, .key = id, .hosts = host};
    struct key_answer answer;
    struct identity_files files = {0};
    int rc = key_client_ask(set->client, &(struct key_conversation){&request, &answer, &files, KEY_CLIENT_SIGN_MS, NULL}, err);
    if (rc == 0 && !answer.fine)
        rc = err_set(err, answer.err.kind, "%s", answer.err.text);
    if (rc == 0 && bytes_append_span(pem, bytes_span(&files.certificate.text)) != 0)
        rc = err_set(err, ERR_MEMORY, "out of memory");
    identity_files_clear(&files);
    return rc;
}

static int read_identity(struct identity_set *set, const struct identity_order *order, struct identity_files *out, struct err *err)
{
    struct key_request request = {.kind = order->hosts != NULL ? KEY_READ_CA : KEY_READ,
                                  .set = set->number,
                                  .name = span_from_str(order->name),
                                  .key_path = span_from_str(order->key),
                                  .certificate_path = span_from_str(order->certificate),
                                  .chain_path = span_from_str(order->chain),
                                  .passphrase_path = span_from_str(order->passphrase),
                                  .pkcs12 = order->pkcs12,
                                  .hosts = span_from_str(order->hosts)};
    struct key_answer answer = {.fine = false};
    *out = (struct identity_files){0};
    int rc = key_client_ask(set->client, &(struct key_conversation){&request, &answer, out, KEY_CLIENT_READ_MS, NULL}, err);
    if (rc == 0 && !answer.fine)
        rc = err_set(err, ERR_MEMORY, "%s", answer.err.text);
    if (rc == 0 && answer.has_key) {
        atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
        out->signing_key = tls_signing_key_of(&(struct tls_signer){set, sign, order->hosts != NULL ? issue : NULL, end_key}, answer.key, &answer.facts);
        rc = out->signing_key != NULL ? 0 : err_set(err, ERR_MEMORY, "out of memory");
    }
    if (answer.unlocked)
        atomic_store(&set->client->unlocked, true);
    if (rc != 0)
        identity_files_clear(out);
    return rc;
}

struct identity_source key_client_sets(struct key_client *c)
{
    return (struct identity_source){c, begin_set, read_identity, end_set};
}

/* ---- renewing ---- */

static int adopt_key(struct identity_set *set, const struct key_answer *answer, struct key_client_renewal *out, struct err *err)
{
    atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    out->id = answer->key;
    out->key = tls_signing_key_of(&(struct tls_signer){set, sign, NULL, end_key}, answer->key, &answer->facts);
    return out->key != NULL ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

int key_client_renew(struct key_client *c, const struct identity_order *order, struct key_client_renewal *out, struct err *err)
{
    struct identity_set *set = begin_set(c);
    struct key_answer answer = {.fine = false};
    struct identity_files files = {0};
    *out = (struct key_client_renewal){0};
    if (set == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    struct key_request request = {.kind = KEY_RENEW,
                                  .set = set->number,
                                  .name = span_from_str(order->name),
                                  .key_path = span_from_str(order->key),
                                  .certificate_path = span_from_str(order->certificate)};
    int rc = key_client_ask(c, &(struct key_conversation){&request, &answer, &files, KEY_CLIENT_READ_MS, NULL}, err);
    if (rc == 0 && !(answer.fine && answer.has_key))
        rc = err_set(err, ERR_CREDENTIAL, "%s", answer.err.text);
    if (rc == 0)
        rc = adopt_key(set, &answer, out, err);
    if (rc == 0) {
        out->request = files.key.text;
        files.key.text = (struct bytes){0};
    }
    identity_files_clear(&files);
    end_set(set);
    return rc;
}

int key_client_write(struct key_client *c, const struct key_client_renewal *renewal, struct span certificates, struct err *err)
{
    struct key_request request = {.kind = KEY_WRITE, .key = renewal->id, .certificate = certificates};
    struct key_answer answer = {.fine = false};
    if (key_client_ask(c, &(struct key_conversation){&request, &answer, NULL, KEY_CLIENT_READ_MS, NULL}, err) != 0)
        return -1;
    return answer.fine ? 0 : err_set(err, answer.err.kind, "%s", answer.err.text);
}

void key_client_renewal_clear(struct key_client_renewal *renewal)
{
    tls_signing_key_unref(renewal->key);
    bytes_clear(&renewal->request);
    *renewal = (struct key_client_renewal){0};
}
