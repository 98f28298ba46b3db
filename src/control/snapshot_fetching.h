/* SPDX-License-Identifier: Apache-2.0 */
/* While a snapshot is built: which addresses its trusts fetch from, and the lists that are known already. */
#ifndef MTLSD_CONTROL_SNAPSHOT_FETCHING_H
#define MTLSD_CONTROL_SNAPSHOT_FETCHING_H

#include "snapshot_load.h"

void snapshot_fetch_begin(struct snapshot *s, const struct loader *l);

#endif
