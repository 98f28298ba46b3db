/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/grpc_health.h"

#include "mtlsd/http/grpc.h"

#include <string.h>

/* The wire format of Protocol Buffers: a field is a varint of number * 8 + type, then its value. */
enum { TYPE_VARINT = 0, TYPE_64_BIT = 1, TYPE_BYTES = 2, TYPE_32_BIT = 5 };
enum { PREFIX_BYTES = 5, MAX_VARINT_BYTES = 10, STATUS_FIELD = 1, SERVICE_FIELD = 1 };
enum { SERVING = 1 };

static int put_varint(struct bytes *out, uint64_t n)
{
    uint8_t text[MAX_VARINT_BYTES];
    size_t len = 0;
    for (; n >= 0x80; n >>= 7)
        text[len++] = (uint8_t)(n | 0x80);
    text[len++] = (uint8_t)n;
    return bytes_append(out, text, len);
}

int grpc_health_write_request(struct bytes *out, struct span service)
{
    struct bytes message;
    bytes_init(&message, out->max);
    if (service.len > 0) {
        put_varint(&message, SERVICE_FIELD << 3 | TYPE_BYTES);
        put_varint(&message, service.len);
        bytes_append_span(&message, service);
    }
    size_t n = message.len;
    const uint8_t prefix[PREFIX_BYTES] = {0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                                          (uint8_t)n};
    bytes_append(out, prefix, sizeof(prefix));
    return bytes_append_part(out, &message);
}

void grpc_health_init(struct grpc_health *h)
{
    *h = (struct grpc_health){.status = -1};
}

void grpc_health_on_head(struct grpc_health *h, const struct http_head *head)
{
    h->http_status = head->status;
    h->is_grpc = grpc_is_message(head);
    h->status = grpc_status_read(head);
}

/* Where there are trailers, they alone say how the call ended. */
void grpc_health_on_trailers(struct grpc_health *h, const struct http_head *trailers)
{
    h->status = grpc_status_read(trailers);
}

void grpc_health_on_data(struct grpc_health *h, struct span data)
{
    if (data.len > sizeof(h->data) - h->n)
        h->too_long = true;
    else if (data.len > 0)
        memcpy(h->data + h->n, data.ptr, data.len);
    h->n += h->too_long ? 0 : data.len;
}

static bool take_varint(struct span *rest, uint64_t *n)
{
    *n = 0;
    for (unsigned i = 0; i < MAX_VARINT_BYTES && i < rest->len; i++) {
        uint64_t seven = rest->ptr[i] & 0x7f;
        if (i == MAX_VARINT_BYTES - 1 && seven > 1)
            return false; /* more than 64 bits */
        *n |= seven << (7 * i);
        if (rest->ptr[i] < 0x80) {
            *rest = span_skip(*rest, i + 1);
            return true;
        }
    }
    return false;
}

/* Takes the value of a field that we do not know. */
static bool skip_value(struct span *rest, unsigned type)
{
    uint64_t n;
    switch (type) {
    case TYPE_VARINT:
        return take_varint(rest, &n);
    case TYPE_64_BIT:
        n = 8;
        break;
    case TYPE_BYTES:
        if (!take_varint(rest, &n))
            return false;
        break;
    case TYPE_32_BIT:
        n = 4;
        break;
    default:
        return false;
    }
    if (n > rest->len)
        return false;
    *rest = span_skip(*rest, (size_t)n);
    return true;
}

/* HealthCheckResponse. A status that is left out is 0, UNKNOWN; of several the last counts. */
static bool read_response(struct span rest, uint64_t *status)
{
    *status = 0;
    while (rest.len > 0) {
        uint64_t key;
        if (!take_varint(&rest, &key) || key >> 3 == 0 || key > UINT32_MAX)
            return false;
        if (key >> 3 == STATUS_FIELD) {
            if ((key & 7) != TYPE_VARINT || !take_varint(&rest, status))
                return false;
        } else if (!skip_value(&rest, (unsigned)(key & 7))) {
            return false;
        }
    }
    return true;
}

static const char *serving_status(uint64_t status)
{
    static const char *const names[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
    return status < sizeof(names) / sizeof(names[0]) ? names[status]
                                                     : "a status that grpc.health.v1 does not have";
}

static int judge_message(const struct grpc_health *h, struct err *err)
{
    struct span message = span_of(h->data, h->n);
    uint64_t status;
    if (message.len < PREFIX_BYTES)
        return err_set(err, ERR_PROTOCOL, "the answer to the gRPC health check has no message");
    if (message.ptr[0] != 0)
        return err_set(err, ERR_PROTOCOL,
                       "the answer to the gRPC health check is compressed, which was not asked for");
    uint64_t length = (uint64_t)message.ptr[1] << 24 | (uint64_t)message.ptr[2] << 16 |
                      (uint64_t)message.ptr[3] << 8 | message.ptr[4];
    message = span_skip(message, PREFIX_BYTES);
    if (length != message.len || !read_response(message, &status))
        return err_set(err, ERR_PROTOCOL, "the answer to the gRPC health check is no HealthCheckResponse");
    if (status != SERVING)
        return err_set(err, ERR_PROTOCOL, "the gRPC health check was answered with %s, expected is SERVING",
                       serving_status(status));
    return 0;
}

/* Says in words what the usual failures mean. */
static const char *meaning(int status)
{
    switch (status) {
    case GRPC_NOT_FOUND:
        return ": the target does not know the service of health.grpc";
    case GRPC_UNIMPLEMENTED:
        return ": the target has no grpc.health.v1.Health service";
    default:
        return "";
    }
}

int grpc_health_judge(const struct grpc_health *h, struct err *err)
{
    if (h->http_status != 200)
        return err_set(err, ERR_PROTOCOL,
                       "the gRPC health check was answered with HTTP status %u, expected is 200",
                       h->http_status);
    if (!h->is_grpc)
        return err_set(
            err, ERR_PROTOCOL,
            "the answer to the gRPC health check is not gRPC: its Content-Type is not application/grpc");
    if (h->too_long)
        return err_set(err, ERR_PROTOCOL, "the answer to the gRPC health check is longer than %d bytes",
                       GRPC_HEALTH_MAX_BYTES);
    if (h->status < 0)
        return err_set(err, ERR_PROTOCOL, "the answer to the gRPC health check has no valid grpc-status");
    if (h->status != GRPC_OK)
        return err_set(err, ERR_PROTOCOL, "the gRPC health check was answered with grpc-status %d (%s)%s",
                       h->status, grpc_status_name((unsigned)h->status), meaning(h->status));
    return judge_message(h, err);
}
