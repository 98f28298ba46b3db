/* SPDX-License-Identifier: Apache-2.0 */
#include "drill.h"
#include "mtlsd/policy/reason.h"

#include <stdio.h>
#include <string.h>

/* ---- the document ---- */

static json_t *try_of(const struct drill_try *t)
{
    return t->done ? document_object("let_in:b told:t resumed:b", t->let_in, t->told, t->resumed) : json_null();
}

json_t *drill_sheet_row(const struct drill_row *row)
{
    json_t *o = document_object("kind:t what:t status:t offered:b as_it_should:b", row->word, row->what, reason_word(row->expected), row->offered,
                                row->as_it_should);
    for (size_t v = 0; v < DRILL_VERSIONS && row->offered; v++)
        o = document_add(o, v == 0 ? "tls13:o" : "tls12:o", document_object("full:o resumed:o", try_of(&row->full[v]), try_of(&row->again[v])));
    return document_add(o, "should:t", row->either ? "either" : row->expected == REASON_VALID ? "let in" : "refused");
}

json_t *drill_sheet_document(const struct drill *d, const char *target)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < d->n; i++)
        rows = document_append(rows, drill_sheet_row(&d->rows[i]));
    return document_object("target:t bad:i bad_let_in:i good_refused:i rows:o", target, (int)d->n_bad, (int)d->n_bad_let_in, (int)d->n_good_refused, rows);
}

/* ---- for people ---- */

void drill_sheet_print_head(struct page *p, const json_t *document)
{
    page_put(p, document, "Offering client certificates to {target}\n(\"again\": also with the ticket that it got)\n\n"
                          "  KIND                 SHOULD  TLS 1.3                  TLS 1.2                  WHAT IS WRONG WITH IT\n");
}

/* Wide enough that the columns that decide fit into 80; the words at the end may be wrapped. */
static void print_try(struct page *p, const json_t *version, bool alarm)
{
    char cell[120];
    const json_t *again = document_get(version, "resumed");
    bool in = document_truth(version, "full.let_in"), in_again = document_truth(again, "let_in");
    const char *later = !json_is_object(again) ? "" : in_again == in ? ", again" : in_again ? ", ACCEPTED again" : ", not again";
    snprintf(cell, sizeof(cell), "%s%s%s", in && alarm ? "LET IN, " : "", document_string(version, "full.told", ""), later);
    page_printf(p, " %-24s", cell);
}

void drill_sheet_print_row(struct page *p, const json_t *row)
{
    bool alarm = strcmp(document_string(row, "status", ""), reason_word(REASON_VALID)) != 0 && !document_truth(row, "as_it_should");
    page_put(p, row, "[{!as_it_should}!][{?as_it_should} ] {kind:20} {should:7}[{!offered} not offered: the CA's folder has none (mtlsd pki revoke NAME)\n]");
    if (!document_truth(row, "offered"))
        return;
    print_try(p, document_get(row, "tls13"), alarm);
    print_try(p, document_get(row, "tls12"), alarm);
    page_put(p, row, " {$what}\n");
}

/* The answer to the good certificate says more than that it was refused. */
static bool wants_another_protocol(const json_t *rows)
{
    static const char *const told[] = {"tls13.full.told", "tls12.full.told"};
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        for (size_t v = 0; v < DRILL_VERSIONS && strcmp(document_string(row, "should", ""), "let in") == 0; v++)
            if (strcmp(document_string(row, told[v], ""), "no_application_protocol") == 0)
                return true;
    }
    return false;
}

void drill_sheet_print_end(struct page *p, const json_t *document)
{
    page_put(p, document, "[{!bad_let_in}{!good_refused}\nEach of {bad|0} bad certificates was refused, and the good ones were accepted.\n]"
                          "[\n{bad_let_in} of {bad} bad certificates were ACCEPTED.\n]");
    if (document_number(document, "good_refused") > 0)
        page_printf(p, "\nA good certificate was refused: %s\n",
                    wants_another_protocol(document_get(document, "rows"))
                        ? "the listener accepts only clients with a protocol in ALPN, most often HTTP/2, which drill does not support: test a listener with "
                          "HTTP/1.1"
                        : "check that the listener trusts this CA and that its rules allow this subject (--cn, --ou, --san)");
}
