/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_head.h"

#include "http_authority.h"
#include "http_bytes.h"
#include "http_framing.h"
#include "http_method.h"

static unsigned bit(unsigned pseudo)
{
    return 1U << pseudo;
}

static void malformed(struct http2_block *b, const char *detail)
{
    http2_block_refuse(b, REASON_REQUEST_MALFORMED, detail);
}

static const char *scheme_refusal(struct span scheme)
{
    return span_equals_str(scheme, "https") || span_equals_str(scheme, "http") ? NULL : "the scheme is neither https nor http";
}

static const char *path_refusal(const struct http2_block *b, struct span path)
{
    if (path.len > 0 && path.ptr[0] == '/')
        return NULL;
    bool star = span_equals_str(path, "*") && span_equals_str(b->head.method, "OPTIONS");
    return star ? NULL : ":path is neither a path nor the '*' of OPTIONS";
}

/* RFC 9113 section 8.3.1, and 8.5 and RFC 8441 section 4 for CONNECT. */
static const char *request_refusal(const struct http2_block *b)
{
    unsigned usual = bit(HTTP2_PSEUDO_METHOD) | bit(HTTP2_PSEUDO_SCHEME) | bit(HTTP2_PSEUDO_PATH);
    unsigned tunnel = bit(HTTP2_PSEUDO_METHOD) | bit(HTTP2_PSEUDO_AUTHORITY);
    bool connect = span_equals_str(b->head.method, "CONNECT"), extended = (b->seen_pseudos & bit(HTTP2_PSEUDO_PROTOCOL)) != 0;
    if (!http_bytes_is_token(b->head.method))
        return (b->seen_pseudos & bit(HTTP2_PSEUDO_METHOD)) != 0 ? "the method holds a character that is not allowed there" : "no :method";
    if (extended && (!connect || (b->seen_pseudos & bit(HTTP2_PSEUDO_AUTHORITY)) == 0 || !http_bytes_is_token(b->head.protocol)))
        return ":protocol belongs to CONNECT with :authority";
    if (connect && !extended)
        return b->seen_pseudos == tunnel ? NULL : "CONNECT has :method and :authority, and no other pseudo field";
    if ((b->seen_pseudos & usual) != usual)
        return "a request needs :method, :scheme and :path";
    const char *why = scheme_refusal(b->head.scheme);
    return why != NULL ? why : path_refusal(b, http2_block_pseudo(b, HTTP2_PSEUDO_PATH));
}

/* Host beside :authority has to name the same place (RFC 9113 section 8.3.1); it is dropped then. */
static const char *host_refusal(const struct http2_block *b, struct span host)
{
    struct http_authority a, c;
    if (!http_authority_read(http2_block_pseudo(b, HTTP2_PSEUDO_AUTHORITY), &a))
        return ":authority is not a host name or address with an optional port";
    if (host.ptr == NULL)
        return NULL;
    unsigned usual = span_equals_str(b->head.scheme, "http") ? 80 : 443;
    return http_authority_read(host, &c) && http_authority_same(&a, &c, usual) ? NULL : "Host is not the host of :authority";
}

static void judge_request(struct http2_block *b)
{
    b->head.method = http2_block_pseudo(b, HTTP2_PSEUDO_METHOD);
    b->head.scheme = http2_block_pseudo(b, HTTP2_PSEUDO_SCHEME);
    b->head.protocol = http2_block_pseudo(b, HTTP2_PSEUDO_PROTOCOL);
    bool tunnel = (b->seen_pseudos & bit(HTTP2_PSEUDO_PATH)) == 0;
    b->head.target = http2_block_pseudo(b, tunnel ? HTTP2_PSEUDO_AUTHORITY : HTTP2_PSEUDO_PATH);
    const char *why = request_refusal(b);
    if (why == NULL && b->n_hosts > 1)
        why = "more than one Host";
    if (why == NULL && (b->seen_pseudos & bit(HTTP2_PSEUDO_AUTHORITY)) != 0)
        why = host_refusal(b, http2_block_host(b));
    if (why != NULL)
        malformed(b, why);
    else if (!http_method_is_known(b->head.method))
        http2_block_refuse(b, REASON_METHOD_UNKNOWN, "the method is not known");
}

static void judge_response(struct http2_block *b)
{
    struct span s = http2_block_pseudo(b, HTTP2_PSEUDO_STATUS);
    for (size_t i = 0; i < s.len && s.len == 3; i++)
        b->head.status = s.ptr[i] >= '0' && s.ptr[i] <= '9' ? b->head.status * 10 + (unsigned)(s.ptr[i] - '0') : 1000;
    if (b->head.status < 100 || b->head.status > 599)
        malformed(b, "the status is not a number from 100 to 599");
    else if (b->head.status == 101)
        malformed(b, "status 101, which HTTP/2 does not have");
    else if (b->head.status < 200 && b->ends_stream)
        malformed(b, "an interim response ends the stream");
}

/* The length by the fields, and where the stream ends. A length without a body is right only in the response to HEAD and in 304. */
static void judge_framing(struct http2_block *b, bool no_body)
{
    struct http_head *h = &b->head;
    const char *why = http_framing_decide(h, no_body);
    if (why != NULL) {
        malformed(b, why);
        return;
    }
    if (h->request && span_equals_str(h->method, "CONNECT"))
        h->framing = HTTP_CHUNKED;
    bool may_have_body = h->request || (!no_body && h->status >= 200 && h->status != 204 && h->status != 304);
    if (h->framing != HTTP_LENGTH && may_have_body)
        h->framing = !b->ends_stream ? HTTP_CHUNKED : h->request ? HTTP_NO_BODY : HTTP_LENGTH;
    else if (h->framing == HTTP_LENGTH && h->length > 0 && b->ends_stream)
        malformed(b, "the stream ended before its content-length");
    h->keep_alive = true;
}

void http2_head_make(struct http2_block *b, bool no_body)
{
    if (b->reason != REASON_VALID || b->kind == HTTP2_BLOCK_DROPPED)
        return;
    if (http2_block_join_cookies(b) != 0)
        http2_block_refuse(b, REASON_INTERNAL, "out of memory");
    else if (b->kind == HTTP2_BLOCK_REQUEST)
        judge_request(b);
    else if (b->kind == HTTP2_BLOCK_RESPONSE)
        judge_response(b);
    if (b->reason != REASON_VALID)
        return;
    if (http2_block_give_fields(b) != 0)
        http2_block_refuse(b, REASON_INTERNAL, "out of memory");
    else if (b->kind == HTTP2_BLOCK_TRAILERS && !http_framing_fits_trailers(&b->head))
        malformed(b, "a trailer names the host, the framing or the connection");
    else if (b->kind != HTTP2_BLOCK_TRAILERS)
        judge_framing(b, no_body);
}
