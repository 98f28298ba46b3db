/* SPDX-License-Identifier: Apache-2.0 */
/* The block renew of an identity: which server renews its certificate, and when. */
#ifndef MTLSD_CONFIG_CONFIG_RENEW_H
#define MTLSD_CONFIG_CONFIG_RENEW_H

#include "mtlsd/base/address.h"
#include "mtlsd/config/config.h"

/* The certificate is renewed by mtlsd. */
bool config_renew_is_on(const struct config_identity *id);
/* est or step, as it is written. */
const char *config_renew_url(const struct config_renew *renew);

struct config_renew_place {
    struct address server;
    char path[1100]; /* of the request that renews */
};
/* -1: the address is not one of such a server. */
MUST_CHECK int config_renew_place(const struct config_renew *renew, struct config_renew_place *out);
/* How many seconds before its end a certificate with this life is to be renewed. -1: before is not understood. */
int64_t config_renew_before(const struct config_renew *renew, int64_t life);
/* The files that a renewal writes: the certificate and its key; one and NULL: both are in that. */
void config_renew_files(const struct config_identity *id, const char *files[2]);

#endif
