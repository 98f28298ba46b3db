/* SPDX-License-Identifier: Apache-2.0 */
#include "config_credential.h"
#include "t.h"

#include <stdlib.h>
#include <string.h>

START_TEST(names_a_file_in_the_folder_of_the_service)
{
    struct err err = {0};
    ck_assert(config_credential_is("credential:key.pem"));
    ck_assert(!config_credential_is("credentials/key.pem"));
    char *path = config_credential_path("credential:key.pem", "/run/credentials/mtlsd.service", &err);
    ck_assert_str_eq(path, "/run/credentials/mtlsd.service/key.pem");
    free(path);
}
END_TEST

START_TEST(refuses_names_that_lead_out_of_it)
{
    static const char *const bad[] = {"credential:", "credential:..", "credential:.", "credential:../key.pem", "credential:a/b", "credential:/etc/passwd"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = {0};
        ck_assert_ptr_null(config_credential_path(bad[i], "/run/c", &err));
        ck_assert_msg(strstr(err.text, "write the name of a credential") != NULL, "%s", err.text);
    }
}
END_TEST

START_TEST(says_what_to_set_without_a_folder)
{
    static const char *const folders[] = {NULL, "", "relative"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        struct err err = {0};
        ck_assert_ptr_null(config_credential_path("credential:key.pem", folders[i], &err));
        ck_assert_msg(strstr(err.text, "LoadCredential=key.pem:/PATH") != NULL, "%s", err.text);
    }
}
END_TEST

START_TEST(names_an_environment_variable)
{
    static const char *const bad[] = {"env:", "env:A B", "env:A=B", "env:../key.pem", "env:caf\xc3\xa9"};
    struct err err = {0};
    ck_assert(config_credential_is_env("env:WEB_PEM"));
    ck_assert(!config_credential_is_env("environment"));
    ck_assert_int_eq(config_credential_check_env("env:WEB_PEM_2", &err), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err_clear(&err);
        ck_assert_int_ne(config_credential_check_env(bad[i], &err), 0);
        ck_assert_msg(strstr(err.text, "write the name of an environment variable") != NULL, "%s", err.text);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_credential");
    TCase *t = tcase_create("config_credential");
    tcase_add_test(t, names_a_file_in_the_folder_of_the_service);
    tcase_add_test(t, refuses_names_that_lead_out_of_it);
    tcase_add_test(t, says_what_to_set_without_a_folder);
    tcase_add_test(t, names_an_environment_variable);
    suite_add_tcase(s, t);
    return s;
}
