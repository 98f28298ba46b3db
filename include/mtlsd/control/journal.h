/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What exchanges report becomes counters, the list of last refusals, and one log line per request or tcp connection. One per worker;
 * the refusals are shared. It decides nothing.
 */
#ifndef MTLSD_CONTROL_JOURNAL_H
#define MTLSD_CONTROL_JOURNAL_H

#include "mtlsd/base/log.h"
#include "mtlsd/control/counters.h"
#include "mtlsd/control/refusals.h"
#include "mtlsd/proxy/report.h"

struct journal {
    struct counters counters;
    struct refusals *refusals; /* borrowed */
    int64_t (*utc)(void);      /* seconds since 1970 */
};

MUST_CHECK int journal_init(struct journal *j, struct refusals *refusals, int64_t (*utc)(void));
void journal_clear(struct journal *j);
/* For lines of that format: another one may need other reports. */
struct observer journal_observer(struct journal *j, enum log_format format);

void journal_accepted(struct journal *j, const char *listener);
void journal_closed(struct journal *j, const char *listener);

#endif
