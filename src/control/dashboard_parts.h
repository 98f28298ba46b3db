/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of the dashboard, each from the status document. What appends fails as bytes_append does. */
#ifndef MTLSD_CONTROL_DASHBOARD_PARTS_H
#define MTLSD_CONTROL_DASHBOARD_PARTS_H

#include "mtlsd/base/bytes.h"

struct json_t;

void dashboard_chains(struct bytes *out, const struct json_t *status);
void dashboard_targets(struct bytes *out, const struct json_t *status, const char *nonce);
void dashboard_timeline(struct bytes *out, const struct json_t *status);
void dashboard_callers(struct bytes *out, const struct json_t *status);
void dashboard_refusals(struct bytes *out, const struct json_t *status);

/* dashboard_words.c */
/* "good", "soon" or "bad": a class of the style. */
const char *dashboard_words_days_class(const struct json_t *days);
/* "ends in 12 days" or "ended 3 days ago"; nothing for null. */
void dashboard_words_days(struct bytes *out, const struct json_t *days);
void dashboard_words_number(struct bytes *out, long long n);

extern const char *const dashboard_style, *const dashboard_script;

#endif
