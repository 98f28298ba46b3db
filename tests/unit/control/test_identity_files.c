/* SPDX-License-Identifier: Apache-2.0 */
/* E4 */
#include "t.h"
#include "world.h"

#include "mtlsd/control/identity_files.h"

#include <string.h>

static struct world w;
static struct identity_files f;

static void set_up(void)
{
    world_make(&w);
}

static void tear_down(void)
{
    identity_files_clear(&f);
    world_clear(&w);
}

static void read_files(const struct identity_order *order)
{
    struct file_source source = memory_files_source(&w.files);
    identity_files_read(&source, order, NULL, &f);
}

static bool has(const struct bytes *text, const char *what)
{
    struct span s = bytes_span(text);
    return s.len > 0 && memmem(s.ptr, s.len, what, strlen(what)) != NULL;
}

/* Some of the key's text, as the file has it. */
static void take_secret(const char *path, char out[33])
{
    struct span s = bytes_span(&memory_files_find(&w.files, path)->text);
    const char *at = memmem(s.ptr, s.len, "PRIVATE KEY-----\n", 17);
    ck_assert_ptr_nonnull(at);
    memcpy(out, at + 17, 32);
    out[32] = '\0';
}

START_TEST(of_a_bundle_the_certificates_are_left)
{
    char secret[33];
    take_secret("/etc/server.pem", secret);
    read_files(&(struct identity_order){.name = "me", .key = "/etc/server.pem"});
    ck_assert(f.key.has_key && !f.key.failed);
    ck_assert_ptr_nonnull(f.signing_key);
    ck_assert(has(&f.key.text, "-----BEGIN CERTIFICATE-----\nMII"));
    ck_assert(!has(&f.key.text, secret));
}
END_TEST

/* The file of a passphrase stays in the process that holds keys. */
START_TEST(of_a_passphrase_nothing_is_left)
{
    memory_files_put(&w.files, "/etc/pass", span_from_str("correct horse\n"));
    read_files(&(struct identity_order){.name = "me", .key = "/etc/server.pem", .passphrase = "/etc/pass"});
    ck_assert(!f.passphrase.failed && !f.passphrase.empty);
    ck_assert_ptr_nonnull(f.signing_key);
    ck_assert(!has(&f.passphrase.text, "horse"));
    identity_files_clear(&f);
    read_files(&(struct identity_order){.name = "me", .key = "/etc/server.pem", .passphrase = "/etc/gone"});
    ck_assert(f.passphrase.failed);
    ck_assert_ptr_null(f.signing_key);
}
END_TEST

START_TEST(of_pkcs12_nothing_but_the_chain_is_left)
{
    memory_files_put(&w.files, "/etc/me.p12", span_from_str("0\x82\1\1\2\1\3 secret"));
    read_files(&(struct identity_order){.name = "me", .key = "/etc/me.p12", .pkcs12 = true});
    ck_assert(f.key.has_key);
    ck_assert_ptr_null(f.signing_key);
    ck_assert_msg(strstr(f.fault.text, "/etc/me.p12: is not a PKCS#12 file") != NULL, "%s", f.fault.text);
    ck_assert_uint_eq(f.key.text.len, 0);
}
END_TEST

START_TEST(of_a_key_file_nothing_is_left)
{
    read_files(&(struct identity_order){.name = "me", .key = "/etc/server.pem", .certificate = "/etc/server.pem", .chain = "/etc/server.pem"});
    ck_assert_ptr_nonnull(f.signing_key);
    ck_assert_uint_eq(f.key.text.len, 0);
    ck_assert(!f.key.empty && f.certificate.has_key && f.chain.has_key);
    char secret[33];
    take_secret("/etc/server.pem", secret);
    ck_assert(has(&f.certificate.text, "MII") && !has(&f.certificate.text, secret) && !has(&f.chain.text, secret));
}
END_TEST

START_TEST(tells_each_file_that_fails_and_reads_the_others)
{
    memory_files_put(&w.files, "/etc/none.pem", span_from_str(""));
    read_files(&(struct identity_order){.name = "me", .key = "/etc/none.pem", .certificate = "/etc/absent.pem", .chain = "/etc/partner.pem"});
    ck_assert(f.key.empty && !f.key.failed);
    ck_assert(f.certificate.failed && f.certificate.err.text[0] != '\0');
    ck_assert(!f.chain.failed && has(&f.chain.text, "MII"));
    ck_assert_ptr_null(f.signing_key);
    ck_assert_int_eq(f.fault.kind, ERR_NONE);
}
END_TEST

START_TEST(a_file_without_a_key_is_a_fault_of_the_key)
{
    read_files(&(struct identity_order){.name = "me", .key = "/etc/partner.pem"});
    ck_assert_ptr_null(f.signing_key);
    ck_assert_msg(strstr(f.fault.text, "holds no private key") != NULL, "%s", f.fault.text);
    ck_assert(!f.key.has_key && has(&f.key.text, "MII"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("identity_files");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, of_a_bundle_the_certificates_are_left);
    tcase_add_test(c, of_a_passphrase_nothing_is_left);
    tcase_add_test(c, of_pkcs12_nothing_but_the_chain_is_left);
    tcase_add_test(c, of_a_key_file_nothing_is_left);
    tcase_add_test(c, tells_each_file_that_fails_and_reads_the_others);
    tcase_add_test(c, a_file_without_a_key_is_a_fault_of_the_key);
    suite_add_tcase(s, c);
    return s;
}
