/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests over plain HTTP/1.1 to a unix socket or a port of this machine, one after the other on one connection, blocking: how the commands reach an
 * admin socket, and the demo its listeners. No proxy, no redirect, nothing unpacked.
 */
#ifndef MTLSD_IO_HTTP_CLIENT_H
#define MTLSD_IO_HTTP_CLIENT_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

struct http_client;

struct http_call {
    const char *socket; /* path of a unix socket; NULL: host and port */
    const char *host;   /* a name or an address; NULL: 127.0.0.1 */
    uint16_t port;
    const char *method, *path;        /* "GET", "POST", "PUT"; "/status" */
    const char *const *fields;        /* further fields, "Name: value" */
    size_t n_fields;
    unsigned within_ms, silent_ms;    /* 0: no end; of all of it, and without a byte (in whole seconds) */
    uint64_t upload;                  /* so many bytes are sent, which fill writes */
    void (*fill)(void *ctx, uint64_t offset, uint8_t *out, size_t n);
    /* Takes a piece of the answer's body; false ends it. NULL: the body goes to the answer. */
    bool (*take)(void *ctx, uint64_t offset, const uint8_t *data, size_t n);
    void *ctx;
};

struct http_reply {
    unsigned status; /* 0: there was no answer */
    uint64_t length; /* of the body */
    struct bytes body; /* owned; empty after a failure */
    int system_error; /* of a failure, or 0 */
    bool timed_out, unconnected;
};

struct http_client *http_client_new(void); /* NULL: out of memory */
void http_client_free(struct http_client *c); /* NULL is fine */
/* Initialises *reply. 0: any complete answer. -1 + err, ERR_IO. */
MUST_CHECK int http_client_call(struct http_client *c, const struct http_call *call, struct http_reply *reply, struct err *err);

#endif
