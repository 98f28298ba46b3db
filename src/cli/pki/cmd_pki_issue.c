/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "mtlsd/base/text.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/file.h"
#include "pki.h"
#include "registry/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct issue_flags {
    const char *dir, *name, *cn, *ou, *o, *bad;
    bool client, server, force;
    struct flag_list sans;
    struct pki_san names; /* those of sans */
    uint64_t days;
    const char *registry, *config, *owner, *note;
    struct flag_list attributes;
};

static int read_bad(const char *word, enum tls_pki_bad *bad, struct err *err)
{
    const char *words[TLS_PKI_BAD_COUNT];
    char all[256] = "";
    if (word == NULL) {
        *bad = TLS_PKI_GOOD;
        return 0;
    }
    *bad = tls_pki_bad_find(word);
    if (*bad < TLS_PKI_BAD_COUNT)
        return 0;
    size_t at = 0;
    for (enum tls_pki_bad i = TLS_PKI_GOOD; i < TLS_PKI_BAD_COUNT; i++) {
        words[i] = tls_pki_bad_word(i);
        int n = snprintf(all + at, sizeof(all) - at, "%s%s", i > 0 ? ", " : "", words[i]);
        at += n > 0 && (size_t)n < sizeof(all) - at ? (size_t)n : 0;
    }
    const char *near = text_suggest(word, words, TLS_PKI_BAD_COUNT);
    if (near != NULL)
        return err_set(err, ERR_USAGE, "--bad %s: no such kind, did you mean %s? (%s)", word, near, all);
    return err_set(err, ERR_USAGE, "--bad %s: no such kind; there are %s", word, all);
}

static int check_issue(const struct issue_flags *a, enum tls_pki_bad bad, struct err *err)
{
    if (pki_index_check_name(a->name, err) != 0)
        return -1;
    if (!a->client && !a->server)
        return err_set(err, ERR_USAGE, "give --client, --server or both");
    if (a->server && a->sans.n == 0 && bad != TLS_PKI_NO_SAN)
        return err_set(err, ERR_USAGE,
                       "a server certificate needs names, as in --san dns:localhost --san ip:127.0.0.1 (clients do not check the CN)");
    return pki_folder_check_days(a->days, err);
}

static int refuse_overwriting(const struct issue_flags *a, struct err *err)
{
    static const char *const names[] = {".pem", ".crt", ".key"};
    char path[PKI_PATH_MAX];
    for (size_t i = 0; i < 3 && !a->force; i++) {
        if (pki_folder_path(a->dir, a->name, names[i], path, err) != 0)
            return -1;
        if (file_exists(path))
            return err_set(err, ERR_CREDENTIAL, "%s: exists already; --force replaces it", path);
    }
    return 0;
}

/* ---- the files: all of them, or those that were there before ---- */

static const char *const suffixes[] = {".key", ".crt", ".pem"};
enum { FILES = 3 };

struct earlier {
    struct bytes content[FILES];
    bool existed[FILES];
};

static int keep_earlier(const struct issue_flags *a, struct earlier *e, struct err *err)
{
    char path[PKI_PATH_MAX];
    *e = (struct earlier){0};
    for (size_t i = 0; i < FILES; i++) {
        if (pki_folder_path(a->dir, a->name, suffixes[i], path, err) != 0)
            return -1;
        e->existed[i] = file_exists(path);
        if (e->existed[i] && file_read(path, &e->content[i], NULL, err) != 0)
            return -1;
    }
    return 0;
}

/* Says what cannot be undone, beside what went wrong first. */
static void complain_of(const struct err *err, int rc)
{
    if (rc != 0)
        fprintf(stderr, "mtlsd: %s\n", err->text);
}

static void put_back(const struct issue_flags *a, const struct earlier *e)
{
    char path[PKI_PATH_MAX];
    struct err err = {0};
    for (size_t i = 0; i < FILES; i++)
        if (e->existed[i])
            complain_of(&err, pki_folder_put(a->dir, a->name, suffixes[i], bytes_span(&e->content[i]), i != 1, &err));
        else if (pki_folder_path(a->dir, a->name, suffixes[i], path, &err) == 0)
            file_remove(path);
}

static void clear_earlier(struct earlier *e)
{
    for (size_t i = 0; i < FILES; i++)
        bytes_wipe(&e->content[i]);
}

static int write_pair(const struct issue_flags *a, const struct tls_pki_pair *pair, struct err *err)
{
    if (pki_folder_put(a->dir, a->name, ".key", bytes_span(&pair->key), true, err) != 0 ||
        pki_folder_put(a->dir, a->name, ".crt", bytes_span(&pair->certificate), false, err) != 0)
        return -1;
    return pki_folder_put_bundle(a->dir, a->name, pair, err);
}

static struct tls_pki_order order_of(const struct issue_flags *a, enum tls_pki_bad bad)
{
    int64_t now = clock_now();
    return (struct tls_pki_order){
        .cn = a->cn != NULL ? a->cn : a->name,
        .ou = a->ou,
        .o = a->o,
        .sans = a->names.names.items,
        .n_sans = a->names.names.n,
        .purpose = a->client ? TLS_PURPOSE_CLIENT : TLS_PURPOSE_SERVER,
        .both_purposes = a->client && a->server,
        .not_before = now - PKI_BACKDATED,
        .not_after = now + (int64_t)a->days * PKI_DAY,
        .bad = bad,
    };
}

/* ---- the row ---- */

static bool names_a_database(const char *text)
{
    return strncmp(text, "sqlite:", 7) == 0 || strstr(text, "://") != NULL;
}

/* The row is written, but counts only when registry_store_commit follows. */
static int add_row(const struct issue_flags *a, const struct tls_pki_pair *pair, struct registry_store *s, struct err *err)
{
    struct registry_subject subject;
    char *attributes;
    if (registry_subject_of(bytes_span(&pair->certificate), a->name, &subject, err) != 0 || registry_attributes(NULL, &a->attributes, &attributes, err) != 0)
        return -1;
    const struct registry_entry e = {.kind = "certificate", .state = "active", .owner = a->owner, .note = a->note, .attributes = attributes};
    int rc = registry_store_begin(s, err) == 0 ? registry_store_add(s, &subject, &e, a->name, err) : -1;
    free(attributes);
    return rc;
}

static int open_registry(const struct issue_flags *a, struct registry_store *s, struct err *err)
{
    struct registry_place place = {.config = a->config};
    *(names_a_database(a->registry) ? &place.database : &place.name) = a->registry;
    return registry_store_open(s, &place, REGISTRY_STORE_WRITE, err);
}

static int check_registry(const struct issue_flags *a, struct err *err)
{
    bool told = a->owner != NULL || a->note != NULL || a->attributes.n > 0 || a->config != NULL;
    return a->registry != NULL || !told ? 0 : err_set(err, ERR_USAGE, "--owner, --note, --attribute and --config are for the row of a registry: add --registry");
}

/* ---- the certificate ---- */

/* Without a registry, files that could be written stay, as those of any command. With one, there are all of them and the row, or nothing new. */
static int write_all(struct pki_folder *f, const struct issue_flags *a, const struct tls_pki_pair *pair, struct registry_store *s, struct err *err)
{
    struct earlier earlier;
    if (s == NULL)
        return write_pair(a, pair, err);
    int rc = keep_earlier(a, &earlier, err);
    if (rc == 0 && (write_pair(a, pair, err) != 0 || registry_store_commit(s, err) != 0)) {
        put_back(a, &earlier);
        rc = -1;
    }
    clear_earlier(&earlier);
    if (rc != 0) {
        struct err why = {0};
        f->index.n--; /* its number stays spent */
        complain_of(&why, pki_folder_save_index(f, &why));
    }
    return rc;
}

static int issue_in(struct pki_folder *f, const struct issue_flags *a, enum tls_pki_bad bad, struct registry_store *s, struct err *err)
{
    struct tls_pki_order order = order_of(a, bad);
    struct pki_entry entry = {0};
    int64_t not_before;
    tls_pki_dates(&order, &not_before, &entry.not_after);
    snprintf(entry.purpose, sizeof(entry.purpose), "%s", order.both_purposes ? "both" : a->client ? "client" : "server");
    snprintf(entry.kind, sizeof(entry.kind), "%s", tls_pki_bad_word(bad));
    snprintf(entry.name, sizeof(entry.name), "%s", a->name);
    const struct pki_entry *added = pki_index_add(&f->index, &entry);
    if (added == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    struct tls_pki_pair pair;
    int rc = tls_pki_issue(bytes_span(&f->ca_cert), bytes_span(&f->ca_key), &order, added->serial, &pair, err);
    if (rc == 0 && s != NULL)
        rc = add_row(a, &pair, s, err);
    /* the serial number is spent before the certificate exists anywhere: it can never be issued twice */
    if (rc == 0)
        rc = pki_folder_save_index(f, err);
    if (rc == 0)
        rc = write_all(f, a, &pair, s, err);
    tls_pki_pair_clear(&pair);
    return rc;
}

static int issue(struct issue_flags *a, struct err *err)
{
    enum tls_pki_bad bad;
    struct pki_folder f;
    struct registry_store s;
    if (read_bad(a->bad, &bad, err) != 0 || check_issue(a, bad, err) != 0 || check_registry(a, err) != 0 || pki_san_read(&a->sans, &a->names, err) != 0 || pki_folder_open(&f, a->dir, err) != 0)
        return -1;
    int rc = refuse_overwriting(a, err);
    if (rc == 0 && a->registry == NULL) {
        rc = issue_in(&f, a, bad, NULL, err);
    } else if (rc == 0 && (rc = open_registry(a, &s, err)) == 0) {
        rc = issue_in(&f, a, bad, &s, err);
        registry_store_close(&s);
    }
    pki_folder_close(&f);
    return rc;
}

int pki_issue(int argc, char **argv)
{
    struct issue_flags a = {.dir = "pki", .days = 365};
    const struct flag table[] = {
        pki_flag_dir(&a.dir),
        {.name = "--client", .kind = FLAG_SWITCH, .target = &a.client, .help = "issue a client certificate"},
        {.name = "--server", .kind = FLAG_SWITCH, .target = &a.server, .help = "issue a server certificate; needs at least one --san"},
        pki_flag_san(&a.sans),
        pki_flag_cn(&a.cn),
        pki_flag_ou(&a.ou),
        pki_flag_o(&a.o),
        pki_flag_days(&a.days),
        {.name = "--bad", .kind = FLAG_TEXT, .target = &a.bad, .value = "KIND",
         .help = "issue a bad certificate, for tests: expired, not-yet-valid, wrong-purpose,\nno-purpose, any-purpose, self-signed, unknown-ca, weak, "
                 "sha1, no-san, is-ca"},
        {.name = "--force", .kind = FLAG_SWITCH, .target = &a.force, .help = "replace the files of an earlier certificate with this name"},
        {.name = "--registry", .kind = FLAG_TEXT, .target = &a.registry, .value = "DATABASE",
         .help = "add the certificate to this registry too: sqlite:FILE, a URI of PostgreSQL,\nor the name of a registry in the configuration"},
        {.name = "--config", .brief = "-c", .kind = FLAG_TEXT, .target = &a.config, .value = "FILE",
         .help = "configuration that names the registry (default: " COMMAND_CONFIG_PATH ")"},
        {.name = "--owner", .kind = FLAG_TEXT, .target = &a.owner, .value = "TEXT", .help = "whose certificate it is, for the registry"},
        {.name = "--note", .kind = FLAG_TEXT, .target = &a.note, .value = "TEXT", .help = "a note for people, for the registry"},
        {.name = "--attribute", .kind = FLAG_LIST, .target = &a.attributes, .value = "NAME=VALUE", .help = "an attribute, for the registry (may be repeated)"},
    };
    const struct flags flags = {
        .command = "mtlsd pki issue",
        .usage = "NAME --client|--server [--san NAME]... [--dir FOLDER] [--days N] [--bad KIND] [--force] [--registry DATABASE]",
        .about = "Issues a certificate. NAME.pem has certificate and key, for the bundle of an identity; NAME.crt and NAME.key have\n"
                 "them in separate files. With --registry the certificate is also listed as active; if that fails, no file changes.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .operand = "NAME",
        .after = "Examples:\n  mtlsd pki issue payments --client --ou billing\n"
                 "  mtlsd pki issue web --server --san localhost,127.0.0.1\n"
                 "  mtlsd pki issue payments --client --registry sqlite:registry.db --owner billing",
    };
    struct err err = {0};
    int code;
    if (!flags_read_one(&flags, argc, argv, &a.name, &code))
        return code;
    int rc = issue(&a, &err);
    pki_san_clear(&a.names);
    if (rc != 0)
        return command_fail_err(&err);
    printf("made %s/%s.pem (bundle), %s.crt, %s.key%s%s%s\n", a.dir, a.name, a.name, a.name, a.registry != NULL ? ", and a row of the registry" : "",
           a.bad != NULL ? ", bad on purpose: " : "", a.bad != NULL ? a.bad : "");
    return COMMAND_FINE;
}
