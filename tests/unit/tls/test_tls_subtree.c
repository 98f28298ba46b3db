/* SPDX-License-Identifier: Apache-2.0 */
/* What judging whole certificates does not reach easily; the usual cases are rows of test_tls_constraints.c. */
#include "t.h"

#include "tls_subtree.h"

#include <string.h>

#define SPAN(bytes) {(const uint8_t *)(bytes), sizeof(bytes) - 1}

/* Names of one RDN, whose set is given. Every length is below 128. */
#define OU(tag, n, text) "\x30" n "\x06\x03\x55\x04\x0b" tag text
#define OU_OPS OU("\x0c", "\x0a", "\x03" "ops")
#define OU_OPS_PRINTABLE OU("\x13", "\x0a", "\x03" "OPS")
#define OU_OPS_BMP OU("\x1e", "\x0d", "\x06" "\0o\0p\0s")
#define OU_DEV OU("\x0c", "\x0a", "\x03" "dev")
#define CN_A "\x30\x08\x06\x03\x55\x04\x03\x0c\x01" "a"
#define NAME(outer, inner, set) "\x30" outer "\x31" inner set

static const struct {
    const char *why;
    struct span base, name;
    bool holds, may_hold;
} rows[] = {
    {"the same", SPAN(NAME("\x0e", "\x0c", OU_OPS)), SPAN(NAME("\x0e", "\x0c", OU_OPS)), true, true},
    {"another", SPAN(NAME("\x0e", "\x0c", OU_OPS)), SPAN(NAME("\x0e", "\x0c", OU_DEV)), false, false},
    {"in another string type and case", SPAN(NAME("\x0e", "\x0c", OU_OPS)), SPAN(NAME("\x0e", "\x0c", OU_OPS_PRINTABLE)), true, true},
    {"in two bytes a letter", SPAN(NAME("\x0e", "\x0c", OU_OPS)), SPAN(NAME("\x11", "\x0f", OU_OPS_BMP)), true, true},
    {"two in one RDN, in either order", SPAN(NAME("\x18", "\x16", OU_OPS CN_A)), SPAN(NAME("\x18", "\x16", CN_A OU_OPS)), true, true},
    {"with another beside it in the RDN", SPAN(NAME("\x0e", "\x0c", OU_OPS)), SPAN(NAME("\x18", "\x16", CN_A OU_OPS)), false, true},
    {"one of two", SPAN(NAME("\x18", "\x16", OU_OPS CN_A)), SPAN(NAME("\x0e", "\x0c", OU_OPS)), false, false},
    {"more attributes in an RDN than are compared", SPAN(NAME("\x0e", "\x0c", OU_OPS)),
     SPAN(NAME("\x5c", "\x5a", CN_A CN_A CN_A CN_A CN_A CN_A CN_A CN_A CN_A)), false, true},
    {"spaces between words", SPAN(NAME("\x10", "\x0e", OU("\x0c", "\x0c", "\x05" "a  b "))), SPAN(NAME("\x0e", "\x0c", OU("\x0c", "\x0a", "\x03" "A b"))), true,
     true},
    {"a space more than a word", SPAN(NAME("\x0e", "\x0c", OU("\x0c", "\x0a", "\x03" "a b"))), SPAN(NAME("\x0d", "\x0b", OU("\x0c", "\x09", "\x02" "ab"))), false,
     false},
    {"a longer text", SPAN(NAME("\x0d", "\x0b", OU("\x0c", "\x09", "\x02" "ab"))), SPAN(NAME("\x0e", "\x0c", OU("\x0c", "\x0a", "\x03" "abc"))), false, false},
    {"nothing, which is everybody", SPAN("\x30\x00"), SPAN(NAME("\x0e", "\x0c", OU_OPS)), true, true},
    {"a name that breaks off", SPAN(NAME("\x0e", "\x0c", OU_OPS)), SPAN("\x30\x02\x31\x0c"), false, false},
};

START_TEST(a16_compares_directory_names_by_their_attributes)
{
    const struct tls_der base = {.tag = TLS_NAME_TAG_DIRECTORY, .value = rows[_i].base};
    ck_assert_msg(tls_subtree_holds(&base, rows[_i].name) == rows[_i].holds, "%s", rows[_i].why);
    ck_assert_msg(tls_subtree_may_hold(&base, rows[_i].name) == rows[_i].may_hold, "%s", rows[_i].why);
}
END_TEST

START_TEST(a_kind_that_is_not_understood_permits_nothing_and_excludes_everything)
{
    static const uint8_t tags[] = {TLS_NAME_TAG_OTHER, TLS_NAME_TAG_X400, TLS_NAME_TAG_EDI, TLS_NAME_TAG_REGISTERED};
    for (size_t i = 0; i < sizeof(tags); i++) {
        const struct tls_der base = {.tag = tags[i], .value = SPAN("\x06\x01\x2a")};
        const struct span name = SPAN("\x06\x01\x2a"), other = SPAN("\x06\x01\x2b");
        ck_assert(tls_subtree_is_sound(&base) && tls_subtree_concerns(&base, tags[i], name));
        ck_assert(!tls_subtree_holds(&base, name) && tls_subtree_may_hold(&base, name));
        ck_assert(!tls_subtree_concerns(&base, TLS_NAME_TAG_DNS, name));
        ck_assert(tls_subtree_concerns(&base, tags[i], other) == (tags[i] != TLS_NAME_TAG_OTHER));
    }
    const struct tls_der none = {.tag = 0x89};
    ck_assert(!tls_subtree_is_sound(&none));
}
END_TEST

START_TEST(an_other_name_whose_type_cannot_be_read_may_be_any)
{
    const struct tls_der base = {.tag = TLS_NAME_TAG_OTHER, .value = SPAN("\x06\x01\x2a")}, odd = {.tag = TLS_NAME_TAG_OTHER, .value = SPAN("\x05")};
    const struct span name = SPAN("\x06\x01\x2a"), unread = SPAN("\x06\x05");
    ck_assert(tls_subtree_concerns(&base, TLS_NAME_TAG_OTHER, unread));
    ck_assert(tls_subtree_concerns(&odd, TLS_NAME_TAG_OTHER, name));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_subtree");
    TCase *c = tcase_create("subtree");
    tcase_add_loop_test(c, a16_compares_directory_names_by_their_attributes, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(c, a_kind_that_is_not_understood_permits_nothing_and_excludes_everything);
    tcase_add_test(c, an_other_name_whose_type_cannot_be_read_may_be_any);
    suite_add_tcase(s, c);
    return s;
}
