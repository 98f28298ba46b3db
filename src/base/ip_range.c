/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/ip_range.h"

#include <arpa/inet.h>
#include <string.h>

enum { TEXT_MAX = 64 };

static int read_bits(const char *digits, unsigned most, unsigned *bits)
{
    size_t n = strlen(digits);
    *bits = 0;
    if (n == 0 || n > 3 || digits[strspn(digits, "0123456789")] != '\0' || (n > 1 && digits[0] == '0'))
        return -1;
    for (size_t i = 0; i < n; i++)
        *bits = *bits * 10 + (unsigned)(digits[i] - '0');
    return *bits <= most ? 0 : -1;
}

static bool has_bits_behind(const struct ip_range *r)
{
    for (unsigned i = r->bits; i < r->n * 8; i++)
        if ((r->bytes[i / 8] >> (7 - i % 8)) & 1)
            return true;
    return false;
}

int ip_range_parse(const char *text, struct ip_range *out, struct err *err)
{
    char address[TEXT_MAX];
    size_t n = strcspn(text, "/");
    *out = (struct ip_range){.n = 0};
    if (n < sizeof(address)) {
        memcpy(address, text, n);
        address[n] = '\0';
        if (inet_pton(AF_INET, address, out->bytes) == 1)
            out->n = 4;
        else if (inet_pton(AF_INET6, address, out->bytes) == 1)
            out->n = 16;
    }
    out->bits = (unsigned)out->n * 8;
    if (out->n == 0 || (text[n] == '/' && read_bits(text + n + 1, out->bits, &out->bits) != 0))
        return err_set(err, ERR_CONFIG, "\"%.80s\" is not an IP address, or a range as in \"10.0.0.0/8\"", text);
    if (has_bits_behind(out))
        return err_set(err, ERR_CONFIG, "\"%.80s\": the address has bits set behind the %u that count", text, out->bits);
    return 0;
}

bool ip_range_holds(const struct ip_range *r, struct span address)
{
    unsigned whole = r->bits / 8, rest = r->bits % 8;
    if (r->n == 0 || address.len != r->n || memcmp(address.ptr, r->bytes, whole) != 0)
        return false;
    return rest == 0 || ((address.ptr[whole] ^ r->bytes[whole]) >> (8 - rest)) == 0;
}
