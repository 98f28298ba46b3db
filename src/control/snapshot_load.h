/* SPDX-License-Identifier: Apache-2.0 */
/* Loads credential files into identities and trusts. Every fault becomes a finding with the place in the configuration. */
#ifndef MTLSD_CONTROL_SNAPSHOT_LOAD_H
#define MTLSD_CONTROL_SNAPSHOT_LOAD_H

#include "mtlsd/control/snapshot.h"
#include "mtlsd/tls/tls_sni.h"

struct comparison;
struct required_header;
struct tls_intercept;

struct loader { /* all borrowed */
    const struct file_source *files;
    int64_t now;
    struct findings *findings;
    const struct config *config; /* this and the rest: of snapshot_build alone */
    struct comparison *last;
    struct tls_key_memory *key_memory;
    struct identity_set *set; /* where files->identities reads them */
};

/* NULL with findings. The caller owns the reference. */
struct tls_identity *snapshot_load_identity(const struct loader *l, const struct config_identity *conf);
/* rows: of the trust's registry; NULL: it has none. */
struct tls_trust *snapshot_load_trust(const struct loader *l, const struct config_trust *conf, struct tls_registry *rows);
/* The registry, filled or to be filled. */
void snapshot_load_registry(const struct loader *l, const struct config_registry *conf, struct snapshot_registry *out);
/* Puts the lists that the files hold now into a trust that is in use. True: they are others. */
bool snapshot_load_crls_again(const struct loader *l, const struct snapshot_trust *trust);
/* The same with a list that was fetched from the trust's i-th address; it replaces the one from there. Gives what tls_trust_replace_lists gives. */
MUST_CHECK int snapshot_load_crls_with(const struct loader *l, const struct snapshot_trust *trust, size_t i, struct span list, struct err *err);
/* The built-in trust of the name "system"; where is the place that asked for it. */
struct tls_trust *snapshot_load_system_trust(const struct loader *l, const char *where);

/* Finds files of a snapshot that other users can read or change, with the place in the configuration. */

struct snapshot_access { /* borrowed */
    const char *where, *kind, *name; /* kind NULL: the configuration's own */
    const char *path;
    enum file_use use;
};

/* The file itself, as it was opened. -1: it is refused. */
MUST_CHECK int snapshot_access_judge(const struct loader *l, const struct snapshot_access *what, const struct file_access *access);
/* The folders in which the file can be exchanged; each is reported once. */
void snapshot_access_folders(const struct loader *l, const char *where, const char *path);
/* Every file of the configuration, and its folder. */
void snapshot_access_config(const struct loader *l, const struct config *config);

/* For building a snapshot: the addresses of its trusts to fetch from, and the lists that are already there. */

void snapshot_fetch_begin(struct snapshot *s, const struct loader *l);

/* Checks rules against the loaded files: a rule that no certificate can match is reported when it is loaded. */

/* Warns of each rule with an issuer that is no CA of a trust of its listener. Every trust is loaded. */
void snapshot_rules_check(const struct snapshot *s, const struct loader *l);

/* Makes TLS's choice by server name from a listener's identities. */

struct snapshot_sni_policy {
    const struct tls_identity *identity;
    struct tls_context *ctx;
};

/* policies: as many as config_tls_policies says, in its order; borrowed. Where no hosts are configured they are the DNS names of the certificate. NULL:
 * findings know why. */
struct tls_sni *snapshot_sni_make(const struct loader *l, const struct config_tls *tls, const struct snapshot_sni_policy *policies);
struct tls_context *snapshot_sni_listener(const struct loader *l, const struct config_tls *tls, struct tls_sni *sni);

/* The CA of forward_proxy.intercept. NULL: findings know why. */
struct tls_intercept *snapshot_load_intercept(const struct loader *l, const struct config_listener *listener);
/* The value of require_header, of a listener that has it; out->name is set. -1: findings know why. */
MUST_CHECK int snapshot_load_required(const struct loader *l, const struct config_listener *listener, struct required_header *out);
/* Reads respond.file of a route. -1: it cannot be served, which is said. */
MUST_CHECK int snapshot_load_page(const struct loader *l, const struct config_route *route, struct bytes *out);

#endif
