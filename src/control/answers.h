/* SPDX-License-Identifier: Apache-2.0 */
/* Whole HTTP responses about the instance, for the admin socket and for routes with serve. The connection closes after each. */
#ifndef MTLSD_CONTROL_ANSWERS_H
#define MTLSD_CONTROL_ANSWERS_H

#include "mtlsd/control/admin.h"

enum { ANSWERS_DOCUMENT_MAX = 64 << 20 }; /* ten thousand upstreams are some 10 MB */

enum admin_action answers_status(struct bytes *out, const struct admin_view *view);
enum admin_action answers_dashboard(struct bytes *out, const struct admin_view *view); /* with forms that do nothing */
enum admin_action answers_refusals(struct bytes *out, const struct admin_view *view);
enum admin_action answers_metrics(struct bytes *out, const struct admin_view *view);
enum admin_action answers_livez(struct bytes *out, const struct admin_view *view);
enum admin_action answers_readyz(struct bytes *out, const struct admin_view *view);
enum admin_action answers_readyz_word(struct bytes *out, const struct admin_view *view); /* without names and dates: for anyone */

/* The page; nonce: of its forms. */
enum admin_action answers_page(struct bytes *out, const struct admin_view *view, const char *nonce);

/* rc is how making the body went; the body's bytes are freed either way. more_fields: whole lines. -1: out of memory. */
MUST_CHECK int answers_body(struct bytes *out, unsigned status, const char *type, const char *more_fields, struct bytes *body, int rc);
MUST_CHECK int answers_json(struct bytes *out, unsigned status, const char *more_fields, struct bytes *body, int rc);
/* {"result": word, "detail": detail}; detail may be NULL. */
MUST_CHECK int answers_word(struct bytes *out, unsigned status, const char *word, const char *detail);
/* ADMIN_ANSWERED, or ADMIN_FAILED for -1. */
enum admin_action answers_done(int rc);

#endif
