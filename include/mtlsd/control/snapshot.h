/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything the configuration says, loaded: built once, immutable, reference-counted (the count is atomic: workers are threads).
 * Built beside the old one on reload and swapped whole, or thrown away. Reads files only through the source it is given.
 */
#ifndef MTLSD_CONTROL_SNAPSHOT_H
#define MTLSD_CONTROL_SNAPSHOT_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/config/config.h"
#include "mtlsd/control/file_access.h"
#include "mtlsd/proxy/target_state.h"
#include "mtlsd/proxy/plan.h"
#include "mtlsd/tls/tls_key_memory.h"
#include "mtlsd/tls/tls_registry.h"
#include <stdatomic.h>

struct account_source;
struct crl_cache;
struct fallback_use;
struct identity_source;
struct sessions;
struct snapshot_limits;

/* Where the rows of registries come from; io/registry_pool.c keeps them as their databases are, and commands read them once. */
struct registry_source {
    void *ctx;
    /* A reference, also when the rows could not be read yet. NULL: findings has an error. */
    struct tls_registry *(*get)(void *ctx, const struct config_registry *conf, struct findings *findings);
    /* A reference to where connections of its callers are written; NULL: nowhere. After get. */
    struct sessions *(*sessions)(void *ctx, const struct config_registry *conf, struct findings *findings);
};

struct file_facts {
    bool is_folder;
    struct file_access access;
};

struct file_place { /* a file and what it can be exchanged in: the folder of its name, and of the file that links lead to */
    struct file_access file;
    struct file_place_folder { char path[4096]; struct file_access access; } folders[2];
    size_t n_folders;
};

struct renewal_use { /* borrowed */
    const struct tls_identity *current; /* where this one would be used, */
    struct tls_identity *fresh;         /* a renewed one is, which no file holds yet */
};

/* How files are read; io/file.c has the real one, tests one over memory. */
struct file_source {
    void *ctx;
    /* Initialises *out and fills it. A folder gives 0, no bytes and is_folder. On failure *out owns nothing. The memory for a file is taken at
     * once, so that a key leaves no copies behind. */
    MUST_CHECK int (*read)(void *ctx, const char *path, struct bytes *out, struct file_facts *facts, struct err *err);
    /* Gives the names (not paths) of regular files in a folder, sorted; each and the array are freed by the caller. */
    MUST_CHECK int (*list)(void *ctx, const char *path, char ***names, size_t *n, struct err *err);
    MUST_CHECK int (*look)(void *ctx, const char *path, struct file_place *out); /* -1: there is no such file or folder */
    void (*name)(void *ctx, const struct file_access *access, struct file_names *out);
    struct crl_cache *crl_cache; /* fetched revocation lists; NULL: there are none */
    const struct account_source *accounts; /* NULL: no names of users and groups are understood */
    const struct registry_source *registries; /* NULL: no rows are read, and nothing is accepted by them */
    const struct fallback_use *instead; /* certificates that are used instead of some that the files hold; NULL: none are */
    const struct snapshot *before; /* the one in use: an SVID that the Workload API does not give any more stays as it is there, withdrawn; NULL: that is an error */
    struct tls_ocsp_store *ocsp; /* borrowed: answers of OCSP responders; NULL: none is asked */
    const struct renewal_use *renewed; /* NULL: none is */
    const struct identity_source *identities; /* reads the files of identities in the process that holds keys; NULL: they are read here */
};

struct snapshot_identity { const struct config_identity *conf; struct tls_identity *tls; };
struct snapshot_registry {
    const struct config_registry *conf;
    struct tls_registry *rows; /* counted; its content changes */
    struct sessions *sessions; /* counted; NULL: connections are not written */
};
struct snapshot_url { char *url; bool from_config; atomic_bool held; }; /* held: a list from there is in use */
struct snapshot_trust {
    const struct config_trust *conf; /* NULL: "system" */
    struct tls_trust *tls;
    struct snapshot_url *urls; /* where its lists are fetched from; owned */
    size_t n_urls;
};
struct snapshot {
    struct config *config; /* owned */
    uint64_t generation;
    struct tls_key_memory *key_memory; /* of the identities' keys */
    struct snapshot_identity *identities;
    struct snapshot_registry *registries; /* as many as are configured */
    struct snapshot_trust *trusts;
    size_t n_trusts; /* may be one more than configured: "system" */
    struct plan_upstream *upstreams;
    struct plan_target *targets; /* of all upstreams, in their order */
    size_t n_targets;
    struct target_state *target_state; /* the state of each target: the only part that changes while the snapshot lives */
    struct plan_route *routes; /* of all listeners, in their order */
    size_t n_routes;
    struct plan_listener *listeners;
    struct snapshot_limits *limits;   /* by the users of calling programs; NULL: none */
    struct http_edit *owned;          /* the fields that only we may send, beside those of the presets; NULL: none */
    struct plan_upstream direct;      /* of the forward proxies; it and its target are in no array and have no index */
    struct plan_target direct_target;
};

/* Takes config, also on failure. NULL when findings has an error; all that is wrong is in it. now: seconds since 1970. */
struct snapshot *snapshot_new(struct config *config, const struct file_source *files, uint64_t generation, int64_t now,
                              struct findings *findings);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s);
/* Replaces snapshot_destroy after the last reference: end is called once, by the thread that gave it back. Ten thousand identities take a second
 * to free. Call it before others have references. */
void snapshot_on_end(struct snapshot *s, void (*end)(void *ctx, struct snapshot *s), void *ctx);
void snapshot_destroy(struct snapshot *s);
/* Keeps the state of targets that both snapshots have (same upstream name, same target as written). */
void snapshot_inherit(struct snapshot *next, const struct snapshot *old);
/* The target of this snapshot that has the same upstream's name and is written the same; NULL. */
const struct plan_target *snapshot_find_target(const struct snapshot *s, const struct plan_target *like);
/* Reads the files of every trust's revocation lists again and puts them in the place of those in use, where they may (tls_trust_replace_lists). Gives
 * how many trusts have other lists now; what went wrong is in findings, and leaves its trust as it was. From any thread, one at a time. */
size_t snapshot_refresh_crls(struct snapshot *s, const struct file_source *files, int64_t now, struct findings *findings);
/* The files it reads: borrowed pointers in an array that the caller frees; NULL when n is 0 or memory ran out. */
const char **snapshot_crl_files(const struct snapshot *s, size_t *n);
/* The trust of an upstream has a registry. */
bool snapshot_upstreams_ask_registry(const struct snapshot *s);
const struct plan_listener *snapshot_find_listener(const struct snapshot *s, const char *name);

#endif
