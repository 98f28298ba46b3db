/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/renewal_call.h"

#include "mtlsd/http/http1.h"
#include "mtlsd/io/probe.h"
#include "mtlsd/tls/tls_renewal.h"

#include <stdio.h>
#include <string.h>

enum { HEAD_MAX = 32 * 1024, FIELDS_MAX = 100, PIECE = 16 * 1024, RETRY_MOST = 1000000 };

struct reading {
    struct http1 *http;
    struct renewal_reply *reply;
    struct err *err;
    bool interim; /* this one is not the answer (1xx) */
};

/* Seconds; a date is not worth a clock's difference. */
static unsigned seconds(struct span s)
{
    unsigned n = 0;
    for (size_t i = 0; i < s.len && n < RETRY_MOST; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return 0;
        n = n * 10 + (unsigned)(s.ptr[i] - '0');
    }
    return n;
}

static int too_large(struct err *err)
{
    return err_set(err, ERR_PROTOCOL, "the answer is larger than %d KiB", TLS_RENEWAL_ANSWER_MAX / 1024);
}

static int on_head(struct reading *r)
{
    const struct http_head *head = http1_head(r->http);
    r->interim = head->status < 200;
    if (r->interim)
        return 0;
    struct span type = http_head_find(head, "content-type");
    r->reply->status = head->status;
    r->reply->retry_after_s = seconds(http_head_find(head, "retry-after"));
    snprintf(r->reply->type, sizeof(r->reply->type), "%.*s", (int)type.len, type.len > 0 ? (const char *)type.ptr : "");
    return head->framing == HTTP_LENGTH && head->length > TLS_RENEWAL_ANSWER_MAX ? too_large(r->err) : 0;
}

/* 1: the answer is whole; 0: more has to come; -1 + err. */
static int take(struct reading *r, struct span in)
{
    struct span data;
    for (;;) {
        switch (http1_next(r->http, &in, &data)) {
        case HTTP1_MORE:
            return 0;
        case HTTP1_HEAD:
            if (on_head(r) != 0)
                return -1;
            break;
        case HTTP1_DATA:
            if (bytes_append_span(&r->reply->body, data) != 0)
                return too_large(r->err);
            break;
        case HTTP1_TRAILERS:
            break;
        case HTTP1_END:
            if (!r->interim)
                return 1;
            break;
        case HTTP1_UPGRADED:
        case HTTP1_BAD:
            return err_set(r->err, ERR_PROTOCOL, "the answer is no HTTP/1.1: %s", http1_detail(r->http));
        }
    }
}

static unsigned all_ms(const struct renewal_call *call)
{
    return call->all_ms > 0 ? call->all_ms : RENEWAL_CALL_MS;
}

static int failed(const struct probe *p, const struct renewal_call *call, struct err *err)
{
    unsigned connect_ms = call->connect_ms > 0 ? call->connect_ms : RENEWAL_CALL_CONNECT_MS;
    switch (probe_reason(p)) {
    case REASON_CONNECT_TIMEOUT:
        return err_set(err, ERR_IO, "no connection to the CA within %g s", connect_ms / 1000.0);
    case REASON_HANDSHAKE_TIMEOUT:
        return err_set(err, ERR_IO, "the CA did not finish the TLS handshake within %g s", all_ms(call) / 1000.0);
    case REASON_RESPONSE_TIMEOUT:
        return err_set(err, ERR_IO, "the CA did not send a whole answer within %g s", all_ms(call) / 1000.0);
    default:
        return err_set(err, ERR_IO, "%s", probe_text(p));
    }
}

static int read_answer(struct reading *r, struct probe *p, const struct renewal_call *call)
{
    static const char none[] = "the server closed the connection without a whole answer";
    uint8_t piece[PIECE];
    int rc = 0;
    while (rc == 0) {
        size_t n = probe_read(p, piece, sizeof(piece));
        if (n > 0)
            rc = take(r, span_of(piece, n));
        else if (probe_failed(p))
            return failed(p, call, r->err);
        else
            rc = http1_eof(r->http) == HTTP1_END && !r->interim ? 1 : err_set(r->err, ERR_PROTOCOL, "%s", none);
    }
    return rc == 1 ? 0 : -1;
}

static int talk(struct probe *p, const struct renewal_call *call, struct renewal_reply *reply, struct err *err)
{
    struct reading r = {.reply = reply, .err = err};
    probe_limit(p, all_ms(call));
    if (probe_failed(p) || !probe_start_tls(p, call->tls) || !probe_send(p, call->request))
        return failed(p, call, err);
    r.http = http1_new(false, HEAD_MAX, FIELDS_MAX);
    if (r.http == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    int rc = read_answer(&r, p, call);
    http1_free(r.http);
    return rc;
}

int renewal_call(const struct renewal_call *call, struct renewal_reply *reply, struct err *err)
{
    *reply = (struct renewal_reply){.status = 0};
    bytes_init(&reply->body, TLS_RENEWAL_ANSWER_MAX);
    struct probe *p = probe_connect(call->server, call->connect_ms > 0 ? call->connect_ms : RENEWAL_CALL_CONNECT_MS);
    if (p == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    int rc = talk(p, call, reply, err);
    probe_free(p);
    return rc;
}
