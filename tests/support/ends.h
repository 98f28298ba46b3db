/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines, a client and a server, joined in memory. What is delivered lies in memory of its own that is gone afterwards, as a socket's
 * read buffer is. There is one pair at a time. */
#ifndef MTLSD_TEST_ENDS_H
#define MTLSD_TEST_ENDS_H

#include "mtlsd/base/bytes.h"
#include "raw_tls.h"

enum { ENDS_ALL = 1 << 20, ENDS_QUEUE_MAX = 8 << 20 };

struct ends_end {
    struct tls_engine *e;
    struct tls_context *ctx; /* owned */
    struct bytes got;
    uint8_t spoil; /* xor for the last byte of what is delivered to it */
    int64_t now;
};

extern struct wire_pki ends_pki;
extern struct ends_end ends_client, ends_server;
extern struct tls_tickets *ends_tickets; /* what the engines made next remember by; NULL: nothing. A test's own */
extern struct tls_facts ends_facts; /* what ends_look saw last */

void ends_make(void); /* the certificates: fixtures of a test case */
void ends_drop(void);

/* Takes ctx. */
void ends_open_one(struct ends_end *end, struct tls_context *ctx, tls_accept_fn accept, void *accept_ctx);
void ends_close_one(struct ends_end *end);
void ends_open(const struct wire_side *connecting, const struct wire_side *accepting);
void ends_close(void);

void ends_feed(struct ends_end *to, struct span wire);                           /* and reads what came of it */
bool ends_deliver(struct ends_end *from, struct ends_end *to, size_t step); /* false: nothing waited */
void ends_run(size_t step); /* until nothing moves */
void ends_read_all(struct ends_end *end);
void ends_run_raw(struct ends_end *end, struct raw_tls *raw, size_t step); /* the same with a peer that is not ours */
void ends_say(struct ends_end *end, const char *text);

const struct tls_facts *ends_look(const struct ends_end *end);
void ends_expect_open(const struct ends_end *end, const char *why);
void ends_expect_failed(const struct ends_end *end, enum reason reason, const char *why);
void ends_expect_got(const struct ends_end *end, const char *text, const char *why);

#endif
