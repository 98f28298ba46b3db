/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MTLSD_TLS_TLS_VERSION_H
#define MTLSD_TLS_TLS_VERSION_H

const char *tls_version_gnutls(void); /* of the library in use, not of its headers */
const char *tls_version_groups(void); /* the groups that we offer first, as this library has them */

#endif
