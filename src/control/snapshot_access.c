/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot_load.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 4096 };

static void write_text(const struct loader *l, const struct file_access *access, enum file_use use, const char *path, char text[TEXT_MAX])
{
    struct file_names names;
    snprintf(names.owner, sizeof(names.owner), "%u", access->owner);
    snprintf(names.group, sizeof(names.group), "%u", access->group);
    snprintf(names.us, sizeof(names.us), "%u", access->us);
    if (l->files->name != NULL)
        l->files->name(l->files->ctx, access, &names);
    file_access_text(access, use, path, &names, text, TEXT_MAX);
}

int snapshot_access_judge(const struct loader *l, const struct snapshot_access *what, const struct file_access *access)
{
    enum finding_level level;
    char text[TEXT_MAX];
    if (!file_access_judge(access, what->use, &level))
        return 0;
    write_text(l, access, what->use, what->path, text);
    if (what->kind != NULL)
        findings_add(l->findings, level, what->where, "%s \"%s\": %s", what->kind, what->name, text);
    else
        findings_add(l->findings, level, what->where, "%s", text);
    return level == FINDING_ERROR ? -1 : 0;
}

static bool is_told(const struct findings *findings, const char *text)
{
    for (size_t i = 0; i < findings->n; i++)
        if (strcmp(findings->items[i].text, text) == 0)
            return true;
    return false;
}

static void judge_folders(const struct loader *l, const char *where, const struct file_place *place)
{
    for (size_t i = 0; i < place->n_folders; i++) {
        const struct file_place_folder *f = &place->folders[i];
        enum finding_level level;
        char text[TEXT_MAX];
        if (!file_access_judge(&f->access, FILE_USE_FOLDER, &level))
            continue;
        write_text(l, &f->access, FILE_USE_FOLDER, f->path, text);
        if (!is_told(l->findings, text))
            findings_add(l->findings, level, where, "%s", text);
    }
}

void snapshot_access_folders(const struct loader *l, const char *where, const char *path)
{
    struct file_place place;
    if (l->files->look != NULL && l->files->look(l->files->ctx, path, &place) == 0)
        judge_folders(l, where, &place);
}

void snapshot_access_config(const struct loader *l, const struct config *config)
{
    struct file_place place;
    for (size_t i = 0; i < config->files.n && l->files->look != NULL; i++) {
        const char *path = config->files.items[i];
        if (l->files->look(l->files->ctx, path, &place) != 0)
            continue; /* a pipe, or gone since it was read */
        int rc = snapshot_access_judge(l, &(struct snapshot_access){.where = path, .path = path, .use = FILE_USE_CONFIG}, &place.file);
        if (rc == 0)
            judge_folders(l, path, &place);
    }
}
