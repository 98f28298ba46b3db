/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/config/config_version.h"

#include <libconfig.h>

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

const char *config_version_libconfig(void)
{
    return TEXT(LIBCONFIG_VER_MAJOR) "." TEXT(LIBCONFIG_VER_MINOR) "." TEXT(LIBCONFIG_VER_REVISION);
}
