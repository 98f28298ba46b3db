/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/proxy_protocol.h"
#include "proxy_protocol_wire.h"

#include "mtlsd/base/text.h"

#include <arpa/inet.h>
#include <string.h>

enum { BLOCK_MAX = 4096 - PROXY_PROTOCOL_V2_HEAD, TEXT_MAX = 512 };

static void put8(struct bytes *out, unsigned value)
{
    bytes_append(out, &(uint8_t){(uint8_t)value}, 1);
}

static void put16(struct bytes *out, size_t value)
{
    put8(out, value >> 8 & 0xff);
    put8(out, value & 0xff);
}

/* ---- version 1 ---- */

static int write_v1(struct bytes *out, const struct proxy_protocol_peer *peer)
{
    char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
    int family = peer != NULL && peer->v6 ? AF_INET6 : AF_INET;
    if (peer == NULL || !peer->known || inet_ntop(family, peer->source, source, sizeof(source)) == NULL ||
        inet_ntop(family, peer->destination, destination, sizeof(destination)) == NULL)
        return bytes_append_str(out, PROXY_PROTOCOL_V1_START "UNKNOWN\r\n");
    return bytes_printf(out, PROXY_PROTOCOL_V1_START "%s %s %s %u %u\r\n", peer->v6 ? "TCP6" : "TCP4", source, destination,
                        (unsigned)peer->source_port, (unsigned)peer->destination_port);
}

/* ---- version 2 ---- */

static void put_tlv(struct bytes *out, unsigned type, struct span value)
{
    put8(out, type);
    put16(out, value.len);
    bytes_append_span(out, value);
}

/* A peer's text that could end a log line or a field of the receiver is left out: a receiver that asks for a name then finds
 * none, which is a no. */
static bool is_plain(struct span text)
{
    return text.len > 0 && text.len <= TEXT_MAX && text_is_utf8(text);
}

static void put_name(struct bytes *out, unsigned type, struct span text)
{
    if (is_plain(text))
        put_tlv(out, type, text);
}

static void put_text(struct bytes *out, unsigned type, const char *text)
{
    put_name(out, type, span_from_str(text));
}

/* 0 means verified to everyone who reads it; what has no number of its own is 1, X509_V_ERR_UNSPECIFIED. */
static unsigned verify_number(const struct proxy_protocol_tls *tls)
{
    if (tls->certificate && tls->verified)
        return 0;
    return tls->certificate && tls->error > 0 ? (unsigned)tls->error : 1;
}

static unsigned client_bits(const struct proxy_protocol_tls *tls)
{
    if (!tls->certificate)
        return PROXY_PROTOCOL_CLIENT_SSL;
    unsigned presented = tls->resumed ? 0 : PROXY_PROTOCOL_CLIENT_CERT_CONN; /* else on an earlier connection */
    return PROXY_PROTOCOL_CLIENT_SSL | PROXY_PROTOCOL_CLIENT_CERT_SESS | presented;
}

/* In HAProxy's order. */
static void put_tls(struct bytes *out, const struct proxy_protocol_tls *tls)
{
    struct bytes inner;
    bytes_init(&inner, BLOCK_MAX);
    put8(&inner, client_bits(tls));
    put16(&inner, verify_number(tls) >> 16);
    put16(&inner, verify_number(tls) & 0xffff);
    put_text(&inner, PROXY_PROTOCOL_SSL_VERSION, tls->version);
    if (tls->certificate)
        put_name(&inner, PROXY_PROTOCOL_SSL_CN, tls->common_name);
    put_text(&inner, PROXY_PROTOCOL_SSL_KEY_ALG, tls->key_algorithm);
    put_text(&inner, PROXY_PROTOCOL_SSL_SIG_ALG, tls->signature_algorithm);
    put_text(&inner, PROXY_PROTOCOL_SSL_CIPHER, tls->cipher);
    put8(out, PROXY_PROTOCOL_SSL);
    put16(out, inner.len);
    bytes_append_part(out, &inner);
}

static void put_block(struct bytes *out, const struct proxy_protocol_peer *peer, const struct proxy_protocol_tls *tls)
{
    if (peer->known) {
        bytes_append(out, peer->source, peer->v6 ? 16 : 4);
        bytes_append(out, peer->destination, peer->v6 ? 16 : 4);
        put16(out, peer->source_port);
        put16(out, peer->destination_port);
    }
    if (tls == NULL)
        return;
    put_text(out, PROXY_PROTOCOL_ALPN, tls->alpn);
    put_text(out, PROXY_PROTOCOL_AUTHORITY, tls->server_name);
    put_tls(out, tls);
}

static int write_v2(struct bytes *out, const struct proxy_protocol_peer *peer, const struct proxy_protocol_tls *tls)
{
    unsigned family = peer == NULL || !peer->known ? PROXY_PROTOCOL_UNSPEC : peer->v6 ? PROXY_PROTOCOL_TCP6 : PROXY_PROTOCOL_TCP4;
    struct bytes block;
    bytes_init(&block, BLOCK_MAX);
    if (peer != NULL)
        put_block(&block, peer, tls);
    bytes_append(out, PROXY_PROTOCOL_V2_START, PROXY_PROTOCOL_V2_START_BYTES);
    put8(out, peer != NULL ? PROXY_PROTOCOL_PROXY : PROXY_PROTOCOL_LOCAL);
    put8(out, family);
    put16(out, block.len);
    return bytes_append_part(out, &block);
}

int proxy_protocol_write(struct bytes *out, enum config_proxy_protocol version, const struct proxy_protocol_peer *peer,
                         const struct proxy_protocol_tls *tls)
{
    switch (version) {
    case CONFIG_PROXY_PROTOCOL_V1:
        return write_v1(out, peer);
    case CONFIG_PROXY_PROTOCOL_V2:
        return write_v2(out, peer, tls);
    case CONFIG_PROXY_PROTOCOL_NONE:
        break;
    }
    return 0;
}
