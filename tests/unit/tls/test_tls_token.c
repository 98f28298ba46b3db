/* SPDX-License-Identifier: Apache-2.0 */
/* Without a token: what is refused before one is asked. SoftHSM is in tests/system/test_key_sources.py. */
#include "tls_token.h"
#include "t.h"

#include <string.h>

START_TEST(refuses_what_no_token_can_answer)
{
    static const struct {
        const char *uri, *says;
    } rows[] = {
        {"pkcs11:token=web;object=shop?pin-value=1234", "name the file of the PIN in pin_file"},
        {"pkcs11:token=web;object=shop?pin-source=/etc/pin", "name the file of the PIN in pin_file"},
        {"pkcs11:token=there-is-none;object=x", "pkcs11:token=there-is-none;object=x: the private key cannot be used"},
        {"pkcs11:%", "pkcs11:%: the private key cannot be used"},
    };
    const struct tls_passphrase pin = {.file = "pin", .text = "1234"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = {0};
        ck_assert_ptr_null(tls_token_key(rows[i].uri, &pin, NULL, &err));
        ck_assert_msg(strstr(err.text, rows[i].says) != NULL && strstr(err.text, "1234") == NULL, "%s", err.text);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_token");
    TCase *t = tcase_create("tls_token");
    tcase_add_test(t, refuses_what_no_token_can_answer);
    suite_add_tcase(s, t);
    return s;
}
