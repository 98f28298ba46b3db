/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCSP answers about callers, of all trusts: asked for by the handshakes that need one, fetched by one thread, and kept until they end. It uses no
 * socket and no clock. An answer is verified before it is kept, and again by each trust that uses it (security F2).
 *
 *   --ask--> queued --take--> asked --answered--> rests, with an answer or with a fault
 *              ^                                    |
 *              +---- due again, and still used -----+
 *
 * Bounded: rows, queued questions in all and of one responder, and questions on their way to one responder. So a responder that hangs costs only the
 * callers whose certificates name it (security A12).
 */
#ifndef MTLSD_TLS_TLS_OCSP_STORE_H
#define MTLSD_TLS_TLS_OCSP_STORE_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/span.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* OFF: nothing is asked. A caller whose status is not known is accepted (SOFT) or refused (HARD). */
enum tls_ocsp_mode { TLS_OCSP_OFF, TLS_OCSP_SOFT, TLS_OCSP_HARD };

struct tls_ocsp_store;
struct tls_ocsp_rules { /* of a trust */
    enum tls_ocsp_mode mode;
    struct tls_ocsp_store *store; /* NULL: nothing can be asked */
    const char *responder;        /* asked for all certificates; NULL: the one that each names */
    const char *const *hosts;     /* the only ones to ask, "host" or "host:port"; n_hosts 0: any on a public address */
    size_t n_hosts;
    unsigned timeout_ms;
};

enum {
    TLS_OCSP_ROWS = 8192,           /* certificates; the one that was unused for the longest time goes first */
    TLS_OCSP_QUEUED = 1024,         /* questions that wait */
    TLS_OCSP_QUEUED_OF_ONE = 256,   /* of one responder */
    TLS_OCSP_RUNNING = 64,          /* questions on their way */
    TLS_OCSP_RUNNING_OF_ONE = 8,    /* to one responder */
    TLS_OCSP_ANSWER_BYTES = 32 * 1024,
    TLS_OCSP_REQUEST_BYTES = 256,
    TLS_OCSP_FAULT_SIZE = 160,
};

struct tls_ocsp_store *tls_ocsp_store_new(void); /* NULL: out of memory */
struct tls_ocsp_store *tls_ocsp_store_ref(struct tls_ocsp_store *s);
void tls_ocsp_store_unref(struct tls_ocsp_store *s);

/* The configuration changed: whom to ask, and how, is told again by the next handshake of each certificate. Until then its answer is not renewed. */
void tls_ocsp_store_reload(struct tls_ocsp_store *s);

/* ---- for the thread that fetches ---- */

/* Called on any thread when a question was queued. Set before there are questions; on_ask NULL: nothing is fetched any more, and each question fails. */
void tls_ocsp_store_listen(struct tls_ocsp_store *s, void (*on_ask)(void *ctx), void *ctx);

struct tls_ocsp_order; /* a question, counted and immutable */
struct tls_ocsp_question {
    const char *url, *host; /* host: with its port, where there is one */
    struct span request;    /* DER, for a POST */
    bool anywhere;          /* the configuration names the responder, which may have any address */
    unsigned timeout_ms;
};
const struct tls_ocsp_question *tls_ocsp_order_question(const struct tls_ocsp_order *o);
void tls_ocsp_order_unref(struct tls_ocsp_order *o);

/* The next question to ask, with a reference, and in how much time; NULL: none may be asked now. now_us: of a clock that only goes forward. */
struct tls_ocsp_order *tls_ocsp_store_take(struct tls_ocsp_store *s, uint64_t now_us, unsigned *within_ms);

struct tls_ocsp_result {
    struct span body;  /* the answer */
    const char *fault; /* why there is none; NULL: there is one */
};
enum tls_ocsp_news { TLS_OCSP_NO_NEWS, TLS_OCSP_HELD, TLS_OCSP_FAILED, TLS_OCSP_REVOKES /* a certificate of an open connection */ };
/* fault: of TLS_OCSP_FAILED. now: seconds since 1970. random: any number. */
enum tls_ocsp_news tls_ocsp_store_answered(struct tls_ocsp_store *s, const struct tls_ocsp_order *o, const struct tls_ocsp_result *result, int64_t now,
                                           uint64_t random, char fault[TLS_OCSP_FAULT_SIZE]);

/* Queues again what is due and still used, fails what waited for too long, and forgets what is over. True: questions failed. */
bool tls_ocsp_store_look(struct tls_ocsp_store *s, int64_t now, uint64_t now_us);
/* In how many milliseconds that has to be done again; -1: not before there is another question. */
int tls_ocsp_store_wait_ms(struct tls_ocsp_store *s, int64_t now);

/* ---- for those who are told ---- */

struct tls_ocsp_facts {
    size_t rows, answers, waiting;          /* certificates, those with an answer, questions that wait or run */
    uint64_t asked, good, revoked, failed;  /* questions, and what became of them */
    uint64_t overflowed;                    /* questions that found no room */
    int64_t failed_at;                      /* 0: never */
    char failed_host[80], fault[TLS_OCSP_FAULT_SIZE]; /* of the last that failed */
};
void tls_ocsp_store_facts(struct tls_ocsp_store *s, struct tls_ocsp_facts *out);

#endif
