/* SPDX-License-Identifier: Apache-2.0 */
/* What no single key can say: defaults that depend on other keys, names that refer to one another,
 * combinations that are refused. */
#ifndef MTLSD_CONFIG_CHECK_H
#define MTLSD_CONFIG_CHECK_H

#include "config_read.h"

void config_check(const struct config_reader *r);

#endif
