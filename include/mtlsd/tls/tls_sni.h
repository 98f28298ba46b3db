/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several policies on one listener, chosen by the server name of the client (RFC 6066 section 3). Each has its identity,
 * trust and rules. The choice is made inside the handshake, after the whole ClientHello was read, never by a look at the
 * first bytes (security A8). An unknown or missing name is refused with unrecognized_name, unless a context for it was
 * given. Immutable, counted.
 */
#ifndef MTLSD_TLS_TLS_SNI_H
#define MTLSD_TLS_TLS_SNI_H

#include "mtlsd/tls/tls_engine.h"

struct tls_sni;

struct tls_sni_entry {
    const char *const *names; /* exact or "*.suffix", as in base/hostname.h; an exact one goes before a suffix, a longer suffix before a shorter */
    size_t n_names;
    struct tls_context *ctx; /* accepting; ALPN is the same in all of them: the library reads it before the choice */
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

/* The context to make a listener's engines with: it has no peer and no certificate before the choice. NULL + err. */
struct tls_context *tls_sni_listener(struct tls_sni *sni, struct err *err);

#endif
