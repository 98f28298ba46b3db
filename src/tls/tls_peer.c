/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_peer.h"

#include "mtlsd/base/text.h"
#include "tls_cert.h"

#include <stdlib.h>
#include <string.h>

/* An idle connection keeps its peer, so everything lies in one block: the struct, the tables, the texts, then
 * the DER that the names point into. */
struct sizes {
    size_t names, chain, texts, ders;
};

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

static struct span significant(struct span serial)
{
    while (serial.len > 1 && serial.ptr[0] == 0)
        serial = span_skip(serial, 1);
    return serial;
}

static char *put_text(uint8_t **at, const char *text)
{
    size_t n = strlen(text) + 1;
    char *put = (char *)*at;
    memcpy(put, text, n);
    *at += n;
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

struct tls_peer *tls_peer_new(const struct span *ders, size_t n, struct err *err)
{
    struct tls_cert cert;
    struct filling count = {0};
    if (n == 0 || tls_cert_read(ders[0], &cert) != 0 || tls_cert_each_name(&cert, on_name, &count) != 0) {
        (void)err_set(err, ERR_PROTOCOL, "the peer's certificate cannot be parsed");
        return NULL;
    }
    char subject[512], issuer[512];
    tls_cert_name_text(cert.subject, subject, sizeof(subject));
    tls_cert_name_text(cert.issuer, issuer, sizeof(issuer));
    struct span serial = significant(cert.serial);
    struct sizes size = {count.n * sizeof(struct tls_name), (n - 1) * sizeof(struct span),
                         strlen(subject) + strlen(issuer) + 2 * serial.len + 3, 0};
    for (size_t i = 0; i < n; i++)
        size.ders += ders[i].len;
    uint8_t *block = malloc(sizeof(struct tls_peer) + size.names + size.chain + size.texts + size.ders);
    if (block == NULL) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    struct tls_peer *peer = (struct tls_peer *)(void *)block;
    *peer = (struct tls_peer){
        .not_before = cert.not_before, .not_after = cert.not_after, .n_names = count.n, .n_chain = n - 1};
    struct tls_name *names = (struct tls_name *)(void *)(block + sizeof(*peer));
    struct span *chain = (struct span *)(void *)(block + sizeof(*peer) + size.names);
    uint8_t *at = block + sizeof(*peer) + size.names + size.chain;
    peer->leaf_der = put_bytes(&at, ders[0]);
    for (size_t i = 1; i < n; i++)
        chain[i - 1] = put_bytes(&at, ders[i]);
    peer->subject = put_text(&at, subject);
    peer->issuer = put_text(&at, issuer);
    text_hex((char *)at, serial);
    peer->serial = (const char *)at;
    struct filling fill = {.names = names, .from = ders[0], .to = peer->leaf_der};
    int again = tls_cert_each_name(&cert, on_name, &fill);
    (void)again; /* the same bytes parsed a moment ago */
    peer->names = names;
    peer->chain_der = chain;
    tls_cert_sha256(peer->leaf_der, peer->sha256);
    tls_cert_sha256(cert.spki, peer->spki_sha256);
    return peer;
}

void tls_peer_free(struct tls_peer *peer)
{
    free(peer);
}

struct span tls_peer_first(const struct tls_peer *peer, enum tls_name_type type)
{
    for (size_t i = 0; i < peer->n_names; i++)
        if (peer->names[i].type == type)
            return peer->names[i].value;
    return (struct span){0};
}

/* The certificate of that subject among those not taken yet; n_chain: none. */
static size_t find_issuer(const struct tls_peer *peer, struct span name, uint64_t taken, struct tls_cert *found)
{
    for (size_t i = 0; i < peer->n_chain && i < 64; i++) {
        if ((taken >> i & 1) == 0 && tls_cert_read(peer->chain_der[i], found) == 0 && span_equals(found->subject, name))
            return i;
    }
    return peer->n_chain;
}

size_t tls_peer_path(const struct tls_peer *peer, struct span *out, size_t max)
{
    struct tls_cert at;
    uint64_t taken = 0;
    size_t n = 0;
    if (peer->leaf_der.len == 0 || tls_cert_read(peer->leaf_der, &at) != 0)
        return 0;
    while (n < max && !span_equals(at.issuer, at.subject)) {
        size_t i = find_issuer(peer, at.issuer, taken, &at);
        if (i == peer->n_chain || i >= 64 || span_equals(at.issuer, at.subject))
            break;
        taken |= UINT64_C(1) << i;
        out[n++] = peer->chain_der[i];
    }
    return n;
}
