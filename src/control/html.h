/* SPDX-License-Identifier: Apache-2.0 */
/* Text in a page. All that comes from outside goes through these. What appends fails as bytes_append does. */
#ifndef MTLSD_CONTROL_HTML_H
#define MTLSD_CONTROL_HTML_H

#include "mtlsd/base/bytes.h"

/* As text, and in an attribute between double quotes: & < > " ' are written as references, a control character as a space. NULL: nothing. */
int html_text(struct bytes *out, const char *text);
/* The same, at most so many characters: the last is an ellipsis then. */
int html_cut(struct bytes *out, const char *text, size_t most);
/* Pieces that are written as they stand, until NULL. */
int html_raw(struct bytes *out, const char *first, ...);

#endif
