/* SPDX-License-Identifier: Apache-2.0 */
/* Small text work that several rooms need. Everything here is safe on bytes a peer chose. What appends fails as bytes_append does. */
#ifndef MTLSD_BASE_TEXT_H
#define MTLSD_BASE_TEXT_H

#include "mtlsd/base/bytes.h"

/* The candidate nearest to word, or NULL when none is near enough to be worth suggesting. */
const char *text_suggest(const char *word, const char *const *candidates, size_t n);

/* Appends s with control bytes, everything beyond ASCII, the quote and the backslash escaped as JSON. Valid
 * UTF-8 becomes the \uXXXX of its character; a byte that is none becomes \u00XX. The result is printable
 * ASCII. */
int text_append_json(struct bytes *out, struct span s);
/* Appends s with every byte that is not printable ASCII, and '%' itself, written as %XX. */
int text_append_percent(struct bytes *out, struct span s);
/* Appends s as web servers write a log field: the quote and the backslash after a backslash, every other byte that is not
 * printable ASCII as \xhh; with word also spaces. */
int text_append_log(struct bytes *out, struct span s, bool word);
/* The code point at the front of s, with how many bytes it took; a byte that starts no valid UTF-8 is taken as Latin-1. */
uint32_t text_next_character(struct span s, size_t *taken);
/* Valid UTF-8 that holds no control character, not even one of those beyond ASCII (U+0080 to U+009F). */
bool text_is_utf8(struct span s);
/* Valid UTF-8, with any characters. */
bool text_is_utf8_with_controls(struct span s);
bool text_is_ascii(struct span s); /* no byte beyond 0x7f */
int text_append_base64(struct bytes *out, struct span s);
int text_append_number(struct bytes *out, uint64_t n);

/* The value of a hexadecimal digit of either case; -1: it is none. */
int text_hex_digit(uint8_t c);
/* Writes lower-case hex of s with a NUL into out (2 * s.len + 1 bytes). */
void text_hex(char *out, struct span s);

/* Formats seconds since 1970 as 2026-01-31T23:59:59Z into out (21 bytes). */
void text_utc(char out[21], int64_t seconds);
/* Whole days from now to when; negative when it has passed, -1 also for the first day after it. */
int64_t text_days_left(int64_t when, int64_t now);

/* NULL for an empty text. */
const char *text_or_null(const char *text);

/* The same moment as web servers write it: 31/Jan/2026:23:59:59 +0000 (27 bytes). */
void text_log_time(char out[27], int64_t seconds);

/* Matches pattern with the whole text: '*' matches any run inside one part, '**' any run at all; sep separates parts. A '*' that is a whole part
 * needs at least one byte. Case-sensitive. The cost is pattern times text, for any content. */
bool text_glob(const char *pattern, struct span text, char sep);

#endif
