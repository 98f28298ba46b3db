/* SPDX-License-Identifier: Apache-2.0 */
/* The flags that a token gives a login: SoftHSM counts no tries. */
#include "tls_token_pin.h"
#include "t.h"

#include <gnutls/pkcs11.h>
#include <string.h>

static struct tls_token_pin of(const char *text)
{
    return (struct tls_token_pin){span_from_str(text), NULL};
}

static int ask(struct tls_token_pin *t, int attempt, const char *url, unsigned flags)
{
    char pin[32] = "nothing";
    int rc = tls_token_pin_give(t, attempt, url, "label", flags, pin, sizeof(pin));
    ck_assert_str_eq(pin, rc == 0 ? "1234" : "nothing");
    ck_assert_int_eq(rc == 0, t->fault == NULL);
    return rc;
}

START_TEST(gives_the_pin_but_not_as_the_last_try)
{
    static const unsigned flags[] = {GNUTLS_PIN_FINAL_TRY, GNUTLS_PIN_FINAL_TRY | GNUTLS_PIN_COUNT_LOW, GNUTLS_PIN_FINAL_TRY | GNUTLS_PIN_USER};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        struct tls_token_pin t = of("1234");
        ck_assert_int_ne(ask(&t, 0, "pkcs11:token=last", flags[i]), 0);
        ck_assert_ptr_nonnull(strstr(t.fault, "one try left, which is not used"));
    }
    struct tls_token_pin t = of("1234");
    ck_assert_int_eq(ask(&t, 0, "pkcs11:token=last", GNUTLS_PIN_COUNT_LOW), 0);
    ck_assert_int_eq(ask(&t, 0, "pkcs11:token=last", GNUTLS_PIN_USER), 0);
}
END_TEST

START_TEST(a_refused_pin_is_given_to_that_token_no_more)
{
    struct tls_token_pin first = of("1234"), second = of("1234"), other = of("1234");
    ck_assert_int_ne(ask(&first, 1, "pkcs11:token=wrong", GNUTLS_PIN_WRONG), 0);
    ck_assert_ptr_nonnull(strstr(first.fault, "the PIN is wrong"));
    ck_assert_int_ne(ask(&second, 0, "pkcs11:token=wrong", 0), 0);
    ck_assert_ptr_nonnull(strstr(second.fault, "refused this PIN before"));
    ck_assert_int_eq(ask(&other, 0, "pkcs11:token=other", 0), 0);
}
END_TEST

START_TEST(says_what_is_wrong_with_a_pin)
{
    struct tls_token_pin none = of(""), of_many = of("0123456789012345678901234567890123456789");
    ck_assert_int_ne(ask(&none, 0, "pkcs11:token=a", 0), 0);
    ck_assert_ptr_nonnull(strstr(none.fault, "name its file in pin_file"));
    ck_assert_int_ne(ask(&of_many, 0, "pkcs11:token=a", 0), 0);
    ck_assert_ptr_nonnull(strstr(of_many.fault, "too long"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_token_pin");
    TCase *t = tcase_create("tls_token_pin");
    tcase_add_test(t, gives_the_pin_but_not_as_the_last_try);
    tcase_add_test(t, a_refused_pin_is_given_to_that_token_no_more);
    tcase_add_test(t, says_what_is_wrong_with_a_pin);
    suite_add_tcase(s, t);
    return s;
}
