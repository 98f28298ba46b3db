/* SPDX-License-Identifier: Apache-2.0 */
/* Loads credential files into identities and trusts. Every fault becomes a finding with the place in the configuration. */
#ifndef MTLSD_CONTROL_SNAPSHOT_LOAD_H
#define MTLSD_CONTROL_SNAPSHOT_LOAD_H

#include "mtlsd/control/snapshot.h"

struct comparison;

struct loader { /* all borrowed */
    const struct file_source *files;
    int64_t now;
    struct findings *findings;
    struct comparison *last; /* this and key_memory: of snapshot_build alone */
    struct tls_key_memory *key_memory;
};

/* NULL with findings. The caller owns the reference. */
struct tls_identity *snapshot_load_identity(const struct loader *l, const struct config_identity *conf);
struct tls_trust *snapshot_load_trust(const struct loader *l, const struct config_trust *conf);
/* Puts the lists that the files hold now into a trust that is in use. True: they are others. */
bool snapshot_load_crls_again(const struct loader *l, const struct snapshot_trust *trust);
/* The same with a list more, from the trust's i-th address, in the place of the one that is held from there. As tls_trust_replace_lists. */
MUST_CHECK int snapshot_load_crls_with(const struct loader *l, const struct snapshot_trust *trust, size_t i, struct span list, struct err *err);
/* The built-in trust of the name "system"; where is the place that asked for it. */
struct tls_trust *snapshot_load_system_trust(const struct loader *l, const char *where);

#endif
