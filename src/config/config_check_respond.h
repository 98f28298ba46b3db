/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of a route with a text of its own. */
#ifndef MTLSD_CONFIG_CHECK_RESPOND_H
#define MTLSD_CONFIG_CHECK_RESPOND_H

#include "config_check_text.h"

/* Fills in what respond leaves out: the status, and the type by the file's name. */
void config_complete_respond(const struct config_reader *r, struct config_route *route);
/* group: of the route. */
void config_check_respond(const struct config_text_place *p, const struct config_route *route, const config_setting_t *group);

#endif
