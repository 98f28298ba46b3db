/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"
#include "world.h"

#include "mtlsd/control/snapshot.h"

#include <stdio.h>
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

enum damage {
    WHOLE,
    ABSENT,
    EMPTY,
    BLANK,
    FOLDER_WITHOUT_FILES,
    UNREADABLE,
    CUT_SHORT,
    ONE_BAD_BLOCK,
    NOT_PEM,
    READABLE_BY_OTHERS,
    CERTIFICATE_ALONE,
    OF_ANOTHER_USER,
    WRITABLE_BY_ALL,
    WRITABLE_BY_ITS_GROUP,
    READABLE_BY_ITS_GROUP,
    READABLE_BY_A_FOREIGN_GROUP,
    WITH_CRLF,
    OF_ANOTHER_KEY,
    A_LEAF,
};

static const char bad_block[] = "-----BEGIN CERTIFICATE-----\nMIIB!!!!\n-----END CERTIFICATE-----\n";

static void replace_text(const char *path, const void *text, size_t n)
{
    char copy[65536];
    ck_assert_uint_le(n, sizeof(copy));
    memcpy(copy, text, n);
    struct file_facts facts = memory_files_find(&w.files, path)->facts;
    memory_files_put(&w.files, path, span_of(copy, n))->facts = facts;
}

static void turn_into_crlf(const char *path)
{
    char copy[65536];
    size_t n = 0;
    struct span text = bytes_span(&memory_files_find(&w.files, path)->text);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n')
            copy[n++] = '\r';
        copy[n++] = (char)text.ptr[i];
    }
    replace_text(path, copy, n);
}

static void inflict(const char *path, enum damage damage)
{
    static const uint8_t der[] = {0x30, 0x82, 0x01, 0x00, 0x30, 0x03, 0x02, 0x01, 0x02};
    struct memory_file *f = memory_files_find(&w.files, path);
    switch (damage) {
    case WHOLE:
        break;
    case ABSENT:
        memory_files_remove(&w.files, path);
        break;
    case EMPTY:
        replace_text(path, "", 0);
        break;
    case BLANK:
        replace_text(path, "\n  \n", 4);
        break;
    case FOLDER_WITHOUT_FILES:
        memory_files_put_folder(&w.files, path);
        break;
    case UNREADABLE:
        f->unreadable = true;
        break;
    case CUT_SHORT:
        replace_text(path, bytes_span(&f->text).ptr, 200);
        break;
    case ONE_BAD_BLOCK:
        ck_assert_int_eq(bytes_append_str(&f->text, bad_block), 0);
        break;
    case NOT_PEM:
        replace_text(path, der, sizeof(der));
        break;
    case CERTIFICATE_ALONE: {
        struct span all = bytes_span(&f->text);
        const uint8_t *end = memmem(all.ptr, all.len, "-----END CERTIFICATE-----\n", 26);
        replace_text(path, all.ptr, (size_t)(end - all.ptr) + 26);
        memory_files_find(&w.files, path)->facts.access.mode = 0644;
        break;
    }
    case READABLE_BY_OTHERS:
        f->facts.access.mode = 0644;
        break;
    case OF_ANOTHER_USER:
        f->facts.access.foreign_owner = true;
        break;
    case WRITABLE_BY_ALL:
        f->facts.access.mode = 0602;
        break;
    case WRITABLE_BY_ITS_GROUP:
        f->facts.access.mode = 0620;
        break;
    case READABLE_BY_A_FOREIGN_GROUP:
        f->facts.access.foreign_group = true;
        f->facts.access.mode = 0640;
        break;
    case READABLE_BY_ITS_GROUP:
        f->facts.access.mode = 0440;
        break;
    case WITH_CRLF:
        turn_into_crlf(path);
        break;
    case OF_ANOTHER_KEY: {
        struct span key = bytes_span(&w.clients_ca.key), cert = bytes_span(&w.partner_ca.certificate);
        char both[16384];
        memcpy(both, cert.ptr, cert.len);
        memcpy(both + cert.len, key.ptr, key.len);
        replace_text(path, both, cert.len + key.len);
        break;
    }
    case A_LEAF: {
        struct span leaf = bytes_span(&memory_files_find(&w.files, "/etc/server.pem")->text);
        const uint8_t *end = memmem(leaf.ptr, leaf.len, "-----END CERTIFICATE-----\n", 26);
        replace_text(path, leaf.ptr, (size_t)(end - leaf.ptr) + 26);
        break;
    }
    }
}

/* A3: a file that is missing, empty or half parsed is refused; there is no falling back to anything. */
static const struct row {
    const char *path;
    enum damage damage;
    const char *where, *says; /* NULL: it loads */
    const char *why;
} rows[] = {
    {"/etc/clients.pem", WHOLE, NULL, NULL, "the plain case"},
    {"/etc/clients.pem", WITH_CRLF, NULL, NULL, "line ends of another system are fine"},
    {"/etc/clients.pem", ABSENT, "test.conf:6", "No such file", "a CA file that is not there"},
    {"/etc/clients.pem", EMPTY, "test.conf:6", "is empty", "0 bytes would trust nobody or everybody"},
    {"/etc/clients.pem", BLANK, "test.conf:6", "/etc/clients.pem", "blank lines only"},
    {"/etc/clients.pem", FOLDER_WITHOUT_FILES, "test.conf:6", "no file that ends in", "an empty folder"},
    {"/etc/clients.pem", UNREADABLE, "test.conf:6", "Permission denied", "no right to read it"},
    {"/etc/clients.pem", CUT_SHORT, "test.conf:6", "/etc/clients.pem", "truncated PEM"},
    {"/etc/clients.pem", ONE_BAD_BLOCK, "test.conf:6", "/etc/clients.pem", "one bad block among good ones"},
    {"/etc/clients.pem", NOT_PEM, "test.conf:6", "/etc/clients.pem", "DER in the place of PEM"},
    {"/etc/clients.pem", A_LEAF, "test.conf:6", "CA", "a leaf is no anchor"},
    {"/etc/clients.crl", ABSENT, "test.conf:6", "No such file", "a CRL that is not there"},
    {"/etc/clients.crl", EMPTY, "test.conf:6", "is empty", "an empty CRL revokes nothing"},
    {"/etc/clients.crl", FOLDER_WITHOUT_FILES, "test.conf:6", "folder", "a CRL is a file"},
    {"/etc/clients.crl", CUT_SHORT, "test.conf:6", "/etc/clients.crl", "truncated CRL"},
    {"/etc/server.pem", WITH_CRLF, NULL, NULL, "line ends of another system are fine"},
    {"/etc/server.pem", ABSENT, "test.conf:2", "No such file", "a bundle that is not there"},
    {"/etc/server.pem", EMPTY, "test.conf:2", "is empty", "0 bytes"},
    {"/etc/server.pem", FOLDER_WITHOUT_FILES, "test.conf:2", "is a folder", "a bundle is a file"},
    {"/etc/server.pem", UNREADABLE, "test.conf:2", "Permission denied", "no right to read it"},
    {"/etc/server.pem", CUT_SHORT, "test.conf:2", "/etc/server.pem", "truncated PEM"},
    {"/etc/server.pem", ONE_BAD_BLOCK, "test.conf:2", "/etc/server.pem", "one bad block among good ones"},
    {"/etc/server.pem", NOT_PEM, "test.conf:2", "/etc/server.pem", "DER in the place of PEM"},
    {"/etc/server.pem", OF_ANOTHER_KEY, "test.conf:2", "/etc/server.pem", "certificate and key of two pairs"},
    {"/etc/server.pem", CERTIFICATE_ALONE, "test.conf:2", "holds no private key", "a certificate that all may read is no secret, but no bundle either"},
    {"/etc/server.pem", READABLE_BY_OTHERS, "test.conf:2", "chmod 600 /etc/server.pem", "E4: a key others may read"},
    {"/etc/server.pem", OF_ANOTHER_USER, "test.conf:2", "chown", "E4: a key another user may change"},
    {"/etc/server.pem", WRITABLE_BY_ALL, "test.conf:2", "chmod 600 /etc/server.pem", "E4: a key others may change"},
    {"/etc/server.pem", WRITABLE_BY_ITS_GROUP, "test.conf:2", "chmod 600 /etc/server.pem", "E4: a key others may change"},
    {"/etc/server.pem", READABLE_BY_A_FOREIGN_GROUP, "test.conf:2", "chmod 600 /etc/server.pem", "E4: a key others may read"},
    {"/etc/server.pem", READABLE_BY_ITS_GROUP, NULL, NULL, "E4: a key that a group of ours may read"},
    {"/etc/clients.pem", READABLE_BY_OTHERS, NULL, NULL, "a CA certificate is public"},
    {"/etc/clients.pem", OF_ANOTHER_USER, NULL, NULL, "E4: a warning"},
    {"/etc/clients.pem", WRITABLE_BY_ITS_GROUP, NULL, NULL, "E4: a group of ours"},
    {"/etc/clients.pem", WRITABLE_BY_ALL, "test.conf:6", "chmod o-w /etc/clients.pem", "E4: all may add a CA"},
    {"/etc/clients.crl", WRITABLE_BY_ALL, NULL, NULL, "E4: a warning, for a list is signed"},
};

static const struct finding *find_error(void)
{
    for (size_t i = 0; i < findings.n; i++)
        if (findings.items[i].level == FINDING_ERROR)
            return &findings.items[i];
    return NULL;
}

START_TEST(refuses_files_that_are_not_what_they_should_be)
{
    const struct row *row = &rows[_i];
    inflict(row->path, row->damage);
    struct snapshot *s = world_load(&w, 1, &findings);
    const struct finding *f = find_error();
    if (row->says == NULL) {
        ck_assert_msg(s != NULL, "%s: %s", row->why, f != NULL ? f->text : "refused without a finding");
        snapshot_unref(s);
        return;
    }
    ck_assert_msg(s == NULL, "%s: was accepted", row->why);
    ck_assert_ptr_nonnull(f);
    ck_assert_msg(strcmp(f->where, row->where) == 0, "%s: at %s", row->why, f->where);
    ck_assert_msg(strstr(f->text, row->says) != NULL, "%s: says \"%s\"", row->why, f->text);
    ck_assert_msg(strstr(f->text, row->path) != NULL, "%s: does not name the file: %s", row->why, f->text);
    ck_assert_uint_eq(findings.errors, 1);
}
END_TEST

START_TEST(looks_at_the_key_file_of_a_pair_but_not_at_the_certificate)
{
    struct span both = bytes_span(&memory_files_find(&w.files, "/etc/server.pem")->text);
    const uint8_t *end = memmem(both.ptr, both.len, "-----END CERTIFICATE-----\n", 26);
    size_t cut = (size_t)(end - both.ptr) + 26;
    char copy[16384];
    memcpy(copy, both.ptr, both.len);
    memory_files_put(&w.files, "/etc/server.crt", span_of(copy, cut))->facts.access.mode = 0644;
    memory_files_put(&w.files, "/etc/server.key", span_of(copy + cut, both.len - cut));
    world_edit(&w, "bundle = \"/etc/server.pem\"", "certificate = \"/etc/server.crt\"; key = \"/etc/server.key\"");
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_msg(s != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    snapshot_unref(s);
    memory_files_find(&w.files, "/etc/server.key")->facts.access.mode = 0644;
    ck_assert_ptr_null(world_load(&w, 2, &findings));
    ck_assert_ptr_nonnull(strstr(find_error()->text, "chmod 600 /etc/server.key"));
}
END_TEST

static const struct finding *find_text(const char *part)
{
    for (size_t i = 0; i < findings.n; i++)
        if (strstr(findings.items[i].text, part) != NULL)
            return &findings.items[i];
    return NULL;
}

/* E4 */
START_TEST(refuses_a_certificate_file_that_holds_a_key_others_may_read)
{
    struct span both = bytes_span(&memory_files_find(&w.files, "/etc/server.pem")->text);
    char copy[16384];
    memcpy(copy, both.ptr, both.len);
    memory_files_put(&w.files, "/etc/server.crt", span_of(copy, both.len))->facts.access.mode = 0644;
    world_edit(&w, "bundle = \"/etc/server.pem\"", "certificate = \"/etc/server.crt\"; key = \"/etc/server.pem\"");
    ck_assert_ptr_null(world_load(&w, 1, &findings));
    ck_assert_ptr_nonnull(strstr(find_error()->text, "chmod 600 /etc/server.crt"));
}
END_TEST

/* E4 */
START_TEST(reads_a_chain_file_as_it_reads_the_certificate)
{
    struct span both = bytes_span(&memory_files_find(&w.files, "/etc/server.pem")->text);
    char copy[16384];
    memcpy(copy, both.ptr, both.len);
    memory_files_put(&w.files, "/etc/server.crt", span_of(copy, both.len))->facts.access.mode = 0600;
    world_edit(&w, "bundle = \"/etc/server.pem\"", "certificate = \"/etc/server.crt\"; key = \"/etc/server.pem\"; chain = \"/etc/chain.crt\"");
    ck_assert_ptr_null(world_load(&w, 1, &findings));
    ck_assert_ptr_nonnull(strstr(find_error()->text, "/etc/chain.crt"));
    findings_clear(&findings);
    memory_files_put(&w.files, "/etc/chain.crt", span_of(copy, both.len))->facts.access.mode = 0644;
    ck_assert_ptr_null(world_load(&w, 1, &findings));
    ck_assert_ptr_nonnull(find_text("chmod 600 /etc/chain.crt"));
    findings_clear(&findings);
    memory_files_put(&w.files, "/etc/chain.crt", bytes_span(&w.clients_ca.certificate))->facts.access.mode = 0644;
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    ck_assert_ptr_nonnull(find_text("the chain does not fit"));
    snapshot_unref(s);
}
END_TEST

START_TEST(warns_when_a_certificate_ends_soon)
{
    struct tls_pki_order client = {.cn = "payments", .purpose = TLS_PURPOSE_CLIENT, .not_before = WORLD_NOW - 60 * WORLD_DAY,
                                   .not_after = WORLD_NOW + 3 * WORLD_DAY - 60};
    world_issue(&w, "/etc/payments.pem", &w.clients_ca, &client);
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(findings.warnings, 1);
    for (size_t i = 0; i < findings.n; i++)
        if (findings.items[i].level == FINDING_WARNING)
            ck_assert_ptr_nonnull(strstr(findings.items[i].text, "expires in 2 days"));
    snapshot_unref(s);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("snapshot_load");
    TCase *t = tcase_create("snapshot_load");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, refuses_files_that_are_not_what_they_should_be, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(t, looks_at_the_key_file_of_a_pair_but_not_at_the_certificate);
    tcase_add_test(t, refuses_a_certificate_file_that_holds_a_key_others_may_read);
    tcase_add_test(t, reads_a_chain_file_as_it_reads_the_certificate);
    tcase_add_test(t, warns_when_a_certificate_ends_soon);
    suite_add_tcase(s, t);
    return s;
}
