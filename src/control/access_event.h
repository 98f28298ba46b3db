/* SPDX-License-Identifier: Apache-2.0 */
/* The log line with all fields, for each request and each connection, as text or JSON. All texts from peers are escaped: one report is one line. */
#ifndef MTLSD_CONTROL_ACCESS_EVENT_H
#define MTLSD_CONTROL_ACCESS_EVENT_H

#include "mtlsd/proxy/report.h"

/* not_in_main: LOG_NOT_IN_MAIN, where the main log has the request in a line of its own; else 0. */
void access_event_write(const struct report *r, unsigned not_in_main);
/* A sentence for every report. */
const char *access_event_detail(const struct report *r);
/* The side whose peer refused the certificate that we presented; NULL: none did. */
const struct tls_facts *access_event_refused_ours(const struct report *r);

#endif
