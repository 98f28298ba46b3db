/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MTLSD_CONFIG_CONFIG_VERSION_H
#define MTLSD_CONFIG_CONFIG_VERSION_H

const char *config_version_libconfig(void); /* as compiled in: it has no run-time one */

#endif
