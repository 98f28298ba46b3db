/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/log_name.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char fields[] = "YymdHMSj";

static const char *base_of(const char *target)
{
    const char *slash = strrchr(target, '/');
    return slash != NULL ? slash + 1 : target;
}

const char *log_name_fault(const char *target)
{
    const char *base = base_of(target), *percent = strchr(target, '%');
    if (percent != NULL && percent < base && strchr(fields, percent[1]) != NULL)
        return "a folder cannot have fields of the date: write them behind the last /";
    for (const char *p = base; (p = strchr(p, '%')) != NULL; p += 2)
        if (p[1] == '\0' || (p[1] != '%' && strchr(fields, p[1]) == NULL))
            return "the fields of a date are %Y %y %m %d %H %M %S %j, and %% is a percent sign";
    return NULL;
}

static bool has_field(const char *target, char field)
{
    for (const char *p = base_of(target); (p = strchr(p, '%')) != NULL && p[1] != '\0'; p += 2)
        if (field != '\0' ? p[1] == field : p[1] != '%')
            return true;
    return false;
}

bool log_name_has_fields(const char *target)
{
    return has_field(target, '\0');
}

int log_name_write(const char *target, int64_t utc, char *out, size_t size)
{
    const char *base = base_of(target);
    size_t folder = (size_t)(base - target);
    time_t when = (time_t)utc;
    struct tm tm;
    if (folder >= size || gmtime_r(&when, &tm) == NULL)
        return -1;
    memcpy(out, target, folder);
    if (strchr(base, '%') == NULL) { /* strftime cannot tell an empty name from one that does not fit */
        int n = snprintf(out + folder, size - folder, "%s", base);
        return n >= 0 && (size_t)n < size - folder ? 0 : -1;
    }
    char format[512];
    int n = snprintf(format, sizeof(format), "%s", base);
    if (n < 0 || (size_t)n >= sizeof(format) || log_name_fault(base) != NULL)
        return -1;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* log_name_fault knows its fields */
    size_t wrote = strftime(out + folder, size - folder, format, &tm);
#pragma GCC diagnostic pop
    return wrote > 0 ? 0 : -1;
}

int64_t log_name_period(int64_t utc, uint64_t seconds)
{
    return seconds > 0 && utc >= 0 ? utc - utc % (int64_t)seconds : utc;
}

int64_t log_name_next(const char *target, int64_t utc, uint64_t seconds)
{
    if (seconds == 0)
        seconds = has_field(target, 'S') ? 1 : 60;
    return log_name_period(utc, seconds) + (int64_t)seconds;
}
