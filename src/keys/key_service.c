/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/keys/key_service.h"

#include "key_renewal.h"
#include "key_store.h"

#include "mtlsd/keys/key_message.h"
#include "mtlsd/tls/tls_token_uri.h"

#include <stdatomic.h>
#include <stdlib.h>

struct key_service {
    struct key_service_order order;
    struct key_store store;
    atomic_uint_least64_t refused;
    struct key_renewals renewals;
};

struct key_service *key_service_new(const struct key_service_order *order)
{
    struct key_service *s = calloc(1, sizeof(*s));
    if (s != NULL)
        s->order = *order;
    return s;
}

void key_service_free(struct key_service *s)
{
    if (s == NULL)
        return;
    key_renewals_clear(&s->renewals);
    key_store_clear(&s->store);
    free(s);
}

typedef void (*lock_fn)(void *ctx, bool begin);

static void lock(const struct key_service *s, lock_fn how, bool begin)
{
    if (how != NULL)
        how(s->order.ctx, begin);
}

/* Nothing but a process that is taken over asks for this. */
static void refuse(struct key_service *s, struct key_answer *out, const char *why)
{
    atomic_fetch_add_explicit(&s->refused, 1, memory_order_relaxed);
    (void)err_set(&out->err, ERR_PROTOCOL, "%s", why);
}

/* ---- signing ---- */

static void sign_with(const struct tls_signing_key *key, const struct key_request *r, struct key_answer *out)
{
    int rc = tls_signing_key_sign(key, &r->what, &out->signature);
    out->fine = rc == 0;
    if (rc != 0)
        (void)err_set(&out->err, rc == TLS_SIGNING_LATE ? ERR_IO : ERR_CREDENTIAL, rc == TLS_SIGNING_LATE ? "the token does not answer" : "the key cannot sign this");
}

static void sign(struct key_service *s, const struct key_request *r, struct key_answer *out)
{
    const char *refusal = tls_signing_refusal(&r->what);
    if (refusal != NULL) {
        refuse(s, out, refusal);
        return;
    }
    lock(s, s->order.share, true);
    const struct tls_signing_key *key = key_store_find(&s->store, r->key);
    if (key == NULL)
        refuse(s, out, "no such key");
    else
        sign_with(key, r, out);
    lock(s, s->order.share, false);
}

static void issue(struct key_service *s, const struct key_request *r, struct identity_files *files, struct key_answer *out)
{
    struct err err = {0};
    lock(s, s->order.share, true);
    const struct tls_signing_key *key = key_store_find(&s->store, r->key);
    bytes_init(&files->certificate.text, KEY_CERTIFICATE_MAX);
    if (key == NULL)
        refuse(s, out, "no such key");
    else if (tls_signing_key_issue(key, r->hosts, s->order.now(), &files->certificate.text, &err) == 0)
        out->fine = true;
    else if (err.kind == ERR_PROTOCOL)
        refuse(s, out, err.text);
    else
        out->err = err;
    lock(s, s->order.share, false);
}

/* ---- reading ---- */

struct paths { /* owned */
    char *name, *key, *certificate, *chain, *passphrase, *hosts;
};

static void clear_paths(struct paths *p)
{
    free(p->name);
    free(p->key);
    free(p->certificate);
    free(p->chain);
    free(p->passphrase);
    free(p->hosts);
}

static int copy_path(char **out, struct span path)
{
    *out = path.len > 0 ? span_dup(path) : NULL;
    return path.len > 0 && *out == NULL ? -1 : 0;
}

static int copy_paths(const struct key_request *r, struct paths *out)
{
    out->name = span_dup(r->name);
    int rc = copy_path(&out->key, r->key_path);
    rc |= copy_path(&out->certificate, r->certificate_path);
    rc |= copy_path(&out->chain, r->chain_path);
    rc |= copy_path(&out->passphrase, r->passphrase_path);
    if (r->kind == KEY_READ_CA && (out->hosts = span_dup(r->hosts)) == NULL)
        rc = -1;
    return rc != 0 || out->name == NULL ? -1 : 0;
}

/* A reference: a release does not wait for the read, which may take as long as a token likes. */
static struct tls_key_memory *begin_set(struct key_service *s, uint32_t set)
{
    lock(s, s->order.own, true);
    struct tls_key_memory *memory = key_store_memory(&s->store, set);
    if (memory != NULL)
        tls_key_memory_ref(memory);
    lock(s, s->order.own, false);
    return memory;
}

static int keep(struct key_service *s, const struct key_request *r, struct identity_files *files, struct key_answer *out)
{
    if (files->signing_key == NULL)
        return 0;
    lock(s, s->order.own, true);
    int rc = r->kind == KEY_READ_CA ? key_store_note_ca(&s->store, files->ca_id) : 0;
    if (rc == 0)
        rc = key_store_add(&s->store, r->set, files->signing_key, &out->key);
    lock(s, s->order.own, false);
    out->has_key = rc == 0;
    out->facts = *tls_signing_key_facts(files->signing_key);
    return rc;
}

static void set_apart(struct key_service *s, struct identity_files *files)
{
    files->signing_key = s->order.apart(files->signing_key);
    if (files->signing_key == NULL)
        (void)err_set(&files->fault, ERR_MEMORY, "there can be no further thread for a key in a token: raise the limits of processes and memory");
}

/* Its signatures of hashes could be those of any certificate. */
static void refuse_ca(struct key_service *s, struct identity_files *files, struct key_answer *out)
{
    lock(s, s->order.share, true);
    bool ca = files->signing_key != NULL && key_store_is_ca(&s->store, tls_signing_key_facts(files->signing_key)->public_id);
    lock(s, s->order.share, false);
    if (!ca)
        return;
    tls_signing_key_unref(files->signing_key);
    files->signing_key = NULL;
    refuse(s, out, "");
    (void)err_set(&files->fault, ERR_CREDENTIAL, "its key is that of a CA of forward_proxy.intercept, which signs certificates alone: use another key");
}

/* The files are read without a lock that signing would wait for. */
static void read_identity(struct key_service *s, const struct key_request *r, struct identity_files *files, struct key_answer *out)
{
    struct paths p = {0};
    lock(s, s->order.change, true);
    struct tls_key_memory *memory = begin_set(s, r->set);
    if (memory != NULL && copy_paths(r, &p) == 0) {
        const struct identity_order order = {p.name, p.key, p.certificate, p.chain, p.passphrase, r->pkcs12, p.hosts, s->order.now()};
        key_renewal_read(&s->order, &order, memory, files);
        refuse_ca(s, files, out);
        if (files->signing_key != NULL && s->order.apart != NULL && tls_token_uri(p.key))
            set_apart(s, files);
        out->fine = keep(s, r, files, out) == 0;
        out->unlocked = !tls_key_memory_is_locked(memory);
    }
    tls_key_memory_unref(memory);
    lock(s, s->order.change, false);
    clear_paths(&p);
    if (!out->fine)
        (void)err_set(&out->err, ERR_MEMORY, "out of memory for keys");
}

static void drop(struct key_service *s, uint64_t key)
{
    lock(s, s->order.own, true);
    key_store_drop(&s->store, key);
    lock(s, s->order.own, false);
}

/* ---- renewing ---- */

static void keep_renewal(struct key_service *s, const struct key_request *r, struct key_renewal *renewal, struct identity_files *files, struct key_answer *out)
{
    if (keep(s, r, files, out) != 0) {
        (void)err_set(&out->err, ERR_MEMORY, "out of memory for keys");
        key_renewal_free(renewal);
        return;
    }
    renewal->set = r->set;
    renewal->key = out->key;
    lock(s, s->order.own, true);
    int rc = key_renewals_add(&s->renewals, renewal, &out->err);
    lock(s, s->order.own, false);
    out->fine = rc == 0;
}

static void renew(struct key_service *s, const struct key_request *r, struct identity_files *files, struct key_answer *out)
{
    struct paths p = {0};
    lock(s, s->order.change, true);
    struct tls_key_memory *memory = s->order.pairs != NULL ? begin_set(s, r->set) : NULL;
    if (memory == NULL || copy_paths(r, &p) != 0) {
        (void)err_set(&out->err, ERR_MEMORY, "out of memory for keys");
    } else {
        const struct identity_order order = {.name = p.name, .key = p.key, .certificate = p.certificate};
        struct key_renewal *renewal = key_renewal_new(&s->order, &order, memory, files, &out->err);
        lock(s, s->order.share, true);
        bool ca = renewal != NULL && key_store_is_ca(&s->store, renewal->before);
        lock(s, s->order.share, false);
        if (ca) {
            refuse(s, out, "the certificate of a CA is not renewed");
            key_renewal_free(renewal);
        } else if (renewal != NULL)
            keep_renewal(s, r, renewal, files, out);
    }
    tls_key_memory_unref(memory);
    lock(s, s->order.change, false);
    clear_paths(&p);
}

/* It is taken out first, so that a release meanwhile finds nothing. */
static void write_renewed(struct key_service *s, const struct key_request *r, struct key_answer *out)
{
    lock(s, s->order.change, true);
    lock(s, s->order.own, true);
    struct key_renewal *renewal = key_renewals_take(&s->renewals, r->key);
    lock(s, s->order.own, false);
    if (renewal == NULL)
        refuse(s, out, "no such key was made");
    else
        out->fine = key_renewal_write(&s->order, renewal, r->certificate, &out->err) == 0;
    key_renewal_free(renewal);
    lock(s, s->order.change, false);
}

static void release(struct key_service *s, uint32_t set)
{
    lock(s, s->order.own, true);
    key_renewals_release(&s->renewals, set);
    key_store_release(&s->store, set);
    lock(s, s->order.own, false);
}

/* Without a lock: the client of the Workload API has its own. */
static void pack_workload(struct key_service *s, bool wait, struct bytes *packed, struct key_answer *out)
{
    bytes_init(packed, KEY_ANSWER_MAX / 2);
    if (s->order.workload == NULL)
        (void)err_set(&out->err, ERR_CONFIG, "the SPIFFE Workload API was not configured at the start: restart mtlsd");
    else if (s->order.workload(s->order.ctx, wait, packed) != 0)
        (void)err_set(&out->err, ERR_MEMORY, "out of memory for SVIDs and bundles");
    out->fine = out->err.kind == ERR_NONE;
    out->workload = out->fine ? bytes_span(packed) : (struct span){0};
}

static bool gives_files(enum key_request_kind kind)
{
    return kind == KEY_READ || kind == KEY_READ_CA || kind == KEY_ISSUE || kind == KEY_RENEW;
}

int key_service_answer(struct key_service *s, uint32_t number, struct span message, struct bytes *out)
{
    struct key_request r;
    struct key_answer a = {.fine = false};
    struct identity_files files = {0};
    struct bytes workload = {0};
    if (key_message_read_request(message, &r) != 0)
        return -1;
    switch (r.kind) {
    case KEY_SIGN:
        sign(s, &r, &a);
        break;
    case KEY_READ:
    case KEY_READ_CA:
        read_identity(s, &r, &files, &a);
        break;
    case KEY_ISSUE:
        issue(s, &r, &files, &a);
        break;
    case KEY_RELEASE:
        release(s, r.set);
        a.fine = true;
        break;
    case KEY_DROP:
        drop(s, r.key);
        a.fine = true;
        break;
    case KEY_BECOME:
        a.fine = s->order.become(s->order.ctx, &a.err) == 0;
        break;
    case KEY_WORKLOAD:
        pack_workload(s, r.wait, &workload, &a);
        break;
    case KEY_RENEW:
        renew(s, &r, &files, &a);
        break;
    case KEY_WRITE:
        write_renewed(s, &r, &a);
        break;
    }
    a.refused = atomic_load_explicit(&s->refused, memory_order_relaxed);
    int rc = key_message_answer(out, number, &a, gives_files(r.kind) && a.fine ? &files : NULL);
    identity_files_clear(&files);
    bytes_clear(&workload);
    if (rc == 0)
        return 0;
    bytes_clear(out);
    a = (struct key_answer){.err = {ERR_MEMORY, "out of memory for keys"}};
    return key_message_answer(out, number, &a, NULL);
}
