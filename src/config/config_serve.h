/* SPDX-License-Identifier: Apache-2.0 */
/* Routes that serve our own pages. Each such page is an upstream that we are ourselves, so that a route to it is like any other. */
#ifndef MTLSD_CONFIG_SERVE_H
#define MTLSD_CONFIG_SERVE_H

#include "config_read.h"

/* Before names are looked up: adds the upstreams of what routes serve, and names them in these routes. */
void config_serve_add(const struct config_reader *r);
/* Whether clients of other hosts could see and use the pages of this listener. */
void config_serve_check(const struct config_reader *r, size_t listener);

#endif
