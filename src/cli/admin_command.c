/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_command.h"

#include "command.h"
#include "mtlsd/config/config.h"
#include "mtlsd/io/admin_client.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char default_file[] = "/etc/mtlsd/mtlsd.conf";

struct where {
    const char *socket, *file;
};

/* A configuration that is refused here would be refused there too: the running instance keeps what it has, and that is the message. */
static char *socket_of_file(const char *file, int *exit_code)
{
    struct findings findings;
    findings_init(&findings);
    struct config *config = config_load(file, &findings);
    char *path = NULL;
    *exit_code = COMMAND_REFUSED;
    if (config == NULL) {
        for (size_t i = 0; i < findings.n; i++)
            if (findings.items[i].level == FINDING_ERROR)
                command_fail(COMMAND_REFUSED, "%s: %s", findings.items[i].where, findings.items[i].text);
        command_fail(COMMAND_REFUSED, "%s: the configuration is refused; a running instance keeps what it has (--socket PATH reaches it)", file);
    } else if (config->admin_socket == NULL) {
        command_fail(COMMAND_REFUSED,
                     "%s: has no admin socket; add  admin = { socket = \"unix:/run/mtlsd/admin.sock\"; };  and start mtlsd again", file);
    } else {
        path = strdup(config->admin_socket);
        if (path == NULL)
            *exit_code = command_fail(COMMAND_FAILED, "out of memory");
    }
    config_free(config);
    findings_clear(&findings);
    return path;
}

static char *find_socket(const struct where *w, int *exit_code)
{
    if (w->socket == NULL)
        return socket_of_file(w->file != NULL ? w->file : default_file, exit_code);
    if (w->file != NULL) {
        *exit_code = command_fail(COMMAND_USAGE, "give either --socket or -c, not both");
        return NULL;
    }
    const char *path = strncmp(w->socket, "unix:", 5) == 0 ? w->socket + 5 : w->socket;
    char *copy = strdup(path);
    if (copy == NULL)
        *exit_code = command_fail(COMMAND_FAILED, "out of memory");
    return copy;
}

static bool read_flags(const struct admin_command *c, int argc, char **argv, struct where *w, bool *as_json, int *exit_code)
{
    char name[32];
    snprintf(name, sizeof(name), "mtlsd %s", c->word);
    const struct flag table[] = {
        {.name = "--config", .brief = "-c", .kind = FLAG_TEXT, .target = &w->file, .value = "FILE",
         .help = "configuration file that names the admin.socket\n(default: /etc/mtlsd/mtlsd.conf)"},
        {.name = "--socket", .brief = "-s", .kind = FLAG_TEXT, .target = &w->socket, .value = "PATH",
         .help = "admin socket to connect to; no configuration is needed"},
        {.name = "--json", .kind = FLAG_SWITCH, .target = as_json, .help = "print the JSON answer of the daemon"},
    };
    const struct flags flags = {
        .command = name,
        .usage = "[-c FILE | --socket PATH] [--json]",
        .about = c->about,
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
    };
    return flags_read(&flags, argc, argv, NULL, exit_code);
}

static int call(const struct admin_command *c, const char *socket, struct admin_reply *reply)
{
    struct admin_call request = {.socket = socket, .method = c->method, .path = c->path, .timeout_ms = c->timeout_ms};
    struct err err = {0};
    if (admin_client_call(&request, &reply->status, &reply->body, &err) != 0)
        return command_fail_err(&err);
    struct span body = bytes_span(&reply->body);
    reply->json = json_loadb((const char *)body.ptr, body.len, 0, NULL);
    if (!json_is_object(reply->json))
        return command_fail(COMMAND_FAILED, "%s: what answers there is not mtlsd", socket);
    return COMMAND_FINE;
}

bool admin_command_call(const struct admin_command *command, int argc, char **argv, struct admin_reply *reply, int *exit_code)
{
    struct where w = {0};
    *reply = (struct admin_reply){0};
    if (!read_flags(command, argc, argv, &w, &reply->as_json, exit_code))
        return false;
    char *socket = find_socket(&w, exit_code);
    if (socket == NULL)
        return false;
    *exit_code = call(command, socket, reply);
    free(socket);
    if (*exit_code != COMMAND_FINE)
        admin_command_clear(reply);
    return *exit_code == COMMAND_FINE;
}

void admin_command_clear(struct admin_reply *reply)
{
    json_decref(reply->json);
    bytes_clear(&reply->body);
    *reply = (struct admin_reply){0};
}

void admin_command_print_body(const struct admin_reply *reply)
{
    struct span body = bytes_span(&reply->body);
    fwrite(body.ptr, 1, body.len, stdout);
}
