/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/file_set.h"
#include "t.h"

#include <stdlib.h>
#include <string.h>

START_TEST(keeps_files_with_their_paths)
{
    struct file_set set = {0};
    ck_assert_str_eq(file_set_add(&set, "", "ca.pem")->path, "ca.pem");
    struct file_set_item *second = file_set_add(&set, "cas", "b.crt");
    ck_assert_str_eq(second->path, "cas/b.crt");
    bytes_init(&second->text, 16);
    ck_assert_int_eq(bytes_append_str(&second->text, "text"), 0);
    ck_assert_ptr_nonnull(file_set_add(&set, "", "a folder"));
    file_set_drop_last(&set);
    ck_assert_uint_eq(set.n, 2);
    struct tls_file *files = file_set_borrow(&set);
    ck_assert_str_eq(files[1].name, "cas/b.crt");
    ck_assert(span_equals_str(files[1].text, "text"));
    ck_assert_uint_eq(files[0].text.len, 0);
    ck_assert_ptr_null(files[2].name);
    free(files);
    file_set_clear(&set);
    ck_assert_uint_eq(set.n, 0);
}
END_TEST

START_TEST(reads_only_certificates_out_of_a_folder)
{
    static const struct {
        const char *name;
        bool is_ca;
    } rows[] = {{"ca.pem", true}, {"a.crt", true}, {"a.cer", true}, {".ca.pem", false}, {".pem", false}, {"ca.PEM", false}, {"ca.key", false}, {"README", false}, {"", false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(file_set_is_ca(rows[i].name) == rows[i].is_ca, "%s", rows[i].name);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("file_set");
    TCase *c = tcase_create("all");
    tcase_add_test(c, keeps_files_with_their_paths);
    tcase_add_test(c, reads_only_certificates_out_of_a_folder);
    suite_add_tcase(s, c);
    return s;
}
