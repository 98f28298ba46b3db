/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/text.h"
#include "mtlsd/control/document.h"
#include "mtlsd/control/registry_sql.h"
#include "page.h"
#include "registry.h"
#include "registry_words.h"
#include "time_arg.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHOWN = 50, COLUMNS = 13, FIRST_NUMBER = 9 };

struct session_flags {
    const char *owner, *certificate, *since, *until;
    uint64_t most;
    bool json;
};

static int on_session(void *ctx, const struct span *values, size_t n)
{
    json_t **rows = ctx;
    char *texts[COLUMNS] = {NULL};
    json_t *numbers[3];
    for (size_t i = 0; i < COLUMNS && i < n; i++)
        texts[i] = values[i].ptr != NULL ? span_dup(values[i]) : NULL;
    for (size_t i = 0; i < 3; i++) {
        const char *text = texts[FIRST_NUMBER + i];
        numbers[i] = text != NULL ? json_integer(strtoll(text, NULL, 10)) : json_null();
    }
    *rows = document_append(*rows, document_object("began:t ended:t registry:t host:t listener:t address:t sha256:t subject:t owner:t requests:o bytes_in:o bytes_out:o reason:t",
                                                   texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6], texts[7], texts[8], numbers[0], numbers[1],
                                                   numbers[2], texts[12]));
    for (size_t i = 0; i < COLUMNS; i++)
        free(texts[i]);
    return *rows != NULL ? 0 : -1;
}

/* "": any. Times are compared as the texts that the daemon writes. */
static int time_of(const char *flag, const char *given, char out[21], struct err *err)
{
    int64_t seconds;
    struct err why = {0};
    out[0] = '\0';
    if (given == NULL)
        return 0;
    if (time_arg_parse(given, &seconds, &why) != 0)
        return err_set(err, ERR_USAGE, "%s: %s", flag, why.text);
    text_utc(out, seconds);
    return 0;
}

static int read_sessions(struct registry_store *s, const struct session_flags *a, json_t **rows, struct err *err)
{
    static const char sql[] = REGISTRY_SQL_SESSIONS " WHERE ($2 = '' OR owner = $2) AND ($3 = '' OR sha256 = $3) AND ($4 = '' OR began >= $4) "
                                                    "AND ($5 = '' OR began < $5) ORDER BY began DESC, id DESC LIMIT CAST($1 AS bigint)";
    struct registry_subject subject = {.sha256 = ""};
    char most[24], since[21], until[21];
    if (time_of("--since", a->since, since, err) != 0 || time_of("--until", a->until, until, err) != 0 ||
        (a->certificate != NULL && registry_subject_read(a->certificate, false, &subject, err) != 0))
        return -1;
    snprintf(most, sizeof(most), "%llu", (unsigned long long)a->most);
    const char *params[] = {most, a->owner != NULL ? a->owner : "", subject.sha256, since, until};
    return database_run(s->db, &(struct database_query){.sql = sql, .params = params, .n_params = 5, .on_row = on_session, .ctx = rows}, err);
}

static void print_sessions(struct page *p, const json_t *rows)
{
    static const struct page_column columns[] = {{"BEGAN", "{began}"}, {"ENDED", "{ended|-}"}, {"LISTENER", "{listener}"}, {"ADDRESS", "{address}"},
                                                 {">REQUESTS", "{requests|-}"}, {">IN", "{bytes_in|-}"}, {">OUT", "{bytes_out|-}"}, {"END", "{reason|-}"},
                                                 {"OWNER", "{owner|-}"}, {"SUBJECT", "{subject|-}"}};
    if (json_array_size(rows) == 0)
        page_say(p, "no sessions\n");
    page_table(p, columns, sizeof(columns) / sizeof(columns[0]));
    page_rows(p, rows);
    page_table_end(p);
}

static int list_sessions(struct registry_store *s, void *ctx, struct err *err)
{
    const struct session_flags *a = ctx;
    json_t *rows = json_array();
    if (read_sessions(s, a, &rows, err) != 0) {
        json_decref(rows);
        return -1;
    }
    return page_show(rows, a->json, print_sessions) == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

int registry_sessions(int argc, char **argv)
{
    struct session_flags a = {.most = SHOWN};
    const struct flag table[] = {
        {.name = "--owner", .kind = FLAG_TEXT, .target = &a.owner, .value = "TEXT", .help = "only those of this owner"},
        {.name = "--certificate", .kind = FLAG_TEXT, .target = &a.certificate, .value = "CERTIFICATE", .help = "only those of this certificate: a PEM file, or a SHA-256"},
        {.name = "--since", .kind = FLAG_TEXT, .target = &a.since, .value = "TIME", .help = "only those that began at this time or later: 2026-01-31, or 2026-01-31T23:59:59Z"},
        {.name = "--until", .kind = FLAG_TEXT, .target = &a.until, .value = "TIME", .help = "only those that began before this time"},
        {.name = "--last", .kind = FLAG_NUMBER, .target = &a.most, .value = "N", .help = "how many, the newest first (default: 50)"},
        {.name = "--json", .kind = FLAG_SWITCH, .target = &a.json, .help = "print JSON"},
    };
    const struct flags flags = {
        .command = "mtlsd registry sessions",
        .usage = "[--owner TEXT] [--certificate CERTIFICATE] [--since TIME] [--until TIME] [--last N] [--json] " REGISTRY_PLACE_USAGE,
        .about = "Lists connections of verified clients, the newest first. A daemon whose registry has sessions = true writes them.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
    };
    return registry_command(&flags, &(struct registry_action){REGISTRY_STORE_READ, list_sessions, &a, NULL}, argc, argv);
}
