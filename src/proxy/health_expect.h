/* SPDX-License-Identifier: Apache-2.0 */
/* Reads health.expect. */
#ifndef MTLSD_PROXY_HEALTH_EXPECT_H
#define MTLSD_PROXY_HEALTH_EXPECT_H

#include <stdbool.h>

/* "200", "200-399", "200, 204": the status is among them. Anything else fits nothing. */
bool health_expect_fits(const char *expect, unsigned status);

#endif
