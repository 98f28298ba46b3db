/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of a listener and the targets of an upstream in the words of `check`, for people. */
#ifndef MTLSD_CLI_CHECK_ROUTES_H
#define MTLSD_CLI_CHECK_ROUTES_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/config/config.h"

/* "path /admin, method GET -> app, only for ou = "ops"", without the end of the line. */
MUST_CHECK int check_routes_describe(const struct config_route *route, struct bytes *out);
/* One line for each route, with its number; nothing for a listener with one upstream. */
MUST_CHECK int check_routes_text(const struct config_listener *l, const char *indent, struct bytes *out);

/* "route worker1, weight 2, backup"; empty for a plain target. */
MUST_CHECK int check_routes_describe_target(const struct config_target *target, struct bytes *out);
/* ", round_robin, sticky by cookie JSESSIONID (suffix), health GET /healthz": what an upstream does beside TLS; each with ", " in front. */
MUST_CHECK int check_routes_describe_group(const struct config_upstream *u, struct bytes *out);

extern const char *const check_routes_balance_words[]; /* by enum config_balance */

#endif
