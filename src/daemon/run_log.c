/* SPDX-License-Identifier: Apache-2.0 */
#include "run_log.h"

#include "mtlsd/base/log_pattern.h"
#include "mtlsd/io/log_file.h"

#include <unistd.h>

/* Each log has its own pattern, if any: the main one the first, and logs those behind it. */
static enum log_format format_of(const struct config_format *format, unsigned number)
{
    return format->word == LOG_FORMAT_PATTERN ? (enum log_format)(LOG_FORMAT_PATTERN + number) : (enum log_format)format->word;
}

enum log_format run_log_format(const struct config *config)
{
    return format_of(&config->log_format, 0);
}

static void describe_others(const struct config *config, struct log_others_row rows[LOG_OTHERS_MAX])
{
    for (size_t i = 0; i < config->n_logs && i < LOG_OTHERS_MAX; i++) {
        const struct config_log *l = &config->logs[i];
        rows[i] = (struct log_others_row){
            .target = l->target,
            .seconds = l->rotate.every_ms / 1000,
            .bytes = l->rotate.bytes,
            .takes = {.what = l->what, .level = (enum log_level)l->level, .format = format_of(&l->format, (unsigned)i + 1)},
        };
    }
}

static int keep_patterns(const struct config *config)
{
    int rc = config->log_format.pattern != NULL ? log_pattern_keep(config->log_format.pattern) : 0;
    for (size_t i = 0; i < config->n_logs && rc == 0; i++)
        rc = config->logs[i].format.pattern != NULL ? log_pattern_keep(config->logs[i].format.pattern) : 0;
    return rc;
}

/* Before a log has that format. */
static void use_patterns(const struct config *config)
{
    if (config->log_format.pattern != NULL)
        log_pattern_use(0, config->log_format.pattern);
    for (size_t i = 0; i < config->n_logs; i++)
        if (config->logs[i].format.pattern != NULL)
            log_pattern_use((unsigned)i + 1, config->logs[i].format.pattern);
}

void run_log_close(struct run_log_opened *opened)
{
    log_others_close(&opened->others);
    if (opened->fd >= 0)
        close(opened->fd);
}

int run_log_open(const struct config *config, struct run_log_opened *opened, struct err *err)
{
    struct log_others_row rows[LOG_OTHERS_MAX];
    enum config_log_place place = config_log_place(config);
    *opened = (struct run_log_opened){.fd = -1};
    describe_others(config, rows);
    if (keep_patterns(config) != 0)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (place == CONFIG_LOG_FILE)
        opened->fd = log_file_open_period(config->log_target, config->log_rotate.every_ms / 1000, err);
    else if (place == CONFIG_LOG_STDOUT)
        opened->fd = log_file_stdout(err);
    if (place != CONFIG_LOG_STDERR && opened->fd < 0)
        return -1;
    if (log_others_open(&opened->others, rows, config->n_logs, err) == 0)
        return 0;
    run_log_close(opened);
    return -1;
}

void run_log_use(const struct config *config, struct run_log_opened *opened)
{
    struct log_others_row rows[LOG_OTHERS_MAX];
    enum log_format format = run_log_format(config);
    use_patterns(config);
    log_change((enum log_level)config->log_level, format);
    log_take(config->log_what);
    log_file_use(config_log_place(config) == CONFIG_LOG_FILE ? config->log_target : NULL, opened->fd, log_parts_accesses(format));
    log_file_rotate(config->log_rotate.every_ms / 1000, config->log_rotate.bytes);
    describe_others(config, rows);
    log_others_use(&opened->others, rows);
}

void run_log_reopen(void)
{
    struct err err = {0};
    int main_log = log_file_reopen(&err), others = log_others_reopen(&err);
    if (main_log != 0 || others != 0)
        log_say(LOG_LEVEL_ERROR, "log", "the old file stays in use: %s", err.text);
}
