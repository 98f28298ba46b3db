/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look at one target, over a connection of its own with the same identity and verification as the traffic's: it can be reached, shakes
 * hands, accepts our certificate, and answers health.path as health.expect says, where a path is given. Bytes in, a verdict out; a driver connects
 * and moves the bytes. Whether a target is up follows from several looks: control/health_rules.h.
 */
#ifndef MTLSD_PROXY_CHECKUP_H
#define MTLSD_PROXY_CHECKUP_H

#include "mtlsd/proxy/exchange.h"

struct checkup;

struct checkup_result {
    bool good;
    enum reason reason; /* of a bad one; REASON_UNDECIDED: it answered, but not what is expected */
    const char *text;   /* a sentence; borrowed from the checkup */
    const char *hint;   /* static: what to do; NULL: what the reason's row says */
};

/* The whole look may take as long as health.interval, but not longer than connecting and shaking hands together may. NULL: out of memory. */
struct checkup *checkup_new(const struct plan_target *target, struct moment now);
void checkup_free(struct checkup *c);

void checkup_on_connected(struct checkup *c, struct moment now);
void checkup_on_failed(struct checkup *c, enum reason reason, const char *text); /* it could not be reached, or the connection broke */
/* scratch: where TLS is decrypted to. */
void checkup_on_wire(struct checkup *c, struct span wire, uint8_t *scratch, size_t size, struct moment now);
void checkup_on_eof(struct checkup *c, struct moment now);
uint64_t checkup_deadline_us(const struct checkup *c);
void checkup_on_deadline(struct checkup *c);

/* Its runs are to be sent after each call, also the last one. */
struct link *checkup_link(struct checkup *c);
bool checkup_is_done(const struct checkup *c, struct checkup_result *result);

/* "200", "200-399", "200, 204": the status is among them. Anything else fits nothing. */
bool checkup_fits(const char *expect, unsigned status);

#endif
