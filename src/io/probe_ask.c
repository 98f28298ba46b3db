/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/probe_ask.h"

#include "mtlsd/http/http2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 3000, HEAD_MAX = 64 * 1024, FIELDS_MAX = 200, FRAMES_MAX = 64 * 1024, RUNS = 16 };

static const char unanswered[] = "the server closed the connection without an answer and without a reason";

static void say(struct probe_answer *a, enum reason reason, const char *text)
{
    a->reason = reason;
    snprintf(a->text, sizeof(a->text), "%s", text);
}

/* ---- HTTP/1.1 ---- */

static void judge_start(struct probe_answer *a, const char *start)
{
    if (strncmp(start, "HTTP/1.", 7) == 0 && strlen(start) >= 12)
        a->status = (unsigned)strtoul(start + 9, NULL, 10);
    else
        say(a, REASON_UPSTREAM_PROTOCOL, "the server answered a HEAD request with something that is not HTTP/1.1");
}

/* Reads until the status line is there. */
static void ask_http1(struct probe_answer *a, struct probe *p, struct span host)
{
    char request[600], start[32] = "";
    size_t have = 0, got = 1;
    int n = snprintf(request, sizeof(request), "HEAD / HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: mtlsd-check\r\nConnection: close\r\n\r\n",
                     (int)host.len, (const char *)host.ptr);
    if (!probe_send(p, span_of(request, (size_t)n)))
        return;
    while (have < sizeof(start) - 1 && got > 0) {
        got = probe_read(p, start + have, sizeof(start) - 1 - have);
        have += got;
    }
    if (have > 0)
        judge_start(a, start);
    else if (!probe_failed(p))
        say(a, REASON_UPSTREAM_CLOSED, unanswered);
}

/* ---- HTTP/2 ---- */

/* False: the probe failed, or memory ran out. */
static bool send_frames(struct probe *p, struct http2 *h)
{
    struct gather out;
    struct span runs[RUNS];
    gather_init(&out, 2 * FRAMES_MAX);
    bool sent = http2_fill(h, &out, FRAMES_MAX) == 0;
    for (size_t n; sent && (n = gather_runs(&out, runs, RUNS)) > 0;) {
        size_t total = 0;
        for (size_t i = 0; sent && i < n; i++) {
            sent = probe_send(p, runs[i]);
            total += runs[i].len;
        }
        gather_consume(&out, total);
    }
    gather_clear(&out);
    return sent;
}

static bool request_head(struct http2 *h, struct span host)
{
    struct http_field fields[] = {{span_from_str("Host"), host}, {span_from_str("User-Agent"), span_from_str("mtlsd-check")}};
    const struct http_head head = {.request = true, .minor = 1, .method = span_from_str("HEAD"), .target = span_from_str("/"), .fields = fields, .n_fields = 2};
    const struct http_outgoing o = {.head = &head, .framing = HTTP_NO_BODY, .scheme = span_from_str("https")};
    return http2_request(h, &o, NULL) != NULL;
}

/* True: that was the answer. A reset is none about our certificate: that is refused by an alert, or in HTTP. */
static bool judge_event(struct probe_answer *a, enum http2_kind kind, const struct http2_event *e)
{
    switch (kind) {
    case HTTP2_HEAD:
        a->status = e->head->status;
        return true;
    case HTTP2_RESET:
        snprintf(a->text, sizeof(a->text), "it accepted the certificate, but %s a HEAD request (HTTP/2 error code %u)",
                 e->unprocessed ? "did not begin with" : "reset the stream of", (unsigned)e->code);
        return true;
    case HTTP2_REFUSED:
    case HTTP2_BAD:
        say(a, e->reason, e->detail);
        return true;
    default:
        return false;
    }
}

static bool read_answer(struct probe_answer *a, struct http2 *h, struct span in)
{
    struct http2_event e;
    for (enum http2_kind kind; (kind = http2_next(h, &in, &e)) != HTTP2_MORE;)
        if (judge_event(a, kind, &e))
            return true;
    return false;
}

static void talk_http2(struct probe_answer *a, struct probe *p, struct http2 *h)
{
    uint8_t wire[4096];
    size_t got;
    do {
        if (!send_frames(p, h)) {
            say(a, probe_failed(p) ? REASON_VALID : REASON_INTERNAL, probe_failed(p) ? "" : "out of memory");
            return;
        }
        got = probe_read(p, wire, sizeof(wire));
    } while (got > 0 && !read_answer(a, h, span_of(wire, got)));
    if (got == 0 && !probe_failed(p))
        say(a, REASON_UPSTREAM_CLOSED, unanswered);
}

static void ask_http2(struct probe_answer *a, struct probe *p, struct span host)
{
    static const struct http2_limits limits = {.max_head_bytes = HEAD_MAX, .max_fields = FIELDS_MAX};
    struct http2 *h = http2_new(HTTP2_CLIENT, &limits);
    if (h != NULL && request_head(h, host))
        talk_http2(a, p, h);
    else
        say(a, REASON_INTERNAL, "out of memory");
    http2_free(h);
}

/* ---- both ---- */

struct probe_answer probe_ask(struct probe *p, const struct plan_target *target)
{
    struct probe_answer a = {.reason = REASON_VALID};
    char host[300];
    struct span value = plan_host_field(target, host, sizeof(host));
    const char *alpn = probe_engine(p) != NULL ? tls_engine_alpn(probe_engine(p)) : NULL;
    probe_limit(p, ANSWER_MS);
    if (value.len == 0 || value.len >= sizeof(host))
        say(&a, REASON_INTERNAL, "the Host field would be too long");
    else if (alpn != NULL && strcmp(alpn, HTTP2_ALPN) == 0)
        ask_http2(&a, p, value);
    else
        ask_http1(&a, p, value);
    return a;
}
