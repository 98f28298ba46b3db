/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/key_client.h"
#include "key_channel.h"
#include "key_process.h"

#include "mtlsd/base/log.h"
#include "mtlsd/io/probe.h"
#include "mtlsd/keys/key_message.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

/* A signature takes milliseconds; a file may be on a slow file system. An end by itself takes no time. */
enum { SIGN_MS = 5000, READ_MS = 60000, END_MS = 1000, END_LOOK_MS = 5 };

struct key_client {
    struct identity_source source;
    struct key_channel *channels;
    unsigned n;
    pid_t pid; /* 0: it was waited for */
    int life;  /* readable when it has ended */
    struct sandbox_facts sandbox; /* of the process */
    atomic_uint sets; /* numbers that were given */
    atomic_bool unlocked, silent, ended;
    atomic_uint_least64_t refused; /* requests, as it last told */
    atomic_uint_least64_t late; /* a key whose token does not answer; 0: none */
    uv_poll_t *watch; /* NULL: none */
    void (*on_end)(void *ctx, const char *how);
    void *on_end_ctx;
    int notices;              /* of the Workload API; -1: none */
    uv_poll_t *notice_watch;  /* NULL: none */
    void (*on_notice)(void *ctx);
    void *on_notice_ctx;
};

/* Counted by its keys, and once while identities are read into it. */
struct identity_set {
    atomic_size_t refs;
    struct key_client *client;
    uint32_t number;
};

/* ---- requests ---- */

/* Each thread begins at another one, so that they do not meet. NULL: there are more threads than channels. */
static struct key_channel *take_channel(struct key_client *c)
{
    size_t from = (size_t)(((uintptr_t)pthread_self() >> 12) * 2654435761U);
    for (unsigned i = 0; i < c->n; i++) {
        struct key_channel *channel = &c->channels[(from + i) % c->n];
        if (key_channel_take(channel))
            return channel;
    }
    return NULL;
}

static void note_silence(struct key_client *c)
{
    if (!atomic_exchange(&c->silent, true))
        log_say(LOG_LEVEL_ERROR, "keys", "the key process (pid %d) does not answer within %d s: handshakes are refused until it does", (int)c->pid, SIGN_MS / 1000);
}

static void note_answer(struct key_client *c)
{
    if (atomic_load_explicit(&c->silent, memory_order_relaxed) && atomic_exchange(&c->silent, false))
        log_say(LOG_LEVEL_WARN, "keys", "the key process (pid %d) answers again", (int)c->pid);
}

/* While it is silent no thread waits again; answers that came since then show that it is not. */
static bool is_silent(struct key_client *c)
{
    if (!atomic_load_explicit(&c->silent, memory_order_relaxed))
        return false;
    for (unsigned i = 0; i < c->n; i++)
        if (key_channel_take(&c->channels[i])) { /* gives back what was late */
            if (c->channels[i].answered)
                note_answer(c);
            key_channel_give_back(&c->channels[i]);
        }
    return atomic_load(&c->silent);
}

struct conversation {
    const struct key_request *request;
    struct key_answer *answer;
    struct identity_files *files; /* NULL: the answer has none */
    int within_ms;
    struct bytes *workload; /* gets that of the answer; NULL: not wanted */
};

static int talk(struct key_client *c, struct key_channel *channel, const struct conversation *t, struct err *err)
{
    struct span message;
    uint32_t number = key_channel_next(channel);
    if (key_message_request(&channel->out, number, t->request) != 0)
        return key_channel_forget(channel), err_set(err, ERR_MEMORY, "out of memory for a request to the key process");
    enum key_channel_outcome outcome = key_channel_talk(channel, t->within_ms, &message);
    if (outcome == KEY_CHANNEL_LATE && t->request->kind == KEY_SIGN)
        note_silence(c);
    if (outcome == KEY_CHANNEL_ENDED)
        atomic_store(&c->ended, true);
    if (outcome != KEY_CHANNEL_ANSWERED)
        return err_set(err, ERR_IO, outcome == KEY_CHANNEL_LATE ? "the key process does not answer in time" : "the key process has ended");
    note_answer(c);
    int rc = key_message_read_answer(message, t->answer, t->files);
    if (rc == 0 && t->workload != NULL && t->answer->workload.len > 0)
        rc = bytes_append_span(t->workload, t->answer->workload);
    t->answer->workload = (struct span){0};
    key_channel_read(channel);
    if (rc == 0)
        atomic_store_explicit(&c->refused, t->answer->refused, memory_order_relaxed);
    return rc == 0 ? 0 : err_set(err, ERR_INTERNAL, "the answer of the key process is malformed");
}

/* 0: it was answered, well or not. */
static int ask(struct key_client *c, const struct conversation *t, struct err *err)
{
    if (is_silent(c))
        return err_set(err, ERR_IO, "the key process does not answer");
    struct key_channel *channel = take_channel(c);
    if (channel == NULL)
        return err_set(err, ERR_IO, "too many threads ask the key process");
    int rc = talk(c, channel, t, err);
    key_channel_give_back(channel);
    return rc;
}

/* ---- sets of keys ---- */

static struct identity_set *begin_set(void *ctx)
{
    struct key_client *c = ctx;
    struct identity_set *set = calloc(1, sizeof(*set));
    if (set == NULL)
        return NULL;
    atomic_init(&set->refs, 1);
    set->client = c;
    set->number = atomic_fetch_add(&c->sets, 1) + 1;
    return set;
}

/* Its keys are no longer asked for, so that their tokens cannot answer again. */
static void forget_late(struct key_client *c, uint32_t set)
{
    uint64_t late = atomic_load(&c->late);
    if (late >> 32 == set)
        atomic_compare_exchange_strong(&c->late, &late, 0);
}

static void give_back(struct key_client *c, const struct key_request *request)
{
    struct key_answer answer;
    struct err err = {0};
    if (ask(c, &(struct conversation){request, &answer, NULL, SIGN_MS, NULL}, &err) != 0 && !atomic_load(&c->ended) && request->kind == KEY_RELEASE)
        log_say(LOG_LEVEL_WARN, "keys", "the key process keeps keys that are no longer used: %s", err.text);
}

/* True: it was the last use, and the keys are gone. */
static bool end_use(struct identity_set *set)
{
    if (atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
        return false;
    forget_late(set->client, set->number);
    give_back(set->client, &(struct key_request){.kind = KEY_RELEASE, .set = set->number});
    free(set);
    return true;
}

static void end_set(struct identity_set *set)
{
    (void)end_use(set);
}

/* Another key of the set may be in use for long: as a certificate to go back to, or of one connection. */
static void end_key(void *ctx, uint64_t id)
{
    struct identity_set *set = ctx;
    struct key_client *c = set->client;
    if (!end_use(set))
        give_back(c, &(struct key_request){.kind = KEY_DROP, .key = id});
}

/* One at a time is told of, so that two tokens do not fill the log. */
static void note_token(struct key_client *c, uint64_t key, const struct key_answer *answer)
{
    uint64_t none = 0;
    if (!answer->fine && answer->err.kind == ERR_IO && atomic_compare_exchange_strong(&c->late, &none, key))
        log_say(LOG_LEVEL_ERROR, "keys", "a token does not answer: handshakes with its key are refused until it does: look after the token and its module");
    if (answer->fine && atomic_load_explicit(&c->late, memory_order_relaxed) == key && atomic_exchange(&c->late, 0) == key)
        log_say(LOG_LEVEL_WARN, "keys", "the token answers again");
}

static int sign(void *ctx, uint64_t id, const struct tls_signing *what, struct tls_signature *out)
{
    struct identity_set *set = ctx;
    struct key_request request = {.kind = KEY_SIGN, .key = id, .what = *what};
    struct key_answer answer;
    struct err err = {0};
    if (ask(set->client, &(struct conversation){&request, &answer, NULL, SIGN_MS, NULL}, &err) != 0)
        return -1;
    note_token(set->client, id, &answer);
    if (!answer.fine)
        return -1;
    out->n = answer.signature.n;
    memcpy(out->bytes, answer.signature.bytes, out->n);
    return 0;
}

static int issue(void *ctx, uint64_t id, struct span host, struct bytes *pem, struct err *err)
{
    struct identity_set *set = ctx;
    struct key_request request = {.kind = KEY_ISSUE, .key = id, .hosts = host};
    struct key_answer answer;
    struct identity_files files = {0};
    int rc = ask(set->client, &(struct conversation){&request, &answer, &files, SIGN_MS, NULL}, err);
    if (rc == 0 && !answer.fine)
        rc = err_set(err, answer.err.kind, "%s", answer.err.text);
    if (rc == 0 && bytes_append_span(pem, bytes_span(&files.certificate.text)) != 0)
        rc = err_set(err, ERR_MEMORY, "out of memory");
    identity_files_clear(&files);
    return rc;
}

static int read_identity(struct identity_set *set, const struct identity_order *order, struct identity_files *out, struct err *err)
{
    struct key_request request = {.kind = order->hosts != NULL ? KEY_READ_CA : KEY_READ,
                                  .set = set->number,
                                  .name = span_from_str(order->name),
                                  .key_path = span_from_str(order->key),
                                  .certificate_path = span_from_str(order->certificate),
                                  .chain_path = span_from_str(order->chain),
                                  .passphrase_path = span_from_str(order->passphrase),
                                  .pkcs12 = order->pkcs12,
                                  .hosts = span_from_str(order->hosts)};
    struct key_answer answer = {.fine = false};
    *out = (struct identity_files){0};
    int rc = ask(set->client, &(struct conversation){&request, &answer, out, READ_MS, NULL}, err);
    if (rc == 0 && !answer.fine)
        rc = err_set(err, ERR_MEMORY, "%s", answer.err.text);
    if (rc == 0 && answer.has_key) {
        atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
        out->signing_key = tls_signing_key_of(&(struct tls_signer){set, sign, order->hosts != NULL ? issue : NULL, end_key}, answer.key, &answer.facts);
        rc = out->signing_key != NULL ? 0 : err_set(err, ERR_MEMORY, "out of memory");
    }
    if (answer.unlocked)
        atomic_store(&set->client->unlocked, true);
    if (rc != 0)
        identity_files_clear(out);
    return rc;
}

/* ---- renewing ---- */

static int adopt_key(struct identity_set *set, const struct key_answer *answer, struct key_client_renewal *out, struct err *err)
{
    atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    out->id = answer->key;
    out->key = tls_signing_key_of(&(struct tls_signer){set, sign, NULL, end_key}, answer->key, &answer->facts);
    return out->key != NULL ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

int key_client_renew(struct key_client *c, const struct identity_order *order, struct key_client_renewal *out, struct err *err)
{
    struct identity_set *set = begin_set(c);
    struct key_answer answer = {.fine = false};
    struct identity_files files = {0};
    *out = (struct key_client_renewal){0};
    if (set == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    struct key_request request = {.kind = KEY_RENEW,
                                  .set = set->number,
                                  .name = span_from_str(order->name),
                                  .key_path = span_from_str(order->key),
                                  .certificate_path = span_from_str(order->certificate)};
    int rc = ask(c, &(struct conversation){&request, &answer, &files, READ_MS, NULL}, err);
    if (rc == 0 && !(answer.fine && answer.has_key))
        rc = err_set(err, ERR_CREDENTIAL, "%s", answer.err.text);
    if (rc == 0)
        rc = adopt_key(set, &answer, out, err);
    if (rc == 0) {
        out->request = files.key.text;
        files.key.text = (struct bytes){0};
    }
    identity_files_clear(&files);
    end_set(set);
    return rc;
}

int key_client_write(struct key_client *c, const struct key_client_renewal *renewal, struct span certificates, struct err *err)
{
    struct key_request request = {.kind = KEY_WRITE, .key = renewal->id, .certificate = certificates};
    struct key_answer answer = {.fine = false};
    if (ask(c, &(struct conversation){&request, &answer, NULL, READ_MS, NULL}, err) != 0)
        return -1;
    return answer.fine ? 0 : err_set(err, answer.err.kind, "%s", answer.err.text);
}

void key_client_renewal_clear(struct key_client_renewal *renewal)
{
    tls_signing_key_unref(renewal->key);
    bytes_clear(&renewal->request);
    *renewal = (struct key_client_renewal){0};
}

/* ---- the process ---- */

static void close_all(struct key_client *c)
{
    for (unsigned i = 0; i < c->n; i++)
        key_channel_clear(&c->channels[i]);
    if (c->life >= 0)
        close(c->life);
    if (c->notices >= 0)
        close(c->notices);
    c->life = c->notices = -1;
}

static void close_ends(const int *ends, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        close(ends[i]);
}

static int open_pair(int *ours, int *theirs, struct err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return err_set(err, ERR_IO, "cannot make a socket for the key process: %s", strerror(errno));
    *ours = pair[0];
    *theirs = pair[1];
    return 0;
}

/* theirs: the child's ends. Behind those for requests there is one that only lives and, with the Workload API, one for its notices. */
static int open_pairs(struct key_client *c, bool notices, int *theirs, unsigned *n, struct err *err)
{
    for (*n = 0; *n < c->n + 1 + notices; (*n)++) {
        int ours;
        if (open_pair(&ours, &theirs[*n], err) != 0)
            return -1;
        if (*n < c->n)
            key_channel_init(&c->channels[*n], ours);
        else
            *(*n == c->n ? &c->life : &c->notices) = ours;
    }
    return 0;
}

/* It is written at once, so that it is there as a whole. */
static bool take_report(struct key_client *c)
{
    struct sandbox_facts facts;
    if (recv(c->life, &facts, sizeof(facts), MSG_DONTWAIT) != (ssize_t)sizeof(facts))
        return false;
    c->sandbox = facts;
    return true;
}

/* Else the first identity would be told to be wrong. */
static int wait_ready(struct key_client *c, struct err *err)
{
    struct pollfd life = {.fd = c->life, .events = POLLIN};
    int rc;
    while ((rc = poll(&life, 1, SIGN_MS)) < 0 && errno == EINTR) {
    }
    if (rc == 1 && take_report(c))
        return 0;
    kill(c->pid, SIGKILL);
    waitpid(c->pid, NULL, 0);
    return err_set(err, ERR_IO, "the key process %s", rc == 0 ? "does not begin in time" : "cannot begin: raise the limits of processes and memory");
}

static int start(struct key_client *c, const struct key_client_order *how, struct err *err)
{
    unsigned n = 0;
    int *theirs = calloc(c->n + 2, sizeof(*theirs));
    if (theirs == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    int rc = open_pairs(c, how->workload != NULL, theirs, &n, err);
    const struct key_process_order order = {.channels = theirs, .n = c->n, .life = theirs[c->n], .parent = getpid(), .user = how->user, .sandbox = how->sandbox,
                                            .workload = how->workload, .notices = theirs[c->n + 1]};
    if (rc == 0 && (c->pid = fork()) == 0)
        key_process_run(&order);
    if (rc == 0 && c->pid < 0)
        rc = err_set(err, ERR_IO, "cannot start the key process: %s: raise the limits of processes and memory", strerror(errno));
    close_ends(theirs, n);
    free(theirs);
    return rc == 0 ? wait_ready(c, err) : rc;
}

struct key_client *key_client_new(const struct key_client_order *order, struct err *err)
{
    struct key_client *c = calloc(1, sizeof(*c));
    if (c != NULL)
        c->channels = calloc(order->threads, sizeof(*c->channels));
    if (c == NULL || c->channels == NULL) {
        free(c);
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    c->n = order->threads;
    c->life = c->notices = -1;
    for (unsigned i = 0; i < c->n; i++)
        key_channel_init(&c->channels[i], -1);
    c->source = (struct identity_source){c, begin_set, read_identity, end_set};
    if (start(c, order, err) == 0)
        return c;
    close_all(c);
    free(c->channels);
    free(c);
    return NULL;
}

/* It ends by itself when its sockets close, unless it is stopped. */
static void reap(struct key_client *c)
{
    for (int waited = 0; c->pid > 0 && waited < END_MS; waited += END_LOOK_MS) {
        pid_t ended = waitpid(c->pid, NULL, WNOHANG);
        if (ended == c->pid || (ended < 0 && errno == ECHILD))
            c->pid = 0;
        else
            probe_pause(END_LOOK_MS);
    }
    if (c->pid <= 0)
        return;
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    c->pid = 0;
}

void key_client_free(struct key_client *c)
{
    if (c == NULL)
        return;
    close_all(c);
    reap(c);
    free(c->channels);
    free(c);
}

const struct identity_source *key_client_source(const struct key_client *c)
{
    return &c->source;
}

bool key_client_is_locked(const struct key_client *c)
{
    return !atomic_load(&c->unlocked);
}

int key_client_become(struct key_client *c, struct err *err)
{
    struct key_request request = {.kind = KEY_BECOME};
    struct key_answer answer;
    if (ask(c, &(struct conversation){&request, &answer, NULL, SIGN_MS, NULL}, err) != 0)
        return -1;
    if (!take_report(c))
        return err_set(err, ERR_IO, "the key process does not tell its sandbox");
    return answer.fine ? 0 : err_set(err, ERR_IO, "%s", answer.err.text);
}

const struct sandbox_facts *key_client_sandbox(const struct key_client *c)
{
    return &c->sandbox;
}

/* ---- its end ---- */

static void describe_end(int status, char *out, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(out, size, "signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) == KEY_PROCESS_DISTRUSTS)
        snprintf(out, size, "a request that mtlsd never sends");
    else if (WEXITSTATUS(status) == KEY_PROCESS_LACKS_MEMORY)
        snprintf(out, size, "no memory");
    else
        snprintf(out, size, "exit code %d", WEXITSTATUS(status));
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void close_watch(uv_poll_t **watch)
{
    if (*watch != NULL)
        uv_close((uv_handle_t *)*watch, on_closed);
    *watch = NULL;
}

void key_client_unwatch(struct key_client *c)
{
    if (c == NULL)
        return;
    close_watch(&c->watch);
    close_watch(&c->notice_watch);
}

static void on_life(uv_poll_t *watch, int status, int events)
{
    struct key_client *c = watch->data;
    int how = 0;
    char text[64];
    (void)status;
    (void)events;
    while (c->pid > 0 && waitpid(c->pid, &how, 0) < 0 && errno == EINTR) {
    }
    describe_end(how, text, sizeof(text));
    c->pid = 0;
    key_client_unwatch(c);
    c->on_end(c->on_end_ctx, text);
}

static int watch(struct key_client *c, uv_poll_t **out, struct uv_loop_s *loop, int fd, uv_poll_cb on_event, struct err *err)
{
    *out = calloc(1, sizeof(**out));
    if (*out == NULL || uv_poll_init(loop, *out, fd) != 0) {
        free(*out);
        *out = NULL;
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    (*out)->data = c;
    int rc = uv_poll_start(*out, UV_READABLE | UV_DISCONNECT, on_event);
    uv_unref((uv_handle_t *)*out);
    return rc == 0 ? 0 : err_set(err, ERR_IO, "cannot watch the key process: %s", uv_strerror(rc));
}

int key_client_watch(struct key_client *c, struct uv_loop_s *loop, void (*on_end)(void *ctx, const char *how), void *ctx, struct err *err)
{
    c->on_end = on_end;
    c->on_end_ctx = ctx;
    return watch(c, &c->watch, loop, c->life, on_life, err);
}

/* ---- the Workload API ---- */

int key_client_workload(struct key_client *c, bool wait, struct bytes *packed, struct err *err)
{
    struct key_request request = {.kind = KEY_WORKLOAD, .wait = wait};
    struct key_answer answer;
    bytes_init(packed, KEY_ANSWER_MAX);
    int rc = ask(c, &(struct conversation){&request, &answer, NULL, wait ? READ_MS : SIGN_MS, packed}, err);
    if (rc == 0 && !answer.fine)
        rc = err_set(err, answer.err.kind, "%s", answer.err.text);
    if (rc != 0)
        bytes_clear(packed);
    return rc;
}

/* The end of the process is told of by on_life. */
static void on_notice(uv_poll_t *handle, int status, int events)
{
    struct key_client *c = handle->data;
    char bytes[64];
    ssize_t n;
    (void)status;
    (void)events;
    while ((n = recv(c->notices, bytes, sizeof(bytes), MSG_DONTWAIT)) == (ssize_t)sizeof(bytes)) {
    }
    if (n == 0)
        uv_poll_stop(handle);
    else
        c->on_notice(c->on_notice_ctx);
}

int key_client_watch_workload(struct key_client *c, struct uv_loop_s *loop, void (*on_change)(void *ctx), void *ctx, struct err *err)
{
    c->on_notice = on_change;
    c->on_notice_ctx = ctx;
    return c->notices >= 0 ? watch(c, &c->notice_watch, loop, c->notices, on_notice, err) : 0;
}

pid_t key_client_pid(const struct key_client *c)
{
    return c->pid;
}

bool key_client_answers(const struct key_client *c)
{
    return !atomic_load(&c->silent);
}

uint64_t key_client_refused(const struct key_client *c)
{
    return atomic_load_explicit(&c->refused, memory_order_relaxed);
}
