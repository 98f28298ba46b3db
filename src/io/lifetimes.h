/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends connections whose time is over (proxy/lifetime.h). One timer of a worker; it runs while the configuration has a max_connection_age, or while
 * connections are open on which a certificate was presented that the configuration no longer has. Otherwise it costs nothing.
 */
#ifndef MTLSD_IO_LIFETIMES_H
#define MTLSD_IO_LIFETIMES_H

struct worker;

void lifetimes_init(struct worker *w);
void lifetimes_close(struct worker *w);
/* The worker has a snapshot: its first, or another one. */
void lifetimes_follow(struct worker *w);
/* A connection begins with the certificate of an earlier snapshot. */
void lifetimes_expect(struct worker *w);

#endif
