/* SPDX-License-Identifier: Apache-2.0 */
/* The names of --san: with and without a type, several at once, as OpenSSL spells them. */
#ifndef MTLSD_CLI_PKI_SAN_H
#define MTLSD_CLI_PKI_SAN_H

#include "flags.h"
#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

struct pki_san {
    struct bytes text; /* what the names point into */
    struct flag_list names; /* "dns:a.example", "ip:127.0.0.1", "uri:...", "email:..." */
};

/* Each value is one name or several with commas between them. Where it is not clear what is meant, or no peer would look for it, it is refused with
 * words that say how to write it. To be cleared also after a failure. */
MUST_CHECK int pki_san_read(const struct flag_list *values, struct pki_san *out, struct err *err);
void pki_san_clear(struct pki_san *s);

#endif
