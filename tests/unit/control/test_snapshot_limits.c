/* SPDX-License-Identifier: Apache-2.0 */
/* E2: names of users and groups become numbers when a configuration is loaded, or it is refused. */
#include "t.h"
#include "world.h"

#include "mtlsd/control/account_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world w;
static struct findings findings;
static struct snapshot *s;

static const struct account users[] = {{"root", 0, 0}, {"alice", 1000, 1000}, {"bob", 500, 50}, {"nobody", 65534, 65534}};

static int find_user(void *ctx, const char *name, uint32_t *uid, struct err *err)
{
    (void)ctx;
    *uid = (uint32_t)strtoul(name, NULL, 10);
    for (size_t i = 0; i < 4; i++)
        if (strcmp(users[i].name, name) == 0)
            *uid = users[i].uid;
    return *uid != 0 || name[0] == 'r' ? 0 : err_set(err, ERR_CONFIG, "no user \"%s\"", name);
}

static int find_group(void *ctx, const char *name, uint32_t *gid, struct account_ids *members, struct err *err)
{
    (void)ctx;
    *members = (struct account_ids){0};
    if (strcmp(name, "staff") != 0)
        return err_set(err, ERR_CONFIG, "no group \"%s\"", name);
    *gid = 50;
    members->ids = calloc(2, sizeof(*members->ids));
    ck_assert_ptr_nonnull(members->ids);
    members->ids[members->n++] = 1000;
    members->ids[members->n++] = 65534;
    return 0;
}

static struct account *list(void *ctx, size_t *n)
{
    struct account *copy = malloc(sizeof(users));
    (void)ctx;
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, users, sizeof(users));
    *n = 4;
    return copy;
}

static const struct account_source accounts = {.user = find_user, .group = find_group, .list = list};

static void set_up(void)
{
    world_make(&w);
    findings_init(&findings);
    s = NULL;
}

static void tear_down(void)
{
    snapshot_unref(s);
    findings_clear(&findings);
    world_clear(&w);
}

static void add(const char *of_identity, const char *of_listener)
{
    char text[256];
    snprintf(text, sizeof(text), "payments = { bundle = \"/etc/payments.pem\"; %s };", of_identity);
    world_edit(&w, "payments = { bundle = \"/etc/payments.pem\"; };", text);
    snprintf(text, sizeof(text), "  upstream = \"partner\"; %s\n}; };\n", of_listener);
    world_edit(&w, "  upstream = \"partner\";\n}; };\n", text);
}

static void load(const struct account_source *from)
{
    struct config *config = config_parse(w.config, "test.conf", &findings);
    ck_assert_msg(config != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    struct file_source source = memory_files_source(&w.files);
    source.accounts = from;
    s = snapshot_new(config, &source, 1, WORLD_NOW, &findings);
}

static const struct caller_limits *limits(void)
{
    ck_assert_msg(s != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    return s->listeners[0].limits;
}

static bool passes(const struct caller_limit *limit, uint32_t uid)
{
    struct caller c = {.known = true, .uid = uid};
    return caller_passes(limit, &c);
}

START_TEST(costs_nothing_where_no_key_asks)
{
    load(&accounts);
    ck_assert_ptr_null(limits());
    ck_assert_ptr_null(s->limits);
}
END_TEST

START_TEST(a_listener_knows_its_users)
{
    add("", "allow_uids = [ \"bob\", \"77\" ]; allow_gids = \"staff\";");
    load(&accounts);
    const struct caller_limit *here = limits()->here;
    ck_assert(passes(here, 500) && passes(here, 77) && passes(here, 1000)); /* alice is listed in the group */
    ck_assert(!passes(here, 0) && !passes(here, 65534) && !passes(here, 501));
    ck_assert_ptr_null(limits()->by_route);
    ck_assert_str_eq(caller_user_name(&limits()->names, 500), "bob");
}
END_TEST

START_TEST(a_route_knows_the_users_of_its_identity)
{
    add("allow_gids = \"staff\";", "");
    load(&accounts);
    ck_assert_ptr_null(limits()->here);
    const struct caller_limit *const *list_of = limits()->by_route[0];
    ck_assert(list_of[0] != NULL && list_of[1] == NULL);
    ck_assert_str_eq(list_of[0]->name, "payments");
    ck_assert(passes(list_of[0], 500)); /* bob's first group */
    ck_assert(!passes(list_of[0], 501));
}
END_TEST

static const struct {
    const char *identity, *listener, *says;
} refused[] = {
    {"allow_uids = \"carol\";", "", "identity \"payments\": allow_uids: no user \"carol\""},
    {"", "allow_gids = [ \"staff\", \"crew\" ];", "listener \"public\": allow_gids: no group \"crew\""},
    {"", "allow_uids = \"nobody\";", "65534 is also what the kernel says"},
};

START_TEST(refuses_what_cannot_be_known)
{
    add(refused[_i].identity, refused[_i].listener);
    load(&accounts);
    ck_assert_ptr_null(s);
    ck_assert_uint_eq(findings.errors, 1);
    ck_assert_msg(strstr(findings.items[0].text, refused[_i].says) != NULL, "%s", findings.items[0].text);
}
END_TEST

START_TEST(refuses_names_where_there_are_no_users)
{
    add("allow_uids = \"bob\";", "");
    load(NULL);
    ck_assert_ptr_null(s);
}
END_TEST

Suite *suite(void)
{
    Suite *all = suite_create("snapshot_limits");
    TCase *t = tcase_create("limits");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, costs_nothing_where_no_key_asks);
    tcase_add_test(t, a_listener_knows_its_users);
    tcase_add_test(t, a_route_knows_the_users_of_its_identity);
    tcase_add_loop_test(t, refuses_what_cannot_be_known, 0, sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(t, refuses_names_where_there_are_no_users);
    suite_add_tcase(all, t);
    return all;
}
