/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_websocket.h"

#include "mtlsd/base/text.h"
#include "mtlsd/tls/tls_digest.h"

#include <string.h>

enum { KEY_BYTES = 16, KEY_LEN = HTTP_WEBSOCKET_KEY_SIZE - 1, ACCEPT_LEN = HTTP_WEBSOCKET_ACCEPT_SIZE - 1 };

/* out has room for what n bytes are in base64, and its end. */
static int write_base64(const uint8_t *from, size_t n, char *out)
{
    struct bytes text;
    bytes_init(&text, HTTP_WEBSOCKET_ACCEPT_SIZE);
    int rc = text_append_base64(&text, span_of(from, n));
    if (rc == 0)
        memcpy(out, bytes_span(&text).ptr, text.len);
    out[rc == 0 ? text.len : 0] = '\0';
    bytes_clear(&text);
    return rc;
}

int http_websocket_write_key(uint64_t high, uint64_t low, char out[HTTP_WEBSOCKET_KEY_SIZE])
{
    uint8_t key[KEY_BYTES];
    memcpy(key, &high, sizeof(high));
    memcpy(key + sizeof(high), &low, sizeof(low));
    return write_base64(key, sizeof(key), out);
}

/* The only field of that name; empty: there is none, or there are several. */
static struct span find_one(const struct http_head *h, const char *name)
{
    struct span found = span_of(NULL, 0);
    unsigned n = 0;
    for (size_t i = 0; i < h->n_fields; i++) {
        if (!span_equals_nocase_str(h->fields[i].name, name))
            continue;
        found = h->fields[i].value;
        n++;
    }
    return n == 1 ? found : span_of(NULL, 0);
}

static bool is_digit(uint8_t c)
{
    uint8_t low = c | 0x20;
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

struct span http_websocket_key(const struct http_head *h)
{
    struct span key = find_one(h, HTTP_WEBSOCKET_KEY);
    size_t n = 0;
    while (n < key.len && is_digit(key.ptr[n]))
        n++;
    bool sound = key.len == KEY_LEN && n == KEY_LEN - 2 && key.ptr[n] == '=' && key.ptr[n + 1] == '=';
    return sound ? key : span_of(NULL, 0);
}

int http_websocket_write_accept(struct span key, char out[HTTP_WEBSOCKET_ACCEPT_SIZE])
{
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 section 1.3 */
    uint8_t text[KEY_LEN + sizeof(magic) - 1], digest[TLS_DIGEST_SHA1_SIZE];
    if (key.len != KEY_LEN)
        return -1;
    memcpy(text, key.ptr, KEY_LEN);
    memcpy(text + KEY_LEN, magic, sizeof(magic) - 1);
    return tls_digest_sha1(span_of(text, sizeof(text)), digest) != 0 ? -1 : write_base64(digest, sizeof(digest), out);
}

bool http_websocket_accepts(const struct http_head *h, struct span key)
{
    char wanted[HTTP_WEBSOCKET_ACCEPT_SIZE];
    return http_websocket_write_accept(key, wanted) == 0 && span_equals_str(find_one(h, HTTP_WEBSOCKET_ACCEPT), wanted);
}
