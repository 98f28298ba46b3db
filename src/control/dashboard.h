/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dashboard: one page of HTML from the status document, so that both tell the same. It needs nothing from elsewhere and no script; with one it is
 * kept up to date by server-sent events. Every name and every text in it is escaped: most of them come from certificates (security E1).
 */
#ifndef MTLSD_CONTROL_DASHBOARD_H
#define MTLSD_CONTROL_DASHBOARD_H

#include "mtlsd/control/admin.h"

/* Header lines: only the style and the script of the page itself, named by their hashes, and no frame around it. */
extern const char *const dashboard_fields;
#define DASHBOARD_FIELDS dashboard_fields

/* nonce: for the forms. -1: out of memory. */
MUST_CHECK int dashboard_page(struct bytes *out, const struct admin_view *view, const char *nonce);
/* The part that changes. */
MUST_CHECK int dashboard_main(struct bytes *out, const struct admin_view *view, const char *nonce);

#endif
