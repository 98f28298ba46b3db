/* SPDX-License-Identifier: Apache-2.0 */
#include "wrap.h"
#include "command.h"
#include "mtlsd/io/notify_listener.h"
#include "mtlsd/io/probe.h"
#include "mtlsd/io/probe_target.h"
#include "mtlsd/policy/reason.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 100, RETRY_MS = 500, BY_SIGNAL = 128 };

/* Signals that end, pause or talk to a program. INT and the others of the keyboard reach it from the terminal by themselves. */
static const int passed_on[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH};

static void fill(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
        sigaddset(set, passed_on[i]);
}

static void unblock(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* As PID 1 of a container we inherit processes, too. */
static void reap(struct wrap *w)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == w->daemon) {
            w->daemon = 0;
            w->daemon_status = status;
        } else if (pid == w->child) {
            w->child = 0;
            w->child_status = status;
        }
    }
}

static int code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : WIFSIGNALED(status) ? BY_SIGNAL + WTERMSIG(status) : COMMAND_FAILED;
}

/* A signal while nothing runs yet ends the wait; it is left to be taken. */
static bool is_told_to_end(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGQUIT) == 1);
}

/* ---- the daemon ---- */

static void become_daemon(const struct wrap *w, const char *notify, pid_t parent)
{
    char *const argv[] = {"mtlsd", "run", "-c", (char *)(uintptr_t)w->path, NULL};
    setpgid(0, 0); /* the terminal's Ctrl-C goes to the program, and the daemon ends after it */
    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    unblock();
    if (getppid() == parent && setenv("NOTIFY_SOCKET", notify, 1) == 0)
        execv("/proc/self/exe", argv);
    _exit(COMMAND_FAILED);
}

int wrap_start_daemon(struct wrap *w)
{
    struct err err = {0};
    char name[NOTIFY_NAME_SIZE];
    sigset_t ours;
    fill(&ours);
    sigprocmask(SIG_BLOCK, &ours, NULL);
    struct notify_listener *listener = notify_listener_new(name, &err);
    if (listener == NULL) {
        command_fail_err(&err);
        return -1;
    }
    pid_t parent = getpid();
    w->daemon = fork();
    if (w->daemon == 0)
        become_daemon(w, name, parent);
    double end = probe_seconds() + w->wait_s;
    bool ready = false;
    while (w->daemon > 0 && !ready && probe_seconds() < end && !is_told_to_end()) {
        ready = notify_listener_hears(listener, "READY=1", LOOK_MS);
        reap(w);
    }
    notify_listener_free(listener);
    if (ready && w->daemon > 0)
        return 0;
    command_fail(COMMAND_FAILED, "%s", w->daemon < 0 ? strerror(errno) : is_told_to_end() ? "ended by a signal before the program was started"
                                                  : w->daemon == 0 ? "the daemon ended; its last lines say why" : "the daemon is not ready in time");
    return -1;
}

/* ---- the upstreams ---- */

static bool is_there(const struct plan_target *target, const struct snapshot *snapshot, struct probe_target *t)
{
    probe_target_try(t, snapshot, target);
    return t->reason == REASON_VALID;
}

/* One target of an upstream is enough. */
static bool works(const struct plan_upstream *up, const struct snapshot *snapshot, struct probe_target *t)
{
    for (size_t i = 0; i < up->n_targets; i++)
        if (is_there(&up->targets[i], snapshot, t))
            return true;
    return false;
}

static void say_waiting(const struct plan_upstream *up, const struct probe_target *t)
{
    fprintf(stderr, "mtlsd: waiting for upstream %s (%s): %s%s%s\n", up->conf->name, t->target->conf->text, reason_word(t->reason), t->text[0] != '\0' ? ": " : "",
            t->text);
}

int wrap_try_upstreams(struct wrap *w, const struct snapshot *snapshot)
{
    double end = probe_seconds() + w->wait_s;
    for (size_t i = 0; i < snapshot->config->n_upstreams; i++) {
        const struct plan_upstream *up = &snapshot->upstreams[i];
        enum reason said = REASON_UNDECIDED;
        struct probe_target t;
        if (up->conf->serves != CONFIG_SERVE_NONE)
            continue;
        while (!works(up, snapshot, &t)) {
            if (t.reason != said)
                say_waiting(up, &t);
            said = t.reason;
            reap(w);
            if (w->daemon > 0 && probe_seconds() < end && !is_told_to_end()) {
                probe_pause(RETRY_MS);
                continue;
            }
            command_fail(COMMAND_FAILED, "upstream %s does not accept a connection: the program was not started", up->conf->name);
            return -1;
        }
    }
    return 0;
}

/* ---- the program ---- */

static void become_app(const struct wrap *w, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    unblock();
    signal(SIGPIPE, SIG_DFL);
    if (w->proxy != NULL)
        setenv("http_proxy", w->proxy, 0);
    if (getppid() == parent)
        execvp(w->app[0], w->app);
    int error = errno;
    command_fail(COMMAND_FAILED, "%s: %s", w->app[0], strerror(error));
    _exit(error == ENOENT ? 127 : 126); /* as shells do */
}

/* The keyboard's reach the program without us. */
static bool is_from_a_process(const siginfo_t *info)
{
    return info->si_code <= 0;
}

/* Until one of the two has ended. */
static void watch(struct wrap *w)
{
    sigset_t ours;
    fill(&ours);
    while (w->child > 0 && w->daemon > 0) {
        siginfo_t info;
        int number = sigwaitinfo(&ours, &info);
        if (number == SIGCHLD)
            reap(w);
        else if (number > 0 && is_from_a_process(&info))
            kill(w->child, number);
    }
}

static void end_child(pid_t *pid, struct wrap *w)
{
    sigset_t ours;
    fill(&ours);
    if (*pid > 0)
        kill(*pid, SIGTERM);
    while (*pid > 0) {
        siginfo_t info;
        int number = sigwaitinfo(&ours, &info);
        if (number == SIGCHLD)
            reap(w);
        else if (number == SIGTERM || number == SIGINT || number == SIGQUIT)
            kill(*pid, number); /* a second one ends it at once */
    }
}

int wrap_run(struct wrap *w)
{
    pid_t parent = getpid();
    w->child = fork();
    if (w->child == 0)
        become_app(w, parent);
    if (w->child < 0) {
        w->child = 0;
        return command_fail(COMMAND_FAILED, "%s", strerror(errno));
    }
    watch(w);
    if (w->child == 0)
        return code_of(w->child_status);
    command_fail(COMMAND_FAILED, "the daemon ended before the program, which is ended too");
    end_child(&w->child, w);
    return COMMAND_FAILED;
}

void wrap_end(struct wrap *w)
{
    if (w->daemon > 0)
        end_child(&w->daemon, w);
}

/* ---- the proxy ---- */

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]:", 6) == 0 || strncmp(address, "localhost:", 10) == 0;
}

void wrap_find_proxy(const struct config *config, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; i < config->n_listeners; i++) {
        const struct config_listener *l = &config->listeners[i];
        for (size_t k = 0; l->forward_proxy.present && k < l->n_bind; k++) {
            if (!is_loopback(l->bind_text[k]))
                continue;
            snprintf(out, size, "http://%s", l->bind_text[k]);
            return;
        }
    }
}
