/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/fetch.h"
#include "fetch_guard.h"

#include "mtlsd/policy/special_address.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { SLOW_BYTES = 512, SLOW_SECONDS = 10 };

struct fetch {
    char *url, *tag, *modified; /* owned */
    struct fetch_guard guard;
    unsigned within_ms;
    fetch_done_fn done;
    void *ctx;
    uv_thread_t thread;
    uv_async_t over;
    struct crl_fetch_answer answer;
};

static void free_fetch(struct fetch *f)
{
    bytes_clear(&f->answer.body);
    bytes_clear(&f->guard.body);
    free(f->url);
    free(f->tag);
    free(f->modified);
    free(f);
}

/* ---- on the thread ---- */

static struct curl_slist *add_condition(struct curl_slist *list, const char *name, const char *value)
{
    char line[CRL_FETCH_TAG + 32];
    if (value[0] == '\0')
        return list;
    snprintf(line, sizeof(line), "%s: %s", name, value);
    struct curl_slist *more = curl_slist_append(list, line);
    return more != NULL ? more : list; /* without the condition the whole list comes */
}

#define SET(option, value) rc = rc != CURLE_OK ? rc : curl_easy_setopt(curl, option, value)

static CURLcode set_call(CURL *curl, struct fetch *f, struct curl_slist *headers)
{
    CURLcode rc = fetch_guard_set(curl, &f->guard);
    SET(CURLOPT_TIMEOUT_MS, (long)f->within_ms);
    SET(CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
    SET(CURLOPT_LOW_SPEED_TIME, (long)SLOW_SECONDS);
    SET(CURLOPT_URL, f->url);
    SET(CURLOPT_HTTPHEADER, headers);
    return rc;
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
            return false;
    return true;
}

/* It is sent back the next time, so it must not hold a line of its own. */
static void keep_header(CURL *curl, const char *name, char out[CRL_FETCH_TAG])
{
    struct curl_header *h;
    if (curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK && strlen(h->value) < CRL_FETCH_TAG && is_printable(h->value))
        snprintf(out, CRL_FETCH_TAG, "%s", h->value);
}

static void note_end(CURL *curl, struct fetch *f, CURLcode code)
{
    long status = 0;
    struct crl_fetch_answer *a = &f->answer;
    if (code == CURLE_OK)
        code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && status > 0) {
        a->status = (unsigned)status;
        keep_header(curl, "ETag", a->tag);
        keep_header(curl, "Last-Modified", a->modified);
    } else {
        fetch_guard_tell(&f->guard, code, "crl_urls", a->error, sizeof(a->error));
    }
}

static void run(void *ctx)
{
    struct fetch *f = ctx;
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = add_condition(NULL, "If-None-Match", f->tag);
    headers = add_condition(headers, "If-Modified-Since", f->modified);
    if (curl != NULL) {
        CURLcode code = set_call(curl, f, headers);
        note_end(curl, f, code == CURLE_OK ? curl_easy_perform(curl) : code);
    } else
        snprintf(f->answer.error, sizeof(f->answer.error), "out of memory");
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    uv_async_send(&f->over);
}

/* ---- on the loop ---- */

static void on_closed(uv_handle_t *handle)
{
    free_fetch(handle->data);
}

static void on_over(uv_async_t *async)
{
    struct fetch *f = async->data;
    uv_thread_join(&f->thread);
    f->answer.body = f->guard.body;
    f->guard.body = (struct bytes){0};
    f->answer.too_large = f->guard.too_large;
    f->done(f->ctx, f->url, &f->answer);
    uv_close((uv_handle_t *)async, on_closed);
}

struct fetch *fetch_start(struct uv_loop_s *loop, const struct fetch_order *order, fetch_done_fn done, void *ctx, struct err *err)
{
    struct fetch *f = calloc(1, sizeof(*f));
    if (f == NULL || !fetch_guard_begin() || (f->url = strdup(order->url)) == NULL || (f->tag = strdup(order->tag)) == NULL ||
        (f->modified = strdup(order->modified)) == NULL || uv_async_init(loop, &f->over, on_over) != 0) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        if (f != NULL)
            free_fetch(f);
        return NULL;
    }
    f->guard.forbids = order->anywhere ? NULL : special_address_is_near;
    f->within_ms = order->within_ms;
    f->done = done;
    f->ctx = ctx;
    f->over.data = f;
    bytes_init(&f->guard.body, order->max_bytes);
    uv_unref((uv_handle_t *)&f->over);
    if (uv_thread_create(&f->thread, run, f) == 0)
        return f;
    (void)err_set(err, ERR_IO, "no thread can be made");
    uv_close((uv_handle_t *)&f->over, on_closed);
    return NULL;
}
