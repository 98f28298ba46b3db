/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON documents of the admin socket, each as one text appended to out with a newline. -1: out of memory. */
#ifndef MTLSD_CONTROL_STATUS_DOC_H
#define MTLSD_CONTROL_STATUS_DOC_H

#include "mtlsd/control/admin.h"

/* The status as a value, for those who show it otherwise. NULL: out of memory. */
struct json_t *status_doc_value(const struct admin_view *view);
MUST_CHECK int status_doc_status(struct bytes *out, const struct admin_view *view);
MUST_CHECK int status_doc_refusals(struct bytes *out, const struct admin_view *view);
MUST_CHECK int status_doc_reload(struct bytes *out, const struct admin_reload *result);
/* {"result": word}; with detail not NULL a second member of that name. */
MUST_CHECK int status_doc_word(struct bytes *out, const char *word, const char *detail);

#endif
