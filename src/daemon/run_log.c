/* SPDX-License-Identifier: Apache-2.0 */
#include "run_log.h"

#include "mtlsd/base/log.h"
#include "mtlsd/io/log_file.h"

#include <unistd.h>

static void describe_others(const struct config *config, struct log_others_row rows[LOG_OTHERS_MAX])
{
    for (size_t i = 0; i < config->n_logs && i < LOG_OTHERS_MAX; i++) {
        const struct config_log *l = &config->logs[i];
        rows[i] = (struct log_others_row){
            .target = l->target,
            .seconds = l->rotate.every_ms / 1000,
            .bytes = l->rotate.bytes,
            .takes = {.what = l->what, .level = (enum log_level)l->level, .format = (enum log_format)l->format},
        };
    }
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
    enum log_format format = (enum log_format)config->log_format;
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
