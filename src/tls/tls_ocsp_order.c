/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_ocsp_order.h"
#include "tls_checks.h"
#include "tls_crl.h"
#include "tls_ocsp_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SCHEME = 7 }; /* bytes of "http://" */

/* ---- whom to ask ---- */

/* The host of an address that url_is_http accepts, with its port. */
static struct span host_of(struct span url)
{
    struct span rest = span_skip(url, SCHEME);
    size_t n = 0;
    while (n < rest.len && rest.ptr[n] != '/' && rest.ptr[n] != '?')
        n++;
    return span_of(rest.ptr, n);
}

static struct span without_port(struct span host)
{
    size_t n = host.len;
    while (n > 0 && host.ptr[n - 1] >= '0' && host.ptr[n - 1] <= '9')
        n--;
    return n > 0 && host.ptr[n - 1] == ':' ? span_of(host.ptr, n - 1) : host;
}

static bool is_listed(const struct tls_ocsp_rules *rules, struct span host)
{
    for (size_t i = 0; i < rules->n_hosts; i++)
        if (span_equals_nocase_str(host, rules->hosts[i]) || span_equals_nocase_str(without_port(host), rules->hosts[i]))
            return true;
    return false;
}

static uint64_t hash_of(struct span text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.len; i++)
        h = (h ^ text.ptr[i]) * UINT64_C(0x100000001b3);
    return h;
}

static bool find_url(const struct tls_ocsp_rules *rules, const struct tls_cert *leaf, struct span *url, char *fault)
{
    if (rules->responder != NULL) {
        *url = span_from_str(rules->responder);
        return true;
    }
    if (!tls_ocsp_request_find_url(leaf, url)) {
        snprintf(fault, TLS_OCSP_FAULT_SIZE, "the certificate names no OCSP responder: issue it with one, or set ocsp_responder");
        return false;
    }
    struct span host = host_of(*url);
    if (rules->n_hosts == 0 || is_listed(rules, host))
        return true;
    snprintf(fault, TLS_OCSP_FAULT_SIZE, "its OCSP responder %.*s is not in ocsp_hosts", host.len < 80 ? (int)host.len : 80, (const char *)host.ptr);
    return false;
}

/* ---- the question ---- */

static struct span copy(uint8_t **at, struct span bytes)
{
    struct span copied = span_of(*at, bytes.len);
    memcpy(*at, bytes.ptr, bytes.len);
    *at += bytes.len;
    return copied;
}

static void fill(struct tls_ocsp_order *o, const struct tls_ocsp_about *about, struct span url)
{
    uint8_t *at = o->bytes;
    struct span host = host_of(url);
    atomic_init(&o->refs, 1);
    o->leaf = copy(&at, about->leaf);
    o->issuer = copy(&at, about->issuer);
    snprintf(o->host, sizeof(o->host), "%.*s", host.len < sizeof(o->host) ? (int)host.len : (int)sizeof(o->host) - 1, (const char *)host.ptr);
    o->host_hash = hash_of(host);
    o->question = (struct tls_ocsp_question){
        .url = (const char *)copy(&at, url).ptr,
        .host = o->host,
        .anywhere = about->rules->responder != NULL || about->rules->n_hosts > 0,
        .timeout_ms = about->rules->timeout_ms,
    };
    *at = '\0';
}

struct tls_ocsp_order *tls_ocsp_order_new(const struct tls_ocsp_about *about, char fault[TLS_OCSP_FAULT_SIZE])
{
    struct tls_cert leaf, issuer;
    struct span url;
    if (tls_cert_read(about->leaf, &leaf) != 0 || tls_cert_read(about->issuer, &issuer) != 0) {
        snprintf(fault, TLS_OCSP_FAULT_SIZE, "the certificate or that of its issuer cannot be parsed");
        return NULL;
    }
    if (!find_url(about->rules, &leaf, &url, fault))
        return NULL;
    struct tls_ocsp_order *o = calloc(1, sizeof(*o) + about->leaf.len + about->issuer.len + url.len + 1);
    if (o == NULL) {
        snprintf(fault, TLS_OCSP_FAULT_SIZE, "out of memory");
        return NULL;
    }
    fill(o, about, url);
    tls_cert_digest(about->leaf, o->id);
    size_t n = tls_ocsp_request_make(&leaf, &issuer, o->request, sizeof(o->request));
    o->question.request = span_of(o->request, n);
    if (n > 0)
        return o;
    snprintf(fault, TLS_OCSP_FAULT_SIZE, "no OCSP request can be made: its serial number is too long");
    tls_ocsp_order_unref(o);
    return NULL;
}

struct tls_ocsp_order *tls_ocsp_order_ref(struct tls_ocsp_order *o)
{
    atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    return o;
}

void tls_ocsp_order_unref(struct tls_ocsp_order *o)
{
    if (o != NULL && atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1)
        free(o);
}

const struct tls_ocsp_question *tls_ocsp_order_question(const struct tls_ocsp_order *o)
{
    return &o->question;
}

/* ---- the answer ---- */

const char *tls_ocsp_order_check(const struct tls_ocsp_order *o, struct span answer, int64_t now, struct tls_ocsp_entry *entry)
{
    static const char untold[] = "no memory to check the answer";
    const struct tls_question q = {.now = now, .staple = answer};
    struct tls_cert certs[2];
    struct tls_path_node path[2] = {{&certs[0], NULL}, {&certs[1], NULL}};
    struct tls_crl_index *none = tls_crl_index_new(); /* each trust asks its own lists about the responder */
    const char *fault = untold;
    if (none != NULL && tls_cert_open(o->leaf, &certs[0], &path[0].crt) == 0 && tls_cert_open(o->issuer, &certs[1], &path[1].crt) == 0)
        fault = tls_checks_answer(&q, none, path, entry);
    gnutls_x509_crt_deinit(path[0].crt);
    gnutls_x509_crt_deinit(path[1].crt);
    tls_crl_index_free(none);
    return fault;
}
