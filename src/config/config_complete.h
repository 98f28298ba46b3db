/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults that depend on other keys. */
#ifndef MTLSD_CONFIG_COMPLETE_H
#define MTLSD_CONFIG_COMPLETE_H

#include "config_read.h"

void config_complete(const struct config_reader *r);

#endif
