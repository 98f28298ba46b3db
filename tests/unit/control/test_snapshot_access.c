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

/* The configuration comes from a text: the file it could have come from is put beside it. */
static struct snapshot *load_with_file(const char *path)
{
    struct config *config = config_parse(w.config, "test.conf", &findings);
    ck_assert_ptr_nonnull(config);
    ck_assert_uint_eq(config->files.n, 0);
    free(config->files.items);
    config->files.items = calloc(1, sizeof(char *));
    config->files.items[0] = strdup(path);
    config->files.n = 1;
    struct file_source source = memory_files_source(&w.files);
    return snapshot_new(config, &source, 1, WORLD_NOW, &findings);
}

/* E4 */
static const struct {
    struct file_access file, folder;
    enum finding_level level;
    const char *says; /* NULL: nothing */
} rows[] = {
    {{.mode = 0644}, {.mode = 0755}, FINDING_NOTE, NULL},
    {{.mode = 0666}, {.mode = 0755}, FINDING_ERROR, "/conf/a.conf is a configuration file and every user can change it"},
    {{.mode = 0664, .foreign_group = true}, {.mode = 0755}, FINDING_WARNING, "chmod g-w /conf/a.conf"},
    {{.mode = 0644, .foreign_owner = true}, {.mode = 0755}, FINDING_WARNING, "chown 0 /conf/a.conf"},
    {{.mode = 0644}, {.mode = 0777}, FINDING_WARNING, "/conf holds files that mtlsd relies on and every user can replace them"},
    {{.mode = 0644}, {.mode = 01777}, FINDING_NOTE, NULL},
    {{.mode = 0777, .read_only = true}, {.mode = 0777, .read_only = true}, FINDING_NOTE, NULL},
};

START_TEST(looks_at_the_files_of_the_configuration)
{
    memory_files_put_folder(&w.files, "/conf")->facts.access = rows[_i].folder;
    memory_files_put(&w.files, "/conf/a.conf", span_from_str("x"))->facts.access = rows[_i].file;
    struct snapshot *s = load_with_file("/conf/a.conf");
    ck_assert_msg((s == NULL) == (rows[_i].level == FINDING_ERROR), "row %d", _i);
    if (s != NULL)
        snapshot_unref(s);
    ck_assert_uint_eq(findings.errors + findings.warnings, rows[_i].says != NULL);
    for (size_t i = 0; i < findings.n; i++) {
        if (findings.items[i].level == FINDING_NOTE)
            continue;
        ck_assert_int_eq(findings.items[i].level, rows[_i].level);
        ck_assert_msg(strstr(findings.items[i].text, rows[_i].says) != NULL, "%s", findings.items[i].text);
        ck_assert_str_eq(findings.items[i].where, "/conf/a.conf");
    }
}
END_TEST

START_TEST(a_file_that_is_gone_since_is_passed_over)
{
    struct snapshot *s = load_with_file("/conf/gone.conf");
    ck_assert_ptr_nonnull(s);
    snapshot_unref(s);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("snapshot_access");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, looks_at_the_files_of_the_configuration, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(t, a_file_that_is_gone_since_is_passed_over);
    suite_add_tcase(s, t);
    return s;
}
