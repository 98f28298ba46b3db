/* SPDX-License-Identifier: Apache-2.0 */
#include "run_handover.h"
#include "run_end.h"
#include "run_passed.h"
#include "run_reload.h"
#include "run_service.h"

#include "mtlsd/base/log.h"
#include "mtlsd/control/target_memory.h"
#include "mtlsd/io/clock.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static bool is_busy(const struct run *r)
{
    return r->handover.gathers || r->handover.successor != NULL;
}

/* ---- the end of one ---- */

static void let_reload_begin(struct run *r)
{
    bool waits = r->handover.has_reload;
    r->handover.has_reload = false;
    if (waits)
        run_reload_begin(r);
}

static void fail(struct run *r, const char *why)
{
    log_say(LOG_LEVEL_ERROR, "handover", "refused, this process serves on: %s", why);
    free(r->handover.last_error);
    r->handover.last_error = strdup(why);
    r->handover.last = clock_now();
    r->handover.refused++;
    run_service_handover_failed(&r->service, r->handover.last_error);
    let_reload_begin(r);
}

static void on_failed(void *ctx, const char *why)
{
    struct run *r = ctx;
    r->handover.successor = NULL;
    fail(r, why);
}

/* Those who asked for a reload here get their answer; the new process loads again what may have changed since it did. */
static void pass_reload_on(struct run *r, long pid)
{
    if (!r->handover.has_reload)
        return;
    r->handover.has_reload = false;
    if (r->reload.wants_config)
        kill((pid_t)pid, SIGHUP);
    run_reload_refuse(r, "a new process serves now: ask it to reload");
}

/* The manager must know the new process before that one speaks, and before we are silent. */
static void on_ready(void *ctx, long pid, const char *version)
{
    struct run *r = ctx;
    if (!run_service_main(&r->service, pid)) {
        successor_stop(r->handover.successor);
        on_failed(r, "the service manager takes no messages, and would end the new process with this one");
        return;
    }
    struct bytes memory;
    bytes_init(&memory, SUCCESSOR_MEMORY_MAX);
    if (target_memory_write(&memory, server_snapshot(r->server)) != 0)
        log_say(LOG_LEVEL_WARN, "handover", "the state of targets is not passed on: too many of them were changed");
    bool goes = successor_go(r->handover.successor, memory.failed ? span_of(NULL, 0) : bytes_span(&memory));
    bytes_clear(&memory);
    if (!goes) {
        if (!run_service_main(&r->service, (long)getpid()))
            log_say(LOG_LEVEL_ERROR, "handover", "the service manager takes no messages: restart mtlsd");
        return;
    }
    r->handover.successor = NULL;
    log_say(LOG_LEVEL_INFO, "handover", "process %ld serves now, version %s", pid, version);
    run_service_stop(&r->service);
    server_leave_files(r->server);
    admin_listener_leave(r->admin);
    admin_listener_stop(r->admin);
    admin_listener_stop(r->health);
    r->admin = r->health = NULL;
    run_end_drain_for(r, RUN_END_HANDED_OVER);
    pass_reload_on(r, pid);
}

/* ---- the start of one ---- */

struct parcel { /* the sockets for it, and their list */
    struct bytes list;
    int *sockets;
    size_t n, room;
};

static int pack(struct parcel *p, enum handover_kind kind, int fd, const char *name, struct err *err)
{
    if (p->n == p->room || p->n == HANDOVER_MOST)
        return err_set(err, ERR_USAGE, "there are more than %zu sockets", p->n);
    p->sockets[p->n++] = fd;
    return handover_list_add(&p->list, kind, name, err);
}

static int pack_all(struct run *r, struct parcel *p, const struct server_socket *lent, size_t n, struct err *err)
{
    const char *name;
    int rc = 0;
    handover_list_begin(&p->list, starter_pid(r->handover.starter));
    for (size_t i = 0; (name = inherited_name(r->passed, i)) != NULL && rc == 0; i++)
        rc = pack(p, HANDOVER_PASSED, inherited_at(r->passed, i), name, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = pack(p, HANDOVER_LISTEN, lent[i].fd, lent[i].address, err);
    if (rc == 0 && r->admin != NULL && run_passed_name(r->reload.started_socket) == NULL)
        rc = pack(p, HANDOVER_ADMIN, admin_listener_fd(r->admin), r->reload.started_socket, err);
    if (rc == 0 && r->health != NULL)
        rc = pack(p, HANDOVER_HEALTH, admin_listener_fd(r->health), server_snapshot(r->server)->config->health.text, err);
    return rc;
}

static struct successor *start(struct run *r, const struct server_socket *lent, size_t n, struct err *err)
{
    const struct successor_hooks hooks = {r, on_ready, on_failed};
    struct parcel p = {.room = n + 2};
    struct successor *s = NULL;
    for (size_t i = 0; inherited_name(r->passed, i) != NULL; i++)
        p.room++;
    bytes_init(&p.list, HANDOVER_TEXT_MAX);
    p.sockets = calloc(p.room, sizeof(*p.sockets));
    if (p.sockets == NULL)
        err_set(err, ERR_MEMORY, "out of memory");
    else if (pack_all(r, &p, lent, n, err) == 0)
        s = successor_start(server_loop(r->server),
                            &(struct successor_plan){r->handover.starter, r->handover.program.path, bytes_span(&p.list), p.sockets, p.n, server_snapshot(r->server)->config->handover_ms},
                            &hooks, err);
    bytes_clear(&p.list);
    free(p.sockets);
    return s;
}

static void on_lent(void *ctx)
{
    struct run *r = ctx;
    const struct server_socket *lent;
    struct err err = {0};
    size_t n;
    if (server_lent(r->server, &lent, &n) != 0)
        err_set(&err, ERR_IO, "no more descriptors or memory: raise LimitNOFILE= or ulimit -n");
    else
        r->handover.successor = start(r, lent, n, &err);
    server_lend_stop(r->server);
    r->handover.gathers = false;
    if (r->handover.successor == NULL)
        fail(r, err.text);
}

static void begin(struct run *r)
{
    log_say(LOG_LEVEL_INFO, "handover", "starting %s, which is to take over", r->handover.program.path);
    r->handover.gathers = server_lend(r->server, on_lent, r) == 0;
    if (!r->handover.gathers)
        fail(r, "out of memory");
}

/* Why there cannot be one; NULL: there can. */
static const char *obstacle(const struct run *r)
{
    int signal_of_parent = 0;
    if (getpid() == 1)
        return "mtlsd is process 1, and everything here ends with it: replace the container instead";
    if (prctl(PR_GET_PDEATHSIG, &signal_of_parent, 0, 0, 0) == 0 && signal_of_parent != 0)
        return "the process that started mtlsd waits for its end, as mtlsd wrap does: restart that instead";
    if (r->handover.program.path == NULL)
        return "the path of the program was not known at the start: restart mtlsd instead";
    return NULL;
}

void run_handover_prepare(struct run *r, const struct config *config)
{
    struct err err = {0};
    if (own_program_find(&r->handover.program) != 0 || obstacle(r) != NULL)
        return;
    r->handover.starter = starter_new(&r->handover.program, config->user, config->group, &err);
    if (r->handover.starter == NULL)
        log_say(LOG_LEVEL_WARN, "handover", "SIGUSR2 will be refused: the process that starts new ones cannot be made: %s", err.text);
}

void run_handover_end(struct run *r)
{
    starter_free(r->handover.starter);
    own_program_clear(&r->handover.program);
    free(r->handover.last_error);
}

void run_handover_ask(struct run *r)
{
    const char *why = obstacle(r);
    if (server_is_draining(r->server))
        log_say(LOG_LEVEL_WARN, "handover", "nothing was done: this process drains already");
    else if (is_busy(r) || r->handover.wanted)
        log_say(LOG_LEVEL_WARN, "handover", "nothing was done: a new process is being started already");
    else if (why != NULL || r->handover.starter == NULL)
        fail(r, why != NULL ? why : "the process that starts new ones could not be made at the start: restart mtlsd instead");
    else if (r->reload.queue.running)
        r->handover.wanted = true;
    else
        begin(r);
}

void run_handover_go_on(struct run *r)
{
    bool wanted = r->handover.wanted;
    r->handover.wanted = false;
    if (wanted && !server_is_draining(r->server))
        begin(r);
}

bool run_handover_delays_reload(struct run *r)
{
    r->handover.has_reload = is_busy(r);
    return r->handover.has_reload;
}

void run_handover_stop(struct run *r)
{
    bool was_busy = is_busy(r);
    server_lend_stop(r->server);
    successor_stop(r->handover.successor);
    r->handover.gathers = false;
    r->handover.successor = NULL;
    if (was_busy)
        log_say(LOG_LEVEL_WARN, "handover", "given up: this process ends, and ended the new one");
    r->handover.wanted = false;
    if (r->handover.has_reload) {
        r->handover.has_reload = false;
        run_reload_refuse(r, "the daemon ends");
    }
}

/* ---- in the new process ---- */

int run_handover_wait(void *ctx, struct err *err)
{
    struct run *r = ctx;
    if (predecessor_wait(r->before, MTLSD_VERSION, err) != 0)
        return -1;
    target_memory_restore(server_snapshot(r->server), predecessor_memory(r->before));
    return 0;
}

static bool is_used(void *ctx, const char *name)
{
    const struct config *config = ctx;
    if (config->admin_socket != NULL && strcmp(config->admin_socket, name) == 0)
        return true;
    for (size_t i = 0; i < config->n_listeners; i++)
        for (size_t b = 0; b < config->listeners[i].n_bind; b++)
            if (strcmp(config->listeners[i].bind_text[b], name) == 0)
                return true;
    return false;
}

void run_handover_settle(struct run *r)
{
    struct config *config = server_snapshot(r->server)->config;
    if (r->before == NULL)
        return;
    if (r->admin != NULL && run_passed_name(config->admin_socket) == NULL)
        admin_listener_own(r->admin, config->admin_socket);
    predecessor_settle(r->before, is_used, config);
    predecessor_free(r->before);
    r->before = NULL;
}
