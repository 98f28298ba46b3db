/* SPDX-License-Identifier: Apache-2.0 */
/* The interface between proxy/starttls.c and each protocol. */
#ifndef MTLSD_PROXY_STARTTLS_PROTOCOL_H
#define MTLSD_PROXY_STARTTLS_PROTOCOL_H

#include "mtlsd/proxy/starttls.h"

struct starttls_protocol {
    const char *first; /* said at once; NULL: nothing */
    size_t first_len;
    /* Eats one message from the begin of in. REASON_UNDECIDED with *eaten 0: it is not whole. */
    enum reason (*read)(struct starttls *s, struct span in, size_t *eaten, struct err *err);
};

extern const struct starttls_protocol starttls_postgres_ask, starttls_postgres_answer;
extern const struct starttls_protocol starttls_mysql_ask, starttls_mysql_answer;
extern const struct starttls_protocol starttls_smtp_ask, starttls_smtp_answer;
extern const struct starttls_protocol starttls_ldap_ask, starttls_ldap_answer;
extern const struct starttls_protocol starttls_imap_ask, starttls_imap_answer;

/* starttls_line.c, for the protocols: */

/* A line that ends in CRLF, without it. REASON_UNDECIDED: not whole. REASON_VALID; anything else: no line, with its sentence. */
enum reason starttls_line(struct span in, struct span *line, size_t *eaten, struct err *err);
/* The word at the begin, up to a space; *rest is what follows the space. */
struct span starttls_word(struct span line, struct span *rest);
/* REASON_STARTTLS_FAILED with a sentence of ours, and of a line the printable begin behind it. */
enum reason starttls_fail(struct err *err, const char *why);
enum reason starttls_fail_line(struct err *err, const char *why, struct span line);

#endif
