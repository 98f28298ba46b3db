/* SPDX-License-Identifier: Apache-2.0 */
/* The text format of Prometheus: lines of one metric, for each listener and upstream of the configuration. */
#ifndef MTLSD_CONTROL_METRICS_PAGE_H
#define MTLSD_CONTROL_METRICS_PAGE_H

#include "mtlsd/control/admin.h"

struct metrics_family;
struct metrics_page {
    struct bytes *out;
    const struct admin_view *view;
    const struct metrics_family *now; /* the samples that follow are of it */
    int rc;                           /* the first failure sticks */
};

/* A metric with its samples. */
struct metrics_family {
    const char *name, *type, *help;
    void (*write)(struct metrics_page *p);
    size_t field; /* of struct counters_row, where all samples are one field of it */
};

struct metrics_label {
    const char *key, *value;
};
#define LABELS(...) ((const struct metrics_label[]){__VA_ARGS__, {NULL, NULL}})
#define NO_LABELS ((const struct metrics_label[]){{NULL, NULL}})

void metrics_sample(struct metrics_page *p, const struct metrics_label *labels, uint64_t value);
void metrics_histogram(struct metrics_page *p, const struct metrics_label *labels, const struct counters_times *t);

typedef void (*metrics_row_fn)(struct metrics_page *p, const char *name, const struct counters_row *row);
/* A row that was not counted yet is all zero. with_tls: only those that speak TLS. */
void metrics_each_listener(struct metrics_page *p, bool with_tls, metrics_row_fn write);
void metrics_each_upstream(struct metrics_page *p, bool with_tls, metrics_row_fn write);

/* metrics_certificates.c */
void metrics_identities_end(struct metrics_page *p);
void metrics_trusts_end(struct metrics_page *p);
void metrics_lists_end(struct metrics_page *p);
void metrics_registry_rows(struct metrics_page *p);
void metrics_ocsp_questions(struct metrics_page *p);
void metrics_ocsp_answers(struct metrics_page *p);
void metrics_ocsp_waiting(struct metrics_page *p);
void metrics_registry_age(struct metrics_page *p);
void metrics_registry_sessions(struct metrics_page *p);
void metrics_peers_end(struct metrics_page *p);
void metrics_clients_end(struct metrics_page *p);

#endif
