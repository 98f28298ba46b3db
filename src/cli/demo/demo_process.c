/* SPDX-License-Identifier: Apache-2.0 */
#include "demo.h"
#include "page.h"
#include "mtlsd/io/admin_client.h"
#include "mtlsd/io/file.h"
#include "mtlsd/io/probe.h"
#include "mtlsd/io/scratch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 10, ASK_MS = 2000, REFUSAL_MS = 3000, CONFIG_MODE = 0600, LOG_SHOWN = 500 };

static int make_path(char out[DEMO_PATH_MAX], const char *folder, const char *name, const char *suffix, struct err *err)
{
    int n = snprintf(out, DEMO_PATH_MAX, "%s/%s%s", folder, name, suffix);
    return n > 0 && n < DEMO_PATH_MAX ? 0 : err_set(err, ERR_IO, "%s: the folder's name is too long", folder);
}

/* Only what is safe between fork and exec. */
static void become(const struct demo_process *p, int log, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0); /* the terminal's Ctrl-C goes to the demo alone, which ends us */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    char *const argv[] = {"mtlsd", "run", "-c", (char *)(uintptr_t)p->config, NULL};
    if (getppid() == parent && dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0)
        execv("/proc/self/exe", argv);
    _exit(127);
}

int demo_process_start(struct demo_process *p, const char *folder, const char *name, struct span config, struct err *err)
{
    *p = (struct demo_process){.name = name};
    if (make_path(p->config, folder, name, ".conf", err) != 0 || make_path(p->log, folder, name, ".log", err) != 0 ||
        make_path(p->socket, folder, name, ".sock", err) != 0 || file_write(p->config, config, CONFIG_MODE, false, err) != 0)
        return -1;
    int log = scratch_log(p->log, err);
    if (log < 0)
        return -1;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(p, log, parent);
    probe_release(log);
    if (pid < 0)
        return err_set(err, ERR_IO, "cannot start the %s: %s", name, strerror(errno));
    p->pid = pid;
    return 0;
}

/* The end of its log, for the message of a failure. */
static int fail_with_log(const struct demo_process *p, const char *what, struct err *err)
{
    struct bytes log;
    if (file_read(p->log, &log, NULL, NULL) != 0)
        return err_set(err, ERR_IO, "the %s %s", p->name, what);
    struct span text = bytes_span(&log);
    if (text.len > LOG_SHOWN)
        text = span_skip(text, text.len - LOG_SHOWN);
    err_set(err, ERR_IO, "the %s %s; its log ends with:\n%.*s", p->name, what, (int)text.len, (const char *)text.ptr);
    bytes_clear(&log);
    return -1;
}

static bool has_ended(struct demo_process *p)
{
    if (waitpid(p->pid, NULL, WNOHANG) != p->pid)
        return false;
    p->pid = 0;
    return true;
}

int demo_process_ready(struct demo_process *p, unsigned within_ms, struct err *err)
{
    const struct admin_call call = {.socket = p->socket, .method = "GET", .path = "/readyz", .timeout_ms = ASK_MS};
    double deadline = probe_seconds() + within_ms / 1000.0;
    while (probe_seconds() < deadline) {
        unsigned status = 0;
        struct bytes body;
        if (has_ended(p))
            return fail_with_log(p, "ended before it was ready", err);
        if (admin_client_call(&call, &status, &body, NULL) == 0)
            bytes_clear(&body);
        if (status == 200)
            return 0;
        probe_pause(LOOK_MS);
    }
    return fail_with_log(p, "is not ready in time", err);
}

void demo_process_kill(pid_t pid)
{
    if (pid <= 0)
        return;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

int demo_process_stop(struct demo_process *p, unsigned within_ms)
{
    int status = 0;
    if (p->pid <= 0)
        return -1;
    kill(p->pid, SIGTERM);
    double deadline = probe_seconds() + within_ms / 1000.0;
    while (probe_seconds() < deadline) {
        if (waitpid(p->pid, &status, WNOHANG) == p->pid) {
            p->pid = 0;
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        }
        probe_pause(LOOK_MS);
    }
    demo_process_kill(p->pid);
    p->pid = 0;
    return -1;
}

int demo_process_refusals(const struct demo_process *p, struct demo_refusals *out, struct err *err)
{
    const struct admin_call call = {.socket = p->socket, .method = "GET", .path = "/refusals", .timeout_ms = ASK_MS};
    struct bytes body;
    unsigned status = 0;
    *out = (struct demo_refusals){0};
    if (admin_client_call(&call, &status, &body, err) != 0)
        return -1;
    json_t *root = json_loadb((const char *)bytes_span(&body).ptr, body.len, 0, NULL);
    const json_t *list = document_get(root, "refusals");
    for (size_t i = 0; i < json_array_size(list); i++) /* equal ones are one entry with their number */
        out->n += (size_t)document_number(json_array_get(list, i), "count");
    snprintf(out->newest, sizeof(out->newest), "%s", document_string(list, "0.reason", ""));
    int rc = json_is_array(list) ? 0 : err_set(err, ERR_IO, "the %s gives no list of refusals", p->name);
    json_decref(root);
    bytes_clear(&body);
    return rc;
}

int demo_process_next_refusal(const struct demo_process *p, size_t n, struct demo_refusals *out, struct err *err)
{
    double deadline = probe_seconds() + REFUSAL_MS / 1000.0;
    while (demo_process_refusals(p, out, err) == 0) {
        if (out->n > n)
            return 0;
        if (probe_seconds() > deadline)
            return err_set(err, ERR_IO, "the %s recorded no refusal", p->name);
        probe_pause(LOOK_MS);
    }
    return -1;
}
