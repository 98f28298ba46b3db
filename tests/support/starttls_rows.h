/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of what a peer says before TLS, and of what becomes of it, however it is cut. */
#ifndef MTLSD_TEST_STARTTLS_ROWS_H
#define MTLSD_TEST_STARTTLS_ROWS_H

#include "mtlsd/proxy/starttls.h"

#define SAID(text) (text), sizeof(text) - 1

struct starttls_row {
    const char *why;
    const char *in; /* of the peer */
    size_t in_len;
    enum reason verdict;
    const char *out; /* of ours, all of it */
    size_t out_len;
    const char *says; /* in the sentence; "" where there is none */
};

/* In one piece, byte by byte, and cut in two at every place. A machine of MySQL gets what it wants. */
void starttls_rows_check(enum config_starttls kind, bool answers, const struct starttls_row *row);

/* A greeting of MySQL 8.0.36 with TLS, as a packet, and its capabilities. */
enum { STARTTLS_ROWS_CAPABILITIES = 4 + 1 + 7 + 4 + 8 + 1 };
#define STARTTLS_ROWS_GREETING                                                                                                                       \
    "\x3c\0\0\0\x0a"                                                                                                                                  \
    "8.0.36\0\x08\0\0\0abcdefgh\0\xff\xff\xff\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0caching\0"
#define STARTTLS_ROWS_LOGIN "\x0d\xa2\x3a\0\0\0\0\x01\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

#endif
