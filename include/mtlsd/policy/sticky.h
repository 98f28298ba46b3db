/* SPDX-License-Identifier: Apache-2.0 */
/* Which target a session belongs to, as its cookie says. */
#ifndef MTLSD_POLICY_STICKY_H
#define MTLSD_POLICY_STICKY_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/span.h"
#include "mtlsd/config/config.h"

/* The route name that ends a cookie's value after its last dot (JSESSIONID=abc.worker1, Tomcat's jvmRoute): "worker1"; empty: none. A
 * value in quotes is read without them. */
struct span sticky_suffix(struct span cookie_value);
/* Index of the target the cookie's value names, SIZE_MAX: none. mode suffix: by sticky_suffix; insert: the whole value. */
size_t sticky_find(const struct config_upstream *up, struct span cookie_value);
/* The value of our own cookie for this target: its route, or 16 hex digits of a hash of its address. Written into out (at least 17 bytes, or the
 * route's length and 1); empty if it does not fit. */
struct span sticky_value(const struct config_target *target, char *out, size_t size);
/* Appends a whole Set-Cookie line with CRLF: NAME=value; Path=/; HttpOnly; SameSite=Lax; Secure when secure. */
MUST_CHECK int sticky_set_cookie(struct bytes *out, const struct config_upstream *up, const struct config_target *target, bool secure);

#endif
