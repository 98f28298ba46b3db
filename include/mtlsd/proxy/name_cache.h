/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host names that one worker knows: fresh answers, lookups to do next, and waiting connections. It looks nothing up:
 * its driver does, and reports the result. Time is an argument.
 *
 * An answer is used for 30 s. After that the next user waits for a new lookup. If that fails or takes longer than a
 * second, an answer of the last five minutes is used, so that an outage of the resolver is not ours. A failure is cached
 * for a second. All users of a name share one lookup.
 *
 * Two lookups run at once, further ones queue. A lookup that has run for a second no longer counts among the two: it
 * cannot be stopped, and names with silent servers must not keep others waiting (security D8). There are never more than
 * eight in all.
 */
#ifndef MTLSD_PROXY_NAME_CACHE_H
#define MTLSD_PROXY_NAME_CACHE_H

#include "mtlsd/base/attr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NAME_ADDRESSES_MAX = 16,
    NAME_LOOKUPS_MAX = 2,     /* younger than a second */
    NAME_ALL_LOOKUPS_MAX = 8, /* with those that take long */
};

struct name_address {
    uint8_t bytes[16]; /* 4 or 16 used */
    bool v6;
    uint32_t scope;    /* of a link-local IPv6 address */
};

struct name_list {
    struct name_address items[NAME_ADDRESSES_MAX];
    size_t n;
};

/* The addresses in the order to try them: each once, families in turn beginning with that of the first (RFC 8305 section 4), not more than fit. */
void name_list_arrange(struct name_list *out, const struct name_address *found, size_t n);

struct name_cache;
struct name_entry;

struct name_waiter { /* part of the user's struct, zeroed by it; the cache's own */
    struct name_waiter *prev, *next;
    struct name_entry *entry; /* NULL: waits for nothing */
};

struct name_answer {
    struct name_list list; /* empty: there is none */
    char text[128];        /* then why */
    bool ours;             /* then: it was this host that had no memory for it */
};
/* The text of a failure that is ours, for name_cache_end. */
extern const char name_cache_no_memory[];

enum name_verdict {
    NAME_ANSWERED, /* answer has addresses */
    NAME_FAILED,   /* answer has the reason */
    NAME_WAITS,    /* w comes out of name_cache_next_told later, unless it leaves before */
};

struct name_cache *name_cache_new(void); /* NULL: out of memory */
void name_cache_free(struct name_cache *c); /* no user waits any more */

/* A name longer than 253 bytes, or with a label that is empty or longer than 63, fails without a look-up (RFC 1035 section 2.3.4). */
enum name_verdict name_cache_ask(struct name_cache *c, const char *host, struct name_waiter *w, struct name_answer *answer, uint64_t now_us);
/* w does not wait any more; harmless when it did not. */
void name_cache_leave(struct name_cache *c, struct name_waiter *w);

/* The name to look up now; NULL: none, or enough run already. Its result must be told by name_cache_end. */
struct name_entry *name_cache_begin(struct name_cache *c, uint64_t now_us);
const char *name_cache_host(const struct name_entry *e); /* valid until name_cache_end */
/* found: arranged; NULL or empty: it failed, and text says why. */
void name_cache_end(struct name_cache *c, struct name_entry *e, const struct name_list *found, const char *text, uint64_t now_us);

/* The next one whose wait is over, with its answer; NULL: none. */
struct name_waiter *name_cache_next_told(struct name_cache *c, struct name_answer *answer);

/* The time when a waiting user accepts an older answer, or a queued lookup may begin; UINT64_MAX: neither. Then call name_cache_on_time, and check
 * for results and for lookups that may begin. */
uint64_t name_cache_deadline_us(const struct name_cache *c);
void name_cache_on_time(struct name_cache *c, uint64_t now_us);

/* None of this name's addresses could be reached: the next one who asks waits for a new look-up, unless the answer is of this second. */
void name_cache_doubt(struct name_cache *c, const char *host, uint64_t now_us);

size_t name_cache_running(const struct name_cache *c); /* look-ups, those that take long among them */

#endif
