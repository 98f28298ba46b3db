/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The number of clients and upstream connections of the process, and their limits. All workers share it without a lock:
 * one atomic add for each connection that opens or closes.
 */
#ifndef MTLSD_IO_CAPACITY_H
#define MTLSD_IO_CAPACITY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_count;

struct capacity {
    _Atomic size_t clients, uplinks;   /* there are */
    _Atomic size_t most_clients, most; /* there may be; most: both together, each has a descriptor */
    _Atomic uint64_t refused;          /* clients that found no place */
    _Atomic uint64_t untold;           /* of these, not in the log yet */
    _Atomic uint64_t refused_us, told_us; /* when that last was; 0: never */
    _Atomic unsigned asks;             /* counts how often a worker asked the others to let idle clients go */
    struct client_count *by_client;    /* borrowed: how many clients each address has, where that is limited */
    void (*wake)(void *ctx);           /* all workers, which then compare asks */
    void *ctx;
    unsigned workers;
    size_t fd_limit; /* of the process */
    _Atomic size_t watches; /* that the kernel gives to all processes of a user; 0: unknown */
};

struct config;
/* Raises the process's limit of descriptors as far as it goes. */
void capacity_raise_limit(struct capacity *c);
/* How many there may be by the limit of descriptors and this configuration. */
void capacity_share(struct capacity *c, const struct config *config);

/* False: there is no place. */
bool capacity_take_client(struct capacity *c);
void capacity_leave_client(struct capacity *c);
/* With so many connections the kernel may refuse to watch another one. */
bool capacity_watches_are_scarce(const struct capacity *c);
bool capacity_take_uplink(struct capacity *c);
void capacity_leave_uplink(struct capacity *c);
/* For one client more, with what it asks for. */
bool capacity_has_room(const struct capacity *c);
/* For connections without a client yet. */
bool capacity_has_plenty(const struct capacity *c);
/* A client was refused within the last seconds. */
bool capacity_is_full(struct capacity *c, uint64_t now_us);
/* Notes that a client was refused. */
void capacity_refused(struct capacity *c, uint64_t now_us);
/* How many were refused since it was last told, if a second has passed since then; else 0. */
uint64_t capacity_take_untold(struct capacity *c, uint64_t now_us);

#endif
