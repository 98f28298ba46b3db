/* SPDX-License-Identifier: Apache-2.0 */
/* A peer's bytes as text for one place, out of which they cannot break. What appends fails as bytes_append does. JSON and logs: mtlsd/base/text.h. */
#ifndef MTLSD_BASE_ENCODE_H
#define MTLSD_BASE_ENCODE_H

#include "mtlsd/base/bytes.h"

/* The value of a header field: %XX for what is not printable ASCII, '%' itself, these marks, and spaces at both ends, which readers trim ("CN= admin" must not
 * become "admin"). */
int encode_field(struct bytes *out, struct span s, const char *marks);
/* The same for text that has its own percent encoding: '%' stays. */
int encode_field_again(struct bytes *out, struct span s, const char *marks);
/* A component of a URI: only letters, digits and -._~ stay (RFC 3986 section 2.3). */
int encode_component(struct bytes *out, struct span s);
/* The path and query of a URI that came as such: '%' and delimiters stay. The backslash does not: browsers read a slash. */
int encode_target(struct bytes *out, struct span s);
/* HTML: all but letters, digits, spaces, line feeds and -._ as a character reference, so that neither tags nor attributes of any kind end. No control
 * character. */
int encode_html(struct bytes *out, struct span s);
/* Text for people: UTF-8 stays. Control characters but the line feed, and bytes that are no UTF-8, become %XX. */
int encode_plain(struct bytes *out, struct span s);

#endif
