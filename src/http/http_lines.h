/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the end of a block of lines (a head, or trailers) over any cut of the input. It refuses line ends that two
 * readers could see differently: bare LF, bare CR, folded lines (RFC 9112 sections 2.2 and 5.2). A block that is whole
 * in the input is given in place; only a divided one is copied together, up to the maximum.
 */
#ifndef MTLSD_HTTP_HTTP_LINES_H
#define MTLSD_HTTP_HTTP_LINES_H

#include "mtlsd/base/bytes.h"

enum http_lines_found {
    HTTP_LINES_MORE,
    HTTP_LINES_WHOLE, /* the block, up to and with its empty line */
    HTTP_LINES_BARE_LF,
    HTTP_LINES_BARE_CR,
    HTTP_LINES_FOLDED,
    HTTP_LINES_TOO_LONG,
    HTTP_LINES_NO_MEMORY,
};

struct http_lines {
    struct bytes
        kept;    /* a block that is not whole yet, or was given from here; its max is the longest block */
    size_t line; /* where in kept the last line begins */
};

void http_lines_init(struct http_lines *l, size_t max);
void http_lines_clear(struct http_lines *l); /* frees and is ready for another block */
/* *block borrows from the input or from l, until l changes. */
enum http_lines_found http_lines_feed(struct http_lines *l, struct span *in, struct span *block);

#endif
