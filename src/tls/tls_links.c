/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_links.h"

#include "tls_path.h"

#include <stdlib.h>

void tls_link_clear(struct tls_link *link)
{
    gnutls_x509_crt_deinit(link->crt);
    free(link->der);
    *link = (struct tls_link){0};
}

void tls_links_swap(struct tls_link *a, struct tls_link *b)
{
    struct tls_link c = *a;
    *a = *b;
    *b = c;
}

static bool has_extension(const struct tls_cert *cert, const char *oid)
{
    struct span value;
    return tls_cert_find_extension(cert, oid, &value);
}

/* Key identifiers tell a CA from its successor of the same name. Without them only the signature does. */
static bool is_issuer(const struct tls_link *child, const struct tls_link *issuer)
{
    if (gnutls_x509_crt_check_issuer(child->crt, issuer->crt) == 0)
        return false;
    bool by_id = has_extension(&child->cert, "\x55\x1d\x23") && has_extension(&issuer->cert, "\x55\x1d\x0e");
    return by_id || tls_path_is_signed(child->crt, issuer->crt);
}

static bool is_repeated(const struct tls_links *links, size_t n, size_t i)
{
    for (size_t k = 0; k < n; k++)
        if (span_equals(links->items[k].cert.der, links->items[i].cert.der))
            return true;
    return false;
}

/* Gives how many are in order. */
static size_t put_in_order(struct tls_links *links, struct findings *notes)
{
    bool moved = false;
    size_t n = 1;
    while (n < links->n) {
        size_t i = n;
        while (i < links->n && (is_repeated(links, n, i) || !is_issuer(&links->items[n - 1], &links->items[i])))
            i++;
        if (i == links->n)
            break;
        moved = moved || i != n;
        tls_links_swap(&links->items[n], &links->items[i]);
        n++;
    }
    if (moved)
        findings_add(notes, FINDING_NOTE, links->items[n - 1].file, "identity %s: the intermediates are out of order; they are still sent in order",
                     links->identity);
    return n;
}

static void leave_out(struct tls_links *links, size_t n, struct findings *notes)
{
    for (size_t i = n; i < links->n; i++) {
        struct tls_link *link = &links->items[i];
        findings_add(notes, FINDING_NOTE, link->file,
                     is_repeated(links, n, i) ? "identity %s: the certificate in line %zu is there twice; it is sent once"
                                              : "identity %s: the certificate in line %zu does not belong to the chain and is not sent",
                     links->identity, link->line);
        tls_link_clear(link);
    }
    links->n = n;
}

/* A chain of another CA, or of the one before: all of it is left out. One that only repeats what is there fits. */
static bool is_unfit(const struct tls_links *links, size_t n)
{
    for (size_t i = 0; i < links->n; i++)
        if (links->items[i].file == links->chain_file && (i < n || is_repeated(links, n, i)))
            return false;
    return links->chain_file != NULL;
}

static void tell_unfit(const struct tls_links *links, size_t n, struct findings *notes)
{
    char subject[160], issuer[160];
    const struct tls_cert *last = &links->items[n - 1].cert;
    tls_cert_name_text(last->subject, subject, sizeof(subject));
    tls_cert_name_text(last->issuer, issuer, sizeof(issuer));
    findings_add(notes, FINDING_FAULT, links->chain_file,
                 "identity %s: the chain does not fit: none of its certificates issued %s, and peers will not find the way to their CA: give the certificate of "
                 "%s",
                 links->identity, subject, issuer);
}

static void tell_root(const struct tls_links *links, struct findings *notes)
{
    const struct tls_link *last = &links->items[links->n - 1];
    if (links->n > 1 && links->chain_file != NULL && last->file == links->chain_file && span_equals(last->cert.subject, last->cert.issuer))
        findings_add(notes, FINDING_NOTE, last->file, "identity %s: the root in line %zu is sent too; peers have it: leave it out", links->identity, last->line);
}

void tls_links_order(struct tls_links *links, struct findings *notes)
{
    size_t n = put_in_order(links, notes);
    if (is_unfit(links, n))
        tell_unfit(links, n, notes);
    leave_out(links, n, notes);
    tell_root(links, notes);
}
