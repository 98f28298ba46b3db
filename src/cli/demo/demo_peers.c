/* SPDX-License-Identifier: Apache-2.0 */
#include "demo.h"
#include "mtlsd/base/bytes.h"
#include "mtlsd/io/probe.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { HEAD_MAX = 32 * 1024, PIECE = 64 * 1024, SEEN_MAX = 8 * 1024, VISIT_MS = 30000 };

struct visit { /* one connection */
    struct probe *probe;
    const struct demo_peer *peer;
    struct bytes in; /* read, not yet understood */
    uint8_t piece[PIECE];
};

static bool read_more(struct visit *v)
{
    size_t n = probe_read(v->probe, v->piece, sizeof(v->piece));
    return n > 0 && bytes_append(&v->in, v->piece, n) == 0;
}

/* ---- http ---- */

static bool take_head(struct visit *v, char head[HEAD_MAX])
{
    for (;;) {
        const uint8_t *end = v->in.len > 0 ? memmem(v->in.data + v->in.head, v->in.len, "\r\n\r\n", 4) : NULL;
        if (end != NULL) {
            size_t n = (size_t)(end - (v->in.data + v->in.head)) + 4;
            if (n >= HEAD_MAX)
                return false;
            memcpy(head, v->in.data + v->in.head, n);
            head[n] = '\0';
            bytes_consume(&v->in, n);
            return true;
        }
        if (v->in.len >= HEAD_MAX || !read_more(v))
            return false;
    }
}

static bool answer(struct visit *v, const char *body)
{
    char text[SEEN_MAX + 200];
    int n = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    return probe_send(v->probe, span_of(text, (size_t)n));
}

/* The lines that tell who called, as they came. */
static bool answer_who(struct visit *v, const char *head)
{
    static const char *const telling[] = {"X-SSL-", "X_SSL_", "Client-Cert", "X-Forwarded-", "Host:"};
    char seen[SEEN_MAX] = "";
    size_t n = 0;
    for (const char *line = strstr(head, "\r\n"); line != NULL && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
        size_t length = strcspn(line + 2, "\r");
        bool tells = false;
        for (size_t i = 0; i < sizeof(telling) / sizeof(telling[0]); i++)
            tells = tells || strncasecmp(line + 2, telling[i], strlen(telling[i])) == 0;
        if (tells && n + length + 2 < sizeof(seen)) {
            memcpy(seen + n, line + 2, length);
            n += length;
            seen[n++] = '\n';
            seen[n] = '\0';
        }
    }
    return answer(v, seen);
}

static bool answer_down(struct visit *v)
{
    char head[100];
    int n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n", (unsigned long long)DEMO_LARGE);
    bool ok = probe_send(v->probe, span_of(head, (size_t)n));
    for (uint64_t done = 0; ok && done < DEMO_LARGE; done += PIECE) {
        demo_body_fill(v->peer->body, done, v->piece, PIECE);
        probe_limit(v->probe, VISIT_MS);
        ok = probe_send(v->probe, span_of(v->piece, PIECE));
    }
    return ok;
}

static bool answer_up(struct visit *v, const char *head)
{
    const char *field = strcasestr(head, "\r\nContent-Length:");
    uint64_t length = field != NULL ? strtoull(field + strlen("\r\nContent-Length:"), NULL, 10) : 0, done = 0;
    bool equal = true;
    while (done < length) {
        probe_limit(v->probe, VISIT_MS);
        if (v->in.len == 0 && !read_more(v))
            return false;
        size_t n = v->in.len < length - done ? v->in.len : (size_t)(length - done);
        equal = equal && demo_body_equals(v->peer->body, done, v->in.data + v->in.head, n);
        bytes_consume(&v->in, n);
        done += n;
    }
    char text[64];
    snprintf(text, sizeof(text), "%llu %s", (unsigned long long)done, equal ? "equal" : "different");
    return answer(v, text);
}

static bool answer_tally(struct visit *v)
{
    char text[64];
    snprintf(text, sizeof(text), "%lu %lu", atomic_load(&v->peer->tally->requests), atomic_load(&v->peer->tally->leaks));
    return answer(v, text);
}

static void serve_http(struct visit *v)
{
    char head[HEAD_MAX];
    bool goes_on = true;
    while (goes_on && take_head(v, head)) {
        probe_limit(v->probe, VISIT_MS);
        bool asks_tally = strncmp(head, "GET /tally ", 11) == 0;
        if (!asks_tally)
            atomic_fetch_add(&v->peer->tally->requests, 1);
        if (asks_tally)
            goes_on = answer_tally(v);
        else if (strncmp(head, "GET /down ", 10) == 0)
            goes_on = answer_down(v);
        else if (strncmp(head, "PUT /up ", 8) == 0)
            goes_on = answer_up(v, head);
        else
            goes_on = answer_who(v, head);
    }
}

/* ---- the others ---- */

static void serve_echo(struct visit *v)
{
    size_t n;
    while ((n = probe_read(v->probe, v->piece, sizeof(v->piece))) > 0) {
        probe_limit(v->probe, VISIT_MS);
        if (!probe_send(v->probe, span_of(v->piece, n)))
            return;
    }
    if (!probe_failed(v->probe))
        probe_end(v->probe);
}

static void serve_until_end(struct visit *v)
{
    while (probe_read(v->probe, v->piece, sizeof(v->piece)) > 0) {
    }
}

static void serve_plain(struct visit *v)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    if (probe_read(v->probe, v->piece, sizeof(v->piece)) == 0 || !probe_send(v->probe, span_from_str(text)))
        return;
    probe_end(v->probe);
    serve_until_end(v);
}

static void *serve(void *ctx)
{
    struct visit *v = ctx;
    switch (v->peer->kind) {
    case DEMO_PEER_HTTP:
        serve_http(v);
        break;
    case DEMO_PEER_ECHO:
        serve_echo(v);
        break;
    case DEMO_PEER_PLAIN:
        serve_plain(v);
        break;
    case DEMO_PEER_TLS:
        if (probe_start_tls(v->probe, v->peer->tls) && probe_read(v->probe, v->piece, sizeof(v->piece)) > 0)
            atomic_fetch_add(&v->peer->tally->leaks, 1);
        break;
    case DEMO_PEER_SILENT:
        serve_until_end(v);
        break;
    }
    probe_free(v->probe);
    bytes_clear(&v->in);
    free(v);
    return NULL;
}

static void *accept_all(void *ctx)
{
    const struct demo_peer *peer = ctx;
    struct probe *probe;
    while ((probe = probe_accept(peer->listener)) != NULL) {
        struct visit *v = calloc(1, sizeof(*v));
        pthread_t thread;
        if (v == NULL) {
            probe_free(probe);
            continue;
        }
        *v = (struct visit){.probe = probe, .peer = peer};
        bytes_init(&v->in, HEAD_MAX + PIECE);
        if (pthread_create(&thread, NULL, serve, v) == 0)
            pthread_detach(thread);
        else
            serve(v);
    }
    return NULL;
}

/* ---- the process ---- */

int demo_peer_open(struct demo_peer *peer, enum demo_peer_kind kind, struct tls_context *tls, struct err *err)
{
    *peer = (struct demo_peer){.kind = kind};
    peer->listener = probe_listen(&peer->port, err);
    if (peer->listener < 0)
        return -1;
    peer->tls = tls;
    return 0;
}

void demo_peer_close(struct demo_peer *peer)
{
    probe_release(peer->listener);
    tls_context_unref(peer->tls);
}

pid_t demo_peers_start(struct demo_peer *peers, size_t n, struct err *err)
{
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        return err_set(err, ERR_IO, "cannot start the backend: %s", strerror(errno));
    if (pid > 0)
        return pid;
    setpgid(0, 0); /* the terminal's Ctrl-C goes to the demo alone, which ends us */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        _exit(1);
    for (size_t i = 0; i < n; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, accept_all, &peers[i]) != 0)
            _exit(1);
    }
    for (;;)
        pause();
}
