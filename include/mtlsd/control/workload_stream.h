/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of the Workload API without its socket: where it is, messages of gRPC out of a body of HTTP/2, what the end of a stream means, and when to
 * try again. Messages are several in a burst, and only the last one counts.
 */
#ifndef MTLSD_CONTROL_WORKLOAD_STREAM_H
#define MTLSD_CONTROL_WORKLOAD_STREAM_H

#include "mtlsd/control/workload.h"

enum { WORKLOAD_PATH_MAX = 108 /* of a unix socket's address, with the zero byte */, WORKLOAD_HEAD = 5 /* bytes before each message of gRPC */ };

/* The path in the value of SPIFFE_ENDPOINT_SOCKET: unix:///run/spire/agent.sock. value NULL: it is not set. -1 + err. */
MUST_CHECK int workload_socket_path(const char *value, char out[WORKLOAD_PATH_MAX], struct err *err);

struct workload_stream {
    uint8_t head[WORKLOAD_HEAD];
    size_t n_head;
    size_t expected;         /* bytes of the message that comes, once the head is whole */
    struct bytes in, latest; /* that message; the last whole one */
    bool has_latest;
    uint64_t messages;       /* whole ones */
};

void workload_stream_init(struct workload_stream *s);
void workload_stream_clear(struct workload_stream *s); /* wipes: a message may have keys in it */
/* -1 + err: the stream is of no use any more. */
MUST_CHECK int workload_stream_add(struct workload_stream *s, struct span data, struct err *err);

struct workload_ending { /* begins as {.status = -1} */
    long http;           /* its status; 0: there was no answer */
    int status;          /* grpc-status; -1: none came */
    char message[200];   /* grpc-message, printable */
};
/* One line of a head or of the trailers. */
void workload_ending_line(struct workload_ending *e, struct span line);
/* The state that follows, with words. fault: of the connection, or why we ended it; NULL: none. */
enum workload_state workload_ending_state(const struct workload_ending *e, const char *fault, char *out, size_t out_size);

/* Milliseconds to wait after the n-th failure in a row (1 is the first): longer each time up to half a minute, and different on each host. random: any. */
unsigned workload_backoff_ms(unsigned failures, unsigned random);

#endif
