/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/grpc.h"

#include "mtlsd/base/text.h"

#include <stdio.h>
#include <string.h>

/* Some clients refuse a response with more than 8 KiB of fields. */
enum { MAX_MESSAGE_BYTES = 1024 /* each may grow to three */ };

bool grpc_is_content_type(struct span value)
{
    static const char grpc[] = "application/grpc";
    size_t n = strlen(grpc);
    if (value.len < n || !span_equals_nocase_str(span_of(value.ptr, n), grpc))
        return false;
    return value.len == n || memchr("+; \t", value.ptr[n], 4) != NULL;
}

bool grpc_is_message(const struct http_head *h)
{
    return grpc_is_content_type(http_head_find(h, "content-type"));
}

unsigned grpc_status_of_http(unsigned http_status)
{
    switch (http_status) {
    case 400:
        return GRPC_INTERNAL;
    case 401:
        return GRPC_UNAUTHENTICATED;
    case 403:
        return GRPC_PERMISSION_DENIED;
    case 404:
        return GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return GRPC_UNAVAILABLE;
    default:
        return GRPC_UNKNOWN;
    }
}

static const char *const names[] = {
    "OK",        "CANCELLED",       "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS",  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",    "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED",
};

enum { N_STATUSES = sizeof(names) / sizeof(names[0]) };

const char *grpc_status_name(unsigned status)
{
    return names[status < N_STATUSES ? status : GRPC_UNKNOWN];
}

static int read_status(struct span value)
{
    int n = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return -1;
        n = n * 10 + (value.ptr[i] - '0');
        if (n >= N_STATUSES)
            return -1;
    }
    return value.len > 0 ? n : -1;
}

int grpc_status_read(const struct http_head *h)
{
    struct span value = {NULL, 0};
    for (size_t i = 0; i < h->n_fields; i++) {
        if (!span_equals_nocase_str(h->fields[i].name, "grpc-status"))
            continue;
        if (value.ptr != NULL)
            return -1;
        value = h->fields[i].value;
    }
    return read_status(value);
}

int grpc_refusal_init(struct grpc_refusal *r, const struct http_problem *p)
{
    char text[MAX_MESSAGE_BYTES + 1];
    const char *cause = p->detail != NULL ? p->detail : p->title;
    snprintf(text, sizeof(text), "mtlsd: %s%s%s%s%s", p->reason != NULL ? p->reason : "refused",
             cause != NULL ? ": " : "", cause != NULL ? cause : "", p->hint != NULL ? "; " : "",
             p->hint != NULL ? p->hint : "");
    snprintf(r->status, sizeof(r->status), "%u", grpc_status_of_http(p->status));
    bytes_init(&r->message, (size_t)3 * MAX_MESSAGE_BYTES);
    if (text_append_percent(&r->message, span_from_str(text)) != 0) {
        bytes_clear(&r->message);
        return -1;
    }
    r->fields[0] = (struct http_field){span_from_str("content-type"), span_from_str("application/grpc")};
    r->fields[1] = (struct http_field){span_from_str("grpc-status"), span_from_str(r->status)};
    r->fields[2] = (struct http_field){span_from_str("grpc-message"), bytes_span(&r->message)};
    r->head = (struct http_head){.status = 200,
                                 .phrase = span_from_str("OK"),
                                 .fields = r->fields,
                                 .n_fields = 3,
                                 .framing = HTTP_NO_BODY};
    return 0;
}

void grpc_refusal_clear(struct grpc_refusal *r)
{
    bytes_clear(&r->message);
}
