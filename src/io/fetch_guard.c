/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch_guard.h"

#include "mtlsd/policy/special_address.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { CONNECT_MS = 10000, HEAD_MAX = 64 << 10 };

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct fetch_guard *g = ctx;
    if (size * n <= g->body.max - g->body.len)
        return bytes_append(&g->body, data, size * n) == 0 ? size * n : 0;
    g->too_large = true;
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
    struct fetch_guard *g = ctx;
    struct span line = span_of(data, size * n);
    g->head_bytes += line.len;
    if (g->head_bytes > HEAD_MAX) {
        g->odd = "the head of the answer is too large";
        return 0;
    }
    while (line.len > 0 && (data[line.len - 1] == '\n' || data[line.len - 1] == '\r'))
        line.len--;
    const char *colon = line.len > 0 ? memchr(data, ':', line.len) : NULL;
    if (colon == NULL)
        return size * n;
    size_t at = (size_t)(colon - data);
    g->odd = judge_field(span_trim(span_of(data, at)), span_trim(span_skip(line, at + 1)));
    return g->odd == NULL ? size * n : 0;
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
    struct fetch_guard *g = ctx;
    (void)purpose;
    const char *kind = kind_of(address);
    if (g->forbids != NULL && g->forbids(kind)) {
        g->refused = kind;
        return CURL_SOCKET_BAD;
    }
    g->opened = true;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

#define SET(option, value) rc = rc != CURLE_OK ? rc : curl_easy_setopt(curl, option, value)

bool fetch_guard_begin(void)
{
    static bool ready;
    if (!ready)
        ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    return ready;
}

CURLcode fetch_guard_set(CURL *curl, struct fetch_guard *guard)
{
    CURLcode rc = CURLE_OK;
    SET(CURLOPT_PROTOCOLS_STR, "http");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_HEADERFUNCTION, on_head);
    SET(CURLOPT_HEADERDATA, guard);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, guard);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
    SET(CURLOPT_OPENSOCKETDATA, guard);
    return rc;
}

void fetch_guard_tell(const struct fetch_guard *guard, CURLcode code, const char *key, char *out, size_t out_size)
{
    if (code == CURLE_BAD_CONTENT_ENCODING) /* libcurl 8 looks before on_head is called */
        snprintf(out, out_size, "%s", has_transfer_coding);
    else if (guard->odd != NULL)
        snprintf(out, out_size, "%s", guard->odd);
    else if (guard->refused != NULL && !guard->opened)
        snprintf(out, out_size, "its address is %s; list it in %s to allow it", guard->refused, key);
    else
        snprintf(out, out_size, "%s", code == CURLE_OK ? "no answer" : curl_easy_strerror(code));
}
