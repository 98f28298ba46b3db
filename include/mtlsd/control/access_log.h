/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns reports of exchanges into counters, the list of last refusals, and one log line per request or tcp connection.
 * Refusals have a limit of lines per second and client; the rest is logged as a number. One per worker; the refusals are
 * shared. It decides nothing.
 */
#ifndef MTLSD_CONTROL_ACCESS_LOG_H
#define MTLSD_CONTROL_ACCESS_LOG_H

#include "mtlsd/base/log.h"
#include "mtlsd/control/counters_index.h"
#include "mtlsd/control/refusals.h"
#include "mtlsd/proxy/report.h"

struct line_limit;
struct access_log {
    struct counters counters;
    struct counters_index index;
    struct refusals *refusals; /* borrowed */
    struct line_limit *limit;  /* owned */
    const struct snapshot *snapshot; /* borrowed: the current one; NULL: none yet */
    int64_t (*utc)(void);      /* seconds since 1970 */
};

MUST_CHECK int access_log_init(struct access_log *j, struct refusals *refusals, int64_t (*utc)(void));
void access_log_clear(struct access_log *j);
/* From now on most reports are about this snapshot, which the caller holds until the next one. Reports about others stay correct. */
void access_log_adopt(struct access_log *j, const struct snapshot *snapshot);
/* Its wants are those of the logs of this configuration. */
struct observer access_log_observer(struct access_log *j, const struct config *config);

void access_log_accepted(struct access_log *j, const struct plan_listener *listener);
void access_log_closed(struct access_log *j, const struct plan_listener *listener);
/* A connection without further reports. */
void access_log_refused(struct access_log *j, const struct plan_listener *listener, enum reason reason);
/* The number of connections refused since the last such line, because the connection limit is reached. */
void access_log_overloaded(struct access_log *j, uint64_t connections, const char *text);
/* An open connection belongs to another listener now. */
void access_log_moved(struct access_log *j, const struct plan_listener *from, const struct plan_listener *to);

/* Lines about refusals that one client caused too many of were left out: they are told as a number with the next refusal, or by this. all: also
 * what belongs to this very second, at the end. */
bool access_log_holds(const struct access_log *j);
void access_log_tell_held(struct access_log *j, bool all);

#endif
