/* SPDX-License-Identifier: Apache-2.0 */
#include "config_check.h"
#include "config_serve.h"

#include "config_complete.h"
#include "config_credential.h"
#include "config_names.h"
#include "config_registry.h"
#include "config_spiffe.h"
#include "mtlsd/base/url.h"

#include <string.h>

enum { CRL_URLS_MAX = 64 };

/* Says why these files are not a certificate and a key; NULL: they are. */
static const char *identity_fault(const struct config_identity *id)
{
    bool apart = id->certificate != NULL || id->key != NULL;
    if ((id->bundle != NULL) + (id->pkcs12 != NULL) + apart > 1)
        return id->pkcs12 != NULL ? "pkcs12 holds certificate and key in one file: give either pkcs12, or bundle, or certificate and key"
                                  : "bundle holds certificate and key in one file: give either bundle, or certificate and key";
    if (id->bundle != NULL || id->pkcs12 != NULL)
        return NULL;
    if (!apart)
        return "give bundle = \"FILE\" with certificate, chain and key, or certificate and key, or pkcs12";
    if (id->key == NULL)
        return "key is missing: give the file of the private key, or bundle when one file holds both";
    return id->certificate == NULL ? "certificate is missing: give the file of the certificate, or bundle when one file holds both" : NULL;
}

static void check_identity(const struct config_reader *r, const struct config_identity *id, const config_setting_t *at)
{
    if (config_read_is_tainted(at) || config_spiffe_check_identity(r, id, at))
        return;
    const char *fault = identity_fault(id);
    if (fault != NULL)
        config_read_complain(r, FINDING_ERROR, at, "%s", fault);
    else if (id->pin_file != NULL && (id->key == NULL || !config_credential_is_token(id->key)))
        config_read_complain(r, FINDING_ERROR, config_read_at(at, "pin_file", NULL, NULL), "goes with a pkcs11: URI in key: an encrypted file needs passphrase_file");
    else if (id->passphrase_file != NULL && id->key != NULL && config_credential_is_token(id->key))
        config_read_complain(r, FINDING_ERROR, config_read_at(at, "passphrase_file", NULL, NULL), "goes with a file: name the file of the token's PIN in pin_file");
    else if (id->bundle != NULL && id->chain != NULL)
        config_read_complain(r, FINDING_ERROR, config_read_at(at, "chain", NULL, NULL),
                             "goes with certificate and key: add its certificates to the bundle, or give these two instead of bundle");
    else if (id->pkcs12 != NULL && id->chain != NULL)
        config_read_complain(r, FINDING_ERROR, config_read_at(at, "chain", NULL, NULL),
                             "goes with certificate and key: export the PKCS#12 file with its chain, or give these two instead of pkcs12");
    else
        config_check_renew(r, id, at);
}

static void check_crl_urls(const struct config_reader *r, const struct config_trust *t, const config_setting_t *at)
{
    bool given;
    const config_setting_t *key = config_read_at(at, "crl_urls", NULL, &given);
    if (given && !t->crl_fetch)
        config_read_complain(r, FINDING_ERROR, key, "has no effect without crl = \"fetch\"");
    if (t->crl_urls.n > CRL_URLS_MAX)
        config_read_complain(r, FINDING_ERROR, key, "more than %d addresses", CRL_URLS_MAX);
    for (size_t i = 0; i < t->crl_urls.n; i++) {
        const char *url = t->crl_urls.items[i];
        if (strncmp(url, "https://", 8) == 0)
            config_read_complain(r, FINDING_ERROR, key,
                                 "\"%.200s\": use http: lists are signed, and https would need a verified chain before there is a list",
                                 url);
        else if (!url_is_http(span_from_str(url)))
            config_read_complain(r, FINDING_ERROR, key, "\"%.200s\" is not an address of the form http://host/path", url);
    }
}

static void check_ocsp(const struct config_reader *r, const struct config_trust *t, const config_setting_t *at)
{
    static const char *const others[] = {"ocsp_responder", "ocsp_hosts", "ocsp_timeout"};
    bool given;
    if (t->ocsp_responder != NULL && !url_is_http(span_from_str(t->ocsp_responder)))
        config_read_complain(r, FINDING_ERROR, config_read_at(at, "ocsp_responder", NULL, NULL), "\"%.200s\" is not an address of the form http://host/path",
                             t->ocsp_responder);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && t->ocsp == CONFIG_OCSP_OFF; i++) {
        const config_setting_t *key = config_read_at(at, others[i], NULL, &given);
        if (given)
            config_read_complain(r, FINDING_WARNING, key, "has no effect without ocsp");
    }
    const config_setting_t *hosts = config_read_at(at, "ocsp_hosts", NULL, &given);
    if (given && t->ocsp_responder != NULL)
        config_read_complain(r, FINDING_ERROR, hosts, "goes with the responders that certificates name: ocsp_responder names another one");
    for (size_t i = 0; i < t->ocsp_hosts.n; i++)
        if (t->ocsp_hosts.items[i][0] == '\0' || strchr(t->ocsp_hosts.items[i], '/') != NULL)
            config_read_complain(r, FINDING_ERROR, hosts, "\"%.200s\" is not a host: write host or host:port", t->ocsp_hosts.items[i]);
}

static bool verifies_clients(const struct config *c, const struct config_trust *t)
{
    for (size_t i = 0; i < c->n_listeners; i++)
        for (size_t k = 0; k < config_tls_policies(&c->listeners[i].tls); k++) {
            struct config_tls policy = config_tls_policy(&c->listeners[i].tls, k);
            if (policy.trust != NULL && strcmp(policy.trust, t->name) == 0 && policy.client_cert != CONFIG_CLIENT_CERT_NONE)
                return true;
        }
    return false;
}

/* A server staples the answer for its own certificate. */
static void check_ocsp_is_asked(const struct config_reader *r, size_t i)
{
    const struct config_trust *t = &r->config->trusts[i];
    if (t->ocsp != CONFIG_OCSP_OFF && !verifies_clients(r->config, t))
        config_read_complain(r, FINDING_WARNING, config_read_at(config_read_group_at(r, "trusts", i), "ocsp", NULL, NULL),
                             "has no effect: it is about certificates of clients, and no listener verifies clients with this trust: leave it out; "
                             "answers that servers staple are checked without it");
}

static void check_trust(const struct config_reader *r, const struct config_trust *t, const config_setting_t *at)
{
    static const char *const idle[] = {"crl_policy", "crl_grace"};
    if (strcmp(t->name, "system") == 0)
        config_read_complain(r, FINDING_ERROR, at, "this name is built in: choose another one");
    if (!config_read_is_tainted(at)) {
        config_spiffe_check_trust(r, t, at);
        check_crl_urls(r, t, at);
        check_ocsp(r, t, at);
    }
    if (t->insecure_no_purpose)
        config_read_complain(r, FINDING_WARNING, config_read_at(at, "insecure_no_purpose", NULL, NULL),
                             "certificates of these CAs without extendedKeyUsage are accepted, whatever use they were issued for");
    config_names_check(r, CONFIG_NAMES_REGISTRY, t->registry, config_read_at(at, "registry", NULL, NULL));
    if (t->registry == NULL && config_read_given(at, "registry_mode", NULL))
        config_read_complain(r, FINDING_WARNING, config_read_at(at, "registry_mode", NULL, NULL), "has no effect without registry");
    for (size_t i = 0; i < 2 && t->crl.n == 0 && !t->crl_fetch && !config_read_is_tainted(at); i++) {
        bool given;
        const config_setting_t *key = config_read_at(at, idle[i], NULL, &given);
        if (given)
            config_read_complain(r, FINDING_WARNING, key, "has no effect without crl");
    }
}

/* The system allows no listener beside one on an address that includes it, and [::] includes IPv4. */
static bool includes(const struct address *wide, const struct address *narrow)
{
    if (wide->kind != ADDRESS_TCP || narrow->kind != ADDRESS_TCP || wide->port != narrow->port || wide->port == 0)
        return false;
    return wide->host[0] == '\0' || strcmp(wide->host, "::") == 0 || (strcmp(wide->host, "0.0.0.0") == 0 && strchr(narrow->host, ':') == NULL);
}

/* Addresses across listeners. With SO_REUSEPORT the system would share the connections out between two
 * listeners without a word. */
static void check_bind(const struct config_reader *r, size_t listener, size_t index)
{
    const struct config_listener *l = &r->config->listeners[listener];
    const struct address *a = &l->bind[index];
    const config_setting_t *at = config_read_at(config_read_group_at(r, "listeners", listener), "bind", NULL, NULL);
    const char *place = a->kind == ADDRESS_UNIX ? a->path : l->bind_text[index];
    if (r->config->admin_socket != NULL && strcmp(place, r->config->admin_socket) == 0)
        config_read_complain(r, FINDING_ERROR, at, "\"%.200s\" is the admin socket already", l->bind_text[index]);
    for (size_t i = 0; i <= listener; i++) {
        const struct config_listener *other = &r->config->listeners[i];
        for (size_t k = 0; k < (i < listener ? other->n_bind : index); k++)
            if (address_same(a, &other->bind[k]))
                config_read_complain(r, FINDING_ERROR, at, "\"%.200s\" is taken already, by listener %.80s", l->bind_text[index],
                                     other->name);
            else if (includes(&other->bind[k], a) || includes(a, &other->bind[k]))
                config_read_complain(r, FINDING_ERROR, at, "\"%.200s\" and \"%.200s\" of listener %.80s overlap: keep the wider one, or other ports", l->bind_text[index],
                                     other->bind_text[k], other->name);
    }
}

static void check_health(const struct config_reader *r)
{
    const struct config *c = r->config;
    const config_setting_t *at = config_read_at(r->root, "admin", "health", NULL);
    if (c->health.text == NULL)
        return;
    for (size_t i = 0; i < c->n_listeners; i++)
        for (size_t k = 0; k < c->listeners[i].n_bind; k++) {
            const struct address *bind = &c->listeners[i].bind[k];
            if (address_same(bind, &c->health.address) || includes(bind, &c->health.address) || includes(&c->health.address, bind))
                config_read_complain(r, FINDING_ERROR, at, "\"%.200s\" is taken already, by \"%.200s\" of listener %.80s: choose another port", c->health.text,
                                     c->listeners[i].bind_text[k], c->listeners[i].name);
        }
}

static char *place_of(const struct config_reader *r, const char *key, const char *inner)
{
    bool given;
    const config_setting_t *at = config_read_at(r->root, key, inner, &given);
    return given ? config_read_place(r, at) : NULL;
}

static void note_places(const struct config_reader *r)
{
    r->config->where = (struct config_places){
        .workers = place_of(r, "workers", NULL),
        .admin_socket = place_of(r, "admin", "socket"),
        .health = place_of(r, "admin", "health"),
        .log_target = place_of(r, "log", "target"),
        .crl_cache = place_of(r, "crl_cache", NULL),
    };
}

static void check_keys(const struct config_reader *r)
{
    if (r->config->insecure_keys_in_process)
        config_read_complain(r, FINDING_WARNING, config_read_at(r->root, "insecure_keys_in_process", NULL, NULL),
                             "private keys are in the process that reads from the network: a fault in it can give them away");
}

/* A token may hang: then the key process waits for it, and traffic goes on. */
static void check_tokens(const struct config_reader *r)
{
    if (r->config->insecure_keys_in_process && config_has_tokens(r->config))
        config_read_complain(r, FINDING_ERROR, config_read_at(r->root, "insecure_keys_in_process", NULL, NULL),
                             "keys in tokens (pkcs11:) need the process of keys, so that a slow token does not stop traffic: leave this out");
}

static void check_user(const struct config_reader *r)
{
    if (r->config->group != NULL && r->config->user == NULL)
        config_read_complain(r, FINDING_ERROR, config_read_at(r->root, "group", NULL, NULL), "needs user: set user, or leave group out");
}

static void check_sandbox(const struct config_reader *r)
{
    if (r->config->insecure_no_sandbox)
        config_read_complain(r, FINDING_WARNING, config_read_at(r->root, "insecure_no_sandbox", NULL, NULL),
                             "an intruder in this process can do whatever its user may: leave it out");
}

static void check_crl_cache(const struct config_reader *r)
{
    bool fetches = false;
    for (size_t i = 0; i < r->config->n_trusts; i++)
        fetches = fetches || r->config->trusts[i].crl_fetch;
    if (r->config->crl_cache != NULL && !fetches && r->findings->errors == 0)
        config_read_complain(r, FINDING_WARNING, config_read_at(r->root, "crl_cache", NULL, NULL), "has no effect: no trust has crl = \"fetch\"");
}

void config_check(const struct config_reader *r)
{
    const struct config *c = r->config;
    if (r->findings->out_of_memory)
        return; /* half a configuration */
    note_places(r);
    config_complete(r);
    config_check_log(r);
    config_check_alpn(r);
    config_check_versions(r);
    config_check_tcp(r);
    check_sandbox(r);
    check_user(r);
    check_tokens(r);
    check_keys(r);
    check_crl_cache(r);
    check_health(r);
    for (size_t i = 0; i < c->n_identities; i++)
        check_identity(r, &c->identities[i], config_read_group_at(r, "identities", i));
    for (size_t i = 0; i < c->n_registries; i++)
        config_registry_check(r, &c->registries[i], config_read_group_at(r, "registries", i));
    for (size_t i = 0; i < c->n_trusts; i++)
        check_trust(r, &c->trusts[i], config_read_group_at(r, "trusts", i));
    for (size_t i = 0; i < c->n_upstreams - c->n_served; i++)
        config_check_upstream(r, i);
    for (size_t i = 0; i < c->n_upstreams - c->n_served; i++)
        config_spiffe_check_upstream(r, i);
    for (size_t i = 0; i < c->n_listeners; i++) {
        config_check_listener(r, i);
        config_check_callers(r, i);
        config_check_sni(r, i);
        config_spiffe_check_listener(r, i);
        config_check_routes(r, i);
        config_serve_check(r, i);
        for (size_t k = 0; k < c->listeners[i].n_bind; k++)
            check_bind(r, i, k);
    }
    if (r->findings->errors > 0)
        return; /* the one use of a name may be the misspelt one */
    config_names_check_unused(r);
    for (size_t i = 0; i < c->n_trusts; i++)
        check_ocsp_is_asked(r, i);
}
