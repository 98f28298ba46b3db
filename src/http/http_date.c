/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_date.h"

#include "mtlsd/base/text.h"

#include <string.h>

void http_date_format(char out[HTTP_DATE_SIZE], int64_t seconds)
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970 began on a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const int64_t last = 253402300799;
    seconds = seconds < 0 ? 0 : seconds > last ? last : seconds;
    char utc[21]; /* 1994-11-06T08:49:37Z */
    text_utc(utc, seconds);
    size_t month = (size_t)((utc[5] - '0') * 10 + utc[6] - '0' - 1);
    memcpy(out, "ddd, DD MMM YYYY hh:mm:ss GMT", HTTP_DATE_SIZE);
    memcpy(out, days + seconds / 86400 % 7 * 3, 3);
    memcpy(out + 5, utc + 8, 2);
    memcpy(out + 8, months + month * 3, 3);
    memcpy(out + 12, utc, 4);
    memcpy(out + 17, utc + 11, 8);
}
