/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the server name and the application protocols out of a ClientHello that is passed on untouched (RFC 8446 section 4.1.2, RFC 6066 section 3,
 * RFC 7301), whatever records and pieces it comes in. Only for connections that another server ends: a policy of ours is never chosen by it (security
 * A8), as the engine reads the message itself. What two readers could understand differently is refused: an extension twice, a length that does not
 * fit, a second name. With Encrypted ClientHello the outer name is read.
 */
#ifndef MTLSD_TLS_TLS_HELLO_H
#define MTLSD_TLS_TLS_HELLO_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/bytes.h"

enum {
    TLS_HELLO_MAX = 16 * 1024,       /* the message */
    TLS_HELLO_WIRE_MAX = 32 * 1024,  /* with the heads of its records */
    TLS_HELLO_NAME_SIZE = 256,
    TLS_HELLO_ALPN_SIZE = 256,
};

enum tls_hello_found { TLS_HELLO_MORE, TLS_HELLO_WHOLE, TLS_HELLO_BAD };

struct tls_hello {
    char server_name[TLS_HELLO_NAME_SIZE]; /* well-formed; "": none */
    char alpn[TLS_HELLO_ALPN_SIZE];        /* "h2, http/1.1", cut where it is longer; bytes that cannot be printed are dots */
    const char *why;                       /* BAD: the sentence */
    /* of the reader */
    uint8_t head[5];
    size_t n_head;
    size_t left; /* of a record */
    size_t wire;
    struct bytes message;
};

void tls_hello_init(struct tls_hello *h);
void tls_hello_clear(struct tls_hello *h);
/* The next bytes of the connection. After WHOLE or BAD it is not called again; what follows the message is not looked at. */
enum tls_hello_found tls_hello_in(struct tls_hello *h, struct span wire);

/* The record that refuses a name: a fatal alert unrecognized_name. */
struct span tls_hello_refusal(void);

#endif
