/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the limits by the user of the calling program, with names resolved to numbers. */
#ifndef MTLSD_CONTROL_SNAPSHOT_LIMITS_H
#define MTLSD_CONTROL_SNAPSHOT_LIMITS_H

#include "snapshot_load.h"

/* s->limits, and each listener's; neither where no key asks for it. */
void snapshot_limits_build(struct snapshot *s, const struct loader *l);
void snapshot_limits_free(struct snapshot_limits *limits);

#endif
