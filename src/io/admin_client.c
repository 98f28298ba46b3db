/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/admin_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MAX_BODY = 65 << 20 };

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    return bytes_append(ctx, data, size * n) == 0 ? size * n : 0;
}

static const char *what_to_do(long system_error)
{
    switch (system_error) {
    case ENOENT:
        return "there is no such socket: is mtlsd running with this admin.socket?";
    case ECONNREFUSED:
        return "nobody answers there: the instance that made it is gone";
    case EACCES:
    case EPERM:
        return "permission denied: run this as the user mtlsd runs as, or as root";
    default:
        return NULL;
    }
}

static int explain(CURL *curl, CURLcode code, const struct admin_call *call, struct err *err)
{
    long system_error = 0;
    curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &system_error);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(err, ERR_IO, "admin socket %s: no answer within %u s", call->socket, call->timeout_ms / 1000);
    const char *advice = code == CURLE_COULDNT_CONNECT ? what_to_do(system_error) : NULL;
    return err_set(err, ERR_IO, "admin socket %s: %s", call->socket, advice != NULL ? advice : curl_easy_strerror(code));
}

static CURLcode set_options(CURL *curl, const struct admin_call *call, struct bytes *body)
{
    char url[256];
    int n = snprintf(url, sizeof(url), "http://localhost%s", call->path);
    if (n < 0 || (size_t)n >= sizeof(url))
        return CURLE_URL_MALFORMAT;
    CURLcode rc = curl_easy_setopt(curl, CURLOPT_URL, url);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, call->socket);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    if (strcmp(call->method, "POST") != 0)
        return rc;
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(curl, CURLOPT_POST, 1L);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
    return rc != CURLE_OK ? rc : curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, "");
}

int admin_client_call(const struct admin_call *call, unsigned *status, struct bytes *body, struct err *err)
{
    bytes_init(body, MAX_BODY);
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        return err_set(err, ERR_MEMORY, "admin socket %s: out of memory", call->socket);
    long answered = 0;
    CURLcode code = set_options(curl, call, body);
    if (code == CURLE_OK)
        code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answered);
    *status = (unsigned)answered;
    int rc = code == CURLE_OK ? 0 : explain(curl, code, call, err);
    if (rc != 0)
        bytes_clear(body);
    curl_easy_cleanup(curl);
    return rc;
}
