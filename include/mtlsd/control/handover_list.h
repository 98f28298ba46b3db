/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of sockets that a process passes to its successor, which it starts itself: a text with a line for each, in the order of the
 * descriptors. Pure. Both may be of different versions: a line that is not known is skipped, a socket of a kind that is not known is not used.
 *
 *   mtlsd-handover 1
 *   parent 4711
 *   socket passed web
 *   socket listen 127.0.0.1:8443
 *   socket admin /run/mtlsd/admin.sock
 *   socket health 127.0.0.1:9000
 */
#ifndef MTLSD_CONTROL_HANDOVER_LIST_H
#define MTLSD_CONTROL_HANDOVER_LIST_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

enum handover_kind {
    HANDOVER_PASSED, /* by the service manager, under this name */
    HANDOVER_LISTEN, /* a listener's; the name is its address as configured. Several may have one address */
    HANDOVER_ADMIN,  /* the admin socket; the name is its path */
    HANDOVER_HEALTH, /* admin.health; the name is its address as configured */
    HANDOVER_OTHER,
};

struct handover_list {
    long parent;
    size_t n;
    enum handover_kind *kinds; /* owned */
    const char **names;        /* owned; of text */
    char *text;                /* owned */
};

enum { HANDOVER_MOST = 16384, HANDOVER_TEXT_MAX = 4 * 1024 * 1024 };

/* The first lines; out must hold HANDOVER_TEXT_MAX. What fails, fails every append after it. */
void handover_list_begin(struct bytes *out, long parent);
/* -1 + err: the name cannot be told, or out cannot take more. */
MUST_CHECK int handover_list_add(struct bytes *out, enum handover_kind kind, const char *name, struct err *err);

/* -1 + err: it is of another version, or not well-formed. */
MUST_CHECK int handover_list_read(struct handover_list *out, struct span text, struct err *err);
void handover_list_clear(struct handover_list *l);

#endif
