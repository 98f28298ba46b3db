/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of HAProxy, nginx, Apache, stunnel, Envoy, ghostunnel and openssl, and their equivalents here. */
#ifndef MTLSD_CONFIG_FOREIGN_H
#define MTLSD_CONFIG_FOREIGN_H

/* What to write for a key of another program that stands in this group of the option table, as "crl in the trust"; NULL: nothing known. */
const char *config_foreign_key(const char *group, const char *key);

#endif
