/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link is one connection to one peer, ours or theirs: maybe a TLS engine, and what waits to be sent. It knows no socket: wire bytes
 * come in by a call and go out as runs that the driver sends and then reports.
 */
#ifndef MTLSD_PROXY_LINK_H
#define MTLSD_PROXY_LINK_H

#include "mtlsd/base/gather.h"
#include "mtlsd/http/http2.h"
#include "mtlsd/proxy/run_queue.h"
#include "mtlsd/tls/tls_engine.h"

struct link {
    enum link_end end;
    struct run_queue *run;  /* borrowed: the worker's queue; NULL in tests of parts */
    struct run_place place;
    void *socket;           /* the driver's; NULL: not connected yet, or no more */
    struct tls_engine *tls; /* owned; NULL: plaintext */
    struct http2 *h2;       /* owned; what is written goes through its streams; NULL: it speaks no HTTP/2 */
    struct bytes *raw;      /* owned; goes before all else and is never encrypted; NULL: nothing */
    struct gather out;      /* plaintext: for the wire; TLS: not yet encrypted */
    bool end_wanted;        /* nothing more will be written: close_notify, then the end of our direction */
    bool end_said;          /* close_notify is in the wire queue (or there is no TLS) */
    bool broken;            /* failed: see the engine's facts, or memory ran out */
    bool lost;              /* memory ran out: something written is missing, so no end may follow it */
};

void link_init(struct link *l, enum link_end end, struct run_queue *run);
void link_clear(struct link *l); /* leaves the queue too */

bool link_is_open(const struct link *l);        /* no handshake in progress, not broken: application bytes may be written */
bool link_is_handshaking(const struct link *l);

/* A lack of memory breaks the link, and a broken link accepts nothing more: a message with a gap must not get its end. */
void link_write_copy(struct link *l, struct span s);
void link_write_take(struct link *l, struct bytes *b);     /* its memory is taken, and b left empty */
void link_write_borrow(struct link *l, struct span s); /* valid until link_settle */
void link_end(struct link *l);
/* Our own words before TLS begins (a PROXY header, CONNECT to a proxy): they leave first, and nothing of a client may ever be among them. */
/* Bytes that wait to be sent go before those of TLS, which begins now. */
void link_make_raw(struct link *l);
void link_write_raw(struct link *l, struct span s);
size_t link_pending(const struct link *l); /* bytes waiting, encrypted or not */
bool link_has_more(const struct link *l);  /* link_runs may give something, or has to make the end */
/* Sending brought the waiting bytes below mark. With HTTP/2 each stream has its own mark: always true. */
bool link_made_room(const struct link *l, size_t sent, size_t mark);

/* HTTP/2: makes the frames that can be sent now. Gives how many bytes wait in out. */
size_t link_fill(struct link *l);
/* The bytes to send now: encrypts what the engine takes, then gives up to max runs. */
size_t link_runs(struct link *l, struct span *runs, size_t max);
void link_sent(struct link *l, size_t n);
/* End of a turn: copies what is still borrowed. */
void link_settle(struct link *l);
/* The same for every link of the queue and of its turn: the memory is needed for something else. */
void link_settle_all(struct run_queue *run);
/* Bytes came from an idle peer. True: they concern only TLS, and the link is still good. */
bool link_stays_idle(struct link *l, struct span wire, int64_t utc);
/* Everything was handed to the wire and our direction may be shut. */
bool link_wants_shutdown(const struct link *l);

#endif
