/* SPDX-License-Identifier: Apache-2.0 */
#include "file_check.h"
#include "mtlsd/io/file.h"

int file_check(const char *path, enum file_use use, const struct file_access *access, struct findings *notes, struct err *err)
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
