/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/pin.h"

#include "mtlsd/base/text.h"

#include <stdbool.h>
#include <string.h>

enum { BASE64_LENGTH = 44 }; /* of 32 bytes: 43 characters and one '=' */

/* Colons stand between two bytes, never inside one. */
static bool read_hex(const char *text, unsigned char out[PIN_SIZE])
{
    for (size_t i = 0; i < PIN_SIZE; i++) {
        if (i > 0 && *text == ':')
            text++;
        int high = text_hex_digit((uint8_t)text[0]);
        int low = high >= 0 ? text_hex_digit((uint8_t)text[1]) : -1;
        if (low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
        text += 2;
    }
    return *text == '\0';
}

/* One spelling per value: the bits that no byte gets must be 0 (RFC 4648 section 3.5). */
static bool read_base64(const char *text, unsigned char out[PIN_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0, n_bits = 0;
    size_t n = 0;
    if (strlen(text) != BASE64_LENGTH || text[BASE64_LENGTH - 1] != '=')
        return false;
    for (size_t i = 0; i < BASE64_LENGTH - 1; i++) {
        const char *at = strchr(digits, text[i]);
        if (at == NULL)
            return false;
        bits = (bits << 6 | (unsigned)(at - digits)) & 0xffff;
        n_bits += 6;
        if (n_bits < 8)
            continue;
        n_bits -= 8;
        out[n++] = (unsigned char)(bits >> n_bits);
    }
    return n == PIN_SIZE && (bits & ((1U << n_bits) - 1)) == 0;
}

int pin_parse(const char *text, unsigned char out[PIN_SIZE], struct err *err)
{
    static const char prefix[] = "sha256//";
    bool prefixed = strncmp(text, prefix, sizeof(prefix) - 1) == 0;
    if (read_base64(prefixed ? text + sizeof(prefix) - 1 : text, out) || (!prefixed && read_hex(text, out)))
        return 0;
    return err_set(err, ERR_CONFIG,
                   "\"%.80s\" is not a pin: write the SHA-256 of a public key as 64 hexadecimal digits or as 44 characters of base64", text);
}
