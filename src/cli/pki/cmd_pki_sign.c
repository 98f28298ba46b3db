/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/file.h"
#include "mtlsd/tls/tls_csr.h"
#include "pki.h"

#include <stdio.h>
#include <string.h>

struct sign_flags {
    const char *dir, *file, *name;
    char stem[PKI_NAME_MAX + 1]; /* of file, where no name is given */
    bool client, server, force;
    struct flag_list sans;
    struct pki_san names; /* those of sans */
    uint64_t days;
};

/* The name of the file without its folder and without .csr, .req or .pem. */
static int name_from_file(struct sign_flags *a, struct err *err)
{
    static const char *const suffixes[] = {".csr", ".req", ".pem"};
    const char *slash = strrchr(a->file, '/'), *base = slash != NULL ? slash + 1 : a->file;
    size_t n = strlen(base);
    if (a->name != NULL)
        return pki_index_check_name(a->name, err);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (n > 4 && strcmp(base + n - 4, suffixes[i]) == 0) {
            n -= 4;
            break;
        }
    snprintf(a->stem, sizeof(a->stem), "%.*s", (int)(n < sizeof(a->stem) ? n : 0), base);
    a->name = a->stem;
    if (pki_index_name_is_fit(a->name))
        return 0;
    return err_set(err, ERR_USAGE, "%s: the name of this file cannot be the name of the certificate: give --name with letters, digits, '.', '_' and '-'", a->file);
}

static struct tls_csr *read_request(const char *file, struct err *err)
{
    struct bytes text;
    if (file_read(file, &text, NULL, err) != 0)
        return NULL;
    struct tls_csr *csr = tls_csr_read(file, bytes_span(&text), err);
    bytes_wipe(&text); /* it may be a key by mistake */
    return csr;
}

/* The request answers what the flags leave open. */
static int settle(struct sign_flags *a, struct tls_csr *csr, struct err *err)
{
    if (!a->client && !a->server) {
        a->client = tls_csr_purpose(csr) == TLS_CSR_CLIENT;
        a->server = tls_csr_purpose(csr) == TLS_CSR_SERVER;
    }
    if (!a->client && !a->server)
        return err_set(err, ERR_USAGE, "%s: the request does not name one purpose: give --client, --server or both", a->file);
    if (a->names.names.n > 0)
        return 0;
    if (tls_csr_read_names(csr, err) != 0)
        return -1;
    if (a->server && tls_csr_count_names(csr) == 0)
        return err_set(err, ERR_CREDENTIAL, "%s: the request has no subjectAltName, and clients do not check the CN of a server: give --san dns:HOST", a->file);
    return 0;
}

static int refuse_overwriting(const struct sign_flags *a, struct err *err)
{
    char path[PKI_PATH_MAX];
    if (pki_folder_path(a->dir, a->name, ".crt", path, err) != 0)
        return -1;
    return a->force || !file_exists(path) ? 0 : err_set(err, ERR_CREDENTIAL, "%s: exists already; --force replaces it, --name gives another name", path);
}

static int sign_in(struct pki_folder *f, const struct sign_flags *a, const struct tls_csr *csr, struct err *err)
{
    int64_t now = clock_now();
    struct pki_entry entry = {.not_after = now + (int64_t)a->days * PKI_DAY};
    snprintf(entry.purpose, sizeof(entry.purpose), "%s", a->client && a->server ? "both" : a->client ? "client" : "server");
    snprintf(entry.kind, sizeof(entry.kind), "%s", tls_pki_bad_word(TLS_PKI_GOOD));
    snprintf(entry.name, sizeof(entry.name), "%s", a->name);
    const struct pki_entry *added = pki_index_add(&f->index, &entry);
    if (added == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    const struct tls_csr_grant grant = {
        .sans = a->names.names.items,
        .n_sans = a->names.names.n,
        .client = a->client,
        .server = a->server,
        .not_before = now - PKI_BACKDATED,
        .not_after = entry.not_after,
        .serial = added->serial,
    };
    struct bytes certificate;
    int rc = tls_csr_sign(csr, bytes_span(&f->ca_cert), bytes_span(&f->ca_key), &grant, &certificate, err);
    /* as in pki issue: the serial number is spent before the certificate exists anywhere */
    if (rc == 0)
        rc = pki_folder_save_index(f, err);
    if (rc == 0)
        rc = pki_folder_put(a->dir, a->name, ".crt", bytes_span(&certificate), false, err);
    bytes_clear(&certificate);
    return rc;
}

static int sign_request(struct sign_flags *a, struct tls_csr *csr, struct err *err)
{
    struct pki_folder f;
    if (settle(a, csr, err) != 0 || pki_folder_open(&f, a->dir, err) != 0)
        return -1;
    int rc = refuse_overwriting(a, err);
    if (rc == 0)
        rc = sign_in(&f, a, csr, err);
    pki_folder_close(&f);
    return rc;
}

static int sign(struct sign_flags *a, struct err *err)
{
    if (pki_folder_check_days(a->days, err) != 0 || name_from_file(a, err) != 0 || pki_san_read(&a->sans, &a->names, err) != 0)
        return -1;
    struct tls_csr *csr = read_request(a->file, err);
    int rc = csr != NULL ? sign_request(a, csr, err) : -1;
    tls_csr_free(csr);
    return rc;
}

int pki_sign(int argc, char **argv)
{
    struct sign_flags a = {.dir = "pki", .days = 365};
    const struct flag table[] = {
        pki_flag_dir(&a.dir),
        {.name = "--client", .kind = FLAG_SWITCH, .target = &a.client, .help = "issue a client certificate"},
        {.name = "--server", .kind = FLAG_SWITCH, .target = &a.server, .help = "issue a server certificate; needs a subjectAltName"},
        {.name = "--san", .kind = FLAG_LIST, .target = &a.sans, .value = "NAME", .help = "alternative names instead of those of the request, as for pki issue"},
        pki_flag_days(&a.days),
        {.name = "--name", .kind = FLAG_TEXT, .target = &a.name, .value = "NAME", .help = "name of the certificate (default: that of the file)"},
        {.name = "--force", .kind = FLAG_SWITCH, .target = &a.force, .help = "replace the file of an earlier certificate with this name"},
    };
    const struct flags flags = {
        .command = "mtlsd pki sign",
        .usage = "FILE.csr [--client] [--server] [--san NAME]... [--dir FOLDER] [--days N] [--name NAME] [--force]",
        .about = "Signs a certificate request (PKCS#10 in PEM) and writes the certificate as NAME.crt in the folder of the CA.\n"
                 "Takes subject, key and names from the request, and no other extension. Without --client and --server, a request must\n"
                 "name one purpose in its extendedKeyUsage.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .operand = "FILE.csr",
        .after = "Examples:\n  mtlsd pki sign payments.csr --client\n"
                 "  mtlsd pki sign web.csr --server --san web.example,192.0.2.1 --days 90",
    };
    struct err err = {0};
    int code;
    if (!flags_read_one(&flags, argc, argv, &a.file, &code))
        return code;
    int rc = sign(&a, &err);
    pki_san_clear(&a.names);
    if (rc != 0)
        return command_fail_err(&err);
    printf("made %s/%s.crt\n", a.dir, a.name);
    return COMMAND_FINE;
}
