/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the uplink. */
#ifndef MTLSD_PROXY_UPLINK_INTERNAL_H
#define MTLSD_PROXY_UPLINK_INTERNAL_H

#include "mtlsd/proxy/uplink.h"

enum { UPLINK_HEAD_MAX = 64 * 1024, UPLINK_FIELDS_MAX = 200 }; /* of a response */

/* uplink.c */
void uplink_enter(struct uplink *u, enum uplink_phase phase, struct moment now);
void uplink_fail(struct uplink *u, enum reason reason, const char *text, const char *hint, struct moment now); /* tells all users */
void uplink_heed_answer(struct uplink *u, const struct http_head *head); /* the head of each response: the first may be a refusal of our certificate */

/* uplink_open.c */
void uplink_open_in(struct uplink *u, struct span wire, struct moment now); /* from the proxy on the way */
void uplink_open_ended(struct uplink *u, struct moment now);
void uplink_secured(struct uplink *u, struct moment now); /* the handshake is done */

/* uplink_starttls.c */
bool uplink_starttls_begin(struct uplink *u, struct moment now); /* false: TLS begins at once */
void uplink_starttls_in(struct uplink *u, struct span wire, struct moment now);
void uplink_starttls_ended(struct uplink *u, struct moment now);
void uplink_starttls_clear(struct uplink *u);

/* uplink_http2.c */
void uplink_agree(struct uplink *u); /* it is open: which version of HTTP it speaks */
void uplink_http2_in(struct uplink *u, struct span in, struct moment now);
void uplink_http2_continue(struct uplink *u, struct moment now); /* streams that can be written to again */

/* uplink_in.c */
void uplink_deliver(struct uplink *u, struct span in, struct moment now); /* application bytes */
void uplink_ended(struct uplink *u, struct moment now);                   /* cleanly */

#endif
