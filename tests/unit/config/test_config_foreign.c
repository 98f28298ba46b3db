/* SPDX-License-Identifier: Apache-2.0 */
#include "config_elsewhere.h"
#include "config_options.h"
#include "t.h"

#include <string.h>

static const struct {
    const char *group, *word, *says;
} told[] = {
    {"listener.tls", "crt-ignore-err", "tolerate"},
    {"listener", "ssl_verify_client", "client_cert"},
    {"upstream", "crt", "identities.NAME"},
    {"identity", "crt", "or bundle = "},
    {"upstream", "address", "targets"},
    {"listener", "address", "bind"},
    {"listener.tls", "ssl_ciphers", "GnuTLS priority"},
    {"listener", "ssl_preread", "tls-passthrough"},
    {"listener.tls", "ssl_alpn", "alpn = ["},
};

START_TEST(a_word_of_another_program_is_told_in_ours)
{
    const char *here = config_foreign_key(told[_i].group, told[_i].word);
    ck_assert_msg(here != NULL && strstr(here, told[_i].says) != NULL, "%s: %s", told[_i].word, here);
}
END_TEST

START_TEST(other_words_are_not_known)
{
    ck_assert_ptr_null(config_foreign_key("upstream", "colour"));
    ck_assert_ptr_null(config_foreign_key("upstream", "trust"));
    ck_assert_ptr_null(config_foreign_key("trust", "address"));
}
END_TEST

/* A foreign word that is a key of ours in some group would be explained away there; but for cert, which mostly means a file. */
START_TEST(no_key_of_ours_is_foreign_everywhere)
{
    size_t n;
    const struct config_option *options = config_options(&n);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(config_foreign_key("", options[i].key) == NULL || strcmp(options[i].key, "cert") == 0, "%s", options[i].key);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_foreign");
    TCase *t = tcase_create("words");
    tcase_add_loop_test(t, a_word_of_another_program_is_told_in_ours, 0, sizeof(told) / sizeof(told[0]));
    tcase_add_test(t, other_words_are_not_known);
    tcase_add_test(t, no_key_of_ours_is_foreign_everywhere);
    suite_add_tcase(s, t);
    return s;
}
