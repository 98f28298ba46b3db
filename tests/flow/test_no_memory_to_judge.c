/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decides, while the n-th allocation fails, for every n: an answer is a refusal, an error, or the very answer that memory would have given; never a
 * yes to somebody who is not valid, and (with sanitizers) no leak. The judge is also asked while GnuTLS's own allocations fail.
 */
#include "t.h"

#include "ends.h"
#include "failing.h"
#include "judging.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/report.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REVOKED_SERIAL = 77, MOST = 5000 };

static struct certs root, middle, good, revoked, expired, stranger, foreign;
static struct certs_crl list, newer;

static void make(void)
{
    static const uint64_t serials[] = {REVOKED_SERIAL, 78, 79}, more[] = {REVOKED_SERIAL, 78, 79, 80};
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &foreign);
    certs_make(&(struct certs_order){.cn = "Middle", .ca = true, .issuer = &root}, &middle);
    certs_make(&(struct certs_order){.cn = "good", .ou = "ops", .sans = {"dns:a.example", "uri:spiffe://td/a"}, .issuer = &middle}, &good);
    certs_make(&(struct certs_order){.cn = "revoked", .issuer = &middle, .serial = REVOKED_SERIAL, .sans = {"uri:spiffe://td/revoked"}}, &revoked);
    certs_make(&(struct certs_order){.cn = "expired", .issuer = &middle, .not_after = CERTS_NOW - 1}, &expired);
    certs_make(&(struct certs_order){.cn = "stranger", .issuer = &foreign}, &stranger);
    certs_make_crl(&(struct certs_crl_order){.issuer = &middle, .serials = serials, .n_serials = 3}, &list);
    certs_make_crl(&(struct certs_crl_order){.issuer = &middle, .serials = more, .n_serials = 4, .number = 2}, &newer);
}

static void drop(void)
{
    struct certs *all[] = {&root, &middle, &good, &revoked, &expired, &stranger, &foreign};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        certs_clear(all[i]);
    certs_crl_clear(&list);
    certs_crl_clear(&newer);
}

static struct tls_trust *new_trust(void)
{
    return judging_trust(&(struct judging){.ca = {&root}, .crl = {&list}});
}

static enum reason judge(const struct tls_trust *trust, const struct certs *leaf)
{
    struct span ders[] = {leaf->der, middle.der};
    struct tls_question q = {.trust = trust, .purpose = TLS_PURPOSE_CLIENT, .now = CERTS_NOW};
    struct tls_verdict verdict;
    tls_judge(&q, ders, 2, &verdict);
    return verdict.status;
}

/* ---- the judge ---- */

static const struct {
    const char *why;
    struct certs *leaf;
    bool valid;
} chains[] = {{"good", &good, true}, {"revoked", &revoked, false}, {"expired", &expired, false}, {"of a foreign CA", &stranger, false}};
enum { N_CHAINS = sizeof(chains) / sizeof(chains[0]) };

/* An odd row lets all allocations fail from the n-th on. */
START_TEST(nobody_is_valid_for_want_of_memory)
{
    const struct certs *leaf = chains[_i / 2].leaf;
    bool valid = chains[_i / 2].valid, any = true;
    const char *why = chains[_i / 2].why;
    for (unsigned n = 0; any; n++) {
        struct tls_trust *trust = new_trust();
        failing_arm(n, _i % 2 == 1);
        enum reason status = judge(trust, leaf);
        any = failing_disarm();
        ck_assert_msg(status != REASON_UNDECIDED, "%s, allocation %u: undecided", why, n);
        ck_assert_msg(status != REASON_VALID || valid, "%s, allocation %u: valid", why, n);
        ck_assert_msg(any || (status == REASON_VALID) == valid, "%s: %s", why, judging_word(status));
        enum reason after = judge(trust, leaf);
        ck_assert_msg((after == REASON_VALID) == valid, "%s, after allocation %u failed: %s", why, n, judging_word(after));
        tls_trust_unref(trust);
    }
}
END_TEST

enum { REFUSED = 10, LET_IN, NOTHING_FAILED };

static bool apart; /* in a process for one failure of the library */

/* The address sanitizer calls this before its report. Nobody reads the report of such a process, and its stack takes 0.1 s to look up. */
__attribute__((visibility("default"))) void __asan_on_error(void);
void __asan_on_error(void)
{
    if (apart)
        _exit(0);
}

/* GnuTLS itself does not live through every failure (gnutls_x509_dn_init in 3.7.9 looks at no result), so each is tried in a process of its own: what
 * counts is that the end of the library is not a yes of ours. */
static int judge_apart(const struct tls_trust *trust, const struct certs *leaf, unsigned n, bool for_good)
{
    int status;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        close(STDERR_FILENO);
        apart = true;
        failing_gnutls(true);
        failing_arm(n, for_good);
        enum reason said = judge(trust, leaf);
        bool any = failing_disarm();
        _exit(!any ? NOTHING_FAILED : said == REASON_VALID ? LET_IN : REFUSED);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

START_TEST(nobody_is_valid_when_the_library_has_no_memory)
{
    struct tls_trust *trust = new_trust();
    unsigned n = 0, refused = 0;
    for (int said = REFUSED; said != NOTHING_FAILED; n++) {
        said = judge_apart(trust, chains[_i / 2].leaf, n, _i % 2 == 1);
        ck_assert_msg(said != LET_IN || chains[_i / 2].valid, "%s, allocation %u: valid", chains[_i / 2].why, n);
        refused += said == REFUSED;
    }
    ck_assert_uint_gt(n, 20);
    ck_assert_uint_gt(refused, 0);
    tls_trust_unref(trust);
}
END_TEST

/* ---- the trust and its lists ---- */

START_TEST(a_trust_is_whole_or_is_refused) /* A3 */
{
    struct tls_file ca = {"ca.pem", root.pem}, crl = {"ca.crl", list.pem};
    static const char *const pins[] = {"0000000000000000000000000000000000000000000000000000000000000000"};
    struct tls_trust_spec spec = {.name = "t", .ca = &ca, .n_ca = 1, .crl = &crl, .n_crl = 1, .crl_required = true, .pins = pins, .spiffe_domain = "td"};
    bool any = true;
    unsigned n = 0;
    for (; any; n++) {
        struct findings notes;
        struct err err = {0};
        findings_init(&notes);
        failing_arm(n, _i == 1);
        struct tls_trust *trust = tls_trust_new(&spec, CERTS_NOW, &notes, &err);
        any = failing_disarm();
        ck_assert_msg((trust == NULL) == (err.text[0] != '\0'), "allocation %u: %s", n, err.text);
        ck_assert_msg(any || trust != NULL, "%s", err.text);
        if (trust != NULL) {
            struct tls_trust_facts facts;
            tls_trust_facts(trust, &facts);
            ck_assert_msg(facts.n_ca == 1 && facts.n_crl == 1 && facts.n_revoked == 3, "allocation %u: half a trust", n);
            ck_assert_int_eq(judge(trust, &revoked), REASON_REVOKED);
        }
        tls_trust_unref(trust);
        findings_clear(&notes);
    }
    ck_assert_uint_gt(n, 10);
}
END_TEST

START_TEST(lists_are_replaced_whole_or_not) /* A3, F1 */
{
    struct tls_file crl = {"ca.crl", newer.pem};
    bool any = true;
    unsigned n = 0;
    for (; any; n++) {
        struct tls_trust *trust = new_trust();
        struct tls_trust_facts before, after;
        struct findings notes;
        struct err err = {0};
        findings_init(&notes);
        tls_trust_facts(trust, &before);
        failing_arm(n, _i == 1);
        int rc = tls_trust_replace_lists(trust, &(struct tls_trust_lists){.files = &crl, .n = 1}, CERTS_NOW, &notes, &err);
        any = failing_disarm();
        tls_trust_facts(trust, &after);
        ck_assert_msg(rc == 1 || (rc == -1 && any && err.text[0] != '\0'), "allocation %u: %d %s", n, rc, err.text);
        ck_assert_uint_eq(after.n_revoked, rc == 1 ? 4 : 3);
        ck_assert((after.generation != before.generation) == (rc == 1));
        ck_assert_int_eq(judge(trust, &revoked), REASON_REVOKED);
        tls_trust_unref(trust);
        findings_clear(&notes);
    }
    ck_assert_uint_gt(n, 5);
}
END_TEST

/* ---- handshakes by ticket ---- */

static struct raw_tls raw;

static struct tls_trust *wire_trust(bool revokes)
{
    struct tls_pki_revoked serial = {.serial = WIRE_CLIENT_SERIAL, .when = WIRE_NOW};
    const struct tls_pki_pair *ca = &ends_pki.clients_ca;
    struct err err = {0};
    struct findings notes;
    struct bytes text;
    findings_init(&notes);
    bytes_init(&text, 1 << 16);
    int rc = tls_pki_make_crl(bytes_span(&ca->certificate), bytes_span(&ca->key), &serial, revokes, revokes ? 2 : 1, WIRE_NOW - WIRE_DAY,
                              (int64_t)WIRE_NOW + WIRE_DAY, &text, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
    struct tls_file files[] = {{"ca.pem", bytes_span(&ca->certificate)}, {"ca.crl", bytes_span(&text)}};
    struct tls_trust_spec spec = {.name = "t", .ca = &files[0], .n_ca = 1, .crl = &files[1], .n_crl = 1, .crl_required = true};
    struct tls_trust *trust = tls_trust_new(&spec, WIRE_NOW, &notes, &err);
    ck_assert_msg(trust != NULL, "%s", err.text);
    findings_clear(&notes);
    bytes_clear(&text);
    return trust;
}

static void meet(struct tls_context *ctx, const gnutls_datum_t *ticket, unsigned n, bool for_good)
{
    raw_tls_client(&raw, &ends_pki, "NORMAL:-VERS-ALL:+VERS-TLS1.3", GNUTLS_FORCE_CLIENT_CERT);
    if (ticket != NULL)
        ck_assert_int_eq(gnutls_session_set_data(raw.session, ticket->data, ticket->size), 0);
    struct err err = {0};
    ends_server = (struct ends_end){.ctx = tls_context_ref(ctx), .now = WIRE_NOW};
    bytes_init(&ends_server.got, ENDS_QUEUE_MAX);
    failing_arm(n, for_good);
    ends_server.e = tls_engine_new(ctx, NULL, NULL, NULL, &err);
    failing_disarm();
    if (ends_server.e != NULL)
        return;
    ck_assert_str_ne(err.text, "");
    tls_context_unref(ctx);
}

static bool at_work;

static bool engine_works(void)
{
    return at_work;
}

/* As ends_run_raw, where only the engine lacks memory. Gives whether it opened. */
static bool run_without_memory(unsigned n, bool for_good, bool *any)
{
    failing_here = engine_works;
    failing_arm(n, for_good);
    for (bool moved = true; moved;) {
        raw_tls_pump(&raw);
        struct span wire = bytes_span(&raw.out);
        moved = wire.len > 0;
        at_work = true;
        if (wire.len > 0) {
            tls_engine_wire_in(ends_server.e, wire, WIRE_NOW);
            tls_engine_wire_keep(ends_server.e);
        }
        at_work = false;
        bytes_consume(&raw.out, wire.len);
        struct span said = tls_engine_wire_out(ends_server.e);
        moved = moved || said.len > 0;
        ck_assert_int_eq(bytes_append_span(&raw.in, said), 0);
        tls_engine_wire_sent(ends_server.e, said.len);
    }
    *any = failing_disarm();
    failing_here = NULL;
    return (tls_engine_flags(ends_server.e) & (TLS_TAKES_APP | TLS_FAILED)) == TLS_TAKES_APP;
}

static gnutls_datum_t first_ticket(struct tls_context *ctx)
{
    gnutls_datum_t ticket = {0};
    bool any;
    meet(ctx, NULL, UINT32_MAX, false);
    ck_assert(run_without_memory(UINT32_MAX, false, &any));
    ck_assert_int_eq(gnutls_session_get_data2(raw.session, &ticket), 0);
    raw_tls_clear(&raw);
    ends_close_one(&ends_server);
    return ticket;
}

/* Rows: with a ticket or without, a good client or one that was revoked since, one failure or all that follow. */
START_TEST(a_caller_is_let_in_by_a_judgement_or_not_at_all) /* A1, A12 */
{
    bool by_ticket = (_i & 1) != 0, is_revoked = (_i & 2) != 0, for_good = (_i & 4) != 0, any = true;
    unsigned n = 0;
    for (; any && n < MOST; n++) {
        struct tls_trust *trust = wire_trust(false), *now = is_revoked ? wire_trust(true) : NULL;
        struct tls_context *ctx = wire_pki_accepting(&ends_pki, &(struct wire_side){.tickets = true, .trust = trust});
        gnutls_datum_t ticket = by_ticket ? first_ticket(ctx) : (gnutls_datum_t){0};
        if (is_revoked) {
            tls_context_unref(ctx);
            ctx = wire_pki_accepting(&ends_pki, &(struct wire_side){.tickets = true, .trust = now});
        }
        meet(ctx, by_ticket ? &ticket : NULL, UINT32_MAX, false);
        bool opened = run_without_memory(n, for_good, &any);
        struct tls_facts facts;
        tls_engine_facts(ends_server.e, &facts);
        ck_assert_msg(!opened || !is_revoked, "allocation %u: a revoked caller is in", n);
        ck_assert_msg(!opened || facts.verdict->status == REASON_VALID, "allocation %u: nobody was judged", n);
        ck_assert_msg(opened || facts.reason != REASON_UNDECIDED || any, "allocation %u: %s", n, facts.text);
        ck_assert_msg(opened || facts.reason == REASON_UNDECIDED || report_blame(facts.reason) == REFUSED_BY_US,
                      "allocation %u: our want of memory is told as the peer's doing: %s, %s", n, reason_word(facts.reason), facts.text);
        ck_assert_msg(any || opened == !is_revoked, "%s", facts.text);
        raw_tls_clear(&raw);
        ends_close_one(&ends_server);
        gnutls_free(ticket.data);
        tls_context_unref(ctx);
        tls_trust_unref(trust);
        tls_trust_unref(now);
    }
    ck_assert_uint_gt(n, 2);
    ck_assert_uint_lt(n, MOST);
}
END_TEST

START_TEST(an_engine_is_made_or_is_not)
{
    struct tls_context *ctx = wire_pki_accepting(&ends_pki, &(struct wire_side){0});
    bool made = false;
    for (unsigned n = 0; !made; n++) {
        meet(ctx, NULL, n, _i == 1);
        made = ends_server.e != NULL;
        raw_tls_clear(&raw);
        ends_close_one(&ends_server);
    }
    tls_context_unref(ctx);
}
END_TEST

static TCase *add_case(Suite *s, const char *name, void (*set_up)(void), void (*clear)(void))
{
    TCase *c = tcase_create(name);
    tcase_set_timeout(c, 100);
    tcase_add_unchecked_fixture(c, set_up, clear);
    suite_add_tcase(s, c);
    return c;
}

Suite *suite(void)
{
    Suite *s = suite_create("no_memory_to_judge");
    TCase *c = add_case(s, "judge", make, drop);
    tcase_add_loop_test(c, nobody_is_valid_for_want_of_memory, 0, N_CHAINS * 2);
    tcase_add_loop_test(c, nobody_is_valid_when_the_library_has_no_memory, 0, N_CHAINS * 2);
    tcase_add_loop_test(c, a_trust_is_whole_or_is_refused, 0, 2);
    tcase_add_loop_test(c, lists_are_replaced_whole_or_not, 0, 2);
    c = add_case(s, "engine", ends_make, ends_drop);
    tcase_add_loop_test(c, a_caller_is_let_in_by_a_judgement_or_not_at_all, 0, 8);
    tcase_add_loop_test(c, an_engine_is_made_or_is_not, 0, 2);
    return s;
}
