/* SPDX-License-Identifier: Apache-2.0 */
#include "config_check.h"

#include <string.h>
#include <strings.h>

enum config_log_place config_log_place(const struct config *c)
{
    if (c->log_target == NULL || strcmp(c->log_target, "stderr") == 0)
        return CONFIG_LOG_STDERR;
    return strcmp(c->log_target, "stdout") == 0 ? CONFIG_LOG_STDOUT : CONFIG_LOG_FILE;
}

/* A word that was meant as a place would make a file of that name beside the configuration. */
void config_check_log(const struct config_reader *r)
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
    bool given;
    const config_setting_t *at = config_read_at(config_setting_get_member(r->root, "log"), "target", NULL, &given);
    const char *text = given && config_setting_type(at) == CONFIG_TYPE_STRING ? config_setting_get_string(at) : "";
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(text, words[i].word) == 0 && (i > 1 || strcmp(text, words[i].word) != 0))
            config_read_complain(r, FINDING_ERROR, at, "\"%s\" would be a file of that name: %s; for such a file write \"./%s\"", text, words[i].instead, text);
    if (strcmp(text, "/dev/stdout") == 0 || strcmp(text, "/dev/stderr") == 0)
        config_read_complain(r, FINDING_WARNING, at, "\"%s\" cannot be opened where it is a socket, as under systemd: write \"%s\"", text, text + 5);
}
