/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connects to an upstream: the name is looked up, its addresses are tried a quarter of a second apart or when one fails,
 * the first that connects wins and the others are closed (RFC 8305). It knows neither TLS nor the use of the connection,
 * and has no time limit: the owner cancels it.
 */
#ifndef MTLSD_IO_CONNECTOR_H
#define MTLSD_IO_CONNECTOR_H

#include "upconn.h"

struct connector;

struct connector_result {
    struct upconn *up;  /* connected, now the caller's; NULL: it failed */
    enum reason reason; /* then: why, and a sentence with the address that was tried last */
    const char *text;
};

struct connector_order {
    struct worker *worker;
    struct snapshot *snapshot; /* dial points into it, or into what lives as long as the connector; a reference is taken */
    const struct dial *dial;
    void (*on_done)(void *owner, const struct connector_result *result);
    void *owner;
};

/* *slot is the owner's: it holds the connector until just before on_done is called, which may be before this returns. */
void connector_start(struct connector **slot, const struct connector_order *order);
/* on_done is not called any more. *slot becomes NULL, and may be NULL already. */
void connector_cancel(struct connector **slot);
/* For an attempt that ran out of time: what it was waiting for. */
enum reason connector_describe(const struct connector *k, char *text, size_t size);

#endif
