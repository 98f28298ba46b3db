/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a path rule reads the path of a request. One rule must hold before servers that read paths differently, so there are two readings:
 *
 * as spelled   percent encoding is undone and the parameters of a segment (";x=1") are passed over; everything else counts. "/admin" is "/admin" and "/admin/x",
 *              not "/Admin"; "/admin/" is only what is below.
 * wide         what the most obliging server takes for the same (security C12): letter case does not count (ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic and
 *              Armenian, and the other characters whose case folding is ASCII, as U+212A for k), neither does a slash at the end, nor blanks and control bytes
 *              around a segment and dots at its end, which Windows and old servlet frameworks cut off, nor what follows "::" or ":$" in it, which Windows takes for a stream of the
 *              same file. Percent encoding is undone as often as it goes: there are chains of servers of which each undoes it once. What comes out of it then
 *              means what it means to the next reader: '/' and '\\' part segments, several are one, '?' and '#' end the path.
 *
 * Every path that a rule covers as spelled it covers wide. Dot segments and the like are http_target's: they are refused before.
 */
#ifndef MTLSD_BASE_REQUEST_PATH_H
#define MTLSD_BASE_REQUEST_PATH_H

#include "mtlsd/base/span.h"

enum path_reading { PATH_AS_SPELLED, PATH_WIDE };

/* The byte at path[i], with its percent encoding undone, and how many bytes it takes there. In the wide reading what comes out is undone again as long as it is an
 * encoding. i is less than the length. */
uint8_t request_path_byte(struct span path, size_t i, enum path_reading reading, size_t *width);

/* How many bytes of path the prefix covers: what is left is empty or begins with '/' (in the wide reading also with one that is encoded). SIZE_MAX: it does not
 * begin so. A prefix covers whole segments; "/" covers every path, and an empty path, which '*' and CONNECT have, is covered by none. */
size_t request_path_covered(const char *prefix, struct span path, enum path_reading reading);

/* To find the rules that may cover a path among thousands, by a number. A path has one for each of its beginnings that ends where a segment does, as the wide
 * reading has it, the shortest first; a rule has one. A rule covers a path in some reading only if its number is 0 or one of the path's. */
enum { PATH_BEGINNINGS = 16 };
size_t request_path_beginnings(struct span path, uint64_t out[PATH_BEGINNINGS]);
uint64_t request_path_rule_beginning(const char *prefix);

#endif
