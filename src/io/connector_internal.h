/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the connector. */
#ifndef MTLSD_IO_CONNECTOR_INTERNAL_H
#define MTLSD_IO_CONNECTOR_INTERNAL_H

#include "connector.h"

struct connector {
    struct connector **slot;
    struct connector_order order;
    struct dial dial;
    struct resolve_ask ask;     /* first wait: for the name */
    struct name_list list;
    size_t next, n_running;     /* the address to try next; attempts under way */
    struct upconn *attempts[NAME_ADDRESSES_MAX];
    size_t last;                /* the address whose attempt ended last, and how */
    int last_error;
    bool racing;                /* waits for its turn to try another address */
    uint64_t race_us;
    bool has_place;             /* for the attempt that begins now */
    bool wanting;               /* waits for a place (listening_take_uplink): nothing runs and it does not race */
    uint64_t want_us;           /* until when; 0: it did not have to */
    struct connector *race_prev, *race_next; /* in the one queue or the other */
};

/* connector.c: tries the next address, or waits */
void connector_go_on(struct connector *k);

enum { CONNECTOR_SHOWN = 64 }; /* bytes of an address as a text */

/* connector_words.c: "partner.example:443: connection refused (192.0.2.7, the last of 3 addresses)" */
void connector_words(const struct connector *k, size_t index, const char *what, char *out, size_t size);

void connector_show_address(const struct name_address *a, char out[CONNECTOR_SHOWN]);

/* connector_wait.c */
void connector_race_join(struct connector *k); /* it tries another address soon */
void connector_race_leave(struct connector *k);
bool connector_place_take(struct connector *k); /* those that wait have the next one */
bool connector_place_wait(struct connector *k); /* false: it has waited for long enough */
void connector_place_leave(struct connector *k);

#endif
