/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_version.h"

#include "tls_priority.h"

const char *tls_version_gnutls(void)
{
    return gnutls_check_version(NULL);
}

const char *tls_version_groups(void)
{
    return tls_priority_has_hybrid() ? "X25519MLKEM768, X25519" : "X25519 (no X25519MLKEM768 in this GnuTLS)";
}
