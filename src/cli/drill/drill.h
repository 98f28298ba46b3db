/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `mtlsd drill`. */
#ifndef MTLSD_CLI_DRILL_H
#define MTLSD_CLI_DRILL_H

#include "page.h"
#include "mtlsd/base/address.h"
#include "mtlsd/base/err.h"
#include "mtlsd/io/probe.h"
#include "mtlsd/tls/tls_drill.h"
#include "mtlsd/tls/tls_identity.h"

/*
 * `mtlsd drill` presents every kind of client certificate to a listener and records the result. It does so over TLS 1.3
 * and 1.2, with a full handshake and again with the listener's ticket. A client that the backend answers was accepted.
 */

enum { DRILL_VERSIONS = 2, DRILL_STATUSES_MAX = 16 };

struct drill_setup { /* all borrowed */
    struct address target;
    const char *target_text;
    const char *server_name;
    struct tls_trust *server_trust;
    struct tls_drill_order order;
    struct tls_identity *revoked; /* a certificate that the CA revoked; NULL: there is none to offer */
    const char *request;          /* "GET / HTTP/1.1\r\n..."; NULL: the listener does not speak HTTP */
    unsigned refusals[DRILL_STATUSES_MAX]; /* HTTP statuses that are a no */
    size_t n_refusals;
    bool none_may_pass; /* clients without a certificate may be accepted */
    /* Told of each kind before it is offered, with what will be shown (NULL: no certificate); may be NULL. -1 + err ends the drill. */
    int (*on_offer)(void *ctx, const char *word, const struct tls_identity *identity, struct err *err);
    void *ctx;
};

struct drill_try {
    bool done;     /* false: not offered (no ticket to resume with) */
    bool let_in;
    bool resumed;
    bool is_tls;   /* it answered as TLS does, be it with an alert */
    char told[64]; /* "HTTP 200", "alert certificate_expired", "closed" */
    char why[200]; /* the sentence, when the connection failed */
};

struct drill_row {
    const char *word, *what;
    enum reason expected;
    bool either; /* accepted or refused: both are right */
    bool offered;
    struct drill_try full[DRILL_VERSIONS], again[DRILL_VERSIONS]; /* TLS 1.3, TLS 1.2 */
    bool as_it_should;
};

struct drill {
    struct drill_row *rows; /* owned */
    size_t n;
    size_t n_bad, n_bad_let_in, n_good_refused;
};

/* Offers one certificate (NULL: none) with a full handshake, and again with the ticket that it got unless again is NULL. version: 0 is TLS 1.3, 1 is
 * TLS 1.2. False + err: the target cannot be reached, or is not the server that is trusted. */
MUST_CHECK bool drill_offer(const struct drill_setup *setup, struct tls_identity *identity, size_t version, struct drill_try *full,
                            struct drill_try *again, struct err *err);

/* Blocks until all were tried, and calls on_row after each. -1: the target cannot be reached at all, does not speak TLS, or
 * memory ran out. */
typedef void (*drill_row_fn)(const struct drill_row *row);
MUST_CHECK int drill_run(struct drill *d, const struct drill_setup *setup, drill_row_fn on_row, struct err *err);
void drill_clear(struct drill *d);

/* drill_sheet.c: the document, and what people are shown of it: before the drill, of each row when it is done, and at the end. NULL: out of memory. */
json_t *drill_sheet_document(const struct drill *d, const char *target);
json_t *drill_sheet_row(const struct drill_row *row);
void drill_sheet_print_head(struct page *page, const json_t *document);
void drill_sheet_print_row(struct page *page, const json_t *row);
void drill_sheet_print_end(struct page *page, const json_t *document);

/* Saves the certificates of a drill without keys as FOLDER/KIND.pem, so that other programs can verify them, too. */

/* Writes one chain, leaf first, as it is sent. NULL: nothing to keep. The folder is made where there is none. */
MUST_CHECK int drill_save(const char *folder, const char *word, const struct tls_identity *identity, struct err *err);

#endif
