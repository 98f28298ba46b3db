/* SPDX-License-Identifier: Apache-2.0 */
#include "key_process.h"
#include "key_token.h"

#include "mtlsd/io/clock.h"
#include "mtlsd/io/file.h"
#include "mtlsd/io/key_pair.h"
#include "mtlsd/io/privilege.h"
#include "mtlsd/io/sandbox.h"
#include "mtlsd/io/workload_client.h"
#include "mtlsd/keys/key_message.h"
#include "mtlsd/keys/key_service.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STACK_BYTES = 256 * 1024, READ_BYTES = 4096 };

struct process {
    struct key_process_order order;
    struct key_service *service;
    pthread_mutex_t becoming; /* for sandbox, which any thread of a channel may be told to change */
    struct sandbox_facts sandbox;
    struct workload_client *workload; /* NULL: none is configured */
    struct workload_files files;
    pthread_mutex_t changes;
    pthread_rwlock_t store;
};

struct channel {
    struct process *process;
    int fd;
};

/* ---- the process itself ---- */

/* The parent may be gone already, and each change of the user forgets the order. */
static void end_with_parent(const struct process *p)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != p->order.parent)
        _exit(0);
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Kernels before 5.9 have no such call, and a filter may not know it. */
static void close_from_to(unsigned first, unsigned last)
{
    if (first > last || close_range(first, last, 0) == 0)
        return;
    long most = sysconf(_SC_OPEN_MAX);
    for (unsigned fd = first; fd <= last && (long)fd < most; fd++)
        close((int)fd);
}

/* An image of nothing but this program may have no /dev. */
static int open_null(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    return fd >= 0 ? fd : memfd_create("null", MFD_CLOEXEC);
}

/* All but its own: a log, a listening socket or a database would be kept open by it. */
static int close_others(const struct key_process_order *order)
{
    int *kept = calloc(order->n + 2, sizeof(*kept)), null = open_null();
    unsigned n = order->n;
    if (kept == NULL || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        return -1;
    for (unsigned i = 0; i < order->n; i++)
        kept[i] = order->channels[i];
    kept[n++] = order->life;
    if (order->workload != NULL)
        kept[n++] = order->notices;
    qsort(kept, n, sizeof(*kept), by_number);
    unsigned next = STDERR_FILENO + 1;
    for (unsigned i = 0; i < n; next = (unsigned)kept[i++] + 1)
        close_from_to(next, (unsigned)kept[i] - 1);
    close_from_to(next, ~0U);
    free(kept);
    return 0;
}

/* A stop or a reload of the daemon is signalled to its whole group, and must find keys until the daemon has ended. */
static void ignore_signals(void)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU};
    sigset_t none;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int protect(const struct process *p)
{
    const struct rlimit no_core = {0, 0};
    end_with_parent(p);
    prctl(PR_SET_NAME, "mtlsd-keys", 0, 0, 0);
    setrlimit(RLIMIT_CORE, &no_core); /* which a filter of the service manager may refuse; the next one is enough */
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -1;
}

/* As of the process of connections. */
static void restrict_files(struct process *p)
{
    p->sandbox.off = p->order.sandbox == NULL;
    if (!p->sandbox.off)
        sandbox_files(p->order.sandbox, &p->sandbox);
}

/* Not before the user has changed, which the filter forbids. */
static void filter_calls(struct process *p)
{
    if (!p->sandbox.off)
        sandbox_calls((struct sandbox_needs){.listens = false, .connects = p->order.workload != NULL}, &p->sandbox);
}

/* Once when it is ready and once when it has become the user. Not waiting: a request can come more often than it is read. */
static bool report(const struct process *p)
{
    return send(p->order.life, &p->sandbox, sizeof(p->sandbox), MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(p->sandbox);
}

/* ---- what the service calls ---- */

static int become(void *ctx, struct err *err)
{
    struct process *p = ctx;
    pthread_mutex_lock(&p->becoming);
    int rc = p->order.user != NULL ? privilege_drop(p->order.user, err) : 0;
    end_with_parent(p);
    if (rc == 0 && p->order.user != NULL)
        filter_calls(p);
    (void)report(p);
    pthread_mutex_unlock(&p->becoming);
    return rc;
}

static void change(void *ctx, bool begin)
{
    struct process *p = ctx;
    if (begin)
        pthread_mutex_lock(&p->changes);
    else
        pthread_mutex_unlock(&p->changes);
}

static void own(void *ctx, bool begin)
{
    struct process *p = ctx;
    if (begin)
        pthread_rwlock_wrlock(&p->store);
    else
        pthread_rwlock_unlock(&p->store);
}

static void share(void *ctx, bool begin)
{
    struct process *p = ctx;
    if (begin)
        pthread_rwlock_rdlock(&p->store);
    else
        pthread_rwlock_unlock(&p->store);
}

static int pack_workload(void *ctx, bool wait, struct bytes *packed)
{
    struct process *p = ctx;
    return workload_client_view(p->workload, wait, packed);
}

/* ---- the Workload API ---- */

/* One byte says as much as several: a full socket is no loss. */
static void on_workload(void *ctx)
{
    const struct process *p = ctx;
    (void)!send(p->order.notices, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int start_workload(struct process *p)
{
    struct err err = {0};
    if (p->order.workload == NULL)
        return 0;
    struct workload_order order = *p->order.workload;
    order.on_change = on_workload;
    order.ctx = p;
    p->workload = workload_client_start(&order, &err);
    p->files.ctx = p->workload;
    p->files.text = workload_files_of_client;
    return p->workload != NULL ? 0 : -1;
}

/* ---- requests ---- */

static void send_all(int fd, struct bytes *out)
{
    while (out->len > 0) {
        struct span s = bytes_span(out);
        ssize_t n = send(fd, s.ptr, s.len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            _exit(0); /* the parent has gone */
        bytes_consume(out, n > 0 ? (size_t)n : 0);
    }
}

static void answer_all(const struct channel *c, struct bytes *in, struct bytes *out)
{
    struct span message;
    uint32_t number;
    size_t used;
    int found;
    while ((found = key_message_frame(bytes_span(in), KEY_REQUEST_MAX, &number, &message, &used)) == 1) {
        if (key_service_answer(c->process->service, number, message, out) != 0)
            _exit(KEY_PROCESS_DISTRUSTS);
        bytes_consume(in, used);
        send_all(c->fd, out);
    }
    if (found < 0)
        _exit(KEY_PROCESS_DISTRUSTS);
}

static void *serve(void *ctx)
{
    const struct channel *c = ctx;
    struct bytes in, out;
    bytes_init(&in, KEY_REQUEST_MAX + KEY_HEAD_BYTES + READ_BYTES);
    bytes_init(&out, KEY_ANSWER_MAX + KEY_HEAD_BYTES);
    for (;;) {
        uint8_t *room = bytes_reserve(&in, READ_BYTES);
        if (room == NULL)
            _exit(KEY_PROCESS_LACKS_MEMORY);
        ssize_t n = recv(c->fd, room, READ_BYTES, 0);
        if (n == 0 || (n < 0 && errno != EINTR))
            _exit(0); /* the parent has gone */
        bytes_commit(&in, n > 0 ? (size_t)n : 0);
        answer_all(c, &in, &out);
    }
    return NULL;
}

static int start_threads(struct process *p, struct channel *channels)
{
    pthread_attr_t attributes;
    pthread_t thread;
    if (pthread_attr_init(&attributes) != 0 || pthread_attr_setstacksize(&attributes, STACK_BYTES) != 0)
        return -1;
    for (unsigned i = 0; i < p->order.n; i++) {
        channels[i] = (struct channel){p, p->order.channels[i]};
        if (i > 0 && pthread_create(&thread, &attributes, serve, &channels[i]) != 0)
            return -1;
    }
    return 0;
}

_Noreturn void key_process_run(const struct key_process_order *order)
{
    struct process p = {.order = *order, .becoming = PTHREAD_MUTEX_INITIALIZER, .changes = PTHREAD_MUTEX_INITIALIZER, .store = PTHREAD_RWLOCK_INITIALIZER};
    struct key_service_order service = {.ctx = &p, .become = become, .now = clock_now, .workload = order->workload != NULL ? pack_workload : NULL,
                                        .change = change, .own = own, .share = share, .apart = key_token_apart, .pairs = &key_pair_files_disk};
    struct channel *channels = calloc(order->n, sizeof(*channels));
    mallopt(M_ARENA_MAX, 2);
    ignore_signals();
    p.files.under = *file_source_disk();
    privilege_look_as(order->user, &p.files.under);
    service.files = workload_files_source(&p.files);
    restrict_files(&p);
    p.service = key_service_new(&service);
    if (protect(&p) != 0 || close_others(order) != 0 || channels == NULL || p.service == NULL || start_workload(&p) != 0 || start_threads(&p, channels) != 0)
        _exit(KEY_PROCESS_UNPROTECTED);
    pthread_mutex_lock(&p.becoming);
    if (order->user == NULL)
        filter_calls(&p);
    if (!report(&p))
        _exit(0);
    pthread_mutex_unlock(&p.becoming);
    serve(&channels[0]);
    _exit(0);
}
