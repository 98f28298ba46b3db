/* SPDX-License-Identifier: Apache-2.0 */
/* Versions, ciphers, signatures and groups as a priority string of the library: our own, or that of the configuration. */
#ifndef MTLSD_TLS_PRIORITY_H
#define MTLSD_TLS_PRIORITY_H

#include "mtlsd/base/err.h"
#include "mtlsd/tls/tls_engine.h"

#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { TLS_PRIORITY_SIZE = 1024 };

/* Our own string. hybrid: X25519MLKEM768 stands before all other groups, which not every library has. */
void tls_priority_write(enum tls_versions versions, bool hybrid, char out[TLS_PRIORITY_SIZE]);

bool tls_priority_has_hybrid(void); /* the library in use has it */

/* text NULL: our own, with X25519MLKEM768 where the library has it. -1 + err (ERR_CONFIG): the text is no priority string, lacks what TLS 1.2
 * needs, or has none of these versions. Others that it has are left out. */
MUST_CHECK int tls_priority_make(const char *text, enum tls_versions versions, gnutls_priority_t *out, struct err *err);

/* Shared by contexts that say the same: one takes 8 KB. */
struct tls_priority {
    atomic_uint refs;
    char *text; /* NULL: our own */
    enum tls_versions versions;
    gnutls_priority_t set;
    unsigned key_shares; /* flag for gnutls_init of a client */
};
/* As tls_priority_make; like, which may be NULL, if it is made from the same. NULL + err. */
struct tls_priority *tls_priority_new(const char *text, enum tls_versions versions, struct tls_priority *like, struct err *err);
struct tls_priority *tls_priority_ref(struct tls_priority *p);
void tls_priority_unref(struct tls_priority *p);

/* The flag for gnutls_init of a client: a key share for the first group is enough, unless that is a hybrid group that many servers do not know. */
unsigned tls_priority_key_shares(gnutls_priority_t priority);

#endif
