/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists while the daemon runs: changed files are read on another thread and taken if they are valid, and then every open connection is
 * checked again. */
#ifndef MTLSD_DAEMON_RUN_CRLS_H
#define MTLSD_DAEMON_RUN_CRLS_H

#include "mtlsd/base/findings.h"
#include "mtlsd/control/crl_fetch.h"
#include "mtlsd/io/server.h"

struct file_watch;
struct fetch_round;

struct run_crls_list { /* a fetched list, while it is checked */
    struct run_crls_list *next;
    char *url;
    struct crl_fetch_answer answer;
    struct err err; /* why it was refused; also by one trust when others took it */
    bool taken;
    int64_t ends;
};

struct run_crls {
    struct file_source files; /* the disk, and what was fetched; from run_crls_begin on */
    struct fetch_round *round; /* NULL: nothing was ever to be fetched */
    struct run_crls_list *arrived, *judging;
    struct server *server; /* borrowed */
    struct file_watch *watch;
    struct snapshot *reading; /* counted: whose lists are being read; NULL: none */
    struct findings findings;
    size_t changed; /* trusts that have other lists now */
    uint64_t took_us; /* of the reading, CPU time */
    bool again;
};

/* Before the first snapshot is made, with c->files. -1: out of memory. */
MUST_CHECK int run_crls_begin(struct run_crls *c);
void run_crls_end(struct run_crls *c);
/* Watches the files of what the server serves now. Also after a reload: then what changed while it loaded is read too. */
void run_crls_follow(struct run_crls *c, struct server *server);
void run_crls_stop(struct run_crls *c);
bool run_crls_is_busy(const struct run_crls *c);

#endif
