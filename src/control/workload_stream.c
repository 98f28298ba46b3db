/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/workload_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRPC_INVALID_ARGUMENT = 3, GRPC_PERMISSION_DENIED = 7, GRPC_UNIMPLEMENTED = 12 };

/* ---- where ---- */

int workload_socket_path(const char *value, char out[WORKLOAD_PATH_MAX], struct err *err)
{
    static const char scheme[] = "unix://";
    if (value == NULL || value[0] == '\0')
        return err_set(err, ERR_CONFIG, "the configuration takes certificates from SPIFFE, and SPIFFE_ENDPOINT_SOCKET is not set: set it to the socket of the agent, as in "
                                        "unix:///run/spire/agent.sock");
    const char *path = value + sizeof(scheme) - 1;
    if (strncmp(value, "tcp:", 4) == 0)
        return err_set(err, ERR_CONFIG, "SPIFFE_ENDPOINT_SOCKET: \"%.200s\" is a TCP address, over which the agent cannot tell who asks: give its socket, as in unix:///run/agent.sock",
                       value);
    if (strncmp(value, scheme, sizeof(scheme) - 1) != 0 || path[0] != '/')
        return err_set(err, ERR_CONFIG, "SPIFFE_ENDPOINT_SOCKET: \"%.200s\" does not begin with unix:/// and a path, as in unix:///run/agent.sock", value);
    if (strlen(path) >= WORKLOAD_PATH_MAX)
        return err_set(err, ERR_CONFIG, "SPIFFE_ENDPOINT_SOCKET: \"%.200s\": the path of a socket has %d bytes at most", value, WORKLOAD_PATH_MAX - 1);
    if (strpbrk(path, "?#") != NULL)
        return err_set(err, ERR_CONFIG, "SPIFFE_ENDPOINT_SOCKET: \"%.200s\": leave out what follows ? or #", value);
    snprintf(out, WORKLOAD_PATH_MAX, "%s", path);
    return 0;
}

/* ---- messages ---- */

void workload_stream_init(struct workload_stream *s)
{
    *s = (struct workload_stream){.n_head = 0};
    bytes_init(&s->in, WORKLOAD_MESSAGE_MAX + 1);
    bytes_init(&s->latest, WORKLOAD_MESSAGE_MAX + 1);
}

void workload_stream_clear(struct workload_stream *s)
{
    bytes_wipe(&s->in);
    bytes_wipe(&s->latest);
    workload_stream_init(s);
}

static int read_head(struct workload_stream *s, struct err *err)
{
    s->expected = (size_t)s->head[1] << 24 | (size_t)s->head[2] << 16 | (size_t)s->head[3] << 8 | s->head[4];
    if (s->head[0] != 0)
        return err_set(err, ERR_PROTOCOL, s->head[0] == 1 ? "a message is compressed, which was not requested" : "the stream is not one of gRPC");
    if (s->expected > WORKLOAD_MESSAGE_MAX)
        return err_set(err, ERR_PROTOCOL, "a message is larger than %d MiB", WORKLOAD_MESSAGE_MAX >> 20);
    /* at once: what grows would leave a key in each smaller block */
    return bytes_reserve(&s->in, s->expected + 1) != NULL ? 0 : err_set(err, ERR_MEMORY, "out of memory for a message");
}

static int take_head(struct workload_stream *s, struct span *data, struct err *err)
{
    while (s->n_head < WORKLOAD_HEAD && data->len > 0) {
        s->head[s->n_head++] = data->ptr[0];
        *data = span_skip(*data, 1);
    }
    return s->n_head == WORKLOAD_HEAD && s->in.len == 0 ? read_head(s, err) : 0;
}

static void keep_latest(struct workload_stream *s)
{
    bytes_wipe(&s->latest);
    bytes_take(&s->in, &s->latest);
    bytes_init(&s->in, WORKLOAD_MESSAGE_MAX + 1);
    s->has_latest = true;
    s->messages++;
    s->n_head = 0;
}

int workload_stream_add(struct workload_stream *s, struct span data, struct err *err)
{
    while (data.len > 0 || (s->n_head == WORKLOAD_HEAD && s->in.len == s->expected)) {
        if (s->n_head < WORKLOAD_HEAD) {
            if (take_head(s, &data, err) != 0)
                return -1;
            continue;
        }
        size_t missing = s->expected - s->in.len, n = data.len < missing ? data.len : missing;
        if (n > 0 && bytes_append(&s->in, data.ptr, n) != 0)
            return err_set(err, ERR_MEMORY, "out of memory for a message");
        data = span_skip(data, n);
        if (s->in.len == s->expected)
            keep_latest(s);
    }
    return 0;
}

/* ---- the end ---- */

static struct span value_of(struct span line, const char *name)
{
    size_t n = strlen(name);
    if (line.len <= n || line.ptr[n] != ':' || !span_equals_nocase_str(span_of(line.ptr, n), name))
        return (struct span){0};
    struct span value = span_skip(line, n + 1);
    while (value.len > 0 && (value.ptr[value.len - 1] == '\n' || value.ptr[value.len - 1] == '\r'))
        value.len--;
    return span_trim(value);
}

static void copy_printable(struct span from, char *out, size_t size)
{
    size_t n = from.len < size - 1 ? from.len : size - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = from.ptr[i] >= ' ' && from.ptr[i] <= '~' ? (char)from.ptr[i] : '?';
    out[n] = '\0';
}

void workload_ending_line(struct workload_ending *e, struct span line)
{
    struct span status = value_of(line, "grpc-status"), message = value_of(line, "grpc-message");
    if (status.len > 0) {
        e->status = 0;
        for (size_t i = 0; i < status.len; i++) {
            bool digit = i < 3 && status.ptr[i] >= '0' && status.ptr[i] <= '9';
            e->status = digit ? e->status * 10 + (status.ptr[i] - '0') : 2; /* unknown, as gRPC says */
            if (!digit)
                break;
        }
    }
    if (message.len > 0)
        copy_printable(message, e->message, sizeof(e->message));
}

enum workload_state workload_ending_state(const struct workload_ending *e, const char *fault, char *out, size_t out_size)
{
    const char *colon = e->message[0] != '\0' ? ": " : "";
    if (e->status == GRPC_PERMISSION_DENIED) {
        snprintf(out, out_size, "the agent has no identity for this process (PermissionDenied%s%s): register this workload, by its user, its path or its pod", colon, e->message);
        return WORKLOAD_DENIED;
    }
    if (e->status == GRPC_UNIMPLEMENTED)
        snprintf(out, out_size, "the socket is not that of a SPIFFE Workload API (Unimplemented%s%s): correct SPIFFE_ENDPOINT_SOCKET", colon, e->message);
    else if (e->status == GRPC_INVALID_ARGUMENT)
        snprintf(out, out_size, "the agent refuses the request (InvalidArgument%s%s)", colon, e->message);
    else if (e->status > 0)
        snprintf(out, out_size, "the agent ends the stream with status %d%s%s", e->status, colon, e->message);
    else if (fault != NULL)
        snprintf(out, out_size, "%s", fault);
    else if (e->http != 200)
        snprintf(out, out_size, "the socket answers with HTTP status %ld and is not that of a SPIFFE Workload API: correct SPIFFE_ENDPOINT_SOCKET", e->http);
    else
        snprintf(out, out_size, "the agent has ended the stream");
    return WORKLOAD_LOST;
}

unsigned workload_backoff_ms(unsigned failures, unsigned random)
{
    const unsigned first = 250, limit = 30 * 1000;
    unsigned shift = failures > 8 ? 8 : failures > 0 ? failures - 1 : 0;
    unsigned most = first << shift > limit ? limit : first << shift;
    return most / 2 + random % (most / 2 + 1);
}
