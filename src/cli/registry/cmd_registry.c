/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "page.h"
#include "registry.h"
#include "registry_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- init ---- */

static int init(struct registry_store *s, void *ctx, struct err *err)
{
    int64_t from;
    (void)ctx;
    if (registry_store_migrate(s, &from, err) != 0)
        return -1;
    if (from == 0)
        printf("created the tables, version %d\nnext: mtlsd registry add CERTIFICATE\n", REGISTRY_SCHEMA);
    else if (from < REGISTRY_SCHEMA)
        printf("brought the tables from version %lld to %d\n", (long long)from, REGISTRY_SCHEMA);
    else
        printf("the tables have version %d already\n", REGISTRY_SCHEMA);
    return 0;
}

static int registry_init(int argc, char **argv)
{
    const struct flags flags = {
        .command = "mtlsd registry init",
        .usage = REGISTRY_PLACE_USAGE,
        .about = "Creates the tables of a registry, and the file of an SQLite database. Tables of an earlier mtlsd are brought to this version.",
        .after = "Example:\n  mtlsd registry init --database sqlite:/var/lib/mtlsd/registry.db",
    };
    return registry_command(&flags, &(struct registry_action){.use = REGISTRY_STORE_CREATE, .act = init}, argc, argv);
}

/* ---- add ---- */

struct add_flags {
    struct flag_list certificates, attributes;
    const char *owner, *note, *state;
    bool key;
};

static int check_state(const char *state, struct err *err)
{
    if (strcmp(state, "active") == 0 || strcmp(state, "suspended") == 0 || strcmp(state, "revoked") == 0)
        return 0;
    return err_set(err, ERR_USAGE, "--state %s: there are active, suspended and revoked", state);
}

static int add_one(struct registry_store *s, const struct add_flags *a, const char *operand, const char *attributes, struct err *err)
{
    struct registry_subject subject;
    const struct registry_entry e = {.kind = a->key ? "key" : "certificate", .state = a->state, .owner = a->owner, .note = a->note, .attributes = attributes};
    if (registry_subject_read(operand, a->key, &subject, err) != 0 || registry_store_add(s, &subject, &e, operand, err) != 0)
        return -1;
    printf("added %s\n", subject.sha256);
    return 0;
}

static int add(struct registry_store *s, void *ctx, struct err *err)
{
    const struct add_flags *a = ctx;
    char *attributes;
    if (check_state(a->state, err) != 0 || registry_attributes(NULL, &a->attributes, &attributes, err) != 0)
        return -1;
    int rc = registry_store_begin(s, err);
    for (size_t i = 0; rc == 0 && i < a->certificates.n; i++)
        rc = add_one(s, a, a->certificates.items[i], attributes, err);
    free(attributes);
    return rc == 0 ? registry_store_commit(s, err) : -1;
}

static int registry_add(int argc, char **argv)
{
    struct add_flags a = {.state = "active"};
    const struct flag table[] = {
        {.name = "--key", .kind = FLAG_SWITCH, .target = &a.key, .help = "register the public key, so that a renewed certificate with the same key counts too"},
        {.name = "--owner", .kind = FLAG_TEXT, .target = &a.owner, .value = "TEXT", .help = "whose certificate it is"},
        {.name = "--note", .kind = FLAG_TEXT, .target = &a.note, .value = "TEXT", .help = "a note for people"},
        {.name = "--attribute", .kind = FLAG_LIST, .target = &a.attributes, .value = "NAME=VALUE", .help = "an attribute for rules and variables (may be repeated)"},
        {.name = "--state", .kind = FLAG_TEXT, .target = &a.state, .value = "STATE", .help = "active, suspended or revoked (default: active)"},
    };
    const struct flags flags = {
        .command = "mtlsd registry add",
        .usage = "CERTIFICATE... [--key] [--owner TEXT] [--note TEXT] [--attribute NAME=VALUE]... " REGISTRY_PLACE_USAGE,
        .about = "Adds certificates. CERTIFICATE is a PEM file, of which the first certificate counts, or a SHA-256 in hexadecimal, as messages have it.\n"
                 "All of them are added, or none.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .operand = "CERTIFICATE",
        .min_operands = 1,
        .max_operands = FLAGS_LIST_MAX,
        .after = "Example:\n  mtlsd registry add payments.crt --owner billing --attribute role=ops --database sqlite:registry.db",
    };
    return registry_command(&flags, &(struct registry_action){REGISTRY_STORE_WRITE, add, &a, &a.certificates}, argc, argv);
}

/* ---- list, show ---- */

struct list_flags {
    struct flag_list certificate;
    const char *state;
    bool json;
};

static void print_list(struct page *p, const json_t *list)
{
    static const struct page_column columns[] = {{"STATE", "{state}"}, {"KIND", "{kind}"}, {"OWNER", "{owner|-}"}, {"ADDED", "{added|-}"}, {"SHA-256", "{sha256}"},
                                                 {"SUBJECT", "{subject|-}"}};
    if (json_array_size(list) == 0)
        page_say(p, "no rows\n");
    page_table(p, columns, sizeof(columns) / sizeof(columns[0]));
    page_rows(p, list);
    page_table_end(p);
}

static int list(struct registry_store *s, void *ctx, struct err *err)
{
    const struct list_flags *a = ctx;
    json_t *rows;
    if (registry_store_rows(s, NULL, a->state, &rows, err) != 0)
        return -1;
    return page_show(rows, a->json, print_list) == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

static int registry_list(int argc, char **argv)
{
    struct list_flags a = {0};
    const struct flag table[] = {
        {.name = "--state", .kind = FLAG_TEXT, .target = &a.state, .value = "STATE", .help = "only active, suspended or revoked ones"},
        {.name = "--json", .kind = FLAG_SWITCH, .target = &a.json, .help = "print JSON"},
    };
    const struct flags flags = {
        .command = "mtlsd registry list",
        .usage = "[--state STATE] [--json] " REGISTRY_PLACE_USAGE,
        .about = "Lists the rows of a registry.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
    };
    return registry_command(&flags, &(struct registry_action){REGISTRY_STORE_READ, list, &a, NULL}, argc, argv);
}

/* The row of a certificate, by its own hash or its key's. *sha256 is where it was found. */
static int find(struct registry_store *s, const char *operand, char sha256[65], json_t **row, struct err *err)
{
    struct registry_subject subject;
    *row = NULL;
    for (unsigned by_key = 0; by_key < 2 && *row == NULL; by_key++) {
        json_t *rows;
        if (registry_subject_read(operand, by_key != 0, &subject, err) != 0 || registry_store_rows(s, subject.sha256, NULL, &rows, err) != 0)
            return -1;
        *row = json_incref(json_array_get(rows, 0));
        json_decref(rows);
    }
    snprintf(sha256, 65, "%s", subject.sha256);
    return *row != NULL ? 0 : err_set(err, ERR_CREDENTIAL, "%s is not in the registry: add it with mtlsd registry add", operand);
}

static void print_row(struct page *p, const json_t *row)
{
    page_put(p, row, "state:      {state}\nkind:       {kind}\nsha256:     {sha256}\n[subject:    {subject}\n][not after:  {not_after}\n][owner:      {owner}\n]"
                     "[note:       {note}\n][added:      {added}\n]");
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)document_get(row, "attributes"), name, value) {
        page_say(p, "attribute:  ");
        page_safe(p, name);
        page_say(p, " = ");
        page_safe(p, json_is_string(value) ? json_string_value(value) : "(no text)");
        page_say(p, "\n");
    }
}

static int show(struct registry_store *s, void *ctx, struct err *err)
{
    const struct list_flags *a = ctx;
    char sha256[65];
    json_t *row;
    if (find(s, a->certificate.items[0], sha256, &row, err) != 0)
        return -1;
    return page_show(row, a->json, print_row) == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

static int registry_show(int argc, char **argv)
{
    struct list_flags a = {0};
    const struct flag table[] = {{.name = "--json", .kind = FLAG_SWITCH, .target = &a.json, .help = "print JSON"}};
    const struct flags flags = {
        .command = "mtlsd registry show",
        .usage = "CERTIFICATE [--json] " REGISTRY_PLACE_USAGE,
        .about = "Shows the row of a certificate: a PEM file, or a SHA-256.",
        .table = table,
        .n = 1,
        .operand = "CERTIFICATE",
        .min_operands = 1,
        .max_operands = 1,
    };
    return registry_command(&flags, &(struct registry_action){REGISTRY_STORE_READ, show, &a, &a.certificate}, argc, argv);
}

/* ---- set, suspend, resume, revoke ---- */

struct change {
    struct flag_list certificates, attributes;
    const char *owner, *note;
    const char *state, *from; /* the new state, and those that it may come from; NULL: any */
    const char *done;
};

static int with_attributes(const json_t *row, const struct flag_list *given, char **out, struct err *err)
{
    *out = NULL;
    if (given->n == 0)
        return 0;
    const json_t *object = document_get(row, "attributes");
    char *before = json_is_object(object) ? json_dumps(object, JSON_COMPACT) : NULL;
    int rc = registry_attributes(before, given, out, err);
    free(before);
    return rc;
}

static int change_one(struct registry_store *s, const struct change *c, const char *operand, struct err *err)
{
    char sha256[65];
    json_t *row;
    char *attributes;
    bool changed = false;
    if (find(s, operand, sha256, &row, err) != 0)
        return -1;
    int rc = with_attributes(row, &c->attributes, &attributes, err);
    const struct registry_entry e = {.sha256 = sha256, .state = c->state, .owner = c->owner, .note = c->note, .attributes = attributes};
    if (rc == 0)
        rc = registry_store_update(s, &e, c->from, &changed, err);
    if (rc == 0 && !changed)
        rc = err_set(err, ERR_CREDENTIAL, "%s is %s, and cannot be %s", operand, document_string(row, "state", "gone"), c->done);
    if (rc == 0)
        printf("%s %s\n", c->done, sha256);
    free(attributes);
    json_decref(row);
    return rc;
}

static int change(struct registry_store *s, void *ctx, struct err *err)
{
    const struct change *c = ctx;
    int rc = registry_store_begin(s, err);
    for (size_t i = 0; rc == 0 && i < c->certificates.n; i++)
        rc = change_one(s, c, c->certificates.items[i], err);
    return rc == 0 ? registry_store_commit(s, err) : -1;
}

static int run_change(const struct flags *like, struct change *c, int argc, char **argv)
{
    struct flags flags = *like;
    flags.operand = "CERTIFICATE";
    flags.min_operands = 1;
    flags.max_operands = FLAGS_LIST_MAX;
    return registry_command(&flags, &(struct registry_action){REGISTRY_STORE_WRITE, change, c, &c->certificates}, argc, argv);
}

static int registry_set(int argc, char **argv)
{
    struct change c = {.done = "changed"};
    const struct flag table[] = {
        {.name = "--owner", .kind = FLAG_TEXT, .target = &c.owner, .value = "TEXT", .help = "whose certificate it is; \"\" takes it away"},
        {.name = "--note", .kind = FLAG_TEXT, .target = &c.note, .value = "TEXT", .help = "a note for people; \"\" takes it away"},
        {.name = "--attribute", .kind = FLAG_LIST, .target = &c.attributes, .value = "NAME=VALUE", .help = "an attribute (may be repeated); NAME= takes it away"},
    };
    const struct flags flags = {
        .command = "mtlsd registry set",
        .usage = "CERTIFICATE... [--owner TEXT] [--note TEXT] [--attribute NAME=VALUE]... " REGISTRY_PLACE_USAGE,
        .about = "Changes owner, note or attributes of rows. Other columns stay as they are.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
    };
    return run_change(&flags, &c, argc, argv);
}

static int change_state(const struct flags *like, struct change *c, int argc, char **argv)
{
    struct flags flags = *like;
    const struct flag table[] = {{.name = "--note", .kind = FLAG_TEXT, .target = &c->note, .value = "TEXT", .help = "why, in place of the note there was"}};
    flags.usage = "CERTIFICATE... [--note TEXT] " REGISTRY_PLACE_USAGE;
    flags.table = table;
    flags.n = 1;
    return run_change(&flags, c, argc, argv);
}

static int registry_suspend(int argc, char **argv)
{
    struct change c = {.state = "suspended", .from = "active suspended", .done = "suspended"};
    const struct flags flags = {.command = "mtlsd registry suspend",
                                .about = "Refuses certificates until they are resumed. Open connections with them end within a second."};
    return change_state(&flags, &c, argc, argv);
}

static int registry_resume(int argc, char **argv)
{
    struct change c = {.state = "active", .from = "active suspended", .done = "resumed"};
    const struct flags flags = {.command = "mtlsd registry resume", .about = "Accepts suspended certificates again. A revoked one stays revoked."};
    return change_state(&flags, &c, argc, argv);
}

static int registry_revoke(int argc, char **argv)
{
    struct change c = {.state = "revoked", .done = "revoked"};
    const struct flags flags = {.command = "mtlsd registry revoke",
                                .about = "Refuses certificates for good. Open connections with them end within a second."};
    return change_state(&flags, &c, argc, argv);
}

int cmd_registry(int argc, char **argv)
{
    static const struct command words[] = {
        {"init", registry_init, "create the tables, or bring them to this version"},
        {"add", registry_add, "add certificates"},
        {"list", registry_list, "list the rows"},
        {"show", registry_show, "show the row of a certificate"},
        {"set", registry_set, "change owner, note or attributes"},
        {"suspend", registry_suspend, "refuse certificates for a time"},
        {"resume", registry_resume, "accept suspended certificates again"},
        {"revoke", registry_revoke, "refuse certificates for good"},
        {"sessions", registry_sessions, "list connections of verified clients"},
        {"import", registry_import, "read rows from a file that export wrote"},
        {"export", registry_export, "write all rows as JSON"},
    };
    static const struct command_group group = {
        .prefix = "mtlsd registry",
        .before = "Certificates in a database, SQLite or PostgreSQL. A trust with a registry accepts only what is listed there as active. A change takes\n"
                  "effect within a second, also on open connections.",
        .after = "Start with: mtlsd registry init --database sqlite:registry.db",
        .table = words,
        .n = sizeof(words) / sizeof(words[0]),
    };
    return command_dispatch(&group, argc, argv);
}
