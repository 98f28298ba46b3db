/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/special_address.h"

#include <stdbool.h>
#include <string.h>

struct block {
    uint8_t prefix[16];
    unsigned bits;
    const char *kind;
};

/* IANA IPv4 Special-Purpose Address Registry, without what is globally reachable, and multicast. */
static const struct block v4_blocks[] = {
    {{0}, 8, "unspecified"},
    {{10}, 8, "private"},
    {{100, 100, 100, 200}, 32, "link-local"}, /* in no registry, as below: a cloud's metadata */
    {{100, 64}, 10, "shared"},
    {{127}, 8, "loopback"},
    {{168, 63, 129, 16}, 32, "link-local"}, /* in no registry: the host's agent of Azure, which only its own machines reach */
    {{169, 254}, 16, "link-local"},
    {{172, 16}, 12, "private"},
    {{192, 0, 0, 192}, 32, "link-local"}, /* a cloud's metadata */
    {{192, 0, 0}, 24, "reserved"}, /* IETF protocols, DS-Lite */
    {{192, 0, 2}, 24, "documentation"},
    {{192, 88, 99}, 24, "reserved"}, /* 6to4 relays, no longer used */
    {{192, 168}, 16, "private"},
    {{198, 18}, 15, "reserved"}, /* measurements */
    {{198, 51, 100}, 24, "documentation"},
    {{203, 0, 113}, 24, "documentation"},
    {{224}, 4, "multicast"},
    {{240}, 4, "reserved"},
};

/* IANA IPv6 Special-Purpose Address Registry. An address outside 2000::/3 is no global unicast address, listed or not. */
static const struct block v6_blocks[] = {
    {{0}, 128, "unspecified"},
    {{[15] = 1}, 128, "loopback"},
    {{0x20, 0x01}, 23, "reserved"}, /* IETF protocols: Teredo, ORCHID, measurements, ... */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
    {{0x20, 0x02}, 16, "reserved"}, /* 6to4 */
    {{0x3f, 0xff}, 20, "documentation"},
    {{0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}, 128, "link-local"}, /* in no registry: clouds' metadata */
    {{0xfd, 0x20, 0x00, 0xce, [14] = 0x02, [15] = 0x54}, 128, "link-local"},
    {{0xfc}, 7, "private"},
    {{0xfe, 0x80}, 10, "link-local"},
    {{0xfe, 0xc0}, 10, "private"}, /* site-local, no longer used, still routed by some */
    {{0xff}, 8, "multicast"},
};

/* Where an IPv4 address stands in an IPv6 one. */
static const struct embedding {
    uint8_t prefix[16];
    unsigned bits;
    size_t at;
    bool inverted;    /* Teredo hides it from meddling routers */
    bool global;      /* the form itself is globally reachable */
} embeddings[] = {
    {{0}, 96, 12, false, false},                                         /* compatible */
    {{[10] = 0xff, [11] = 0xff}, 96, 12, false, false},                  /* mapped */
    {{[8] = 0xff, [9] = 0xff}, 96, 12, false, false},                    /* translated, RFC 2765 */
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12, false, true},                     /* NAT64, RFC 6052 */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, 12, false, false},        /* NAT64 of this network, RFC 8215, used as a /96 */
    {{0x20, 0x02}, 16, 2, false, false},                                 /* 6to4 */
    {{0x20, 0x01, 0x00, 0x00}, 32, 4, false, false},                     /* Teredo: its server */
    {{0x20, 0x01, 0x00, 0x00}, 32, 12, true, false},                     /* and its client */
};

static bool begins_with(const uint8_t *bytes, const uint8_t *prefix, unsigned bits)
{
    if (memcmp(bytes, prefix, bits / 8) != 0)
        return false;
    unsigned rest = bits % 8;
    return rest == 0 || ((bytes[bits / 8] ^ prefix[bits / 8]) >> (8 - rest)) == 0;
}

static const char *find_block(const struct block *blocks, size_t n, const uint8_t *bytes)
{
    for (size_t i = 0; i < n; i++)
        if (begins_with(bytes, blocks[i].prefix, blocks[i].bits))
            return blocks[i].kind;
    return NULL;
}

static const char *kind_of_v4(const uint8_t *bytes)
{
    return find_block(v4_blocks, sizeof(v4_blocks) / sizeof(v4_blocks[0]), bytes);
}

static const char *kind_inside(const uint8_t *bytes, const struct embedding *e)
{
    uint8_t v4[4];
    for (size_t i = 0; i < sizeof(v4); i++)
        v4[i] = (uint8_t)(bytes[e->at + i] ^ (e->inverted ? 0xff : 0));
    return kind_of_v4(v4);
}

/* RFC 5214 section 6.1: an interface that is ISATAP's ends in an IPv4 address, whatever its prefix. */
static bool is_isatap(const uint8_t *bytes)
{
    return (bytes[8] & ~0x02) == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe;
}

static const char *kind_of_embedded(const uint8_t *bytes, bool *global)
{
    *global = false;
    for (size_t i = 0; i < sizeof(embeddings) / sizeof(embeddings[0]); i++) {
        if (!begins_with(bytes, embeddings[i].prefix, embeddings[i].bits))
            continue;
        const char *inside = kind_inside(bytes, &embeddings[i]);
        if (inside != NULL)
            return inside;
        *global = embeddings[i].global;
    }
    return is_isatap(bytes) ? kind_of_v4(bytes + 12) : NULL;
}

static const char *kind_of_v6(const uint8_t *bytes)
{
    const char *kind = find_block(v6_blocks, 2, bytes); /* "::" and "::1" look like IPv4 inside */
    bool global = false;
    if (kind == NULL)
        kind = kind_of_embedded(bytes, &global);
    if (kind != NULL || global)
        return kind;
    kind = find_block(v6_blocks, sizeof(v6_blocks) / sizeof(v6_blocks[0]), bytes);
    if (kind != NULL)
        return kind;
    return (bytes[0] & 0xe0) == 0x20 ? NULL : "reserved";
}

bool special_address_is_near(const char *kind)
{
    static const char *const near[] = {"loopback", "link-local", "unspecified", "multicast", "reserved"};
    for (size_t i = 0; kind != NULL && i < sizeof(near) / sizeof(near[0]); i++)
        if (strcmp(kind, near[i]) == 0)
            return true;
    return false;
}

const char *special_address_kind(const uint8_t *bytes, size_t n)
{
    if (n == 4)
        return kind_of_v4(bytes);
    return n == 16 ? kind_of_v6(bytes) : "reserved";
}
