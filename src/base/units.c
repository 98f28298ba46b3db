/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/units.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *word;
    uint64_t factor;
};

static const struct unit durations[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit sizes[] = {{"", 1},
                                    {"B", 1},
                                    {"KiB", 1ULL << 10},
                                    {"K", 1ULL << 10},
                                    {"MiB", 1ULL << 20},
                                    {"M", 1ULL << 20},
                                    {"GiB", 1ULL << 30},
                                    {"G", 1ULL << 30},
                                    {NULL, 0}};

/* Deadlines are sums of these and a clock; ten years and a pebibyte leave every such sum far from wrapping.
 */
static const uint64_t most_ms = 3650ULL * 86400000ULL;
static const uint64_t most_bytes = 1ULL << 50;

/* The digits at the front of text; NULL when there are none or the number does not fit. */
static const char *read_number(const char *text, uint64_t *number)
{
    const char *p = text;
    *number = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        unsigned digit = (unsigned)(*p - '0');
        if (*number > (UINT64_MAX - digit) / 10)
            return NULL;
        *number = *number * 10 + digit;
    }
    return p != text ? p : NULL;
}

static const struct unit *find_unit(const struct unit *units, const char *word)
{
    for (; units->word != NULL; units++)
        if (strcmp(units->word, word) == 0)
            return units;
    return NULL;
}

int units_duration_ms(const char *text, uint64_t *ms, struct err *err)
{
    if (strcmp(text, "0") == 0) {
        *ms = 0;
        return 0;
    }
    if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0')
        return err_set(err, ERR_CONFIG,
                       "\"%.40s\" has no unit: write \"%.40ss\" for seconds, or use ms, m, h or d", text,
                       text);
    uint64_t number;
    const char *rest = read_number(text, &number);
    if (rest == NULL && text[0] >= '0' && text[0] <= '9')
        return err_set(err, ERR_CONFIG, "\"%.40s\" is too long: at most \"3650d\"", text);
    const struct unit *unit = rest == NULL ? NULL : find_unit(durations, rest);
    if (unit == NULL)
        return err_set(
            err, ERR_CONFIG,
            "\"%.40s\" is not a duration: write a whole number and ms, s, m, h or d, as in \"10s\"", text);
    if (number > most_ms / unit->factor)
        return err_set(err, ERR_CONFIG, "\"%.40s\" is too long: at most \"3650d\"", text);
    *ms = number * unit->factor;
    return 0;
}

void units_write_duration(char out[UNITS_DURATION_SIZE], uint64_t ms)
{
    const struct unit *unit = durations;
    for (const struct unit *u = durations; ms > 0 && u->word != NULL; u++)
        if (ms % u->factor == 0)
            unit = u;
    snprintf(out, UNITS_DURATION_SIZE, "%" PRIu64 "%s", ms / unit->factor, ms > 0 ? unit->word : "s");
}

int units_size(const char *text, uint64_t *bytes, struct err *err)
{
    uint64_t number;
    const char *rest = read_number(text, &number);
    if (rest == NULL && text[0] >= '0' && text[0] <= '9')
        return err_set(err, ERR_CONFIG, "\"%.40s\" is too large: at most \"1048576GiB\"", text);
    const struct unit *unit = rest == NULL ? NULL : find_unit(sizes, rest);
    if (unit == NULL)
        return err_set(err, ERR_CONFIG,
                       "\"%.40s\" is not a size: write a whole number and KiB, MiB or GiB, as in \"64KiB\"",
                       text);
    if (number > most_bytes / unit->factor)
        return err_set(err, ERR_CONFIG, "\"%.40s\" is too large: at most \"1048576GiB\"", text);
    *bytes = number * unit->factor;
    return 0;
}
