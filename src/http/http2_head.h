/* SPDX-License-Identifier: Apache-2.0 */
/* A whole block to a head: the same value as one that came by HTTP/1.1, so that it gets the same judgement. */
#ifndef MTLSD_HTTP_HTTP2_HEAD_H
#define MTLSD_HTTP_HTTP2_HEAD_H

#include "http2_block.h"

/* Makes b->head, unless the block is refused, or is now. no_body: the response to HEAD. */
void http2_head_make(struct http2_block *b, bool no_body);

#endif
