/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/identity_files.h"

#include "mtlsd/tls/tls_issuer.h"
#include "mtlsd/tls/tls_token_uri.h"

#include <string.h>

/* A private key is reported, even where it does not belong. */
static void read_file(const struct file_source *files, const char *path, struct identity_file *out)
{
    out->failed = files->read(files->ctx, path, &out->text, &out->facts, &out->err) != 0;
    struct span text = bytes_span(&out->text);
    out->empty = text.len == 0;
    out->has_key = text.len > 0 && memmem(text.ptr, text.len, "PRIVATE KEY-----", 16) != NULL;
}

static void keep_certificates(struct identity_file *f)
{
    struct span text = bytes_span(&f->text);
    if (text.len > 0)
        tls_signing_key_blank((uint8_t *)(uintptr_t)text.ptr, text.len);
}

static void read_certificate(const struct file_source *files, const char *path, struct identity_file *out)
{
    if (tls_token_uri(path)) {
        out->failed = tls_token_uri_certificate(path, &out->text, &out->err) != 0;
        return;
    }
    read_file(files, path, out);
    keep_certificates(out);
}

static bool is_there(const struct identity_file *f, const char *path)
{
    return path == NULL || !(f->failed || f->facts.is_folder);
}

static void read_key(const struct identity_order *order, struct tls_key_memory *memory, struct identity_files *out)
{
    struct bytes chain = {0};
    const struct tls_key_source source = {
        .identity = order->name,
        .text = bytes_span(&out->key.text),
        .file = order->key,
        .bundle = order->certificate == NULL,
        .passphrase = {order->passphrase, bytes_span(&out->passphrase.text)},
        .pkcs12 = order->pkcs12,
        .chain = &chain,
    };
    out->signing_key = tls_signing_key_read(&source, memory, &out->fault);
    if (!order->pkcs12)
        return;
    bytes_wipe(&out->key.text);
    out->key.text = chain;
}

static void read_issuer(const struct file_source *files, const struct identity_order *order, struct tls_key_memory *memory, struct identity_files *out)
{
    read_file(files, order->certificate, &out->certificate);
    read_file(files, order->key, &out->key);
    const struct tls_issuer_source source = {order->name,
                                             {order->certificate, bytes_span(&out->certificate.text)},
                                             {order->key, bytes_span(&out->key.text)},
                                             span_from_str(order->hosts)};
    if (is_there(&out->certificate, order->certificate) && is_there(&out->key, order->key))
        out->signing_key = tls_issuer_read(&source, memory, order->now, out->ca_id, &out->fault);
    bytes_wipe(&out->key.text);
    keep_certificates(&out->certificate);
}

void identity_files_read(const struct file_source *files, const struct identity_order *order, struct tls_key_memory *memory, struct identity_files *out)
{
    bool token = tls_token_uri(order->key);
    *out = (struct identity_files){0};
    if (order->hosts != NULL) {
        read_issuer(files, order, memory, out);
        return;
    }
    if (!token)
        read_file(files, order->key, &out->key);
    out->key.has_key = out->key.has_key || order->pkcs12;
    if (order->passphrase != NULL)
        read_file(files, order->passphrase, &out->passphrase);
    if (!out->key.failed && !out->key.empty && is_there(&out->passphrase, order->passphrase))
        read_key(order, memory, out);
    bytes_wipe(&out->passphrase.text);
    if (order->certificate != NULL) {
        bytes_wipe(&out->key.text);
        read_certificate(files, order->certificate, &out->certificate);
    } else {
        keep_certificates(&out->key);
    }
    if (order->chain != NULL) {
        read_file(files, order->chain, &out->chain);
        keep_certificates(&out->chain);
    }
}

void identity_files_clear(struct identity_files *f)
{
    bytes_clear(&f->key.text);
    bytes_clear(&f->certificate.text);
    bytes_clear(&f->chain.text);
    bytes_clear(&f->passphrase.text);
    tls_signing_key_unref(f->signing_key);
    f->signing_key = NULL;
}
