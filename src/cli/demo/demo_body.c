/* SPDX-License-Identifier: Apache-2.0 */
#include "demo.h"

#include <string.h>

void demo_body_init(struct demo_body *body)
{
    uint32_t state = 20260131;
    for (size_t i = 0; i < DEMO_BODY_PERIOD; i++) {
        state = state * 1664525U + 1013904223U;
        body->period[i] = (uint8_t)(state >> 24);
    }
}

static size_t piece_at(uint64_t offset, size_t n, size_t *from)
{
    *from = (size_t)(offset % DEMO_BODY_PERIOD);
    return n < DEMO_BODY_PERIOD - *from ? n : DEMO_BODY_PERIOD - *from;
}

void demo_body_fill(const struct demo_body *body, uint64_t offset, uint8_t *out, size_t n)
{
    for (size_t done = 0; done < n;) {
        size_t from, piece = piece_at(offset + done, n - done, &from);
        memcpy(out + done, body->period + from, piece);
        done += piece;
    }
}

bool demo_body_equals(const struct demo_body *body, uint64_t offset, const uint8_t *data, size_t n)
{
    for (size_t done = 0; done < n;) {
        size_t from, piece = piece_at(offset + done, n - done, &from);
        if (memcmp(data + done, body->period + from, piece) != 0)
            return false;
        done += piece;
    }
    return true;
}
