/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the admin socket or admin.health of a running instance, and its answer. Blocks until the answer is there or the time is up. */
#ifndef MTLSD_IO_ADMIN_CLIENT_H
#define MTLSD_IO_ADMIN_CLIENT_H

#include "mtlsd/base/address.h"
#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

struct admin_call {
    const char *socket; /* path, without "unix:"; NULL: admin.health */
    const char *method; /* "GET", "POST" */
    const char *path;   /* "/status" */
    unsigned timeout_ms;
    const struct address *health; /* to listen on: for every interface, this host is asked */
};

/* Initialises *body. Gives 0 and the HTTP status of any answer. ERR_IO: no daemon answers, with what to do. */
MUST_CHECK int admin_client_call(const struct admin_call *call, unsigned *status, struct bytes *body, struct err *err);

#endif
