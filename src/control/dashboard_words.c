/* SPDX-License-Identifier: Apache-2.0 */
#include "dashboard_parts.h"

#include <jansson.h>

enum { SOON_DAYS = 30 };

void dashboard_words_number(struct bytes *out, long long n)
{
    bytes_printf(out, "%lld", n);
}

const char *dashboard_words_days_class(const json_t *days)
{
    if (!json_is_integer(days))
        return "none";
    json_int_t n = json_integer_value(days);
    return n < 0 ? "bad" : n < SOON_DAYS ? "soon" : "good";
}

void dashboard_words_days(struct bytes *out, const json_t *days)
{
    long long n = json_is_integer(days) ? json_integer_value(days) : 0;
    if (!json_is_integer(days))
        return;
    if (n < 0)
        bytes_printf(out, "ended %lld day%s ago", -n, n == -1 ? "" : "s");
    else if (n == 0)
        bytes_append_str(out, "ends today");
    else
        bytes_printf(out, "ends in %lld day%s", n, n == 1 ? "" : "s");
}
