/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the key client share these: its requests, the sets of keys that it gives out, and the process. */
#ifndef MTLSD_IO_KEY_CLIENT_PARTS_H
#define MTLSD_IO_KEY_CLIENT_PARTS_H

#include "key_channel.h"
#include "mtlsd/io/key_client.h"
#include "mtlsd/keys/key_message.h"

#include <stdatomic.h>
#include <uv.h>

/* A signature takes milliseconds; a file may be on a slow file system. */
enum { KEY_CLIENT_SIGN_MS = 5000, KEY_CLIENT_READ_MS = 60000 };

struct key_client {
    struct identity_source source;
    struct key_channel *channels;
    unsigned n;
    pid_t pid; /* 0: it was waited for */
    int life;  /* readable when it has ended */
    struct sandbox_facts sandbox; /* of the process */
    atomic_uint sets; /* numbers that were given */
    atomic_bool unlocked, silent, ended;
    atomic_uint_least64_t refused; /* requests, as it last told */
    atomic_uint_least64_t late; /* a key whose token does not answer; 0: none */
    uv_poll_t *watch; /* NULL: none */
    void (*on_end)(void *ctx, const char *how);
    void *on_end_ctx;
    int notices;              /* of the Workload API; -1: none */
    uv_poll_t *notice_watch;  /* NULL: none */
    void (*on_notice)(void *ctx);
    void *on_notice_ctx;
};

/* ---- key_client_ask.c ---- */

struct key_conversation {
    const struct key_request *request;
    struct key_answer *answer;
    struct identity_files *files; /* NULL: the answer has none */
    int within_ms;
    struct bytes *workload; /* gets that of the answer; NULL: not wanted */
};

/* From any thread. 0: it was answered, well or not. */
int key_client_ask(struct key_client *c, const struct key_conversation *t, struct err *err);

/* ---- key_client_sets.c ---- */

struct identity_source key_client_sets(struct key_client *c);

/* ---- key_client_process.c ---- */

/* channels, n, life and notices are filled; pid is that of a process that is ready. */
int key_client_process_start(struct key_client *c, const struct key_client_order *how, struct err *err);
/* Takes what the process tells of its sandbox, if it has told it. It is written at once, so that it is there as a whole. */
bool key_client_process_report(struct key_client *c);
/* It ends by itself when its sockets close, unless it is stopped. */
void key_client_process_end(struct key_client *c);
void key_client_process_close(struct key_client *c);

#endif
