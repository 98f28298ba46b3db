/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When revocation lists are fetched, from where, and what an answer means. It fetches nothing and judges no list: the caller does, and tells. For one
 * thread; "now" is seconds since 1970, random any number.
 */
#ifndef MTLSD_CONTROL_CRL_FETCH_H
#define MTLSD_CONTROL_CRL_FETCH_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/bytes.h"
#include <stdbool.h>
#include <stdint.h>

enum { CRL_FETCH_MAX_BYTES = 64 << 20, CRL_FETCH_TAG = 256 };

struct crl_fetch_wish {
    const char *url;  /* borrowed */
    bool from_config; /* an address of this host or link is meant, not smuggled in by a certificate */
    bool held;        /* a list from there is in use */
};

struct crl_fetch_item { /* one address; read only for others */
    char *url;
    bool from_config;
    bool busy;
    int64_t due, tried, succeeded, ends; /* 0: never, not known */
    unsigned failures;                   /* since the last success */
    char tag[CRL_FETCH_TAG], modified[CRL_FETCH_TAG];
    char error[200]; /* of the last try; "": it went well */
};

struct crl_fetch {
    struct crl_fetch_item *items;
    size_t n;
};

struct crl_fetch_answer {
    unsigned status;  /* 0: none came, and error says why */
    char error[160];
    bool too_large;
    char tag[CRL_FETCH_TAG], modified[CRL_FETCH_TAG]; /* "": none */
    struct bytes body;                                /* owned */
};

enum crl_fetch_step { CRL_FETCH_OVER, CRL_FETCH_JUDGE };

void crl_fetch_clear(struct crl_fetch *f); /* all 0 is an empty one */
/* From now on these addresses, all due at once, but none twice in a second: a reload asks for new lists. Other facts about an address stay. -1:
 * out of memory, and nothing has changed. */
MUST_CHECK int crl_fetch_follow(struct crl_fetch *f, const struct crl_fetch_wish *wishes, size_t n, int64_t now);
struct crl_fetch_item *crl_fetch_find(struct crl_fetch *f, const char *url); /* NULL: it is no longer needed */

/* An address to fetch now, busy from then on; NULL: none. Valid until the next crl_fetch_follow. */
const struct crl_fetch_item *crl_fetch_start(struct crl_fetch *f, int64_t now);
/* When the next one is due; 0: none waits. */
int64_t crl_fetch_next(const struct crl_fetch *f);
/* CRL_FETCH_JUDGE: there is a body; say crl_fetch_judged when it is. */
enum crl_fetch_step crl_fetch_answered(struct crl_fetch *f, const char *url, const struct crl_fetch_answer *answer, int64_t now, uint64_t random);

struct crl_fetch_judgement {
    const char *error; /* why it is not used; NULL: it is */
    int64_t ends;      /* its nextUpdate */
};
void crl_fetch_judged(struct crl_fetch *f, const char *url, const struct crl_fetch_answer *answer, const struct crl_fetch_judgement *judgement,
                      int64_t now, uint64_t random);

#endif
