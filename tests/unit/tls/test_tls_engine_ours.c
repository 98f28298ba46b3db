/* SPDX-License-Identifier: Apache-2.0 */
/* Which of several identities a server gets, by the CAs and kinds of keys in its request. Real servers are in tests/system/test_several_identities.py. */
#include "certs.h"
#include "ends.h"
#include "t.h"
#include "tls_context.h"
#include "tls_internal.h"

#include <stdio.h>
#include <string.h>

enum { ONE, TWO, RSA, ED, N_IDENTITIES };
static struct certs ca_one, ca_two, middle, leaves[N_IDENTITIES];
static struct tls_identity *identities[N_IDENTITIES];
static struct raw_tls raw;

static struct tls_identity *load(const struct certs *leaf, const struct certs *above)
{
    struct span pieces[] = {leaf->pem, above != NULL ? above->pem : span_of(NULL, 0)};
    struct span text = certs_join(pieces, 2);
    struct tls_identity_spec spec = {.name = "x", .certificate = text, .certificate_file = "c", .key = leaf->key_pem, .key_file = "k"};
    struct findings notes = {0};
    struct err err = {0};
    struct tls_identity *id = tls_identity_new(&spec, CERTS_NOW, &notes, &err);
    ck_assert_msg(id != NULL, "%s", err.text);
    findings_clear(&notes);
    certs_free(text);
    return id;
}

static void make(void)
{
    ends_make();
    certs_make(&(struct certs_order){.cn = "One", .ca = true}, &ca_one);
    certs_make(&(struct certs_order){.cn = "Two", .ca = true}, &ca_two);
    certs_make(&(struct certs_order){.cn = "Middle", .ca = true, .issuer = &ca_two}, &middle);
    certs_make(&(struct certs_order){.cn = "one", .issuer = &ca_one}, &leaves[ONE]);
    certs_make(&(struct certs_order){.cn = "two", .issuer = &middle}, &leaves[TWO]);
    certs_make(&(struct certs_order){.cn = "rsa", .issuer = &ca_one, .key = CERTS_RSA_2048}, &leaves[RSA]);
    certs_make(&(struct certs_order){.cn = "ed", .issuer = &ca_one, .key = CERTS_ED25519}, &leaves[ED]);
    for (size_t i = 0; i < N_IDENTITIES; i++)
        identities[i] = load(&leaves[i], i == TWO ? &middle : NULL);
}

static void drop(void)
{
    for (size_t i = 0; i < N_IDENTITIES; i++) {
        tls_identity_unref(identities[i]);
        certs_clear(&leaves[i]);
    }
    certs_clear(&middle);
    certs_clear(&ca_two);
    certs_clear(&ca_one);
    ends_drop();
}

/* A context with these, the first first. */
static struct tls_context *context_of(const int *which, size_t n)
{
    struct tls_context *like = wire_pki_connecting(&ends_pki, &(struct wire_side){0});
    struct tls_identity *others[N_IDENTITIES];
    struct err err = {0};
    for (size_t i = 1; i < n; i++)
        others[i - 1] = identities[which[i]];
    struct tls_context_spec spec = {.identity = identities[which[0]], .others = others, .n_others = n - 1, .trust = like->trust, .server_name = WIRE_NAME};
    struct tls_context *ctx = tls_context_new(&spec, &err);
    ck_assert_msg(ctx != NULL, "%s", err.text);
    tls_context_unref(like);
    return ctx;
}

static const struct row {
    const char *why;
    int which[3];
    size_t n;
    const struct certs *names[2]; /* CAs that the server names */
    const char *signatures;       /* NULL: all */
    int expected;
} rows[] = {
    {"the server names nothing", {ONE, TWO}, 2, {NULL}, NULL, ONE},
    {"the CA of the first", {ONE, TWO}, 2, {&ca_one}, NULL, ONE},
    {"the root above the second's intermediate", {ONE, TWO}, 2, {&ca_two}, NULL, TWO},
    {"the second's intermediate", {ONE, TWO}, 2, {&middle}, NULL, TWO},
    {"both: the first", {TWO, ONE}, 2, {&ca_one, &ca_two}, NULL, TWO},
    {"neither: the first", {ONE, RSA}, 2, {&middle}, NULL, ONE},
    {"one CA, and keys of RSA alone", {ONE, TWO, RSA}, 3, {&ca_one}, ":-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256", RSA},
    {"no CA, and keys of RSA alone", {ONE, TWO, RSA}, 3, {NULL}, ":-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256", RSA},
    {"Ed25519 before another", {ED, ONE}, 2, {&ca_one}, NULL, ED},
};

static void shake_hands(struct tls_context *ctx, const struct row *row, const char *version)
{
    char priority[100];
    snprintf(priority, sizeof(priority), "NORMAL:-VERS-ALL:+VERS-TLS%s", version);
    ends_open_one(&ends_client, ctx, NULL, NULL);
    raw_tls_server(&raw, &ends_pki, priority, NULL);
    for (size_t i = 0; i < 2 && row->names[i] != NULL; i++) {
        gnutls_datum_t pem = {(unsigned char *)(uintptr_t)row->names[i]->pem.ptr, (unsigned)row->names[i]->pem.len};
        ck_assert_int_ge(gnutls_certificate_set_x509_trust_mem(raw.credentials, &pem, GNUTLS_X509_FMT_PEM), 0);
    }
    ends_run_raw(&ends_client, &raw, ENDS_ALL);
}

static void expect_presented(const struct row *row)
{
    unsigned n = 0;
    const gnutls_datum_t *list = gnutls_certificate_get_peers(raw.session, &n);
    ck_assert_msg(list != NULL && span_equals(span_of(list[0].data, list[0].size), leaves[row->expected].der), "%s", row->why);
    ck_assert_ptr_eq(tls_engine_identity(ends_client.e), identities[row->expected]);
    ck_assert_ptr_eq(ends_look(&ends_client)->ours, identities[row->expected]);
}

START_TEST(presents_the_one_whose_ca_the_server_names)
{
    const struct row *row = &rows[_i];
    static const char *const versions[] = {"1.2", "1.3"};
    if (row->signatures != NULL)
        return;
    for (size_t i = 0; i < 2; i++) {
        shake_hands(context_of(row->which, row->n), row, versions[i]);
        expect_presented(row);
        raw_tls_clear(&raw);
        ends_close();
    }
}
END_TEST

START_TEST(a_kind_of_key_that_the_server_takes_goes_before)
{
    const gnutls_pk_algorithm_t rsa[] = {GNUTLS_PK_RSA}, ecdsa[] = {GNUTLS_PK_ECDSA};
    ck_assert(tls_identity_has_kind(identities[RSA], rsa, 1) && !tls_identity_has_kind(identities[RSA], ecdsa, 1));
    ck_assert(!tls_identity_has_kind(identities[ONE], rsa, 1) && tls_identity_has_kind(identities[ONE], ecdsa, 1));
    ck_assert(tls_identity_has_kind(identities[ED], ecdsa, 1)); /* RFC 8422 section 5.5 */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        gnutls_datum_t names[2];
        unsigned n_names = 0;
        gnutls_pcert_st *certs;
        gnutls_ocsp_data_st *ocsp;
        gnutls_privkey_t key;
        unsigned n, n_ocsp, flags;
        for (; n_names < 2 && row->names[n_names] != NULL; n_names++)
            ck_assert_int_eq(gnutls_x509_crt_get_raw_dn(row->names[n_names]->crt, &names[n_names]), 0);
        struct gnutls_cert_retr_st asked = {.req_ca_rdn = names, .nreqs = n_names, .pk_algos = rsa, .pk_algos_length = row->signatures != NULL ? 1 : 0};
        ends_open_one(&ends_client, context_of(row->which, row->n), NULL, NULL);
        gnutls_session_t session;
        ck_assert_int_eq(gnutls_init(&session, GNUTLS_CLIENT), 0);
        gnutls_session_set_ptr(session, ends_client.e);
        ck_assert_int_eq(tls_engine_on_asked(session, &asked, &certs, &n, &ocsp, &n_ocsp, &key, &flags), 0);
        ck_assert_msg(tls_engine_identity(ends_client.e) == identities[row->expected] && n == (row->expected == TWO ? 2 : 1), "%s", row->why);
        asked.nreqs = 0;
        asked.pk_algos_length = 0; /* A10: what was presented stays */
        ck_assert_int_eq(tls_engine_on_asked(session, &asked, &certs, &n, &ocsp, &n_ocsp, &key, &flags), 0);
        ck_assert_ptr_eq(tls_engine_identity(ends_client.e), identities[row->expected]);
        gnutls_deinit(session);
        for (unsigned k = 0; k < n_names; k++)
            gnutls_free(names[k].data);
        ends_close();
    }
}
END_TEST

START_TEST(knows_when_another_certificate_took_the_place_of_the_one_it_presented) /* B4 */
{
    static const int first[] = {ONE}, other[] = {TWO}, both[] = {TWO, ONE};
    const struct row row = {"", {ONE}, 1, {&ca_one}, NULL, ONE};
    struct tls_context *same = context_of(first, 1), *renewed = context_of(other, 1), *beside = context_of(both, 2);
    shake_hands(context_of(first, 1), &row, "1.3");
    ck_assert(ends_look(&ends_client)->ours_sent);
    ck_assert_ptr_null(tls_engine_replaced(ends_client.e, ends_client.ctx));
    ck_assert_ptr_null(tls_engine_replaced(ends_client.e, same));
    ck_assert_ptr_null(tls_engine_replaced(ends_client.e, beside));
    ck_assert_ptr_eq(tls_engine_replaced(ends_client.e, renewed), identities[ONE]);
    ck_assert_ptr_eq(tls_engine_replaced(ends_client.e, NULL), identities[ONE]);
    raw_tls_clear(&raw);
    ends_close();
    tls_context_unref(same);
    tls_context_unref(renewed);
    tls_context_unref(beside);
}
END_TEST

START_TEST(a_certificate_that_was_never_presented_was_not_replaced)
{
    static const int first[] = {ONE}, other[] = {TWO};
    struct tls_context *renewed = context_of(other, 1);
    ends_open_one(&ends_client, context_of(first, 1), NULL, NULL);
    ck_assert_ptr_null(tls_engine_replaced(ends_client.e, renewed));
    ends_close();
    tls_context_unref(renewed);
}
END_TEST

/* B5: a resumed session is that of the identity of its first handshake, which the server does not ask for again. */
START_TEST(a_resumed_session_keeps_its_identity)
{
    static const int which[] = {ONE, TWO};
    const struct row row = {"", {ONE, TWO}, 2, {&ca_two}, NULL, TWO};
    gnutls_datum_t ticket_key;
    struct tls_context *ctx = context_of(which, 2);
    ck_assert_int_eq(gnutls_session_ticket_key_generate(&ticket_key), 0);
    ends_tickets = tls_tickets_new(4);
    for (int i = 0; i < 2; i++) {
        gnutls_datum_t pem = {(unsigned char *)(uintptr_t)ca_two.pem.ptr, (unsigned)ca_two.pem.len};
        ends_open_one(&ends_client, tls_context_ref(ctx), NULL, NULL);
        raw_tls_server(&raw, &ends_pki, "NORMAL:-VERS-ALL:+VERS-TLS1.2", &ticket_key);
        ck_assert_int_ge(gnutls_certificate_set_x509_trust_mem(raw.credentials, &pem, GNUTLS_X509_FMT_PEM), 0);
        ends_run_raw(&ends_client, &raw, ENDS_ALL);
        ck_assert_int_eq(ends_look(&ends_client)->resumed, i);
        ck_assert_ptr_eq(ends_facts.ours, identities[row.expected]);
        raw_tls_clear(&raw);
        ends_close_one(&ends_client);
    }
    tls_tickets_free(ends_tickets);
    ends_tickets = NULL;
    tls_context_unref(ctx);
    gnutls_free(ticket_key.data);
}
END_TEST

/* ---- later requests on resumed sessions (A10) ---- */

/* ONE and TWO, to servers that may also ask later. */
static struct tls_context *later_context(void)
{
    struct tls_context *like = wire_pki_connecting(&ends_pki, &(struct wire_side){0});
    struct err err = {0};
    struct tls_context_spec spec = {.identity = identities[ONE], .others = &identities[TWO], .n_others = 1, .trust = like->trust, .server_name = WIRE_NAME,
                                    .post_handshake_auth = true, .renegotiation = true};
    struct tls_context *ctx = tls_context_new(&spec, &err);
    ck_assert_msg(ctx != NULL, "%s", err.text);
    tls_context_unref(like);
    return ctx;
}

static void name_ca(const struct certs *ca)
{
    gnutls_datum_t pem = {(unsigned char *)(uintptr_t)ca->pem.ptr, (unsigned)ca->pem.len};
    ck_assert_int_ge(gnutls_certificate_set_x509_trust_mem(raw.credentials, &pem, GNUTLS_X509_FMT_PEM), 0);
}

/* asks: the CA that the first handshake names; NULL: it requests nothing. */
static void connect_to(struct tls_context *ctx, const char *priority, const gnutls_datum_t *ticket_key, const struct certs *asks)
{
    ends_open_one(&ends_client, tls_context_ref(ctx), NULL, NULL);
    raw_tls_later(&raw, &ends_pki, priority, GNUTLS_POST_HANDSHAKE_AUTH);
    ck_assert_int_eq(gnutls_session_ticket_enable_server(raw.session, ticket_key), 0);
    if (asks != NULL) {
        name_ca(asks);
        gnutls_certificate_server_set_request(raw.session, GNUTLS_CERT_REQUEST);
    }
    tls_engine_start(ends_client.e, WIRE_NOW);
    ends_run_raw(&ends_client, &raw, ENDS_ALL);
    ends_expect_open(&ends_client, "the first handshake");
    raw_tls_say(&raw, "x"); /* and its tickets */
    ends_run_raw(&ends_client, &raw, ENDS_ALL);
}

static void disconnect(void)
{
    raw_tls_clear(&raw);
    ends_close_one(&ends_client);
}

/* The same server asks once more, and names this CA. */
static void ask_later(const char *version, const struct certs *ca)
{
    name_ca(ca);
    gnutls_certificate_server_set_request(raw.session, GNUTLS_CERT_REQUIRE);
    if (strcmp(version, "1.2") == 0) {
        ck_assert_int_eq(gnutls_rehandshake(raw.session), 0);
        ends_run_raw(&ends_client, &raw, ENDS_ALL);
        return;
    }
    int rc = gnutls_reauth(raw.session, 0);
    ends_feed(&ends_client, bytes_span(&raw.out));
    bytes_clear(&raw.out);
    struct span answer = tls_engine_wire_out(ends_client.e);
    ck_assert_int_eq(bytes_append_span(&raw.in, answer), 0);
    tls_engine_wire_sent(ends_client.e, answer.len);
    ck_assert_int_eq(rc == GNUTLS_E_AGAIN ? gnutls_reauth(raw.session, 0) : rc, 0);
}

static const struct later_row {
    const char *why;
    const struct certs *first;  /* the CA named in the handshake that the ticket came of; NULL: it requested nothing */
    bool keeps_key;             /* the ticket is taken */
    const struct certs *second; /* the CA named in the next handshake, if it is a full one */
    const struct certs *later;  /* and later on that connection */
    int expected;
    bool only_13; /* a GnuTLS server of TLS 1.2 resumes again when it renegotiates */
} later_rows[] = {
    {"a session that stands for the second goes on as the second", &ca_two, true, NULL, &ca_one, TWO, false},
    {"a session that stands for the first goes on as the first", &ca_one, true, NULL, &ca_two, ONE, false},
    {"a session that stands for none is asked for the first time", NULL, true, NULL, &ca_two, TWO, true},
    {"a ticket that is refused decides nothing", &ca_two, false, &ca_one, &ca_two, ONE, false},
    {"and nothing was presented where nothing was requested", &ca_two, false, NULL, &ca_one, ONE, false},
};

START_TEST(a_resumed_session_is_not_asked_for_another_identity) /* A10 */
{
    const struct later_row *row = &later_rows[_i / 2];
    const char *version = _i % 2 == 0 ? "1.3" : "1.2";
    char priority[100];
    unsigned n = 0;
    gnutls_datum_t keys[2];
    if (row->only_13 && _i % 2 != 0)
        return;
    struct tls_context *ctx = later_context();
    snprintf(priority, sizeof(priority), "NORMAL:-VERS-ALL:+VERS-TLS%s", version);
    ck_assert(gnutls_session_ticket_key_generate(&keys[0]) == 0 && gnutls_session_ticket_key_generate(&keys[1]) == 0);
    ends_tickets = tls_tickets_new(4);
    connect_to(ctx, priority, &keys[0], row->first);
    disconnect();
    connect_to(ctx, priority, &keys[row->keeps_key ? 0 : 1], row->second);
    ck_assert_int_eq(ends_look(&ends_client)->resumed, row->keeps_key);
    ask_later(version, row->later);
    ends_expect_open(&ends_client, row->why);
    const gnutls_datum_t *list = gnutls_certificate_get_peers(raw.session, &n);
    ck_assert_msg(list != NULL && n > 0, "%s", row->why);
    ck_assert_msg(span_equals(span_of(list[0].data, list[0].size), leaves[row->expected].der), "%s (%s)", row->why, version);
    ck_assert_ptr_eq(ends_look(&ends_client)->ours, identities[row->expected]);
    disconnect();
    tls_tickets_free(ends_tickets);
    ends_tickets = NULL;
    tls_context_unref(ctx);
    gnutls_free(keys[0].data);
    gnutls_free(keys[1].data);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_engine_ours");
    TCase *c = tcase_create("ours");
    tcase_add_unchecked_fixture(c, make, drop);
    tcase_add_loop_test(c, presents_the_one_whose_ca_the_server_names, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(c, a_kind_of_key_that_the_server_takes_goes_before);
    tcase_add_test(c, knows_when_another_certificate_took_the_place_of_the_one_it_presented);
    tcase_add_test(c, a_certificate_that_was_never_presented_was_not_replaced);
    tcase_add_test(c, a_resumed_session_keeps_its_identity);
    tcase_add_loop_test(c, a_resumed_session_is_not_asked_for_another_identity, 0, 2 * (int)(sizeof(later_rows) / sizeof(later_rows[0])));
    suite_add_tcase(s, c);
    return s;
}
