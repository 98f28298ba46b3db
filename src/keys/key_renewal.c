/* SPDX-License-Identifier: Apache-2.0 */
#include "key_renewal.h"

#include "mtlsd/tls/tls_rekey.h"
#include "mtlsd/tls/tls_token_uri.h"

#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096, TEXT_MAX = 16 << 20 };

static struct span certificates_of(const struct identity_order *order, const struct identity_files *f)
{
    return bytes_span(order->certificate != NULL ? &f->certificate.text : &f->key.text);
}

/* ---- reading, after a crash too ---- */

/* The key is of a renewal, and so is the certificate that waits: it takes its place. */
static bool finish(const struct key_service_order *service, const struct identity_order *order, const struct identity_files *f, const char *waiting)
{
    struct err err = {0};
    struct file_facts facts;
    struct bytes text = {0};
    const uint8_t *id = tls_signing_key_facts(f->signing_key)->public_id;
    if (service->files.read(service->files.ctx, waiting, &text, &facts, &err) != 0)
        return false;
    bool fits = tls_rekey_is_of(bytes_span(&text), id) && !tls_rekey_is_of(certificates_of(order, f), id);
    bytes_wipe(&text);
    return fits && service->pairs->finish(order->certificate, &err) == 0;
}

void key_renewal_read(const struct key_service_order *service, const struct identity_order *order, struct tls_key_memory *memory, struct identity_files *out)
{
    char waiting[PATH_BYTES];
    identity_files_read(&service->files, order, memory, out);
    if (service->pairs == NULL || order->certificate == NULL || out->signing_key == NULL || tls_token_uri(order->key) || tls_token_uri(order->certificate))
        return;
    if (!service->pairs->is_unfinished(order->key, order->certificate, waiting, sizeof(waiting)) || !finish(service, order, out, waiting))
        return;
    identity_files_clear(out);
    identity_files_read(&service->files, order, memory, out);
}

/* ---- making ---- */

void key_renewal_free(struct key_renewal *r)
{
    if (r == NULL)
        return;
    if (r->pem.len > 0)
        tls_key_memory_wipe(r->pem);
    tls_key_memory_unref(r->memory);
    bytes_clear(&r->certificates);
    free(r->key_path);
    free(r->certificate_path);
    free(r);
}

static int refuse(const struct identity_files *f, struct err *err)
{
    const struct identity_file *const all[] = {&f->key, &f->certificate};
    for (size_t i = 0; i < 2; i++)
        if (all[i]->failed)
            return err_set(err, ERR_IO, "%s", all[i]->err.text);
    return err_set(err, ERR_CREDENTIAL, "%s", f->fault.text[0] != '\0' ? f->fault.text : "the file of the key cannot be used");
}

static struct key_renewal *begin(const struct identity_order *order, struct tls_key_memory *memory)
{
    struct key_renewal *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return NULL;
    bytes_init(&r->certificates, TEXT_MAX);
    r->memory = tls_key_memory_ref(memory);
    r->key_path = strdup(order->key);
    r->certificate_path = order->certificate != NULL ? strdup(order->certificate) : NULL;
    if (r->key_path != NULL && (order->certificate == NULL || r->certificate_path != NULL))
        return r;
    key_renewal_free(r);
    return NULL;
}

/* The new key, in the memory of its set: as text, and ready to sign. */
static int keep_key(struct key_renewal *r, const char *name, struct bytes *pem, struct identity_files *files, struct err *err)
{
    const struct tls_key_source source = {.identity = name, .text = bytes_span(pem), .file = "the new key"};
    r->pem = tls_key_memory_keep(r->memory, bytes_span(pem));
    if (r->pem.len == 0)
        return err_set(err, ERR_MEMORY, "out of memory for keys");
    files->signing_key = tls_signing_key_read(&source, r->memory, err);
    if (files->signing_key == NULL)
        return -1;
    memcpy(r->after, tls_signing_key_facts(files->signing_key)->public_id, TLS_KEY_ID);
    return 0;
}

static int make(struct key_renewal *r, const struct identity_order *order, struct identity_files *files, struct err *err)
{
    struct bytes pem, request;
    memcpy(r->before, tls_signing_key_facts(files->signing_key)->public_id, TLS_KEY_ID);
    if (bytes_append_span(&r->certificates, certificates_of(order, files)) != 0)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (tls_rekey_new(bytes_span(&r->certificates), r->before, &pem, &request, err) != 0)
        return -1;
    identity_files_clear(files);
    *files = (struct identity_files){.key.text = request};
    int rc = keep_key(r, order->name, &pem, files, err);
    bytes_wipe(&pem);
    return rc;
}

struct key_renewal *key_renewal_new(const struct key_service_order *service, const struct identity_order *order, struct tls_key_memory *memory,
                                    struct identity_files *files, struct err *err)
{
    key_renewal_read(service, order, memory, files);
    struct key_renewal *r = NULL;
    if (files->signing_key == NULL || tls_token_uri(order->key))
        (void)refuse(files, err);
    else if ((r = begin(order, memory)) == NULL)
        (void)err_set(err, ERR_MEMORY, "out of memory");
    else if (make(r, order, files, err) != 0) {
        key_renewal_free(r);
        r = NULL;
    }
    return r;
}

/* ---- writing ---- */

static bool is_as_it_was(const struct key_service_order *service, const struct key_renewal *r)
{
    struct identity_files now;
    const struct identity_order order = {.name = "", .key = r->key_path, .certificate = r->certificate_path};
    identity_files_read(&service->files, &order, NULL, &now);
    bool same = now.signing_key != NULL && memcmp(tls_signing_key_facts(now.signing_key)->public_id, r->before, TLS_KEY_ID) == 0 &&
                span_equals(certificates_of(&order, &now), bytes_span(&r->certificates));
    identity_files_clear(&now);
    return same;
}

int key_renewal_write(const struct key_service_order *service, const struct key_renewal *r, struct span certificates, struct err *err)
{
    if (!tls_rekey_is_of(certificates, r->after))
        return err_set(err, ERR_CREDENTIAL, "the certificate is not of the key that was made for it");
    if (!is_as_it_was(service, r))
        return err_set(err, ERR_CREDENTIAL, "%s: the files were changed by another program meanwhile: they stay as they are", r->key_path);
    const struct key_pair pair = {r->key_path, r->certificate_path, r->pem, certificates};
    return service->pairs->write(&pair, err);
}

/* ---- all ---- */

int key_renewals_add(struct key_renewals *all, struct key_renewal *r, struct err *err)
{
    if (all->n == KEY_RENEWALS_MAX) {
        key_renewal_free(r);
        return err_set(err, ERR_MEMORY, "more than %d renewals at a time", KEY_RENEWALS_MAX);
    }
    r->next = all->first;
    all->first = r;
    all->n++;
    return 0;
}

static struct key_renewal *take_out(struct key_renewals *all, struct key_renewal **at)
{
    struct key_renewal *r = *at;
    *at = r->next;
    all->n--;
    return r;
}

struct key_renewal *key_renewals_take(struct key_renewals *all, uint64_t key)
{
    for (struct key_renewal **at = &all->first; *at != NULL; at = &(*at)->next)
        if ((*at)->key == key)
            return take_out(all, at);
    return NULL;
}

void key_renewals_release(struct key_renewals *all, uint32_t set)
{
    struct key_renewal **at = &all->first;
    while (*at != NULL)
        if ((*at)->set == set)
            key_renewal_free(take_out(all, at));
        else
            at = &(*at)->next;
}

void key_renewals_clear(struct key_renewals *all)
{
    while (all->first != NULL)
        key_renewal_free(take_out(all, &all->first));
}
