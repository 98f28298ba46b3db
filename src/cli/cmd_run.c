/* SPDX-License-Identifier: Apache-2.0 */
#include "check/check.h"
#include "command.h"
#include "flags.h"
#include "mtlsd/daemon/run.h"

int cmd_run(int argc, char **argv)
{
    const char *path = COMMAND_CONFIG_PATH;
    bool test = false;
    const struct flag table[] = {
        {.name = "--config", .brief = "-c", .kind = FLAG_TEXT, .target = &path, .value = "FILE", .help = "configuration file (default: " COMMAND_CONFIG_PATH ")"},
        {.name = "--test", .brief = "-t", .kind = FLAG_SWITCH, .target = &test, .help = "only check the configuration, like mtlsd check"},
    };
    const struct flags flags = {
        .command = "mtlsd run",
        .usage = "[-c FILE] [-t]",
        .about = "Runs the daemon in the foreground and logs to standard error. HUP reloads configuration, certificates and CRLs.\n"
                 "TERM and INT finish open requests and stop; a second signal, or QUIT, stops at once.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .after = "  mtlsd run -c mtlsd.conf",
    };
    int code;
    if (!flags_read(&flags, argc, argv, NULL, &code))
        return code;
    if (test)
        return cmd_check_file(path, false);
    return daemon_run(&(struct run_options){.path = path});
}
