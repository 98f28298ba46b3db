/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"

#include "mtlsd/config/config.h"
#include "t.h"

#include <string.h>

static const char *told(const struct findings *f)
{
    return f->n > 0 ? f->items[0].text : "nothing";
}

void config_rows_refused(const struct config_row *row)
{
    struct findings f;
    findings_init(&f);
    ck_assert_msg(config_parse(row->text, "x.conf", &f) == NULL, "%s: taken", row->why);
    bool said = false;
    for (size_t i = 0; i < f.n; i++)
        said = said || (f.items[i].level == FINDING_ERROR && strstr(f.items[i].text, row->says) != NULL);
    ck_assert_msg(f.errors == 1 && said, "%s: %zu errors, the first finding: %s", row->why, f.errors, told(&f));
    findings_clear(&f);
}

void config_rows_taken(const struct config_row *row)
{
    struct findings f;
    findings_init(&f);
    struct config *c = config_parse(row->text, "x.conf", &f);
    ck_assert_msg(c != NULL, "%s: %s", row->why, told(&f));
    if (row->says == NULL)
        ck_assert_msg(f.n == 0, "%s: %s", row->why, told(&f));
    else
        ck_assert_msg(f.n == 1 && strstr(f.items[0].text, row->says) != NULL, "%s: %zu findings, the first: %s", row->why, f.n, told(&f));
    config_free(c);
    findings_clear(&f);
}
