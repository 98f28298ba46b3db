/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by all connections of a worker, with the small types of their calls. */
#ifndef MTLSD_PROXY_PROXY_ENV_H
#define MTLSD_PROXY_PROXY_ENV_H

#include "mtlsd/base/block_cache.h"
#include "mtlsd/http/http1_repeat.h"
#include "mtlsd/http/http_date.h"
#include "mtlsd/proxy/balancer.h"
#include "mtlsd/proxy/report.h"
#include "mtlsd/proxy/run_queue.h"

struct client_count;
struct plan_target;
struct pool;
struct tls_tickets;
struct uplink;

enum side { SIDE_DOWN, SIDE_UP }; /* towards the client, towards the upstream */

enum { OUTPUT_MARK = 64 * 1024 }; /* above it what would add to it is not read (security D6) */

struct client;
struct client_waits { /* clients whose handshake waits for an OCSP answer; owned but for the clients */
    struct client **items;
    size_t n, room, most;
};

struct proxy_env { /* one per worker */
    struct run_queue run;    /* the connections that have something to do */
    uint8_t *scratch;  /* where TLS is decrypted to: content lives for one turn */
    size_t scratch_size;
    struct block_cache blocks; /* for exchanges and the heads of their requests */
    struct block_cache streams; /* for those of HTTP/2 */
    struct http1_repeat answers; /* of all upstreams */
    struct tls_tickets *tickets;
    struct pool *pool;         /* of the current snapshot */
    struct balancer *balancer; /* of the current snapshot */
    /* The same target in the current snapshot, for one of an older; NULL: it has none. NULL: there never is another snapshot. */
    const struct plan_target *(*find_target)(const struct proxy_env *env, const struct plan_target *older);
    /* An upstream refuses our certificate, also after the handshake. hint: it may, by the status of its first response. NULL: of no interest. */
    void (*ours_refused)(const struct proxy_env *env, const struct uplink *u, bool hint);
    uint64_t random;           /* any number to begin with; changed by each draw */
    struct observer observer;
    bool draining; /* answer, then close */
    struct client_waits waits;
    struct client_count *clients; /* shared by all workers */
    unsigned most_per_client;     /* limits.per_client; 0: clients are not counted */
    int64_t date_of; /* the second of date, which is written again for another second */
    char date[HTTP_DATE_SIZE];
};

struct client_address { /* both ends of a client's connection; IPv4 that came to a socket for both families is IPv4 here */
    char text[48];     /* the peer's address without port; "unix"; "unknown" when it had left already */
    bool known;        /* an internet socket: what follows is filled in */
    bool v6;           /* 16 bytes of each address are used, else 4 */
    uint8_t peer[16], local[16];
    uint16_t peer_port, local_port;
};

#endif
