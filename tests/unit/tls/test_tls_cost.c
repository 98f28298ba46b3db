/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile chain may cost (A7): every shape below stays under the bound, whoever made it, strangers and holders of a CA of ours alike. */
#include "t.h"

#include "judging.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MOST_CHAIN = 64, MESSAGE_MAX = 64 * 1024 /* what a handshake brings at most */ };

static struct certs root;

static void make_root(void)
{
    certs_make(&(struct certs_order){.cn = "Root", .ca = true, .no_key_ids = true}, &root);
}

static void clear_root(void)
{
    certs_clear(&root);
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The least of three, because a busy machine is not what is measured. */
static void expect_cheap(const char *why, const struct certs *const *chain, size_t n, enum reason reason)
{
    struct tls_trust *trust = judging_trust(&(struct judging){.ca = {&root}, .depth = 16});
    struct tls_question q = {.trust = trust, .now = CERTS_NOW};
    struct span ders[MOST_CHAIN];
    struct tls_verdict v;
    size_t bytes = 0;
    double least = 1e9;
    ck_assert_uint_le(n, MOST_CHAIN);
    for (size_t i = 0; i < n; i++) {
        ders[i] = chain[i]->der;
        bytes += ders[i].len;
    }
    for (int turn = 0; turn < 3; turn++) {
        double before = cpu_ms();
        tls_judge(&q, ders, n, &v);
        double ms = cpu_ms() - before;
        least = ms < least ? ms : least;
    }
    if (getenv("SHOW_COST") != NULL)
        fprintf(stderr, "%-60s %6.1f ms, %zu bytes, status %s\n", why, least, bytes, judging_word(v.status));
    ck_assert_msg(bytes < MESSAGE_MAX, "%s: %zu bytes would not arrive", why, bytes);
    ck_assert_msg((v.all >> reason & 1) == 1, "%s: %s", why, v.text);
    ck_assert_msg(least < CERTS_WORK_LIMIT_MS, "%s: %f ms", why, least);
    tls_trust_unref(trust);
}

/* ---- DER by hand ---- */

struct made {
    uint8_t bytes[MESSAGE_MAX];
    size_t len;
};

static void add(struct made *m, const void *bytes, size_t n)
{
    ck_assert_uint_le(m->len + n, sizeof(m->bytes));
    memcpy(m->bytes + m->len, bytes, n);
    m->len += n;
}

/* Puts a header with a length of two bytes before what is there. */
static void wrap(struct made *m, uint8_t tag)
{
    uint8_t head[4] = {tag, 0x82, (uint8_t)(m->len >> 8), (uint8_t)m->len};
    ck_assert_uint_le(m->len + 4, sizeof(m->bytes));
    memmove(m->bytes + 4, m->bytes, m->len);
    memcpy(m->bytes, head, 4);
    m->len += 4;
}

/* n names that are excluded, so that all of them are looked at for each name that is none of them. */
static struct span subtrees(struct made *m, uint8_t kind, size_t n)
{
    m->len = 0;
    for (size_t i = 0; i < n; i++) {
        char name[8];
        uint8_t len = (uint8_t)snprintf(name, sizeof(name), "%c%c", 'a' + (int)(i % 26), 'a' + (int)(i / 26 % 26));
        const uint8_t head[] = {0x30, (uint8_t)(len + 2), kind, len};
        add(m, head, 4);
        add(m, name, len);
    }
    wrap(m, 0xa1);
    wrap(m, 0x30);
    return span_of(m->bytes, m->len);
}

/* n names of so many bytes each. */
static struct span names(struct made *m, uint8_t kind, size_t n, size_t size)
{
    static char name[MESSAGE_MAX];
    memset(name, 'x', size);
    m->len = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t head[4] = {kind, 0x82, (uint8_t)(size >> 8), (uint8_t)size}, small[2] = {kind, (uint8_t)size};
        if (size < 0x80)
            add(m, small, 2);
        else
            add(m, head, 4);
        add(m, name, size);
    }
    wrap(m, 0x30);
    return span_of(m->bytes, m->len);
}

/* leaf <- several expired certificates of one intermediate <- a fenced CA <- root: as many faulty ways as there are certificates in the middle. */
static void judge_fenced(const char *why, struct span fence, struct span sans, size_t n_middle)
{
    enum { MOST_MIDDLE = 16 };
    static struct certs middle[MOST_MIDDLE];
    struct certs fenced, leaf;
    const struct certs *chain[MOST_CHAIN] = {&leaf};
    certs_make(&(struct certs_order){.cn = "Fenced", .ca = true, .issuer = &root, .no_key_ids = true, .extension = "2.5.29.30",
                                     .extension_critical = true, .extension_value = fence},
               &fenced);
    for (size_t i = 0; i < n_middle; i++) {
        certs_make(&(struct certs_order){.cn = "Middle", .ca = true, .issuer = &fenced, .no_key_ids = true, .same_key_as = i > 0 ? &middle[0] : NULL,
                                         .not_after = CERTS_NOW - 1},
                   &middle[i]);
        chain[1 + i] = &middle[i];
    }
    chain[1 + n_middle] = &fenced;
    certs_make(&(struct certs_order){.issuer = &middle[0], .no_key_ids = true, .raw_san = sans}, &leaf);
    expect_cheap(why, chain, n_middle + 2, REASON_EXPIRED);
    for (size_t i = 0; i < n_middle; i++)
        certs_clear(&middle[i]);
    certs_clear(&leaf);
    certs_clear(&fenced);
}

START_TEST(a7_constraints_on_many_ways)
{
    static struct made fence, sans;
    judge_fenced("1,000 constraints, 490 names, 8 ways", subtrees(&fence, 0x82, 1000), names(&sans, 0x82, 490, 9), 8);
    judge_fenced("1,000 constraints, 4,000 names, 16 ways", subtrees(&fence, 0x82, 1000), names(&sans, 0x82, 4000, 9), 16);
    judge_fenced("1,000 URI constraints, 1 URI of 40,000 bytes, 8 ways", subtrees(&fence, 0x86, 1000), names(&sans, 0x86, 1, 40000), 8);
    judge_fenced("1,000 URI constraints, 400 URIs of 100 bytes, 8 ways", subtrees(&fence, 0x86, 1000), names(&sans, 0x86, 400, 100), 8);
    judge_fenced("1,000 e-mail constraints, 1 address of 40,000 bytes, 8 ways", subtrees(&fence, 0x81, 1000), names(&sans, 0x81, 1, 40000), 8);
}
END_TEST

/* Several fenced CAs one below the other, each with its own constraints. */
START_TEST(a7_constraints_at_every_level)
{
    enum { LEVELS = 8 };
    static struct made fence, sans;
    static struct certs ca[LEVELS];
    struct certs leaf;
    const struct certs *chain[MOST_CHAIN] = {&leaf};
    for (size_t i = 0; i < LEVELS; i++) {
        char cn[16];
        snprintf(cn, sizeof(cn), "Level %zu", i);
        certs_make(&(struct certs_order){.cn = cn, .ca = true, .issuer = i == 0 ? &root : &ca[i - 1], .no_key_ids = true, .extension = "2.5.29.30",
                                         .extension_critical = true, .extension_value = subtrees(&fence, 0x82, 600)},
                   &ca[i]);
        chain[LEVELS - i] = &ca[i];
    }
    certs_make(&(struct certs_order){.issuer = &ca[LEVELS - 1], .no_key_ids = true, .raw_san = names(&sans, 0x82, 800, 9)}, &leaf);
    expect_cheap("600 constraints on each of 8 levels, 800 names", chain, LEVELS + 1, REASON_CONSTRAINT);
    certs_clear(&leaf);
    for (size_t i = 0; i < LEVELS; i++)
        certs_clear(&ca[i]);
}
END_TEST

/* Subjects of very many parts: they are written out for messages. */
START_TEST(a7_names_of_many_parts)
{
    static const struct {
        size_t parts;
        const char *why;
        enum reason reason;
    } rows[] = {{60, "60 parts", REASON_UNKNOWN_CA}, {1000, "1,000 parts", REASON_MALFORMED}, {2300, "2,300 parts", REASON_MALFORMED}};
    static char dn[MESSAGE_MAX];
    for (size_t i = 0; i < 3; i++) {
        struct certs leaf;
        size_t n = 0;
        for (size_t k = 0; k < rows[i].parts; k++)
            n += (size_t)snprintf(dn + n, sizeof(dn) - n, "%sOU=x%zu", k > 0 ? "," : "", k % 10);
        certs_make(&(struct certs_order){.dn = dn}, &leaf);
        const struct certs *chain[] = {&leaf};
        expect_cheap(rows[i].why, chain, 1, rows[i].reason);
        certs_clear(&leaf);
    }
}
END_TEST

/* Keys as large as are looked at, each a possible issuer of each. */
START_TEST(a7_the_largest_keys_that_are_looked_at)
{
    enum { N = 30 };
    static struct certs webs[N];
    struct certs end;
    const struct certs *chain[N + 1] = {&end};
    for (size_t i = 0; i < N; i++) {
        certs_make(&(struct certs_order){.cn = "Web", .ca = true, .no_key_ids = true, .key = CERTS_RSA_1024, .rsa_bytes = 1024, .exponent_bytes = 8},
                   &webs[i]);
        chain[i + 1] = &webs[i];
    }
    certs_make(&(struct certs_order){.cn = "end", .issuer = &webs[0], .no_key_ids = true, .signature_bytes = 1024}, &end);
    expect_cheap("30 CAs with RSA of 8,192 bits and exponents of 64", chain, N + 1, REASON_UNKNOWN_CA);
    certs_clear(&end);
    for (size_t i = 0; i < N; i++)
        certs_clear(&webs[i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_cost");
    TCase *c = tcase_create("cost");
    tcase_add_checked_fixture(c, make_root, clear_root);
    tcase_set_timeout(c, 100);
    tcase_add_test(c, a7_constraints_on_many_ways);
    tcase_add_test(c, a7_constraints_at_every_level);
    tcase_add_test(c, a7_names_of_many_parts);
    tcase_add_test(c, a7_the_largest_keys_that_are_looked_at);
    suite_add_tcase(s, c);
    return s;
}
