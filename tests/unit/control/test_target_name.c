/* SPDX-License-Identifier: Apache-2.0 */
#include "target_name.h"
#include "t.h"

static struct config_target confs[] = {{.text = "a:1"}, {.text = "a:2", .route = "worker1"}, {.text = "a:1"}, {.text = "a:1"}};
static struct config_upstream up_confs[] = {{.name = "app"}, {.name = "app2"}};
static struct plan_upstream upstreams[] = {{.conf = &up_confs[0]}, {.conf = &up_confs[1]}};
static struct plan_target targets[] = {{.conf = &confs[0], .upstream = &upstreams[0]},
                                       {.conf = &confs[1], .upstream = &upstreams[0]},
                                       {.conf = &confs[2], .upstream = &upstreams[1]},
                                       {.conf = &confs[3], .upstream = &upstreams[1]}};

START_TEST(finds_a_target_by_upstream_and_route_or_address)
{
    static const struct {
        const char *name, *why;
        unsigned which; /* bits of targets */
    } rows[] = {{"app/a:1", "by address", 1},
                {"app/worker1", "by route", 2},
                {"app/a:2", "the route takes the address's place", 0},
                {"app2/a:1", "twice in one upstream", 12},
                {"app", "no target", 0},
                {"app/", "no label", 0},
                {"/a:1", "no upstream", 0},
                {"app/a:11", "longer", 0},
                {"ap/a:1", "another upstream", 0},
                {"", "nothing", 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t k = 0; k < 4; k++)
            ck_assert_msg(target_name_is(&targets[k], span_from_str(rows[i].name)) == (rows[i].which >> k & 1), "%s", rows[i].why);
    }
    ck_assert_str_eq(target_name_label(&targets[1]), "worker1");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("target_name");
    TCase *t = tcase_create("target_name");
    tcase_add_test(t, finds_a_target_by_upstream_and_route_or_address);
    suite_add_tcase(s, t);
    return s;
}
