/* SPDX-License-Identifier: Apache-2.0 */
/* Whether one route takes everything that another one could get. Only what the keys themselves show: two routes that share requests by a
 * longer argument are not found. */
#ifndef MTLSD_CONFIG_COVER_H
#define MTLSD_CONFIG_COVER_H

#include "mtlsd/config/config.h"

/* possible: bits of the certificate statuses that a request can have at all. */
bool config_cover(const struct config_route *wide, const struct config_route *narrow, uint64_t possible);

#endif
