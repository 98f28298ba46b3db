/* SPDX-License-Identifier: Apache-2.0 */
/* For building a snapshot: the addresses of its trusts to fetch from, and the lists that are already there. */
#ifndef MTLSD_CONTROL_SNAPSHOT_FETCHING_H
#define MTLSD_CONTROL_SNAPSHOT_FETCHING_H

#include "snapshot_load.h"

void snapshot_fetch_begin(struct snapshot *s, const struct loader *l);

#endif
