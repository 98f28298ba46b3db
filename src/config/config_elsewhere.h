/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the group of a key that is in a wrong group. */
#ifndef MTLSD_CONFIG_ELSEWHERE_H
#define MTLSD_CONFIG_ELSEWHERE_H

#include "config_read.h"

/* Complains, with the exact place and what to write there. False: no group has such a key, and nothing was said. group: the group of the option
 * table that s stands in. */
bool config_elsewhere_complain(const struct config_reader *r, const config_setting_t *s, const char *group);

/* Keys of HAProxy, nginx, Apache, stunnel, Envoy, ghostunnel and openssl, and their equivalents here. */

/* Our equivalent of a key of another program, as "crl in the trust", in this group of the option table. NULL: none is known. */
const char *config_foreign_key(const char *group, const char *key);

#endif
