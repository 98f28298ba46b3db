/* SPDX-License-Identifier: Apache-2.0 */
#include "config_check.h"

#include "mtlsd/base/log.h"
#include "mtlsd/base/log_name.h"

#include <string.h>
#include <strings.h>

enum { MOST_LOGS = 8 };

static enum config_log_place place_of(const char *target)
{
    if (target == NULL || strcmp(target, "stderr") == 0)
        return CONFIG_LOG_STDERR;
    return strcmp(target, "stdout") == 0 ? CONFIG_LOG_STDOUT : CONFIG_LOG_FILE;
}

enum config_log_place config_log_place(const struct config *c)
{
    return place_of(c->log_target);
}

/* A word that was meant as a place would make a file of that name beside the configuration. */
static void check_word(const struct config_reader *r, const config_setting_t *at, const char *text)
{
    static const struct {
        const char *word, *instead;
    } words[] = {
        {"stdout", "write \"stdout\""},
        {"stderr", "write \"stderr\""},
        {"-", "write \"stdout\" or \"stderr\""},
        {"console", "write \"stdout\" or \"stderr\""},
        {"syslog", "write \"stderr\", which systemd passes on to the journal and to syslog"},
        {"journal", "write \"stderr\", which systemd passes on to the journal"},
        {"journald", "write \"stderr\", which systemd passes on to the journal"},
        {"systemd", "write \"stderr\", which systemd passes on to the journal"},
        {"off", "write \"/dev/null\""},
        {"none", "write \"/dev/null\""},
        {"null", "write \"/dev/null\""},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(text, words[i].word) == 0 && (i > 1 || strcmp(text, words[i].word) != 0))
            config_read_complain(r, FINDING_ERROR, at, "\"%s\" would be a file of that name: %s; for such a file write \"./%s\"", text, words[i].instead, text);
    if (strcmp(text, "/dev/stdout") == 0 || strcmp(text, "/dev/stderr") == 0)
        config_read_complain(r, FINDING_WARNING, at, "\"%s\" cannot be opened where it is a socket, as under systemd: write \"%s\"", text, text + 5);
}

struct log { /* any of them */
    const struct config_reader *r;
    const config_setting_t *group;
    const char *target;
    const struct config_rotate *rotate;
    int format;
    unsigned what;
};

static const config_setting_t *at(const struct log *l, const char *key)
{
    return config_read_at(l->group, key, NULL, NULL);
}

static void check_target(const struct log *l)
{
    bool given;
    const config_setting_t *where = config_read_at(l->group, "target", NULL, &given);
    const char *text = given && config_setting_type(where) == CONFIG_TYPE_STRING ? config_setting_get_string(where) : "";
    const char *fault = log_name_fault(text);
    check_word(l->r, where, text);
    if (fault != NULL)
        config_read_complain(l->r, FINDING_ERROR, where, "\"%.200s\": %s", text, fault);
    if ((l->rotate->every_ms > 0 || l->rotate->bytes > 0) && place_of(l->target) != CONFIG_LOG_FILE)
        config_read_complain(l->r, FINDING_ERROR, at(l, "rotate"), "has no effect without a file in target");
}

static void check_what(const struct log *l)
{
    if (log_parts_accesses((enum log_format)l->format) && l->what != 0 && (l->what & LOG_REQUESTS) == 0)
        config_read_complain(l->r, FINDING_ERROR, at(l, "what"), "this format has requests only: write what = \"requests\", or format = \"text\"");
}

/* The events and refusals of this format are lines of text, and go to no file of their own. */
static void check_named(const struct config_reader *r, size_t i)
{
    const struct config_log *c = &r->config->logs[i];
    const struct log l = {r, config_read_group_at(r, "logs", i), c->target, &c->rotate, c->format.word, c->what};
    if (config_read_is_tainted(l.group))
        return;
    check_target(&l);
    check_what(&l);
    if (log_parts_accesses((enum log_format)c->format.word) && (c->what & LOG_REQUESTS) != 0 && c->what != LOG_REQUESTS)
        config_read_complain(r, FINDING_ERROR, at(&l, "what"), "this format has requests only: make another log for the rest");
    if (place_of(c->target) != CONFIG_LOG_FILE)
        return;
    if (config_log_place(r->config) == CONFIG_LOG_FILE && strcmp(r->config->log_target, c->target) == 0)
        config_read_complain(r, FINDING_ERROR, at(&l, "target"), "the main log has the same file: give each its own");
    for (size_t k = 0; k < i; k++)
        if (r->config->logs[k].target != NULL && strcmp(r->config->logs[k].target, c->target) == 0)
            config_read_complain(r, FINDING_ERROR, at(&l, "target"), "logs.%.80s has the same file: give each its own", r->config->logs[k].name);
}

void config_check_log(const struct config_reader *r)
{
    struct config *c = r->config;
    const struct log l = {r, config_setting_get_member(r->root, "log"), c->log_target, &c->log_rotate, c->log_format.word, c->log_what};
    if (l.group != NULL && config_setting_is_group(l.group)) {
        check_target(&l);
        check_what(&l);
    }
    if (c->log_what == 0)
        c->log_what = LOG_ALL;
    for (size_t i = 0; i < c->n_logs; i++)
        check_named(r, i);
    if (c->n_logs > MOST_LOGS)
        config_read_complain(r, FINDING_ERROR, config_setting_get_member(r->root, "logs"), "more than %d logs", MOST_LOGS);
}
