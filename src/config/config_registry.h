/* SPDX-License-Identifier: Apache-2.0 */
/* The database of a registry: its form, and what is required of a connection that leaves this host. */
#ifndef MTLSD_CONFIG_REGISTRY_H
#define MTLSD_CONFIG_REGISTRY_H

#include "config_read.h"
#include "config_slot.h"

/* "sqlite:FILE", joined to the folder of the configuration, or a URI of PostgreSQL as it is. */
MUST_CHECK int config_registry_set_database(const struct config_slot *s, struct err *err);
void config_registry_check(const struct config_reader *r, const struct config_registry *registry, const config_setting_t *at);

#endif
