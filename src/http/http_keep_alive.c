/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_keep_alive.h"

#include "http_name.h"

#include <string.h>

enum { LONGEST_SECONDS = 365 * 24 * 3600 }; /* anything longer says no more */

static struct span without_quotes(struct span value)
{
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        return span_trim(span_of(value.ptr + 1, value.len - 2));
    return value;
}

static bool read_number(struct span text, uint32_t *number)
{
    uint32_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        if (n < LONGEST_SECONDS)
            n = n * 10 + (uint32_t)(text.ptr[i] - '0');
    }
    *number = n;
    return text.len > 0;
}

/* The limit that one of "timeout=5" and "max=100" sets. */
static uint32_t read_parameter(struct span parameter)
{
    uint32_t number;
    const uint8_t *sign = parameter.len > 0 ? memchr(parameter.ptr, '=', parameter.len) : NULL;
    if (sign == NULL)
        return HTTP_KEEP_ALIVE_UNSAID;
    size_t n = (size_t)(sign - parameter.ptr);
    struct span name = span_trim(span_of(parameter.ptr, n)), value = without_quotes(span_trim(span_skip(parameter, n + 1)));
    if (!read_number(value, &number))
        return HTTP_KEEP_ALIVE_UNSAID;
    if (span_equals_nocase_str(name, "timeout"))
        return number;
    return number == 0 && span_equals_nocase_str(name, "max") ? 0 : HTTP_KEEP_ALIVE_UNSAID;
}

uint32_t http_keep_alive_seconds(const struct http_head *h)
{
    uint32_t shortest = HTTP_KEEP_ALIVE_UNSAID;
    for (size_t i = 0; i < h->n_fields; i++) {
        struct span value = h->fields[i].value, parameter;
        if (h->fields[i].name.len != strlen("keep-alive") || !http_name_equals(h->fields[i].name, "keep-alive"))
            continue;
        while (span_next_in_list(&value, &parameter)) {
            uint32_t seconds = read_parameter(parameter);
            shortest = seconds < shortest ? seconds : shortest;
        }
    }
    return shortest;
}
