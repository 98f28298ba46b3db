/* SPDX-License-Identifier: Apache-2.0 */
#include "quick/quick.h"
#include "t.h"

#include <string.h>

static const struct {
    const char *where, *text, *shown, *place;
} rows[] = {
    {"command line:4", "listeners.client.bind: \"0.0.0.0:80\" is plaintext beyond this host: bind to 127.0.0.1, or accept it with insecure_expose = true",
     "--listen: \"0.0.0.0:80\" is plaintext beyond this host: bind to 127.0.0.1, or accept it with --insecure-expose", "command line"},
    {"command line:1", "identity \"own\": x.pem: cannot open", "--bundle: x.pem: cannot open", "command line"},
    {"command line:4", "listeners.server.allow[0].cn: \"x\" is too long", "--allow[0].cn: \"x\" is too long", "command line"},
    {"command line", "crl_cache: whatever", "crl_cache: whatever", "command line"},
    {"/etc/mtlsd.conf:1", "identity \"own\": x.pem: cannot open", "identity \"own\": x.pem: cannot open", "/etc/mtlsd.conf:1"},
};

START_TEST(names_the_flag_that_a_key_came_from)
{
    struct findings f;
    findings_init(&f);
    findings_add(&f, FINDING_ERROR, rows[_i].where, "%s", rows[_i].text);
    quick_words_translate(&f);
    ck_assert_str_eq(f.items[0].text, rows[_i].shown);
    ck_assert_str_eq(f.items[0].where, rows[_i].place);
    findings_clear(&f);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("quick_words");
    TCase *c = tcase_create("words");
    tcase_add_loop_test(c, names_the_flag_that_a_key_came_from, 0, sizeof(rows) / sizeof(rows[0]));
    suite_add_tcase(s, c);
    return s;
}
