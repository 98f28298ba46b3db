/* SPDX-License-Identifier: Apache-2.0 */
#include "config_credential.h"

#include "mtlsd/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "credential:";

bool config_credential_is(const char *text)
{
    return strncmp(text, prefix, sizeof(prefix) - 1) == 0;
}

/* A name with a slash or of dots would be a file outside of the folder. */
static bool is_name(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n < 256 && strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

char *config_credential_path(const char *text, const char *folder, struct err *err)
{
    const char *name = text + sizeof(prefix) - 1;
    if (!is_name(name)) {
        err_set(err, ERR_CONFIG, "\"%.200s\": write the name of a credential after the colon, as in \"credential:key.pem\"", text);
        return NULL;
    }
    if (folder == NULL || folder[0] != '/') {
        err_set(err, ERR_CONFIG,
                "\"%.120s\": systemd passed no credentials: set LoadCredential=%.80s:/PATH in the unit; to check outside of it, set CREDENTIALS_DIRECTORY to a folder "
                "that holds the file",
                text, name);
        return NULL;
    }
    size_t room = strlen(folder) + strlen(name) + 2;
    char *path = malloc(room);
    if (path == NULL)
        err_set(err, ERR_MEMORY, "out of memory");
    else
        snprintf(path, room, "%s/%s", folder, name);
    return path;
}

static const char env_prefix[] = "env:";

bool config_credential_is_token(const char *text)
{
    return strncmp(text, "pkcs11:", 7) == 0;
}

bool config_credential_is_env(const char *text)
{
    return strncmp(text, env_prefix, sizeof(env_prefix) - 1) == 0;
}

int config_credential_check_env(const char *text, struct err *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    const char *name = text + sizeof(env_prefix) - 1;
    if (name[0] != '\0' && name[strspn(name, letters)] == '\0')
        return 0;
    return err_set(err, ERR_CONFIG, "\"%.200s\": write the name of an environment variable after the colon, as in \"env:WEB_PEM\"", text);
}

const char *config_env_name(const char *path)
{
    return config_credential_is_env(path) ? strchr(path, ':') + 1 : NULL;
}

static bool is_token(const char *path)
{
    return path != NULL && config_credential_is_token(path);
}

bool config_has_tokens(const struct config *c)
{
    for (size_t i = 0; i < c->n_identities; i++)
        if (is_token(c->identities[i].key) || is_token(c->identities[i].certificate))
            return true;
    return false;
}
