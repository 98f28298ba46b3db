/* SPDX-License-Identifier: Apache-2.0 */
#include "line_limit.h"

#include <stdlib.h>
#include <string.h>

struct slot {
    int64_t second;  /* what the counts are of; 0: free */
    unsigned lines;  /* that were permitted */
    uint64_t held;   /* that were not, since: */
    int64_t held_second;
    char listener[64], client[48];
};

struct line_limit {
    struct slot slots[LINE_LIMIT_SETS][LINE_LIMIT_WAYS];
    struct slot all; /* of all clients together; held: lines without a slot */
    unsigned n_holding; /* slots with something held, all included */
};

struct line_limit *line_limit_new(void)
{
    return calloc(1, sizeof(struct line_limit));
}

void line_limit_free(struct line_limit *l)
{
    free(l);
}

static void copy(char *out, size_t size, const char *text)
{
    size_t n = strnlen(text, size - 1);
    memcpy(out, text, n);
    out[n] = '\0';
}

static uint64_t hash(uint64_t h, const char *text, size_t max)
{
    for (size_t i = 0; i < max && text[i] != '\0'; i++)
        h = (h ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return (h ^ h >> 29) * UINT64_C(0x100000001b3);
}

static bool is_of(const struct slot *s, const char *listener, const char *client)
{
    return s->second != 0 && strncmp(s->client, client, sizeof(s->client) - 1) == 0 &&
           strncmp(s->listener, listener, sizeof(s->listener) - 1) == 0;
}

static void hold(struct line_limit *l, struct slot *s, uint64_t lines, int64_t now)
{
    if (s->held == 0) {
        s->held_second = now;
        l->n_holding++;
    }
    s->held += lines;
}

/* The lines that were held under a name that gives way are counted without it. */
static void give_up(struct line_limit *l, struct slot *s)
{
    if (s->held > 0) {
        l->n_holding--;
        hold(l, &l->all, s->held, s->held_second);
    }
    memset(s, 0, sizeof(*s));
}

/* The client's slot. The slot that was quiet for longest makes room. NULL: all of its set were used within this second. */
static struct slot *slot_of(struct line_limit *l, const char *listener, const char *client, int64_t now)
{
    uint64_t h = hash(hash(UINT64_C(0xcbf29ce484222325), listener, sizeof(l->all.listener)), client, sizeof(l->all.client));
    struct slot *set = l->slots[(h ^ h >> 32) % LINE_LIMIT_SETS], *oldest = &set[0];
    for (size_t i = 0; i < LINE_LIMIT_WAYS; i++) {
        if (is_of(&set[i], listener, client))
            return &set[i];
        if (set[i].second < oldest->second)
            oldest = &set[i];
    }
    if (oldest->second == now)
        return NULL;
    give_up(l, oldest);
    copy(oldest->listener, sizeof(oldest->listener), listener);
    copy(oldest->client, sizeof(oldest->client), client);
    return oldest;
}

/* The clock may have been set back: another second is another second. */
static void begin_second(struct slot *s, int64_t now)
{
    if (s->second == now)
        return;
    s->second = now;
    s->lines = 0;
}

bool line_limit_permits(struct line_limit *l, const char *listener, const char *client, int64_t now)
{
    begin_second(&l->all, now);
    struct slot *s = slot_of(l, listener, client, now);
    if (s != NULL)
        begin_second(s, now);
    if (l->all.lines >= LINE_LIMIT_OF_ALL || (s != NULL && s->lines >= LINE_LIMIT_OF_CLIENT)) {
        hold(l, s != NULL ? s : &l->all, 1, now);
        return false;
    }
    if (s != NULL)
        s->lines++;
    l->all.lines++;
    return true;
}

static bool take(struct line_limit *l, struct slot *s, struct line_limit_held *out)
{
    copy(out->listener, sizeof(out->listener), s->listener);
    copy(out->client, sizeof(out->client), s->client);
    out->lines = s->held;
    s->held = 0;
    l->n_holding--;
    return true;
}

bool line_limit_take(struct line_limit *l, int64_t now, bool all, struct line_limit_held *out)
{
    if (l->n_holding == 0)
        return false;
    for (size_t i = 0; i < LINE_LIMIT_SETS * LINE_LIMIT_WAYS; i++) {
        struct slot *s = &l->slots[i / LINE_LIMIT_WAYS][i % LINE_LIMIT_WAYS];
        if (s->held > 0 && (all || s->held_second != now))
            return take(l, s, out);
    }
    return l->all.held > 0 && (all || l->all.held_second != now) && take(l, &l->all, out);
}

bool line_limit_holds(const struct line_limit *l)
{
    return l->n_holding > 0;
}
