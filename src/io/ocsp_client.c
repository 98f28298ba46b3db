/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/ocsp_client.h"
#include "fetch_guard.h"

#include "mtlsd/io/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

enum { LOOK_US = 50 * 1000, LONG_MS = 60 * 1000 };

struct call { /* one question on its way */
    CURL *curl;
    struct call *next;
    struct tls_ocsp_order *order; /* counted */
    struct fetch_guard guard;
    unsigned within_ms;
    struct ocsp_client *client;
};

struct ocsp_client {
    struct tls_ocsp_store *store; /* counted */
    struct ocsp_client_hooks hooks;
    CURLM *multi;
    struct curl_slist *headers;
    struct call *calls; /* that run */
    uint64_t looked_us;
    atomic_bool stopping;
    uv_thread_t thread;
};

/* ---- the end of a question ---- */

static void end_call(struct ocsp_client *c, struct call *call, const char *fault)
{
    char told[TLS_OCSP_FAULT_SIZE];
    const struct tls_ocsp_result result = {bytes_span(&call->guard.body), fault};
    uint64_t random = (clock_monotonic_us() * UINT64_C(0x9e3779b97f4a7c15)) >> 20;
    enum tls_ocsp_news news = tls_ocsp_store_answered(c->store, call->order, &result, clock_now(), random, told);
    if (news == TLS_OCSP_REVOKES)
        c->hooks.on_revoked(c->hooks.ctx);
    if (news == TLS_OCSP_FAILED && !c->stopping)
        c->hooks.on_failure(c->hooks.ctx, told);
    struct call **at = &c->calls;
    while (*at != NULL && *at != call)
        at = &(*at)->next;
    if (*at != NULL)
        *at = call->next;
    tls_ocsp_order_unref(call->order);
    bytes_clear(&call->guard.body);
    free(call);
}

/* NULL: it is an answer. */
static const char *judge_head(CURL *curl)
{
    static const char type[] = "application/ocsp-response";
    static _Thread_local char fault[64];
    const char *given = NULL;
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &given);
    if (status != 200)
        snprintf(fault, sizeof(fault), "it answers %ld%s", status, status / 100 == 3 ? "; redirects are not followed" : "");
    else if (given == NULL || strncasecmp(given, type, sizeof(type) - 1) != 0)
        snprintf(fault, sizeof(fault), "its answer is not of type %s", type);
    else
        return NULL;
    return fault;
}

static void on_end(struct ocsp_client *c, CURL *curl, CURLcode code)
{
    struct call *call = NULL;
    char fault[TLS_OCSP_FAULT_SIZE];
    curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&call);
    const struct tls_ocsp_question *q = tls_ocsp_order_question(call->order);
    const char *why = fault;
    if (call->guard.too_large)
        snprintf(fault, sizeof(fault), "its answer is larger than %d bytes", TLS_OCSP_ANSWER_BYTES);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        snprintf(fault, sizeof(fault), "it did not answer within %u ms (ocsp_timeout)", q->timeout_ms);
    else if (code != CURLE_OK)
        fetch_guard_tell(&call->guard, code, "ocsp_hosts", fault, sizeof(fault));
    else
        why = judge_head(curl);
    curl_multi_remove_handle(c->multi, curl);
    curl_easy_cleanup(curl);
    end_call(c, call, why);
}

/* ---- its beginning ---- */

static bool is_special(const char *kind)
{
    return kind != NULL;
}

#define SET(option, value) rc = rc != CURLE_OK ? rc : curl_easy_setopt(curl, option, value)

static CURLcode set_call(CURL *curl, struct call *call)
{
    const struct tls_ocsp_question *q = tls_ocsp_order_question(call->order);
    CURLcode rc = fetch_guard_set(curl, &call->guard);
    SET(CURLOPT_TIMEOUT_MS, (long)call->within_ms);
    SET(CURLOPT_URL, q->url);
    SET(CURLOPT_HTTPHEADER, call->client->headers);
    SET(CURLOPT_POSTFIELDSIZE, (long)q->request.len);
    SET(CURLOPT_POSTFIELDS, q->request.ptr); /* not copied: the order holds it */
    SET(CURLOPT_FORBID_REUSE, 1L);           /* each connection is to an address that was looked at */
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L);             /* the end of a question does not wait for a name server that hangs: other responders would wait too */
    SET(CURLOPT_PRIVATE, call);
    return rc;
}

/* Takes order. */
static void begin_call(struct ocsp_client *c, struct tls_ocsp_order *order, unsigned within_ms)
{
    struct call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        char told[TLS_OCSP_FAULT_SIZE];
        tls_ocsp_store_answered(c->store, order, &(struct tls_ocsp_result){.fault = "out of memory"}, clock_now(), 0, told);
        tls_ocsp_order_unref(order);
        return;
    }
    call->order = order;
    call->client = c;
    call->within_ms = within_ms;
    call->guard.forbids = tls_ocsp_order_question(order)->anywhere ? NULL : is_special;
    bytes_init(&call->guard.body, TLS_OCSP_ANSWER_BYTES);
    call->next = c->calls;
    c->calls = call;
    call->curl = curl_easy_init();
    if (call->curl != NULL && set_call(call->curl, call) == CURLE_OK && curl_multi_add_handle(c->multi, call->curl) == CURLM_OK)
        return;
    curl_easy_cleanup(call->curl);
    end_call(c, call, "out of memory");
}

/* ---- the thread ---- */

static bool end_calls(struct ocsp_client *c)
{
    bool any = false;
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(c->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        on_end(c, message->easy_handle, message->data.result);
        any = true;
    }
    return any;
}

static void begin_calls(struct ocsp_client *c)
{
    struct tls_ocsp_order *order;
    unsigned within_ms;
    while ((order = tls_ocsp_store_take(c->store, clock_monotonic_us(), &within_ms)) != NULL)
        begin_call(c, order, within_ms);
}

static void run(void *ctx)
{
    struct ocsp_client *c = ctx;
    int running;
    while (!c->stopping) {
        uint64_t now_us = clock_monotonic_us();
        bool ended = false;
        begin_calls(c);
        curl_multi_perform(c->multi, &running);
        ended = end_calls(c);
        if (now_us - c->looked_us >= LOOK_US) {
            c->looked_us = now_us;
            ended = tls_ocsp_store_look(c->store, clock_now(), now_us) || ended;
        }
        if (ended)
            c->hooks.on_answers(c->hooks.ctx);
        begin_calls(c);
        int wait_ms = tls_ocsp_store_wait_ms(c->store, clock_now());
        curl_multi_poll(c->multi, NULL, 0, wait_ms < 0 || wait_ms > LONG_MS ? LONG_MS : wait_ms, NULL);
    }
}

static void on_ask(void *ctx)
{
    struct ocsp_client *c = ctx;
    curl_multi_wakeup(c->multi);
}

/* ---- life ---- */

static void clear(struct ocsp_client *c)
{
    curl_multi_cleanup(c->multi);
    curl_slist_free_all(c->headers);
    tls_ocsp_store_unref(c->store);
    free(c);
}

/* Without "Expect: 100-continue", which would cost a round trip. */
static struct curl_slist *make_headers(void)
{
    static const char *const lines[] = {"Content-Type: application/ocsp-request", "Accept: application/ocsp-response", "Expect:"};
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

struct ocsp_client *ocsp_client_start(struct tls_ocsp_store *store, const struct ocsp_client_hooks *hooks, struct err *err)
{
    struct ocsp_client *c = fetch_guard_begin() ? calloc(1, sizeof(*c)) : NULL;
    if (c == NULL) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    c->store = tls_ocsp_store_ref(store);
    c->hooks = *hooks;
    c->multi = curl_multi_init();
    c->headers = make_headers();
    atomic_init(&c->stopping, false);
    if (c->multi != NULL && c->headers != NULL && uv_thread_create(&c->thread, run, c) == 0) {
        tls_ocsp_store_listen(store, on_ask, c);
        return c;
    }
    (void)err_set(err, ERR_IO, "no thread can be made for OCSP");
    clear(c);
    return NULL;
}

void ocsp_client_stop(struct ocsp_client *c)
{
    if (c == NULL)
        return;
    tls_ocsp_store_listen(c->store, NULL, NULL);
    c->stopping = true;
    curl_multi_wakeup(c->multi);
    uv_thread_join(&c->thread);
    while (c->calls != NULL) {
        struct call *call = c->calls;
        curl_multi_remove_handle(c->multi, call->curl);
        curl_easy_cleanup(call->curl);
        end_call(c, call, "mtlsd stops");
    }
    clear(c);
}
