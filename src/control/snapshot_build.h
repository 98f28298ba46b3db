/* SPDX-License-Identifier: Apache-2.0 */
/* Fills a snapshot whose config and empty arrays are in place. On failure it has the parts made so far: the caller frees it. */
#ifndef MTLSD_CONTROL_SNAPSHOT_BUILD_H
#define MTLSD_CONTROL_SNAPSHOT_BUILD_H

#include "snapshot_load.h"

void snapshot_build(struct snapshot *s, const struct loader *l);

#endif
