/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/pki.h"
#include "t.h"

#include <string.h>

static void add(struct pki_index *index, const char *name)
{
    struct pki_entry e = {.not_after = 1800000000, .purpose = "client", .kind = "good"};
    memcpy(e.name, name, strlen(name) + 1);
    ck_assert_ptr_nonnull(pki_index_add(index, &e));
}

START_TEST(reads_back_what_it_wrote)
{
    struct pki_index index, again;
    struct bytes out;
    struct err err = {0};
    bool known;
    pki_index_init(&index);
    pki_index_init(&again);
    bytes_init(&out, 65536);
    for (int i = 0; i < 40; i++)
        add(&index, i % 2 == 0 ? "even" : "odd");
    ck_assert_uint_eq(pki_index_revoke(&index, "odd", 1700000000, &known), 20);
    index.next_crl = 7;
    ck_assert_int_eq(pki_index_write(&index, &out), 0);
    char *text = span_dup(bytes_span(&out));
    ck_assert_msg(pki_index_parse(&again, text, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(again.n, 40);
    ck_assert_uint_eq(again.next_serial, index.next_serial);
    ck_assert_uint_eq(again.next_crl, 7);
    ck_assert_int_eq(memcmp(again.items, index.items, 40 * sizeof(*index.items)), 0);
    free(text);
    bytes_clear(&out);
    pki_index_clear(&index);
    pki_index_clear(&again);
}
END_TEST

START_TEST(gives_every_certificate_its_own_serial)
{
    struct pki_index index;
    pki_index_init(&index);
    for (int i = 0; i < 20; i++)
        add(&index, "same-name");
    for (size_t i = 1; i < index.n; i++)
        ck_assert_uint_eq(index.items[i].serial, index.items[i - 1].serial + 1);
    pki_index_clear(&index);
}
END_TEST

START_TEST(tells_revoked_already_from_never_issued)
{
    struct pki_index index;
    bool known;
    pki_index_init(&index);
    add(&index, "a");
    ck_assert_uint_eq(pki_index_revoke(&index, "b", 5, &known), 0);
    ck_assert(!known);
    ck_assert_uint_eq(pki_index_revoke(&index, "a", 5, &known), 1);
    ck_assert_uint_eq(pki_index_revoke(&index, "a", 6, &known), 0);
    ck_assert(known);
    ck_assert_int_eq(index.items[0].revoked_at, 5);
    pki_index_clear(&index);
}
END_TEST

static const struct {
    const char *text, *why;
} broken[] = {
    {"next 1002 crl 2\n1001 1 0 client good\n", "no name"},
    {"1001 1 0 client good web x\n", "a word too many"},
    {"1001 soon 0 client good web\n", "a date that is no number"},
    {"1001 1 0 client good ../../etc\n", "a name that leaves the folder"},
    {"1001 1 0 client good ca\n", "the CA's own name"},
    {"1001 1 0 clientclient good web\n", "a purpose longer than its room"},
    {"rubbish\n", "no entry at all"},
    {"next 1002 crl 2 x\n", "more behind the numbers"},
    {"1001 1 0 client good aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
     "a line longer than the reader's"},
};

START_TEST(refuses_a_broken_index_with_its_line)
{
    struct pki_index index;
    struct err err = {0};
    pki_index_init(&index);
    ck_assert_msg(pki_index_parse(&index, broken[_i].text, &err) != 0, "%s: accepted", broken[_i].why);
    ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
    ck_assert_ptr_nonnull(strstr(err.text, "line "));
    pki_index_clear(&index);
}
END_TEST

static const struct {
    const char *name;
    bool fit;
    const char *why;
} names[] = {
    {"web", true, "a plain word"},
    {"a.b_c-1", true, "every letter that is allowed"},
    {"", false, "nothing"},
    {".hidden", false, "hidden, or the folder above"},
    {"..", false, "the folder above"},
    {"-x", false, "looks like a flag to every tool"},
    {"a/b", false, "another folder"},
    {"a b", false, "the index is split at blanks"},
    {"a\nb", false, "the index is split at lines"},
    {"ca", false, "would overwrite the CA"},
    {"crl", false, "would overwrite the list"},
    {"index", false, "kept apart"},
};

START_TEST(a_name_is_safe_as_a_file_name)
{
    ck_assert_msg(pki_index_name_is_fit(names[_i].name) == names[_i].fit, "\"%s\": %s", names[_i].name, names[_i].why);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("pki_index");
    TCase *t = tcase_create("all");
    tcase_add_test(t, reads_back_what_it_wrote);
    tcase_add_test(t, gives_every_certificate_its_own_serial);
    tcase_add_test(t, tells_revoked_already_from_never_issued);
    tcase_add_loop_test(t, refuses_a_broken_index_with_its_line, 0, (int)(sizeof(broken) / sizeof(broken[0])));
    tcase_add_loop_test(t, a_name_is_safe_as_a_file_name, 0, (int)(sizeof(names) / sizeof(names[0])));
    suite_add_tcase(s, t);
    return s;
}
