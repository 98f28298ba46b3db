/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that ask a running daemon: status, reload, drain, renew and target. */
#include "admin_place.h"
#include "command.h"
#include "flags.h"
#include "status_sheet.h"
#include "mtlsd/io/admin_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct admin_command {
    const char *word;  /* "status" */
    const char *about; /* one paragraph */
    const char *method, *path;
    const char *path_end; /* behind the operand; NULL: the path is whole */
    unsigned timeout_ms;
    unsigned fine;         /* the HTTP status that says that it was done */
    page_print_fn print;   /* the text then */
    page_print_fn refused; /* and on stderr after 422; NULL: there is no such answer */
    page_print_fn unready; /* and on stderr after 503; NULL: there is no such answer */
    bool health;           /* admin.health answers it, too */
    const char *operand;   /* NULL: it takes none */
    size_t n_operands;
};

enum { PATH_SIZE = 2048 };

struct called { /* the command line */
    struct admin_place where;
    bool as_json;
    struct flag_list operands;
};

static bool read_flags(const struct admin_command *c, int argc, char **argv, struct called *called, int *exit_code)
{
    struct admin_place *w = &called->where;
    char name[32], usage[96];
    snprintf(name, sizeof(name), "mtlsd %s", c->word);
    snprintf(usage, sizeof(usage), "[-c FILE | --socket PATH%s] [--json]%s%s", c->health ? " | --health ADDR" : "", c->operand != NULL ? " " : "", c->operand != NULL ? c->operand : "");
    const struct flag table[] = {
        {.name = "--config", .brief = "-c", .kind = FLAG_TEXT, .target = &w->file, .value = "FILE",
         .help = "configuration file that names the admin.socket\n(default: " COMMAND_CONFIG_PATH ")"},
        {.name = "--socket", .brief = "-s", .kind = FLAG_TEXT, .target = &w->socket, .value = "PATH",
         .help = "admin socket to connect to; no configuration is needed"},
        {.name = "--json", .kind = FLAG_SWITCH, .target = &called->as_json, .help = "print the JSON answer of the daemon"},
        {.name = "--health", .kind = FLAG_TEXT, .target = &w->health, .value = "ADDR",
         .help = "admin.health address to connect to; no configuration is needed"},
    };
    const struct flags flags = {
        .command = name,
        .usage = usage,
        .about = c->about,
        .table = table,
        .n = sizeof(table) / sizeof(table[0]) - (c->health ? 0 : 1),
        .operand = c->operand,
        .min_operands = c->n_operands,
        .max_operands = c->n_operands,
    };
    return flags_read(&flags, argc, argv, c->operand != NULL ? &called->operands : NULL, exit_code);
}

static int answer(const struct admin_command *c, unsigned status, json_t *json, bool as_json)
{
    page_print_fn bad = status == 422 ? c->refused : status == 503 ? c->unready : NULL;
    if (status != c->fine && bad == NULL)
        return command_fail(COMMAND_FAILED, "%s: %s", c->word, document_string(json, "detail", ""));
    if (!as_json && page_show_on(bad != NULL ? stderr : stdout, json_incref(json), bad != NULL ? bad : c->print) != 0)
        return command_fail(COMMAND_FAILED, "out of memory");
    return bad == NULL ? COMMAND_FINE : status == 422 ? COMMAND_REFUSED : COMMAND_REFUSAL;
}

static int call(const struct admin_command *c, const char *path, const struct admin_found *found, bool as_json)
{
    struct admin_call request = {.socket = found->socket, .method = c->method, .path = path, .timeout_ms = c->timeout_ms};
    request.health = found->socket == NULL ? &found->health : NULL;
    struct err err = {0};
    struct bytes body;
    unsigned status;
    if (admin_client_call(&request, &status, &body, &err) != 0)
        return command_fail_err(&err);
    struct span text = bytes_span(&body);
    json_t *json = json_loadb((const char *)text.ptr, text.len, 0, NULL);
    if (as_json && json_is_object(json))
        fwrite(text.ptr, 1, text.len, stdout);
    int code = json_is_object(json) ? answer(c, status, json, as_json) : command_fail(COMMAND_FAILED, "%s: the program that answers there is not mtlsd", found->socket != NULL ? found->socket : found->health.host);
    json_decref(json);
    bytes_clear(&body);
    return code;
}

/* Of a target: its name between the two halves of the path, with every byte encoded that a path cannot hold, and the weight behind. */
static bool write_path(const struct admin_command *c, const struct flag_list *operands, char path[PATH_SIZE])
{
    size_t at = (size_t)snprintf(path, PATH_SIZE, "%s", c->path);
    for (const char *p = operands->n > 0 ? operands->items[0] : ""; *p != '\0' && at < PATH_SIZE - 4; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("-._~:/", *p) != NULL;
        at += (size_t)snprintf(path + at, PATH_SIZE - at, plain ? "%c" : "%%%02X", plain ? *p : (unsigned char)*p);
    }
    const char *weight = operands->n > 1 ? operands->items[1] : "";
    size_t end = at + (size_t)snprintf(path + at, PATH_SIZE - at, "%s%s%s", c->path_end != NULL ? c->path_end : "", *weight != '\0' ? "?weight=" : "", weight);
    return at < PATH_SIZE - 4 && end < PATH_SIZE;
}

/* Gives an exit code. */
static int run(const struct admin_command *command, int argc, char **argv)
{
    struct called called = {0};
    char path[PATH_SIZE];
    int code;
    if (!read_flags(command, argc, argv, &called, &code))
        return code;
    if (!write_path(command, &called.operands, path))
        return command_fail(COMMAND_USAGE, "%s: the name is too long", command->word);
    struct admin_found found = {.socket = NULL};
    bool any = command->health && admin_place_find_health(&called.where, &found, &code);
    if (any || (!command->health && (found.socket = admin_place_find(&called.where, &code)) != NULL))
        code = call(command, path, &found, called.as_json);
    free(found.socket);
    return code;
}

int cmd_status(int argc, char **argv)
{
    static const struct admin_command command = {
        .word = "status",
        .about = "Prints the state of a running daemon: counts of listeners, routes and upstreams, and the state of targets. Identities are\n"
                 "listed with the days until they expire, trusts with the age of their CRLs, and the last refusals with hints.",
        .method = "GET",
        .path = "/status",
        .timeout_ms = 10000,
        .fine = 200,
        .print = status_sheet_print,
    };
    return run(&command, argc, argv);
}

static void print_ready(struct page *p, const json_t *document)
{
    page_put(p, document, "{result}[: {$detail}]\n");
}

static void print_unready(struct page *p, const json_t *document)
{
    page_put(p, document, "mtlsd: {result}[: {$detail}]\n");
}

int cmd_probe(int argc, char **argv)
{
    static const struct admin_command command = {
        .word = "probe",
        .about = "Asks a running daemon whether it is ready, for probes of containers and load balancers. It is not ready while it drains,\n"
                 "has no place for clients, or needs a certificate or list that is out of its dates. It asks the admin socket, or admin.health\n"
                 "where there is no admin socket, which gives the reason as one word.\n"
                 "Exit code 0: ready. 4: not ready, with the reason on stderr. 1: no daemon answers.",
        .method = "GET",
        .path = "/readyz",
        .health = true,
        .timeout_ms = 5000,
        .fine = 200,
        .print = print_ready,
        .unready = print_unready,
    };
    return run(&command, argc, argv);
}

#define FINDING "  {level:8}[{$where}: ]{$text}\n"

static void print_reloaded(struct page *p, const json_t *document)
{
    page_put(p, document, "reloaded: generation {generation} is in use\n");
    page_each(p, document_get(document, "findings"), FINDING);
}

static void print_refused(struct page *p, const json_t *document)
{
    page_put(p, document, "mtlsd: reload refused: generation {generation} stays in use\n");
    page_each(p, document_get(document, "findings"), FINDING);
}

int cmd_reload(int argc, char **argv)
{
    static const struct admin_command command = {
        .word = "reload",
        .about = "Makes a running daemon load configuration, certificates, CAs and CRLs again. If there is any error, all errors are listed,\n"
                 "the exit code is 3, and the daemon keeps the old configuration. Open connections continue, except those that the new\n"
                 "configuration forbids.",
        .method = "POST",
        .path = "/reload",
        .timeout_ms = 60000,
        .fine = 200,
        .print = print_reloaded,
        .refused = print_refused,
    };
    return run(&command, argc, argv);
}

static void print_drain(struct page *p, const json_t *document)
{
    page_put(p, document, "draining[, {$detail}]: no new connections; the daemon stops after the last one\n");
}

int cmd_drain(int argc, char **argv)
{
    static const struct admin_command command = {
        .word = "drain",
        .about = "Makes a running daemon stop accepting connections, finish open requests within drain_timeout, and exit. Returns at once.",
        .method = "POST",
        .path = "/drain",
        .timeout_ms = 10000,
        .fine = 202,
        .print = print_drain,
    };
    return run(&command, argc, argv);
}

static void print_renewal(struct page *p, const json_t *document)
{
    page_put(p, document, "{result}: {$detail}\n");
}

int cmd_renew(int argc, char **argv)
{
    static const struct admin_command command = {
        .word = "renew",
        .about = "Makes a running daemon renew the certificate of an identity with renew now, before it is due. Returns at once.",
        .method = "POST",
        .path = "/renew/",
        .timeout_ms = 10000,
        .fine = 202,
        .print = print_renewal,
        .operand = "IDENTITY",
        .n_operands = 1,
    };
    return run(&command, argc, argv);
}

static void print_target(struct page *p, const json_t *document)
{
    page_put(p, document, "{result}[: {$detail}]\n");
}

static int run_target(const char *word, const char *about, const char *path_end, int argc, char **argv)
{
    const bool weighs = strcmp(path_end, "/weight") == 0;
    const struct admin_command command = {
        .word = word,
        .about = about,
        .method = "POST",
        .path = "/targets/",
        .path_end = path_end,
        .timeout_ms = 10000,
        .fine = 200,
        .print = print_target,
        .operand = weighs ? "UPSTREAM/TARGET WEIGHT" : "UPSTREAM/TARGET",
        .n_operands = weighs ? 2 : 1,
    };
    return run(&command, argc, argv);
}

static int drain_target(int argc, char **argv)
{
    return run_target("target drain", "Gives a target no new sessions. Requests of its existing sessions still go there. It stays drained after a reload.", "/drain", argc, argv);
}

static int disable_target(int argc, char **argv)
{
    return run_target("target disable", "Gives a target no requests at all: its sessions go to other targets. It stays disabled after a reload.", "/disable", argc, argv);
}

static int enable_target(int argc, char **argv)
{
    return run_target("target enable", "Gives a drained or disabled target requests again.", "/enable", argc, argv);
}

static int weigh_target(int argc, char **argv)
{
    return run_target("target weight",
                      "Changes the share of the requests that a target gets, from 1 to 256. 0 restores the configured weight. The weight stays after\n"
                      "a reload.",
                      "/weight", argc, argv);
}

int cmd_target(int argc, char **argv)
{
    static const struct command table[] = {
        {"drain", drain_target, "give a target no new sessions"},
        {"disable", disable_target, "give a target no requests"},
        {"enable", enable_target, "give a target requests again"},
        {"weight", weigh_target, "change a target's share of the requests"},
    };
    static const struct command_group group = {
        .prefix = "mtlsd target",
        .before = "Changes a target of a running daemon. The name of a target is UPSTREAM/TARGET, where TARGET is its route, or\n"
                  "otherwise its address; \"mtlsd status\" lists them.",
        .after = "\"mtlsd target COMMAND --help\" describes a command.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
    };
    return command_dispatch(&group, argc, argv);
}
