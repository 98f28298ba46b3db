/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X-Forwarded-Client-Cert as Envoy writes it: one element for each proxy, "Key=Value;Key=Value", separated by commas.
 *
 * An incoming field is an unproven claim. It passes only in the modes that allow it, from a client with a valid
 * certificate of this listener (except ALWAYS_FORWARD_ONLY), and under exactly this name. Its quotes must be closed, so
 * that it cannot swallow our element. A field that Connection names is for this hop only and is dropped.
 */
#ifndef MTLSD_HTTP_HTTP_XFCC_H
#define MTLSD_HTTP_HTTP_XFCC_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/http/http_head.h"
#include "mtlsd/tls/tls_judge.h"
#include "mtlsd/tls/tls_peer.h"

enum http_xfcc_mode { HTTP_XFCC_SANITIZE_SET, HTTP_XFCC_SANITIZE, HTTP_XFCC_FORWARD_ONLY, HTTP_XFCC_APPEND_FORWARD, HTTP_XFCC_ALWAYS_FORWARD_ONLY };
enum http_xfcc_details { HTTP_XFCC_CERT = 1, HTTP_XFCC_CHAIN = 2 }; /* bits */

struct http_xfcc {
    enum http_xfcc_mode mode;
    unsigned details;
    struct span by;                    /* the URI name of our own certificate; empty: none */
    const struct tls_verdict *verdict; /* NULL: no certificate was verified */
    const struct tls_peer *peer;       /* NULL: none */
};

/* Appends the field's line for this request, or nothing. Our element has By, Hash, Cert, Chain, Subject, URI and DNS, in that order, as far as
 * known; Subject is always there, if need be empty. A value longer than 16 KiB is left out, never cut. Values with a separator of the format are
 * quoted, and quotes in them escaped with a backslash. Backslashes, percent signs and bytes that are not printable are written %XX. -1: no room. */
MUST_CHECK int http_xfcc_append(struct bytes *out, const struct http_xfcc *how, const struct http_head *request);

#endif
