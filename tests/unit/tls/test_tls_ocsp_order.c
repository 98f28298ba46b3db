/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_ocsp_order.h"
#include "t.h"

#include "ocsp_maker.h"

#include <string.h>

static struct certs root, other, leaf;

static void make(void)
{
    static const uint8_t aia[] = "\x30\x20\x30\x1e\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x01\x86\x12http://a.test:80/x";
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "Other", .ca = true}, &other);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &root, .extension = "1.3.6.1.5.5.7.1.1", .extension_value = span_of(aia, sizeof(aia) - 1)}, &leaf);
}

static void clear(void)
{
    certs_clear(&leaf);
    certs_clear(&other);
    certs_clear(&root);
}

START_TEST(asks_only_responders_that_are_allowed) /* F3 */
{
    static const struct {
        const char *why, *responder, *host, *url;
        bool anywhere;
    } rows[] = {
        {"the one that it names, on a public address", NULL, NULL, "http://a.test:80/x", false},
        {"one that is listed", NULL, "A.test", "http://a.test:80/x", true},
        {"one that is listed with its port", NULL, "a.test:80", "http://a.test:80/x", true},
        {"another port", NULL, "a.test:81", NULL, false},
        {"another host", NULL, "b.a.test", NULL, false},
        {"the configuration's", "http://10.0.0.1/", NULL, "http://10.0.0.1/", true},
    };
    char fault[TLS_OCSP_FAULT_SIZE] = "";
    const struct tls_ocsp_rules rules = {.mode = TLS_OCSP_HARD, .responder = rows[_i].responder, .hosts = &rows[_i].host, .n_hosts = rows[_i].host != NULL};
    struct tls_ocsp_order *o = tls_ocsp_order_new(&(struct tls_ocsp_about){&rules, leaf.der, root.der}, fault);
    ck_assert_msg((o != NULL) == (rows[_i].url != NULL), "%s: %s", rows[_i].why, fault);
    if (o == NULL) {
        ck_assert_ptr_nonnull(strstr(fault, "is not in ocsp_hosts"));
        return;
    }
    ck_assert_str_eq(tls_ocsp_order_question(o)->url, rows[_i].url);
    ck_assert_int_eq(tls_ocsp_order_question(o)->anywhere, rows[_i].anywhere);
    tls_ocsp_order_unref(o);
}
END_TEST

START_TEST(a_certificate_without_a_responder_is_not_asked_about)
{
    char fault[TLS_OCSP_FAULT_SIZE] = "";
    const struct tls_ocsp_rules rules = {.mode = TLS_OCSP_HARD};
    ck_assert_ptr_null(tls_ocsp_order_new(&(struct tls_ocsp_about){&rules, other.der, other.der}, fault));
    ck_assert_ptr_nonnull(strstr(fault, "names no OCSP responder"));
    ck_assert_ptr_null(tls_ocsp_order_new(&(struct tls_ocsp_about){&rules, span_of("no", 2), other.der}, fault));
}
END_TEST

START_TEST(an_answer_counts_by_its_signature_and_time) /* F2 */
{
    static const struct {
        const char *why, *fault;
        struct ocsp_order order;
    } rows[] = {
        {"good", NULL, {.status = OCSP_GOOD}},
        {"revoked", NULL, {.status = OCSP_REVOKED}},
        {"unknown", "does not know", {.status = OCSP_UNKNOWN}},
        {"by another CA", "neither the issuer", {.signer = &other}},
        {"stale", "nextUpdate has passed", {.this_update = CERTS_NOW - 2 * CERTS_DAY, .next_update = CERTS_NOW - CERTS_DAY}},
        {"no answer", "could not answer", {.refusal = 3}},
    };
    char fault[TLS_OCSP_FAULT_SIZE] = "";
    struct tls_ocsp_entry entry;
    const struct tls_ocsp_rules rules = {.mode = TLS_OCSP_HARD};
    struct ocsp_order order = rows[_i].order;
    order.cert = &leaf;
    order.issuer = &root;
    struct tls_ocsp_order *o = tls_ocsp_order_new(&(struct tls_ocsp_about){&rules, leaf.der, root.der}, fault);
    ck_assert_msg(o != NULL, "%s", fault);
    struct span answer = ocsp_make(&order);
    const char *why = tls_ocsp_order_check(o, answer, CERTS_NOW, &entry);
    ck_assert_msg((why == NULL) == (rows[_i].fault == NULL) && (why == NULL || strstr(why, rows[_i].fault) != NULL), "%s: %s", rows[_i].why, why);
    ck_assert(why != NULL || (entry.status == TLS_OCSP_REVOKED) == (order.status == OCSP_REVOKED));
    certs_free(answer);
    tls_ocsp_order_unref(o);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_ocsp_order");
    TCase *t = tcase_create("order");
    tcase_add_unchecked_fixture(t, make, clear);
    tcase_add_loop_test(t, asks_only_responders_that_are_allowed, 0, 6);
    tcase_add_test(t, a_certificate_without_a_responder_is_not_asked_about);
    tcase_add_loop_test(t, an_answer_counts_by_its_signature_and_time, 0, 6);
    suite_add_tcase(s, t);
    return s;
}
