/* SPDX-License-Identifier: Apache-2.0 */
#include "config_slots.h"

#include "config/config_options.h"
#include "config/config_value.h"
#include "t.h"

#include <string.h>

struct config_slots config_slots;

static const struct place {
    const char *group;
    void *base;
} places[] = {
    {"", &config_slots.top},
    {"admin", &config_slots.top},
    {"log", &config_slots.top},
    {"identity", &config_slots.identity},
    {"trust", &config_slots.trust},
    {"upstream", &config_slots.upstream},
    {"upstream.sticky", &config_slots.upstream},
    {"upstream.tls", &config_slots.upstream},
    {"upstream.timeouts", &config_slots.upstream},
    {"upstream.pool", &config_slots.upstream},
    {"listener", &config_slots.listener},
    {"listener.tls", &config_slots.listener},
    {"allow", &config_slots.rule},
    {"target", &config_slots.target},
    {"route", &config_slots.route},
    {"route.respond", &config_slots.route},
    {"sni", &config_slots.sni},
};
enum { N_PLACES = sizeof(places) / sizeof(places[0]) };

static void *base_of(const char *group)
{
    for (size_t i = 0; i < N_PLACES; i++) {
        if (strcmp(places[i].group, group) == 0)
            return places[i].base;
    }
    ck_abort_msg("no place for %s", group);
    return NULL;
}

int config_slots_set(const char *group, const char *key, const char *text, struct err *err)
{
    const struct config_option *o = config_options_find(group, key);
    ck_assert_msg(o != NULL, "%s.%s", group, key);
    err_clear(err);
    return config_value_set(o, text, "/etc/mtlsd/mtlsd.conf", base_of(group), err);
}

void config_slots_must_set(const char *group, const char *key, const char *text)
{
    struct err err;
    ck_assert_msg(config_slots_set(group, key, text, &err) == 0, "%s.%s = %s: %s", group, key, text,
                  err.text);
}

void config_slots_refused(const struct config_slots_row *row)
{
    struct err err;
    ck_assert_msg(config_slots_set(row->group, row->key, row->text, &err) == -1, "%s: accepted", row->why);
    ck_assert_msg(err.kind == ERR_CONFIG, "%s: kind %d", row->why, err.kind);
    ck_assert_msg(strstr(err.text, row->says) != NULL, "%s: %s", row->why, err.text);
}

void config_slots_clear(void)
{
    size_t n;
    const struct config_option *options = config_options(&n);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < N_PLACES; k++) {
            if (strcmp(options[i].group, places[k].group) == 0)
                config_value_free(&options[i], places[k].base);
        }
    }
    memset(&config_slots, 0, sizeof(config_slots));
}
