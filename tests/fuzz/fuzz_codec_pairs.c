/* SPDX-License-Identifier: Apache-2.0 */
/* C3, C5: whatever an app says in HTTP/1.1 or HTTP/2, through two proxies that speak either between them, a backend of HTTP/1.1 gets whole messages that a strict
 * reader understands, and in the end no connection is left. Input: a byte that says which versions and steps, then what the app says. */
#include "fuzz.h"

#include "http2_frames.h"
#include "wire.h"

#include "mtlsd/http/http1.h"

enum { APP_HTTP2 = 1, HOP_HTTP2 = 2, SMALL_STEPS = 4, PIECE = 32, SOCKETS_MOST = WIRE_SOCKETS - 10 };

static struct wire w;

/* Each stream may open two connections, and a wire has few: beyond this many they are refused. */
static void bound(void)
{
    size_t used = 0;
    for (size_t i = 0; i < WIRE_SOCKETS; i++)
        used += w.sockets[i].used;
    enum wire_connect connect = used < SOCKETS_MOST ? WIRE_CONNECT_WORKS : WIRE_CONNECT_REFUSED;
    w.injector.connect = w.verifier.connect = connect;
    w.injector.n_seen = w.verifier.n_seen = 0;
}

static void say(struct wire_socket *app, struct span in)
{
    for (size_t n; in.len > 0 && !app->got_end && !app->got_reset; in = span_skip(in, n)) {
        n = in.len < PIECE ? in.len : PIECE;
        bound();
        wire_say_span(app, span_of(in.ptr, n));
        wire_run(&w);
    }
}

static void greet(struct wire_socket *app)
{
    struct bytes frames = {.max = 1000};
    http2_frames(&frames, "PRI\nS\nSA\n");
    say(app, bytes_span(&frames));
    bytes_clear(&frames);
}

/* All that one connection brought. The last request may be cut. */
static void check_backend(struct wire_socket *s)
{
    struct http1 *reader = http1_new(true, 1 << 20, 1000);
    struct span in = bytes_span(&s->up.log), data;
    enum http1_event event;
    while ((event = http1_next(reader, &in, &data)) != HTTP1_MORE && event != HTTP1_UPGRADED) {
        assert(event != HTTP1_BAD);
        if (event == HTTP1_HEAD)
            assert(http_head_find(http1_head(reader), "Host").ptr != NULL || http1_head(reader)->minor == 0);
    }
    http1_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_HTTP};
    if (n == 0)
        return 0;
    wire_open(&w, &setup);
    w.injector.target[0].http = bytes[0] & HOP_HTTP2 ? PLAN_HTTP2 : PLAN_HTTP1;
    w.on_backend = wire_backend_http;
    w.reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    w.step = bytes[0] & SMALL_STEPS ? 7 : WIRE_ALL;
    struct wire_socket *app = wire_connect(&w);
    if (bytes[0] & APP_HTTP2)
        greet(app);
    say(app, span_of(bytes + 1, n - 1));
    bound();
    wire_end(&app->up);
    wire_finish(&w);
    assert(wire_client(&w.injector) == NULL && wire_client(&w.verifier) == NULL);
    struct wire_socket *s;
    for (size_t i = 0; (s = wire_backend_socket(&w, i)) != NULL; i++)
        check_backend(s);
    wire_close(&w);
    return 0;
}
