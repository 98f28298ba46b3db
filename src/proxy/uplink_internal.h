/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the uplink share. */
#ifndef MTLSD_PROXY_UPLINK_INTERNAL_H
#define MTLSD_PROXY_UPLINK_INTERNAL_H

#include "mtlsd/proxy/uplink.h"

/* uplink.c */
void uplink_enter(struct uplink *u, enum uplink_phase phase, struct moment now);
void uplink_fail(struct uplink *u, enum reason reason, const char *text, const char *hint, struct moment now); /* tells all users */

/* uplink_open.c */
void uplink_open_in(struct uplink *u, struct span wire, struct moment now); /* from the proxy on the way */
void uplink_open_ended(struct uplink *u, struct moment now);
void uplink_secured(struct uplink *u, struct moment now); /* the handshake is done */

/* uplink_starttls.c */
bool uplink_starttls_begin(struct uplink *u, struct moment now); /* false: TLS begins at once */
void uplink_starttls_in(struct uplink *u, struct span wire, struct moment now);
void uplink_starttls_ended(struct uplink *u, struct moment now);
void uplink_starttls_clear(struct uplink *u);

/* uplink_in.c */
void uplink_deliver(struct uplink *u, struct span in, struct moment now); /* application bytes */
void uplink_ended(struct uplink *u, struct moment now);                   /* cleanly */

#endif
