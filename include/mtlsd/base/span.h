/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed run of bytes. A span never owns what it points to. */
#ifndef MTLSD_BASE_SPAN_H
#define MTLSD_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const uint8_t *ptr;
    size_t len;
};

struct span span_of(const void *ptr, size_t len);
struct span span_from_str(const char *text); /* NULL gives an empty span */
struct span span_skip(struct span s, size_t n);
struct span span_trim(struct span s); /* without spaces and tabs at both ends */
bool span_equals(struct span a, struct span b);
bool span_equals_str(struct span a, const char *b);
/* Takes the same time wherever they differ. Their lengths are no secret, and a secret is never empty. */
bool span_equals_secret(struct span a, struct span b);
bool span_equals_nocase(struct span a, struct span b); /* ASCII only */
bool span_equals_nocase_str(struct span a, const char *b);
static inline uint8_t span_lower(uint8_t c) /* ASCII only */
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}
/* Takes the next element of a comma-separated list off *rest, trimmed; false at the end. Empty elements are skipped. */
bool span_next_in_list(struct span *rest, struct span *item);
/* A NUL-terminated heap copy; NULL when out of memory. The caller frees it. */
char *span_dup(struct span s);

#endif
