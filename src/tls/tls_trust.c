/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_trust.h"

#include "mtlsd/base/pin.h"
#include "mtlsd/base/spiffe.h"
#include "mtlsd/base/text.h"
#include "tls_crl_set.h"
#include "tls_dn.h"
#include "tls_internal.h"
#include "tls_signature_cache.h"
#include "tls_pem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_DEPTH = 8,
    DEFAULT_MIN_RSA_BITS = 2048,
    MAX_HINTED_CAS = 100, /* keeps CertificateRequest well under the 16 KiB that small clients take */
};

struct tls_trust {
    atomic_uint refs;
    char *name;
    struct tls_anchor *anchors;
    size_t n_anchors;
    struct tls_crl_set crls; /* the one thing that can be replaced */
    struct tls_trust_rules rules;
    struct tls_signature_cache *signature_cache; /* facts learnt while judging */
    gnutls_certificate_credentials_t credentials[2]; /* of those that connect, and that accept */
};

/* Takes der on success. */
static int add_anchor(struct tls_trust *trust, struct span der, const char *place, struct err *err)
{
    struct tls_anchor *more = realloc(trust->anchors, (trust->n_anchors + 1) * sizeof(*more));
    if (more == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    trust->anchors = more;
    struct tls_anchor *a = &more[trust->n_anchors];
    *a = (struct tls_anchor){0};
    int rc = tls_cert_open(der, &a->cert, &a->crt);
    if (rc == GNUTLS_E_MEMORY_ERROR)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (rc != 0)
        return err_set(err, ERR_CREDENTIAL, "%s: the block that begins here is not a readable certificate", place);
    a->der = (uint8_t *)(uintptr_t)der.ptr;
    trust->n_anchors++;
    return 0;
}

/* Anything in the set is an anchor, so what is not a CA must not get in: a leaf there would be trusted as
 * itself. */
static int check_ca(const struct tls_anchor *a, const char *place, struct err *err)
{
    char subject[160];
    unsigned ca = 0, usage = 0;
    tls_cert_name_text(a->cert.subject, subject, sizeof(subject));
    if (gnutls_x509_crt_get_basic_constraints(a->crt, NULL, &ca, NULL) < 0 || ca == 0)
        return err_set(err, ERR_CREDENTIAL,
                       "%s: certificate %s is not a CA certificate (no basicConstraints CA:TRUE). Give the certificate of its CA, and use allow or pins to accept "
                       "only this one", place,
                       subject);
    if (gnutls_x509_crt_get_key_usage(a->crt, &usage, NULL) >= 0 && (usage & GNUTLS_KEY_KEY_CERT_SIGN) == 0)
        return err_set(err, ERR_CREDENTIAL,
                       "%s: certificate %s may not sign certificates (keyUsage without keyCertSign)", place,
                       subject);
    return 0;
}

static void note_dates(const struct tls_anchor *a, const char *place, int64_t now, struct findings *notes)
{
    char subject[160], when[21];
    tls_cert_name_text(a->cert.subject, subject, sizeof(subject));
    text_utc(when, now > a->cert.not_after ? a->cert.not_after : a->cert.not_before);
    if (now > a->cert.not_after)
        findings_add(notes, FINDING_WARNING, place,
                     "CA certificate %s expired %s; whatever it issued is refused", subject, when);
    else if (now < a->cert.not_before)
        findings_add(notes, FINDING_WARNING, place, "CA certificate %s is not valid before %s", subject,
                     when);
}

/* Another trust domain may have the same CA. */
static bool is_known(const struct tls_trust *trust, size_t domain, struct span der)
{
    for (size_t i = 0; i < trust->n_anchors; i++)
        if (trust->anchors[i].domain == domain && span_equals(trust->anchors[i].cert.der, der))
            return true;
    return false;
}

struct reading {
    struct tls_trust *trust;
    int64_t now;
    struct findings *notes;
    struct err *err;
    size_t domain; /* of what is read */
};

static int read_ca_block(struct reading *in, const struct tls_pem_reader *r,
                         const struct tls_pem_block *block)
{
    char place[300];
    snprintf(place, sizeof(place), "%s:%zu", r->file, block->line);
    if (!span_equals_str(block->label, "CERTIFICATE") && !span_equals_str(block->label, "X509 CERTIFICATE"))
        return tls_pem_refuse(r, block, "a file of CA certificates", in->err);
    struct span der;
    if (tls_pem_decode(r, block, &der, in->err) != 0)
        return -1;
    if (is_known(in->trust, in->domain, der)) {
        free((void *)(uintptr_t)der.ptr);
        findings_add(in->notes, FINDING_NOTE, place, "this CA certificate is listed twice");
        return 0;
    }
    if (add_anchor(in->trust, der, place, in->err) != 0) {
        free((void *)(uintptr_t)der.ptr);
        return -1;
    }
    struct tls_anchor *added = &in->trust->anchors[in->trust->n_anchors - 1];
    added->domain = in->domain;
    note_dates(added, place, in->now, in->notes);
    return check_ca(added, place, in->err);
}

static int read_ca_file(struct reading *in, const struct tls_file *file)
{
    struct tls_pem_reader r;
    struct tls_pem_block block;
    if (tls_pem_plausible(file->name, file->text, "CA certificates", in->err) != 0)
        return -1;
    tls_pem_start(&r, file->name, file->text);
    int more;
    while ((more = tls_pem_next(&r, &block, in->err)) == 1)
        if (read_ca_block(in, &r, &block) != 0)
            return -1;
    return more;
}

/* The system's store is not ours to mend: what is not a CA in it is left out, not refused. Takes der. */
static void add_system_ca(struct tls_trust *trust, struct span der)
{
    if (add_anchor(trust, der, "", NULL) != 0) {
        free((void *)(uintptr_t)der.ptr);
        return;
    }
    struct tls_anchor *added = &trust->anchors[trust->n_anchors - 1];
    if (check_ca(added, "", NULL) == 0)
        return;
    gnutls_x509_crt_deinit(added->crt);
    free(added->der);
    trust->n_anchors--;
}

static int read_system(struct reading *in)
{
    gnutls_x509_trust_list_t list;
    gnutls_x509_trust_list_iter_t iter = NULL;
    gnutls_x509_crt_t crt;
    int rc = 0;
    if (gnutls_x509_trust_list_init(&list, 0) != 0)
        return err_set(in->err, ERR_MEMORY, "out of memory");
    if (gnutls_x509_trust_list_add_system_trust(list, 0, 0) <= 0)
        rc = err_set(in->err, ERR_CREDENTIAL,
                     "trust %s: the system's CA store is empty or missing (Debian: package ca-certificates)",
                     in->trust->name);
    while (rc == 0 && gnutls_x509_trust_list_iter_get_ca(list, &iter, &crt) == 0) {
        gnutls_datum_t der = {NULL, 0};
        uint8_t *copy = NULL;
        if (gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der) == 0 &&
            (copy = malloc(der.size)) != NULL) {
            memcpy(copy, der.data, der.size);
            add_system_ca(in->trust, span_of(copy, der.size));
        }
        gnutls_free(der.data);
        gnutls_x509_crt_deinit(crt);
    }
    gnutls_x509_trust_list_iter_deinit(iter);
    gnutls_x509_trust_list_deinit(list, 1);
    return rc;
}

/* A trust domain without a bundle is no fault of the configuration, and the others go on. Its certificates are refused. */
static int read_bundles(struct reading *in, const struct tls_trust_spec *spec)
{
    for (in->domain = 0; in->domain < spec->n_bundles; in->domain++) {
        const struct tls_bundle *bundle = &spec->bundles[in->domain];
        if (bundle->ca.text.len == 0)
            findings_add(in->notes, FINDING_WARNING, bundle->ca.name, "trust %s: there is no bundle of trust domain %s, so its certificates are refused", spec->name,
                         bundle->domain);
        else if (read_ca_file(in, &bundle->ca) != 0)
            return -1;
    }
    return 0;
}

static int read_anchors(struct reading *in, const struct tls_trust_spec *spec)
{
    if (spec->n_bundles > 0)
        return read_bundles(in, spec);
    if (spec->system && read_system(in) != 0)
        return -1;
    for (size_t i = 0; !spec->system && i < spec->n_ca; i++) {
        size_t before = in->trust->n_anchors;
        if (read_ca_file(in, &spec->ca[i]) != 0)
            return -1;
        if (in->trust->n_anchors == 0)
            return err_set(in->err, ERR_CREDENTIAL, "%s: no CA certificate in it", spec->ca[i].name);
        if (in->trust->n_anchors == before)
            findings_add(in->notes, FINDING_NOTE, spec->ca[i].name,
                         "adds no CA certificate that is not already listed");
    }
    if (in->trust->n_anchors == 0)
        return err_set(in->err, ERR_CREDENTIAL, "trust %s: no CA certificate; no peer could be verified",
                       spec->name);
    return 0;
}

/* NULL + err: the first file that is not whole or not genuine. */
static struct tls_crl_index *read_crls(struct reading *in, const struct tls_trust_lists *lists)
{
    struct tls_crl_index *index = tls_crl_index_new();
    if (index == NULL)
        (void)err_set(in->err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; index != NULL && i < lists->n; i++) {
        struct tls_crl_source source = {&lists->files[i], in->trust->anchors, in->trust->n_anchors, in->now, i >= lists->n - lists->n_fetched};
        if (tls_crl_add(index, &source, in->notes, in->err) != 0) {
            tls_crl_index_free(index);
            index = NULL;
        }
    }
    return index;
}

static int keep_domain(struct tls_trust_rules *rules, const char *domain, struct err *err)
{
    if (!spiffe_is_domain(span_from_str(domain)))
        return err_set(err, ERR_CONFIG, "\"%.80s\" is not a SPIFFE trust domain", domain);
    for (size_t i = 0; i < rules->n_domains; i++)
        if (strcmp(rules->domains[i], domain) == 0)
            return err_set(err, ERR_CONFIG, "trust domain %s is given twice", domain);
    rules->domains[rules->n_domains] = span_dup(span_from_str(domain));
    if (rules->domains[rules->n_domains] == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    rules->n_domains++;
    return 0;
}

static int keep_domains(struct tls_trust_rules *rules, const struct tls_trust_spec *spec, struct err *err)
{
    int rc = 0;
    if (spec->n_bundles == 0 && spec->spiffe_domain == NULL)
        return 0;
    rules->domains = calloc(spec->n_bundles + 1, sizeof(*rules->domains));
    rules->withdrawn = calloc(spec->n_bundles + 1, sizeof(*rules->withdrawn));
    if (rules->domains == NULL || rules->withdrawn == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (spec->n_bundles == 0)
        return keep_domain(rules, spec->spiffe_domain, err);
    for (size_t i = 0; rc == 0 && i < spec->n_bundles; i++)
        rc = keep_domain(rules, spec->bundles[i].domain, err);
    return rc;
}

static int keep_pins(struct tls_trust_rules *rules, const struct tls_trust_spec *spec, struct err *err)
{
    rules->pins = spec->n_pins > 0 ? calloc(spec->n_pins, sizeof(*rules->pins)) : NULL;
    if (rules->pins == NULL && spec->n_pins > 0)
        return err_set(err, ERR_MEMORY, "out of memory");
    rules->n_pins = spec->n_pins;
    for (size_t i = 0; i < spec->n_pins; i++) {
        unsigned char pin[PIN_SIZE];
        if (pin_parse(spec->pins[i], pin, err) != 0)
            return -1;
        text_hex(rules->pins[i], span_of(pin, sizeof(pin)));
    }
    return 0;
}

static int keep_ocsp(struct tls_ocsp_rules *rules, const struct tls_ocsp_rules *spec, struct err *err)
{
    char **hosts = spec->mode != TLS_OCSP_OFF && spec->n_hosts > 0 ? calloc(spec->n_hosts, sizeof(*hosts)) : NULL;
    if (spec->mode == TLS_OCSP_OFF)
        return 0;
    *rules = (struct tls_ocsp_rules){.mode = spec->mode, .hosts = (const char *const *)hosts, .timeout_ms = spec->timeout_ms};
    rules->store = spec->store != NULL ? tls_ocsp_store_ref(spec->store) : NULL;
    rules->responder = spec->responder != NULL ? span_dup(span_from_str(spec->responder)) : NULL;
    bool kept = (rules->responder != NULL || spec->responder == NULL) && (hosts != NULL || spec->n_hosts == 0);
    for (; kept && rules->n_hosts < spec->n_hosts; rules->n_hosts++)
        if ((hosts[rules->n_hosts] = span_dup(span_from_str(spec->hosts[rules->n_hosts]))) == NULL)
            break;
    return kept && rules->n_hosts == spec->n_hosts ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

static void forget_ocsp(struct tls_ocsp_rules *rules)
{
    for (size_t i = 0; i < rules->n_hosts; i++)
        free((char *)(uintptr_t)rules->hosts[i]);
    free((void *)(uintptr_t)rules->hosts);
    free((char *)(uintptr_t)rules->responder);
    tls_ocsp_store_unref(rules->store);
}

struct tls_trust *tls_trust_new(const struct tls_trust_spec *spec, int64_t now, struct findings *notes,
                                struct err *err)
{
    struct tls_trust *trust = calloc(1, sizeof(*trust));
    if (trust == NULL) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    atomic_init(&trust->refs, 1);
    trust->rules = (struct tls_trust_rules){
        .crl_required = spec->crl_required && (spec->n_crl > 0 || spec->crl_fetched),
        .crl_grace = spec->crl_grace,
        .depth = spec->depth > 0 ? spec->depth : DEFAULT_DEPTH,
        .min_rsa_bits = spec->min_rsa_bits > 0 ? spec->min_rsa_bits : DEFAULT_MIN_RSA_BITS,
        .purpose_may_be_absent = spec->purpose_may_be_absent,
    };
    struct reading in = {trust, now, notes, err, 0};
    trust->name = span_dup(span_from_str(spec->name));
    if (spec->registry != NULL) {
        trust->rules.registry = tls_registry_ref(spec->registry);
        trust->rules.registry_deny_listed = spec->registry_deny_listed;
        trust->rules.registry_staleness = spec->registry_staleness;
    }
    trust->signature_cache = calloc(1, sizeof(*trust->signature_cache));
    if (trust->name == NULL || trust->signature_cache == NULL) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        goto fail;
    }
    if (keep_domains(&trust->rules, spec, err) != 0 || keep_pins(&trust->rules, spec, err) != 0 || keep_ocsp(&trust->rules.ocsp, &spec->ocsp, err) != 0 ||
        read_anchors(&in, spec) != 0)
        goto fail;
    struct tls_crl_index *crls = read_crls(&in, &(struct tls_trust_lists){.files = spec->crl, .n = spec->n_crl});
    if (crls == NULL)
        goto fail;
    if (tls_crl_set_init(&trust->crls, crls) == 0)
        return trust;
    tls_crl_index_free(crls);
    (void)err_set(err, ERR_MEMORY, "out of memory");
fail:
    tls_trust_unref(trust);
    return NULL;
}

int tls_trust_replace_lists(struct tls_trust *trust, const struct tls_trust_lists *lists, int64_t now, struct findings *notes, struct err *err)
{
    struct reading in = {trust, now, notes, err, 0};
    struct tls_crl_index *fresh = read_crls(&in, lists);
    if (fresh == NULL)
        return -1;
    struct tls_crl_held *old = tls_crl_set_take(&trust->crls);
    int rc = tls_crl_check_succession(old->index, fresh, err);
    bool same = rc == 0 && tls_crl_same(old->index, fresh);
    tls_crl_set_give(old);
    if (rc == 0 && !same && tls_crl_set_replace(&trust->crls, fresh) == 0)
        return 1;
    tls_crl_index_free(fresh);
    if (rc == 0 && !same)
        return err_set(err, ERR_MEMORY, "out of memory");
    return rc;
}

struct tls_trust *tls_trust_ref(struct tls_trust *trust)
{
    atomic_fetch_add_explicit(&trust->refs, 1, memory_order_relaxed);
    return trust;
}

void tls_trust_unref(struct tls_trust *trust)
{
    if (trust == NULL || atomic_fetch_sub_explicit(&trust->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < trust->n_anchors; i++) {
        gnutls_x509_crt_deinit(trust->anchors[i].crt);
        free(trust->anchors[i].der);
    }
    free(trust->anchors);
    tls_crl_set_clear(&trust->crls);
    if (trust->signature_cache != NULL)
        tls_signature_cache_clear(trust->signature_cache);
    free(trust->signature_cache);
    for (size_t i = 0; i < 2; i++)
        if (trust->credentials[i] != NULL)
            gnutls_certificate_free_credentials(trust->credentials[i]);
    free(trust->rules.pins);
    for (size_t i = 0; i < trust->rules.n_domains; i++)
        free(trust->rules.domains[i]);
    free(trust->rules.domains);
    free(trust->rules.withdrawn);
    tls_registry_unref(trust->rules.registry);
    forget_ocsp(&trust->rules.ocsp);
    free(trust->name);
    free(trust);
}

int64_t tls_trust_crl_ends(const struct tls_trust *trust, const char *file)
{
    struct tls_crl_held *held = tls_crl_set_take(tls_trust_crls(trust));
    int64_t end = tls_crl_ends(held->index, file);
    tls_crl_set_give(held);
    return end;
}

void tls_trust_facts(const struct tls_trust *trust, struct tls_trust_facts *out)
{
    struct tls_crl_totals crls;
    struct tls_crl_held *held = tls_crl_set_take(tls_trust_crls(trust));
    tls_crl_totals(held->index, &crls);
    tls_crl_set_give(held);
    *out = (struct tls_trust_facts){
        .name = trust->name,
        .n_ca = trust->n_anchors,
        .n_crl = crls.lists,
        .n_revoked = crls.revoked,
        .first_next_update = crls.first_next_update,
        .generation = tls_crl_set_generation(&trust->crls) + (trust->rules.registry != NULL ? tls_registry_withdrawals(trust->rules.registry) : 0),
    };
    for (size_t i = 0; i < trust->n_anchors; i++) {
        int64_t end = trust->anchors[i].cert.not_after;
        if (out->first_not_after == 0 || end < out->first_not_after)
            out->first_not_after = end;
    }
}

bool tls_trust_ca(const struct tls_trust *trust, size_t i, struct tls_trust_ca *out)
{
    if (i >= trust->n_anchors)
        return false;
    const struct tls_anchor *anchor = &trust->anchors[i];
    struct tls_crl_coverage coverage = {0};
    struct tls_crl_held *held = tls_crl_set_take(tls_trust_crls(trust));
    *out = (struct tls_trust_ca){.not_before = anchor->cert.not_before, .not_after = anchor->cert.not_after, .covered = tls_crl_covers(held->index, anchor, &coverage)};
    out->this_update = coverage.this_update;
    out->next_update = coverage.next_update;
    out->n_revoked = coverage.revoked;
    tls_crl_set_give(held);
    out->domain = trust->rules.n_domains > 0 ? trust->rules.domains[anchor->domain] : NULL;
    tls_cert_name_text(anchor->cert.subject, out->name, sizeof(out->name));
    return true;
}

bool tls_trust_withdraw(struct tls_trust *trust, const char *domain)
{
    for (size_t i = 0; i < trust->rules.n_domains; i++)
        if (strcmp(trust->rules.domains[i], domain) == 0 && !atomic_exchange(&trust->rules.withdrawn[i], true)) {
            tls_crl_set_touch(&trust->crls);
            return true;
        }
    return false;
}

const char *tls_trust_domain(const struct tls_trust *trust, size_t i, size_t *n_ca)
{
    *n_ca = 0;
    if (i >= trust->rules.n_domains)
        return NULL;
    for (size_t k = 0; k < trust->n_anchors; k++)
        *n_ca += trust->anchors[k].domain == i;
    return trust->rules.domains[i];
}

bool tls_trust_ca_subject(const struct tls_trust *trust, size_t i, char *out, size_t out_size, size_t *length)
{
    if (i >= trust->n_anchors)
        return false;
    *length = tls_dn_text(trust->anchors[i].cert.subject, out, out_size);
    return true;
}

size_t tls_trust_n_anchors(const struct tls_trust *trust)
{
    return trust->n_anchors;
}

const struct tls_anchor *tls_trust_anchor(const struct tls_trust *trust, size_t i)
{
    return &trust->anchors[i];
}

struct tls_crl_set *tls_trust_crls(const struct tls_trust *trust)
{
    return (struct tls_crl_set *)(uintptr_t)&trust->crls; /* taking a reference changes a count, not the trust */
}

const struct tls_trust_rules *tls_trust_rules(const struct tls_trust *trust)
{
    return &trust->rules;
}

struct tls_signature_cache *tls_trust_signature_cache(const struct tls_trust *trust)
{
    return trust->signature_cache;
}

gnutls_certificate_credentials_t *tls_trust_credentials(struct tls_trust *trust, bool accepting)
{
    return &trust->credentials[accepting ? 1 : 0];
}

int tls_trust_hint_cas(const struct tls_trust *trust, gnutls_certificate_credentials_t credentials)
{
    if (trust->n_anchors > MAX_HINTED_CAS)
        return 0;
    for (size_t i = 0; i < trust->n_anchors; i++) {
        int rc = gnutls_certificate_set_x509_trust(credentials, &trust->anchors[i].crt, 1);
        if (rc < 0)
            return rc;
    }
    return 0;
}
