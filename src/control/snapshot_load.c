/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot_load.h"
#include "mtlsd/base/spiffe.h"
#include "snapshot_read.h"

#include "mtlsd/control/crl_cache.h"
#include "mtlsd/control/fallback.h"
#include "mtlsd/control/file_set.h"
#include "mtlsd/control/identity_files.h"
#include "mtlsd/policy/required_header.h"
#include "mtlsd/tls/tls_intercept.h"

#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_DEFAULT = 8,
    RSA_DEFAULT = 2048,
    PAGE_MAX = 256 * 1024,
    HOSTS_MAX = 256 * 1024,
};

/* A file with a private key, intended or by mistake. A missing key is reported where it is needed. */
static int judge_key_file(const struct loader *l, const struct snapshot_subject *s, const char *path, const struct identity_file *f)
{
    if (f->facts.is_folder)
        return snapshot_read_complain(l, s, path, "is a folder; name a file");
    if (f->failed)
        return snapshot_read_unreadable(l, s, path, &f->err);
    if (f->empty)
        return snapshot_read_complain(l, s, path, f->has_key ? "is empty; it must hold PKCS#12" : "is empty; it must hold PEM text (-----BEGIN ...)");
    return f->has_key ? snapshot_read_access(l, s, path, FILE_USE_KEY, &f->facts.access) : 0;
}

static int judge_passphrase_file(const struct loader *l, const struct snapshot_subject *s, const char *path, const struct identity_file *f)
{
    if (f->facts.is_folder)
        return snapshot_read_complain(l, s, path, "is a folder; name a file");
    return f->failed ? snapshot_read_unreadable(l, s, path, &f->err) : snapshot_read_access(l, s, path, FILE_USE_SECRET, &f->facts.access);
}

/* Some words of the tls room begin with the subject already; then it is not said twice. */
static void complain_loading(const struct loader *l, const struct snapshot_subject *s, const struct err *err)
{
    size_t n = strlen(s->kind);
    if (strncmp(err->text, s->kind, n) == 0 && err->text[n] == ' ')
        findings_add(l->findings, FINDING_ERROR, s->where, "%s", err->text);
    else
        findings_add(l->findings, FINDING_ERROR, s->where, "%s \"%s\": %s", s->kind, s->name, err->text);
}

static void note_kind(const struct loader *l, const struct snapshot_subject *s, const struct tls_identity *id)
{
    struct tls_identity_facts facts;
    tls_identity_facts(id, &facts);
    if (facts.key_kind != NULL && strncmp(facts.key_kind, "RSA", 3) == 0)
        findings_add(l->findings, FINDING_NOTE, s->where,
                     "identity \"%s\": signing with %s costs each handshake several milliseconds; an ECDSA P-256 key is ten times quicker",
                     s->name, facts.key_kind);
}

static struct tls_identity *make_identity(const struct loader *l, const struct snapshot_subject *s, const struct tls_identity_spec *spec)
{
    struct err err = {0};
    struct tls_identity *id = tls_identity_new(spec, l->now, l->findings, &err);
    if (id == NULL)
        complain_loading(l, s, &err);
    else
        note_kind(l, s, id);
    return id;
}

static int read_identity(const struct loader *l, const struct snapshot_subject *s, const struct identity_order *order, struct identity_files *out)
{
    const struct identity_source *elsewhere = l->files->identities;
    struct err err = {0};
    if (elsewhere == NULL)
        identity_files_read(l->files, order, l->key_memory, out);
    else if (elsewhere->read(l->set, order, out, &err) != 0)
        return snapshot_read_unreadable(l, s, order->key, &err);
    return 0;
}

static int judge_files(const struct loader *l, const struct snapshot_subject *s, const struct identity_order *order, const struct identity_files *f)
{
    int rc = judge_key_file(l, s, order->key, &f->key);
    if (order->certificate != NULL)
        rc |= judge_key_file(l, s, order->certificate, &f->certificate);
    if (order->chain != NULL)
        rc |= judge_key_file(l, s, order->chain, &f->chain);
    if (order->passphrase != NULL)
        rc |= judge_passphrase_file(l, s, order->passphrase, &f->passphrase);
    return rc;
}

static struct tls_identity *join_identity(const struct loader *l, const struct snapshot_subject *s, const struct identity_order *order, const struct identity_files *f)
{
    bool bundle = order->certificate == NULL;
    const struct tls_identity_spec spec = {
        .name = order->name,
        .certificate = bytes_span(bundle ? &f->key.text : &f->certificate.text),
        .certificate_file = bundle ? order->key : order->certificate,
        .key_file = bundle ? NULL : order->key,
        .chain = bytes_span(&f->chain.text),
        .chain_file = order->chain,
        .signing_key = f->signing_key,
        .key_fault = &f->fault,
    };
    if (!order->pkcs12 || f->signing_key != NULL)
        return make_identity(l, s, &spec);
    complain_loading(l, s, &f->fault); /* there is no certificate without the key */
    return NULL;
}

/* Takes id, which an upstream refused when it was in use. */
static struct tls_identity *or_before(const struct loader *l, const struct snapshot_subject *s, struct tls_identity *id)
{
    struct tls_identity *before = fallback_use_find(l->files->instead, id);
    if (before == NULL)
        return id;
    findings_add(l->findings, FINDING_NOTE, s->where, "identity \"%s\": an upstream refused the certificate in its files: the one before it is used", s->name);
    tls_identity_unref(id);
    return tls_identity_ref(before);
}

/* Everything else of the configuration still changes with the agent. NULL: there is none to keep. */
static struct tls_identity *keep_withdrawn(const struct loader *l, const struct config_identity *conf)
{
    const struct snapshot *before = l->files->before;
    for (size_t i = 0; before != NULL && i < before->config->n_identities; i++) {
        const struct snapshot_identity *id = &before->identities[i];
        if (strcmp(id->conf->name, conf->name) != 0 || id->conf->bundle == NULL || strcmp(id->conf->bundle, conf->bundle) != 0)
            continue;
        tls_identity_withdraw(id->tls);
        findings_add(l->findings, FINDING_WARNING, conf->where, "identity \"%s\": the SPIFFE agent does not give its SVID any more: it is not presented", conf->name);
        return tls_identity_ref(id->tls);
    }
    return NULL;
}

/* Takes id. */
static struct tls_identity *or_renewed(const struct loader *l, struct tls_identity *id)
{
    const struct renewal_use *use = l->files->renewed;
    if (use == NULL || !span_equals(tls_identity_der(id, 0), tls_identity_der(use->current, 0)))
        return id;
    tls_identity_unref(id);
    return tls_identity_ref(use->fresh);
}

struct tls_identity *snapshot_load_identity(const struct loader *l, const struct config_identity *conf)
{
    struct snapshot_subject s = {"identity", conf->name, conf->where};
    const char *packed = conf->bundle != NULL ? conf->bundle : conf->pkcs12;
    const struct identity_order order = {
        .name = conf->name,
        .key = packed != NULL ? packed : conf->key,
        .certificate = packed != NULL ? NULL : conf->certificate,
        .chain = conf->chain,
        .passphrase = conf->pin_file != NULL ? conf->pin_file : conf->passphrase_file,
        .pkcs12 = conf->pkcs12 != NULL,
    };
    struct tls_identity *id = NULL;
    struct identity_files f;
    if (read_identity(l, &s, &order, &f) != 0)
        return NULL;
    bool gone = f.key.failed && f.key.err.kind == ERR_CREDENTIAL && spiffe_is_source(order.key);
    if (gone && (id = keep_withdrawn(l, conf)) != NULL)
        return identity_files_clear(&f), id;
    if (judge_files(l, &s, &order, &f) == 0)
        id = join_identity(l, &s, &order, &f);
    identity_files_clear(&f);
    return id != NULL ? or_renewed(l, or_before(l, &s, id)) : NULL;
}

static struct tls_trust *make_trust(const struct loader *l, const struct snapshot_subject *s, const struct tls_trust_spec *spec)
{
    struct err err = {0};
    struct tls_trust *trust = tls_trust_new(spec, l->now, l->findings, &err);
    if (trust == NULL)
        complain_loading(l, s, &err);
    return trust;
}

static int64_t registry_staleness(const struct loader *l, const struct config_trust *conf)
{
    return (int64_t)(config_find_registry(l->config, conf->registry)->max_staleness_ms / 1000);
}

void snapshot_load_registry(const struct loader *l, const struct config_registry *conf, struct snapshot_registry *out)
{
    const struct registry_source *from = l->files->registries;
    *out = (struct snapshot_registry){.conf = conf};
    out->rows = from != NULL ? from->get(from->ctx, conf, l->findings) : tls_registry_new(conf->name);
    if (from == NULL && out->rows == NULL)
        l->findings->out_of_memory = 1;
    if (from != NULL && conf->sessions)
        out->sessions = from->sessions(from->ctx, conf, l->findings);
}

/* One for each trust domain, in their order. NULL: out of memory. */
static struct tls_bundle *bundles_of(const struct config_trust *conf, const struct tls_file *texts)
{
    struct tls_bundle *bundles = calloc(conf->spiffe_domains.n, sizeof(*bundles));
    for (size_t i = 0; bundles != NULL && i < conf->spiffe_domains.n; i++)
        bundles[i] = (struct tls_bundle){conf->spiffe_domains.items[i], texts[i]};
    return bundles;
}

static struct tls_trust *make_trust_from(const struct loader *l, const struct config_trust *conf, const struct file_set *ca,
                                         const struct file_set *crl, struct tls_registry *rows)
{
    struct snapshot_subject s = {"trust", conf->name, conf->where};
    bool by_domain = conf->source == CONFIG_SOURCE_SPIFFE;
    struct tls_file *ca_files = file_set_borrow(ca);
    struct tls_bundle *bundles = by_domain && ca_files != NULL ? bundles_of(conf, ca_files) : NULL;
    struct tls_trust_spec spec = {
        .name = conf->name,
        .ca = ca_files,
        .n_ca = by_domain ? 0 : ca->n,
        .bundles = bundles,
        .n_bundles = by_domain ? ca->n : 0,
        .system = strcmp(conf->ca, "system") == 0,
        .crl = file_set_borrow(crl),
        .n_crl = crl->n,
        .crl_required = conf->crl_policy == CONFIG_CRL_REQUIRE && (crl->n > 0 || conf->crl_fetch),
        .crl_fetched = conf->crl_fetch,
        .crl_grace = (int64_t)(conf->crl_grace_ms / 1000),
        .depth = conf->depth,
        .min_rsa_bits = conf->min_rsa_bits,
        .purpose_may_be_absent = conf->insecure_no_purpose,
        .pins = (const char *const *)conf->pins.items,
        .n_pins = conf->pins.n,
        .spiffe_domain = by_domain || conf->spiffe_domains.n == 0 ? NULL : conf->spiffe_domains.items[0],
        .ocsp = {(enum tls_ocsp_mode)conf->ocsp, l->files->ocsp, conf->ocsp_responder, (const char *const *)conf->ocsp_hosts.items, conf->ocsp_hosts.n,
                 (unsigned)conf->ocsp_timeout_ms},
        .registry = rows,
        .registry_deny_listed = conf->registry_mode == CONFIG_REGISTRY_DENY_LISTED,
        .registry_staleness = rows != NULL ? registry_staleness(l, conf) : 0,
    };
    struct tls_trust *trust = NULL;
    if (spec.ca != NULL && spec.crl != NULL && (bundles != NULL || !by_domain))
        trust = make_trust(l, &s, &spec);
    else
        findings_add(l->findings, FINDING_ERROR, s.where, "trust \"%s\": out of memory", s.name);
    free(ca_files);
    free(bundles);
    free((void *)spec.crl);
    return trust;
}

/* A list is required of each issuer, and some have none. */
static void warn_of_gaps(const struct loader *l, const struct snapshot_subject *s, const struct tls_trust *trust)
{
    struct tls_trust_ca ca;
    for (size_t i = 0; tls_trust_ca(trust, i, &ca); i++)
        if (!ca.covered)
            findings_add(l->findings, FINDING_WARNING, s->where,
                         "trust \"%s\": crl holds no revocation list of CA %s, so each certificate it issued is refused (crl_missing): add its list (its CA "
                         "makes one with openssl ca -gencrl), or set crl_policy = \"prefer\"",
                         s->name, ca.name);
}

struct tls_trust *snapshot_load_trust(const struct loader *l, const struct config_trust *conf, struct tls_registry *rows)
{
    struct snapshot_subject s = {"trust", conf->name, conf->where};
    struct file_set ca = {0}, crl = {0};
    struct tls_trust *trust = NULL;
    int rc = 0;
    if (conf->source == CONFIG_SOURCE_SPIFFE)
        rc = snapshot_read_bundles(l, &s, &conf->spiffe_domains, &ca);
    else if (strcmp(conf->ca, "system") != 0)
        rc = snapshot_read_ca(l, &s, conf->ca, &ca);
    rc |= snapshot_read_crls(l, &s, &conf->crl, &crl);
    for (size_t i = 0; i < crl.n; i++) /* not each time they are read again */
        rc |= snapshot_read_access(l, &s, crl.items[i].path, FILE_USE_CRL, &crl.items[i].access);
    if (rc == 0)
        trust = make_trust_from(l, conf, &ca, &crl, rows);
    if (trust != NULL && conf->crl.n > 0 && !conf->crl_fetch && conf->crl_policy == CONFIG_CRL_REQUIRE)
        warn_of_gaps(l, &s, trust);
    file_set_clear(&ca);
    file_set_clear(&crl);
    return trust;
}

/* The clients that each address has are counted too, but for the new one. */
static int read_fetched(const struct loader *l, const struct snapshot_trust *t, size_t newcomer, struct file_set *set)
{
    for (size_t i = 0; i < t->n_urls; i++) {
        if (i == newcomer || !atomic_load(&t->urls[i].held))
            continue;
        struct file_set_item *f = file_set_add(set, "", t->urls[i].url);
        if (f == NULL || crl_cache_get(l->files->crl_cache, t->conf->name, t->urls[i].url, &f->text) != 0)
            return -1;
        if (f->text.len == 0)
            file_set_drop_last(set);
    }
    return 0;
}

int snapshot_load_crls_with(const struct loader *l, const struct snapshot_trust *t, size_t newcomer, struct span list, struct err *err)
{
    struct snapshot_subject s = {"trust", t->conf->name, t->conf->where};
    struct file_set set = {0};
    struct tls_file *files = NULL;
    int rc = -1;
    if (snapshot_read_crls(l, &s, &t->conf->crl, &set) != 0)
        (void)err_set(err, ERR_CREDENTIAL, "trust %s: a file beside it cannot be read", t->conf->name);
    else if (read_fetched(l, t, newcomer, &set) != 0 || (files = file_set_borrow(&set)) == NULL)
        (void)err_set(err, ERR_MEMORY, "out of memory");
    else {
        size_t n = set.n;
        if (newcomer < t->n_urls) /* borrow leaves room for one */
            files[n++] = (struct tls_file){t->urls[newcomer].url, list};
        rc = tls_trust_replace_lists(t->tls, &(struct tls_trust_lists){files, n, n - t->conf->crl.n}, l->now, l->findings, err);
    }
    free(files);
    file_set_clear(&set);
    return rc;
}

bool snapshot_load_crls_again(const struct loader *l, const struct snapshot_trust *t)
{
    struct snapshot_subject s = {"trust", t->conf->name, t->conf->where};
    struct err err = {0};
    size_t before = l->findings->errors;
    int rc = snapshot_load_crls_with(l, t, t->n_urls, span_of(NULL, 0), &err);
    if (rc < 0 && l->findings->errors == before)
        complain_loading(l, &s, &err);
    return rc == 1;
}

struct tls_trust *snapshot_load_system_trust(const struct loader *l, const char *where)
{
    struct snapshot_subject s = {"trust", "system", where};
    struct tls_trust_spec spec = {.name = "system", .system = true, .depth = DEPTH_DEFAULT, .min_rsa_bits = RSA_DEFAULT};
    return make_trust(l, &s, &spec);
}

/* Of all routes with an upstream, one a line. */
static int hosts_of_routes(const struct config_listener *l, struct bytes *out)
{
    int rc = 0;
    bytes_init(out, HOSTS_MAX);
    for (size_t i = 0; i < l->n_routes; i++)
        for (size_t k = 0; k < l->routes[i].host.n && l->routes[i].upstream != NULL; k++)
            rc |= bytes_append_str(out, l->routes[i].host.items[k]) | bytes_append_str(out, "\n");
    return rc | bytes_append(out, "", 1);
}

static struct tls_intercept *read_intercept(const struct loader *l, const struct snapshot_subject *s, const struct identity_order *order)
{
    struct identity_files files = {0};
    struct tls_intercept *t = NULL;
    if (read_identity(l, s, order, &files) != 0)
        return NULL;
    if (judge_files(l, s, order, &files) == 0) {
        if (files.signing_key == NULL)
            findings_add(l->findings, FINDING_ERROR, s->where, "forward_proxy.intercept of listener \"%s\": %s", s->name, files.fault.text);
        else if ((t = tls_intercept_new(files.signing_key, span_from_str(order->hosts), bytes_span(&files.certificate.text))) == NULL)
            l->findings->out_of_memory = 1;
    }
    identity_files_clear(&files);
    return t;
}

struct tls_intercept *snapshot_load_intercept(const struct loader *l, const struct config_listener *listener)
{
    const struct config_forward_proxy *conf = &listener->forward_proxy;
    const struct snapshot_subject s = {"listener", listener->name, listener->where};
    struct bytes hosts;
    struct tls_intercept *t = NULL;
    if (hosts_of_routes(listener, &hosts) == 0) {
        const struct identity_order order = {
            .name = listener->name, .key = conf->intercept_key, .certificate = conf->intercept_ca, .hosts = (const char *)bytes_span(&hosts).ptr, .now = l->now};
        t = read_intercept(l, &s, &order);
    } else {
        l->findings->out_of_memory = 1;
    }
    bytes_clear(&hosts);
    return t;
}

int snapshot_load_required(const struct loader *l, const struct config_listener *listener, struct required_header *out)
{
    struct snapshot_subject s = {"listener", listener->name, listener->where};
    const char *path = listener->required_header_file;
    struct err err = {0};
    struct file_facts facts = {0};
    struct bytes text;
    int rc = l->files->read(l->files->ctx, path, &text, &facts, &err);
    if (rc != 0)
        return snapshot_read_unreadable(l, &s, path, &err);
    out->name = listener->required_header;
    if (facts.is_folder)
        rc = snapshot_read_complain(l, &s, path, "is a folder; name a file");
    else if (snapshot_read_access(l, &s, path, FILE_USE_SECRET, &facts.access) != 0)
        rc = -1;
    else if (required_header_read(out, bytes_span(&text), &err) != 0)
        rc = snapshot_read_complain(l, &s, path, err.text);
    bytes_wipe(&text);
    return rc;
}

int snapshot_load_page(const struct loader *l, const struct config_route *route, struct bytes *out)
{
    struct snapshot_subject s = {"route", "respond.file", route->where};
    struct err err = {0};
    struct file_facts facts = {0};
    const char *why = NULL;
    int rc = l->files->read(l->files->ctx, route->respond_file, out, &facts, &err);
    struct span text = bytes_span(out);
    if (facts.is_folder)
        why = "is a folder; name a file";
    else if (rc != 0)
        return snapshot_read_unreadable(l, &s, route->respond_file, &err);
    else if (out->len == 0)
        why = "is empty; leave respond.file out for an answer without a text";
    else if (out->len > PAGE_MAX)
        why = "is larger than 256 KiB; serve it from an upstream";
    else if (memmem(text.ptr, text.len, "PRIVATE KEY-----", 16) != NULL)
        why = "holds a private key, which would be sent to clients";
    if (why == NULL)
        return 0;
    bytes_clear(out);
    return snapshot_read_complain(l, &s, route->respond_file, why);
}
