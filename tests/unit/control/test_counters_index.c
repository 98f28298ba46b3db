/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/counters_index.h"
#include "t.h"

static struct counters counters;
static struct counters_index ix;

/* A snapshot as it comes out of a configuration: two listeners with two routes each, two upstreams with two targets each. */
struct built {
    struct config config;
    struct config_listener listener_confs[2];
    struct config_upstream upstream_confs[2];
    struct config_target target_confs[4];
    struct plan_listener listeners[2];
    struct plan_upstream upstreams[2];
    struct plan_target targets[4];
    struct plan_route routes[4];
    struct snapshot snapshot;
};

static void build(struct built *b)
{
    static const char *const addresses[] = {"a:1", "a:2", "a:1", "a:2"};
    static char socket_path[] = "/run/admin.sock";
    *b = (struct built){.config = {.n_listeners = 2, .n_upstreams = 2, .admin_socket = socket_path},
                        .listener_confs = {{.name = "one"}, {.name = "two"}},
                        .upstream_confs = {{.name = "app"}, {.name = "help"}}};
    for (size_t i = 0; i < 4; i++) {
        b->target_confs[i].text = (char *)(uintptr_t)addresses[i];
        b->targets[i] = (struct plan_target){.conf = &b->target_confs[i], .upstream = &b->upstreams[i / 2], .index = i};
    }
    for (size_t i = 0; i < 4; i++)
        b->routes[i].upstream = &b->upstreams[i % 2];
    for (size_t i = 0; i < 2; i++) {
        b->listeners[i] = (struct plan_listener){.conf = &b->listener_confs[i], .routes = &b->routes[2 * i], .n_routes = 2};
        b->upstreams[i] = (struct plan_upstream){.conf = &b->upstream_confs[i], .targets = &b->targets[2 * i], .n_targets = 2, .index = i};
    }
    b->snapshot = (struct snapshot){.config = &b->config,
                                    .listeners = b->listeners,
                                    .upstreams = b->upstreams,
                                    .targets = b->targets,
                                    .n_targets = 4,
                                    .routes = b->routes};
}

static void set_up(void)
{
    ck_assert_int_eq(counters_init(&counters, 100), 0);
    counters_index_init(&ix, &counters);
}

static void tear_down(void)
{
    counters_index_clear(&ix);
    counters_clear(&counters);
}

/* Every place leads to the row of its name. */
static void check_all(struct built *b)
{
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < 2; i++) {
            ck_assert_ptr_eq(counters_index_listener(&ix, &b->listeners[i]), counters_listener(&counters, b->listener_confs[i].name));
            ck_assert_ptr_eq(counters_index_upstream(&ix, &b->upstreams[i]), counters_upstream(&counters, b->upstream_confs[i].name));
        }
        for (size_t i = 0; i < 4; i++) {
            const struct plan_listener *l = &b->listeners[i / 2];
            ck_assert_ptr_eq(counters_index_target(&ix, &b->targets[i]),
                             counters_target(&counters, b->upstream_confs[i / 2].name, b->target_confs[i].text));
            ck_assert_ptr_eq(counters_index_route(&ix, l, &b->routes[i]), counters_route(&counters, l->conf->name, i % 2 + 1));
            struct counters_requests *requests = counters_index_requests(&ix, l, &b->routes[i], b->routes[i].upstream);
            ck_assert(requests == NULL || requests == counters_requests(&counters, l->conf->name, b->upstream_confs[i % 2].name));
            ck_assert_int_eq(requests != NULL, ix.snapshot != NULL && (b->config.admin_socket != NULL || b->config.n_served > 0));
        }
    }
}

START_TEST(finds_the_row_of_every_place)
{
    static struct built now;
    build(&now);
    counters_index_adopt(&ix, &now.snapshot);
    check_all(&now);
    ck_assert_ptr_ne(counters_index_target(&ix, &now.targets[0]), counters_index_target(&ix, &now.targets[2]));
}
END_TEST

START_TEST(finds_by_name_what_belongs_to_another_snapshot)
{
    static struct built old, now;
    build(&old);
    build(&now);
    now.listener_confs[0].name = "new";
    now.upstream_confs[0].name = "fresh";
    check_all(&old); /* nothing was adopted yet */
    counters_index_adopt(&ix, &old.snapshot);
    check_all(&old);
    counters_index_adopt(&ix, &now.snapshot);
    check_all(&now);
    check_all(&old);
}
END_TEST

START_TEST(counts_no_requests_of_upstreams_where_they_cannot_be_read)
{
    static struct built now;
    build(&now);
    now.config.admin_socket = NULL;
    counters_index_adopt(&ix, &now.snapshot);
    check_all(&now);
    now.config.n_served = 1; /* at a route */
    counters_index_adopt(&ix, &now.snapshot);
    check_all(&now);
}
END_TEST

START_TEST(finds_the_row_of_a_request_without_a_route_by_name)
{
    static struct built now;
    build(&now);
    counters_index_adopt(&ix, &now.snapshot);
    ck_assert_ptr_eq(counters_index_requests(&ix, &now.listeners[0], NULL, &now.upstreams[1]), counters_requests(&counters, "one", "help"));
    ck_assert_ptr_eq(counters_index_requests(&ix, &now.listeners[0], NULL, NULL), counters_requests(&counters, "one", ""));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("counters_index");
    TCase *t = tcase_create("counters_index");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, finds_the_row_of_every_place);
    tcase_add_test(t, finds_by_name_what_belongs_to_another_snapshot);
    tcase_add_test(t, counts_no_requests_of_upstreams_where_they_cannot_be_read);
    tcase_add_test(t, finds_the_row_of_a_request_without_a_route_by_name);
    suite_add_tcase(s, t);
    return s;
}
