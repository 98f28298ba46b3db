/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY protocol, v1 and v2 (haproxy.org, proxy-protocol.txt): the client's address at the start of a connection. Bytes in, values out. */
#ifndef MTLSD_PROXY_PROXY_PROTOCOL_H
#define MTLSD_PROXY_PROXY_PROTOCOL_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/bytes.h"
#include "mtlsd/config/config.h"

enum proxy_protocol_found { PROXY_PROTOCOL_MORE, PROXY_PROTOCOL_WHOLE, PROXY_PROTOCOL_BAD };

struct proxy_protocol_peer {
    bool known;                  /* false: LOCAL, UNKNOWN: the connection speaks for itself */
    bool v6;
    uint8_t source[16], destination[16]; /* 4 or 16 bytes used */
    uint16_t source_port, destination_port;
};

/* Reads a header at the front of in. WHOLE: it takes *eaten bytes. BAD: *why names the fault. A v1 line has at most 107 bytes, a v2 header with
 * its TLVs at most 4 KiB here. The CRC32c TLV of v2 is checked. */
enum proxy_protocol_found proxy_protocol_read(struct span in, struct proxy_protocol_peer *peer, size_t *eaten, const char **why);
/* The source address as text, for logs and X-Forwarded-For. */
void proxy_protocol_source_text(const struct proxy_protocol_peer *peer, char *out, size_t size);

struct proxy_protocol_tls { /* the client's TLS for a v2 header; NULL members are left out */
    const char *version, *cipher;      /* as OpenSSL spells them: "TLSv1.3", "ECDHE-RSA-AES128-GCM-SHA256" */
    struct span common_name;           /* of the client's certificate */
    const char *key_algorithm, *signature_algorithm; /* of our own certificate: "EC256", "RSA-SHA256" */
    const char *server_name, *alpn;
    bool certificate;                  /* the client presented one in this session */
    bool resumed;                      /* which was resumed: it was presented on an earlier connection */
    bool verified;                     /* and it was judged valid */
    int error;                         /* X509_V_ERR number of one that was not; 0: it has none */
};

/* Appends a header. peer: NULL when the connection is our own business (v2: LOCAL). tls: NULL when the client's side has none; v1 cannot tell it. A
 * text that is longer than 512 bytes, or not UTF-8 without control bytes, is left out, never cut: a receiver that asks for a name then finds none.
 * What PP2_SUBTYPE_SSL's verify is: 0 for a certificate that was judged valid and for nothing else, its error's number, or 1 where there is none. -1: out of memory. */
MUST_CHECK int proxy_protocol_write(struct bytes *out, enum config_proxy_protocol version, const struct proxy_protocol_peer *peer,
                                    const struct proxy_protocol_tls *tls);

#endif
