/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_peer.h"

#include "mtlsd/base/text.h"
#include "tls_cert.h"
#include "tls_dn.h"

#include <stdlib.h>
#include <string.h>

/* An idle connection keeps its peer, so everything of its own lies in one block: the struct, the table, the DER that the names point into, the texts. */

/* The text of a name. Headers tell what has up to 16 KiB; of a longer one people see the front. */
enum { TEXT_MAX_BYTES = 16 * 1024, FRONT_BYTES = 1023 };

struct text {
    struct span name;
    size_t length; /* to be kept */
    bool cut;
};

static struct text measure(struct span name)
{
    char none[16];
    size_t length = tls_dn_text(name, NULL, 0);
    if (length > 0)
        return (struct text){name, length <= TEXT_MAX_BYTES ? length : FRONT_BYTES, length > TEXT_MAX_BYTES};
    tls_cert_name_text(name, none, sizeof(none));
    return (struct text){name, strlen(none), true};
}

struct filling {
    struct tls_name *names; /* NULL while counting */
    size_t n;
    struct span from, to; /* the DER that was read and its copy in the block */
};

static int on_name(void *ctx, const struct tls_name *name)
{
    struct filling *f = ctx;
    if (f->names != NULL) {
        f->names[f->n] = *name;
        f->names[f->n].value.ptr = f->to.ptr + (name->value.ptr - f->from.ptr);
    }
    f->n++;
    return 0;
}

static char *put_text(uint8_t **at, const struct text *text)
{
    char *put = (char *)*at;
    tls_cert_name_text(text->name, put, text->length + 1);
    *at += text->length + 1;
    return put;
}

static struct span put_bytes(uint8_t **at, struct span bytes)
{
    uint8_t *put = *at;
    if (bytes.len > 0)
        memcpy(put, bytes.ptr, bytes.len);
    *at += bytes.len;
    return span_of(put, bytes.len);
}

struct tls_peer *tls_peer_new(struct span der, struct err *err)
{
    struct tls_cert cert;
    struct filling count = {0};
    if (tls_cert_read(der, &cert) != 0 || tls_cert_each_name(&cert, on_name, &count) != 0) {
        (void)err_set(err, ERR_PROTOCOL, "the peer's certificate cannot be parsed");
        return NULL;
    }
    const struct text subject = measure(cert.subject), issuer = measure(cert.issuer);
    struct span serial = tls_cert_serial_digits(cert.serial);
    size_t names_bytes = count.n * sizeof(struct tls_name);
    size_t texts_bytes = subject.length + issuer.length + 2 * serial.len + 3;
    size_t block_bytes = sizeof(struct tls_peer) + names_bytes + texts_bytes + der.len;
    uint8_t *block = malloc(block_bytes);
    if (block == NULL) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    struct tls_peer *peer = (struct tls_peer *)(void *)block;
    *peer = (struct tls_peer){.not_before = cert.not_before, .not_after = cert.not_after, .n_names = count.n, .block_bytes = block_bytes};
    peer->subject_cut = subject.cut;
    peer->subject_empty = tls_cert_name_is_empty(cert.subject);
    peer->issuer_cut = issuer.cut;
    peer->n_cns = tls_cert_count_cns(&cert);
    peer->has_odd_names = tls_cert_has_odd_names(&cert);
    struct tls_name *names = (struct tls_name *)(void *)(block + sizeof(*peer));
    uint8_t *at = block + sizeof(*peer) + names_bytes;
    peer->der = put_bytes(&at, der);
    peer->subject = put_text(&at, &subject);
    peer->issuer = put_text(&at, &issuer);
    text_hex((char *)at, serial);
    peer->serial = (const char *)at;
    struct filling fill = {.names = names, .from = der, .to = peer->der};
    int again = tls_cert_each_name(&cert, on_name, &fill);
    (void)again; /* the same bytes parsed a moment ago */
    peer->names = names;
    tls_cert_sha256(peer->der, peer->sha256);
    tls_cert_sha256(cert.spki, peer->spki_sha256);
    return peer;
}

static const void *moved(const struct tls_peer *from, struct tls_peer *to, const void *what)
{
    return (uint8_t *)to + ((const uint8_t *)what - (const uint8_t *)from);
}

struct tls_peer *tls_peer_copy(const struct tls_peer *peer)
{
    struct tls_peer *copy = malloc(peer->block_bytes);
    if (copy == NULL)
        return NULL;
    memcpy(copy, peer, peer->block_bytes);
    copy->subject = moved(peer, copy, peer->subject);
    copy->issuer = moved(peer, copy, peer->issuer);
    copy->serial = moved(peer, copy, peer->serial);
    copy->der.ptr = moved(peer, copy, peer->der.ptr);
    struct tls_name *names = (struct tls_name *)(uintptr_t)moved(peer, copy, peer->names);
    for (size_t i = 0; i < peer->n_names; i++)
        names[i].value.ptr = moved(peer, copy, peer->names[i].value.ptr);
    copy->names = names;
    copy->path = NULL;
    copy->path_block = NULL;
    copy->n_path = 0;
    tls_registry_text_ref(copy->registry);
    tls_peer_set_path(copy, peer->path, peer->n_path, peer->by_anchor);
    if (copy->n_path == peer->n_path)
        return copy;
    tls_peer_free(copy);
    return NULL;
}

void tls_peer_free(struct tls_peer *peer)
{
    if (peer == NULL)
        return;
    free(peer->path_block);
    tls_registry_text_unref(peer->registry);
    free(peer);
}

void tls_peer_set_registry(struct tls_peer *peer, struct tls_registry_text *text)
{
    tls_registry_text_unref(peer->registry);
    peer->registry = text;
}

static bool has_path(const struct tls_peer *peer, const struct span *ders, size_t n)
{
    for (size_t i = 0; i < n && i < peer->n_path; i++)
        if (!span_equals(peer->path[i], ders[i]))
            return false;
    return peer->n_path == n;
}

void tls_peer_set_path(struct tls_peer *peer, const struct span *ders, size_t n, bool by_anchor)
{
    peer->by_anchor = by_anchor;
    if (has_path(peer, ders, n))
        return; /* as it nearly always is when a peer is judged again */
    free(peer->path_block);
    peer->path_block = NULL;
    peer->path = NULL;
    peer->n_path = 0;
    size_t size = n * sizeof(struct span);
    for (size_t i = 0; i < n; i++)
        size += ders[i].len;
    uint8_t *block = n > 0 ? malloc(size) : NULL;
    if (block == NULL) {
        peer->by_anchor = by_anchor && n == 0;
        return;
    }
    struct span *path = (struct span *)(void *)block;
    uint8_t *at = block + n * sizeof(struct span);
    for (size_t i = 0; i < n; i++)
        path[i] = put_bytes(&at, ders[i]);
    peer->path_block = block;
    peer->path = path;
    peer->n_path = n;
}

bool tls_peer_is_nameless(const struct tls_peer *peer)
{
    for (size_t i = 0; i < peer->n_names; i++)
        if (peer->names[i].type >= TLS_NAME_DNS && peer->names[i].type <= TLS_NAME_IP)
            return false;
    return true;
}

struct span tls_peer_first(const struct tls_peer *peer, enum tls_name_type type)
{
    for (size_t i = 0; i < peer->n_names; i++)
        if (peer->names[i].type == type)
            return peer->names[i].value;
    return (struct span){0};
}
