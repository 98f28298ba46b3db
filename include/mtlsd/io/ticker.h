/* SPDX-License-Identifier: Apache-2.0 */
/* Calls a function again and again; does not keep the loop alive. */
#ifndef MTLSD_IO_TICKER_H
#define MTLSD_IO_TICKER_H

#include <stdint.h>

struct uv_loop_s;
struct ticker;

struct ticker *ticker_start(struct uv_loop_s *loop, uint64_t every_ms, void (*on_tick)(void *ctx), void *ctx); /* NULL: out of memory */
/* Never calls again; frees itself when the loop has run. NULL is fine. */
void ticker_stop(struct ticker *t);

#endif
