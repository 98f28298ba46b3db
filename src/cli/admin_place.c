/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_place.h"
#include "command.h"
#include "mtlsd/config/config.h"

#include <string.h>

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
        command_fail(COMMAND_REFUSED, "%s: the configuration is refused; a running daemon keeps its configuration (--socket PATH reaches it)", file);
    } else if (config->admin_socket == NULL) {
        command_fail(COMMAND_REFUSED,
                     "%s: has no admin socket; add  admin = { socket = \"unix:/run/mtlsd/admin.sock\"; };  and start mtlsd again", file);
    } else if (strncmp(config->admin_socket, "systemd:", 8) == 0) {
        command_fail(COMMAND_REFUSED, "%s: the admin socket is %s, which a socket unit opens: give the path after its ListenStream= with --socket PATH", file,
                     config->admin_socket);
    } else {
        path = strdup(config->admin_socket);
        if (path == NULL)
            *exit_code = command_fail(COMMAND_FAILED, "out of memory");
    }
    config_free(config);
    findings_clear(&findings);
    return path;
}

char *admin_place_find(const struct admin_place *w, int *exit_code)
{
    if (w->socket == NULL)
        return socket_of_file(w->file != NULL ? w->file : COMMAND_CONFIG_PATH, exit_code);
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
