/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of path segments, "/cart;jsessionid=0123.worker1/3": where servlet containers put a session's name for clients without cookies. */
#ifndef MTLSD_HTTP_HTTP_PARAMETER_H
#define MTLSD_HTTP_HTTP_PARAMETER_H

#include "mtlsd/base/span.h"

/* The value of the last parameter of this name, as Tomcat has it; case is ignored, for a cookie JSESSIONID is ;jsessionid in a path. ptr is NULL:
 * there is none. Nothing is decoded, as Tomcat takes parameters off before it decodes the path. */
struct span http_parameter_find(struct span path, const char *name);

#endif
