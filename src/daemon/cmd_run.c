/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "flags.h"
#include "run.h"

int cmd_run(int argc, char **argv)
{
    const char *path = "/etc/mtlsd/mtlsd.conf";
    const struct flag table[] = {
        {.name = "--config", .brief = "-c", .kind = FLAG_TEXT, .target = &path, .value = "FILE", .help = "the configuration (default: /etc/mtlsd/mtlsd.conf)"},
    };
    const struct flags flags = {
        .command = "mtlsd run",
        .usage = "[-c FILE]",
        .about = "Runs in the foreground and logs to standard error. HUP reloads the configuration, certificates and CRLs, all or\n"
                 "nothing; TERM or INT finishes what runs and ends (twice: at once); QUIT ends at once.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .after = "  mtlsd run -c mtlsd.conf",
    };
    int code;
    if (!flags_read(&flags, argc, argv, NULL, &code))
        return code;
    struct findings findings;
    findings_init(&findings);
    struct config *config = config_load(path, &findings);
    run_print_findings(&findings);
    findings_clear(&findings);
    if (config == NULL)
        return COMMAND_REFUSED;
    struct run_options options = {.path = path};
    return daemon_run(config, &options);
}
