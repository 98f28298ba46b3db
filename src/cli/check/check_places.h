/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that run takes once a configuration is loaded, and what would come of them: addresses to listen on, the admin socket, the log file,
 * the folder of fetched lists, descriptors. Nothing is made, and a daemon that runs does not notice. */
#ifndef MTLSD_CLI_CHECK_PLACES_H
#define MTLSD_CLI_CHECK_PLACES_H

#include "mtlsd/base/findings.h"
#include "mtlsd/config/config.h"

void check_places(const struct config *config, struct findings *findings);

#endif
