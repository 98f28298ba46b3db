/* SPDX-License-Identifier: Apache-2.0 */
/* Row E1 (h2c): the one protocol that may be switched to, and nothing that only looks like it. */
#include "mtlsd/http/http1.h"
#include "mtlsd/http/http_upgrade.h"
#include "t.h"

#include <stdio.h>

static const struct {
    const char *why, *line, *fields;
    bool wanted;
} rows[] = {
    {"a WebSocket", "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket", true},
    {"in other case", "GET / HTTP/1.1", "cONNECTION: uPGRADE\r\nuPGRADE: WebSocket", true},
    {"among other options", "GET / HTTP/1.1", "Upgrade: websocket\r\nConnection: keep-alive, Upgrade", true},
    {"in the second Connection", "GET / HTTP/1.1", "Connection: x\r\nUpgrade: websocket\r\nConnection: upgrade", true},
    {"h2c", "GET / HTTP/1.1", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk", false},
    {"h2", "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: h2", false},
    {"TLS", "OPTIONS * HTTP/1.1", "Connection: Upgrade\r\nUpgrade: TLS/1.0", false},
    {"h2c beside it", "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket, h2c", false},
    {"h2c before it", "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: h2c, websocket", false},
    {"h2c in a second field", "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c", false},
    {"h2c in a first field", "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket", false},
    {"twice", "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket", false},
    {"with a version", "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket/13", false},
    {"nothing", "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade:", false},
    {"no Upgrade", "GET / HTTP/1.1", "Connection: Upgrade\r\nX: websocket", false},
    {"Connection does not name it", "GET / HTTP/1.1", "Connection: keep-alive\r\nUpgrade: websocket", false},
    {"Connection names something like it", "GET / HTTP/1.1", "Connection: upgrades\r\nUpgrade: websocket", false},
    {"no Connection", "GET / HTTP/1.1", "Upgrade: websocket", false},
    {"another method", "POST / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket", false},
    {"HTTP/1.0", "GET / HTTP/1.0", "Connection: Upgrade\r\nUpgrade: websocket", false},
    {"a body of no bytes", "GET / HTTP/1.1", "Content-Length: 0\r\nConnection: Upgrade\r\nUpgrade: websocket", true},
    {"a body", "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1", false},
    {"chunks", "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked", false},
    {"chunks of a body of no bytes", "GET / HTTP/1.1", "Transfer-Encoding: chunked\r\nConnection: Upgrade\r\nUpgrade: websocket", false},
    {"a body of no bytes, to h2c", "GET / HTTP/1.1", "Content-Length: 0\r\nConnection: Upgrade\r\nUpgrade: h2c", false},
    {"a response that switches not", "HTTP/1.1 200 OK", "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0", false},
    {"a response that asks for it", "HTTP/1.1 426 Upgrade", "Connection: Upgrade\r\nUpgrade: websocket", false},
};

START_TEST(E1_wants_a_WebSocket_and_nothing_else)
{
    char raw[512];
    snprintf(raw, sizeof(raw), "%s\r\nHost: h\r\n%s\r\n\r\n", rows[_i].line, rows[_i].fields);
    struct http1 *p = http1_new(rows[_i].line[0] != 'H', 4096, 32);
    struct span in = span_from_str(raw), data;
    ck_assert_int_eq(http1_next(p, &in, &data), HTTP1_HEAD);
    struct span wanted = http_upgrade_wanted(http1_head(p));
    ck_assert_msg(span_equals_str(wanted, rows[_i].wanted ? "websocket" : ""), "%s", rows[_i].why);
    http1_free(p);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_upgrade");
    TCase *tc = tcase_create("upgrades");
    tcase_add_loop_test(tc, E1_wants_a_WebSocket_and_nothing_else, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    suite_add_tcase(s, tc);
    return s;
}
