/* SPDX-License-Identifier: Apache-2.0 */
/* The sentences of an explanation: why a route does not match, why a gate refuses. Each fits, or ends in "...". */
#ifndef MTLSD_CONTROL_EXPLAIN_WHY_H
#define MTLSD_CONTROL_EXPLAIN_WHY_H

#include "mtlsd/policy/route.h"

void explain_why_missed(enum route_miss miss, const struct config_route *route, const struct route_question *q, char *out, size_t size);
/* For a route that matches by the wide reading of its path only (base/request_path.h). */
void explain_why_spelled(const struct config_route *route, const struct route_question *q, char *out, size_t size);
/* Why none of these rules lets this caller in. */
void explain_why_refused(const struct config_allow *rules, size_t n, const struct route_question *q, char *out, size_t size);
/* Which rule lets this caller in. */
void explain_why_let_in(const struct config_allow *rules, size_t n, const struct route_question *q, char *out, size_t size);

#endif
