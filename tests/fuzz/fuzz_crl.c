/* SPDX-License-Identifier: Apache-2.0 */
/* A3, F1: a revocation list of any bytes, PEM or DER. What is taken from the network says all that the CA signed; what replaces a list forgets no serial;
 * and where GnuTLS can read a list too, it reads the same serials and dates. */
#include "fuzz.h"

#include "pki_files.h"
#include "tls_crl.h"
#include "tls_crl_parse.h"

#include <stdlib.h>
#include <string.h>

static struct tls_anchor anchors[2];

static void make_anchor(struct tls_anchor *a, const char *file)
{
    struct span der = pki_files_der(file);
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)der.ptr, (unsigned)der.len};
    int rc = tls_cert_read(der, &a->cert) | gnutls_x509_crt_init(&a->crt) | gnutls_x509_crt_import(a->crt, &datum, GNUTLS_X509_FMT_DER);
    assert(rc == 0);
}

/* The entry of GnuTLS's list that has this serial, whatever zeros stand before it. */
static bool is_listed(gnutls_x509_crl_t list, int n, struct span serial)
{
    for (int i = 0; i < n; i++) {
        uint8_t have[256];
        size_t size = sizeof(have);
        if (gnutls_x509_crl_get_crt_serial(list, (unsigned)i, have, &size, NULL) == 0 && span_equals(tls_cert_serial_digits(span_of(have, size)), serial))
            return true;
    }
    return false;
}

static void compare(struct span der)
{
    struct tls_crl_parsed ours;
    gnutls_x509_crl_t list;
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)der.ptr, (unsigned)der.len};
    if (tls_crl_parse(der, "fuzz", &ours, NULL) != 0 || gnutls_x509_crl_init(&list) != 0)
        return;
    if (gnutls_x509_crl_import(list, &datum, GNUTLS_X509_FMT_DER) == 0) {
        int theirs = gnutls_x509_crl_get_crt_count(list), n = 0;
        struct span rest = ours.entries, serial;
        for (; rest.len > 0 && tls_crl_next_entry(&rest, &serial) == 0; n++)
            assert(serial.len > 256 || n > 64 || is_listed(list, theirs, serial));
        assert(theirs < 0 || theirs == n);
        int64_t end = gnutls_x509_crl_get_next_update(list);
        assert(end <= 0 || end == ours.next_update); /* it has no time before 1970 */
    }
    gnutls_x509_crl_deinit(list);
}

static struct tls_crl_index *load(struct span text, bool fetched)
{
    struct tls_file file = {"fuzz.crl", text};
    struct tls_crl_source source = {&file, anchors, 2, PKI_FILES_NOW, fetched};
    struct tls_crl_index *index = tls_crl_index_new();
    struct findings notes;
    struct err err = {0};
    findings_init(&notes);
    assert(index != NULL);
    if (tls_crl_add(index, &source, &notes, &err) != 0) {
        assert(err.text[0] != '\0');
        tls_crl_index_free(index);
        index = NULL;
    }
    findings_clear(&notes);
    return index;
}

static struct tls_crl_answer ask(const struct tls_crl_index *index, const char *file)
{
    struct tls_cert cert;
    struct tls_crl_answer answer;
    int rc = tls_cert_read(pki_files_der(file), &cert);
    assert(rc == 0);
    tls_crl_look_up(index, &anchors[1].cert, anchors[1].crt, cert.serial, &answer);
    return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct tls_crl_index *known, *before;
    struct span text = span_of(bytes, n);
    if (known == NULL) {
        make_anchor(&anchors[0], "root.pem");
        make_anchor(&anchors[1], "middle.pem");
        known = load(pki_files_text("middle.crl"), true);
        before = load(pki_files_text("middle-empty.crl"), true);
    }
    compare(text);
    for (int fetched = 0; fetched < 2; fetched++) {
        struct tls_crl_index *index = load(text, fetched == 1);
        if (index == NULL)
            continue;
        struct tls_crl_answer revoked = ask(index, "revoked.pem"), leaf = ask(index, "leaf.pem");
        bool is_before = tls_crl_check_succession(known, index, NULL) != 0;
        assert(!leaf.revoked && revoked.covered == leaf.covered);
        assert(!revoked.covered || revoked.revoked || is_before);
        assert(!revoked.revoked || tls_crl_check_succession(before, index, NULL) == 0);
        tls_crl_index_free(index);
    }
    return 0;
}
