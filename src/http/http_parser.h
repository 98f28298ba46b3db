/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only user of llhttp. It reads the lines of a head or of trailers, or the bytes of chunks, and stops wherever http1
 * must look. Field names and chunk extensions that llhttp accepts beyond the RFCs are refused here.
 */
#ifndef MTLSD_HTTP_HTTP_PARSER_H
#define MTLSD_HTTP_HTTP_PARSER_H

#include "mtlsd/http/http_head.h"

#include <llhttp.h>

enum http_parser_stop {
    HTTP_PARSER_MORE, /* all was eaten, nothing found yet */
    HTTP_PARSER_HEAD,
    HTTP_PARSER_DATA, /* data: bytes of a chunk */
    HTTP_PARSER_LAST_CHUNK,
    HTTP_PARSER_TRAILERS,
    HTTP_PARSER_TOO_MANY_FIELDS,
    HTTP_PARSER_NO_MEMORY,
    HTTP_PARSER_EXTENSION,
    HTTP_PARSER_MALFORMED,
};

struct http_parser {
    llhttp_t llhttp;
    struct http_head head; /* fields is owned, if cap_fields is not 0; names and values borrow what was read */
    size_t cap_fields, max_fields;
    struct span data;
    size_t eaten; /* of the span that was read last */
    enum http_parser_stop stop;
};

/* Frees what was read. */
void http_parser_forget(struct http_parser *p, bool request);
/* A whole head, whose method is known and in p->head. Begins a message. */
enum http_parser_stop http_parser_read_head(struct http_parser *p, struct span block);
/* How the bytes after the head are framed. */
enum http_parser_stop http_parser_read(struct http_parser *p, struct span s);
const char *http_parser_detail(const struct http_parser *p); /* of HTTP_PARSER_MALFORMED */

#endif
