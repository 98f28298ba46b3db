/* SPDX-License-Identifier: Apache-2.0 */
/* A WebSocket of a client of HTTP/2 goes to a server of HTTP/1.1 while the n-th allocation of the proxy fails, for every n: it is there, or it is not. */
#include "failing.h"
#include "h2_app.h"
#include "mtlsd/http/http_websocket.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct wire w;

static void answer(struct wire *on, struct wire_socket *s)
{
    (void)on;
    char accept[HTTP_WEBSOCKET_ACCEPT_SIZE], text[256];
    const char *key = strstr(wire_got(s), "Sec-WebSocket-Key: ");
    if (s->requests > 0 || key == NULL || strstr(key, "\r\n\r\n") == NULL)
        return;
    s->requests = 1;
    ck_assert_int_eq(http_websocket_write_accept(span_of(key + 19, 24), accept), 0);
    snprintf(text, sizeof(text), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\nhello", accept);
    wire_answer(s, text);
}

static bool proxy_works(void)
{
    return wire_proxy_works;
}

/* Whether the client has heard the server. */
static bool talk(unsigned n, bool up_by_http2, bool *any)
{
    const struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_HTTP};
    struct h2_app app;
    wire_open(&w, &setup);
    w.injector.target[0].http = up_by_http2 ? PLAN_HTTP2 : PLAN_HTTP1;
    w.on_backend = answer;
    h2_app_open(&app, &w);
    failing_here = proxy_works;
    failing_arm(n, false);
    struct h2_app_stream *s = h2_app_connect(&app, "websocket", "/chat", NULL);
    h2_app_run(&app);
    *any = failing_disarm();
    failing_here = NULL;
    bool heard = s->status == 200 && strcmp(h2_app_body(s), "hello") == 0;
    ck_assert(s->status != 200 || heard || s->reset || app.goaway || app.socket->got_reset || app.socket->got_end);
    h2_app_close(&app);
    wire_close(&w);
    return heard;
}

START_TEST(a_websocket_is_there_or_not)
{
    bool any = true;
    unsigned n = 0;
    for (; any; n++) {
        bool heard = talk(n, _i == 1, &any);
        ck_assert_msg(heard || any, "nothing failed, and yet");
    }
    ck_assert_uint_gt(n, 20);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("no_memory_for_websocket");
    TCase *c = tcase_create("flow");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_websocket_is_there_or_not, 0, 2);
    suite_add_tcase(s, c);
    return s;
}
