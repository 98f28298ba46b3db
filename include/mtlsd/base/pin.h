/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a pin: SHA-256 of a public key (SubjectPublicKeyInfo), as 64 hexadecimal digits, with colons or without, or as base64, with curl's
 * "sha256//" in front or without. */
#ifndef MTLSD_BASE_PIN_H
#define MTLSD_BASE_PIN_H

#include "mtlsd/base/err.h"

#define PIN_SIZE 32

MUST_CHECK int pin_parse(const char *text, unsigned char out[PIN_SIZE], struct err *err);

#endif
