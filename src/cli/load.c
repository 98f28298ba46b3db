/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"
#include "mtlsd/daemon/run.h"
#include "mtlsd/daemon/run_user.h"
#include "mtlsd/io/file.h"
#include "mtlsd/control/workload_use.h"
#include "mtlsd/io/registry_pool.h"
#include "mtlsd/io/workload_client.h"

#include <stdlib.h>
#include <string.h>

/* Asks the SPIFFE agent for as long as the snapshot is made, if a part of it comes from there. NULL without an error: none does. */
static struct workload_client *start_workload(const struct config *config, struct workload_files *files, struct err *err)
{
    char path[WORKLOAD_PATH_MAX];
    struct workload_order order = {.socket = path};
    if (!workload_is_used(config, &order.method) || workload_socket_path(getenv("SPIFFE_ENDPOINT_SOCKET"), path, err) != 0)
        return NULL;
    files->ctx = workload_client_start(&order, err);
    files->text = workload_files_of_client;
    return files->ctx;
}

struct snapshot *load_snapshot(const char *path, int64_t now, struct findings *findings)
{
    struct config *config = config_load(path, findings);
    if (config == NULL)
        return NULL;
    struct privilege *user = NULL;
    struct err err = {0};
    struct file_source files = *file_source_disk();
    files.registries = registry_pool_once();
    if (privilege_find(config->user, config->group, &user, &err) != 0)
        findings_add(findings, FINDING_WARNING, path, "as this user, run would fail: %s", err.text);
    privilege_look_as(user, &files);
    run_user_review(user, config, findings);
    struct workload_files with_workload = {.under = files};
    struct err unasked = {0};
    struct workload_client *workload = start_workload(config, &with_workload, &unasked);
    struct snapshot *snapshot = NULL;
    files = workload_files_source(&with_workload);
    if (unasked.kind == ERR_NONE) {
        snapshot = snapshot_new(config, &files, 1, now, findings);
    } else {
        findings_add(findings, FINDING_ERROR, path, "%s", unasked.text);
        config_free(config);
    }
    workload_client_stop(workload);
    privilege_free(user);
    return snapshot;
}

struct snapshot *load_snapshot_or_say(const char *path, int64_t now)
{
    struct findings findings;
    findings_init(&findings);
    struct snapshot *s = load_snapshot(path, now, &findings);
    if (s == NULL)
        run_print_findings(&findings);
    findings_clear(&findings);
    return s;
}

int load_chain(const char *path, struct tls_chain *chain, struct err *err)
{
    struct bytes text;
    struct err unread = {0};
    if (file_read(path, &text, NULL, &unread) != 0)
        return err_set(err, ERR_CREDENTIAL, "%s", unread.text);
    int rc = tls_chain_read(chain, bytes_span(&text), path, err);
    bytes_wipe(&text);
    return rc;
}

int load_check_file(const char *path, enum file_use use, const struct file_access *access, struct findings *notes, struct err *err)
{
    enum finding_level level;
    struct file_names names;
    char text[4096];
    if (!file_access_judge(access, use, &level))
        return 0;
    file_look_names(access, &names);
    file_access_text(access, use, path, &names, text, sizeof(text));
    if (level == FINDING_ERROR)
        return err_set(err, ERR_CREDENTIAL, "%s", text);
    if (notes != NULL)
        findings_add(notes, level, "", "%s", text);
    return 0;
}
