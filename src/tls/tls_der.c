/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_der.h"

/* Reads the length octets at the front of *in; -1 when they are not minimal or promise more than there is. */
static int read_length(struct span *in, size_t *length)
{
    if (in->len == 0)
        return -1;
    uint8_t first = in->ptr[0];
    *in = span_skip(*in, 1);
    *length = first;
    if (first < 0x80)
        return first <= in->len ? 0 : -1;
    size_t octets = first & 0x7f;
    if (octets == 0 || octets > 4 || octets > in->len || in->ptr[0] == 0)
        return -1;
    *length = 0;
    for (size_t i = 0; i < octets; i++)
        *length = *length << 8 | in->ptr[i];
    *in = span_skip(*in, octets);
    return *length >= 0x80 && *length <= in->len ? 0 : -1;
}

int tls_der_next(struct span *rest, struct tls_der *out)
{
    struct span in = *rest;
    if (in.len < 2 || (in.ptr[0] & 0x1f) == 0x1f)
        return -1;
    out->tag = in.ptr[0];
    in = span_skip(in, 1);
    size_t length;
    if (read_length(&in, &length) != 0)
        return -1;
    out->value = span_of(in.ptr, length);
    out->whole = span_of(rest->ptr, (size_t)(in.ptr - rest->ptr) + length);
    *rest = span_skip(*rest, out->whole.len);
    return 0;
}

int tls_der_expect(struct span *rest, uint8_t tag, struct tls_der *out)
{
    if (!tls_der_peek(*rest, tag))
        return -1;
    return tls_der_next(rest, out);
}

bool tls_der_peek(struct span rest, uint8_t tag)
{
    return rest.len > 0 && rest.ptr[0] == tag;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, counting years from March so that leap days come
 * last. */
static int64_t days_since_epoch(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int two_digits(const uint8_t *p)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return -1;
    return (p[0] - '0') * 10 + (p[1] - '0');
}

int tls_der_time(const struct tls_der *element, int64_t *seconds)
{
    struct span text = element->value;
    int century = 0;
    if (element->tag == DER_GENERALIZED_TIME && text.len == 15) {
        century = two_digits(text.ptr);
        text = span_skip(text, 2);
    } else if (element->tag != DER_UTC_TIME || text.len != 13) {
        return -1;
    }
    int part[6];
    for (size_t i = 0; i < 6; i++) {
        part[i] = two_digits(text.ptr + 2 * i);
        if (part[i] < 0)
            return -1;
    }
    if (century < 0 || text.ptr[12] != 'Z' || part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 ||
        part[3] > 23 || part[4] > 59 || part[5] > 59)
        return -1;
    if (element->tag == DER_UTC_TIME)
        century = part[0] < 50 ? 20 : 19; /* RFC 5280 4.1.2.5.1 */
    *seconds = days_since_epoch(century * 100 + part[0], part[1], part[2]) * 86400 + part[3] * 3600 +
               part[4] * 60 + part[5];
    return 0;
}
