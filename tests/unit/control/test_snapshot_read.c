/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"
#include "world.h"

#include "mtlsd/control/snapshot.h"

#include <string.h>

static struct world w;
static struct findings findings;

static void set_up(void)
{
    world_make(&w);
    findings_init(&findings);
}

static void tear_down(void)
{
    findings_clear(&findings);
    world_clear(&w);
}

static const struct finding *find_text(const char *part)
{
    for (size_t i = 0; i < findings.n; i++)
        if (strstr(findings.items[i].text, part) != NULL)
            return &findings.items[i];
    return NULL;
}

START_TEST(takes_all_certificates_of_a_folder_and_ignores_other_files)
{
    memory_files_put_folder(&w.files, "/etc/cas");
    memory_files_put(&w.files, "/etc/cas/a.pem", bytes_span(&w.clients_ca.certificate));
    memory_files_put(&w.files, "/etc/cas/b.crt", bytes_span(&w.partner_ca.certificate));
    memory_files_put(&w.files, "/etc/cas/README", span_from_str("not a certificate"));
    world_edit(&w, "\"/etc/partner.pem\"", "\"/etc/cas\"");
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_msg(s != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    for (size_t i = 0; i < s->n_trusts; i++) {
        struct tls_trust_facts facts;
        tls_trust_facts(s->trusts[i].tls, &facts);
        if (strcmp(s->trusts[i].conf->name, "partner") == 0)
            ck_assert_uint_eq(facts.n_ca, 2);
    }
    snapshot_unref(s);
}
END_TEST

START_TEST(refuses_a_folder_with_one_bad_certificate)
{
    memory_files_put_folder(&w.files, "/etc/cas");
    memory_files_put(&w.files, "/etc/cas/a.pem", bytes_span(&w.clients_ca.certificate));
    memory_files_put(&w.files, "/etc/cas/b.pem", span_from_str("-----BEGIN CERTIFICATE-----\nMIIB!!!!\n-----END CERTIFICATE-----\n"));
    world_edit(&w, "\"/etc/partner.pem\"", "\"/etc/cas\"");
    ck_assert_ptr_null(world_load(&w, 1, &findings));
    ck_assert_ptr_nonnull(find_text("/etc/cas/b.pem"));
}
END_TEST

START_TEST(refuses_a_folder_with_one_file_that_cannot_be_read)
{
    memory_files_put_folder(&w.files, "/etc/cas");
    memory_files_put(&w.files, "/etc/cas/a.pem", bytes_span(&w.clients_ca.certificate));
    memory_files_put(&w.files, "/etc/cas/b.pem", bytes_span(&w.partner_ca.certificate))->unreadable = true;
    world_edit(&w, "\"/etc/partner.pem\"", "\"/etc/cas\"");
    ck_assert_ptr_null(world_load(&w, 1, &findings));
    ck_assert_uint_eq(findings.errors, 1);
    ck_assert_ptr_nonnull(find_text("/etc/cas/b.pem: cannot open: Permission denied"));
}
END_TEST

/* E4 */
START_TEST(refuses_a_folder_that_all_may_add_a_ca_to)
{
    memory_files_put_folder(&w.files, "/etc/cas")->facts.access.mode = 01777;
    memory_files_put(&w.files, "/etc/cas/a.pem", bytes_span(&w.clients_ca.certificate));
    world_edit(&w, "\"/etc/partner.pem\"", "\"/etc/cas\"");
    ck_assert_ptr_null(world_load(&w, 1, &findings));
    ck_assert_uint_eq(findings.errors, 1);
    ck_assert_ptr_nonnull(find_text("trust \"partner\": /etc/cas names the CAs to trust and every user can change it"));
}
END_TEST

/* E4 */
START_TEST(refuses_a_file_in_a_folder_of_cas_that_all_may_change)
{
    memory_files_put_folder(&w.files, "/etc/cas")->facts.access.mode = 0755;
    memory_files_put(&w.files, "/etc/cas/a.pem", bytes_span(&w.clients_ca.certificate))->facts.access.mode = 0666;
    world_edit(&w, "\"/etc/partner.pem\"", "\"/etc/cas\"");
    ck_assert_ptr_null(world_load(&w, 1, &findings));
    ck_assert_ptr_nonnull(find_text("chmod o-w /etc/cas/a.pem"));
}
END_TEST

/* E4 */
START_TEST(warns_once_of_a_folder_in_which_others_may_exchange_files)
{
    memory_files_put_folder(&w.files, "/etc")->facts.access.mode = 0777;
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    snapshot_unref(s);
    ck_assert_uint_eq(findings.warnings, 1);
    const struct finding *f = find_text("/etc holds files that mtlsd relies on and every user can replace them");
    ck_assert_ptr_nonnull(f);
    ck_assert_str_eq(f->where, "test.conf:2");
}
END_TEST

/* E4 */
START_TEST(warns_of_a_ca_that_another_user_or_a_foreign_group_may_change)
{
    struct file_access *a = &memory_files_find(&w.files, "/etc/clients.pem")->facts.access;
    *a = (struct file_access){.mode = 0664, .foreign_group = true, .owner = 1000, .group = 44};
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    snapshot_unref(s);
    ck_assert_uint_eq(findings.warnings, 1);
    ck_assert_ptr_nonnull(find_text("members of group 44 can change it (mode 0664, owner 1000, group 44)"));
}
END_TEST

/* E4 */
START_TEST(warns_of_a_revocation_list_that_all_may_change)
{
    memory_files_find(&w.files, "/etc/clients.crl")->facts.access.mode = 0666;
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    snapshot_unref(s);
    ck_assert_uint_eq(findings.warnings, 1);
    ck_assert_ptr_nonnull(find_text("/etc/clients.crl is a revocation list and every user can change it"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("snapshot_read");
    TCase *t = tcase_create("snapshot_read");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, takes_all_certificates_of_a_folder_and_ignores_other_files);
    tcase_add_test(t, refuses_a_folder_with_one_bad_certificate);
    tcase_add_test(t, refuses_a_folder_with_one_file_that_cannot_be_read);
    tcase_add_test(t, refuses_a_folder_that_all_may_add_a_ca_to);
    tcase_add_test(t, refuses_a_file_in_a_folder_of_cas_that_all_may_change);
    tcase_add_test(t, warns_once_of_a_folder_in_which_others_may_exchange_files);
    tcase_add_test(t, warns_of_a_ca_that_another_user_or_a_foreign_group_may_change);
    tcase_add_test(t, warns_of_a_revocation_list_that_all_may_change);
    suite_add_tcase(s, t);
    return s;
}
