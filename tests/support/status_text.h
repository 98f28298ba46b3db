/* SPDX-License-Identifier: Apache-2.0 */
/* A section of the dashboard as a text, from a status document that a test writes as JSON. */
#ifndef MTLSD_TEST_STATUS_TEXT_H
#define MTLSD_TEST_STATUS_TEXT_H

#include "mtlsd/base/bytes.h"

struct json_t;

/* Valid until the next call. */
const char *status_text_of(void (*write)(struct bytes *out, const struct json_t *status), const char *json);
/* How often a part stands in a text. */
unsigned status_text_count(const char *text, const char *part);

#endif
