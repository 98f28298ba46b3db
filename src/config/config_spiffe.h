/* SPDX-License-Identifier: Apache-2.0 */
/* Identities and trusts of the SPIFFE Workload API: which keys go with them, and who must be named where a peer is verified by its SPIFFE ID. */
#ifndef MTLSD_CONFIG_SPIFFE_H
#define MTLSD_CONFIG_SPIFFE_H

#include "config_read.h"

/* Gives each of them the name that stands where a file can (control/workload.h). */
void config_spiffe_complete(const struct config_reader *r);

/* True: the identity is none of files, or its keys of SPIFFE are mistaken, so that there is nothing more to check. */
bool config_spiffe_check_identity(const struct config_reader *r, const struct config_identity *id, const config_setting_t *at);
void config_spiffe_check_trust(const struct config_reader *r, const struct config_trust *t, const config_setting_t *at);
/* A server is verified by its ID, since its host name says nothing in a trust domain: an upstream without an expected ID is refused. */
void config_spiffe_check_upstream(const struct config_reader *r, size_t upstream);
/* A trust domain has every workload of an organization, so that callers must be named. */
void config_spiffe_check_listener(const struct config_reader *r, size_t listener);

#endif
