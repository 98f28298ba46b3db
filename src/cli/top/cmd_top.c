/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_place.h"
#include "command.h"
#include "flags.h"
#include "mtlsd/control/document.h"
#include "mtlsd/io/admin_client.h"
#include "mtlsd/io/probe.h"
#include "top_sheet.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ASK_MS = 10000, EVERY_S = 2, SHEET_MAX = 64 << 20 };

struct moment_shown {
    json_t *status;
    double at;
};

/* NULL: it was said why. */
static json_t *ask(const char *socket, int *code)
{
    const struct admin_call call = {.socket = socket, .method = "GET", .path = "/status", .timeout_ms = ASK_MS};
    struct err err = {0};
    struct bytes body;
    unsigned status;
    if (admin_client_call(&call, &status, &body, &err) != 0) {
        *code = command_fail_err(&err);
        return NULL;
    }
    json_t *json = json_loadb((const char *)bytes_span(&body).ptr, body.len, 0, NULL);
    bytes_clear(&body);
    if (status == 200 && json_is_object(json))
        return json;
    json_decref(json);
    *code = command_fail(COMMAND_FAILED, "%s: the program that answers there is not mtlsd", socket);
    return NULL;
}

/* Without a terminal everything is printed, one sheet behind the other. */
static struct top_screen find_screen(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 2 || size.ws_col == 0)
        return (struct top_screen){SIZE_MAX, SIZE_MAX, false};
    return (struct top_screen){size.ws_row - 1u, size.ws_col, true};
}

static int show(const struct moment_shown *now, const struct moment_shown *before)
{
    const struct top_sheet sheet = {.now = now->status, .before = before->status, .seconds = now->at - before->at};
    const struct top_screen screen = find_screen();
    struct bytes text, cut;
    bytes_init(&text, SHEET_MAX);
    bytes_init(&cut, SHEET_MAX);
    struct page page = {.out = &text};
    top_sheet_print(&page, &sheet);
    int rc = page_end(&page) == 0 ? top_sheet_cut(&cut, bytes_span(&text), &screen) : -1;
    if (rc == 0)
        fwrite(bytes_span(&cut).ptr, 1, cut.len, stdout);
    bytes_clear(&text);
    bytes_clear(&cut);
    return rc == 0 && fflush(stdout) == 0 ? 0 : command_fail(COMMAND_FAILED, rc == 0 ? "cannot write to standard output" : "out of memory");
}

static int run(const char *socket, unsigned every_s, uint64_t count)
{
    struct moment_shown before = {0};
    int code = COMMAND_FINE;
    for (uint64_t n = 0; code == COMMAND_FINE && (count == 0 || n < count); n++) {
        if (n > 0)
            probe_pause(every_s * 1000);
        struct moment_shown now = {.status = ask(socket, &code), .at = probe_seconds()};
        if (now.status == NULL)
            break;
        code = show(&now, &before);
        json_decref(before.status);
        before = now;
    }
    json_decref(before.status);
    return code;
}

int cmd_top(int argc, char **argv)
{
    struct admin_place place = {0};
    uint64_t every_s = EVERY_S, count = 0;
    const struct flag table[] = {
        {.name = "--config", .brief = "-c", .kind = FLAG_TEXT, .target = &place.file, .value = "FILE",
         .help = "configuration file that names the admin.socket\n(default: " COMMAND_CONFIG_PATH ")"},
        {.name = "--socket", .brief = "-s", .kind = FLAG_TEXT, .target = &place.socket, .value = "PATH",
         .help = "admin socket to connect to; no configuration is needed"},
        {.name = "--every", .kind = FLAG_NUMBER, .target = &every_s, .value = "SECONDS", .help = "time between two looks (default: 2)"},
        {.name = "--count", .kind = FLAG_NUMBER, .target = &count, .value = "N", .help = "end after so many looks; 0: never (default)"},
    };
    const struct flags flags = {
        .command = "mtlsd top",
        .usage = "[-c FILE | --socket PATH] [--every SECONDS] [--count N]",
        .about = "Shows a running daemon in the terminal: clients, requests, refusals and bytes of each second, the state of targets,\n"
                 "what expires soon and the last refusals. Ctrl-C ends it. Without a terminal it prints one sheet after the other.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
    };
    int code;
    if (!flags_read(&flags, argc, argv, NULL, &code))
        return code;
    if (every_s == 0 || every_s > 3600)
        return command_fail(COMMAND_USAGE, "--every takes 1 to 3600 seconds");
    char *socket = admin_place_find(&place, &code);
    if (socket != NULL)
        code = run(socket, (unsigned)every_s, count);
    free(socket);
    return code;
}
