/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups by the system's user database (nsswitch.conf). */
#ifndef MTLSD_IO_ACCOUNTS_H
#define MTLSD_IO_ACCOUNTS_H

#include "mtlsd/control/account_source.h"

extern const struct account_source accounts_of_system;

#endif
