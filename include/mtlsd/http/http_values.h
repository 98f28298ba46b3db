/* SPDX-License-Identifier: Apache-2.0 */
/* The values of variables for one request, for base/template.h: each is found when a text asks for it. */
#ifndef MTLSD_HTTP_HTTP_VALUES_H
#define MTLSD_HTTP_HTTP_VALUES_H

#include "mtlsd/base/template.h"
#include "mtlsd/http/http_target.h"
#include "mtlsd/tls/tls_engine.h"

struct http_values { /* all borrowed; what is NULL or empty has no value */
    bool asks;                         /* the listener requests client certificates */
    const struct tls_verdict *verdict; /* NULL: none yet, which is not valid */
    const char *words;                 /* of the verdict: "expired,wrong_purpose" */
    const struct tls_peer *peer;       /* NULL: no certificate */
    const char *tls_version;           /* as struct tls_facts has it; NULL: no TLS */
    const char *tls_suite;             /* IANA's name */
    const char *server_name;
    bool resumed;
    const char *client;
    unsigned client_port;        /* 0: it has none */
    struct span method;
    const struct http_target *target; /* NULL: there is none */
    struct span path;            /* as routes compare it */
    const char *id;              /* NULL: none was asked for */
    const char *listener, *route;
};

/* A template_value_fn; ctx is a struct http_values. */
void http_values_give(void *ctx, const struct template_part *part, struct template_value *out);

/* OpenSSL's number for a verdict: 0 means verified to every reader, so only a valid certificate gets it. A status without a number
 * of its own, and no certificate, is 1, X509_V_ERR_UNSPECIFIED. */
int http_values_error(const struct tls_verdict *verdict);
/* Appends all names of subjectAltName: "DNS:a.example, URI:spiffe://example/a", with marks in names as %XX. */
void http_values_san(struct bytes *out, const struct tls_peer *peer);

#endif
