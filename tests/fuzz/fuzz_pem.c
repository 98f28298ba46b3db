/* SPDX-License-Identifier: Apache-2.0 */
/* A3: a file of CA certificates, of a chain, or of a key, of any bytes. What is taken as a trust holds whole CA certificates only; a chain is as long as
 * its blocks are many; a refusal has words that name the file; and base64 is what a decoder that takes one digit at a time makes of it. */
#include "fuzz.h"

#include "mtlsd/tls/tls_chain.h"
#include "mtlsd/tls/tls_identity.h"
#include "pki_files.h"
#include "tls_pem.h"

#include <stdlib.h>
#include <string.h>

static size_t count(struct span text, const char *mark)
{
    size_t n = 0;
    const uint8_t *at;
    while (text.len > 0 && (at = memmem(text.ptr, text.len, mark, strlen(mark))) != NULL) {
        text = span_skip(text, (size_t)(at - text.ptr) + 1);
        n++;
    }
    return n;
}

static void check_trust(struct span text)
{
    struct tls_file file = {"fuzz.pem", text};
    struct tls_trust_spec spec = {.name = "fuzz", .ca = &file, .n_ca = 1};
    struct findings notes;
    struct err err = {0};
    findings_init(&notes);
    struct tls_trust *trust = tls_trust_new(&spec, PKI_FILES_NOW, &notes, &err);
    assert((trust == NULL) == (strstr(err.text, "fuzz") != NULL));
    if (trust != NULL) {
        struct tls_trust_facts facts;
        tls_trust_facts(trust, &facts);
        assert(facts.n_ca > 0 && facts.n_ca <= count(text, "CERTIFICATE-----") / 2 && facts.n_crl == 0);
        struct tls_trust_ca ca;
        for (size_t i = 0; i < facts.n_ca; i++)
            assert(tls_trust_ca(trust, i, &ca) && !ca.covered && ca.name[0] != '\0');
    }
    tls_trust_unref(trust);
    findings_clear(&notes);
}

static void check_chain(struct span text)
{
    struct tls_chain chain = {0};
    struct err err = {0};
    int rc = tls_chain_read(&chain, text, "fuzz.pem", &err);
    assert((rc == 0) == (err.text[0] == '\0') && (rc != 0 || chain.n > 0));
    assert(rc != 0 || chain.n <= count(text, "CERTIFICATE-----") / 2);
    tls_chain_clear(&chain);
}

/* No key is known to whoever made the input, but a key of its own with a certificate of its own may be there. */
static void check_identity(struct span text)
{
    struct tls_identity_spec spec = {.name = "fuzz", .certificate = text, .certificate_file = "fuzz.pem", .key = text, .key_file = "fuzz.pem"};
    struct findings notes;
    struct err err = {0};
    findings_init(&notes);
    struct tls_identity *id = tls_identity_new(&spec, PKI_FILES_NOW, &notes, &err);
    assert((id == NULL) == (err.text[0] != '\0'));
    assert(id == NULL || tls_identity_der(id, 0).len > 0);
    tls_identity_unref(id);
    findings_clear(&notes);
}

/* False: not base64 of at least one byte, white space aside. */
static bool decode_slowly(struct span in, uint8_t *out, size_t *n)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t digits = 0, padding = 0;
    unsigned bits = 0;
    *n = 0;
    for (size_t i = 0; i < in.len; i++) {
        const char *at = in.ptr[i] != 0 ? strchr(alphabet, in.ptr[i]) : NULL;
        if (in.ptr[i] != 0 && strchr(" \t\r\n", in.ptr[i]) != NULL)
            continue;
        padding += in.ptr[i] == '=';
        if (in.ptr[i] != '=' && (at == NULL || padding > 0))
            return false;
        if (at == NULL)
            continue;
        bits = bits << 6 | (unsigned)(at - alphabet);
        if (++digits % 4 != 1)
            out[(*n)++] = (uint8_t)(bits >> (6 - 2 * ((digits - 1) % 4)));
    }
    return padding <= 2 && (digits + padding) % 4 == 0 && *n > 0;
}

static void check_base64(struct span text)
{
    struct tls_pem_reader r;
    struct tls_pem_block block;
    tls_pem_start(&r, "fuzz.pem", text);
    while (tls_pem_next(&r, &block, NULL) == 1) {
        struct span der = {NULL, 0};
        size_t n;
        uint8_t *expected = malloc(block.body.len + 1);
        assert(expected != NULL);
        bool good = decode_slowly(block.body, expected, &n);
        assert((tls_pem_decode(&r, &block, &der, NULL) == 0) == good);
        assert(!good || span_equals(der, span_of(expected, n)));
        free((void *)(uintptr_t)der.ptr);
        free(expected);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    check_base64(span_of(bytes, n));
    check_trust(span_of(bytes, n));
    check_chain(span_of(bytes, n));
    check_identity(span_of(bytes, n));
    return 0;
}
