/* SPDX-License-Identifier: Apache-2.0 */
/* The key and its answer by which both ends of a WebSocket handshake show that they mean one (RFC 6455 section 4). HTTP/2 has neither (RFC 8441 section 5), so
 * that between the two versions of HTTP they are made and checked here. */
#ifndef MTLSD_HTTP_HTTP_WEBSOCKET_H
#define MTLSD_HTTP_HTTP_WEBSOCKET_H

#include "mtlsd/base/attr.h"
#include "mtlsd/http/http_head.h"

#define HTTP_WEBSOCKET_KEY "Sec-WebSocket-Key"
#define HTTP_WEBSOCKET_ACCEPT "Sec-WebSocket-Accept"
enum { HTTP_WEBSOCKET_KEY_SIZE = 25, HTTP_WEBSOCKET_ACCEPT_SIZE = 29 };

/* A key of 16 bytes, which should be random. -1: out of memory. */
MUST_CHECK int http_websocket_write_key(uint64_t high, uint64_t low, char out[HTTP_WEBSOCKET_KEY_SIZE]);
/* The one key of a request. Empty: it has none, several, or a key that is not 16 bytes in base64. */
struct span http_websocket_key(const struct http_head *h);
/* The answer that a server must give to that key. -1: the library failed. */
MUST_CHECK int http_websocket_write_accept(struct span key, char out[HTTP_WEBSOCKET_ACCEPT_SIZE]);
/* The response has exactly the answer to that key. */
bool http_websocket_accepts(const struct http_head *h, struct span key);

#endif
