/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_tickets.h"
#include "tls_context.h"

#include <stdlib.h>
#include <uthash.h>

struct ticket {
    struct ticket *next;
    gnutls_datum_t data;
    struct tls_ours ours;
};

struct shelf { /* the tickets of one context, newest first */
    uint64_t context_id;
    struct ticket *first;
    size_t n;
    UT_hash_handle hh;
};

struct tls_tickets {
    size_t max_per_context;
    struct shelf *shelves;
    struct tls_verdict_cache verdicts;
};

struct tls_tickets *tls_tickets_new(size_t max_per_context)
{
    struct tls_tickets *t = calloc(1, sizeof(*t));
    if (t != NULL)
        t->max_per_context = max_per_context;
    return t;
}

static void free_ticket(struct ticket *ticket)
{
    gnutls_memset(ticket->data.data, 0, ticket->data.size); /* it holds a resumption secret */
    gnutls_free(ticket->data.data);
    free(ticket);
}

static void free_shelf(struct tls_tickets *t, struct shelf *shelf)
{
    while (shelf->first != NULL) {
        struct ticket *ticket = shelf->first;
        shelf->first = ticket->next;
        free_ticket(ticket);
    }
    HASH_DEL(t->shelves, shelf);
    free(shelf);
}

void tls_tickets_forget_all(struct tls_tickets *t)
{
    while (t->shelves != NULL)
        free_shelf(t, t->shelves);
    tls_verdict_cache_clear(&t->verdicts);
}

void tls_tickets_free(struct tls_tickets *t)
{
    if (t == NULL)
        return;
    tls_tickets_forget_all(t);
    free(t);
}

static struct shelf *find(struct tls_tickets *t, uint64_t context_id)
{
    struct shelf *shelf = NULL;
    HASH_FIND(hh, t->shelves, &context_id, sizeof(context_id), shelf);
    return shelf;
}

static struct shelf *find_or_add(struct tls_tickets *t, uint64_t context_id)
{
    struct shelf *shelf = find(t, context_id);
    if (shelf != NULL)
        return shelf;
    shelf = calloc(1, sizeof(*shelf));
    if (shelf == NULL)
        return NULL;
    shelf->context_id = context_id;
    HASH_ADD(hh, t->shelves, context_id, sizeof(shelf->context_id), shelf);
    return shelf;
}

void tls_tickets_put(struct tls_tickets *t, uint64_t context_id, gnutls_datum_t data, struct tls_ours ours)
{
    struct shelf *shelf = find_or_add(t, context_id);
    struct ticket *ticket = shelf != NULL && shelf->n < t->max_per_context ? malloc(sizeof(*ticket)) : NULL;
    if (ticket == NULL) {
        gnutls_memset(data.data, 0, data.size);
        gnutls_free(data.data);
        return;
    }
    *ticket = (struct ticket){shelf->first, data, ours};
    shelf->first = ticket;
    shelf->n++;
}

struct tls_verdict_cache *tls_tickets_verdicts(struct tls_tickets *t)
{
    return &t->verdicts;
}

bool tls_tickets_take(struct tls_tickets *t, uint64_t context_id, gnutls_datum_t *out, struct tls_ours *ours)
{
    struct shelf *shelf = find(t, context_id);
    if (shelf == NULL || shelf->first == NULL)
        return false;
    struct ticket *ticket = shelf->first;
    shelf->first = ticket->next;
    shelf->n--;
    *out = ticket->data;
    *ours = ticket->ours;
    free(ticket);
    return true;
}
