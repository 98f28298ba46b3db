/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that name a place: files, sockets, addresses to listen on or to connect to, a Host. Relative paths start at the
 * folder of the file with the value. A setter of more than a text has its free function beside it.
 */
#ifndef MTLSD_CONFIG_PLACE_H
#define MTLSD_CONFIG_PLACE_H

#include "config_slot.h"

/* A word of the row's bounds, or a file. */
MUST_CHECK int config_place_set_path(const struct config_slot *s, struct err *err);
MUST_CHECK int config_place_set_paths(const struct config_slot *s, struct err *err);

/* "unix:PATH" as its path. */
MUST_CHECK int config_place_set_socket(const struct config_slot *s, struct err *err);

/* A TCP address to listen on. */
MUST_CHECK int config_place_set_listen(const struct config_slot *s, struct err *err);
void config_place_free_listen(const struct config_slot *s);

/* One more address of a listener. */
MUST_CHECK int config_place_set_addresses(const struct config_slot *s, struct err *err);
void config_place_free_addresses(const struct config_slot *s);

/* The address of a target, and the corporate proxy of an upstream. */
MUST_CHECK int config_place_set_target(const struct config_slot *s, struct err *err);
void config_place_free_target(const struct config_slot *s);
MUST_CHECK int config_place_set_proxy(const struct config_slot *s, struct err *err);
void config_place_free_proxy(const struct config_slot *s);

/* The Host of an upstream or a route. */
MUST_CHECK int config_place_set_host(const struct config_slot *s, struct err *err);
void config_place_free_host(const struct config_slot *s);

#endif
