/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "command.h"
#include "flags.h"
#include "load.h"
#include "mtlsd/io/clock.h"

struct check_flags {
    const char *config;
    bool json, connect;
};

static int check_file(const struct check_flags *a)
{
    struct findings findings;
    int64_t now = clock_now();
    size_t n_refused = 0;
    findings_init(&findings);
    struct snapshot *snapshot = load_snapshot(a->config, now, &findings);
    if (snapshot != NULL)
        check_places(snapshot->config, &findings);
    struct check_sheet sheet = {.path = a->config, .findings = &findings, .snapshot = snapshot, .now = now};
    bool failed = findings_failed(&findings), connect = a->connect && !failed && snapshot != NULL;
    if (connect)
        sheet.connections = check_connect(snapshot, now, &n_refused);
    int code = n_refused > 0 ? COMMAND_REFUSAL : failed || findings.faults > 0 ? COMMAND_REFUSED : COMMAND_FINE;
    if ((connect && sheet.connections == NULL) || page_show(check_document(&sheet), a->json, check_sheet_print) != 0)
        code = command_fail(COMMAND_FAILED, "out of memory");
    json_decref(sheet.connections);
    if (snapshot != NULL)
        snapshot_unref(snapshot);
    findings_clear(&findings);
    return code;
}

int cmd_check_file(const char *path, bool json)
{
    const struct check_flags a = {.config = path, .json = json};
    return check_file(&a);
}

int cmd_check(int argc, char **argv)
{
    struct check_flags a = {.config = COMMAND_CONFIG_PATH};
    const struct flag table[] = {
        {.name = "--config", .brief = "-c", .kind = FLAG_TEXT, .target = &a.config, .value = "FILE",
         .help = "configuration file (default: " COMMAND_CONFIG_PATH ")"},
        {.name = "--connect", .kind = FLAG_SWITCH, .target = &a.connect,
         .help = "also connect to every target like run, and print which side accepted or refused"},
        {.name = "--json", .kind = FLAG_SWITCH, .target = &a.json, .help = "print JSON, with times in seconds since 1970"},
    };
    const struct flags flags = {
        .command = "mtlsd check",
        .usage = "[-c FILE] [--connect] [--json]",
        .about = "Checks everything that run would load and open: the configuration, certificates, keys, CAs, revocation lists,\n"
                 "addresses, sockets and the log file. All errors are listed at once, each with its line, and then a summary of\n"
                 "the configuration. Run it as the user of the daemon. A running daemon is not affected.\n"
                 "Exit code 0: the configuration is valid, maybe with warnings. 3: run refuses it, or a certificate that we\n"
                 "present is not valid now. 4: with --connect, a target refused us or we refused it.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .after = "Example: mtlsd check -c conf/injector.conf --connect",
    };
    int code;
    return flags_read(&flags, argc, argv, NULL, &code) ? check_file(&a) : code;
}
