/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What exchanges report becomes counters, the list of last refusals, and one log line per request or tcp connection. One per worker;
 * the refusals are shared. It decides nothing.
 */
#ifndef MTLSD_CONTROL_JOURNAL_H
#define MTLSD_CONTROL_JOURNAL_H

#include "mtlsd/base/log.h"
#include "mtlsd/control/counters_index.h"
#include "mtlsd/control/refusals.h"
#include "mtlsd/proxy/report.h"

struct journal {
    struct counters counters;
    struct counters_index index;
    struct refusals *refusals; /* borrowed */
    int64_t (*utc)(void);      /* seconds since 1970 */
};

MUST_CHECK int journal_init(struct journal *j, struct refusals *refusals, int64_t (*utc)(void));
void journal_clear(struct journal *j);
/* From now on most of what is told is about this snapshot, which the caller holds until the next one. Anything else stays right. */
void journal_adopt(struct journal *j, const struct snapshot *snapshot);
/* For lines of that format: another one may need other reports. */
struct observer journal_observer(struct journal *j, enum log_format format);

void journal_accepted(struct journal *j, const struct plan_listener *listener);
void journal_closed(struct journal *j, const struct plan_listener *listener);

#endif
