/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the servers of CAs, and their answers: EST (RFC 7030) and step-ca. Pure; the answer may be hostile. */
#ifndef MTLSD_CONTROL_RENEWAL_ANSWER_H
#define MTLSD_CONTROL_RENEWAL_ANSWER_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

enum renewal_kind { RENEWAL_EST, RENEWAL_STEP };

/* The whole HTTP/1.1 request for a request in DER. host: as Host has it. Initialises *out. */
struct renewal_question {
    enum renewal_kind kind;
    const char *host, *path;
    struct span request;
};
MUST_CHECK int renewal_answer_ask(const struct renewal_question *question, struct bytes *out, struct err *err);

struct renewal_reply {
    unsigned status;
    unsigned retry_after_s; /* 0: it did not say */
    char type[100];         /* Content-Type; "": none */
    struct bytes body;      /* owned */
};

enum renewal_outcome { RENEWAL_REFUSED /* err says why */, RENEWAL_LATER, RENEWAL_ANSWERED };
/* RENEWAL_ANSWERED: pem has the certificates, in any order and not checked. Initialises *pem. */
enum renewal_outcome renewal_answer_read(enum renewal_kind kind, const struct renewal_reply *reply, struct bytes *pem, struct err *err);

#endif
