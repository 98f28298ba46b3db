/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/fetch.h"

#include "mtlsd/policy/special_address.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { SLOW_BYTES = 512, SLOW_SECONDS = 10, CONNECT_MS = 10000, HEAD_MAX = 64 << 10 };

struct fetch {
    char *url, *tag, *modified; /* owned */
    bool anywhere;
    size_t max_bytes;
    unsigned within_ms;
    fetch_done_fn done;
    void *ctx;
    uv_thread_t thread;
    uv_async_t over;
    const char *refused; /* the kind of address that was not connected to; NULL */
    bool opened;         /* another one was */
    const char *odd;     /* what is wrong with the head; NULL */
    size_t head_bytes;
    struct crl_fetch_answer answer;
};

static void free_fetch(struct fetch *f)
{
    bytes_clear(&f->answer.body);
    free(f->url);
    free(f->tag);
    free(f->modified);
    free(f);
}

/* ---- on the thread ---- */

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct fetch *f = ctx;
    if (size * n <= f->max_bytes - f->answer.body.len)
        return bytes_append(&f->answer.body, data, size * n) == 0 ? size * n : 0;
    f->answer.too_large = true;
    return 0;
}

static const char has_transfer_coding[] = "the answer has an unrequested transfer coding";

/* Nothing is decoded that was packed: a few packed bytes can cost more than there is of time and memory, and libcurl unpacks a transfer coding unasked. */
static const char *judge_field(struct span name, struct span value)
{
    if (span_equals_nocase_str(name, "transfer-encoding") && !span_equals_nocase_str(value, "chunked"))
        return has_transfer_coding;
    if (span_equals_nocase_str(name, "content-encoding") && !span_equals_nocase_str(value, "identity"))
        return "the answer is compressed, which was not requested";
    return NULL;
}

static size_t on_head(char *data, size_t size, size_t n, void *ctx)
{
    struct fetch *f = ctx;
    struct span line = span_of(data, size * n);
    f->head_bytes += line.len;
    if (f->head_bytes > HEAD_MAX) {
        f->odd = "the head of the answer is too large";
        return 0;
    }
    while (line.len > 0 && (data[line.len - 1] == '\n' || data[line.len - 1] == '\r'))
        line.len--;
    const char *colon = line.len > 0 ? memchr(data, ':', line.len) : NULL;
    if (colon == NULL)
        return size * n;
    size_t at = (size_t)(colon - data);
    f->odd = judge_field(span_trim(span_of(data, at)), span_trim(span_skip(line, at + 1)));
    return f->odd == NULL ? size * n : 0;
}

static const char *kind_of(const struct curl_sockaddr *address)
{
    if (address->family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)&address->addr;
        return special_address_kind((const uint8_t *)&in->sin_addr, 4);
    }
    if (address->family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)&address->addr;
        return special_address_kind((const uint8_t *)&in->sin6_addr, 16);
    }
    return "reserved";
}

/* Looks at the address itself: a name says nothing about where it leads. */
static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetch *f = ctx;
    (void)purpose;
    const char *kind = kind_of(address);
    if (!f->anywhere && special_address_is_near(kind)) {
        f->refused = kind;
        return CURL_SOCKET_BAD;
    }
    f->opened = true;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

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

static CURLcode set_bounds(CURL *curl, const struct fetch *f)
{
    CURLcode rc = CURLE_OK;
    SET(CURLOPT_PROTOCOLS_STR, "http");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, (long)f->within_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    SET(CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
    SET(CURLOPT_LOW_SPEED_TIME, (long)SLOW_SECONDS);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    return rc;
}

static CURLcode set_call(CURL *curl, struct fetch *f, struct curl_slist *headers)
{
    CURLcode rc = set_bounds(curl, f);
    SET(CURLOPT_URL, f->url);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_HEADERFUNCTION, on_head);
    SET(CURLOPT_HEADERDATA, f);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, f);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
    SET(CURLOPT_OPENSOCKETDATA, f);
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
    } else if (code == CURLE_BAD_CONTENT_ENCODING) /* libcurl 8 looks before on_head is called */
        snprintf(a->error, sizeof(a->error), "%s", has_transfer_coding);
    else if (f->odd != NULL)
        snprintf(a->error, sizeof(a->error), "%s", f->odd);
    else if (f->refused != NULL && !f->opened)
        snprintf(a->error, sizeof(a->error), "its address is %s; list it in crl_urls to allow it", f->refused);
    else
        snprintf(a->error, sizeof(a->error), "%s", code == CURLE_OK ? "no answer" : curl_easy_strerror(code));
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
    f->done(f->ctx, f->url, &f->answer);
    uv_close((uv_handle_t *)async, on_closed);
}

struct fetch *fetch_start(struct uv_loop_s *loop, const struct fetch_order *order, fetch_done_fn done, void *ctx, struct err *err)
{
    static bool curl_is_ready; /* libcurl must be told before there are threads; only loops' main thread comes here */
    struct fetch *f = calloc(1, sizeof(*f));
    if (!curl_is_ready)
        curl_is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    if (f == NULL || !curl_is_ready || (f->url = strdup(order->url)) == NULL || (f->tag = strdup(order->tag)) == NULL ||
        (f->modified = strdup(order->modified)) == NULL || uv_async_init(loop, &f->over, on_over) != 0) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        if (f != NULL)
            free_fetch(f);
        return NULL;
    }
    f->anywhere = order->anywhere;
    f->max_bytes = order->max_bytes;
    f->within_ms = order->within_ms;
    f->done = done;
    f->ctx = ctx;
    f->over.data = f;
    bytes_init(&f->answer.body, order->max_bytes);
    uv_unref((uv_handle_t *)&f->over);
    if (uv_thread_create(&f->thread, run, f) == 0)
        return f;
    (void)err_set(err, ERR_IO, "no thread can be made");
    uv_close((uv_handle_t *)&f->over, on_closed);
    return NULL;
}
