/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "drill.h"
#include "flags.h"
#include "pki/pki.h"
#include "verify/verify.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH = 8, RSA_BITS = 2048 };

struct drill_flags {
    const char *target, *dir, *name, *cn, *ou, *o, *path, *save;
    struct flag_list server_ca, sans, refusals;
    bool tcp, optional, json;
};

/* The objects that a drill holds open. */
struct material {
    struct pki_folder folder;
    bool folder_open;
    struct tls_trust *trust;
    struct tls_identity *revoked;
    char request[1200];
};

/* ---- while it goes on ---- */

/* A slow listener takes seconds for each: who sits before it sees which one it is. The row itself comes over this line. */
static int on_offer(void *ctx, const char *word, const struct tls_identity *identity, struct err *err)
{
    const struct drill_flags *a = ctx;
    if (!a->json && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO))
        fprintf(stderr, "  %s ...\r", word);
    return a->save != NULL ? drill_save(a->save, word, identity, err) : 0;
}

/* ---- the certificates and the listener ---- */

static struct tls_trust *load_trust(const struct drill_flags *a, int64_t now, struct err *err)
{
    char own[PKI_PATH_MAX];
    struct findings notes;
    struct flag_list ca = a->server_ca;
    const struct flag_list none = {.n = 0};
    struct tls_trust_spec spec = {.name = "--server-ca", .depth = DEPTH, .min_rsa_bits = RSA_BITS};
    if (pki_folder_path(a->dir, "ca", ".pem", own, err) != 0)
        return NULL;
    if (ca.n == 0)
        ca.items[ca.n++] = own;
    findings_init(&notes);
    struct tls_trust *trust = verify_trust_load(&spec, &ca, &none, now, &notes, err);
    findings_clear(&notes);
    return trust;
}

static struct tls_identity *load_identity(const char *dir, const char *name, int64_t now, struct err *err)
{
    char path[PKI_PATH_MAX];
    struct bytes text;
    struct findings notes;
    if (pki_folder_path(dir, name, ".pem", path, err) != 0 || file_read(path, &text, NULL, err) != 0)
        return NULL;
    findings_init(&notes);
    struct tls_identity_spec spec = {.name = name, .certificate = bytes_span(&text), .certificate_file = path, .key = bytes_span(&text),
                                     .unchecked = true};
    struct tls_identity *identity = tls_identity_new(&spec, now, &notes, err);
    findings_clear(&notes);
    bytes_wipe(&text);
    return identity;
}

/* A certificate whose only fault is that it was revoked, if its files are still there. */
static struct tls_identity *find_revoked(const struct pki_folder *f, int64_t now)
{
    for (size_t i = f->index.n; i > 0; i--) {
        const struct pki_entry *e = &f->index.items[i - 1];
        struct err ignored = {0};
        if (e->revoked_at == 0 || e->not_after < now || strcmp(e->kind, "good") != 0 || strcmp(e->purpose, "server") == 0)
            continue;
        struct tls_identity *identity = load_identity(f->path, e->name, now, &ignored);
        if (identity != NULL)
            return identity;
    }
    return NULL;
}

static int write_request(struct material *m, const struct drill_flags *a, const char *host, struct err *err)
{
    const char *path = a->path != NULL ? a->path : "/";
    for (const char *c = path; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~')
            return err_set(err, ERR_USAGE, "--path: a path has no spaces or control characters");
    int n = snprintf(m->request, sizeof(m->request), "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: mtlsd-drill\r\nConnection: close\r\n\r\n", path, host);
    return n > 0 && (size_t)n < sizeof(m->request) ? 0 : err_set(err, ERR_USAGE, "--path is too long");
}

static int read_refusals(const struct drill_flags *a, struct drill_setup *s, struct err *err)
{
    static const unsigned usual[] = {400, 401, 403, 421, 495, 496}; /* 400 and 49x are how nginx says no */
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
        s->refusals[s->n_refusals++] = usual[i];
    for (size_t i = 0; i < a->refusals.n && s->n_refusals < DRILL_STATUSES_MAX; i++) {
        char *end;
        unsigned long status = strtoul(a->refusals.items[i], &end, 10);
        if (*end != '\0' || status < 100 || status > 599)
            return err_set(err, ERR_USAGE, "--refusal %.40s: an HTTP status is a number from 100 to 599", a->refusals.items[i]);
        s->refusals[s->n_refusals++] = (unsigned)status;
    }
    return 0;
}

static int prepare(struct drill_flags *a, struct material *m, struct drill_setup *s, struct err *err)
{
    int64_t now = clock_now();
    struct err wrong = {0};
    if (address_parse(a->target, &s->target, &wrong) != 0)
        return err_set(err, ERR_USAGE, "--target: %s", wrong.text);
    if (s->target.kind == ADDRESS_SYSTEMD || (s->target.kind == ADDRESS_TCP && (s->target.host[0] == '\0' || s->target.port == 0)))
        return err_set(err, ERR_USAGE, "--target: write HOST:PORT");
    s->target_text = a->target;
    s->server_name = a->name != NULL ? a->name : s->target.host;
    if (read_refusals(a, s, err) != 0 || pki_folder_open(&m->folder, a->dir, err) != 0)
        return -1;
    m->folder_open = true;
    m->trust = load_trust(a, now, err);
    if (m->trust == NULL || (!a->tcp && write_request(m, a, s->server_name, err) != 0))
        return -1;
    m->revoked = find_revoked(&m->folder, now);
    s->server_trust = m->trust;
    s->revoked = m->revoked;
    s->request = a->tcp ? NULL : m->request;
    s->none_may_pass = a->optional;
    s->on_offer = on_offer;
    s->ctx = a;
    s->order = (struct tls_drill_order){.ca_cert = bytes_span(&m->folder.ca_cert), .ca_key = bytes_span(&m->folder.ca_key), .cn = a->cn,
                                        .ou = a->ou, .o = a->o, .sans = a->sans.items, .n_sans = a->sans.n, .now = now};
    return 0;
}

static void release(struct material *m)
{
    tls_identity_unref(m->revoked);
    tls_trust_unref(m->trust);
    if (m->folder_open)
        pki_folder_close(&m->folder);
}

/* ---- showing ---- */

/* Prints each row when it happens. */
static int show_part(json_t *document, page_print_fn print)
{
    int rc = page_show(document, false, print);
    fflush(stdout);
    return rc;
}

static void show_row(const struct drill_row *row)
{
    int rc = show_part(drill_sheet_row(row), drill_sheet_print_row);
    (void)rc; /* a missing row is still in the count at the end */
}

static int run(const struct drill_flags *a, const struct drill_setup *s, struct err *err)
{
    struct drill d;
    int code = COMMAND_FAILED;
    if (!a->json && show_part(document_object("target:t", s->target_text), drill_sheet_print_head) != 0)
        return err_set(err, ERR_MEMORY, "out of memory") == 0 ? COMMAND_FINE : code;
    if (drill_run(&d, s, a->json ? NULL : show_row, err) == 0) {
        if (page_show(drill_sheet_document(&d, s->target_text), a->json, drill_sheet_print_end) != 0)
            err_set(err, ERR_MEMORY, "out of memory");
        else
            code = d.n_bad_let_in > 0 || d.n_good_refused > 0 ? COMMAND_REFUSAL : COMMAND_FINE;
    }
    drill_clear(&d);
    return code;
}

int cmd_drill(int argc, char **argv)
{
    struct drill_flags a = {.dir = "pki", .cn = "drill"};
    const struct flag table[] = {
        {.name = "--target", .kind = FLAG_TEXT, .required = true, .target = &a.target, .value = "HOST:PORT", .help = "listener to test"},
        {.name = "--dir", .kind = FLAG_TEXT, .target = &a.dir, .value = "FOLDER",
         .help = "folder of mtlsd pki with the CA that the listener trusts (default: pki);\nits key signs the certificates"},
        {.name = "--server-ca", .kind = FLAG_LIST, .target = &a.server_ca, .value = "FILE",
         .help = "CA of the listener's certificate, or \"system\" (default: the CA of --dir;\nmay be repeated)"},
        {.name = "--server-name", .kind = FLAG_TEXT, .target = &a.name, .value = "NAME", .help = "name to send (SNI) and to expect in the certificate (default: HOST)"},
        {.name = "--cn", .kind = FLAG_TEXT, .target = &a.cn, .value = "TEXT", .help = "common name of the certificates (default: drill)"},
        {.name = "--ou", .kind = FLAG_TEXT, .target = &a.ou, .value = "TEXT", .help = "organizational unit of the certificates"},
        {.name = "--o", .kind = FLAG_TEXT, .target = &a.o, .value = "TEXT", .help = "organization of the certificates"},
        {.name = "--san", .kind = FLAG_LIST, .target = &a.sans, .value = "TYPE:NAME", .help = "alternative name of the certificates: dns:, ip:, uri: or email: (may be\nrepeated)"},
        {.name = "--path", .kind = FLAG_TEXT, .target = &a.path, .value = "PATH", .help = "path to GET (default: /)"},
        {.name = "--refusal", .kind = FLAG_LIST, .target = &a.refusals, .value = "STATUS",
         .help = "HTTP status that counts as a refusal, beside 400, 401, 403, 421, 495\nand 496 (may be repeated); use 302 if bad certificates are redirected"},
        {.name = "--tcp", .kind = FLAG_SWITCH, .target = &a.tcp, .help = "do not use HTTP: a certificate counts as accepted if no alert arrives\nwithin 1.5 seconds"},
        {.name = "--optional", .kind = FLAG_SWITCH, .target = &a.optional, .help = "expect that clients without a certificate are accepted"},
        {.name = "--save", .kind = FLAG_TEXT, .target = &a.save, .value = "FOLDER",
         .help = "save the certificates without keys as FOLDER/KIND.pem"},
        {.name = "--json", .kind = FLAG_SWITCH, .target = &a.json, .help = "print JSON"},
    };
    const struct flags flags = {
        .command = "mtlsd drill",
        .usage = "--target HOST:PORT [--dir FOLDER] [--server-ca FILE]... [--ou TEXT] [--san TYPE:NAME]... [--tcp] [--json]",
        .about = "Presents good and bad client certificates to a listener of mtlsd or any other server, and prints expected and actual\n"
                 "results. Each certificate is tried with TLS 1.3 and 1.2, with full handshakes and with the listener's session\n"
                 "tickets. Use it only on your own listeners.\n"
                 "Exit code 0: all results are as expected. 4: a bad certificate was accepted, or a good one refused.\n"
                 "1: the listener cannot be reached or does not speak TLS.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .after = "Example, with a listener that trusts the development CA:\n  mtlsd pki issue old --client && mtlsd pki revoke old\n"
                 "  mtlsd drill --target localhost:8443",
    };
    struct material m = {.folder_open = false};
    struct drill_setup setup = {.n_refusals = 0};
    struct err err = {0};
    int code;
    if (!flags_read(&flags, argc, argv, NULL, &code))
        return code;
    code = prepare(&a, &m, &setup, &err) == 0 ? run(&a, &setup, &err) : COMMAND_FAILED;
    release(&m);
    if (err.kind == ERR_NONE)
        return code;
    return code == COMMAND_FAILED && err.kind == ERR_IO ? command_fail(code, "%s", err.text) : command_fail_err(&err);
}
