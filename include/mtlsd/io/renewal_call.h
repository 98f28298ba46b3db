/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the server of a CA: a connection of its own, TLS with the certificate in use, one answer. Blocking, with an end of time and size. */
#ifndef MTLSD_IO_RENEWAL_CALL_H
#define MTLSD_IO_RENEWAL_CALL_H

#include "mtlsd/base/address.h"
#include "mtlsd/control/renewal_answer.h"
#include "mtlsd/tls/tls_engine.h"

enum { RENEWAL_CALL_CONNECT_MS = 10000, RENEWAL_CALL_MS = 30000 };

struct renewal_call { /* borrowed */
    const struct address *server;
    struct tls_context *tls;
    struct span request; /* a whole one of HTTP/1.1 */
    unsigned connect_ms; /* 0: RENEWAL_CALL_CONNECT_MS */
    unsigned all_ms;     /* after that, for all of it; 0: RENEWAL_CALL_MS */
};

/* Initialises *reply, which the caller clears. 0: a whole answer. -1 + err. */
MUST_CHECK int renewal_call(const struct renewal_call *call, struct renewal_reply *reply, struct err *err);

#endif
