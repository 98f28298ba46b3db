/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole proxied connections in memory, without a socket:
 *
 *   app -> [injector] -> [verifier] -> backend
 *
 * Each hop is a wire_socket, two pipes that can be cut, stalled and listened to. A proxy here is driven by pump,
 * as in io/. Either proxy may be left out. The clock stands still until wire_advance moves it.
 */
#ifndef MTLSD_TEST_WIRE_H
#define MTLSD_TEST_WIRE_H

#include "mtlsd/proxy/client.h"
#include "mtlsd/proxy/pool.h"
#include "mtlsd/proxy/pump.h"
#include "mtlsd/proxy/uplink.h"
#include "wire_pair.h"
#include "wire_pki.h"
#include "wire_speaker.h"

enum { WIRE_SOCKETS = 40, WIRE_SEEN = 64, WIRE_TARGETS = 4, WIRE_ROUTES = 8, WIRE_WINDOW = 64 * 1024 };
#define WIRE_ALL SIZE_MAX

struct wire_pipe { /* one direction of a socket */
    struct bytes data;     /* on its way */
    struct bytes log;      /* everything that was ever put in, while wire.keep_log */
    uint64_t put, taken;   /* bytes in and out so far */
    unsigned writes;       /* of a proxy, that took something: each is a system call */
    uint64_t cut_after;    /* the pipe breaks once that many bytes came out; UINT64_MAX: never */
    bool cut_is_reset;     /* and breaks with an error instead of an end */
    bool stalled;          /* nothing comes out */
    bool ended, reset;     /* the sender's last words */
    bool late_end;         /* they do not arrive yet */
    bool told;             /* and the receiver heard them */
    uint64_t offer;        /* bytes of the pattern still to be offered by a test end */
    uint64_t offered;
    struct wire_speaker *speaker; /* of the socket: its test end writes in here by that; NULL: bytes as they are */
};

struct wire_conn;
struct wire_socket {
    bool used;
    struct wire_pipe up, down;  /* from and to the one who connected */
    struct uplink *client;      /* the proxy that connected; NULL: the app, or it is gone */
    struct wire_conn *server;   /* the proxy that accepted; NULL: the backend, or it is gone */
    bool client_reads;          /* what pump said last */
    bool from_app, to_backend;
    struct wire_speaker *speaker; /* the test end speaks HTTP/2; NULL: the test's own bytes */
    struct wire_node *node_up;  /* whose uplink client is */
    size_t target;              /* which of its targets this goes to */
    struct bytes got;           /* what a test end received: the app from down, the backend from up */
    uint64_t pattern_at;        /* how many bytes of the pattern arrived, when wire.pattern */
    bool got_end, got_reset;
    bool keeps_date;            /* see wire_got */
    unsigned requests;          /* answered by wire_backend_http */
    struct bytes asked;         /* what the HTTP proxy on its way was asked, when proxied */
    bool proxied;               /* that proxy has not answered yet */
};

struct wire_seen { /* a report, copied */
    enum report_kind kind;
    enum reason reason;
    enum refused_by refused_by;
    unsigned status, retries;
    size_t route;      /* index of the route, SIZE_MAX: none was chosen */
    size_t target;     /* index of the target, SIZE_MAX: none */
    bool up_reused, resumed_up;
    int alert_received, alert_sent; /* of the side that failed */
    bool would_refuse;
    char detail[320];
    char id[132];
    const char *hint;
    char forwarded_for[48]; /* "": none */
};

enum wire_connect {
    WIRE_CONNECT_WORKS,
    WIRE_CONNECT_REFUSED,
    WIRE_CONNECT_NO_ROOM, /* no descriptor is left for it */
    WIRE_CONNECT_HANGS,
    WIRE_CONNECT_ELSEWHERE, /* a test end accepts and not the next proxy: on_backend plays it */
};

struct wire;
struct wire_node {
    struct wire *wire;
    bool present;
    struct config_upstream up_conf;
    struct config_listener down_conf;
    struct config_target target_conf[WIRE_TARGETS]; /* one, unless wire_add_target was called */
    struct http_edit *owned; /* the fields that its routes set from variables */
    struct config_route route_conf[WIRE_ROUTES]; /* one that matches everything, unless wire_set_routes was called */
    struct plan_upstream upstream;
    struct plan_target target[WIRE_TARGETS];
    struct plan_route route[WIRE_ROUTES];
    struct plan_listener listener;
    const struct plan_listener *loaded; /* what a reload has put in its place; NULL: nothing */
    struct proxy_env env;
    struct target_state *target_state;
    enum wire_connect connect;  /* to any target */
    enum wire_connect connect_to[WIRE_TARGETS]; /* to this one, where connect works */
    unsigned connects;          /* connections made to its upstream */
    struct address dialled;     /* where the last one went or was to go */
    bool dialled_public_only;
    unsigned connected[WIRE_TARGETS];
    struct wire_seen seen[WIRE_SEEN];
    size_t n_seen;
    unsigned up_handshakes, up_resumed, down_handshakes; /* that succeeded */
    unsigned up_failed, down_failed;
    size_t most_pending;        /* high-water mark of what one exchange kept for sending */
};

struct wire_conn {
    struct wire_node *node;
    struct wire_socket *socket;
    struct client *client;
    bool driven; /* since it was accepted */
    bool reads;  /* what pump said last */
};

struct wire {
    struct wire_node injector, verifier;
    struct wire_socket sockets[WIRE_SOCKETS];
    struct moment now;
    size_t step;       /* bytes delivered at a time */
    size_t window;     /* bytes a pipe takes before its sender must wait */
    bool keep_log;     /* on by default */
    uint64_t cut_between_after; /* what a server says to the injector breaks after so many bytes; UINT64_MAX: never */
    bool pattern;      /* test ends check the pattern and keep nothing */
    void (*on_backend)(struct wire *w, struct wire_socket *s); /* after bytes or the end arrived there */
    const char *reply; /* of wire_backend_http */
    const char *proxy_reply; /* of the HTTP proxy that stands where an upstream has one; NULL: it is silent */
    bool reply_closes;
    struct bytes request, body; /* the last whole request wire_backend_http saw, and its body without chunks */
    unsigned n_requests;
};

struct wire_setup {
    enum config_protocol protocol;
    bool no_injector, no_verifier;
    struct tls_context *connecting, *accepting; /* borrowed; NULL: that hop is plaintext */
};

/* True while a proxy works and not the wires themselves: for tests that make allocations fail. */
extern bool wire_proxy_works;

void wire_open(struct wire *w, const struct wire_setup *setup);
void wire_close(struct wire *w);

/* One more target of the node's upstream, with the same TLS; before any connection. */
void wire_add_target(struct wire_node *n);
/* Other routes than the one to everything: those that neither redirect nor respond lead to the node's upstream. Copied, but not what they point to. */
void wire_set_routes(struct wire_node *n, const struct config_route *routes, size_t n_routes);
struct wire_socket *wire_connect(struct wire *w);      /* the app connects */
void wire_greet(struct wire *w, struct wire_socket *s); /* HTTP/2: the app's SETTINGS and ACK are through, for a test that stalls it from then on */
void wire_say(struct wire_socket *s, const char *text); /* the app sends */
void wire_say_span(struct wire_socket *s, struct span bytes);
void wire_answer(struct wire_socket *s, const char *text); /* the backend sends */
void wire_answer_span(struct wire_socket *s, struct span bytes);
void wire_end(struct wire_pipe *p);
void wire_run(struct wire *w); /* until nothing moves */
void wire_advance(struct wire *w, uint64_t ms);
void wire_finish(struct wire *w); /* runs and moves the clock to each deadline until every connection is closed */

void wire_connect_late(struct uplink *u); /* one that was made while connect hung */
const char *wire_got(struct wire_socket *s);              /* as text, without the Date that was added unless keeps_date */
struct wire_socket *wire_backend_socket(struct wire *w, size_t i); /* the i-th that reached the backend; NULL */
struct wire_socket *wire_between(struct wire *w, size_t i);        /* the i-th that the injector made */
void wire_rejudge(struct wire *w, struct wire_node *n, struct tls_context *down, struct tls_context *up); /* as io/worker.c does it */
void wire_reload(struct wire *w, struct wire_node *n, const struct plan_listener *loaded); /* likewise; borrowed */
struct client *wire_client(struct wire_node *n);                   /* a live one; NULL */
const struct wire_seen *wire_last(const struct wire_node *n);
bool wire_ever_said(const struct wire_pipe *p, const char *marker);
unsigned wire_backend_contacts(const struct wire *w);

/* Answers every whole request with w->reply. */
void wire_backend_http(struct wire *w, struct wire_socket *s);
/* What the last one was, in HTTP/1.1; and its body without chunks. */
bool wire_was_asked(const struct wire *w, const char *marker);
bool wire_was_sent(const struct wire *w, const char *body);
uint8_t wire_pattern(uint64_t position);

#endif
