/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "mtlsd/io/file.h"
#include "mtlsd/tls/tls_request.h"
#include "pki.h"

#include <stdio.h>
#include <string.h>

struct request_flags {
    const char *out, *name, *cn, *ou, *o, *key_type;
    bool client, server, rsa;
    struct flag_list sans;
    struct pki_san names; /* those of sans */
};

static int check_request(struct request_flags *a, struct err *err)
{
    if (pki_index_check_name(a->name, err) != 0)
        return -1;
    a->rsa = strcmp(a->key_type, "rsa") == 0;
    if (!a->rsa && strcmp(a->key_type, "ecdsa") != 0)
        return err_set(err, ERR_USAGE, "--key-type is ecdsa or rsa, not \"%.100s\"", a->key_type);
    if (a->server && a->sans.n == 0)
        return err_set(err, ERR_USAGE, "a server certificate needs names, as in --san dns:localhost --san ip:127.0.0.1 (clients do not check the CN)");
    return 0;
}

static int refuse_overwriting(const struct request_flags *a, struct err *err)
{
    static const char *const suffixes[] = {".key", ".csr"};
    char path[PKI_PATH_MAX];
    for (size_t i = 0; i < 2; i++) {
        if (pki_folder_path(a->out, a->name, suffixes[i], path, err) != 0)
            return -1;
        if (file_exists(path))
            return err_set(err, ERR_CREDENTIAL, "%s: exists already and is never replaced: choose another NAME or --out, or move the file away", path);
    }
    return 0;
}

static int put_new(const struct request_flags *a, const char *suffix, const struct bytes *content, unsigned mode, struct err *err)
{
    char path[PKI_PATH_MAX];
    if (pki_folder_path(a->out, a->name, suffix, path, err) != 0)
        return -1;
    return file_write(path, bytes_span(content), mode, false, err);
}

static int request(struct request_flags *a, struct err *err)
{
    struct bytes csr, key;
    if (check_request(a, err) != 0 || pki_san_read(&a->sans, &a->names, err) != 0 || file_make_folder(a->out, 0755, err) != 0 ||
        refuse_overwriting(a, err) != 0)
        return -1;
    const struct tls_request_order order = {
        .cn = a->cn != NULL ? a->cn : a->name,
        .ou = a->ou,
        .o = a->o,
        .sans = a->names.names.items,
        .n_sans = a->names.names.n,
        .client = a->client,
        .server = a->server,
        .rsa = a->rsa,
    };
    if (tls_request_new(&order, &csr, &key, err) != 0)
        return -1;
    int rc = put_new(a, ".key", &key, 0600, err);
    if (rc == 0)
        rc = put_new(a, ".csr", &csr, 0644, err);
    bytes_wipe(&key);
    bytes_clear(&csr);
    return rc;
}

int pki_request(int argc, char **argv)
{
    struct request_flags a = {.out = "pki", .key_type = "ecdsa"};
    const struct flag table[] = {
        {.name = "--client", .kind = FLAG_SWITCH, .target = &a.client, .help = "request a client certificate"},
        {.name = "--server", .kind = FLAG_SWITCH, .target = &a.server, .help = "request a server certificate; needs at least one --san"},
        pki_flag_san(&a.sans),
        pki_flag_cn(&a.cn),
        pki_flag_ou(&a.ou),
        pki_flag_o(&a.o),
        {.name = "--key-type", .kind = FLAG_TEXT, .target = &a.key_type, .value = "TYPE", .help = "ecdsa for P-256 (default), or rsa with 3072 bits"},
        {.name = "--out", .kind = FLAG_TEXT, .target = &a.out, .value = "FOLDER", .help = "folder for both files, created if it is missing (default: pki)"},
    };
    const struct flags flags = {
        .command = "mtlsd pki request",
        .usage = "NAME [--client] [--server] [--san NAME]... [--cn TEXT] [--key-type TYPE] [--out FOLDER]",
        .about = "Creates a private key, NAME.key, and a request for a certificate, NAME.csr, which any CA can sign. The key stays on this\n"
                 "machine; send only the request. Files that exist are never replaced.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .operand = "NAME",
        .after = "Examples:\n  mtlsd pki request payments --client --ou billing\n"
                 "  mtlsd pki request web --server --san web.example --key-type rsa --out /etc/mtlsd",
    };
    struct err err = {0};
    int code;
    if (!flags_read_one(&flags, argc, argv, &a.name, &code))
        return code;
    int rc = request(&a, &err);
    pki_san_clear(&a.names);
    if (rc != 0)
        return command_fail_err(&err);
    printf("made %s/%s.csr, %s.key\nnext: send %s.csr to the CA, or run: mtlsd pki sign %s/%s.csr\n", a.out, a.name, a.name, a.name, a.out, a.name);
    return COMMAND_FINE;
}
