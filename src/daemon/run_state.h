/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a running daemon, shared by the parts of daemon_run, which have a file each. */
#ifndef MTLSD_DAEMON_RUN_STATE_H
#define MTLSD_DAEMON_RUN_STATE_H

#include "run_crls.h"
#include "run_keys.h"
#include "run_ocsp.h"
#include "run_renewal.h"
#include "run_rotation.h"
#include "run_service.h"
#include "run_workload.h"

#include "mtlsd/control/fallback.h"
#include "mtlsd/control/reload.h"
#include "mtlsd/control/rotation.h"
#include "mtlsd/daemon/run.h"
#include "mtlsd/io/admin_listener.h"
#include "mtlsd/io/inherited.h"
#include "mtlsd/io/own_program.h"
#include "mtlsd/io/predecessor.h"
#include "mtlsd/io/privilege.h"
#include "mtlsd/io/registry_pool.h"
#include "mtlsd/io/sandbox.h"
#include "mtlsd/io/starter.h"
#include "mtlsd/io/successor.h"

struct run_reload {
    struct reload_queue queue; /* of admin_pending */
    char *started_socket;      /* admin.socket and workers as they were at the start */
    unsigned started_workers;
    bool wants_config; /* by those who wait: the configuration's text is to be read again, not only the files that it names */
    bool reads_config; /* the current load does */
    struct snapshot *old;    /* counted: what it is to take the place of */
    struct snapshot *loaded; /* by the background thread */
    struct run_rotation_prints prints;
    uint64_t took_us;        /* CPU time */
    struct rotation rotation; /* borrows from old and loaded */
    struct rotation_counts *rotations;
    struct fallback fallback;
    struct fallback_use instead; /* for the current load */
    const struct renewal_use *renewed; /* likewise; borrowed; NULL: none is */
    struct fallback_row *trying; /* of fallback, by the current load; NULL: none is */
    bool before_refused;         /* that one's certificate */
    bool asks;                   /* an upstream, whether it refuses a certificate in use */
    struct findings findings;
    struct admin_reloads count;
    int64_t last;     /* when the last one ended; 0: none yet */
    char *last_error; /* NULL: it went well */
};

struct run_handover { /* to a new process of the program */
    struct own_program program;
    struct starter *starter; /* NULL: there can be none */
    bool gathers;                /* the workers' sockets */
    struct successor *successor; /* it is not told to serve yet; NULL: there is none */
    bool wanted;     /* once the reload that runs is over */
    bool has_reload; /* one waits for the end of it */
    uint64_t refused; /* how many failed */
    int64_t last;    /* when the last one failed; 0: none did */
    char *last_error;
};

struct run {
    const struct run_options *options;
    struct server *server;
    struct admin_listener *admin;
    struct admin_listener *health; /* admin.health; NULL: none */
    struct address health_at;
    struct admin_pages *pages; /* what routes serve */
    struct run_reload reload;
    struct run_crls crls;
    struct run_keys keys;
    struct run_workload workload;
    struct run_ocsp ocsp;
    struct run_rotation rotation;
    struct run_renewal renewal;
    struct run_service service;
    struct sandbox_facts sandbox;
    bool sandbox_left; /* a new process was asked for, to get out of it */
    struct predecessor *before; /* whose place this process takes; NULL: none, or it has done so */
    struct run_handover handover;
    struct privilege *user;   /* to become; NULL: none */
    char *started_user, *started_group;
    struct inherited *passed; /* by the service manager; NULL: no sockets */
    struct registry_pool *registries; /* NULL: none was ever configured */
    uint64_t generation;
    int64_t started;
    struct ticker *expiry;
    int64_t expiry_looked; /* when dates were last looked at */
    struct admin_view view; /* what was last shown, and what it borrows */
    struct counters counters;
    struct refusal refusals[REFUSALS_KEPT];
};

#endif
