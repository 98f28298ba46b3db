/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/proxy_protocol.h"
#include "proxy_protocol_wire.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { V1_MAX = 107, V2_TOTAL_MAX = 4096 };

static enum proxy_protocol_found bad(const char **why, const char *text)
{
    *why = text;
    return PROXY_PROTOCOL_BAD;
}

/* in agrees with the start of want as far as both go. */
static bool begins_like(struct span in, const void *want, size_t n)
{
    return memcmp(in.ptr, want, in.len < n ? in.len : n) == 0;
}

/* ---- version 1: a line ---- */

/* The next word of a line in which exactly one space stands between words. */
static bool next_word(struct span *line, char *out, size_t size)
{
    const uint8_t *space = line->len > 0 ? memchr(line->ptr, ' ', line->len) : NULL;
    size_t n = space != NULL ? (size_t)(space - line->ptr) : line->len;
    if (n == 0 || n >= size || memchr(line->ptr, '\0', n) != NULL)
        return false;
    memcpy(out, line->ptr, n);
    out[n] = '\0';
    if (space != NULL && n + 1 == line->len)
        return false; /* a space at the end */
    *line = span_skip(*line, space != NULL ? n + 1 : n);
    return true;
}

static bool next_port(struct span *line, uint16_t *out)
{
    char word[6];
    unsigned value = 0;
    if (!next_word(line, word, sizeof(word)) || (word[0] == '0' && word[1] != '\0'))
        return false;
    for (const char *p = word; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return false;
        value = value * 10 + (unsigned)(*p - '0');
    }
    *out = (uint16_t)value;
    return value <= UINT16_MAX;
}

static bool next_address(struct span *line, bool v6, uint8_t *out)
{
    char word[INET6_ADDRSTRLEN];
    return next_word(line, word, sizeof(word)) && inet_pton(v6 ? AF_INET6 : AF_INET, word, out) == 1;
}

static bool read_line(struct span line, struct proxy_protocol_peer *peer)
{
    char family[8];
    line = span_skip(line, strlen(PROXY_PROTOCOL_V1_START));
    if (line.len >= 7 && memcmp(line.ptr, "UNKNOWN", 7) == 0)
        return line.len == 7 || line.ptr[7] == ' '; /* what follows is to be ignored */
    if (!next_word(&line, family, sizeof(family)))
        return false;
    peer->v6 = strcmp(family, "TCP6") == 0;
    if (!peer->v6 && strcmp(family, "TCP4") != 0)
        return false;
    peer->known = next_address(&line, peer->v6, peer->source) && next_address(&line, peer->v6, peer->destination) &&
                  next_port(&line, &peer->source_port) && next_port(&line, &peer->destination_port) && line.len == 0;
    return peer->known;
}

static enum proxy_protocol_found read_v1(struct span in, struct proxy_protocol_peer *peer, size_t *eaten, const char **why)
{
    size_t look = in.len < V1_MAX ? in.len : V1_MAX;
    const uint8_t *cr = memchr(in.ptr, '\r', look), *lf = memchr(in.ptr, '\n', look);
    if (lf != NULL && (cr == NULL || lf != cr + 1))
        return bad(why, "the line of the PROXY header does not end in CR LF");
    if (lf == NULL && cr != NULL && (size_t)(cr - in.ptr) + 1 < in.len)
        return bad(why, "the line of the PROXY header has a CR in its middle or is too long");
    if (lf == NULL)
        return in.len < V1_MAX ? PROXY_PROTOCOL_MORE : bad(why, "the line of the PROXY header is longer than 107 bytes");
    if (!read_line(span_of(in.ptr, (size_t)(cr - in.ptr)), peer))
        return bad(why, "the line of the PROXY header does not name two addresses and two ports");
    *eaten = (size_t)(lf - in.ptr) + 1;
    return PROXY_PROTOCOL_WHOLE;
}

/* ---- version 2: a block ---- */

static size_t get16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

uint32_t proxy_protocol_crc32c(uint32_t crc, const uint8_t *bytes, size_t n)
{
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78U : crc >> 1;
    }
    return ~crc;
}

/* The checksum is made over the whole header with zeroes where it stands itself. */
static bool sum_holds(struct span header, const uint8_t *at)
{
    static const uint8_t zeroes[4];
    size_t before = (size_t)(at - header.ptr);
    uint32_t sum = proxy_protocol_crc32c(0, header.ptr, before);
    sum = proxy_protocol_crc32c(sum, zeroes, sizeof(zeroes));
    sum = proxy_protocol_crc32c(sum, at + 4, header.len - before - 4);
    return sum == ((uint32_t)get16(at) << 16 | (uint32_t)get16(at + 2));
}

static const char *check_tlvs(struct span header, struct span tlvs)
{
    bool summed = false;
    while (tlvs.len > 0) {
        if (tlvs.len < 3 || get16(tlvs.ptr + 1) > tlvs.len - 3)
            return "a TLV of the PROXY header is cut off";
        size_t n = get16(tlvs.ptr + 1);
        if (tlvs.ptr[0] == PROXY_PROTOCOL_CRC32C) {
            if (n != 4 || summed || !sum_holds(header, tlvs.ptr + 3))
                return "the checksum of the PROXY header is wrong";
            summed = true;
        }
        tlvs = span_skip(tlvs, 3 + n);
    }
    return NULL;
}

static void take_addresses(const uint8_t *p, bool v6, struct proxy_protocol_peer *peer)
{
    size_t n = v6 ? 16 : 4;
    peer->known = true;
    peer->v6 = v6;
    memcpy(peer->source, p, n);
    memcpy(peer->destination, p + n, n);
    peer->source_port = (uint16_t)get16(p + 2 * n);
    peer->destination_port = (uint16_t)get16(p + 2 * n + 2);
}

static enum proxy_protocol_found read_block(struct span header, struct proxy_protocol_peer *peer, const char **why)
{
    struct span rest = span_skip(header, PROXY_PROTOCOL_V2_HEAD);
    size_t addresses;
    switch (header.ptr[13]) {
    case PROXY_PROTOCOL_UNSPEC:
        addresses = 0;
        break;
    case PROXY_PROTOCOL_TCP4:
        addresses = 12;
        break;
    case PROXY_PROTOCOL_TCP6:
        addresses = 36;
        break;
    case PROXY_PROTOCOL_UNIX:
        addresses = 216;
        break;
    default:
        return bad(why, "the PROXY header is for neither TCP nor a unix socket");
    }
    if (rest.len < addresses)
        return bad(why, "the PROXY header is too short for its addresses");
    if ((*why = check_tlvs(header, span_skip(rest, addresses))) != NULL)
        return PROXY_PROTOCOL_BAD;
    if (addresses == 12 || addresses == 36)
        take_addresses(rest.ptr, addresses == 36, peer);
    return PROXY_PROTOCOL_WHOLE;
}

static enum proxy_protocol_found read_v2(struct span in, struct proxy_protocol_peer *peer, size_t *eaten, const char **why)
{
    if (in.len > 12 && in.ptr[12] != PROXY_PROTOCOL_LOCAL && in.ptr[12] != PROXY_PROTOCOL_PROXY)
        return bad(why, "the PROXY header has a version or command that is not known");
    if (in.len < PROXY_PROTOCOL_V2_HEAD)
        return PROXY_PROTOCOL_MORE;
    size_t total = PROXY_PROTOCOL_V2_HEAD + get16(in.ptr + 14);
    if (total > V2_TOTAL_MAX)
        return bad(why, "the PROXY header is longer than 4 KiB");
    if (in.len < total)
        return PROXY_PROTOCOL_MORE;
    *eaten = total;
    if (in.ptr[12] == PROXY_PROTOCOL_LOCAL)
        return PROXY_PROTOCOL_WHOLE; /* the sender speaks for itself; what it says of addresses is to be ignored */
    return read_block(span_of(in.ptr, total), peer, why);
}

enum proxy_protocol_found proxy_protocol_read(struct span in, struct proxy_protocol_peer *peer, size_t *eaten, const char **why)
{
    *peer = (struct proxy_protocol_peer){0};
    *eaten = 0;
    *why = NULL;
    if (in.len == 0)
        return PROXY_PROTOCOL_MORE;
    enum proxy_protocol_found found = bad(why, "the connection does not begin with a PROXY header");
    if (begins_like(in, PROXY_PROTOCOL_V1_START, strlen(PROXY_PROTOCOL_V1_START)))
        found = read_v1(in, peer, eaten, why);
    else if (begins_like(in, PROXY_PROTOCOL_V2_START, PROXY_PROTOCOL_V2_START_BYTES))
        found = read_v2(in, peer, eaten, why);
    if (found != PROXY_PROTOCOL_WHOLE) {
        *peer = (struct proxy_protocol_peer){0};
        *eaten = 0;
    }
    return found;
}

void proxy_protocol_source_text(const struct proxy_protocol_peer *peer, char *out, size_t size)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool inside = peer->v6 && memcmp(peer->source, mapped, sizeof(mapped)) == 0;
    bool v6 = peer->v6 && !inside; /* one client has one name, however the header spells it */
    char text[INET6_ADDRSTRLEN];
    if (!peer->known || inet_ntop(v6 ? AF_INET6 : AF_INET, peer->source + (inside ? 12 : 0), text, sizeof(text)) == NULL)
        snprintf(text, sizeof(text), "unknown");
    snprintf(out, size, "%s", text);
}
