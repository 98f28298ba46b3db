/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of run after a configuration is loaded, and their results: addresses to listen on, the admin socket, the log file, the folder of
 * fetched lists, descriptors. Nothing is created, and a running daemon is not affected. */
#ifndef MTLSD_CLI_CHECK_PLACES_H
#define MTLSD_CLI_CHECK_PLACES_H

#include "mtlsd/base/findings.h"
#include "mtlsd/config/config.h"

void check_places(const struct config *config, struct findings *findings);

#endif
