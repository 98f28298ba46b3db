/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "tls_priority.h"

#include <string.h>

static const char *const hybrid_name = "+GROUP-X25519-MLKEM768";

START_TEST(the_hybrid_group_stands_before_x25519_where_there_is_one)
{
    for (int only_13 = 0; only_13 < 2; only_13++) {
        char with[TLS_PRIORITY_SIZE], without[TLS_PRIORITY_SIZE];
        tls_priority_write(only_13 ? TLS_VERSIONS_13 : TLS_VERSIONS_ALL, true, with);
        tls_priority_write(only_13 ? TLS_VERSIONS_13 : TLS_VERSIONS_ALL, false, without);
        ck_assert_ptr_nonnull(strstr(with, ":-GROUP-ALL:+GROUP-X25519-MLKEM768:+GROUP-X25519:"));
        ck_assert_ptr_nonnull(strstr(without, ":-GROUP-ALL:+GROUP-X25519:"));
        ck_assert_ptr_null(strstr(without, hybrid_name));
        ck_assert_uint_lt(strlen(with), TLS_PRIORITY_SIZE - 100); /* not cut */
        ck_assert_int_eq(strstr(with, "+VERS-TLS1.2") == NULL, only_13);
        ck_assert_ptr_null(strstr(with, "SAFE_RENEGOTIATION")); /* A14 */
    }
}
END_TEST

START_TEST(the_library_is_asked_what_it_has)
{
    for (int only_13 = 0; only_13 < 2; only_13++) {
        struct err err = {0};
        gnutls_priority_t priority;
        const unsigned *groups;
        ck_assert_msg(tls_priority_make(NULL, only_13 ? TLS_VERSIONS_13 : TLS_VERSIONS_ALL, &priority, &err) == 0, "%s", err.text);
        int n = gnutls_priority_group_list(priority, &groups);
        int first = tls_priority_has_hybrid() ? 1 : 0; /* of the groups that every library has */
        ck_assert_int_gt(n, first);
        ck_assert_uint_eq(groups[first], GNUTLS_GROUP_X25519);
        ck_assert_uint_eq(tls_priority_key_shares(priority), first > 0 ? GNUTLS_KEY_SHARE_TOP2 : GNUTLS_KEY_SHARE_TOP);
        gnutls_priority_deinit(priority);
    }
}
END_TEST

static const struct {
    const char *text;
    const char *says; /* NULL: it is taken */
} given[] = {
    {"NORMAL", NULL},
    {"SECURE256:-VERS-ALL:+VERS-TLS1.3", NULL},
    {"PFS", NULL},
    {"NONE:+VERS-TLS1.3:+AES-128-GCM:+AEAD:+GROUP-X25519:+SIGN-ECDSA-SECP256R1-SHA256", NULL},
    {"NORMAL:!VERS-TLS1.2", NULL},
    {"HIGH:!aNULL:!MD5", "is an OpenSSL cipher list"},
    {"HIGH", "is an OpenSSL cipher list"},
    {"!aNULL:HIGH", "is an OpenSSL cipher list"},
    {"ALL", "is an OpenSSL cipher list"},
    {"DEFAULT@SECLEVEL=2", "is an OpenSSL cipher list"},
    {"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256", "is an OpenSSL cipher list"},
    {"ECDHE+AESGCM:!eNULL", "is an OpenSSL cipher list"},
    {"EECDH+AESGCM:EDH+AESGCM", "is an OpenSSL cipher list"},
    {"TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", "is an OpenSSL cipher list"},
    {"AES256-GCM-SHA384", "is an OpenSSL cipher list"},
    {"NORMALL", "GnuTLS priority string is expected"},
    {"NORMAL:+VERS-TLS9", "near \"+VERS-TLS9\""},
    {"NORMAL:+ECDHE-ECDSA-AES128-GCM-SHA256", "GnuTLS priority string is expected"},
    {"NORMAL:%DISABLE_SAFE_RENEGOTIATION", "remove %DISABLE_SAFE_RENEGOTIATION"},
    {"NORMAL:%disable_safe_renegotiation", "remove %DISABLE_SAFE_RENEGOTIATION"},
};
enum { N_GIVEN = sizeof(given) / sizeof(given[0]) };

START_TEST(a_string_of_the_configuration_is_taken_or_told_what_it_is)
{
    struct err err = {0};
    gnutls_priority_t priority;
    int rc = tls_priority_make(given[_i].text, TLS_VERSIONS_ALL, &priority, &err);
    ck_assert_msg((rc == 0) == (given[_i].says == NULL), "%s: %s", given[_i].text, err.text);
    if (rc == 0) {
        gnutls_priority_deinit(priority);
        return;
    }
    ck_assert_int_eq(err.kind, ERR_CONFIG);
    ck_assert_msg(strstr(err.text, given[_i].says) != NULL, "%s", err.text);
    ck_assert_msg(strstr(err.text, given[_i].text) != NULL, "%s", err.text);
    bool example = strstr(err.text, "SECURE256:-VERS-ALL:+VERS-TLS1.3") != NULL;
    ck_assert_msg(example || strstr(err.text, "remove ") != NULL, "%s", err.text);
    ck_assert_msg((strstr(given[_i].says, "OpenSSL") != NULL) == (strstr(err.text, "OpenSSL") != NULL), "%s", err.text);
}
END_TEST

START_TEST(a_string_of_the_configuration_has_one_key_share)
{
    struct err err = {0};
    gnutls_priority_t priority;
    ck_assert_int_eq(tls_priority_make("NORMAL:-GROUP-ALL:+GROUP-SECP256R1:+GROUP-X25519", TLS_VERSIONS_ALL, &priority, &err), 0);
    ck_assert_uint_eq(tls_priority_key_shares(priority), GNUTLS_KEY_SHARE_TOP);
    gnutls_priority_deinit(priority);
}
END_TEST

/* A10: a priority string is no way around the versions. */
START_TEST(min_and_max_version_hold_for_a_string_of_the_configuration_too)
{
    static const struct {
        const char *text; /* NULL: our own */
        enum tls_versions versions;
        unsigned first; /* 0: refused */
        int n;
    } rows[] = {{NULL, TLS_VERSIONS_ALL, GNUTLS_TLS1_3, 2},           {NULL, TLS_VERSIONS_13, GNUTLS_TLS1_3, 1},
                {NULL, TLS_VERSIONS_12, GNUTLS_TLS1_2, 1},            {"NORMAL", TLS_VERSIONS_13, GNUTLS_TLS1_3, 1},
                {"NORMAL:-VERS-TLS1.2", TLS_VERSIONS_12, 0, 0},       {"NORMAL:-VERS-ALL:+VERS-TLS1.2", TLS_VERSIONS_13, 0, 0},
                {"NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.1", TLS_VERSIONS_ALL, GNUTLS_TLS1_2, 1},
                {"NORMAL:-VERS-ALL:+VERS-TLS1.0", TLS_VERSIONS_ALL, 0, 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = {0};
        gnutls_priority_t priority;
        const unsigned *list;
        int rc = tls_priority_make(rows[i].text, rows[i].versions, &priority, &err);
        ck_assert_msg((rc == 0) == (rows[i].first != 0), "%zu: %s", i, err.text);
        if (rc != 0) {
            ck_assert_ptr_nonnull(strstr(err.text, "no TLS version that min_version and max_version allow"));
            continue;
        }
        int n = gnutls_priority_protocol_list(priority, &list);
        ck_assert_msg((rows[i].text != NULL || n == rows[i].n) && list[0] == rows[i].first, "%zu: %d", i, n);
        for (int k = 0; k < n; k++)
            ck_assert_msg(list[k] == GNUTLS_TLS1_3 || list[k] == GNUTLS_TLS1_2, "%zu: %u", i, list[k]);
        gnutls_priority_deinit(priority);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_priority");
    TCase *c = tcase_create("priority");
    tcase_add_test(c, min_and_max_version_hold_for_a_string_of_the_configuration_too);
    tcase_add_test(c, the_hybrid_group_stands_before_x25519_where_there_is_one);
    tcase_add_test(c, the_library_is_asked_what_it_has);
    tcase_add_loop_test(c, a_string_of_the_configuration_is_taken_or_told_what_it_is, 0, N_GIVEN);
    tcase_add_test(c, a_string_of_the_configuration_has_one_key_share);
    suite_add_tcase(s, c);
    return s;
}
