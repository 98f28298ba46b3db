/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/config/config_renew.h"
#include "config_check.h"

#include "config_credential.h"
#include "config_names.h"
#include "mtlsd/base/units.h"
#include "mtlsd/base/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char est_path[] = "/.well-known/est";

enum { PART_MAX = 1000, PART_DEFAULT = 3, SHORTEST_MS = 60 * 1000 };

bool config_renew_is_on(const struct config_identity *id)
{
    return id->renew.est != NULL || id->renew.step != NULL;
}

const char *config_renew_url(const struct config_renew *renew)
{
    return renew->est != NULL ? renew->est : renew->step;
}

int config_renew_place(const struct config_renew *renew, struct config_renew_place *out)
{
    const char *path;
    if (!url_split_https(config_renew_url(renew), &out->server, &path))
        return -1;
    size_t n = strlen(path);
    n -= n > 0 && path[n - 1] == '/';
    bool labelled = n >= sizeof(est_path) - 1 && strncmp(path, est_path, sizeof(est_path) - 1) == 0;
    if (renew->est != NULL && n > 0 && !labelled)
        return -1;
    snprintf(out->path, sizeof(out->path), "%s%.*s%s", renew->est != NULL && n == 0 ? est_path : "", (int)n, path, renew->est != NULL ? "/simplereenroll" : "/1.0/rekey");
    return 0;
}

/* "1/3"; false: it is not of that form. */
static bool read_part(const char *text, unsigned long *part, unsigned long *of)
{
    char *slash, *end;
    *part = strtoul(text, &slash, 10);
    if (slash == text || *slash != '/' || text[0] < '0' || text[0] > '9' || slash[1] < '0' || slash[1] > '9')
        return false;
    *of = strtoul(slash + 1, &end, 10);
    return *end == '\0' && *part > 0 && *part < *of && *of <= PART_MAX;
}

int64_t config_renew_before(const struct config_renew *renew, int64_t life)
{
    struct err err = {0};
    unsigned long part, of;
    uint64_t ms;
    if (renew->before == NULL)
        return life / PART_DEFAULT;
    if (read_part(renew->before, &part, &of))
        return life / (int64_t)of * (int64_t)part;
    return units_duration_ms(renew->before, &ms, &err) == 0 && ms >= SHORTEST_MS ? (int64_t)(ms / 1000) : -1;
}

void config_renew_files(const struct config_identity *id, const char *files[2])
{
    files[0] = id->bundle != NULL ? id->bundle : id->certificate;
    files[1] = id->bundle != NULL ? NULL : id->key;
}

/* ---- mistakes ---- */

static bool is_written(const char *path)
{
    return path == NULL || (!config_credential_is_token(path) && config_env_name(path) == NULL);
}

/* NULL: the new certificate and key can take the place of the files. */
static const char *source_fault(const struct config_identity *id)
{
    if (id->source == CONFIG_SOURCE_SPIFFE)
        return "has no files to write: the Workload API renews its certificates itself";
    if (id->pkcs12 != NULL)
        return "writes PEM files: give certificate and key, or bundle, instead of pkcs12";
    if (!is_written(id->key) || !is_written(id->certificate) || !is_written(id->bundle))
        return "makes a new key and writes it to a file: a token or a variable of the environment cannot be renewed";
    if (id->chain != NULL)
        return "writes the chain into certificate: add the content of chain there, and leave chain out";
    return id->passphrase_file != NULL ? "writes the new key without a passphrase: decrypt the key, and leave passphrase_file out" : NULL;
}

static const char *block_fault(const struct config_reader *r, const struct config_identity *id)
{
    if (id->renew.est == NULL && id->renew.step == NULL)
        return "needs the server of the CA: give est = \"https://HOST\" or step = \"https://HOST:PORT\"";
    if (id->renew.est != NULL && id->renew.step != NULL)
        return "has two servers: give est or step";
    return r->config->insecure_keys_in_process ? "needs the key process, which makes the new key: leave insecure_keys_in_process out" : source_fault(id);
}

void config_check_renew(const struct config_reader *r, const struct config_identity *id, const config_setting_t *at)
{
    bool given;
    struct config_renew_place place;
    const config_setting_t *group = config_read_at(at, "renew", NULL, &given);
    if (!given || config_read_is_tainted(group))
        return;
    const char *fault = block_fault(r, id), *key = id->renew.est != NULL ? "est" : "step";
    if (fault != NULL)
        config_read_complain(r, FINDING_ERROR, group, "%s", fault);
    else if (config_renew_place(&id->renew, &place) != 0)
        config_read_complain(r, FINDING_ERROR, config_read_at(at, "renew", key, NULL), "\"%.200s\" is no address of such a server: write \"https://HOST[:PORT]%s\"",
                             config_renew_url(&id->renew), id->renew.est != NULL ? "\", or with /.well-known/est/LABEL behind it: \"https://HOST/.well-known/est/LABEL" : "");
    if (config_renew_before(&id->renew, 1) < 0)
        config_read_complain(r, FINDING_ERROR, config_read_at(at, "renew", "before", NULL), "\"%.80s\" is neither a part of a life, as \"1/3\", nor a duration of a minute or more, as \"7d\"",
                             id->renew.before);
    if (id->renew.trust != NULL && strcmp(id->renew.trust, "system") == 0)
        config_read_complain(r, FINDING_ERROR, config_read_at(at, "renew", "trust", NULL), "takes a trust of its own: name one of trusts, with ca = \"system\" where a public CA signed the server");
    config_names_check(r, CONFIG_NAMES_TRUST, id->renew.trust, config_read_at(at, "renew", "trust", NULL));
}
