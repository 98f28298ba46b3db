/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the status about traffic: each listener with its routes, and each upstream with its targets. A list each; NULL: out of memory. */
#ifndef MTLSD_CONTROL_STATUS_TRAFFIC_H
#define MTLSD_CONTROL_STATUS_TRAFFIC_H

#include "mtlsd/control/admin.h"

struct json_t *status_traffic_listeners(const struct admin_view *view);
struct json_t *status_traffic_upstreams(const struct admin_view *view);

#endif
