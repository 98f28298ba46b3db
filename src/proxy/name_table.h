/* SPDX-License-Identifier: Apache-2.0 */
/* The names that the cache knows: found by their text, and in the order of their last use. */
#ifndef MTLSD_PROXY_NAME_TABLE_H
#define MTLSD_PROXY_NAME_TABLE_H

#include "mtlsd/proxy/name_cache.h"

enum { NAME_BUCKETS = 1024, NAME_ENTRIES_MAX = 8192 };

/* NAME_SETTLED: nothing is under way. NAME_QUEUED: to be looked up. NAME_RUNNING: being looked up. */
enum name_state { NAME_SETTLED, NAME_QUEUED, NAME_RUNNING };

struct name_entry {
    struct name_entry *in_bucket;
    struct name_entry *older, *newer; /* by last use */
    struct name_entry *open_prev, *open_next; /* while it is not settled: in the order in which they were asked for */
    struct name_waiter *waiters;
    size_t n_told;       /* who still has to be given this answer */
    enum name_state state;
    uint64_t since_us;   /* when it was queued */
    bool has_older;      /* an answer from before it was queued */
    uint64_t answered_us, failed_us;
    bool doubted;        /* fresh or not, it is to be looked up again */
    bool has_failed;     /* the last look-up failed, at failed_us */
    struct name_address *items; /* owned: the last answer, at answered_us */
    size_t n_items;
    char text[96];       /* why the last one failed */
    char host[];
};

struct name_cache {
    struct name_entry *buckets[NAME_BUCKETS];
    struct name_entry *oldest, *newest;
    struct name_entry *open_first, *open_last;
    struct name_waiter *told_first, *told_last;
    struct { struct name_entry *entry; uint64_t since_us; } running[NAME_ALL_LOOKUPS_MAX];
    size_t n_entries, n_running;
    size_t n_queued, n_older; /* open ones that are queued; open ones with an older answer */
};

struct name_entry *name_table_find(struct name_cache *c, const char *host); /* NULL: it is not known */
/* Forgets the name that was not used for longest if there is no place. NULL: out of memory, or every place has a name with waiting users. */
struct name_entry *name_table_add(struct name_cache *c, const char *host);
void name_table_drop(struct name_cache *c, struct name_entry *e);
/* Marks it as the last used. */
void name_table_touch(struct name_cache *c, struct name_entry *e);

#endif
