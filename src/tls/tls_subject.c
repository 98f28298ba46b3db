/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_subject.h"

#include "tls_cert.h"
#include "tls_dn.h"

static const char *const oids[] = {[TLS_SUBJECT_C] = "\x55\x04\x06", [TLS_SUBJECT_ST] = "\x55\x04\x08", [TLS_SUBJECT_L] = "\x55\x04\x07"};

struct search {
    const char *oid;
    struct tls_subject_value found;
};

static int on_attribute(void *ctx, struct span oid, const struct tls_der *value)
{
    struct search *s = ctx;
    if (!span_equals_str(oid, s->oid))
        return 0;
    s->found.n++;
    s->found.odd = s->found.odd || !tls_dn_is_text(value);
    s->found.value = value->value;
    return 0;
}

struct tls_subject_value tls_subject_find(const struct tls_peer *peer, enum tls_subject_part part)
{
    struct search s = {.oid = oids[part]};
    struct tls_cert cert;
    if (tls_cert_read(peer->der, &cert) != 0 || tls_cert_each_attribute(cert.subject, on_attribute, &s) != 0)
        return (struct tls_subject_value){.odd = true};
    if (s.found.n != 1 || s.found.odd)
        s.found.value = span_of(NULL, 0);
    return s.found;
}

static int find_odd(void *ctx, struct span oid, const struct tls_der *value)
{
    bool *odd = ctx;
    (void)oid;
    *odd = *odd || !tls_dn_is_text(value) || tls_dn_has_controls(value->value);
    return 0;
}

bool tls_subject_is_odd(const struct tls_peer *peer)
{
    bool odd = false;
    struct tls_cert cert;
    return tls_cert_read(peer->der, &cert) != 0 || tls_cert_each_attribute(cert.subject, find_odd, &odd) != 0 || odd;
}
