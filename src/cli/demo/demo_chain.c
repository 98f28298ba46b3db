/* SPDX-License-Identifier: Apache-2.0 */
#include "demo.h"
#include "demo_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUESTS = 500, PIECE = 64 * 1024 };

#define MIB (1024.0 * 1024.0)

struct walk { /* one row: a connection of the app and what came of it */
    struct probe *probe;
    struct demo_answer answer;
    double began;
};

static struct walk *walk_new(uint16_t port)
{
    struct address to = demo_address(port);
    struct walk *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return NULL;
    w->began = probe_seconds();
    w->probe = probe_connect(&to, DEMO_STALL_MS);
    if (w->probe != NULL)
        return w;
    free(w);
    return NULL;
}

static void walk_free(struct walk *w)
{
    if (w != NULL)
        probe_free(w->probe);
    free(w);
}

static double took(const struct walk *w)
{
    return probe_seconds() - w->began;
}

bool demo_ask_tally(const struct demo *d, struct demo_count *out)
{
    const struct demo_request get = {.method = "GET", .path = "/tally", .fields = ""};
    struct walk *w = walk_new(d->backend_http);
    bool ok = w != NULL && demo_http_ask(w->probe, &get, &w->answer) && w->answer.status == 200;
    if (ok) {
        char *rest = NULL;
        out->requests = strtoul(w->answer.body, &rest, 10);
        out->leaks = strtoul(rest, NULL, 10);
    }
    walk_free(w);
    return ok;
}

/* A row for what went wrong. */
static void fail_row(struct demo *d, const char *what, const struct walk *w)
{
    const char *text = w == NULL ? "out of memory" : probe_failed(w->probe) ? probe_text(w->probe) : "the answer is not the one expected";
    demo_show_row(&d->show, false, "%-36s status %u: %s", what, w != NULL ? w->answer.status : 0, text);
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

static void show_seen(struct demo *d, char *seen)
{
    static const char *const shown[] = {"X-SSL-Client-Status", "X-SSL-Client-DN", "X-SSL-Client-SAN", "X-SSL-Issuer", "X-SSL-Client-NotAfter"};
    demo_show_note(&d->show, "the backend, which knows no TLS, saw:");
    char *rest = NULL;
    for (char *line = strtok_r(seen, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
            if (strncmp(line, shown[i], strlen(shown[i])) == 0 && line[strlen(shown[i])] == ':')
                demo_show_note(&d->show, "  %s", line);
}

static void show_get(struct demo *d)
{
    struct walk *w = walk_new(d->app_http);
    const struct demo_request get = {.method = "GET", .path = "/who", .fields = ""};
    bool ok = w != NULL && demo_http_ask(w->probe, &get, &w->answer) && w->answer.status == 200 && identity_is_true(w->answer.body);
    if (ok) {
        demo_show_row(&d->show, true, "%-36s 200, %.1f ms with both handshakes", "http: GET, the caller is named", took(w) * 1000);
        show_seen(d, w->answer.body);
    } else {
        fail_row(d, "http: GET, the caller is named", w);
    }
    walk_free(w);
}

/* The app claims to be somebody; the backend must see only who it is. */
static void show_forged(struct demo *d)
{
    struct walk *w = walk_new(d->app_http);
    const struct demo_request get = {
        .method = "GET",
        .path = "/who",
        .fields = "X-SSL-Client-CN: admin\r\nX_SSL_Client_CN: admin\r\nClient-Cert: :YWRtaW4=:\r\nX-SSL-Client-DN: CN=admin\r\n",
    };
    bool ok = w != NULL && demo_http_ask(w->probe, &get, &w->answer) && w->answer.status == 200 && identity_is_true(w->answer.body) &&
              strstr(w->answer.body, "admin") == NULL && strstr(w->answer.body, "YWRtaW4=") == NULL;
    if (ok)
        demo_show_row(&d->show, true, "%-36s removed, the true ones stand alone", "http: identity headers the app forged");
    else
        fail_row(d, "http: identity headers the app forged", w);
    walk_free(w);
}

static void show_many(struct demo *d)
{
    struct walk *w = walk_new(d->app_http);
    const struct demo_request get = {.method = "GET", .path = "/who", .fields = ""};
    unsigned good = 0;
    while (w != NULL && good < REQUESTS && demo_http_ask(w->probe, &get, &w->answer) && w->answer.status == 200) {
        probe_limit(w->probe, DEMO_STALL_MS);
        good++;
    }
    if (good == REQUESTS)
        demo_show_row(&d->show, true, "%-36s %u of %u, %.0f per second, %.2f ms each", "http: requests, one after the other", good, REQUESTS,
                      REQUESTS / took(w), took(w) * 1000 / REQUESTS);
    else
        fail_row(d, "http: requests, one after the other", w);
    walk_free(w);
}

static void show_large(struct demo *d, const char *what, const struct demo_request *request)
{
    struct walk *w = walk_new(d->app_http);
    char echoed[64];
    snprintf(echoed, sizeof(echoed), "%llu equal", (unsigned long long)request->upload);
    bool ok = w != NULL && demo_http_ask(w->probe, request, &w->answer) && w->answer.status == 200 && w->answer.equal;
    ok = ok && (request->upload > 0 ? strcmp(w->answer.body, echoed) == 0 : w->answer.length == DEMO_LARGE);
    if (ok)
        demo_show_row(&d->show, true, "%-36s %.0f MB/s, every byte compared", what, (double)DEMO_LARGE / took(w) / 1e6);
    else
        fail_row(d, what, w);
    walk_free(w);
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
    struct walk *w = walk_new(d->app_tcp);
    struct echo e = {0};
    if (w != NULL && !probe_failed(w->probe) && run_echo(w->probe, &d->body, &e))
        demo_show_row(&d->show, true, "%-36s %.0f MB/s both ways together, every byte compared", what, 2 * (double)DEMO_LARGE / took(w) / 1e6);
    else if (w != NULL && !probe_failed(w->probe))
        demo_show_row(&d->show, false, "%-36s %.1f of %.0f MiB came back%s", what, (double)e.received / MIB, (double)DEMO_LARGE / MIB,
                      e.equal ? "" : ", not the same");
    else
        fail_row(d, what, w);
    walk_free(w);
}

void demo_chain_show(struct demo *d)
{
    demo_show_section(&d->show, "1. Requests through the whole chain: the app has no key, no CA file and no TLS", NULL);
    const struct demo_request up = {.method = "PUT", .path = "/up", .fields = "", .body = &d->body, .upload = DEMO_LARGE};
    const struct demo_request down = {.method = "GET", .path = "/down", .fields = "", .body = &d->body};
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
