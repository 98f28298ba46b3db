/* SPDX-License-Identifier: Apache-2.0 */
#include "pki_files.h"

#include "tls_pem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILES = 32, MAX_TEXT = 16 * 1024, MAX_LISTS = 4 };

static struct {
    const char *name;
    struct span text, der; /* owned, and never freed */
} files[MAX_FILES];
static size_t n_files;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    abort();
}

static struct span read_file(const char *name)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", FUZZ_PKI, name);
    uint8_t *text = malloc(MAX_TEXT);
    FILE *f = fopen(path, "rb");
    if (f == NULL || text == NULL)
        die(path, "cannot be read");
    size_t n = fread(text, 1, MAX_TEXT, f);
    fclose(f);
    return span_of(text, n);
}

static size_t find(const char *name)
{
    for (size_t i = 0; i < n_files; i++)
        if (strcmp(files[i].name, name) == 0)
            return i;
    if (n_files == MAX_FILES)
        die(name, "too many files");
    struct tls_pem_reader r;
    struct tls_pem_block block;
    struct err err = {0};
    files[n_files].name = name;
    files[n_files].text = read_file(name);
    tls_pem_start(&r, name, files[n_files].text);
    if (tls_pem_next(&r, &block, &err) != 1 || tls_pem_decode(&r, &block, &files[n_files].der, &err) != 0)
        die(name, err.text);
    return n_files++;
}

struct span pki_files_text(const char *file)
{
    return files[find(file)].text;
}

struct span pki_files_der(const char *file)
{
    return files[find(file)].der;
}

struct tls_trust *pki_files_trust(const char *const *crl)
{
    struct tls_file ca = {"root.pem", pki_files_text("root.pem")}, lists[MAX_LISTS];
    size_t n = 0;
    for (; n < MAX_LISTS && crl[n] != NULL; n++)
        lists[n] = (struct tls_file){crl[n], pki_files_text(crl[n])};
    struct tls_trust_spec spec = {.name = "fuzz", .ca = &ca, .n_ca = 1, .crl = lists, .n_crl = n, .crl_required = n > 0};
    struct findings notes;
    struct err err = {0};
    findings_init(&notes);
    struct tls_trust *trust = tls_trust_new(&spec, PKI_FILES_NOW, &notes, &err);
    if (trust == NULL)
        die("trust", err.text);
    findings_clear(&notes);
    return trust;
}
