/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MTLSD_CLI_VERSION_H
#define MTLSD_CLI_VERSION_H

void version_print(void);

#endif
