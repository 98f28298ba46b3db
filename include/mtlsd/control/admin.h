/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of the admin socket, as a pure function from a request and a view of the running daemon to a whole HTTP
 * response. Reading changes nothing: every change is a POST. Reload and drain are returned to the caller as an action.
 * What an operator changes about a target is written here, to the snapshot's target_state.
 *
 * The socket is for programs on this host. Every request that a web page could have made is refused (Origin, Referer,
 * Sec-Fetch-*, preflight fields, a Host that is not this host). No answer has a secret.
 */
#ifndef MTLSD_CONTROL_ADMIN_H
#define MTLSD_CONTROL_ADMIN_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/findings.h"
#include "mtlsd/control/counters.h"
#include "mtlsd/control/crl_fetch.h"
#include "mtlsd/control/refusals.h"
#include "mtlsd/control/rotation.h"
#include "mtlsd/control/sandbox_plan.h"
#include "mtlsd/control/snapshot.h"
#include "mtlsd/http/http_head.h"

/* Connections in use, and their limits. */
struct admin_room {
    uint64_t clients, most_clients;
    uint64_t descriptors, most_descriptors; /* of clients and upstream connections together */
    uint64_t refused; /* clients that found no place, since the start */
    bool full;        /* some did within the last seconds */
    uint64_t most_per_client; /* of these, for one client address; 0: no limit */
};

struct fallback;
struct tls_ocsp_facts;
struct renewal;
struct workload_view;

struct admin_reloads {
    uint64_t good, bad; /* since the start */
    int64_t last_good;  /* when the configuration in use was loaded */
};

/* The instance as it is now; everything is borrowed for the call. Times are seconds since 1970. */
struct admin_keys {
    int pid;     /* of the process that holds private keys; 0: this one does */
    bool silent; /* it does not answer */
    uint64_t refused; /* requests that only a process that is taken over sends */
    const struct sandbox_facts *sandbox; /* of that process; NULL: not told */
};

struct admin_view {
    const char *version;
    int64_t now, started;
    uint64_t now_us; /* the clock that targets are held by */
    unsigned workers;
    bool ready, draining;
    const struct snapshot *snapshot;
    const struct counters *counters; /* summed over the workers */
    const struct refusal *refusals;  /* newest first */
    size_t n_refusals;
    struct admin_room room;
    struct admin_keys keys;
    const struct workload_view *workload; /* the SPIFFE Workload API; NULL: not configured */
    const struct crl_fetch *fetches; /* of revocation lists; NULL: none */
    const struct tls_ocsp_facts *ocsp; /* NULL: no OCSP responder is asked */
    struct admin_reloads reloads;
    const struct rotation_counts *rotations; /* NULL: none are counted */
    const struct fallback *fallback; /* NULL: nothing is known */
    struct renewal *renewals;  /* NULL: nothing is renewed */
    bool files_polled; /* changed files are found by looking, because the system reports no events */
    int64_t last_reload;           /* 0: none yet */
    const char *last_reload_error; /* NULL: it went well */
    const struct sandbox_facts *sandbox; /* NULL: not told */
    int64_t last_handover;         /* when a new process was last to take over, and could not; 0: none yet */
    const char *last_handover_error;
    uint64_t handovers_refused;
};

enum admin_action {
    ADMIN_ANSWERED, /* the response is in out */
    ADMIN_RELOAD,   /* nothing is in out: reload, then write admin_answer_reload */
    ADMIN_DRAIN,    /* the response is in out; drain */
    ADMIN_STREAM,   /* the head of the response is in out; events follow (control/served.h) */
    ADMIN_FAILED,   /* out of memory: close the connection */
};

struct admin_question {
    const struct http_head *head;
    const char *asked_by; /* for the log */
};

/* GET /status, /dashboard (without its forms' nonce: buttons are for browsers), /refusals, /metrics, /livez, /readyz; POST /reload, /drain, /renew/IDENTITY, /targets/UPSTREAM/TARGET/ and drain, disable, enable or weight?weight=N. The
 * connection closes after the response. */
enum admin_action admin_answer(struct bytes *out, const struct admin_question *question, const struct admin_view *view);

struct admin_reload {
    bool ok;
    uint64_t generation; /* the one in use now */
    const struct findings *findings;
};
/* 200 when the new configuration is in use, 422 when the old one was kept; every finding is in the body. */
MUST_CHECK int admin_answer_reload(struct bytes *out, const struct admin_reload *result);
/* A refusal with an HTTP status: for a request that could not be read. */
MUST_CHECK int admin_answer_error(struct bytes *out, unsigned status, const char *detail);

#endif
