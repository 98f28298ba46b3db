/* SPDX-License-Identifier: Apache-2.0 */
/* Compiler attributes, spelled once. */
#ifndef MTLSD_BASE_ATTR_H
#define MTLSD_BASE_ATTR_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NOINLINE __attribute__((noinline)) /* a rare case, so that the usual one stays small */

#endif
