/* SPDX-License-Identifier: Apache-2.0 */
#include "demo.h"
#include "pki/pki.h"
#include "mtlsd/io/clock.h"

#define DAY ((int64_t)86400)

enum { DEPTH = 8, RSA_BITS = 2048 };

static struct tls_trust *make_trust(const struct demo_pki *pki, const struct tls_pki_pair *ca, struct err *err)
{
    struct tls_file file = {"ca.pem", bytes_span(&ca->certificate)};
    struct tls_trust_spec spec = {.name = "demo", .ca = &file, .n_ca = 1, .depth = DEPTH, .min_rsa_bits = RSA_BITS};
    struct findings notes;
    findings_init(&notes);
    struct tls_trust *trust = tls_trust_new(&spec, pki->now, &notes, err);
    findings_clear(&notes);
    return trust;
}

int demo_pki_init(struct demo_pki *pki, const char *folder, struct err *err)
{
    *pki = (struct demo_pki){.folder = folder, .now = clock_now(), .serial = 1};
    if (tls_pki_new_ca("mtlsd demo CA", pki->now - DAY, pki->now + 30 * DAY, &pki->ca, err) != 0 ||
        tls_pki_new_ca("foreign CA", pki->now - DAY, pki->now + 30 * DAY, &pki->other_ca, err) != 0 ||
        pki_folder_put(folder, "ca", ".pem", bytes_span(&pki->ca.certificate), false, err) != 0)
        return -1;
    pki->trust = make_trust(pki, &pki->ca, err);
    pki->other_trust = make_trust(pki, &pki->other_ca, err);
    return pki->trust != NULL && pki->other_trust != NULL ? 0 : -1;
}

void demo_pki_clear(struct demo_pki *pki)
{
    tls_pki_pair_clear(&pki->ca);
    tls_pki_pair_clear(&pki->other_ca);
    tls_trust_unref(pki->trust);
    tls_trust_unref(pki->other_trust);
}

static struct tls_identity *load(const struct demo_pki *pki, const struct tls_pki_pair *pair, const char *name, struct err *err)
{
    struct tls_identity_spec spec = {
        .name = name,
        .certificate = bytes_span(&pair->certificate),
        .certificate_file = name,
        .key = bytes_span(&pair->key),
        .key_file = name,
    };
    struct findings notes; /* that it expired is the point */
    findings_init(&notes);
    struct tls_identity *identity = tls_identity_new(&spec, pki->now, &notes, err);
    findings_clear(&notes);
    return identity;
}

struct tls_identity *demo_pki_issue(struct demo_pki *pki, struct tls_pki_order *order, const char *name, struct err *err)
{
    struct tls_pki_pair pair;
    struct tls_identity *identity = NULL;
    order->o = "mtlsd demo";
    order->not_before = pki->now - DAY;
    order->not_after = pki->now + 7 * DAY;
    if (tls_pki_issue(bytes_span(&pki->ca.certificate), bytes_span(&pki->ca.key), order, ++pki->serial, &pair, err) != 0)
        return NULL;
    if (pki_folder_put_bundle(pki->folder, name, &pair, err) == 0)
        identity = load(pki, &pair, name, err);
    tls_pki_pair_clear(&pair);
    return identity;
}

struct tls_identity *demo_pki_client(struct demo_pki *pki, enum tls_pki_bad bad, const char *ou, const char *name, struct err *err)
{
    static const char *const sans[] = {"uri:" DEMO_APP_URI};
    struct tls_pki_order order = {.cn = DEMO_APP_NAME, .ou = ou, .sans = sans, .n_sans = 1, .purpose = TLS_PURPOSE_CLIENT, .bad = bad};
    return demo_pki_issue(pki, &order, name, err);
}

int demo_pki_revoke_last(struct demo_pki *pki, struct err *err)
{
    struct tls_pki_revoked revoked = {pki->serial, pki->now - 1};
    struct bytes crl = {0};
    int rc = tls_pki_make_crl(bytes_span(&pki->ca.certificate), bytes_span(&pki->ca.key), &revoked, 1, 1, pki->now - 1,
                              pki->now + 7 * DAY, &crl, err);
    if (rc == 0)
        rc = pki_folder_put(pki->folder, "ca", ".crl", bytes_span(&crl), false, err);
    bytes_clear(&crl);
    return rc;
}
