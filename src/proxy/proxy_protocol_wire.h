/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of the PROXY protocol (proxy-protocol.txt, sections 2.1 and 2.2). */
#ifndef MTLSD_PROXY_PROXY_PROTOCOL_WIRE_H
#define MTLSD_PROXY_PROXY_PROTOCOL_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define PROXY_PROTOCOL_V1_START "PROXY "
#define PROXY_PROTOCOL_V2_START "\r\n\r\n\0\r\nQUIT\n"

enum { PROXY_PROTOCOL_V2_START_BYTES = 12, PROXY_PROTOCOL_V2_HEAD = 16 };

enum { PROXY_PROTOCOL_LOCAL = 0x20, PROXY_PROTOCOL_PROXY = 0x21 }; /* version and command */

enum { /* family and transport */
       PROXY_PROTOCOL_UNSPEC = 0x00,
       PROXY_PROTOCOL_TCP4 = 0x11,
       PROXY_PROTOCOL_TCP6 = 0x21,
       PROXY_PROTOCOL_UNIX = 0x31,
};

enum { /* TLVs */
       PROXY_PROTOCOL_ALPN = 0x01,
       PROXY_PROTOCOL_AUTHORITY = 0x02,
       PROXY_PROTOCOL_CRC32C = 0x03,
       PROXY_PROTOCOL_SSL = 0x20,
       PROXY_PROTOCOL_SSL_VERSION = 0x21,
       PROXY_PROTOCOL_SSL_CN = 0x22,
       PROXY_PROTOCOL_SSL_CIPHER = 0x23,
       PROXY_PROTOCOL_SSL_SIG_ALG = 0x24,
       PROXY_PROTOCOL_SSL_KEY_ALG = 0x25,
};

enum { PROXY_PROTOCOL_CLIENT_SSL = 1, PROXY_PROTOCOL_CLIENT_CERT_CONN = 2, PROXY_PROTOCOL_CLIENT_CERT_SESS = 4 };

uint32_t proxy_protocol_crc32c(uint32_t crc, const uint8_t *bytes, size_t n); /* Castagnoli; begin with 0 */

#endif
