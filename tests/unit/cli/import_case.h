/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of `mtlsd import`: a source as text, its translation, and that our own reader takes it without an error. */
#ifndef MTLSD_TEST_IMPORT_CASE_H
#define MTLSD_TEST_IMPORT_CASE_H

#include "import/import.h"
#include "mtlsd/config/config.h"
#include "t.h"

#include <string.h>

struct import_case {
    char *text, *summary; /* owned */
    size_t left, remarks;
    struct config *config; /* owned */
};

static inline struct import_case import_case(const char *program, import_read_fn read, const char *source)
{
    struct import_model m;
    struct import_case c = {0};
    struct bytes out, summary;
    struct err err = {0};
    struct findings findings;
    bytes_init(&out, (size_t)1 << 26);
    bytes_init(&summary, (size_t)1 << 26);
    findings_init(&findings);
    ck_assert_msg(import_begin(&m, program, "source.conf", span_from_str(source), &err) == 0, "%s", err.text);
    read(&m);
    ck_assert_msg(import_write(&m, &out, &err) == 0, "%s", err.text);
    import_summary(&m, &summary);
    c.text = span_dup(bytes_span(&out));
    c.summary = span_dup(bytes_span(&summary));
    c.left = m.left;
    c.remarks = m.remarks;
    if (import_has_group(m.listeners)) {
        c.config = config_parse(c.text, "made.conf", &findings);
        ck_assert_msg(c.config != NULL && findings.errors == 0, "%s %s\n%s", findings.n > 0 ? findings.items[0].where : "", findings.n > 0 ? findings.items[0].text : "", c.text);
    }
    import_clear(&m);
    bytes_clear(&out);
    bytes_clear(&summary);
    findings_clear(&findings);
    return c;
}

static inline void import_case_clear(struct import_case *c)
{
    free(c->text);
    free(c->summary);
    config_free(c->config);
}

/* Source, a text that the translation has (NULL: any), a text of the summary (NULL: nothing is left out). */
struct import_row {
    const char *source, *has, *says;
};

static inline void import_case_check(const char *program, import_read_fn read, const struct import_row *row)
{
    struct import_case c = import_case(program, read, row->source);
    ck_assert_msg(row->has == NULL || strstr(c.text, row->has) != NULL, "no %s in\n%s", row->has, c.text);
    if (row->says != NULL)
        ck_assert_msg(strstr(c.summary, row->says) != NULL, "no %s in\n%s", row->says, c.summary);
    else
        ck_assert_msg(c.left == 0, "%s", c.summary);
    import_case_clear(&c);
}

#endif
