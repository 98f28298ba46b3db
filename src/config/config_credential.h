/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File values that are "credential:NAME": a file that systemd passes (LoadCredential=, SetCredentialEncrypted=), by the name it has there; or "env:NAME":
 * the text of an environment variable, which stays as it is written and is read with the other files.
 */
#ifndef MTLSD_CONFIG_CREDENTIAL_H
#define MTLSD_CONFIG_CREDENTIAL_H

#include "mtlsd/base/err.h"
#include <stdbool.h>

bool config_credential_is(const char *text);
/* The path in folder, the value of CREDENTIALS_DIRECTORY, which may be NULL; to be freed. NULL + err: the name cannot be one, or there is no folder. */
char *config_credential_path(const char *text, const char *folder, struct err *err);

/* A pkcs11: URI. */
bool config_credential_is_token(const char *text);
bool config_credential_is_env(const char *text);
/* Whether it has the form of a variable's name. */
MUST_CHECK int config_credential_check_env(const char *text, struct err *err);

#endif
