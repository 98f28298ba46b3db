/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that we make ourselves: application/problem+json (RFC 9457). */
#ifndef MTLSD_HTTP_HTTP_PROBLEM_H
#define MTLSD_HTTP_HTTP_PROBLEM_H

#include "mtlsd/http/http_answer.h"

struct http_problem { /* every string may be NULL: then its member is left out */
    unsigned status;
    const char *phrase; /* reason phrase of the status line */
    const char *reason, *title, *detail, *hint, *contact, *refused_by, *upstream, *identity, *alert, *accepted_cas;
    struct http_problem_certificate { /* written when subject is not NULL */
        const char *subject, *issuer, *serial, *sha256;
        int64_t not_before, not_after;
    } peer, ours;
    int64_t now;
    unsigned retry_after; /* seconds; 0: not said */
    bool head_only; /* the request was HEAD */
    bool close;     /* say Connection: close */
};

/* The response as a value. body is filled, and owned by the caller, with any result. -1: out of memory. */
MUST_CHECK int http_problem_answer(const struct http_problem *p, struct bytes *body, struct http_answer *out);
/* Appends a whole response, head and body. */
MUST_CHECK int http_problem_write(struct bytes *out, const struct http_problem *p);

#endif
