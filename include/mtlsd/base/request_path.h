/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a path rule reads the path of a request. Servers read paths differently, so there are two readings:
 *
 * as spelled   Percent encoding is decoded and the parameters of a segment (";x=1") are skipped; everything else counts. "/admin" covers "/admin" and
 *              "/admin/x", not "/Admin"; "/admin/" covers only what is below.
 * wide         What the most lenient server takes for the same path (security C12). These do not count:
 *              - letter case, of ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic, Armenian, and characters that fold to ASCII, as U+212A to k;
 *              - a slash at the end;
 *              - blanks and control bytes around a segment and dots at its end, which Windows and old servlet frameworks remove;
 *              - text after "::" or ":$" in a segment, which Windows reads as a stream of the same file.
 *              Percent encoding is decoded repeatedly, as in a chain of servers that each decode once. A decoded byte means what it means to the next
 *              reader: '/' and '\\' separate segments, several count as one, '?' and '#' end the path.
 *
 * A rule that covers a path as spelled also covers it wide. http_target refuses dot segments and the like before.
 */
#ifndef MTLSD_BASE_REQUEST_PATH_H
#define MTLSD_BASE_REQUEST_PATH_H

#include "mtlsd/base/span.h"

enum path_reading { PATH_AS_SPELLED, PATH_WIDE };

/* The byte at path[i], with its percent encoding undone, and how many bytes it takes there. In the wide reading what comes out is undone again as long as it is an
 * encoding. i is less than the length. */
uint8_t request_path_byte(struct span path, size_t i, enum path_reading reading, size_t *width);

/* Number of bytes of path that the prefix covers: the rest is empty or begins with '/' (in the wide reading also an encoded one). SIZE_MAX: the
 * path does not begin with it. A prefix covers whole segments. "/" covers every path; no prefix covers the empty path of '*' and CONNECT. */
size_t request_path_covered(const char *prefix, struct span path, enum path_reading reading);

/* A hash to find the rules that may cover a path among thousands. A path has one for each of its beginnings that ends with a segment, in the wide
 * reading, the shortest first; a rule has one. A rule can cover a path only if its hash is 0 or one of the path's. */
enum { PATH_BEGINNINGS = 16 };
size_t request_path_beginnings(struct span path, uint64_t out[PATH_BEGINNINGS]);
uint64_t request_path_rule_beginning(const char *prefix);

#endif
