/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X-Forwarded-Client-Cert as Envoy has it: one element per proxy on the way, "Key=Value;Key=Value", elements parted by commas.
 *
 * What came in is somebody's claim. It passes only in the modes that say so, only from a caller whose certificate this listener judged valid (but
 * for ALWAYS_FORWARD_ONLY), only under exactly this name, and only when its quotes are closed, so that it cannot swallow what we append. One that
 * Connection names was not meant for anybody behind us.
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
    const struct tls_verdict *verdict; /* NULL: nobody was judged */
    const struct tls_peer *peer;       /* NULL: none */
};

/* Appends the field's line for this request, or nothing. Our element is By, Hash, Cert, Chain, Subject, URI and DNS, in that order, what there
 * is, Subject always, empty where there is none; a value longer than 16 KiB is left out rather than cut. Values with a mark of the format stand in quotes, a quote in them after a backslash;
 * backslashes, percent signs and what is not printable are written %XX. -1: no room. */
MUST_CHECK int http_xfcc_append(struct bytes *out, const struct http_xfcc *how, const struct http_head *request);

#endif
