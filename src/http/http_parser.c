/* SPDX-License-Identifier: Apache-2.0 */
#include "http_parser.h"

#include <stdlib.h>

static int stop_with(llhttp_t *parser, enum http_parser_stop stop)
{
    struct http_parser *p = parser->data;
    p->stop = stop;
    return stop <= HTTP_PARSER_TRAILERS ? HPE_PAUSED : HPE_USER;
}

static int grow_fields(struct http_parser *p)
{
    size_t cap = p->cap_fields == 0 ? 16 : p->cap_fields * 2;
    if (cap > p->max_fields)
        cap = p->max_fields;
    struct http_field *fields = realloc(p->head.fields, cap * sizeof(*fields));
    if (fields == NULL)
        return -1;
    p->head.fields = fields;
    p->cap_fields = cap;
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t n)
{
    struct http_parser *p = parser->data;
    if (p->head.n_fields == p->max_fields)
        return stop_with(parser, HTTP_PARSER_TOO_MANY_FIELDS);
    if (n == 0 || at[n] != ':')
        return stop_with(parser, HTTP_PARSER_MALFORMED);
    if (p->head.n_fields == p->cap_fields && grow_fields(p) != 0)
        return stop_with(parser, HTTP_PARSER_NO_MEMORY);
    struct http_field *f = &p->head.fields[p->head.n_fields++];
    f->name = (struct span){(const uint8_t *)at, n};
    f->value = (struct span){NULL, 0};
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t n)
{
    struct http_parser *p = parser->data;
    while (n > 0 && (at[n - 1] == ' ' || at[n - 1] == '\t'))
        n--;
    p->head.fields[p->head.n_fields - 1].value = (struct span){(const uint8_t *)at, n};
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    return stop_with(parser, HTTP_PARSER_HEAD);
}

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
    struct http_parser *p = parser->data;
    if (n == 0)
        return 0;
    p->data = span_of(at, n);
    return stop_with(parser, HTTP_PARSER_DATA);
}

static int on_chunk_header(llhttp_t *parser)
{
    return parser->content_length == 0 ? stop_with(parser, HTTP_PARSER_LAST_CHUNK) : 0;
}

static int on_chunk_extension(llhttp_t *parser, const char *at, size_t n)
{
    (void)at;
    (void)n;
    return stop_with(parser, HTTP_PARSER_EXTENSION);
}

static int on_message_complete(llhttp_t *parser)
{
    return stop_with(parser, HTTP_PARSER_TRAILERS);
}

static const llhttp_settings_t settings = {
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_message_complete = on_message_complete,
};

void http_parser_forget(struct http_parser *p, bool request)
{
    if (p->cap_fields > 0) /* else they are not ours */
        free(p->head.fields);
    p->head = (struct http_head){.request = request};
    p->cap_fields = 0;
}

enum http_parser_stop http_parser_read(struct http_parser *p, struct span s)
{
    p->stop = HTTP_PARSER_MORE;
    llhttp_resume(&p->llhttp);
    llhttp_errno_t error = llhttp_execute(&p->llhttp, (const char *)s.ptr, s.len);
    if (error == HPE_OK) {
        p->eaten = s.len;
        return HTTP_PARSER_MORE;
    }
    p->eaten = (size_t)((const uint8_t *)llhttp_get_error_pos(&p->llhttp) - s.ptr);
    bool ours = p->stop != HTTP_PARSER_MORE && (error == HPE_PAUSED || error == HPE_USER);
    return ours ? p->stop : HTTP_PARSER_MALFORMED;
}

enum http_parser_stop http_parser_read_head(struct http_parser *p, struct span block)
{
    llhttp_init(&p->llhttp, p->head.request ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    p->llhttp.data = p;
    /* llhttp 8 does not know QUERY. PATCH is as long and frames a message in the same way. */
    if (p->head.request && span_equals_str(p->head.method, "QUERY")) {
        http_parser_read(p, span_from_str("PATCH"));
        block = span_skip(block, p->head.method.len);
    }
    return http_parser_read(p, block);
}

const char *http_parser_detail(const struct http_parser *p)
{
    /* One sentence for what one version tells apart and another does not. */
    switch (llhttp_get_errno(&p->llhttp)) {
    case HPE_INVALID_URL:
        return "the target holds a character that is not allowed there";
    case HPE_USER: /* on_header_field */
    case HPE_INVALID_HEADER_TOKEN:
        return "a field has no name right before its colon, or a character that is not allowed";
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_TRANSFER_ENCODING:
        return "Content-Length is not one number, or Transfer-Encoding is not chunked, or both are there";
    case HPE_INVALID_CHUNK_SIZE:
    case HPE_STRICT:
    case HPE_CR_EXPECTED:
    case HPE_LF_EXPECTED:
        return "a chunk has a size that is not a hexadecimal number, or does not end in CRLF";
    default:
        return "this is not HTTP/1.1";
    }
}
