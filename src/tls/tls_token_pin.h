/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a token gets the PIN of its file. */
#ifndef MTLSD_TLS_TLS_TOKEN_PIN_H
#define MTLSD_TLS_TLS_TOKEN_PIN_H

#include "mtlsd/base/bytes.h"

struct tls_token_pin {
    struct span text;  /* empty: no file is configured */
    const char *fault; /* fixed text: why no PIN was given */
};

/* The library calls this at a login, with a struct tls_token_pin, and a second time when the token refused the PIN. */
int tls_token_pin_give(void *ctx, int attempt, const char *url, const char *label, unsigned flags, char *pin, size_t size);

#endif
