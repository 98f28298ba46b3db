/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "flags.h"
#include "mtlsd/base/pin.h"
#include "mtlsd/base/spiffe.h"
#include "mtlsd/base/text.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/file.h"
#include "mtlsd/tls/tls_chain.h"
#include "mtlsd/tls/tls_judge.h"
#include "time_arg.h"
#include "verify_sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHEET_MAX ((size_t)16 * 1024 * 1024)
#define DEFAULT_DEPTH 8
#define DEFAULT_RSA_BITS 2048

struct verify_flags {
    struct flag_list ca, crl, names, pins;
    const char *purpose, *at, *spiffe_domain;
    bool json;
};

/* Files that a trust is made of, all in memory. */
struct file_set {
    struct tls_file *items;
    char **names;         /* owned */
    struct bytes *texts;
    size_t n;
};

static void file_set_clear(struct file_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        free(set->names[i]);
        bytes_clear(&set->texts[i]);
    }
    free(set->items);
    free(set->names);
    free(set->texts);
    *set = (struct file_set){0};
}

static int grow(struct file_set *set)
{
    size_t n = set->n + 1;
    struct tls_file *items = realloc(set->items, n * sizeof(*items));
    if (items != NULL)
        set->items = items;
    char **names = realloc(set->names, n * sizeof(*names));
    if (names != NULL)
        set->names = names;
    struct bytes *texts = realloc(set->texts, n * sizeof(*texts));
    if (texts != NULL)
        set->texts = texts;
    return items != NULL && names != NULL && texts != NULL ? 0 : -1;
}

/* Takes name, also on failure. Gives 1 when it is a folder. */
static int add_file(struct file_set *set, char *name, struct err *err)
{
    struct file_facts facts = {0};
    struct bytes text = {0};
    if (name == NULL || grow(set) != 0) {
        free(name);
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    int rc = file_read(name, &text, &facts, err);
    if (rc != 0 || facts.is_folder) {
        free(name);
        return rc != 0 ? -1 : 1;
    }
    set->names[set->n] = name;
    set->texts[set->n] = text;
    set->items[set->n] = (struct tls_file){.name = name, .text = bytes_span(&text)};
    set->n++;
    return 0;
}

static char *join(const char *folder, const char *name)
{
    size_t n = strlen(folder) + strlen(name) + 2;
    char *path = malloc(n);
    if (path != NULL)
        snprintf(path, n, "%s/%s", folder, name);
    return path;
}

static int add_folder(struct file_set *set, const char *folder, struct err *err)
{
    char **names;
    size_t n;
    if (file_list(folder, &names, &n, err) != 0)
        return -1;
    int rc = n > 0 ? 0 : err_set(err, ERR_CREDENTIAL, "%s: the folder holds no file", folder);
    for (size_t i = 0; i < n; i++) {
        if (rc == 0)
            rc = add_file(set, join(folder, names[i]), err);
        free(names[i]);
    }
    free(names);
    return rc == 0 ? 0 : -1;
}

static int add_all(struct file_set *set, const struct flag_list *paths, struct err *err)
{
    for (size_t i = 0; i < paths->n; i++) {
        int rc = add_file(set, strdup(paths->items[i]), err);
        if (rc == 1)
            rc = add_folder(set, paths->items[i], err);
        if (rc != 0)
            return -1;
    }
    return 0;
}

static struct tls_trust *load_trust(const struct verify_flags *a, int64_t now, struct findings *notes, struct err *err)
{
    struct file_set ca = {0}, crl = {0};
    struct tls_trust *trust = NULL;
    bool system = a->ca.n == 1 && strcmp(a->ca.items[0], "system") == 0;
    if ((system || add_all(&ca, &a->ca, err) == 0) && add_all(&crl, &a->crl, err) == 0) {
        struct tls_trust_spec spec = {
            .name = "--ca",
            .ca = ca.items,
            .n_ca = ca.n,
            .system = system,
            .crl = crl.items,
            .n_crl = crl.n,
            .crl_required = crl.n > 0,
            .depth = DEFAULT_DEPTH,
            .min_rsa_bits = DEFAULT_RSA_BITS,
            .pins = a->pins.items,
            .n_pins = a->pins.n,
            .spiffe_domain = a->spiffe_domain,
        };
        trust = tls_trust_new(&spec, now, notes, err);
    }
    file_set_clear(&ca);
    file_set_clear(&crl);
    return trust;
}

static int load_chain(const char *path, struct tls_chain *chain, struct err *err)
{
    struct bytes text;
    if (file_read(path, &text, NULL, err) != 0)
        return -1;
    int rc = tls_chain_read(chain, bytes_span(&text), path, err);
    if (text.data != NULL) /* it may be a bundle, with the key in it */
        explicit_bzero(text.data, text.cap);
    bytes_clear(&text);
    return rc;
}

static int check_bounds(const struct verify_flags *a, struct err *err)
{
    unsigned char pin[PIN_SIZE];
    for (size_t i = 0; i < a->pins.n; i++)
        if (pin_parse(a->pins.items[i], pin, NULL) != 0)
            return err_set(err, ERR_USAGE, "--pin: \"%.80s\" is not a SHA-256 as 64 hexadecimal digits or 44 characters of base64", a->pins.items[i]);
    if (a->spiffe_domain != NULL && !spiffe_is_domain(span_from_str(a->spiffe_domain)))
        return err_set(err, ERR_USAGE, "--spiffe-domain: \"%.80s\" is not the name of a trust domain, as example.org is", a->spiffe_domain);
    return 0;
}

static int read_question(const struct verify_flags *a, struct tls_question *q, struct err *err)
{
    *q = (struct tls_question){.names = a->names.items, .n_names = a->names.n, .now = clock_now()};
    if (strcmp(a->purpose, "client") == 0)
        q->purpose = TLS_PURPOSE_CLIENT;
    else if (strcmp(a->purpose, "server") == 0)
        q->purpose = TLS_PURPOSE_SERVER;
    else
        return err_set(err, ERR_USAGE, "--purpose is client or server, not \"%s\"", a->purpose);
    return a->at != NULL ? time_arg_parse(a->at, &q->now, err) : 0;
}

static void print_notes(const struct findings *notes)
{
    for (size_t i = 0; i < notes->n; i++)
        if (notes->items[i].level != FINDING_NOTE)
            fprintf(stderr, "mtlsd verify: %s%s%s\n", notes->items[i].where, notes->items[i].where[0] != '\0' ? ": " : "",
                    notes->items[i].text);
}

static int show(const struct verify_sheet *sheet, bool json)
{
    struct bytes out;
    bytes_init(&out, SHEET_MAX);
    int rc = json ? verify_sheet_json(sheet, &out) : verify_sheet_text(sheet, &out);
    if (rc == 0)
        fwrite(out.data, 1, out.len, stdout);
    bytes_clear(&out);
    return rc;
}

static int verify(const struct verify_flags *a, const char *file, struct tls_question *q, struct err *err)
{
    struct findings notes;
    struct tls_chain chain = {0};
    int code = COMMAND_REFUSED;
    findings_init(&notes);
    struct tls_trust *trust = load_trust(a, q->now, &notes, err);
    print_notes(&notes);
    if (trust != NULL && load_chain(file, &chain, err) == 0) {
        struct tls_verdict verdict;
        q->trust = trust;
        tls_judge(q, chain.ders, chain.n, &verdict);
        struct verify_sheet sheet = {.question = q, .verdict = &verdict, .chain = &chain, .file = file};
        if (show(&sheet, a->json) != 0)
            err_set(err, ERR_MEMORY, "out of memory");
        else
            code = verdict.status == REASON_VALID ? COMMAND_FINE : COMMAND_REFUSAL;
    }
    tls_chain_clear(&chain);
    tls_trust_unref(trust);
    findings_clear(&notes);
    return code;
}

int cmd_verify(int argc, char **argv)
{
    struct verify_flags a = {0};
    const struct flag table[] = {
        {.name = "--ca", .kind = FLAG_LIST, .required = true, .target = &a.ca, .value = "FILE",
         .help = "the CAs to trust: a PEM file, a folder of them, or \"system\"\n(may be repeated)"},
        {.name = "--crl", .kind = FLAG_LIST, .target = &a.crl, .value = "FILE",
         .help = "revocation list, PEM or DER (may be repeated); when given, every\nissuer in the chain needs one that is not out of date"},
        {.name = "--purpose", .kind = FLAG_TEXT, .required = true, .target = &a.purpose, .value = "client|server",
         .help = "what the certificate is to be used as"},
        {.name = "--name", .kind = FLAG_LIST, .target = &a.names, .value = "NAME",
         .help = "a name it must hold: host, IP address or URI (may be repeated:\nany one is enough)"},
        {.name = "--pin", .kind = FLAG_LIST, .target = &a.pins, .value = "SHA256",
         .help = "SHA-256 of a public key, hex or base64, that a certificate of the\nverified path must have (may be repeated: any one is enough)"},
        {.name = "--spiffe-domain", .kind = FLAG_TEXT, .target = &a.spiffe_domain, .value = "DOMAIN",
         .help = "its one URI must be a SPIFFE ID of this trust domain"},
        {.name = "--at", .kind = FLAG_TEXT, .target = &a.at, .value = "TIME",
         .help = "judge as of 2026-01-31T23:59:59Z, 2026-01-31 or @SECONDS\n(default: now)"},
        {.name = "--json", .kind = FLAG_SWITCH, .target = &a.json, .help = "for programs; times in seconds since 1970"},
    };
    const struct flags flags = {
        .command = "mtlsd verify",
        .usage = "--ca FILE --purpose client|server [--crl FILE] [--name NAME] [--pin SHA256] [--spiffe-domain DOMAIN] "
                 "[--at TIME] [--json] CHAIN.pem",
        .about = "Judges a certificate as the daemon would in a handshake: chain, dates, purpose, names, strength, revocation.\n"
                 "CHAIN.pem holds the leaf first, then what the peer would send with it.\n"
                 "Exit code 0: valid, 4: refused, 3: a file cannot be used, 2: usage.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .operand = "CHAIN.pem",
        .min_operands = 1,
        .max_operands = 1,
        .after = "Examples:\n  mtlsd verify --ca pki/ca.pem --crl pki/crl.pem --purpose client pki/payments.crt\n"
                 "  mtlsd verify --ca system --purpose server --name example.org --json chain.pem",
    };
    struct flag_list files = {.n = 0};
    struct tls_question question;
    struct err err = {0};
    int code;
    if (!flags_read(&flags, argc, argv, &files, &code))
        return code;
    if (read_question(&a, &question, &err) != 0 || check_bounds(&a, &err) != 0)
        return command_fail_err(&err);
    code = verify(&a, files.items[0], &question, &err);
    return err.kind == ERR_NONE ? code : command_fail(code, "%s", err.text);
}
