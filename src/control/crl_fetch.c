/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/crl_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A list is fetched again at a random time between half and nine tenths of its lifetime, so that there is time for more tries, and many instances
 * do not come at once. The interval is never longer than some hours: a CA may issue a list before the last one ends. While tries fail the next one
 * is near, too: after a late list every certificate is refused. */
enum { FIRST_PERCENT = 50, MORE_PERCENT = 40, REFRESH_MIN = 5, REFRESH_WAY = 6 * 3600, RETRY_MIN = 15, RETRY_MAX = 600, DOUBLINGS = 6 };

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
}

static void free_items(struct crl_fetch_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(items[i].url);
    free(items);
}

void crl_fetch_clear(struct crl_fetch *f)
{
    free_items(f->items, f->n);
    *f = (struct crl_fetch){0};
}

struct crl_fetch_item *crl_fetch_find(struct crl_fetch *f, const char *url)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->items[i].url, url) == 0)
            return &f->items[i];
    return NULL;
}

/* 304 would not help without a list. */
static void forget_list(struct crl_fetch_item *item)
{
    item->tag[0] = item->modified[0] = '\0';
}

static int add_wish(struct crl_fetch *f, struct crl_fetch *next, const struct crl_fetch_wish *wish, int64_t now)
{
    struct crl_fetch_item *twin = crl_fetch_find(next, wish->url), *known = crl_fetch_find(f, wish->url);
    if (twin != NULL) {
        twin->from_config = twin->from_config || wish->from_config;
        if (!wish->held)
            forget_list(twin);
        return 0;
    }
    struct crl_fetch_item *item = &next->items[next->n];
    *item = known != NULL ? *known : (struct crl_fetch_item){.due = now};
    item->url = strdup(wish->url);
    if (item->url == NULL)
        return -1;
    next->n++;
    item->from_config = wish->from_config;
    if (!item->busy)
        item->due = item->tried == now ? now + 1 : now;
    if (!wish->held)
        forget_list(item);
    return 0;
}

int crl_fetch_follow(struct crl_fetch *f, const struct crl_fetch_wish *wishes, size_t n, int64_t now)
{
    struct crl_fetch next = {calloc(n + 1, sizeof(*next.items)), 0};
    int rc = next.items != NULL ? 0 : -1;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = add_wish(f, &next, &wishes[i], now);
    if (rc == 0) {
        struct crl_fetch old = *f;
        *f = next;
        next = old;
    }
    free_items(next.items, next.n);
    return rc;
}

const struct crl_fetch_item *crl_fetch_start(struct crl_fetch *f, int64_t now)
{
    for (size_t i = 0; i < f->n; i++) {
        struct crl_fetch_item *item = &f->items[i];
        bool went_back = item->tried > now; /* the clock did: by what it said before, the next try may be days away */
        if (item->busy || (item->due > now && !went_back))
            continue;
        item->busy = true;
        item->tried = now;
        return item;
    }
    return NULL;
}

int64_t crl_fetch_next(const struct crl_fetch *f)
{
    int64_t next = 0;
    for (size_t i = 0; i < f->n; i++)
        if (!f->items[i].busy && (next == 0 || f->items[i].due < next))
            next = f->items[i].due;
    return next;
}

static void fail(struct crl_fetch_item *item, const char *error, int64_t now, uint64_t random)
{
    unsigned doublings = item->failures < DOUBLINGS ? item->failures : DOUBLINGS;
    int64_t wait = (int64_t)RETRY_MIN << doublings;
    wait = wait < RETRY_MAX ? wait : RETRY_MAX;
    item->busy = false;
    item->failures++;
    item->due = now + wait - (int64_t)(random % ((uint64_t)wait / 4 + 1));
    copy_text(item->error, sizeof(item->error), error);
}

static void succeed(struct crl_fetch_item *item, int64_t now, uint64_t random)
{
    if (item->ends <= now) {
        fail(item, "the list that is served has ended", now, random);
        return;
    }
    int64_t way = item->ends - now, percent = FIRST_PERCENT + (int64_t)(random % (MORE_PERCENT + 1));
    int64_t wait = (way < REFRESH_WAY ? way : REFRESH_WAY) * percent / 100;
    item->busy = false;
    item->failures = 0;
    item->error[0] = '\0';
    item->succeeded = now;
    item->due = now + (wait < REFRESH_MIN ? REFRESH_MIN : wait);
}

static void tell_failure(char *out, size_t size, const struct crl_fetch_answer *answer)
{
    if (answer->too_large)
        snprintf(out, size, "the answer is larger than %d MiB", CRL_FETCH_MAX_BYTES >> 20);
    else if (answer->status == 0)
        snprintf(out, size, "%s", answer->error);
    else if (answer->status >= 300 && answer->status < 400)
        snprintf(out, size, "the server answers %u; redirects are not followed: name the right address in crl_urls", answer->status);
    else if (answer->status != 200)
        snprintf(out, size, "the server answers %u", answer->status);
    else
        snprintf(out, size, "the answer is empty");
}

enum crl_fetch_step crl_fetch_answered(struct crl_fetch *f, const char *url, const struct crl_fetch_answer *answer, int64_t now, uint64_t random)
{
    struct crl_fetch_item *item = crl_fetch_find(f, url);
    char error[200];
    if (item == NULL)
        return CRL_FETCH_OVER;
    if (answer->status == 200 && !answer->too_large && answer->body.len > 0)
        return CRL_FETCH_JUDGE;
    bool asked = item->tag[0] != '\0' || item->modified[0] != '\0';
    if (answer->status == 304 && asked) {
        succeed(item, now, random);
        return CRL_FETCH_OVER;
    }
    tell_failure(error, sizeof(error), answer);
    fail(item, error, now, random);
    return CRL_FETCH_OVER;
}

void crl_fetch_judged(struct crl_fetch *f, const char *url, const struct crl_fetch_answer *answer, const struct crl_fetch_judgement *judgement,
                      int64_t now, uint64_t random)
{
    struct crl_fetch_item *item = crl_fetch_find(f, url);
    if (item == NULL)
        return;
    if (judgement->error != NULL) {
        fail(item, judgement->error, now, random);
        return;
    }
    item->ends = judgement->ends;
    copy_text(item->tag, sizeof(item->tag), answer->tag);
    copy_text(item->modified, sizeof(item->modified), answer->modified);
    succeed(item, now, random);
}
