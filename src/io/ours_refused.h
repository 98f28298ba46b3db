/* SPDX-License-Identifier: Apache-2.0 */
/* Takes refusals of our certificate from the workers to the main loop, one at a time, and only while one is of interest (control/fallback.h). */
#ifndef MTLSD_IO_OURS_REFUSED_H
#define MTLSD_IO_OURS_REFUSED_H

#include "mtlsd/control/fallback.h"
#include "mtlsd/proxy/uplink.h"

#include <stdatomic.h>
#include <uv.h>

struct ours_refused {
    _Atomic bool watched;
    uv_mutex_t lock;
    uv_async_t *wake;          /* borrowed: the main loop's */
    struct tls_identity *ours; /* counted; NULL: none waits. The rest belongs to it */
    bool hint;
    char upstream[80], target[256], text[320];
};

void ours_refused_init(struct ours_refused *o, uv_async_t *wake);
void ours_refused_clear(struct ours_refused *o);
/* On a worker's thread. */
void ours_refused_note(struct ours_refused *o, const struct uplink *u, bool hint);
/* On the main loop: the one that waits, which stays until ours_refused_done; false: none does. */
bool ours_refused_take(struct ours_refused *o, struct fallback_refusal *out);
void ours_refused_done(struct ours_refused *o);

#endif
