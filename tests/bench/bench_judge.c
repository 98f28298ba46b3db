/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to judge a chain: with lists of any length, warm and cold, of honest peers and of hostile ones. judge.py runs it. */
#include "bench_parts.h"

#include "mtlsd/tls/tls_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void bench_fail(const char *what)
{
    fprintf(stderr, "bench_judge: %s\n", what);
    exit(1);
}

static double now_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

double bench_cpu_us(void)
{
    return now_us(CLOCK_THREAD_CPUTIME_ID);
}

double bench_wall_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

void bench_series_init(struct bench_series *s, size_t most)
{
    *s = (struct bench_series){.us = calloc(most, sizeof(*s->us)), .most = most};
    if (s->us == NULL)
        bench_fail("out of memory");
}

void bench_series_add(struct bench_series *s, double us)
{
    if (s->n < s->most)
        s->us[s->n++] = us;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_series_end(struct bench_series *s)
{
    qsort(s->us, s->n, sizeof(*s->us), ascending);
    if (s->n > 0)
        printf(" median_us=%.1f p99_us=%.1f worst_us=%.1f\n", s->us[s->n / 2], s->us[s->n * 99 / 100], s->us[s->n - 1]);
    fflush(stdout);
    free(s->us);
}

struct tls_trust *bench_trust(const struct certs *const *cas, size_t n_cas, const struct span *lists, size_t n_lists)
{
    struct tls_file *ca = calloc(n_cas, sizeof(*ca)), crl[4];
    size_t n_crl = 0;
    struct findings notes;
    struct err err = {0};
    if (ca == NULL)
        bench_fail("out of memory");
    for (size_t i = 0; i < n_cas; i++)
        ca[i] = (struct tls_file){"ca.pem", cas[i]->pem};
    for (size_t i = 0; i < n_lists; i++)
        if (lists[i].len > 0)
            crl[n_crl++] = (struct tls_file){"ca.crl", lists[i]};
    struct tls_trust_spec spec = {.name = "bench", .ca = ca, .n_ca = n_cas, .crl = crl, .n_crl = n_crl, .crl_required = true};
    findings_init(&notes);
    struct tls_trust *trust = tls_trust_new(&spec, CERTS_NOW, &notes, &err);
    if (trust == NULL)
        bench_fail(err.text);
    findings_clear(&notes);
    free(ca);
    return trust;
}

static void read_sizes(struct bench_plan *plan, char *text)
{
    plan->n_sizes = 0;
    for (char *word = text; word != NULL && plan->n_sizes < 8;) {
        char *comma = strchr(word, ',');
        if (comma != NULL)
            *comma++ = '\0';
        plan->sizes[plan->n_sizes++] = strtoul(word, NULL, 10);
        word = comma;
    }
}

int main(int argc, char **argv)
{
    struct bench_plan plan = {.sizes = {0, 10, 50000, 1000000}, .n_sizes = 4, .judgements = 4000, .handshakes = 600};
    struct err err = {0};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--entries") == 0)
            read_sizes(&plan, argv[i + 1]);
        else if (strcmp(argv[i], "--judgements") == 0)
            plan.judgements = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--handshakes") == 0)
            plan.handshakes = strtoul(argv[i + 1], NULL, 10);
        else
            bench_fail("usage: bench_judge [--entries N,N,...] [--judgements N] [--handshakes N]");
    }
    if (plan.judgements == 0 || plan.handshakes == 0)
        bench_fail("nothing to do");
    if (tls_library_start(&err) != 0)
        bench_fail(err.text);
    bench_judging(&plan);
    bench_handshakes(&plan);
    bench_hostile(&plan);
    return 0;
}
