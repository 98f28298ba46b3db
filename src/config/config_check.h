/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of several keys: names that refer to one another, combinations that are refused. */
#ifndef MTLSD_CONFIG_CHECK_H
#define MTLSD_CONFIG_CHECK_H

#include "config_read.h"

void config_check(const struct config_reader *r);
void config_check_log(const struct config_reader *r);
void config_check_tcp(const struct config_reader *r);
/* A highest TLS version below the lowest. */
void config_check_versions(const struct config_reader *r);
void config_check_alpn(const struct config_reader *r);

/* One of each, by its place in the configuration. */
/* The names of identities to choose from. */
void config_check_choices(const struct config_reader *r, const struct config_strings *choices, const config_setting_t *place);
void config_check_upstream(const struct config_reader *r, size_t upstream);
void config_check_listener(const struct config_reader *r, size_t listener);
void config_check_callers(const struct config_reader *r, size_t listener); /* limits by the user of the calling program */
void config_check_renew(const struct config_reader *r, const struct config_identity *id, const config_setting_t *at);
void config_check_sni(const struct config_reader *r, size_t listener); /* its identities by server name */
void config_check_routes(const struct config_reader *r, size_t listener);

/* The warning for a listener that verifies callers by the public CAs. */
const char *config_check_public(const struct config_listener *l);

#endif
