/* SPDX-License-Identifier: Apache-2.0 */
#include "time_arg.h"

#include "mtlsd/base/text.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

/* n digits; -1 when one of them is something else. */
static int digits(const char *text, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

enum { DAY = 86400 };
static const int64_t FIRST_SECOND = INT64_C(-62135596800), LAST_SECOND = INT64_C(253402300799); /* of the years 1 to 9999, in UTC */

static bool read_date(const char *text, int64_t *seconds)
{
    int year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
    struct tm date = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    if (text[4] != '-' || text[7] != '-' || year < 1 || month < 1 || day < 1)
        return false;
    *seconds = timegm(&date);
    return date.tm_mon == month - 1 && date.tm_mday == day; /* or it was no day of that month */
}

/* "Z", or an offset from UTC as "+05:30". -00:00 means an unknown offset; the time is still UTC. */
static bool read_offset(const char *text, int64_t *ahead)
{
    *ahead = 0;
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
        return true;
    if ((text[0] != '+' && text[0] != '-') || strlen(text) != 6)
        return false;
    int hours = digits(text + 1, 2), minutes = digits(text + 4, 2);
    if (text[3] != ':' || hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *ahead = (text[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

/* The fraction of a second is skipped, as a certificate's dates have none. NULL: a dot without digits. */
static const char *skip_fraction(const char *text)
{
    size_t n = text[0] == '.' ? strspn(text + 1, "0123456789") : 0;
    if (text[0] == '.' && n == 0)
        return NULL;
    return n > 0 ? text + 1 + n : text;
}

/* Leap seconds end a month in UTC, with 23:59:60. */
static bool may_be_leap(int64_t next_second)
{
    char date[21];
    text_utc(date, next_second);
    return next_second % DAY == 0 && date[8] == '0' && date[9] == '1';
}

/* The time in RFC 3339 section 5.6, behind the date. A leap second counts as the second after it, as in every clock that counts from 1970. */
static bool read_clock(const char *text, int64_t *seconds)
{
    if (strlen(text) < 10 || strchr("Tt ", text[0]) == NULL || text[3] != ':' || text[6] != ':')
        return false;
    int hour = digits(text + 1, 2), minute = digits(text + 4, 2), second = digits(text + 7, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    int64_t ahead;
    const char *offset = skip_fraction(text + 9);
    if (offset == NULL || !read_offset(offset, &ahead))
        return false;
    *seconds += hour * 3600 + minute * 60 + second - ahead;
    return *seconds >= FIRST_SECOND && *seconds <= LAST_SECOND && (second < 60 || may_be_leap(*seconds));
}

static bool read_seconds(const char *text, int64_t *seconds)
{
    size_t n = strlen(text);
    if (n == 0 || n > 12)
        return false;
    *seconds = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *seconds = *seconds * 10 + (text[i] - '0');
    }
    return true;
}

int time_arg_parse(const char *text, int64_t *seconds, struct err *err)
{
    size_t n = strlen(text);
    if (text[0] == '@' && read_seconds(text + 1, seconds))
        return 0;
    if (n == 10 && read_date(text, seconds))
        return 0;
    if (n >= 20 && read_date(text, seconds) && read_clock(text + 10, seconds))
        return 0;
    return err_set(err, ERR_USAGE,
                   "\"%.40s\" is not a time: write 2026-01-31T23:59:59Z, 2026-01-31T23:59:59+05:30, 2026-01-31 (UTC), or @SECONDS since 1970", text);
}
