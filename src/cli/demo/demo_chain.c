/* SPDX-License-Identifier: Apache-2.0 */
#include "demo.h"
#include "mtlsd/io/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUESTS = 500, PIECE = 64 * 1024 };

#define MIB (1024.0 * 1024.0)

bool demo_ask_tally(const struct demo *d, struct demo_count *out)
{
    const struct http_call get = {.port = d->backend_http, .method = "GET", .path = "/tally"};
    struct demo_http h;
    demo_http_begin(&h, &d->body);
    bool ok = demo_http_ask(&h, &get, false) && h.reply.status == 200;
    if (ok) {
        char *rest = NULL;
        out->requests = strtoul(demo_http_text(&h), &rest, 10);
        out->leaks = strtoul(rest, NULL, 10);
    }
    demo_http_end(&h);
    return ok;
}

/* A row for what went wrong. */
static void fail_row(struct demo *d, const char *what, const struct demo_http *h)
{
    demo_show_row(&d->show, false, "%-36s status %u: %s", what, h->reply.status, h->err.kind != ERR_NONE ? h->err.text : "the answer is not the one expected");
}

/* One line "Name: value" of the headers that the backend saw. */
static bool saw(const char *seen, const char *name, const char *value)
{
    char line[300];
    snprintf(line, sizeof(line), "%s: %s\n", name, value);
    const char *at = strstr(seen, line);
    return at != NULL && (at == seen || at[-1] == '\n');
}

static bool identity_is_true(const char *seen)
{
    return saw(seen, "X-SSL-Client-Verify", "0") && saw(seen, "X-SSL-Client-Status", "valid") &&
           saw(seen, "X-SSL-Client-CN", DEMO_APP_NAME) && strstr(seen, DEMO_APP_URI) != NULL && strstr(seen, "Client-Cert: :") != NULL;
}

static void show_seen(struct demo *d, const char *seen)
{
    static const char *const shown[] = {"X-SSL-Client-Status", "X-SSL-Client-DN", "X-SSL-Client-SAN", "X-SSL-Issuer", "X-SSL-Client-NotAfter"};
    demo_show_note(&d->show, "received by the backend, without TLS:");
    for (const char *line = seen; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n')
        for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
            if (strncmp(line, shown[i], strlen(shown[i])) == 0 && line[strlen(shown[i])] == ':')
                demo_show_note(&d->show, "  %.*s", (int)strcspn(line, "\n"), line);
}

static void show_get(struct demo *d)
{
    static const char what[] = "http: GET, the client is named";
    const struct http_call get = {.port = d->app_http, .method = "GET", .path = "/who"};
    double began = probe_seconds();
    struct demo_http h;
    demo_http_begin(&h, &d->body);
    if (demo_http_ask(&h, &get, false) && h.reply.status == 200 && identity_is_true(demo_http_text(&h))) {
        demo_show_row(&d->show, true, "%-36s 200, %.1f ms with both handshakes", what, (probe_seconds() - began) * 1000);
        show_seen(d, demo_http_text(&h));
    } else {
        fail_row(d, what, &h);
    }
    demo_http_end(&h);
}

/* The app sends forged identity headers; the backend must see only the proven identity. */
static void show_forged(struct demo *d)
{
    static const char what[] = "http: forged identity headers";
    static const char *const fields[] = {"X-SSL-Client-CN: admin", "X_SSL_Client_CN: admin", "Client-Cert: :YWRtaW4=:", "X-SSL-Client-DN: CN=admin"};
    const struct http_call get = {.port = d->app_http, .method = "GET", .path = "/who", .fields = fields, .n_fields = 4};
    struct demo_http h;
    demo_http_begin(&h, &d->body);
    if (demo_http_ask(&h, &get, false) && h.reply.status == 200 && identity_is_true(demo_http_text(&h)) && strstr(demo_http_text(&h), "admin") == NULL &&
        strstr(demo_http_text(&h), "YWRtaW4=") == NULL)
        demo_show_row(&d->show, true, "%-36s removed, only the true ones arrive", what);
    else
        fail_row(d, what, &h);
    demo_http_end(&h);
}

static void show_many(struct demo *d)
{
    static const char what[] = "http: requests, one after the other";
    const struct http_call get = {.port = d->app_http, .method = "GET", .path = "/who"};
    double began = probe_seconds();
    struct demo_http h;
    unsigned good = 0;
    demo_http_begin(&h, &d->body);
    while (good < REQUESTS && demo_http_ask(&h, &get, false) && h.reply.status == 200)
        good++;
    double took = probe_seconds() - began;
    if (good == REQUESTS)
        demo_show_row(&d->show, true, "%-36s %u of %u, %.0f per second, %.2f ms each", what, good, REQUESTS, REQUESTS / took, took * 1000 / REQUESTS);
    else
        fail_row(d, what, &h);
    demo_http_end(&h);
}

static void show_large(struct demo *d, const char *what, const struct http_call *call)
{
    double began = probe_seconds();
    struct demo_http h;
    char echoed[64];
    snprintf(echoed, sizeof(echoed), "%llu equal", (unsigned long long)call->upload);
    demo_http_begin(&h, &d->body);
    bool ok = demo_http_ask(&h, call, call->upload == 0) && h.reply.status == 200 && h.equal &&
              (call->upload > 0 ? strcmp(demo_http_text(&h), echoed) == 0 : h.reply.length == DEMO_LARGE);
    if (ok)
        demo_show_row(&d->show, true, "%-36s %.0f MB/s, every byte compared", what, (double)DEMO_LARGE / (probe_seconds() - began) / 1e6);
    else
        fail_row(d, what, &h);
    demo_http_end(&h);
}

struct echo {
    uint64_t sent, received;
    bool equal;
};

static void compare(const struct demo_body *body, struct echo *e, const uint8_t *data, size_t n)
{
    e->equal = e->equal && demo_body_equals(body, e->received, data, n);
    e->received += n;
}

/* Sends and receives at once, says its own end, and reads on to the other's. */
static bool run_echo(struct probe *p, const struct demo_body *body, struct echo *e)
{
    uint8_t out[PIECE], in[PIECE];
    struct probe_turn turn = {.in = in, .in_size = sizeof(in)};
    e->equal = true;
    while (e->sent < DEMO_LARGE || turn.out.len > 0) {
        if (turn.out.len == 0) {
            demo_body_fill(body, e->sent, out, sizeof(out));
            turn.out = span_of(out, sizeof(out));
            e->sent += sizeof(out);
        }
        probe_limit(p, DEMO_STALL_MS);
        if (!probe_turn(p, &turn))
            return false;
        compare(body, e, in, turn.got);
    }
    probe_end(p);
    size_t n;
    while ((n = probe_read(p, in, sizeof(in))) > 0) {
        probe_limit(p, DEMO_STALL_MS);
        compare(body, e, in, n);
    }
    return !probe_failed(p) && e->equal && e->received == DEMO_LARGE;
}

static void show_echo(struct demo *d)
{
    static const char what[] = "tcp: 64 MiB echoed, half-close";
    struct address to = demo_address(d->app_tcp);
    double began = probe_seconds();
    struct probe *p = probe_connect(&to, DEMO_STALL_MS);
    struct echo e = {0};
    if (p != NULL && !probe_failed(p) && run_echo(p, &d->body, &e))
        demo_show_row(&d->show, true, "%-36s %.0f MB/s both ways together, every byte compared", what, 2 * (double)DEMO_LARGE / (probe_seconds() - began) / 1e6);
    else if (p != NULL && !probe_failed(p))
        demo_show_row(&d->show, false, "%-36s %.1f of %.0f MiB returned%s", what, (double)e.received / MIB, (double)DEMO_LARGE / MIB,
                      e.equal ? "" : ", not the same");
    else
        demo_show_row(&d->show, false, "%-36s %s", what, p != NULL ? probe_text(p) : "out of memory");
    probe_free(p);
}

void demo_chain_show(struct demo *d)
{
    demo_show_section(&d->show, "1. Requests through the whole chain: the app has no key, no CA file and no TLS", NULL);
    const struct http_call up = {.port = d->app_http, .method = "PUT", .path = "/up", .upload = DEMO_LARGE};
    const struct http_call down = {.port = d->app_http, .method = "GET", .path = "/down"};
    show_get(d);
    show_forged(d);
    show_many(d);
    if (demo_interrupted(d))
        return;
    show_large(d, "http: 64 MiB up", &up);
    show_large(d, "http: 64 MiB down", &down);
    if (!demo_interrupted(d))
        show_echo(d);
}
