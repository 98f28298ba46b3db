/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "tls_context.h"
#include "tls_priority.h"
#include "wire_pki.h"

#include <string.h>

static struct wire_pki pki;
static struct tls_context *client, *server; /* whose identities and trusts the tests borrow */

static void make(void)
{
    wire_pki_make(&pki);
    client = wire_pki_connecting(&pki, &(struct wire_side){0});
    server = wire_pki_accepting(&pki, &(struct wire_side){0});
}

static void clear(void)
{
    tls_context_unref(client);
    tls_context_unref(server);
    wire_pki_clear(&pki);
}

static struct tls_context *new_context(const struct tls_context_spec *spec)
{
    struct err err = {0};
    struct tls_context *ctx = tls_context_new(spec, &err);
    ck_assert_msg(ctx != NULL, "%s", err.text);
    return ctx;
}

START_TEST(refuses_a_context_that_could_not_verify_its_peer) /* A2, B1 */
{
    const char *const names[] = {WIRE_NAME};
    struct tls_identity *id = server->identity;
    struct tls_trust *trust = server->trust;
    const struct {
        const char *why;
        bool works;
        struct tls_context_spec spec;
    } cases[] = {
        {"a server without an identity", false, {.accepting = true, .trust = trust, .ask = TLS_ASK_REQUIRED}},
        {"required without a trust", false, {.accepting = true, .identity = id, .ask = TLS_ASK_REQUIRED}},
        {"optional without a trust", false, {.accepting = true, .identity = id, .ask = TLS_ASK_OPTIONAL}},
        {"nobody is asked", true, {.accepting = true, .identity = id, .ask = TLS_ASK_NONE}},
        {"required", true, {.accepting = true, .identity = id, .trust = trust, .ask = TLS_ASK_REQUIRED}},
        {"connecting without a trust", false, {.server_name = WIRE_NAME}},
        {"connecting with tickets to give", false, {.trust = trust, .server_name = WIRE_NAME, .tickets = true}},
        {"connecting and tolerating", false, {.trust = trust, .server_name = WIRE_NAME, .tolerate = UINT64_C(1) << REASON_EXPIRED}},
        {"connecting to whoever answers", false, {.trust = trust}},
        {"a list of no names", false, {.trust = trust, .expect = names}},
        {"by the name asked for", true, {.trust = trust, .server_name = WIRE_NAME}},
        {"by a list of names", true, {.trust = trust, .expect = names, .n_expect = 1}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {0};
        struct tls_context *ctx = tls_context_new(&cases[i].spec, &err);
        ck_assert_msg((ctx != NULL) == cases[i].works, "%s: %s", cases[i].why, err.text);
        ck_assert_msg((err.kind == ERR_INTERNAL) == !cases[i].works, "%s: kind %d", cases[i].why, err.kind);
        tls_context_unref(ctx);
    }
}
END_TEST

START_TEST(names_the_place_in_a_priority_that_is_none)
{
    struct err err = {0};
    struct tls_context_spec spec = {.trust = client->trust, .server_name = WIRE_NAME, .priority = "NORMAL:+VERS-TLS9"};
    ck_assert_ptr_null(tls_context_new(&spec, &err));
    ck_assert_int_eq(err.kind, ERR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "NORMAL:+VERS-TLS9"));
    ck_assert_ptr_nonnull(strstr(err.text, "near \"+VERS-TLS9\""));
}
END_TEST

static bool is_good_cipher(unsigned cipher)
{
    return cipher == GNUTLS_CIPHER_AES_128_GCM || cipher == GNUTLS_CIPHER_AES_256_GCM || cipher == GNUTLS_CIPHER_CHACHA20_POLY1305;
}

static bool is_good_signature(gnutls_sign_algorithm_t sign)
{
    gnutls_digest_algorithm_t hash = gnutls_sign_get_hash_algorithm(sign);
    return sign == GNUTLS_SIGN_EDDSA_ED25519 || sign == GNUTLS_SIGN_EDDSA_ED448 || hash == GNUTLS_DIG_SHA256 || hash == GNUTLS_DIG_SHA384 ||
           hash == GNUTLS_DIG_SHA512;
}

START_TEST(offers_nothing_old)
{
    for (int only13 = 0; only13 < 2; only13++) {
        struct tls_context_spec spec = {.trust = client->trust, .server_name = WIRE_NAME, .versions = only13 ? TLS_VERSIONS_13 : TLS_VERSIONS_ALL};
        struct tls_context *ctx = new_context(&spec);
        const unsigned *list;
        int n = gnutls_priority_protocol_list(ctx->priority->set, &list);
        ck_assert_int_eq(n, only13 ? 1 : 2);
        ck_assert_uint_eq(list[0], GNUTLS_TLS1_3);
        if (n == 2)
            ck_assert_uint_eq(list[1], GNUTLS_TLS1_2);
        n = gnutls_priority_cipher_list(ctx->priority->set, &list);
        ck_assert_int_gt(n, 0);
        for (int i = 0; i < n; i++)
            ck_assert_msg(is_good_cipher(list[i]), "%s", gnutls_cipher_get_name((gnutls_cipher_algorithm_t)list[i]));
        n = gnutls_priority_kx_list(ctx->priority->set, &list);
        for (int i = 0; i < n; i++)
            ck_assert_msg(list[i] == GNUTLS_KX_ECDHE_RSA || list[i] == GNUTLS_KX_ECDHE_ECDSA, "key exchange %u", list[i]);
        n = gnutls_priority_sign_list(ctx->priority->set, &list);
        ck_assert_int_gt(n, 0);
        for (int i = 0; i < n; i++)
            ck_assert_msg(is_good_signature((gnutls_sign_algorithm_t)list[i]), "signature %u", list[i]);
        tls_context_unref(ctx);
    }
}
END_TEST

/* Ten thousand upstreams are ten thousand contexts: 15 KB each, but for this. */
START_TEST(shares_what_is_the_same_and_nothing_else)
{
    struct tls_context_spec spec = {.identity = client->identity, .trust = client->trust, .server_name = WIRE_NAME};
    struct tls_context *first = new_context(&spec);
    spec.like = first;
    spec.identity = server->identity;
    struct tls_context *second = new_context(&spec);
    ck_assert_ptr_eq(second->priority, first->priority);
    ck_assert_ptr_eq(second->credentials, first->credentials);
    ck_assert_ptr_eq(second->identity, server->identity);
    spec.versions = TLS_VERSIONS_13;
    struct tls_context *only_13 = new_context(&spec);
    spec.like = only_13;
    spec.priority = "NORMAL:-VERS-ALL:+VERS-TLS1.3";
    spec.trust = server->trust;
    struct tls_context *own = new_context(&spec);
    ck_assert_ptr_ne(only_13->priority, first->priority);
    ck_assert_ptr_ne(own->priority, only_13->priority);
    ck_assert_ptr_ne(own->credentials, first->credentials);
    tls_context_unref(first);
    ck_assert_uint_ne(second->priority->key_shares, 0); /* outlives what it came from */
    tls_context_unref(own);
    tls_context_unref(only_13);
    tls_context_unref(second);
}
END_TEST

START_TEST(keeps_the_names_it_was_told)
{
    char name[] = WIRE_NAME, other[] = "other.example";
    const char *const names[] = {other, "spiffe://x/y"};
    struct tls_context_spec by_server = {.trust = client->trust, .server_name = name};
    struct tls_context_spec by_list = {.trust = client->trust, .server_name = name, .expect = names, .n_expect = 2};
    struct tls_context *one = new_context(&by_server), *two = new_context(&by_list);
    memset(name, 'x', sizeof(name) - 1);
    memset(other, 'x', sizeof(other) - 1);
    ck_assert_str_eq(one->server_name, WIRE_NAME);
    ck_assert_uint_eq(one->n_expect, 1);
    ck_assert_str_eq(one->expect[0], WIRE_NAME);
    ck_assert_uint_eq(two->n_expect, 2); /* the list is instead of the name, not beside it */
    ck_assert_str_eq(two->expect[0], "other.example");
    ck_assert_str_eq(two->expect[1], "spiffe://x/y");
    tls_context_unref(one);
    tls_context_unref(two);
}
END_TEST

START_TEST(every_context_has_a_number_of_its_own) /* B5 */
{
    struct tls_context_spec spec = {.trust = client->trust, .server_name = WIRE_NAME};
    struct tls_context *one = new_context(&spec), *two = new_context(&spec);
    ck_assert_uint_ne(one->id, two->id);
    ck_assert_uint_ne(one->id, client->id);
    tls_context_unref(one);
    struct tls_context *three = new_context(&spec); /* perhaps where the first was in memory */
    ck_assert_uint_gt(three->id, two->id);
    tls_context_unref(two);
    tls_context_unref(three);
}
END_TEST

START_TEST(judges_by_role_and_name) /* A4, B1 */
{
    const char *const wrong[] = {"other.example"}, *const either[] = {"other.example", WIRE_NAME};
    struct span server_der = tls_identity_der(server->identity, 0), client_der = tls_identity_der(client->identity, 0);
    struct tls_context_spec spec = {.trust = client->trust, .expect = wrong, .n_expect = 1};
    struct tls_context *other = new_context(&spec);
    spec.expect = either;
    spec.n_expect = 2;
    struct tls_context *any = new_context(&spec);
    spec = (struct tls_context_spec){.accepting = true, .identity = server->identity, .trust = client->trust, .ask = TLS_ASK_REQUIRED};
    struct tls_context *confused = new_context(&spec);
    const struct {
        const char *why;
        const struct tls_context *ctx;
        struct span der;
        int64_t now;
        enum reason reason;
    } cases[] = {
        {"the server we asked for", client, server_der, WIRE_NOW, REASON_VALID},
        {"one of two names", any, server_der, WIRE_NOW, REASON_VALID},
        {"another name is expected", other, server_der, WIRE_NOW, REASON_NAME_MISMATCH},
        {"a client of ours", server, client_der, WIRE_NOW, REASON_VALID},
        {"no names are asked of a client", confused, server_der, WIRE_NOW, REASON_WRONG_PURPOSE},
        {"from another CA", client, client_der, WIRE_NOW, REASON_UNKNOWN_CA},
        {"a year later", server, client_der, WIRE_NOW + 365LL * WIRE_DAY, REASON_EXPIRED},
        {"a year too soon", server, client_der, WIRE_NOW - 60LL * WIRE_DAY, REASON_NOT_YET_VALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_verdict verdict = {0};
        struct tls_path path;
        tls_context_judge(cases[i].ctx, &(struct tls_presented){.ders = &cases[i].der, .n = 1}, cases[i].now, &verdict, &path);
        ck_assert_msg(verdict.status == cases[i].reason, "%s: %d, %s", cases[i].why, verdict.status, verdict.text);
    }
    struct tls_verdict nobody = {0};
    struct tls_path nowhere;
    tls_context_judge(server, &(struct tls_presented){0}, WIRE_NOW, &nobody, &nowhere);
    ck_assert_uint_eq(nowhere.n, 0);
    ck_assert_int_eq(nobody.status, REASON_NONE);
    tls_context_unref(other);
    tls_context_unref(any);
    tls_context_unref(confused);
}
END_TEST

START_TEST(lives_as_long_as_its_last_reference)
{
    struct tls_context_spec spec = {.trust = client->trust, .identity = client->identity, .server_name = WIRE_NAME};
    struct tls_context *ctx = new_context(&spec);
    struct tls_context *again = tls_context_ref(ctx);
    tls_context_unref(ctx);
    ck_assert_str_eq(again->server_name, WIRE_NAME);
    tls_context_unref(again);
    tls_context_unref(NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_context");
    TCase *c = tcase_create("context");
    tcase_add_checked_fixture(c, make, clear);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, refuses_a_context_that_could_not_verify_its_peer);
    tcase_add_test(c, names_the_place_in_a_priority_that_is_none);
    tcase_add_test(c, offers_nothing_old);
    tcase_add_test(c, shares_what_is_the_same_and_nothing_else);
    tcase_add_test(c, keeps_the_names_it_was_told);
    tcase_add_test(c, every_context_has_a_number_of_its_own);
    tcase_add_test(c, judges_by_role_and_name);
    tcase_add_test(c, lives_as_long_as_its_last_reference);
    suite_add_tcase(s, c);
    return s;
}
