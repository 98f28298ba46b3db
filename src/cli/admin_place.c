/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_place.h"
#include "command.h"
#include "mtlsd/config/config.h"

#include <string.h>

static bool is_path(const char *socket)
{
    return socket != NULL && strncmp(socket, "systemd:", 8) != 0;
}

/* NULL: it was said why, and *exit_code is set. */
static struct config *read_file(const char *file, int *exit_code)
{
    struct findings findings;
    findings_init(&findings);
    struct config *config = config_load(file, &findings);
    *exit_code = COMMAND_REFUSED;
    for (size_t i = 0; config == NULL && i < findings.n; i++)
        if (findings.items[i].level == FINDING_ERROR)
            command_fail(COMMAND_REFUSED, "%s: %s", findings.items[i].where, findings.items[i].text);
    /* what is refused here would be refused there too: the running instance keeps what it has, and that is the message */
    if (config == NULL)
        command_fail(COMMAND_REFUSED, "%s: the configuration is refused; a running daemon keeps its configuration (--socket PATH reaches it)", file);
    findings_clear(&findings);
    return config;
}

static void say_no_socket(const struct config *config, const char *file)
{
    if (config->admin_socket == NULL)
        command_fail(COMMAND_REFUSED,
                     "%s: has no admin socket; add  admin = { socket = \"unix:/run/mtlsd/admin.sock\"; };  and start mtlsd again", file);
    else
        command_fail(COMMAND_REFUSED, "%s: the admin socket is %s, which a socket unit opens: give the path after its ListenStream= with --socket PATH", file,
                     config->admin_socket);
}

static char *keep(const char *path, int *exit_code)
{
    char *copy = strdup(path);
    if (copy == NULL)
        *exit_code = command_fail(COMMAND_FAILED, "out of memory");
    return copy;
}

static char *given(const struct admin_place *w, int *exit_code)
{
    if (w->file == NULL && w->health == NULL)
        return keep(strncmp(w->socket, "unix:", 5) == 0 ? w->socket + 5 : w->socket, exit_code);
    *exit_code = command_fail(COMMAND_USAGE, w->health != NULL ? "give only one of --socket, --health and -c" : "give either --socket or -c, not both");
    return NULL;
}

static bool find(const struct admin_place *w, bool health, struct admin_found *out, int *exit_code)
{
    *out = (struct admin_found){.socket = NULL};
    if (w->socket != NULL)
        return (out->socket = given(w, exit_code)) != NULL;
    const char *file = w->file != NULL ? w->file : COMMAND_CONFIG_PATH;
    struct config *config = read_file(file, exit_code);
    bool at_health = config != NULL && health && config->health.text != NULL && !is_path(config->admin_socket);
    if (at_health)
        out->health = config->health.address;
    else if (config != NULL && is_path(config->admin_socket))
        out->socket = keep(config->admin_socket, exit_code);
    else if (config != NULL)
        say_no_socket(config, file);
    config_free(config);
    return at_health || out->socket != NULL;
}

char *admin_place_find(const struct admin_place *w, int *exit_code)
{
    struct admin_found found;
    return find(w, false, &found, exit_code) ? found.socket : NULL;
}

bool admin_place_find_health(const struct admin_place *w, struct admin_found *out, int *exit_code)
{
    struct err err = {0};
    if (w->health == NULL || w->socket != NULL)
        return find(w, true, out, exit_code);
    *out = (struct admin_found){.socket = NULL};
    if (w->file != NULL)
        command_fail(COMMAND_USAGE, "give either --health or -c, not both");
    else if (address_parse(w->health, &out->health, &err) != 0)
        command_fail(COMMAND_USAGE, "--health: %s", err.text);
    else if (out->health.kind != ADDRESS_TCP)
        command_fail(COMMAND_USAGE, "--health: \"%s\" is no TCP address: use --socket for the admin socket", w->health);
    else
        return true;
    *exit_code = COMMAND_USAGE;
    return false;
}
