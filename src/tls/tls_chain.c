/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_chain.h"
#include "tls_key.h"
#include "tls_pem.h"

#include <stdlib.h>

void tls_chain_clear(struct tls_chain *chain)
{
    for (size_t i = 0; i < chain->n; i++)
        free((void *)(uintptr_t)chain->ders[i].ptr);
    free(chain->ders);
    *chain = (struct tls_chain){NULL, 0};
}

static int keep(struct tls_chain *chain, const struct tls_pem_reader *r, const struct tls_pem_block *block, struct err *err)
{
    struct span *more = realloc(chain->ders, (chain->n + 1) * sizeof(*more));
    if (more == NULL)
        return err_set(err, ERR_MEMORY, "%s: out of memory", r->file);
    chain->ders = more;
    if (tls_pem_decode(r, block, &more[chain->n], err) != 0)
        return -1;
    chain->n++;
    return 0;
}

int tls_chain_read(struct tls_chain *chain, struct span text, const char *file, struct err *err)
{
    struct tls_pem_reader r;
    struct tls_pem_block block;
    int got;
    *chain = (struct tls_chain){NULL, 0};
    if (tls_pem_plausible(file, text, "a certificate", err) != 0)
        return -1;
    tls_pem_start(&r, file, text);
    while ((got = tls_pem_next(&r, &block, err)) == 1)
        if (span_equals_str(block.label, "CERTIFICATE") && keep(chain, &r, &block, err) != 0)
            goto fail;
    if (got < 0)
        goto fail;
    if (chain->n > 0)
        return 0;
    err_set(err, ERR_CREDENTIAL, "%s: holds no certificate (no \"BEGIN CERTIFICATE\" block)", file);
fail:
    tls_chain_clear(chain);
    return -1;
}

void tls_chain_key_name(struct span der, char out[TLS_CHAIN_KEY_NAME])
{
    struct tls_cert cert;
    struct tls_key key = {.algorithm = GNUTLS_PK_UNKNOWN};
    gnutls_x509_crt_t crt;
    if (tls_cert_open(der, &cert, &crt) == 0)
        tls_key_read(crt, cert.spki, &key);
    tls_key_name(&key, out);
    gnutls_x509_crt_deinit(crt);
}
