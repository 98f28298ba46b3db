/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several policies on one listener, told apart by the server name that a client asks for (RFC 6066 section 3): each has an identity, a trust and
 * rules of its own. The choice is made inside the handshake, when the whole ClientHello was read, never by a look at the first bytes (security
 * A8). A name that nobody serves, or none, is refused with unrecognized_name unless a context for it was given. Immutable, counted.
 */
#ifndef MTLSD_TLS_TLS_SNI_H
#define MTLSD_TLS_TLS_SNI_H

#include "mtlsd/tls/tls_engine.h"

struct tls_sni;

struct tls_sni_entry {
    const char *const *names; /* exact or "*.suffix", as in base/hostname.h; an exact one goes before a suffix, a longer suffix before a shorter */
    size_t n_names;
    struct tls_context *ctx; /* accepting */
};

struct tls_sni_spec {
    const struct tls_sni_entry *entries; /* at least one; no name twice */
    size_t n;
    struct tls_context *otherwise; /* for other names and for none; NULL: refused */
};

/* References every context. NULL + err. */
struct tls_sni *tls_sni_new(const struct tls_sni_spec *spec, struct err *err);
struct tls_sni *tls_sni_ref(struct tls_sni *sni);
void tls_sni_unref(struct tls_sni *sni);

/* Which policy a name belongs to: the number of its entry, n for otherwise, also when that is refused. */
size_t tls_sni_policy(const struct tls_sni *sni, struct span name);
/* The context of a policy, borrowed; NULL: refused. */
struct tls_context *tls_sni_context(const struct tls_sni *sni, size_t policy);

/* What a listener's engines are made with: knows no peer and no certificate until the choice was made. NULL + err. */
struct tls_context *tls_sni_listener(struct tls_sni *sni, struct err *err);

#endif
