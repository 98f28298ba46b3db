/* SPDX-License-Identifier: Apache-2.0 */
/* A body of any length that both ends can compute, so that every byte is compared and none is stored. */
#ifndef MTLSD_CLI_DEMO_BODY_H
#define MTLSD_CLI_DEMO_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DEMO_BODY_PERIOD = 65521 }; /* a prime: no buffer size divides it, so a lost or repeated buffer shows */

struct demo_body {
    uint8_t period[DEMO_BODY_PERIOD];
};

void demo_body_init(struct demo_body *body);
void demo_body_fill(const struct demo_body *body, uint64_t offset, uint8_t *out, size_t n);
bool demo_body_equals(const struct demo_body *body, uint64_t offset, const uint8_t *data, size_t n);

#endif
