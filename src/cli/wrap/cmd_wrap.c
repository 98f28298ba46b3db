/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "flags.h"
#include "load.h"
#include "mtlsd/io/clock.h"
#include "wrap.h"

#include <string.h>

enum { WAIT_S = 60 };

/* Everything behind "--" is the app's, also what looks like a flag of ours. */
static char **split_app(int *argc, char **argv)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--") != 0)
            continue;
        *argc = i;
        return argv + i + 1;
    }
    return NULL;
}

int cmd_wrap(int argc, char **argv)
{
    const char *path = COMMAND_CONFIG_PATH;
    uint64_t wait_s = WAIT_S;
    bool unchecked = false;
    const struct flag table[] = {
        {.name = "--config", .brief = "-c", .kind = FLAG_TEXT, .target = &path, .value = "FILE", .help = "configuration file (default: " COMMAND_CONFIG_PATH ")"},
        {.name = "--wait", .kind = FLAG_NUMBER, .target = &wait_s, .value = "SECONDS", .help = "how long to wait for the daemon and its upstreams (default: 60)"},
        {.name = "--no-upstreams", .kind = FLAG_SWITCH, .target = &unchecked, .help = "start the program without a connection to each upstream first"},
    };
    const struct flags flags = {
        .command = "mtlsd wrap",
        .usage = "[-c FILE] [--wait SECONDS] [--no-upstreams] -- PROGRAM [ARGUMENT...]",
        .about = "Runs the daemon and then a program that needs it. The program starts once every upstream accepts a connection.\n"
                 "If the configuration has a forward proxy, the program gets its address in http_proxy. Signals go to the program.\n"
                 "When the program ends, the daemon finishes open requests, and wrap exits with the program's exit code.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .after = "  mtlsd wrap -c mtlsd.conf -- /usr/bin/app --port 8080",
    };
    int code;
    char proxy[128];
    struct wrap w = {.app = split_app(&argc, argv)};
    if (!flags_read(&flags, argc, argv, NULL, &code))
        return code;
    if (w.app == NULL || w.app[0] == NULL)
        return command_fail(COMMAND_USAGE, "write the program after \"--\"");
    if (wait_s == 0 || wait_s > 86400)
        return command_fail(COMMAND_USAGE, "--wait takes 1 to 86400 seconds");
    struct snapshot *snapshot = load_snapshot_or_say(path, clock_now());
    if (snapshot == NULL)
        return COMMAND_REFUSED;
    wrap_find_proxy(snapshot->config, proxy, sizeof(proxy));
    w.path = path;
    w.wait_s = (unsigned)wait_s;
    w.proxy = proxy[0] != '\0' ? proxy : NULL;
    code = COMMAND_FAILED;
    if (wrap_start_daemon(&w) == 0 && (unchecked || wrap_try_upstreams(&w, snapshot) == 0)) {
        snapshot_unref(snapshot); /* its keys are the daemon's alone from here on */
        snapshot = NULL;
        code = wrap_run(&w);
    }
    wrap_end(&w);
    snapshot_unref(snapshot);
    return code;
}
