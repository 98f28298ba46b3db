/* SPDX-License-Identifier: Apache-2.0 */
#include "run_passed.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_FD = 3 };

struct inherited *run_passed_take(struct err *err)
{
    struct inherited_env env = {getenv("LISTEN_FDS"), getenv("LISTEN_FDNAMES"), getenv("LISTEN_PID")};
    return inherited_new(&env, FIRST_FD, (long)getpid(), err);
}

const char *run_passed_name(const char *text)
{
    return text != NULL && strncmp(text, "systemd:", 8) == 0 ? text + 8 : NULL;
}

int run_passed_admin(const struct inherited *passed, const char *name, struct err *err)
{
    struct inherited_kind kind;
    int fd = inherited_fd(passed, name, 0);
    if (fd < 0)
        return inherited_explain(passed, name, err);
    if (inherited_look(fd, name, &kind, err) != 0)
        return -1;
    if (kind.tcp)
        return err_set(err, ERR_IO, "admin.socket: systemd:%s is a tcp socket, and every user of this host could use it: write ListenStream=/run/mtlsd-admin.sock in its unit",
                       name);
    if (kind.open_to_others)
        return err_set(err, ERR_IO, "admin.socket: every user can connect to the socket of systemd:%s: set SocketMode=0600 in its unit", name);
    fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return fd >= 0 ? fd : err_set(err, ERR_IO, "admin.socket: systemd:%s: no more descriptors", name);
}

static bool is_named(const struct config *config, const char *name)
{
    const char *admin = run_passed_name(config->admin_socket);
    if (admin != NULL && strcmp(admin, name) == 0)
        return true;
    for (size_t i = 0; i < config->n_listeners; i++)
        for (size_t b = 0; b < config->listeners[i].n_bind; b++)
            if (config->listeners[i].bind[b].kind == ADDRESS_SYSTEMD && strcmp(config->listeners[i].bind[b].path, name) == 0)
                return true;
    return false;
}

void run_passed_review(const struct inherited *passed, const struct config *config, struct findings *out)
{
    const char *name;
    for (size_t i = 0; (name = inherited_name(passed, i)) != NULL; i++)
        if (!is_named(config, name))
            findings_add(out, FINDING_WARNING, config->path, "clients of the socket \"%s\", which the service manager passed, get no answer: set bind = "
                         "\"systemd:%s\" in a listener, or stop its unit", name, name);
}
