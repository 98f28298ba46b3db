/* SPDX-License-Identifier: Apache-2.0 */
/* Who comes by a ticket of ours is judged as at first, and a ticket serves nowhere but where it was made (A1). */
#include "t.h"

#include "ends.h"

#include <string.h>

static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
static struct raw_tls raw;

static struct tls_trust *new_trust(uint64_t number, bool revokes)
{
    struct err err = {0};
    struct findings notes;
    struct bytes list;
    struct tls_pki_revoked revoked = {.serial = WIRE_CLIENT_SERIAL, .when = WIRE_NOW};
    const struct tls_pki_pair *ca = &ends_pki.clients_ca;
    findings_init(&notes);
    bytes_init(&list, 1 << 16);
    ck_assert_int_eq(tls_pki_make_crl(bytes_span(&ca->certificate), bytes_span(&ca->key), &revoked, revokes, number, WIRE_NOW - WIRE_DAY,
                                      (int64_t)WIRE_NOW + 600 * WIRE_DAY, &list, &err),
                     0);
    struct tls_file files[] = {{"ca.pem", bytes_span(&ca->certificate)}, {"ca.crl", bytes_span(&list)}};
    struct tls_trust_spec spec = {.name = "t", .ca = &files[0], .n_ca = 1, .crl = &files[1], .n_crl = 1, .crl_required = true};
    struct tls_trust *trust = tls_trust_new(&spec, WIRE_NOW, &notes, &err);
    ck_assert_msg(trust != NULL, "%s", err.text);
    findings_clear(&notes);
    bytes_clear(&list);
    return trust;
}

static void replace_list(struct tls_trust *trust, uint64_t number, bool revokes)
{
    struct err err = {0};
    struct findings notes;
    struct bytes list;
    struct tls_pki_revoked revoked = {.serial = WIRE_CLIENT_SERIAL, .when = WIRE_NOW};
    const struct tls_pki_pair *ca = &ends_pki.clients_ca;
    findings_init(&notes);
    bytes_init(&list, 1 << 16);
    ck_assert_int_eq(tls_pki_make_crl(bytes_span(&ca->certificate), bytes_span(&ca->key), &revoked, revokes, number, WIRE_NOW,
                                      (int64_t)WIRE_NOW + 600 * WIRE_DAY, &list, &err),
                     0);
    struct tls_file file = {"ca.crl", bytes_span(&list)};
    ck_assert_int_eq(tls_trust_replace_lists(trust, &(struct tls_trust_lists){.files = &file, .n = 1}, WIRE_NOW, &notes, &err), 1);
    findings_clear(&notes);
    bytes_clear(&list);
}

/* Connects; with a ticket the client has no certificate of its own any more, so that only the ticket could let it in. */
static void meet(struct tls_context *ctx, tls_accept_fn accept, int version, const char *name, const gnutls_datum_t *ticket, bool has_certificate,
                 int64_t now)
{
    ends_open_one(&ends_server, tls_context_ref(ctx), accept, NULL);
    ends_server.now = now;
    raw_tls_client(&raw, &ends_pki, priorities[version], GNUTLS_FORCE_CLIENT_CERT);
    if (!has_certificate)
        gnutls_certificate_free_keys(raw.credentials);
    if (name != NULL)
        ck_assert_int_eq(gnutls_server_name_set(raw.session, GNUTLS_NAME_DNS, name, strlen(name)), 0);
    if (ticket != NULL)
        ck_assert_int_eq(gnutls_session_set_data(raw.session, ticket->data, ticket->size), 0);
    ends_run_raw(&ends_server, &raw, ENDS_ALL);
}

static void leave(void)
{
    raw_tls_clear(&raw);
    ends_close_one(&ends_server);
}

static gnutls_datum_t ticket_of(struct tls_context *ctx, int version, const char *name, bool has_certificate)
{
    gnutls_datum_t ticket = {0};
    meet(ctx, NULL, version, name, NULL, has_certificate, WIRE_NOW);
    ends_expect_open(&ends_server, "the first connection");
    ck_assert(!ends_facts.resumed);
    ck_assert_uint_ne(gnutls_session_get_flags(raw.session) & GNUTLS_SFLAGS_SESSION_TICKET, 0);
    ck_assert_int_eq(gnutls_session_get_data2(raw.session, &ticket), 0);
    leave();
    return ticket;
}

static struct tls_context *with_tickets(struct tls_trust *trust)
{
    return wire_pki_accepting(&ends_pki, &(struct wire_side){.tickets = true, .trust = trust});
}

START_TEST(a_good_client_resumes_and_is_judged) /* A1 */
{
    struct tls_trust *trust = new_trust(1, false);
    struct tls_context *ctx = with_tickets(trust);
    gnutls_datum_t ticket = ticket_of(ctx, _i, NULL, true);
    meet(ctx, NULL, _i, NULL, &ticket, false, WIRE_NOW);
    ends_expect_open(&ends_server, "by its ticket");
    ck_assert(ends_facts.resumed);
    ck_assert_int_eq(ends_facts.verdict->status, REASON_VALID);
    ck_assert_ptr_nonnull(ends_facts.peer);
    raw_tls_say(&raw, "hello");
    ends_run_raw(&ends_server, &raw, ENDS_ALL);
    ends_expect_got(&ends_server, "hello", "resumed");
    leave();
    gnutls_free(ticket.data);
    tls_context_unref(ctx);
    tls_trust_unref(trust);
}
END_TEST

static enum reason nobody(void *ctx, const struct tls_verdict *verdict, const struct tls_peer *peer, unsigned *alert)
{
    (void)ctx;
    ck_assert_int_eq(verdict->status, REASON_VALID);
    ck_assert_ptr_nonnull(peer);
    *alert = 49;
    return REASON_NOT_ALLOWED;
}

/* Each row is a second connection with the ticket of a good client, and without its certificate: 0 of them get in. */
START_TEST(a_ticket_opens_nothing_but_what_it_was_made_for) /* A1 */
{
    enum { REVOKED_SINCE, LIST_CHANGED, CA_REMOVED, OTHER_LISTENER, AFTER_RELOAD, EXPIRED_SINCE, NOT_ALLOWED_ANY_MORE, TICKETS_OFF, N_ROWS };
    for (int row = 0; row < N_ROWS; row++) {
        struct tls_trust *trust = new_trust(1, false);
        struct tls_context *first = with_tickets(trust), *second = tls_context_ref(first);
        gnutls_datum_t ticket = ticket_of(first, _i, NULL, true);
        struct wire_side other = {.tickets = row != TICKETS_OFF, .trusts = row == CA_REMOVED ? &ends_pki.other_ca : NULL};
        if (row == REVOKED_SINCE || row == LIST_CHANGED)
            replace_list(trust, 2, row == REVOKED_SINCE);
        if (row >= CA_REMOVED && row <= AFTER_RELOAD) {
            tls_context_unref(second);
            second = row == AFTER_RELOAD ? with_tickets(trust) : wire_pki_accepting(&ends_pki, &other);
        } else if (row == TICKETS_OFF) {
            tls_context_unref(second);
            second = wire_pki_accepting(&ends_pki, &other);
        }
        int64_t now = row == EXPIRED_SINCE ? WIRE_NOW + 301 * (int64_t)WIRE_DAY : WIRE_NOW;
        meet(second, row == NOT_ALLOWED_ANY_MORE ? nobody : NULL, _i, NULL, &ticket, false, now);
        enum reason want = row == EXPIRED_SINCE ? REASON_EXPIRED : row == NOT_ALLOWED_ANY_MORE ? REASON_NOT_ALLOWED : REASON_NONE;
        ck_assert_msg(tls_engine_flags(ends_server.e) & TLS_FAILED, "row %d got in", row);
        ck_assert_msg(ends_look(&ends_server)->reason == want, "row %d: %d %s", row, ends_facts.reason, ends_facts.text);
        ck_assert_uint_eq(ends_server.got.len, 0);
        leave();
        gnutls_free(ticket.data);
        tls_context_unref(first);
        tls_context_unref(second);
        tls_trust_unref(trust);
    }
}
END_TEST

START_TEST(a_ticket_of_one_server_name_does_not_open_another) /* A1 */
{
    static const char *const names[] = {"a.example", "b.example"};
    struct tls_trust *trust = new_trust(1, false);
    struct tls_context *contexts[] = {with_tickets(trust), with_tickets(trust)};
    struct tls_context *listener = wire_pki_by_name(names, contexts, 2, NULL);
    gnutls_datum_t ticket = ticket_of(listener, _i, "a.example", true);
    meet(listener, NULL, _i, "a.example", &ticket, false, WIRE_NOW);
    ends_expect_open(&ends_server, "its own name");
    ck_assert(ends_facts.resumed);
    leave();
    meet(listener, NULL, _i, "b.example", &ticket, false, WIRE_NOW);
    ends_expect_failed(&ends_server, REASON_NONE, "another name");
    leave();
    gnutls_free(ticket.data);
    tls_context_unref(listener);
    tls_trust_unref(trust);
}
END_TEST

START_TEST(nobody_stays_nobody) /* A1, A2 */
{
    struct tls_context *ctx = wire_pki_accepting(&ends_pki, &(struct wire_side){.tickets = true, .asks_given = true, .ask = TLS_ASK_OPTIONAL});
    gnutls_datum_t ticket = ticket_of(ctx, _i, NULL, false);
    meet(ctx, NULL, _i, NULL, &ticket, false, WIRE_NOW);
    ends_expect_open(&ends_server, "optional");
    ck_assert_int_eq(ends_facts.verdict->status, REASON_NONE);
    ck_assert_ptr_null(ends_facts.peer);
    leave();
    gnutls_free(ticket.data);
    tls_context_unref(ctx);
}
END_TEST

START_TEST(tickets_are_off_unless_asked_for) /* A1 */
{
    struct tls_context *ctx = wire_pki_accepting(&ends_pki, &(struct wire_side){0});
    meet(ctx, NULL, _i, NULL, NULL, true, WIRE_NOW);
    ends_expect_open(&ends_server, "without");
    ck_assert_uint_eq(gnutls_session_get_flags(raw.session) & GNUTLS_SFLAGS_SESSION_TICKET, 0);
    leave();
    tls_context_unref(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_resume");
    TCase *c = tcase_create("resume");
    tcase_add_unchecked_fixture(c, ends_make, ends_drop);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, a_good_client_resumes_and_is_judged, 0, 2);
    tcase_add_loop_test(c, a_ticket_opens_nothing_but_what_it_was_made_for, 0, 2);
    tcase_add_loop_test(c, a_ticket_of_one_server_name_does_not_open_another, 0, 2);
    tcase_add_loop_test(c, nobody_stays_nobody, 0, 2);
    tcase_add_loop_test(c, tickets_are_off_unless_asked_for, 0, 2);
    suite_add_tcase(s, c);
    return s;
}
