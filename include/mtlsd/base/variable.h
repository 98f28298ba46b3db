/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of variables: {cert.cn} and its kin. Their values are found by http/http_values.c, and written into a text by base/template.c. */
#ifndef MTLSD_BASE_VARIABLE_H
#define MTLSD_BASE_VARIABLE_H

#include "mtlsd/base/span.h"

enum variable {
    VARIABLE_CERT_STATUS,
    VARIABLE_CERT_ERROR,
    VARIABLE_CERT_VERIFY,
    VARIABLE_CERT_SUBJECT,
    VARIABLE_CERT_CN,
    VARIABLE_CERT_ISSUER,
    VARIABLE_CERT_SERIAL,
    VARIABLE_CERT_SHA256,
    VARIABLE_CERT_SHA1,
    VARIABLE_CERT_SAN,
    VARIABLE_CERT_URI,
    VARIABLE_CERT_NOT_BEFORE,
    VARIABLE_CERT_NOT_AFTER,
    VARIABLE_CERT_PEM,
    VARIABLE_CERT_DER,
    VARIABLE_REGISTRY,
    VARIABLE_TLS_VERSION,
    VARIABLE_TLS_CIPHER,
    VARIABLE_TLS_SNI,
    VARIABLE_TLS_RESUMED,
    VARIABLE_CLIENT_ADDRESS,
    VARIABLE_CLIENT_PORT,
    VARIABLE_REQUEST_METHOD,
    VARIABLE_REQUEST_HOST,
    VARIABLE_REQUEST_PATH,
    VARIABLE_REQUEST_URI,
    VARIABLE_REQUEST_ID,
    VARIABLE_LISTENER,
    VARIABLE_ROUTE,
    VARIABLE_TIME, /* from here on of logs */
    VARIABLE_TIME_CLF,
    VARIABLE_STATUS,
    VARIABLE_REASON,
    VARIABLE_UPSTREAM,
    VARIABLE_TARGET_ADDRESS,
    VARIABLE_BYTES_IN,
    VARIABLE_BYTES_OUT,
    VARIABLE_DURATION,
    VARIABLE_CLIENT_FORWARDED,
    VARIABLE_REQUEST_PROTOCOL,
    VARIABLE_REQUEST_REFERER,
    VARIABLE_REQUEST_USER_AGENT,
    VARIABLE_REQUEST_TRACEPARENT,
    VARIABLE_COUNT,
};

enum variable_form { /* what its value looks like, by which each place encodes it */
    VARIABLE_TEXT,   /* any bytes: a name that a peer chose */
    VARIABLE_DN,     /* RFC 4514 text, which escapes its own marks */
    VARIABLE_LIST,   /* encoded items with ", " between them */
    VARIABLE_TARGET, /* path and query of a URI, with percent encoding of its own */
    VARIABLE_HOST,   /* a host as in a URI: a name, or an address, IPv6 in brackets. No other value */
    VARIABLE_PEM,    /* lines */
};

enum variable_source { /* where its value comes from; there is none without */
    VARIABLE_OF_CERT, /* a listener that requests client certificates */
    VARIABLE_OF_TLS,  /* a listener with tls */
    VARIABLE_OF_ALL,
    VARIABLE_OF_LOG,  /* a request that has ended: only formats of logs have it */
};

struct variable_row {
    const char *word; /* a word that ends in a dot stands for all words that begin like it */
    enum variable_form form;
    enum variable_source source;
    const char *help;
};

const struct variable_row *variable_row(enum variable v);
/* False: there is no such variable. *name: what stands behind the dot of a row that ends in one; else empty. */
bool variable_find(struct span word, enum variable *out, struct span *name);
/* The nearest word; NULL: none is near. */
const char *variable_suggest(const char *word);

#endif
