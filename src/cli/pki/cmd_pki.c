/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "page.h"
#include "flags.h"
#include "mtlsd/base/hostname.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/file.h"
#include "mtlsd/tls/tls_pki.h"
#include "pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* init */

struct init_flags {
    const char *dir, *cn;
    uint64_t days;
    struct flag_list only;
    bool force;
};

/* As constraints: one label deep or deeper, without a star. */
static int check_only(const struct flag_list *only, struct err *err)
{
    for (size_t i = 0; i < only->n; i++)
        if (!hostname_is_well_formed(span_from_str(only->items[i])) || strchr(only->items[i], '*') != NULL || strspn(only->items[i], "0123456789.:") == strlen(only->items[i]))
            return err_set(err, ERR_USAGE, "--only %s: write a host name, as in api.partner.example; names below it are included", only->items[i]);
    return 0;
}

static int make_ca(const struct init_flags *a, struct err *err)
{
    struct pki_folder f = {.path = a->dir, .lock = -1};
    struct tls_pki_pair ca = {0};
    int64_t now = clock_now();
    char path[PKI_PATH_MAX];
    int rc = -1;
    const struct tls_pki_ca order = {a->cn, a->only.items, a->only.n, now - PKI_BACKDATED, now + (int64_t)a->days * PKI_DAY};
    pki_index_init(&f.index);
    if (check_only(&a->only, err) != 0 || pki_folder_check_days(a->days, err) != 0 || file_make_folder(a->dir, 0755, err) != 0 || (f.lock = file_lock(a->dir, err)) < 0)
        goto done;
    if (pki_folder_path(a->dir, "ca", ".pem", path, err) != 0)
        goto done;
    if (!a->force && file_exists(path)) {
        err_set(err, ERR_CREDENTIAL, "%s: a CA exists already; --force replaces it", path);
        goto done;
    }
    if (tls_pki_make_ca(&order, &ca, err) != 0 ||
        pki_folder_put(a->dir, "ca", ".key", bytes_span(&ca.key), true, err) != 0 ||
        pki_folder_put(a->dir, "ca", ".pem", bytes_span(&ca.certificate), false, err) != 0)
        goto done;
    bytes_take(&ca.certificate, &f.ca_cert);
    bytes_take(&ca.key, &f.ca_key);
    rc = pki_folder_write_crl(&f, now - PKI_BACKDATED, now + 30 * PKI_DAY, err);
done:
    tls_pki_pair_clear(&ca);
    pki_folder_close(&f);
    return rc;
}

static int pki_init(int argc, char **argv)
{
    struct init_flags a = {.dir = "pki", .cn = "mtlsd development CA", .days = 3650};
    const struct flag table[] = {
        pki_flag_dir(&a.dir),
        {.name = "--cn", .kind = FLAG_TEXT, .target = &a.cn, .value = "NAME", .help = "common name of the CA (default: mtlsd development CA)"},
        {.name = "--days", .kind = FLAG_NUMBER, .target = &a.days, .value = "N", .help = "days until it expires (default: 3650)"},
        {.name = "--only", .kind = FLAG_LIST, .target = &a.only, .value = "HOST",
         .help = "host that the CA may issue certificates for, and names below it (may\nbe repeated; default: any host). Needed for forward_proxy.intercept"},
        {.name = "--force", .kind = FLAG_SWITCH, .target = &a.force, .help = "replace an existing CA"},
    };
    const struct flags flags = {
        .command = "mtlsd pki init",
        .usage = "[--dir FOLDER] [--cn NAME] [--days N] [--only HOST]... [--force]",
        .about = "Creates a CA for development. ca.pem is the CA certificate for the peers that verify, and ca.key its private key.\n"
                 "crl.pem is an empty revocation list, valid for 30 days, and index.txt the list of issued certificates.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
    };
    struct err err = {0};
    int code;
    if (!flags_read(&flags, argc, argv, NULL, &code))
        return code;
    if (make_ca(&a, &err) != 0)
        return command_fail_err(&err);
    printf("made %s/ca.pem, ca.key, crl.pem\nnext: mtlsd pki issue NAME --client --dir %s\n", a.dir, a.dir);
    return COMMAND_FINE;
}

/* Opens the CA, does one thing with it, and closes it. Gives an exit code. */
static int in_folder(const char *dir, int (*act)(struct pki_folder *f, const void *ctx, struct err *err), const void *ctx)
{
    struct err err = {0};
    struct pki_folder f;
    if (pki_folder_open(&f, dir, &err) != 0)
        return command_fail_err(&err);
    int rc = act(&f, ctx, &err);
    pki_folder_close(&f);
    return rc == 0 ? COMMAND_FINE : command_fail_err(&err);
}

/* revoke */

static int revoke(struct pki_folder *f, const void *ctx, struct err *err)
{
    const struct flag_list *names = ctx;
    int64_t now = clock_now();
    for (size_t i = 0; i < names->n; i++) {
        bool known;
        if (pki_index_revoke(&f->index, names->items[i], now, &known) > 0)
            continue;
        return known ? err_set(err, ERR_CREDENTIAL, "%s: is revoked already", names->items[i])
                     : err_set(err, ERR_CREDENTIAL, "%s: this CA did not issue it; \"mtlsd pki show --dir %s\" lists its certificates",
                               names->items[i], f->path);
    }
    if (pki_folder_write_crl(f, now, now + 30 * PKI_DAY, err) != 0)
        return -1;
    printf("revoked; wrote %s/crl.pem\n", f->path);
    return 0;
}

static int pki_revoke(int argc, char **argv)
{
    const char *dir = "pki";
    const struct flag table[] = {pki_flag_dir(&dir)};
    const struct flags flags = {
        .command = "mtlsd pki revoke",
        .usage = "NAME... [--dir FOLDER]",
        .about = "Revokes every certificate issued under a name and writes a new crl.pem, valid for 30 days. The revocation takes\n"
                 "effect where that file is loaded.",
        .table = table,
        .n = 1,
        .operand = "NAME",
        .min_operands = 1,
        .max_operands = FLAGS_LIST_MAX,
    };
    struct flag_list names = {.n = 0};
    int code;
    return flags_read(&flags, argc, argv, &names, &code) ? in_folder(dir, revoke, &names) : code;
}

/* crl */

struct crl_flags {
    uint64_t days;
    bool stale;
};

static int write_crl(struct pki_folder *f, const void *ctx, struct err *err)
{
    const struct crl_flags *a = ctx;
    int64_t now = clock_now();
    if (pki_folder_check_days(a->days, err) != 0 ||
        (a->stale ? pki_folder_write_crl(f, now - 31 * PKI_DAY, now - PKI_DAY, err) : pki_folder_write_crl(f, now, now + (int64_t)a->days * PKI_DAY, err)) != 0)
        return -1;
    printf("wrote %s/crl.pem\n", f->path);
    return 0;
}

static int pki_crl(int argc, char **argv)
{
    const char *dir = "pki";
    struct crl_flags a = {.days = 30};
    const struct flag table[] = {
        pki_flag_dir(&dir),
        {.name = "--days", .kind = FLAG_NUMBER, .target = &a.days, .value = "N", .help = "days until the next list is due (default: 30)"},
        {.name = "--stale", .kind = FLAG_SWITCH, .target = &a.stale, .help = "write an outdated list, for tests: the next one was due yesterday"},
    };
    const struct flags flags = {
        .command = "mtlsd pki crl",
        .usage = "[--dir FOLDER] [--days N] [--stale]",
        .about = "Writes a new revocation list crl.pem.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
    };
    int code;
    return flags_read(&flags, argc, argv, NULL, &code) ? in_folder(dir, write_crl, &a) : code;
}

/* show */

static void print_index(struct page *p, const json_t *list)
{
    page_say(p, "SERIAL     PURPOSE  KIND           NOT AFTER              REVOKED                NAME\n");
    page_each(p, list, "{serial:10} {purpose:8} {kind:14} {not_after:utc22} {revoked_at:due22} {name}\n");
}

static int show(struct pki_folder *f, const void *ctx, struct err *err)
{
    const bool *as_json = ctx;
    json_t *list = json_array();
    for (size_t i = 0; i < f->index.n; i++) {
        const struct pki_entry *e = &f->index.items[i];
        char serial[17];
        snprintf(serial, sizeof(serial), "%llx", (unsigned long long)e->serial);
        list = document_append(list, document_object("name:t serial:t purpose:t kind:t not_after:I revoked_at:I", e->name, serial, e->purpose, e->kind,
                                                     e->not_after, e->revoked_at));
    }
    return page_show(list, *as_json, print_index) == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

static int pki_show(int argc, char **argv)
{
    const char *dir = "pki";
    bool json = false;
    const struct flag table[] = {pki_flag_dir(&dir),
                                 {.name = "--json", .kind = FLAG_SWITCH, .target = &json, .help = "print JSON, with times in seconds since 1970"}};
    const struct flags flags = {
        .command = "mtlsd pki show",
        .usage = "[--dir FOLDER] [--json]",
        .about = "Lists issued and revoked certificates of this CA.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
    };
    int code;
    return flags_read(&flags, argc, argv, NULL, &code) ? in_folder(dir, show, &json) : code;
}

int cmd_pki(int argc, char **argv)
{
    static const struct command words[] = {
        {"init", pki_init, "create a CA in a folder"},
        {"issue", pki_issue, "issue a certificate for a client or a server"},
        {"request", pki_request, "create a private key and a certificate request for any CA"},
        {"sign", pki_sign, "sign a certificate request with this CA"},
        {"export", pki_export, "write key and certificates as PKCS#12, for browsers and Java"},
        {"revoke", pki_revoke, "revoke certificates and write a new revocation list"},
        {"crl", pki_crl, "write a new revocation list"},
        {"show", pki_show, "list issued certificates"},
    };
    static const struct command_group group = {
        .prefix = "mtlsd pki",
        .before = "A small CA in a folder, for development and tests only: its key is stored beside its certificates.",
        .after = "Start with: mtlsd pki init --dir pki",
        .table = words,
        .n = sizeof(words) / sizeof(words[0]),
    };
    return command_dispatch(&group, argc, argv);
}
