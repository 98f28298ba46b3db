/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a path rule reads the path of a request. One rule must hold before servers that read paths differently, so there are two readings:
 *
 * as spelled   percent encoding is undone and the parameters of a segment (";x=1") are passed over; everything else counts. "/admin" is "/admin" and "/admin/x",
 *              not "/Admin"; "/admin/" is only what is below.
 * wide         what the most obliging server takes for the same (security C12): letter case does not count (ASCII, Latin-1, Greek and Cyrillic, and the other
 *              characters whose case folding is ASCII, as U+212A for k), neither does a slash at the end, nor dots, blanks and control bytes at the end of a segment,
 *              which Windows cuts off, nor what follows "::" or ":$" in it, which it takes for a stream of the same file.
 *
 * Every path that a rule covers as spelled it covers wide. Dot segments and the like are http_target's: they are refused before.
 */
#ifndef MTLSD_BASE_REQUEST_PATH_H
#define MTLSD_BASE_REQUEST_PATH_H

#include "mtlsd/base/span.h"

enum path_reading { PATH_AS_SPELLED, PATH_WIDE };

/* How many bytes of path the prefix covers: what is left is empty or begins with '/'. SIZE_MAX: it does not begin so. This is also what strip_prefix takes off,
 * whatever way the prefix was spelt. A prefix covers whole segments; "/" covers every path, and an empty path, which '*' and CONNECT have, is covered by none. */
size_t request_path_covered(const char *prefix, struct span path, enum path_reading reading);

/* To find the rules that may cover a path among thousands, by a number. A path has one for each of its beginnings that ends where a segment does, as the wide
 * reading has it, the shortest first; a rule has one. A rule covers a path in some reading only if its number is 0 or one of the path's. */
enum { PATH_BEGINNINGS = 16 };
size_t request_path_beginnings(struct span path, uint64_t out[PATH_BEGINNINGS]);
uint64_t request_path_rule_beginning(const char *prefix);

#endif
