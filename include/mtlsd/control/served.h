/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of routes with serve, as a pure function from a request to a whole HTTP response. The request came through the routes of a listener:
 * host, path, certificate and allow rules were checked there. The path is not looked at, but for health: a page has one address, whatever the
 * route calls it, and what it can do stands in the query or in a form.
 *
 * What changes something is a POST with the nonce of this process, from a page of the same origin (security E1).
 */
#ifndef MTLSD_CONTROL_SERVED_H
#define MTLSD_CONTROL_SERVED_H

#include "mtlsd/control/admin.h"

enum { SERVED_NONCE_SIZE = 33 }; /* hexadecimal, with its NUL */

struct served_question { /* borrowed */
    enum config_serve what;
    const struct http_head *head;
    struct span form; /* its body */
    const char *nonce;
    bool full; /* no further stream can be served */
    bool outside; /* anyone may ask: admin.health. Its two paths, and never a name or a date of the configuration */
};

/* ADMIN_ANSWERED, ADMIN_FAILED, or ADMIN_STREAM: the head is in out, and events follow. */
enum admin_action served_answer(struct bytes *out, const struct served_question *question, const struct admin_view *view);
/* Appends one event of a stream: the page as it is now. -1: out of memory. */
MUST_CHECK int served_event(struct bytes *out, const char *nonce, const struct admin_view *view);

#endif
