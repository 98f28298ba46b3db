/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_registry.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 255 };

struct tls_registry_text {
    atomic_uint refs;
    uint32_t bytes;
    uint8_t data[]; /* of each pair: the length of the name, one byte; that of the value, two; then both */
};

static const char *const words[TLS_REGISTRY_STATES] = {
    [TLS_REGISTRY_ABSENT] = "absent",   [TLS_REGISTRY_ACTIVE] = "active",   [TLS_REGISTRY_SUSPENDED] = "suspended",
    [TLS_REGISTRY_REVOKED] = "revoked", [TLS_REGISTRY_INVALID] = "invalid",
};

const char *tls_registry_state_word(enum tls_registry_state state)
{
    return words[(size_t)state < TLS_REGISTRY_STATES ? state : TLS_REGISTRY_INVALID];
}

static bool fits(const struct tls_registry_pair *pair)
{
    return pair->name.len <= NAME_MAX_BYTES && pair->value.len <= UINT16_MAX;
}

static uint8_t *put(uint8_t *at, struct span bytes)
{
    if (bytes.len > 0)
        memcpy(at, bytes.ptr, bytes.len);
    return at + bytes.len;
}

struct tls_registry_text *tls_registry_text_new(const struct tls_registry_pair *pairs, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += fits(&pairs[i]) ? 3 + pairs[i].name.len + pairs[i].value.len : 0;
    struct tls_registry_text *text = bytes > 0 && bytes <= UINT32_MAX ? malloc(sizeof(*text) + bytes) : NULL;
    if (text == NULL)
        return NULL;
    atomic_init(&text->refs, 1);
    text->bytes = (uint32_t)bytes;
    uint8_t *at = text->data;
    for (size_t i = 0; i < n; i++) {
        if (!fits(&pairs[i]))
            continue;
        *at++ = (uint8_t)pairs[i].name.len;
        *at++ = (uint8_t)(pairs[i].value.len >> 8);
        *at++ = (uint8_t)(pairs[i].value.len & 0xff);
        at = put(put(at, pairs[i].name), pairs[i].value);
    }
    return text;
}

struct tls_registry_text *tls_registry_text_ref(struct tls_registry_text *text)
{
    if (text != NULL)
        atomic_fetch_add_explicit(&text->refs, 1, memory_order_relaxed);
    return text;
}

void tls_registry_text_unref(struct tls_registry_text *text)
{
    if (text != NULL && atomic_fetch_sub_explicit(&text->refs, 1, memory_order_acq_rel) == 1)
        free(text);
}

static size_t next(const struct tls_registry_text *text, size_t at, struct tls_registry_pair *out)
{
    size_t name = text->data[at], value = (size_t)text->data[at + 1] << 8 | text->data[at + 2];
    out->name = span_of(text->data + at + 3, name);
    out->value = span_of(text->data + at + 3 + name, value);
    return at + 3 + name + value;
}

bool tls_registry_text_at(const struct tls_registry_text *text, size_t i, struct tls_registry_pair *out)
{
    size_t at = 0;
    while (text != NULL && at < text->bytes) {
        at = next(text, at, out);
        if (i-- == 0)
            return true;
    }
    return false;
}

struct span tls_registry_text_get(const struct tls_registry_text *text, const char *name)
{
    return tls_registry_text_find(text, span_from_str(name));
}

struct span tls_registry_text_find(const struct tls_registry_text *text, struct span wanted)
{
    struct tls_registry_pair pair;
    for (size_t at = 0; text != NULL && at < text->bytes;) {
        at = next(text, at, &pair);
        if (span_equals(pair.name, wanted))
            return pair.value;
    }
    return span_of(NULL, 0);
}

bool tls_registry_text_same(const struct tls_registry_text *a, const struct tls_registry_text *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a == b || (a->bytes == b->bytes && memcmp(a->data, b->data, a->bytes) == 0);
}
