/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "mtlsd/base/text.h"
#include "mtlsd/control/document.h"
#include "mtlsd/control/registry_row.h"
#include "mtlsd/io/file.h"
#include "page.h"
#include "registry.h"
#include "registry_words.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- export ---- */

static int export_all(struct registry_store *s, void *ctx, struct err *err)
{
    json_t *rows;
    (void)ctx;
    if (registry_store_rows(s, NULL, NULL, &rows, err) != 0)
        return -1;
    return page_show(rows, true, NULL) == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

int registry_export(int argc, char **argv)
{
    const struct flags flags = {
        .command = "mtlsd registry export",
        .usage = REGISTRY_PLACE_USAGE,
        .about = "Writes all rows on standard output, as a JSON list of objects, for mtlsd registry import.",
    };
    return registry_command(&flags, &(struct registry_action){.use = REGISTRY_STORE_READ, .act = export_all}, argc, argv);
}

/* ---- import ---- */

/* A row that the daemon would not understand is not written. */
static int check_entry(const struct registry_entry *e, size_t i, struct err *err)
{
    struct tls_registry_row row;
    struct err why = {0};
    const struct registry_row_columns columns = {span_from_str(e->sha256), span_from_str(e->kind), span_from_str(e->state),
                                                 span_from_str(e->owner), span_from_str(e->note), span_from_str(e->attributes)};
    enum registry_row_result result = registry_row_read(&columns, &row, &why);
    tls_registry_text_unref(row.text);
    return result == REGISTRY_ROW_FINE ? 0 : err_set(err, ERR_CREDENTIAL, "row %zu of the file: %s", i + 1, why.text);
}

static int import_one(struct registry_store *s, const json_t *row, size_t i, struct err *err)
{
    uint8_t id[TLS_REGISTRY_ID_BYTES];
    char sha256[65] = "";
    bool added;
    if (registry_row_id(span_from_str(document_string(row, "sha256", "")), id) == 0)
        text_hex(sha256, span_of(id, sizeof(id)));
    const json_t *object = document_get(row, "attributes");
    char *attributes = json_object_size(object) > 0 ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    const struct registry_entry e = {
        .sha256 = sha256, .kind = document_string(row, "kind", "certificate"), .state = document_string(row, "state", "active"),
        .owner = document_string(row, "owner", NULL), .note = document_string(row, "note", NULL), .attributes = attributes,
        .subject = document_string(row, "subject", NULL), .not_after = document_string(row, "not_after", NULL), .added = document_string(row, "added", NULL)};
    int rc = check_entry(&e, i, err) == 0 ? registry_store_put(s, &e, true, &added, err) : -1;
    free(attributes);
    return rc;
}

static int import_rows(struct registry_store *s, const json_t *rows, struct err *err)
{
    size_t n = json_array_size(rows);
    int rc = registry_store_begin(s, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = import_one(s, json_array_get(rows, i), i, err);
    if (rc == 0 && (rc = registry_store_commit(s, err)) == 0)
        printf("imported %zu rows\n", n);
    return rc;
}

static json_t *read_rows(const char *path, struct err *err)
{
    struct bytes text;
    json_error_t why;
    if (file_read(path, &text, NULL, err) != 0)
        return NULL;
    struct span all = bytes_span(&text);
    json_t *rows = json_loadb((const char *)all.ptr, all.len, JSON_REJECT_DUPLICATES, &why);
    bytes_clear(&text);
    if (json_is_array(rows))
        return rows;
    if (rows == NULL)
        (void)err_set(err, ERR_CREDENTIAL, "%s:%d: this is no JSON: %s", path, why.line, why.text);
    else
        (void)err_set(err, ERR_CREDENTIAL, "%s: this is no list of rows, as mtlsd registry export writes it", path);
    json_decref(rows);
    return NULL;
}

static int import_all(struct registry_store *s, void *ctx, struct err *err)
{
    const struct flag_list *operands = ctx;
    json_t *rows = read_rows(operands->items[0], err);
    int rc = rows != NULL ? import_rows(s, rows, err) : -1;
    json_decref(rows);
    return rc;
}

int registry_import(int argc, char **argv)
{
    struct flag_list operands = {.n = 0};
    const struct flags flags = {
        .command = "mtlsd registry import",
        .usage = "FILE " REGISTRY_PLACE_USAGE,
        .about = "Reads rows from a file of mtlsd registry export. Rows that are there already are replaced. All rows are imported, or none.",
        .operand = "FILE",
        .min_operands = 1,
        .max_operands = 1,
    };
    return registry_command(&flags, &(struct registry_action){REGISTRY_STORE_WRITE, import_all, &operands, &operands}, argc, argv);
}
