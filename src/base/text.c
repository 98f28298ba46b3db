/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/text.h"

#include <string.h>

enum {
    SUGGEST_MAX_WORD =
        48, /* longer words are not typing errors of ours, and the table below stays on the stack */
    GLOB_MAX_PATTERN = 512 /* a pattern is what an operator wrote; a longer one matches nothing */
};

static char folded(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    if (c == '-')
        return '_';
    return c;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits between two words: insert, delete, replace, swap neighbours. Case and - for _ cost nothing. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][SUGGEST_MAX_WORD + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_len; j++)
        before[j] = above[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            char x = folded(a[i - 1]), y = folded(b[j - 1]);
            row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + (x == y ? 0 : 1));
            if (i > 1 && j > 1 && x == folded(b[j - 2]) && folded(a[i - 2]) == y)
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_len];
}

const char *text_suggest(const char *word, const char *const *candidates, size_t n)
{
    size_t len = strlen(word);
    if (len == 0 || len > SUGGEST_MAX_WORD)
        return NULL;
    size_t nearest =
        (len + 2) / 3; /* a third of the letters may be wrong, not more: a far-fetched hint misleads */
    const char *found = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t candidate_len = strlen(candidates[i]);
        if (candidate_len > SUGGEST_MAX_WORD)
            continue;
        size_t distance = edit_distance(word, len, candidates[i], candidate_len);
        if (distance < nearest || (distance == nearest && found == NULL)) {
            nearest = distance;
            found = candidates[i];
        }
    }
    return found;
}

uint32_t text_next_character(struct span s, size_t *taken)
{
    static const struct {
        uint8_t mask, mark;
        uint32_t least;
    } forms[] = {{0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    *taken = 1;
    for (size_t i = 0; i < 3; i++) {
        if ((s.ptr[0] & forms[i].mask) != forms[i].mark || s.len < i + 2)
            continue;
        uint32_t point = s.ptr[0] & (uint8_t)~forms[i].mask;
        for (size_t k = 1; k <= i + 1; k++) {
            if ((s.ptr[k] & 0xc0) != 0x80)
                return s.ptr[0];
            point = (point << 6) | (s.ptr[k] & 0x3f);
        }
        if (point < forms[i].least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
            return s.ptr[0];
        *taken = i + 2;
        return point;
    }
    return s.ptr[0];
}

static bool is_utf8(struct span s, bool controls_too)
{
    size_t taken;
    for (; s.len > 0; s = span_skip(s, taken)) {
        uint32_t point = text_next_character(s, &taken);
        bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
        if ((taken == 1 && point > 0x7f) || (control && !controls_too))
            return false;
    }
    return true;
}

bool text_is_utf8(struct span s)
{
    return is_utf8(s, false);
}

bool text_is_utf8_with_controls(struct span s)
{
    return is_utf8(s, true);
}

static void append_escaped_point(struct bytes *out, uint32_t point)
{
    if (point == '"' || point == '\\')
        bytes_printf(out, "\\%c", (char)point);
    else if (point < 0x10000)
        bytes_printf(out, "\\u%04x", (unsigned)point);
    else
        bytes_printf(out, "\\u%04x\\u%04x", 0xd800U + ((unsigned)(point - 0x10000) >> 10), 0xdc00U + (unsigned)(point & 0x3ff));
}

static bool plain_in_json(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

int text_append_json(struct bytes *out, struct span s)
{
    while (s.len > 0) {
        size_t run = 0;
        while (run < s.len && plain_in_json(s.ptr[run]))
            run++;
        bytes_append(out, s.ptr, run);
        s = span_skip(s, run);
        if (s.len == 0)
            break;
        size_t taken = 1;
        append_escaped_point(out, text_next_character(s, &taken));
        s = span_skip(s, taken);
    }
    return out->failed ? -1 : 0;
}

int text_append_percent(struct bytes *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        bool plain = s.ptr[i] >= 0x20 && s.ptr[i] < 0x7f && s.ptr[i] != '%';
        plain ? bytes_append(out, &s.ptr[i], 1) : bytes_printf(out, "%%%02X", s.ptr[i]);
    }
    return out->failed ? -1 : 0;
}

int text_append_log(struct bytes *out, struct span s, bool word)
{
    while (s.len > 0) {
        size_t run = 0;
        while (run < s.len && plain_in_json(s.ptr[run]) && !(word && s.ptr[run] == ' '))
            run++;
        bytes_append(out, s.ptr, run);
        s = span_skip(s, run);
        if (s.len == 0)
            break;
        bool marked = s.ptr[0] == '"' || s.ptr[0] == '\\';
        bytes_printf(out, marked ? "\\%c" : "\\x%02x", s.ptr[0]);
        s = span_skip(s, 1);
    }
    return out->failed ? -1 : 0;
}

int text_hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char hex_digits[] = "0123456789abcdef";

void text_hex(char *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        out[2 * i] = hex_digits[s.ptr[i] >> 4];
        out[2 * i + 1] = hex_digits[s.ptr[i] & 15];
    }
    out[2 * s.len] = '\0';
}

bool text_is_ascii(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] > 0x7f)
            return false;
    return true;
}

int text_append_base64(struct bytes *out, struct span s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.len; i += 3) {
        size_t left = s.len - i;
        uint32_t group = (uint32_t)s.ptr[i] << 16;
        group |= left > 1 ? (uint32_t)s.ptr[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)s.ptr[i + 2] : 0;
        char quad[4] = {digits[group >> 18], digits[(group >> 12) & 63], '=', '='};
        if (left > 1)
            quad[2] = digits[(group >> 6) & 63];
        if (left > 2)
            quad[3] = digits[group & 63];
        bytes_append(out, quad, sizeof(quad));
    }
    return out->failed ? -1 : 0;
}

/* Days since 1970-01-01 to a date of the Gregorian calendar; years are counted from March so that a leap day
 * comes last. */
static void date_of_days(int64_t days, int *year, int *month, int *day)
{
    int64_t shifted = days + 719468; /* since 0000-03-01 */
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2 ? 1 : 0));
}

int64_t text_days_left(int64_t when, int64_t now)
{
    if (when >= now)
        return (when - now) / 86400;
    int64_t past = (now - when) / 86400;
    return past > 0 ? -past : -1;
}

const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

struct civil {
    int year, month, day, rest; /* seconds of the day */
};

static struct civil civil_of(int64_t seconds)
{
    const int64_t first = -62167219200,
                  last = 253402300799; /* the years 0000 to 9999, all that the form can say */
    struct civil c;
    seconds = seconds < first ? first : seconds > last ? last : seconds;
    int64_t days = (seconds >= 0 ? seconds : seconds - 86399) / 86400;
    c.rest = (int)(seconds - days * 86400);
    date_of_days(days, &c.year, &c.month, &c.day);
    return c;
}

static void put_digits(char *out, size_t n, int value)
{
    for (; n > 0; value /= 10)
        out[--n] = (char)('0' + value % 10);
}

static void put_time(char *out, int seconds_of_day)
{
    put_digits(out, 2, seconds_of_day / 3600);
    put_digits(out + 3, 2, seconds_of_day / 60 % 60);
    put_digits(out + 6, 2, seconds_of_day % 60);
}

/* These are written for every answer and every line of a log: printf would cost several times as much. */
void text_utc(char out[21], int64_t seconds)
{
    struct civil c = civil_of(seconds);
    memcpy(out, "yyyy-mm-ddThh:mm:ssZ", 21);
    put_digits(out, 4, c.year);
    put_digits(out + 5, 2, c.month);
    put_digits(out + 8, 2, c.day);
    put_time(out + 11, c.rest);
}

void text_log_time(char out[27], int64_t seconds)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil c = civil_of(seconds);
    memcpy(out, "dd/mmm/yyyy:hh:mm:ss +0000", 27);
    put_digits(out, 2, c.day);
    memcpy(out + 3, months + (size_t)(3 * (c.month - 1)), 3);
    put_digits(out + 7, 4, c.year);
    put_time(out + 12, c.rest);
}

int text_append_number(struct bytes *out, uint64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return bytes_append(out, digits + at, sizeof(digits) - at);
}

/* The positions after i in the pattern that need no byte of text: a star may be empty, so it is passed too. */
static void glob_enter(const char *pattern, char sep, bool *states, size_t i)
{
    states[i] = true;
    while (pattern[i] == '*') {
        bool deep = pattern[i + 1] == '*';
        bool alone =
            !deep && (i == 0 || pattern[i - 1] == sep) && (pattern[i + 1] == sep || pattern[i + 1] == '\0');
        if (alone)
            return;
        i += deep ? 2 : 1;
        states[i] = true;
    }
}

/* One byte of text moves every state: a star stays where it is, a literal moves on. */
static void glob_step(const char *pattern, char sep, const bool *from, bool *to, uint8_t byte)
{
    size_t n = strlen(pattern);
    memset(to, 0, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (!from[i])
            continue;
        bool deep = pattern[i] == '*' && pattern[i + 1] == '*';
        if (deep || (pattern[i] == '*' && byte != (uint8_t)sep)) {
            glob_enter(pattern, sep, to, i);
            glob_enter(pattern, sep, to, i + (deep ? 2 : 1));
        } else if (pattern[i] != '*' && (uint8_t)pattern[i] == byte) {
            glob_enter(pattern, sep, to, i + 1);
        }
    }
}

/* All readings of the pattern are followed at once, so hostile text costs its length and never an exponent.
 */
bool text_glob(const char *pattern, struct span text, char sep)
{
    bool sets[2][GLOB_MAX_PATTERN + 1] = {{false}};
    size_t n = strlen(pattern);
    if (n > GLOB_MAX_PATTERN)
        return false;
    glob_enter(pattern, sep, sets[0], 0);
    for (size_t i = 0; i < text.len; i++)
        glob_step(pattern, sep, sets[i % 2], sets[(i + 1) % 2], text.ptr[i]);
    return sets[text.len % 2][n];
}
