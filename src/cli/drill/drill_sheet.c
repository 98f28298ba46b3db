/* SPDX-License-Identifier: Apache-2.0 */
#include "drill.h"
#include "daemon_json.h"
#include "mtlsd/base/text.h"
#include "mtlsd/policy/reason.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *const version_words[DRILL_VERSIONS] = {"TLS 1.3", "TLS 1.2"};

int drill_sheet_head(const struct drill_setup *setup, struct bytes *out)
{
    if (bytes_append_str(out, "Offering client certificates to ") != 0 ||
        text_append_percent(out, span_from_str(setup->target_text)) != 0)
        return -1;
    return bytes_printf(out, "\n(\"again\": also with the ticket that it got)\n\n  %-20s %-7s %-24s %-24s %s\n", "KIND", "SHOULD", version_words[0], version_words[1],
                        "WHAT IS WRONG WITH IT");
}

/* Wide enough that the columns that decide fit into 80; the words at the end may be wrapped. */
static int try_text(const struct drill_try *full, const struct drill_try *again, bool alarm, struct bytes *out)
{
    char cell[120];
    const char *later = !again->done ? "" : again->let_in == full->let_in ? ", again" : again->let_in ? ", LET IN again" : ", not again";
    int n = snprintf(cell, sizeof(cell), "%s%s%s", full->let_in && alarm ? "LET IN, " : "", full->told, later);
    return n < 0 ? -1 : bytes_printf(out, " %-24s", cell);
}

int drill_sheet_row(const struct drill_row *row, struct bytes *out)
{
    bool alarm = row->expected != REASON_VALID && !row->as_it_should;
    const char *should = row->either ? "either" : row->expected == REASON_VALID ? "let in" : "refused";
    if (bytes_printf(out, "%c %-20s %-7s", row->as_it_should ? ' ' : '!', row->word, should) != 0)
        return -1;
    if (!row->offered)
        return bytes_append_str(out, " not offered: the CA's folder has none (mtlsd pki revoke NAME)\n");
    for (size_t v = 0; v < DRILL_VERSIONS; v++)
        if (try_text(&row->full[v], &row->again[v], alarm, out) != 0)
            return -1;
    return bytes_printf(out, " %s\n", row->what);
}

/* What the good certificate got says more than that it was refused. */
static const char *why_refused(const struct drill *d)
{
    for (size_t i = 0; i < d->n; i++)
        for (size_t v = 0; v < DRILL_VERSIONS && d->rows[i].expected == REASON_VALID && !d->rows[i].either; v++)
            if (strcmp(d->rows[i].full[v].told, "no_application_protocol") == 0)
                return "the listener takes only callers that offer a protocol by ALPN, most often HTTP/2, which a drill does not speak: try one that takes "
                       "HTTP/1.1";
    return "does the listener trust this CA, and do its rules allow this subject (--cn, --ou, --san)?";
}

int drill_sheet_end(const struct drill *d, struct bytes *out)
{
    if (d->n_bad_let_in == 0 && d->n_good_refused == 0)
        return bytes_printf(out, "\nEach of %zu bad certificates was refused, and the good ones were let in.\n", d->n_bad);
    if (d->n_bad_let_in > 0 && bytes_printf(out, "\n%zu of %zu bad certificates were LET IN.\n", d->n_bad_let_in, d->n_bad) != 0)
        return -1;
    if (d->n_good_refused > 0)
        return bytes_printf(out, "\nA good certificate was refused: %s\n", why_refused(d));
    return 0;
}

static json_t *try_json(const struct drill_try *t)
{
    return t->done ? json_pack("{sb so sb}", "let_in", t->let_in, "told", daemon_json_text(t->told), "resumed", t->resumed) : json_null();
}

json_t *drill_sheet_json(const struct drill *d, const struct drill_setup *setup)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < d->n; i++) {
        const struct drill_row *row = &d->rows[i];
        json_t *o = json_pack("{ss ss ss sb sb}", "kind", row->word, "what", row->what, "status", reason_word(row->expected), "offered",
                              row->offered, "as_it_should", row->as_it_should);
        for (size_t v = 0; v < DRILL_VERSIONS && row->offered; v++)
            json_object_set_new(o, v == 0 ? "tls13" : "tls12",
                                json_pack("{so so}", "full", try_json(&row->full[v]), "resumed", try_json(&row->again[v])));
        json_array_append_new(rows, o);
    }
    return json_pack("{so si si si so}", "target", daemon_json_text(setup->target_text), "bad", (int)d->n_bad, "bad_let_in", (int)d->n_bad_let_in,
                     "good_refused", (int)d->n_good_refused, "rows", rows);
}
