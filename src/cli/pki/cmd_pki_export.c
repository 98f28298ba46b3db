/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "load.h"
#include "mtlsd/io/file.h"
#include "mtlsd/tls/tls_pkcs12.h"
#include "pki.h"

#include <stdio.h>
#include <string.h>

struct export_flags {
    const char *dir, *name, *out, *passphrase_file;
    bool new_passphrase;
};

/* The files to read, with the names for messages. */
struct export_files {
    char key_path[PKI_PATH_MAX], certificate_path[PKI_PATH_MAX], ca_path[PKI_PATH_MAX];
    struct bytes key, certificate, ca;
};

static void clear(struct export_files *f)
{
    bytes_wipe(&f->key);
    bytes_clear(&f->certificate);
    bytes_clear(&f->ca);
}

static int read_files(const struct export_flags *a, struct export_files *f, struct err *err)
{
    struct file_facts facts = {0};
    if (pki_folder_path(a->dir, a->name, ".key", f->key_path, err) != 0 || pki_folder_path(a->dir, a->name, ".crt", f->certificate_path, err) != 0 ||
        pki_folder_path(a->dir, "ca", ".pem", f->ca_path, err) != 0)
        return -1;
    if (!file_exists(f->key_path))
        return err_set(err, ERR_CREDENTIAL, "%s: there is no such key: give with --dir the folder that has NAME.key and NAME.crt", f->key_path);
    if (file_read(f->key_path, &f->key, &facts, err) != 0 || load_check_file(f->key_path, FILE_USE_KEY, &facts.access, NULL, err) != 0 ||
        file_read(f->certificate_path, &f->certificate, NULL, err) != 0)
        return -1;
    return file_exists(f->ca_path) ? file_read(f->ca_path, &f->ca, NULL, err) : 0;
}

static int read_passphrase(const char *path, char out[TLS_PKCS12_PASSPHRASE], struct err *err)
{
    struct bytes text;
    struct file_facts facts = {0};
    enum finding_level level;
    if (file_read(path, &text, &facts, err) != 0)
        return -1;
    const struct tls_file file = {path, bytes_span(&text)};
    int rc = facts.is_folder ? err_set(err, ERR_CREDENTIAL, "%s: is a folder: give a file with the passphrase", path)
             : file_access_judge(&facts.access, FILE_USE_KEY, &level) && level == FINDING_ERROR
                 ? err_set(err, ERR_CREDENTIAL, "%s: other users can read or change the passphrase (mode %04o): run chmod 600 %s", path, facts.access.mode, path)
                 : tls_pkcs12_read_passphrase(&file, out, err);
    bytes_wipe(&text);
    return rc;
}

static int write_p12(const struct export_flags *a, const struct export_files *f, const char *out_path, const char *passphrase, struct err *err)
{
    const struct tls_pkcs12_order order = {
        .name = a->name,
        .key = {f->key_path, bytes_span(&f->key)},
        .certificate = {f->certificate_path, bytes_span(&f->certificate)},
        .ca = {f->ca_path, bytes_span(&f->ca)},
        .passphrase = passphrase,
    };
    struct bytes p12;
    if (tls_pkcs12_new(&order, &p12, err) != 0)
        return -1;
    int rc = file_write(out_path, bytes_span(&p12), 0600, false, err);
    bytes_clear(&p12);
    return rc;
}

static int check_export(const struct export_flags *a, char path[PKI_PATH_MAX], struct err *err)
{
    if (pki_index_check_name(a->name, err) != 0)
        return -1;
    if ((a->passphrase_file != NULL) == a->new_passphrase)
        return err_set(err, ERR_USAGE, "give --passphrase-file FILE or --new-passphrase, and not both");
    if (a->out == NULL ? pki_folder_path(a->dir, a->name, ".p12", path, err) != 0 : snprintf(path, PKI_PATH_MAX, "%s", a->out) >= PKI_PATH_MAX)
        return err_set(err, ERR_USAGE, "--out is too long");
    if (!file_exists(path))
        return 0;
    return err_set(err, ERR_CREDENTIAL, "%s: exists already and is never replaced: choose another file with --out, or move it away", path);
}

static int export(const struct export_flags *a, struct err *err)
{
    char path[PKI_PATH_MAX], passphrase[TLS_PKCS12_PASSPHRASE] = "";
    struct export_files f = {.key = {0}};
    if (check_export(a, path, err) != 0)
        return -1;
    int rc = a->new_passphrase ? tls_pkcs12_new_passphrase(passphrase, err) : read_passphrase(a->passphrase_file, passphrase, err);
    if (rc == 0)
        rc = read_files(a, &f, err);
    if (rc == 0)
        rc = write_p12(a, &f, path, passphrase, err);
    if (rc == 0) {
        printf("made %s\n", path);
        if (a->new_passphrase)
            printf("passphrase: %s\n", passphrase);
    }
    clear(&f);
    explicit_bzero(passphrase, sizeof(passphrase));
    return rc;
}

int pki_export(int argc, char **argv)
{
    struct export_flags a = {.dir = "pki"};
    const struct flag table[] = {
        pki_flag_dir(&a.dir),
        {.name = "--out", .kind = FLAG_TEXT, .target = &a.out, .value = "FILE.p12", .help = "file to write (default: NAME.p12 in the folder)"},
        {.name = "--passphrase-file", .kind = FLAG_TEXT, .target = &a.passphrase_file, .value = "FILE",
         .help = "read the passphrase from this file: one line, at least 8 characters of ASCII"},
        {.name = "--new-passphrase", .kind = FLAG_SWITCH, .target = &a.new_passphrase, .help = "make up a passphrase and print it, this once"},
    };
    const struct flags flags = {
        .command = "mtlsd pki export",
        .usage = "NAME --passphrase-file FILE|--new-passphrase [--out FILE.p12] [--dir FOLDER]",
        .about = "Writes NAME.key, NAME.crt and the certificate of their CA to one PKCS#12 file, for browsers, Java and Windows. The file\n"
                 "is encrypted (AES-256), and readable by its owner only. A file that exists is never replaced.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .operand = "NAME",
        .after = "Example:\n  mtlsd pki export alice --new-passphrase",
    };
    struct err err = {0};
    int code;
    if (!flags_read_one(&flags, argc, argv, &a.name, &code))
        return code;
    return export(&a, &err) == 0 ? COMMAND_FINE : command_fail_err(&err);
}
