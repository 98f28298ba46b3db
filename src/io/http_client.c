/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/http_client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BODY = 65 << 20 };

struct http_client {
    CURL *curl;
    const struct http_call *call; /* that is under way */
    struct http_reply *reply;
    uint64_t sent;
};

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct http_client *c = ctx;
    struct http_reply *r = c->reply;
    bool taken = c->call->take != NULL ? c->call->take(c->call->ctx, r->length, (const uint8_t *)data, size * n)
                                       : bytes_append(&r->body, data, size * n) == 0;
    r->length += size * n;
    return taken ? size * n : 0;
}

static size_t on_upload(char *data, size_t size, size_t n, void *ctx)
{
    struct http_client *c = ctx;
    uint64_t left = c->call->upload - c->sent;
    size_t piece = left < size * n ? (size_t)left : size * n;
    c->call->fill(c->call->ctx, c->sent, (uint8_t *)data, piece);
    c->sent += piece;
    return piece;
}

#define SET(option, value) rc = rc != CURLE_OK ? rc : curl_easy_setopt(c->curl, option, value)

static CURLcode set_upload(struct http_client *c)
{
    CURLcode rc = CURLE_OK;
    if (c->call->upload > 0) {
        SET(CURLOPT_UPLOAD, 1L);
        SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)c->call->upload);
        SET(CURLOPT_READFUNCTION, on_upload);
        SET(CURLOPT_READDATA, c);
    } else if (strcmp(c->call->method, "POST") == 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE, 0L);
        SET(CURLOPT_COPYPOSTFIELDS, "");
    }
    return rc;
}

static CURLcode set_options(struct http_client *c, struct curl_slist *fields)
{
    const struct http_call *call = c->call;
    char url[600];
    const char *host = call->host != NULL ? call->host : "127.0.0.1";
    bool v6 = strchr(host, ':') != NULL;
    int n = call->socket != NULL ? snprintf(url, sizeof(url), "http://localhost%s", call->path)
                                 : snprintf(url, sizeof(url), "http://%s%s%s:%u%s", v6 ? "[" : "", host, v6 ? "]" : "", (unsigned)call->port, call->path);
    CURLcode rc = n < 0 || (size_t)n >= sizeof(url) ? CURLE_URL_MALFORMAT : CURLE_OK;
    SET(CURLOPT_URL, url);
    SET(CURLOPT_UNIX_SOCKET_PATH, call->socket);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_HTTPHEADER, fields);
    SET(CURLOPT_TIMEOUT_MS, (long)call->within_ms);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, (long)call->silent_ms / 1000);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, c);
    return rc != CURLE_OK ? rc : set_upload(c);
}

/* "Expect:" removes the field, with which a large upload would wait for a 100 that never comes. */
static struct curl_slist *fields_of(const struct http_call *call)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; list != NULL && i < call->n_fields; i++) {
        struct curl_slist *more = curl_slist_append(list, call->fields[i]);
        if (more == NULL)
            curl_slist_free_all(list);
        list = more;
    }
    return list;
}

static int fail(struct http_client *c, CURLcode code, struct err *err)
{
    long system_error = 0;
    curl_easy_getinfo(c->curl, CURLINFO_OS_ERRNO, &system_error);
    bytes_clear(&c->reply->body);
    c->reply->system_error = (int)system_error;
    c->reply->timed_out = code == CURLE_OPERATION_TIMEDOUT;
    c->reply->unconnected = code == CURLE_COULDNT_CONNECT;
    return err_set(err, ERR_IO, "%s", curl_easy_strerror(code));
}

int http_client_call(struct http_client *c, const struct http_call *call, struct http_reply *reply, struct err *err)
{
    long status = 0;
    *reply = (struct http_reply){.status = 0};
    bytes_init(&reply->body, MAX_BODY);
    c->call = call;
    c->reply = reply;
    c->sent = 0;
    curl_easy_reset(c->curl); /* connections stay */
    struct curl_slist *fields = fields_of(call);
    CURLcode code = fields != NULL ? set_options(c, fields) : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK)
        code = curl_easy_perform(c->curl);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    reply->status = (unsigned)status;
    curl_slist_free_all(fields);
    return code == CURLE_OK ? 0 : fail(c, code, err);
}

struct http_client *http_client_new(void)
{
    struct http_client *c = calloc(1, sizeof(*c));
    if (c != NULL && (c->curl = curl_easy_init()) != NULL)
        return c;
    free(c);
    return NULL;
}

void http_client_free(struct http_client *c)
{
    if (c != NULL)
        curl_easy_cleanup(c->curl);
    free(c);
}
