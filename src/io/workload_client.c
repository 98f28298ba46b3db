/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/workload_client.h"

#include "mtlsd/base/spiffe.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/tls/tls_key_memory.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <uv.h>

enum {
    EACH_US = 100 * 1000,         /* between two messages that are looked at */
    SILENT_US = 30 * 1000 * 1000, /* the first message of a stream may take this long */
    IDLE_MS = 1000,
    STACK_BYTES = 512 * 1024,
};

struct workload_client {
    char path[WORKLOAD_PATH_MAX];
    enum workload_method method;
    void (*on_change)(void *ctx);
    void *ctx;
    pthread_t thread;
    CURLM *multi;
    atomic_bool stop;
    uint64_t first_until_us;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t answered;
    struct workload_view view; /* with the keys */
    uv_async_t *wake;          /* of a loop that watches; NULL: none does */
    void (*on_wake)(void *ctx);
    void *on_wake_ctx;
};

struct attempt { /* one stream; of the thread alone */
    struct workload_client *client;
    struct workload_stream stream;
    struct workload_ending ending;
    struct err fault; /* why we end it */
    uint64_t begun_us, looked_us;
    bool accepted; /* a message of it */
};

/* ---- the state ---- */

static void tell(struct workload_client *c)
{
    if (c->on_change != NULL)
        c->on_change(c->ctx);
    pthread_mutex_lock(&c->lock);
    if (c->wake != NULL)
        uv_async_send(c->wake);
    pthread_mutex_unlock(&c->lock);
}

/* True: another one. With the lock. */
static bool note_state(struct workload_client *c, enum workload_state state, const char *error)
{
    bool other = c->view.state != state || strcmp(c->view.error, error) != 0;
    if (c->view.state != state)
        c->view.since = clock_now();
    c->view.state = state;
    snprintf(c->view.error, sizeof(c->view.error), "%s", error);
    return other;
}

/* Takes fresh, whose keys replace those before also where certificates are the same. */
static void use(struct workload_client *c, struct workload_set *fresh)
{
    pthread_mutex_lock(&c->lock);
    bool other = !workload_set_equals(&c->view.set, fresh);
    struct workload_set before = c->view.set;
    c->view.set = *fresh;
    c->view.generation += other;
    c->view.received = clock_now();
    other = note_state(c, WORKLOAD_CURRENT, "") || other;
    pthread_cond_broadcast(&c->answered);
    pthread_mutex_unlock(&c->lock);
    workload_set_clear(&before);
    if (other)
        tell(c);
}

/* The last good answer stays, unless the agent says that there is nothing for this process. */
static void lose(struct workload_client *c, enum workload_state state, const char *error)
{
    struct workload_set before = {0};
    pthread_mutex_lock(&c->lock);
    bool waits = state == WORKLOAD_LOST && c->view.received == 0, other = note_state(c, waits ? WORKLOAD_WAITING : state, error);
    if (state == WORKLOAD_DENIED && c->view.set.n_svids + c->view.set.n_bundles > 0) {
        before = c->view.set;
        c->view.set = (struct workload_set){0};
        c->view.generation++;
    }
    pthread_mutex_unlock(&c->lock);
    workload_set_clear(&before);
    if (other)
        tell(c);
}

static void refuse(struct workload_client *c, const struct err *err)
{
    char text[sizeof(c->view.error)];
    snprintf(text, sizeof(text), "refused what the agent gave, the last good answer stays in use: %.500s", err->text);
    pthread_mutex_lock(&c->lock);
    c->view.refused++;
    pthread_mutex_unlock(&c->lock);
    lose(c, WORKLOAD_LOST, text);
}

/* ---- a message ---- */

static void look_at(struct attempt *a)
{
    struct workload_client *c = a->client;
    struct workload_set set;
    struct err err = {0};
    struct tls_key_memory *memory = c->method == WORKLOAD_X509_SVID ? tls_key_memory_new() : NULL;
    if (c->method == WORKLOAD_X509_SVID && memory == NULL)
        (void)err_set(&err, ERR_MEMORY, "out of memory for keys");
    else if (workload_set_read(&set, c->method, bytes_span(&a->stream.latest), memory, &err) == 0) {
        a->accepted = true;
        use(c, &set);
    }
    tls_key_memory_unref(memory);
    if (err.kind != ERR_NONE)
        refuse(c, &err);
    bytes_wipe(&a->stream.latest);
    a->stream.has_latest = false;
    a->looked_us = clock_monotonic_us();
}

static uint64_t due_us(const struct attempt *a)
{
    return a->looked_us + EACH_US;
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct attempt *a = ctx;
    uint64_t before = a->stream.messages;
    int rc = a->ending.http == 200 || a->ending.http == 0 ? workload_stream_add(&a->stream, span_of(data, size * n), &a->fault) : 0;
    pthread_mutex_lock(&a->client->lock);
    a->client->view.messages += a->stream.messages - before;
    pthread_mutex_unlock(&a->client->lock);
    return rc == 0 ? size * n : 0;
}

static size_t on_line(char *data, size_t size, size_t n, void *ctx)
{
    struct attempt *a = ctx;
    workload_ending_line(&a->ending, span_of(data, size * n));
    return size * n;
}

/* ---- a stream ---- */

#define SET(option, value) rc = rc != CURLE_OK ? rc : curl_easy_setopt(curl, option, value)

static CURLcode set_call(CURL *curl, struct attempt *a, struct curl_slist *headers)
{
    static const char nothing[WORKLOAD_HEAD] = {0}; /* a message of no bytes */
    CURLcode rc = CURLE_OK;
    SET(CURLOPT_URL, a->client->method == WORKLOAD_X509_SVID ? "http://localhost/SpiffeWorkloadAPI/FetchX509SVID" : "http://localhost/SpiffeWorkloadAPI/FetchX509Bundles");
    SET(CURLOPT_UNIX_SOCKET_PATH, a->client->path);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    SET(CURLOPT_PROTOCOLS_STR, "http");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)WORKLOAD_FIRST_MS);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_POSTFIELDSIZE, (long)sizeof(nothing));
    SET(CURLOPT_POSTFIELDS, nothing);
    SET(CURLOPT_HEADERFUNCTION, on_line);
    SET(CURLOPT_HEADERDATA, a);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, a);
    return rc;
}

static struct curl_slist *make_headers(void)
{
    static const char *const lines[] = {"content-type: application/grpc", "te: trailers", "workload.spiffe.io: true", "user-agent: mtlsd", "Accept:", "Expect:"};
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct curl_slist *more = curl_slist_append(list, lines[i]);
        if (more == NULL) {
            curl_slist_free_all(list);
            return NULL;
        }
        list = more;
    }
    return list;
}

static int pause_ms(const struct attempt *a)
{
    uint64_t now = clock_monotonic_us(), due = due_us(a);
    if (!a->stream.has_latest)
        return IDLE_MS;
    return due > now ? (int)((due - now) / 1000) + 1 : 0;
}

/* Until the stream ends: 0, or what libcurl says. */
static CURLcode drive(struct attempt *a, CURL *curl)
{
    struct workload_client *c = a->client;
    int running = 1, left;
    CURLMsg *told;
    while (!atomic_load(&c->stop)) {
        if (curl_multi_perform(c->multi, &running) != CURLM_OK)
            return CURLE_OUT_OF_MEMORY;
        if (a->stream.has_latest && (running == 0 || clock_monotonic_us() >= due_us(a)))
            look_at(a);
        while ((told = curl_multi_info_read(c->multi, &left)) != NULL)
            if (told->msg == CURLMSG_DONE && told->easy_handle == curl)
                return told->data.result;
        if (a->stream.messages == 0 && clock_monotonic_us() - a->begun_us > SILENT_US) {
            (void)err_set(&a->fault, ERR_IO, "the agent gives no answer within %d s", SILENT_US / 1000 / 1000);
            return CURLE_OK;
        }
        curl_multi_poll(c->multi, NULL, 0, pause_ms(a), NULL);
    }
    return CURLE_OK;
}

static void end_attempt(struct attempt *a, CURL *curl, CURLcode code)
{
    struct workload_client *c = a->client;
    char text[sizeof(c->view.error)], why[400];
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a->ending.http);
    bool refused = a->fault.kind == ERR_PROTOCOL;
    if (a->fault.kind != ERR_NONE)
        snprintf(why, sizeof(why), "%.390s", a->fault.text);
    else if (code == CURLE_COULDNT_CONNECT)
        snprintf(why, sizeof(why), "cannot connect: start the agent, or correct SPIFFE_ENDPOINT_SOCKET");
    else
        snprintf(why, sizeof(why), "%s", curl_easy_strerror(code));
    enum workload_state state = workload_ending_state(&a->ending, code != CURLE_OK || a->fault.kind != ERR_NONE ? why : NULL, text, sizeof(text));
    if (refused)
        refuse(c, &a->fault);
    else
        lose(c, state, text);
}

/* True: it gave something good. */
static bool try_once(struct workload_client *c)
{
    struct attempt a = {.client = c, .ending = {.status = -1}, .begun_us = clock_monotonic_us()};
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = make_headers();
    pthread_mutex_lock(&c->lock);
    c->view.connects++;
    pthread_mutex_unlock(&c->lock);
    workload_stream_init(&a.stream);
    if (curl != NULL && headers != NULL && set_call(curl, &a, headers) == CURLE_OK && curl_multi_add_handle(c->multi, curl) == CURLM_OK) {
        CURLcode code = drive(&a, curl);
        if (!atomic_load(&c->stop))
            end_attempt(&a, curl, code);
        curl_multi_remove_handle(c->multi, curl);
    } else {
        lose(c, WORKLOAD_LOST, "out of memory for a stream");
    }
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    workload_stream_clear(&a.stream);
    return a.accepted;
}

static void wait_ms(struct workload_client *c, unsigned ms)
{
    uint64_t until = clock_monotonic_us() + (uint64_t)ms * 1000;
    for (uint64_t now; !atomic_load(&c->stop) && (now = clock_monotonic_us()) < until;)
        curl_multi_poll(c->multi, NULL, 0, (int)((until - now) / 1000) + 1, NULL);
}

static void *run(void *ctx)
{
    struct workload_client *c = ctx;
    unsigned failures = 0, random = 0;
    while (!atomic_load(&c->stop)) {
        failures = try_once(c) ? 1 : failures + 1;
        if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
            random = (unsigned)clock_monotonic_us();
        wait_ms(c, workload_backoff_ms(failures, random));
    }
    return NULL;
}

/* ---- its life ---- */

static void free_client(struct workload_client *c)
{
    curl_multi_cleanup(c->multi);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->answered);
    workload_view_clear(&c->view);
    free(c);
}

static struct workload_client *make(const struct workload_order *order)
{
    struct workload_client *c = calloc(1, sizeof(*c));
    pthread_condattr_t monotonic;
    if (c == NULL)
        return NULL;
    snprintf(c->path, sizeof(c->path), "%s", order->socket);
    snprintf(c->view.socket, sizeof(c->view.socket), "%s", order->socket);
    c->method = order->method;
    c->on_change = order->on_change;
    c->ctx = order->ctx;
    c->view.since = clock_now();
    c->first_until_us = clock_monotonic_us() + WORKLOAD_FIRST_MS * UINT64_C(1000);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->answered, &monotonic);
    pthread_condattr_destroy(&monotonic);
    c->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
    if (c->multi != NULL)
        return c;
    free_client(c);
    return NULL;
}

struct workload_client *workload_client_start(const struct workload_order *order, struct err *err)
{
    struct workload_client *c = make(order);
    pthread_attr_t attributes;
    if (c == NULL) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    sigset_t all, before; /* signals are for other threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool runs = pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 && pthread_create(&c->thread, &attributes, run, c) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (runs) {
        pthread_attr_destroy(&attributes);
        return c;
    }
    (void)err_set(err, ERR_IO, "there can be no thread for the SPIFFE Workload API: raise the limits of processes and memory");
    free_client(c);
    return NULL;
}

void workload_client_stop(struct workload_client *c)
{
    if (c == NULL)
        return;
    atomic_store(&c->stop, true);
    curl_multi_wakeup(c->multi);
    pthread_join(c->thread, NULL);
    free_client(c);
}

/* ---- for readers ---- */

/* With the lock. */
static void wait_first(struct workload_client *c)
{
    const struct timespec until = {.tv_sec = (time_t)(c->first_until_us / 1000000), .tv_nsec = (long)(c->first_until_us % 1000000 * 1000)};
    while (c->view.received == 0 && !atomic_load(&c->stop))
        if (pthread_cond_timedwait(&c->answered, &c->lock, &until) == ETIMEDOUT)
            return;
}

static int no_answer(const struct workload_client *c, struct err *err)
{
    const char *why = c->view.error[0] != '\0' ? c->view.error : "no answer came: start the agent, or correct SPIFFE_ENDPOINT_SOCKET";
    return err_set(err, ERR_IO, "the SPIFFE Workload API at unix://%s: %s", c->path, why);
}

int workload_client_text(struct workload_client *c, const char *source, struct bytes *out, struct err *err)
{
    *out = (struct bytes){0};
    pthread_mutex_lock(&c->lock);
    wait_first(c);
    int rc = c->view.received != 0 ? workload_set_text(&c->view.set, source, out, err) : no_answer(c, err);
    pthread_mutex_unlock(&c->lock);
    if (rc != 0)
        bytes_wipe(out);
    return rc;
}

int workload_client_view(struct workload_client *c, bool wait, struct bytes *packed)
{
    pthread_mutex_lock(&c->lock);
    if (wait)
        wait_first(c);
    int rc = workload_view_pack(&c->view, packed);
    pthread_mutex_unlock(&c->lock);
    return rc;
}

/* ---- on a loop ---- */

static void on_wake(uv_async_t *wake)
{
    struct workload_client *c = wake->data;
    c->on_wake(c->on_wake_ctx);
}

int workload_client_watch(struct workload_client *c, struct uv_loop_s *loop, void (*on_change)(void *ctx), void *ctx, struct err *err)
{
    uv_async_t *wake = calloc(1, sizeof(*wake));
    if (wake == NULL || uv_async_init(loop, wake, on_wake) != 0) {
        free(wake);
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    wake->data = c;
    uv_unref((uv_handle_t *)wake);
    pthread_mutex_lock(&c->lock);
    c->on_wake = on_change;
    c->on_wake_ctx = ctx;
    c->wake = wake;
    pthread_mutex_unlock(&c->lock);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void workload_client_unwatch(struct workload_client *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    uv_async_t *wake = c->wake;
    c->wake = NULL;
    pthread_mutex_unlock(&c->lock);
    if (wake != NULL)
        uv_close((uv_handle_t *)wake, on_closed);
}

/* ---- as files ---- */

static int read_file(void *ctx, const char *path, struct bytes *out, struct file_facts *facts, struct err *err)
{
    const struct workload_files *f = ctx;
    if (!spiffe_is_source(path))
        return f->under.read(f->under.ctx, path, out, facts, err);
    *out = (struct bytes){0};
    *facts = (struct file_facts){.access.mode = 0600};
    if (f->text != NULL)
        return f->text(f->ctx, path, out, err);
    return err_set(err, ERR_CONFIG, "%s: the SPIFFE Workload API was not configured at the start: restart mtlsd, or hand over with SIGUSR2", path);
}

static int list_folder(void *ctx, const char *path, char ***names, size_t *n, struct err *err)
{
    const struct workload_files *f = ctx;
    return f->under.list(f->under.ctx, path, names, n, err);
}

static int look(void *ctx, const char *path, struct file_place *out)
{
    const struct workload_files *f = ctx;
    return spiffe_is_source(path) ? -1 : f->under.look(f->under.ctx, path, out);
}

static void name(void *ctx, const struct file_access *access, struct file_names *out)
{
    const struct workload_files *f = ctx;
    f->under.name(f->under.ctx, access, out);
}

struct file_source workload_files_source(struct workload_files *files)
{
    struct file_source s = files->under;
    s.ctx = files;
    s.read = read_file;
    s.list = list_folder;
    s.look = look;
    s.name = name;
    return s;
}

int workload_files_of_client(void *client, const char *source, struct bytes *out, struct err *err)
{
    return workload_client_text(client, source, out, err);
}
