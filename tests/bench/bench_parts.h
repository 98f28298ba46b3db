/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of bench_judge share: measuring, and one line per measurement on standard output, "table key=value ...". judge.py makes tables of
 * them. */
#ifndef MTLSD_BENCH_PARTS_H
#define MTLSD_BENCH_PARTS_H

#include "big_crl.h"
#include "mtlsd/tls/tls_trust.h"

struct bench_plan {
    size_t sizes[8], n_sizes; /* lists' lengths */
    size_t judgements;        /* of each kind */
    size_t handshakes;
};

/* CPU time of this thread in microseconds: what else the machine does is not counted. */
double bench_cpu_us(void);
double bench_wall_us(void);

struct bench_series { /* of one plan's length */
    double *us;
    size_t n, most;
};
void bench_series_init(struct bench_series *s, size_t most);
void bench_series_add(struct bench_series *s, double us);
/* Prints " median_us=... p99_us=... worst_us=..." and the end of the line, and frees. */
void bench_series_end(struct bench_series *s);

/* The trust of one CA with these lists, DER, empty ones left out; ends the program when it cannot be made. Any CA may be NULL. */
struct tls_trust *bench_trust(const struct certs *const *cas, size_t n_cas, const struct span *lists, size_t n_lists);
void bench_fail(const char *what);

void bench_judging(const struct bench_plan *plan);
void bench_handshakes(const struct bench_plan *plan);
void bench_hostile(const struct bench_plan *plan);
/* One that comes through the engine: a client with so many certificates. */
void bench_long_chain(const struct certs *root, size_t n, size_t times);
/* How both sides are set up; asks for a certificate of trust's CAs. */
struct tls_context;
struct tls_context *bench_context(const struct certs *own, struct tls_trust *trust, bool accepting);

#endif
