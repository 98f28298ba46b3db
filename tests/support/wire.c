/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCRATCH = 64 * 1024, PIPE_MAX = 512 * 1024 * 1024, BLOCK = 16 * 1024, TURNS = 1000, ROUNDS = 2000000 };

bool wire_proxy_works;

/* Gives what it was, to be put back. */
static bool proxy_works(bool now)
{
    bool was = wire_proxy_works;
    wire_proxy_works = now;
    return was;
}

/* ---- pipes ---- */

static void pipe_init(struct wire_pipe *p)
{
    *p = (struct wire_pipe){.cut_after = UINT64_MAX};
    bytes_init(&p->data, PIPE_MAX);
    bytes_init(&p->log, PIPE_MAX);
}

static void pipe_clear(struct wire_pipe *p)
{
    bytes_clear(&p->data);
    bytes_clear(&p->log);
}

static void put(struct wire *w, struct wire_pipe *p, struct span s)
{
    if ((p->ended && p->speaker == NULL) || p->reset)
        return;
    bool was = proxy_works(false);
    ck_assert_int_eq(bytes_append_span(&p->data, s), 0);
    if (w == NULL || w->keep_log)
        ck_assert_int_eq(bytes_append_span(&p->log, s), 0);
    proxy_works(was);
    p->put += s.len;
}

/* What a test end speaks in HTTP/2 goes on its way. */
static void fill(struct wire_pipe *p)
{
    struct bytes out;
    bytes_init(&out, PIPE_MAX);
    if (wire_speaker_fill(p->speaker, &out))
        put(NULL, p, bytes_span(&out));
    bytes_clear(&out);
}

/* A test end says this. */
static void say(struct wire_pipe *p, struct span text)
{
    bool was = proxy_works(false);
    if (p->speaker == NULL) {
        put(NULL, p, text);
    } else if (!p->ended && !p->reset) {
        wire_speaker_say(p->speaker, text);
        fill(p);
    }
    proxy_works(was);
}

static size_t waiting(const struct wire_pipe *p)
{
    return p->speaker != NULL ? wire_speaker_waiting(p->speaker) : 0;
}

/* A stream may end in one direction alone, a connection of HTTP/2 does not. */
static bool is_half_open(const struct wire_pipe *p)
{
    return p->speaker != NULL && wire_speaker_is_in_tunnel(p->speaker);
}

uint8_t wire_pattern(uint64_t position)
{
    return (uint8_t)(position * 31 + (position >> 8) * 7 + (position >> 16));
}

/* Lets a test end go on offering what it has. */
static bool refill(struct wire_pipe *p)
{
    uint8_t block[BLOCK];
    if (p->offer == 0 || p->data.len >= BLOCK || waiting(p) >= BLOCK || p->reset)
        return false;
    size_t n = p->offer < BLOCK ? (size_t)p->offer : BLOCK;
    for (size_t i = 0; i < n; i++)
        block[i] = wire_pattern(p->offered + i);
    say(p, span_of(block, n));
    p->offered += n;
    p->offer -= n;
    return true;
}

/* ---- sockets ---- */

static struct wire_socket *new_socket(struct wire *w)
{
    for (size_t i = 0; i < WIRE_SOCKETS; i++) {
        struct wire_socket *s = &w->sockets[i];
        if (s->used)
            continue;
        *s = (struct wire_socket){.used = true};
        pipe_init(&s->up);
        pipe_init(&s->down);
        bytes_init(&s->got, PIPE_MAX);
        bytes_init(&s->asked, PIPE_MAX);
        return s;
    }
    ck_abort_msg("more sockets than a wire has");
    return NULL;
}

static struct wire_conn *accept_conn(struct wire *w, struct wire_node *node, struct wire_socket *s)
{
    static const struct client_address client = {
        .text = "192.0.2.7", .known = true, .peer = {192, 0, 2, 7}, .local = {192, 0, 2, 1}, .peer_port = 50000, .local_port = 8443};
    struct err err = {0};
    bool was = proxy_works(false);
    struct wire_conn *c = calloc(1, sizeof(*c));
    proxy_works(was);
    if (c == NULL)
        return NULL;
    c->node = node;
    c->socket = s;
    was = proxy_works(true);
    c->client = client_new(&node->env, &node->listener, &client, c, w->now, &err);
    proxy_works(was);
    if (c->client == NULL) {
        free(c);
        return NULL;
    }
    return c;
}

static void give_speaker(struct wire_socket *s)
{
    bool was = proxy_works(false);
    s->speaker = wire_speaker_new(s->to_backend);
    *(s->to_backend ? &s->down.speaker : &s->up.speaker) = s->speaker;
    proxy_works(was);
}

/* A socket from app or node to whatever comes next, or to a test end. */
static struct wire_socket *open_socket(struct wire *w, struct wire_node *from, const struct uplink *u, bool elsewhere)
{
    struct wire_socket *s = new_socket(w);
    s->from_app = from == NULL;
    s->proxied = from != NULL && from->up_conf.proxy_text != NULL;
    s->node_up = from;
    if (from == &w->injector)
        s->down.cut_after = w->cut_between_after;
    struct wire_node *next = from == NULL && w->injector.present ? &w->injector : from != &w->verifier && w->verifier.present ? &w->verifier : NULL;
    if (elsewhere)
        next = NULL;
    s->to_backend = next == NULL;
    bool http2 = from == NULL ? wire_pair()->app && next != NULL && next->listener.tls == NULL && next->down_conf.protocol == CONFIG_PROTOCOL_HTTP
                              : wire_pair()->backend && s->to_backend && u->is.may_http2;
    if (http2)
        give_speaker(s);
    if (next != NULL && (s->server = accept_conn(w, next, s)) == NULL)
        s->down.reset = true;
    return s;
}

static size_t send_runs(struct wire *w, struct wire_pipe *p, const struct span *runs, size_t n)
{
    size_t sent = 0;
    for (size_t i = 0; i < n; i++) {
        size_t room = p->data.len < w->window ? w->window - p->data.len : 0;
        size_t part = runs[i].len < room ? runs[i].len : room;
        put(w, p, span_of(runs[i].ptr, part));
        sent += part;
        if (part < runs[i].len)
            break;
    }
    return sent;
}

/* ---- what io/conn.c and io/upconn.c do ---- */

static void reap(struct wire_node *n)
{
    struct uplink *u;
    while ((u = pool_next_retired(n->env.pool)) != NULL) {
        struct wire_socket *s = u->link.socket;
        if (s != NULL) { /* as upconn_close does it */
            struct span words = uplink_last_words(u);
            bool said = words.len > 0 && send_runs(n->wire, &s->up, &words, 1) == words.len;
            s->client = NULL;
            s->up.reset = u->is.reset && !said;
            s->up.ended = true;
        }
        uplink_free(u);
    }
}

static void close_conn(struct wire_conn *c, bool reset)
{
    struct wire_socket *s = c->socket;
    s->down.reset = reset;
    s->down.ended = true;
    s->server = NULL;
    client_free(c->client);
    free(c);
}

static size_t send_down(void *socket, const struct span *runs, size_t n)
{
    struct wire_conn *c = socket;
    size_t sent = send_runs(c->node->wire, &c->socket->down, runs, n);
    c->socket->down.writes += sent > 0;
    return sent;
}

static size_t send_up(void *socket, const struct span *runs, size_t n)
{
    struct wire_socket *s = socket;
    size_t sent = send_runs(s->node_up->wire, &s->up, runs, n);
    s->up.writes += sent > 0;
    return sent;
}

static bool never_fails(void *socket, struct run_failure *why)
{
    (void)socket;
    (void)why;
    return false;
}

static bool shut(struct wire_pipe *p)
{
    bool before = p->ended;
    p->ended = true;
    return !before;
}

static bool shut_down(void *socket)
{
    return shut(&((struct wire_conn *)socket)->socket->down);
}

static bool shut_up(void *socket)
{
    return shut(&((struct wire_socket *)socket)->up);
}

static void note_pending(struct wire_node *n, const struct link *l)
{
    if (link_pending(l) > n->most_pending)
        n->most_pending = link_pending(l);
}

static void end_turn_down(void *socket, bool reads, struct moment now)
{
    (void)now;
    struct wire_conn *c = socket;
    c->reads = reads;
    note_pending(c->node, client_link(c->client));
}

static void end_turn_up(void *socket, bool reads, struct moment now)
{
    (void)now;
    struct wire_socket *s = socket;
    s->client_reads = reads;
    note_pending(s->node_up, &s->client->link);
}

static void close_down(void *socket, bool reset)
{
    close_conn(socket, reset);
}

static const struct plan_listener *now_there(const struct wire_node *n)
{
    return n->loaded != NULL ? n->loaded : &n->listener;
}

static bool rebind(struct wire_conn *c)
{
    const struct plan_listener *current = now_there(c->node);
    if (client_listener(c->client) == current && !client_is_outdated(c->client, c->node->wire->now))
        return true;
    if (!client_may_move(c->client))
        return true;
    return client_rebind(c->client, current, c->node->wire->now);
}

static bool before_next(void *socket, struct moment now)
{
    (void)now;
    return rebind(socket);
}

static const struct run_driver down_driver = {
    .send = send_down, .has_failed = never_fails, .shut = shut_down, .end_turn = end_turn_down, .close = close_down, .before_next = before_next};
static const struct run_driver up_driver = {.send = send_up, .has_failed = never_fails, .shut = shut_up, .end_turn = end_turn_up};

static struct wire_node *node_of(const struct uplink *u)
{
    return (struct wire_node *)((char *)u->env - offsetof(struct wire_node, env));
}

static void connect_uplink(struct uplink *u)
{
    struct wire_node *n = node_of(u);
    const struct dial *dial = &u->dial;
    bool direct = dial->target->index == SIZE_MAX; /* a forward proxy's own way */
    size_t target = direct ? 0 : dial->target->index;
    n->dialled = *dial->address;
    n->dialled_public_only = dial->public_only;
    enum wire_connect how = n->connect != WIRE_CONNECT_WORKS ? n->connect : n->connect_to[target];
    if (how == WIRE_CONNECT_HANGS)
        return;
    if (how == WIRE_CONNECT_REFUSED) {
        uplink_on_connect_failed(u, REASON_CONNECT_REFUSED, "connection refused", n->wire->now);
        return;
    }
    if (how == WIRE_CONNECT_NO_ROOM) {
        uplink_on_connect_failed(u, REASON_OVERLOADED, "too many open files", n->wire->now);
        return;
    }
    n->connects++;
    n->connected[target]++;
    struct wire_socket *s = open_socket(n->wire, n, u, direct || how == WIRE_CONNECT_ELSEWHERE);
    s->target = target;
    s->client = u;
    s->client_reads = true;
    u->link.socket = s;
    uplink_on_connected(u, n->wire->now);
}

void wire_connect_late(struct uplink *u)
{
    connect_uplink(u);
}

/* One turn of a node's connections. */
static void turn(struct wire_node *n)
{
    bool was = proxy_works(true);
    int turns = 0;
    do
        pump(&n->env, n->wire->now);
    while (run_waits(&n->env.run) && ++turns < TURNS);
    proxy_works(was);
    ck_assert_int_lt(turns, TURNS);
    reap(n);
}

/* ---- delivery ---- */

enum heard { HEARD_NOTHING, HEARD_BYTES, HEARD_END, HEARD_RESET };

/* The next thing that comes out of a pipe; bytes are copied to heap so that reading past them is seen. */
static enum heard next_of(struct wire *w, struct wire_pipe *p, uint8_t **bytes, size_t *n)
{
    if (p->told || p->stalled)
        return HEARD_NOTHING;
    uint64_t left = p->cut_after - p->taken;
    if (left == 0) {
        p->told = true;
        return p->cut_is_reset ? HEARD_RESET : HEARD_END;
    }
    *n = p->data.len < w->step ? p->data.len : w->step;
    if (*n > left)
        *n = (size_t)left;
    if (*n > SCRATCH)
        *n = SCRATCH;
    if (*n > 0) {
        bool was = proxy_works(false);
        *bytes = malloc(*n);
        proxy_works(was);
        if (*bytes == NULL)
            return HEARD_NOTHING;
        memcpy(*bytes, bytes_span(&p->data).ptr, *n);
        bytes_consume(&p->data, *n);
        p->taken += *n;
        return HEARD_BYTES;
    }
    if (p->late_end)
        return HEARD_NOTHING;
    if (p->reset || (p->ended && p->offer == 0 && waiting(p) == 0 && !is_half_open(p))) {
        p->told = true;
        return p->reset ? HEARD_RESET : HEARD_END;
    }
    return HEARD_NOTHING;
}

/* A message that broke off ends the connection in HTTP/1.1, and one that said so ends it when it is whole. */
static void to_speaker(struct wire_socket *s, enum heard heard, struct span bytes)
{
    struct wire_pipe *back = s->to_backend ? &s->down : &s->up;
    if (heard == HEARD_BYTES) {
        wire_speaker_hear(s->speaker, bytes, &s->got);
        fill(back);
    }
    s->got_end = s->got_end || wire_speaker_tunnel_ended(s->speaker);
    s->got_reset = s->got_reset || wire_speaker_broke(s->speaker) || (heard == HEARD_END && wire_speaker_expects(s->speaker));
    back->ended = back->ended || (!s->to_backend && (wire_speaker_broke(s->speaker) || wire_speaker_closes(s->speaker)));
}

static void to_test_end(struct wire *w, struct wire_socket *s, enum heard heard, struct span bytes)
{
    bool was = proxy_works(false);
    if (heard == HEARD_END && (s->speaker == NULL || !wire_speaker_expects(s->speaker)))
        s->got_end = true;
    if (heard == HEARD_RESET)
        s->got_reset = true;
    if (s->speaker != NULL) {
        to_speaker(s, heard, bytes);
    } else if (heard == HEARD_BYTES && w->pattern) {
        size_t good = 0;
        while (good < bytes.len && bytes.ptr[good] == wire_pattern(s->pattern_at + good))
            good++;
        ck_assert_uint_eq(good, bytes.len);
        s->pattern_at += bytes.len;
    } else if (heard == HEARD_BYTES) {
        ck_assert_int_eq(bytes_append_span(&s->got, bytes), 0);
    }
    if (wire_pair()->app || wire_pair()->hop || wire_pair()->backend)
        wire_speaker_spell(&s->got);
    if (s->to_backend && !s->up.stalled && w->on_backend != NULL)
        w->on_backend(w, s);
    proxy_works(was);
}

static void to_client(struct wire_conn *c, enum heard heard, struct span bytes)
{
    struct moment now = c->node->wire->now;
    bool was = proxy_works(true);
    if (heard == HEARD_BYTES && rebind(c))
        client_on_wire(c->client, bytes, now);
    else if (heard == HEARD_END)
        client_on_eof(c->client, now);
    else if (heard == HEARD_RESET)
        client_on_error(c->client, "connection reset by peer", now);
    proxy_works(was);
}

static void to_uplink(struct uplink *u, enum heard heard, struct span bytes)
{
    struct moment now = node_of(u)->wire->now;
    const struct run_failure reset = {.text = "connection reset by peer"};
    bool was = proxy_works(true);
    if (heard == HEARD_BYTES)
        uplink_on_wire(u, bytes, now);
    else if (heard == HEARD_END)
        uplink_on_eof(u, now);
    else
        uplink_on_error(u, &reset, now);
    proxy_works(was);
}

/* The HTTP proxy on the way: answers the one head it is sent and is not there any more. */
static bool ask_proxy(struct wire *w, struct wire_socket *s)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    enum heard heard = next_of(w, &s->up, &bytes, &n);
    if (heard == HEARD_NOTHING)
        return false;
    bool was = proxy_works(false);
    ck_assert_int_eq(bytes_append(&s->asked, bytes, n), 0);
    proxy_works(was);
    free(bytes);
    if (s->asked.len < 4 || memcmp(bytes_span(&s->asked).ptr + s->asked.len - 4, "\r\n\r\n", 4) != 0)
        return true;
    s->proxied = w->proxy_reply == NULL;
    if (w->proxy_reply != NULL)
        put(w, &s->down, span_from_str(w->proxy_reply));
    return true;
}

static bool deliver_up(struct wire *w, struct wire_socket *s)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    bool to_test = s->to_backend;
    if (s->proxied)
        return ask_proxy(w, s);
    if (!to_test && (s->server == NULL || !s->server->reads))
        return false;
    enum heard heard = next_of(w, &s->up, &bytes, &n);
    if (heard == HEARD_NOTHING)
        return false;
    struct wire_conn *c = s->server;
    if (to_test) {
        to_test_end(w, s, heard, span_of(bytes, n));
    } else {
        struct wire_node *node = c->node;
        to_client(c, heard, span_of(bytes, n));
        turn(node);
    }
    free(bytes);
    return true;
}

static bool deliver_down(struct wire *w, struct wire_socket *s)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    struct uplink *u = s->client;
    if (!s->from_app && u == NULL)
        return false;
    if (u != NULL && !u->pooled.shelved && !s->client_reads)
        return false;
    enum heard heard = next_of(w, &s->down, &bytes, &n);
    if (heard == HEARD_NOTHING)
        return false;
    if (s->from_app) {
        to_test_end(w, s, heard, span_of(bytes, n));
    } else if (u->pooled.shelved && (u->link.h2 == NULL || heard != HEARD_BYTES)) { /* as io/upconn.c has it */
        if (heard != HEARD_BYTES || !link_stays_idle(&u->link, span_of(bytes, n), w->now.utc)) {
            pool_retire(s->node_up->env.pool, u);
            reap(s->node_up);
        }
    } else {
        to_uplink(u, heard, span_of(bytes, n));
        turn(s->node_up);
    }
    free(bytes);
    return true;
}

/* As when a socket can be written to again. A connection that stands still without it must not be helped here: nothing else would drive it. */
static void go_on_sending(struct wire_socket *s, bool first)
{
    struct wire_conn *c = s->server;
    struct uplink *u = s->client;
    if (c != NULL && (first || link_pending(client_link(c->client)) > 0)) {
        run_touch(client_link(c->client));
        turn(c->node);
    }
    if (u != NULL && s->client == u && link_pending(&u->link) > 0) {
        run_touch(&u->link);
        turn(s->node_up);
    }
}

void wire_run(struct wire *w)
{
    bool moved = true;
    for (size_t round = 0; moved; round++) {
        ck_assert_uint_lt(round, ROUNDS);
        moved = false;
        for (size_t i = 0; i < WIRE_SOCKETS; i++) {
            struct wire_socket *s = &w->sockets[i];
            if (!s->used)
                continue;
            if (s->server != NULL && !s->server->driven) {
                s->server->driven = true;
                turn(s->server->node);
            }
            go_on_sending(s, round == 0);
            bool filled_up = refill(&s->up), filled_down = refill(&s->down);
            moved = filled_up || filled_down || moved;
            moved = deliver_up(w, s) || moved;
            moved = deliver_down(w, s) || moved;
        }
    }
}

/* ---- time ---- */

static uint64_t next_deadline(const struct wire *w)
{
    uint64_t soonest = UINT64_MAX;
    for (size_t i = 0; i < WIRE_SOCKETS; i++) {
        const struct wire_socket *s = &w->sockets[i];
        if (s->server != NULL && client_deadline_us(s->server->client) < soonest)
            soonest = client_deadline_us(s->server->client);
    }
    return soonest;
}

static void fire_deadlines(struct wire *w)
{
    for (size_t i = 0; i < WIRE_SOCKETS; i++) {
        struct wire_conn *c = w->sockets[i].server;
        if (c == NULL || client_deadline_us(c->client) > w->now.us)
            continue;
        struct wire_node *n = c->node;
        bool was = proxy_works(true);
        client_on_deadline(c->client, w->now);
        proxy_works(was);
        turn(n);
    }
}

void wire_advance(struct wire *w, uint64_t ms)
{
    uint64_t until = w->now.us + ms * 1000;
    wire_run(w);
    for (;;) {
        uint64_t soonest = next_deadline(w);
        uint64_t to = soonest < until ? soonest : until;
        if (to > w->now.us) {
            w->now.utc += (int64_t)(to / 1000000 - w->now.us / 1000000);
            w->now.us = to;
        }
        if (soonest > until)
            break;
        fire_deadlines(w);
        wire_run(w);
    }
}

void wire_finish(struct wire *w)
{
    wire_run(w);
    for (int i = 0; next_deadline(w) != UINT64_MAX; i++) {
        ck_assert_int_lt(i, 1000);
        uint64_t soonest = next_deadline(w);
        wire_advance(w, soonest > w->now.us ? (soonest - w->now.us) / 1000 + 1 : 1);
    }
}

/* ---- observing ---- */

static void on_report(void *ctx, const struct report *r)
{
    struct wire_node *n = ctx;
    bool was = proxy_works(false);
    ck_assert_uint_lt(n->n_seen, WIRE_SEEN);
    proxy_works(was);
    struct wire_seen *s = &n->seen[n->n_seen++];
    const struct tls_facts *of = r->up != NULL ? r->up : r->down;
    *s = (struct wire_seen){
        .kind = r->kind,
        .reason = r->reason,
        .refused_by = report_blame(r->reason),
        .status = r->request.status,
        .retries = r->retries,
        .route = r->route != NULL ? (size_t)(r->route - r->listener->routes) : SIZE_MAX,
        .target = r->target != NULL ? r->target->index : SIZE_MAX,
        .up_reused = r->up_reused,
        .resumed_up = r->up != NULL && r->up->resumed,
        .would_refuse = r->would_refuse == REASON_NOT_ALLOWED,
        .alert_received = of != NULL ? of->alert_received : -1,
        .alert_sent = of != NULL ? of->alert_sent : -1,
    };
    snprintf(s->detail, sizeof(s->detail), "%s", r->detail);
    snprintf(s->id, sizeof(s->id), "%s", r->request.id != NULL ? r->request.id : "");
    s->hint = r->hint;
    snprintf(s->forwarded_for, sizeof(s->forwarded_for), "%s", r->from.forwarded_for != NULL ? r->from.forwarded_for : "");
}

static void on_handshake(void *ctx, const struct handshake_report *r)
{
    struct wire_node *n = ctx;
    bool good = r->reason == REASON_VALID;
    if (r->listener != NULL) {
        n->down_handshakes += good;
        n->down_failed += !good;
        return;
    }
    n->up_handshakes += good;
    n->up_failed += !good;
    n->up_resumed += good && r->facts->resumed;
}

/* ---- making and asking ---- */

static void fill_upstream(struct wire_node *n, bool tls)
{
    static char upstream[] = "upstream";
    struct config_upstream *u = &n->up_conf;
    *u = (struct config_upstream){
        .name = upstream,
        .connect_ms = 5000,
        .handshake_ms = 10000,
        .response_ms = 60000,
        .idle_ms = 600000,
        .pool_max = 64,
        .pool_idle_ms = 60000,
    };
    u->tls.present = tls;
    u->targets = n->target_conf;
}

/* Tests find out by the port in Host which one a request was written for. */
static void fill_target(struct wire_node *n, size_t i, struct tls_context *up)
{
    static char texts[2][WIRE_TARGETS][32];
    struct config_target *conf = &n->target_conf[i];
    unsigned port = (up != NULL ? 443 : 80) + (unsigned)i;
    char *text = texts[up != NULL][i];
    snprintf(text, sizeof(texts[0][0]), WIRE_NAME ":%u", port);
    *conf = (struct config_target){.text = text, .weight = 1};
    conf->address.kind = ADDRESS_TCP;
    conf->address.port = (uint16_t)port;
    snprintf(conf->address.host, sizeof(conf->address.host), "%s", WIRE_NAME);
    n->target[i] = (struct plan_target){.conf = conf, .upstream = &n->upstream, .tls = up, .index = i};
    bool between = n == &n->wire->injector && n->wire->verifier.present;
    if (n->down_conf.protocol == CONFIG_PROTOCOL_HTTP && (between || up != NULL ? wire_pair()->hop : wire_pair()->backend))
        n->target[i].http = up != NULL ? PLAN_HTTP_AGREED : PLAN_HTTP2;
    n->up_conf.n_targets = n->upstream.n_targets = i + 1;
}

/* The pool and the balancer know how many targets there are. */
static void make_state(struct wire_node *n)
{
    n->env.pool = pool_new(n->target, n->upstream.n_targets);
    n->target_state = target_state_new(n->upstream.n_targets);
    n->env.balancer = balancer_new(&n->upstream, 1, n->target_state);
    ck_assert(n->env.pool != NULL && n->target_state != NULL && n->env.balancer != NULL);
}

static void drop_state(struct wire_node *n)
{
    pool_free(n->env.pool);
    balancer_free(n->env.balancer);
    target_state_free(n->target_state);
}

static void drop_edits(struct wire_node *n)
{
    for (size_t i = 0; i < n->listener.n_routes; i++)
        free(n->route[i].edit);
    for (size_t i = 0; i < n->listener.n_routes; i++)
        plan_text_free(n->route[i].text);
    free(n->owned);
    n->owned = NULL;
}

void wire_set_routes(struct wire_node *n, const struct config_route *routes, size_t n_routes)
{
    ck_assert_uint_le(n_routes, WIRE_ROUTES);
    drop_edits(n);
    memcpy(n->route_conf, routes, n_routes * sizeof(*routes));
    n->down_conf.routes = n->route_conf;
    n->down_conf.n_routes = n->listener.n_routes = n_routes;
    ck_assert_int_eq(plan_text_owned(&(struct config){.listeners = &n->down_conf, .n_listeners = 1}, &n->owned), 0);
    n->listener.owned = n->owned;
    n->down_conf.has_path_rules = n->down_conf.has_method_rules = n->down_conf.has_host_rules = false;
    for (size_t i = 0; i < n_routes; i++) {
        bool answers = routes[i].redirect != NULL || routes[i].respond != 0;
        n->route[i] = (struct plan_route){.conf = &n->route_conf[i], .upstream = answers ? NULL : &n->upstream};
        ck_assert_int_eq(plan_text_new(&n->route_conf[i], span_of(NULL, 0), &n->route[i].text, NULL), 0);
        ck_assert_int_eq(plan_edit(&n->route_conf[i], n->route[i].text, n->owned, &n->route[i].edit), 0);
        n->down_conf.has_path_rules = n->down_conf.has_path_rules || routes[i].path != NULL || routes[i].strip_prefix != NULL;
        n->down_conf.has_host_rules = n->down_conf.has_host_rules || routes[i].host.n > 0;
        n->down_conf.has_method_rules = n->down_conf.has_method_rules || routes[i].method.n > 0;
    }
}

void wire_add_target(struct wire_node *n)
{
    ck_assert_uint_lt(n->upstream.n_targets, WIRE_TARGETS);
    drop_state(n);
    fill_target(n, n->upstream.n_targets, n->target[0].tls);
    make_state(n);
}

static void fill_node(struct wire *w, struct wire_node *n, const struct wire_setup *setup, struct tls_context *down, struct tls_context *up)
{
    static char listener[] = "listener";
    n->wire = w;
    fill_upstream(n, up != NULL);
    n->down_conf = (struct config_listener){
        .name = listener,
        .protocol = setup->protocol,
        .handshake_ms = 10000,
        .header_ms = 10000,
        .idle_ms = setup->protocol == CONFIG_PROTOCOL_TCP ? 600000 : 60000,
        .max_header_bytes = 32768,
        .max_headers = 100,
        .body_ms = 30000,
        .write_ms = 30000,
        .min_body_rate = 500,
        .forwarded = down != NULL ? CONFIG_FORWARDED_X : CONFIG_FORWARDED_OFF,
    };
    n->upstream = (struct plan_upstream){.conf = &n->up_conf, .targets = n->target};
    fill_target(n, 0, up);
    n->listener = (struct plan_listener){.conf = &n->down_conf, .tls = down, .routes = n->route};
    wire_set_routes(n, &(struct config_route){0}, 1);
    n->env.scratch = malloc(SCRATCH);
    n->env.scratch_size = SCRATCH;
    n->env.tickets = tls_tickets_new(4);
    make_state(n);
    n->env.run = (struct run_queue){.drivers = {[LINK_CLIENT] = &down_driver, [LINK_UPLINK] = &up_driver}, .connect = connect_uplink, .blocks = &n->env.blocks};
    n->env.observer = (struct observer){.ctx = n, .on_report = on_report, .on_handshake = on_handshake};
    ck_assert(n->env.scratch != NULL && n->env.tickets != NULL);
}

void wire_open(struct wire *w, const struct wire_setup *setup)
{
    memset(w, 0, sizeof(*w));
    w->now = (struct moment){.us = 1000000000, .utc = WIRE_NOW};
    w->step = WIRE_ALL;
    w->window = WIRE_WINDOW;
    w->keep_log = true;
    w->cut_between_after = UINT64_MAX;
    w->proxy_reply = "HTTP/1.1 200 Connection established\r\n\r\n";
    w->reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    bytes_init(&w->request, PIPE_MAX);
    bytes_init(&w->body, PIPE_MAX);
    w->injector.present = !setup->no_injector;
    w->verifier.present = !setup->no_verifier;
    if (!setup->no_injector)
        fill_node(w, &w->injector, setup, NULL, setup->connecting);
    if (!setup->no_verifier)
        fill_node(w, &w->verifier, setup, setup->accepting, NULL);
}

static void close_node(struct wire_node *n)
{
    if (!n->present)
        return;
    pool_retire_all(n->env.pool);
    reap(n);
    drop_state(n);
    drop_edits(n);
    tls_tickets_free(n->env.tickets);
    free(n->env.scratch);
}

void wire_close(struct wire *w)
{
    for (size_t i = 0; i < WIRE_SOCKETS; i++) {
        if (w->sockets[i].server != NULL)
            close_conn(w->sockets[i].server, true);
    }
    close_node(&w->injector);
    close_node(&w->verifier);
    for (size_t i = 0; i < WIRE_SOCKETS; i++) {
        if (!w->sockets[i].used)
            continue;
        pipe_clear(&w->sockets[i].up);
        pipe_clear(&w->sockets[i].down);
        bytes_clear(&w->sockets[i].got);
        bytes_clear(&w->sockets[i].asked);
        wire_speaker_free(w->sockets[i].speaker);
    }
    bytes_clear(&w->request);
    bytes_clear(&w->body);
}

struct wire_socket *wire_connect(struct wire *w)
{
    return open_socket(w, NULL, NULL, false);
}

void wire_greet(struct wire *w, struct wire_socket *s)
{
    if (s->speaker == NULL)
        return;
    fill(&s->up);
    wire_run(w);
}

void wire_say_span(struct wire_socket *s, struct span bytes)
{
    say(&s->up, bytes);
}

void wire_say(struct wire_socket *s, const char *text)
{
    wire_say_span(s, span_from_str(text));
}

void wire_answer_span(struct wire_socket *s, struct span bytes)
{
    say(&s->down, bytes);
}

void wire_answer(struct wire_socket *s, const char *text)
{
    wire_answer_span(s, span_from_str(text));
}

void wire_end(struct wire_pipe *p)
{
    if (p->speaker != NULL && !p->ended) {
        wire_speaker_end(p->speaker);
        fill(p);
    }
    p->ended = true;
}

/* What every forwarded answer is given that comes without: tests of other things compare without it. */
static void cut_date(struct bytes *got)
{
    char date[HTTP_DATE_SIZE + 16], *text = (char *)bytes_span(got).ptr, *at;
    http_date_format(date, WIRE_NOW);
    char line[sizeof(date) + 16];
    int n = snprintf(line, sizeof(line), "Date: %s\r\n", date);
    while (text != NULL && (at = memmem(text, got->len, line, (size_t)n)) != NULL) {
        memmove(at, at + n, got->len - (size_t)(at - text) - (size_t)n);
        got->len -= (size_t)n;
    }
}

const char *wire_got(struct wire_socket *s)
{
    if (!s->keeps_date)
        cut_date(&s->got);
    uint8_t *end = bytes_reserve(&s->got, 1);
    ck_assert_ptr_nonnull(end);
    *end = '\0';
    return (const char *)bytes_span(&s->got).ptr != NULL ? (const char *)bytes_span(&s->got).ptr : "";
}

static struct wire_socket *nth(struct wire *w, size_t i, bool backend)
{
    for (size_t at = 0; at < WIRE_SOCKETS; at++) {
        struct wire_socket *s = &w->sockets[at];
        bool fits = s->used && (backend ? s->to_backend : s->node_up == &w->injector);
        if (fits && i-- == 0)
            return s;
    }
    return NULL;
}

struct wire_socket *wire_backend_socket(struct wire *w, size_t i)
{
    return nth(w, i, true);
}

struct wire_socket *wire_between(struct wire *w, size_t i)
{
    return nth(w, i, false);
}

struct client *wire_client(struct wire_node *n)
{
    for (size_t i = 0; i < WIRE_SOCKETS; i++) {
        struct wire_conn *c = n->wire->sockets[i].server;
        if (c != NULL && c->node == n)
            return c->client;
    }
    return NULL;
}

const struct wire_seen *wire_last(const struct wire_node *n)
{
    static const struct wire_seen none = {.reason = REASON_UNDECIDED, .detail = "nothing was reported"};
    return n->n_seen > 0 ? &n->seen[n->n_seen - 1] : &none;
}

bool wire_ever_said(const struct wire_pipe *p, const char *marker)
{
    struct span log = bytes_span(&p->log);
    size_t n = strlen(marker);
    if (!wire_pair()->app && !wire_pair()->hop && !wire_pair()->backend)
        return log.len > 0 && memmem(log.ptr, log.len, marker, n) != NULL;
    for (size_t i = 0; i + n <= log.len; i++) /* names of fields are in lower case */
        if (strncasecmp((const char *)log.ptr + i, marker, n) == 0)
            return true;
    return false;
}

unsigned wire_backend_contacts(const struct wire *w)
{
    unsigned n = 0;
    for (size_t i = 0; i < WIRE_SOCKETS; i++)
        n += w->sockets[i].used && w->sockets[i].to_backend;
    return n;
}

/* ---- a backend that speaks HTTP ---- */

/* How long the first request in s is; 0: not whole yet. The proxy writes its framing fields as spelled here. */
static size_t request_length(struct span s)
{
    const char *text = (const char *)s.ptr;
    const char *end = s.len > 0 ? memmem(text, s.len, "\r\n\r\n", 4) : NULL;
    if (end == NULL)
        return 0;
    size_t head = (size_t)(end - text) + 4;
    const char *length = memmem(text, head, "Content-Length: ", 16);
    if (length != NULL) {
        size_t whole = head + (size_t)strtoul(length + 16, NULL, 10);
        return whole <= s.len ? whole : 0;
    }
    if (memmem(text, head, "Transfer-Encoding: chunked", 26) == NULL)
        return head;
    const char *last = memmem(end, s.len - head + 4, "\r\n0\r\n", 5);
    const char *stop = last != NULL ? memmem(last, s.len - (size_t)(last - text), "\r\n\r\n", 4) : NULL;
    return stop != NULL ? (size_t)(stop - text) + 4 : 0;
}

/* The next chunk. False: there is none. */
static bool next_chunk(struct span *left, struct span *chunk)
{
    const uint8_t *end = left->len > 0 ? memchr(left->ptr, '\n', left->len) : NULL;
    if (end == NULL)
        return false;
    size_t n = (size_t)strtoul((const char *)left->ptr, NULL, 16);
    *left = span_skip(*left, (size_t)(end - left->ptr) + 1);
    *chunk = span_of(left->ptr, n < left->len ? n : left->len);
    *left = span_skip(*left, chunk->len + 2 < left->len ? chunk->len + 2 : left->len);
    return n > 0;
}

/* The body behind the head of a whole request. */
static void note_body(struct wire *w)
{
    struct span left = bytes_span(&w->request), chunk;
    const uint8_t *end = memmem(left.ptr, left.len, "\r\n\r\n", 4);
    bool chunked = memmem(left.ptr, (size_t)(end - left.ptr), "Transfer-Encoding: chunked", 26) != NULL;
    left = span_skip(left, (size_t)(end - left.ptr) + 4);
    bytes_clear(&w->body);
    if (!chunked && left.len > 0)
        ck_assert_int_eq(bytes_append_span(&w->body, left), 0);
    while (chunked && next_chunk(&left, &chunk))
        ck_assert_int_eq(bytes_append_span(&w->body, chunk), 0);
}

bool wire_was_asked(const struct wire *w, const char *marker)
{
    return w->request.len > 0 && memmem(bytes_span(&w->request).ptr, w->request.len, marker, strlen(marker)) != NULL;
}

bool wire_was_sent(const struct wire *w, const char *body)
{
    return span_equals_str(bytes_span(&w->body), body);
}

void wire_backend_http(struct wire *w, struct wire_socket *s)
{
    if (s->got_end && s->got.len == 0)
        s->down.ended = true;
    size_t n;
    while (!s->down.ended && (n = request_length(bytes_span(&s->got))) > 0) {
        bytes_clear(&w->request);
        ck_assert_int_eq(bytes_append(&w->request, bytes_span(&s->got).ptr, n), 0);
        bytes_consume(&s->got, n);
        note_body(w);
        w->n_requests++;
        s->requests++;
        wire_answer(s, w->reply);
        if (w->reply_closes)
            wire_end(&s->down);
    }
}

static void rejudge(struct wire_conn *c, const struct plan_listener *now_there, struct tls_context *up)
{
    struct wire_node *n = c->node;
    bool was = proxy_works(true);
    client_rejudge(c->client, now_there, n->wire->now);
    struct uplink *u = client_next_uplink(c->client, NULL);
    if (u != NULL)
        uplink_rejudge(u, up, n->wire->now);
    proxy_works(was);
    turn(n);
}

void wire_rejudge(struct wire *w, struct wire_node *n, struct tls_context *down, struct tls_context *up)
{
    for (size_t i = 0; i < WIRE_SOCKETS; i++) {
        struct wire_conn *c = w->sockets[i].server;
        if (c == NULL || c->node != n)
            continue;
        struct plan_listener judging = *now_there(n);
        judging.tls = down;
        rejudge(c, &judging, up);
    }
}

void wire_reload(struct wire *w, struct wire_node *n, const struct plan_listener *loaded)
{
    n->loaded = loaded;
    for (size_t i = 0; i < WIRE_SOCKETS; i++) {
        struct wire_conn *c = w->sockets[i].server;
        if (c == NULL || c->node != n || client_is_idle(c->client))
            continue;
        rejudge(c, loaded, NULL);
    }
}
