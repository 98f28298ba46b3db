/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_version.h"

#include <gnutls/gnutls.h>

const char *tls_version_gnutls(void)
{
    return gnutls_check_version(NULL);
}
