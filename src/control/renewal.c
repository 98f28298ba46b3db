/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/renewal.h"

#include "mtlsd/config/config_renew.h"
#include "mtlsd/tls/tls_identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Attempts begin within a tenth of the time before the end, so that many instances do not come at once. */
enum { SPREAD = 10, FIRST_S = 60, LEAST_S = 5, FIRST_PART = 20, MOST_S = 3600, MOST_PART = 8, DOUBLINGS = 10, WAIT_MOST_S = 86400 };

static void free_items(struct renewal_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(items[i].identity);
        free(items[i].url);
    }
    free(items);
}

void renewal_clear(struct renewal *r)
{
    free_items(r->items, r->n);
    *r = (struct renewal){0};
}

struct renewal_item *renewal_find(const struct renewal *r, const char *identity)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->items[i].identity, identity) == 0)
            return &r->items[i];
    return NULL;
}

bool renewal_ask(struct renewal *r, struct span identity)
{
    for (size_t i = 0; r != NULL && i < r->n; i++)
        if (span_equals_str(identity, r->items[i].identity)) {
            r->items[i].asked = true;
            return true;
        }
    return false;
}

/* ---- what there is ---- */

static void plan(struct renewal_item *item, uint64_t random)
{
    int64_t spread = item->before_s / SPREAD;
    item->due = item->not_after - item->before_s + (spread > 0 ? (int64_t)(random % (uint64_t)spread) : 0);
    item->failures = 0;
    item->ended = false;
    item->asked = false;
    item->error[0] = '\0';
}

/* Where before is longer than what the CA issues is valid from now on, each new certificate would be due at once: it has half of that time first. */
static void rest(struct renewal_item *item, int64_t now)
{
    if (item->due <= now)
        item->due = now + (item->not_after - now) / 2;
}

static int add(struct renewal *r, struct renewal *next, const struct snapshot_identity *identity, int64_t now, uint64_t random)
{
    struct tls_identity_facts facts;
    const struct config_identity *conf = identity->conf;
    const struct renewal_item *known = renewal_find(r, conf->name);
    struct renewal_item *item = &next->items[next->n];
    tls_identity_facts(identity->tls, &facts);
    *item = known != NULL ? *known : (struct renewal_item){0};
    item->identity = strdup(conf->name);
    item->url = strdup(config_renew_url(&conf->renew));
    next->n++;
    if (item->identity == NULL || item->url == NULL)
        return -1;
    int64_t before_s = config_renew_before(&conf->renew, facts.not_after - facts.not_before);
    bool other = known != NULL && strcmp(known->sha256, facts.sha256) != 0;
    bool same = known != NULL && !other && known->before_s == before_s && strcmp(known->url, item->url) == 0;
    snprintf(item->sha256, sizeof(item->sha256), "%s", facts.sha256);
    item->not_before = facts.not_before;
    item->not_after = facts.not_after;
    item->before_s = before_s;
    if (!same)
        plan(item, random);
    if (other)
        rest(item, now);
    return 0;
}

int renewal_follow(struct renewal *r, const struct snapshot *s, int64_t now, uint64_t random)
{
    struct renewal next = {0};
    size_t n = 0;
    for (size_t i = 0; i < s->config->n_identities; i++)
        n += config_renew_is_on(&s->config->identities[i]);
    if (n > 0 && (next.items = calloc(n, sizeof(*next.items))) == NULL)
        return -1;
    for (size_t i = 0; n > 0 && i < s->config->n_identities; i++)
        if (config_renew_is_on(&s->config->identities[i]) && s->identities[i].tls != NULL &&
            add(r, &next, &s->identities[i], now, random ^ (i + 1) * UINT64_C(0x9e3779b97f4a7c15)) != 0) {
            renewal_clear(&next);
            return -1;
        }
    renewal_clear(r);
    *r = next;
    return 0;
}

struct renewal_item *renewal_next(struct renewal *r, int64_t now, struct renewal_item **ended)
{
    struct renewal_item *first = NULL;
    *ended = NULL;
    for (size_t i = 0; i < r->n; i++) {
        struct renewal_item *item = &r->items[i];
        if (now > item->not_after && !item->ended) {
            item->ended = true;
            *ended = item;
        }
        bool due = item->asked || (item->due != 0 && item->due <= now && now <= item->not_after);
        if (due && (first == NULL || item->due < first->due))
            first = item;
    }
    return first;
}

/* ---- what came of it ---- */

static void note(struct renewal_item *item, const char *why, int64_t now)
{
    item->last = now;
    item->asked = false;
    snprintf(item->error, sizeof(item->error), "%s", why);
}

void renewal_done(struct renewal_item *item, int64_t now)
{
    note(item, "", now);
    item->failures = 0;
    item->renewed++;
}

static int64_t held(int64_t n, int64_t least, int64_t most)
{
    return n < least ? least : n > most ? most : n;
}

void renewal_failed(struct renewal_item *item, const char *why, int64_t now, uint64_t random)
{
    int64_t first = held(item->before_s / FIRST_PART, LEAST_S, FIRST_S), most = held(item->before_s / MOST_PART, first, MOST_S);
    int64_t wait = held(first << (item->failures < DOUBLINGS ? item->failures : DOUBLINGS), first, most);
    note(item, why, now);
    item->failed++;
    item->failures++;
    item->due = now + wait + (int64_t)(random % (uint64_t)(wait / 4 + 1));
}

void renewal_wait(struct renewal_item *item, const char *why, unsigned after_s, int64_t now)
{
    note(item, why, now);
    item->due = now + held(after_s, 1, WAIT_MOST_S);
}
