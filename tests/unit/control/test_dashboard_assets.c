/* SPDX-License-Identifier: Apache-2.0 */
#include "dashboard_parts.h"
#include "t.h"

#include <string.h>

START_TEST(nothing_is_loaded_from_elsewhere_and_nothing_ends_its_element)
{
    static const char *const never[] = {"http:", "https:", "url(", "@import", "eval(", "</", "innerText", "document.write"};
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        ck_assert_msg(strstr(dashboard_style, never[i]) == NULL, "%s", never[i]);
        ck_assert_msg(strstr(dashboard_script, never[i]) == NULL, "%s", never[i]);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("dashboard_assets");
    TCase *t = tcase_create("dashboard_assets");
    tcase_add_test(t, nothing_is_loaded_from_elsewhere_and_nothing_ends_its_element);
    suite_add_tcase(s, t);
    return s;
}
