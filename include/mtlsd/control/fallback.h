/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate before, for identities whose renewed one is refused by an upstream after it is in use. Once for each renewed certificate, the one
 * before takes its place again, if it is still good. Pure; all of it belongs to one thread.
 *
 *   WATCHED  a renewed certificate is in use, and the one before is kept
 *   TRYING   an upstream refuses it: the one before is loaded, and tried on that upstream
 *   BACK     the one before is in use again, as long as the files hold the refused one and nothing else is asked for
 *   OVER     that was refused too, has expired, or was revoked
 */
#ifndef MTLSD_CONTROL_FALLBACK_H
#define MTLSD_CONTROL_FALLBACK_H

#include "mtlsd/control/rotation.h"

enum fallback_state { FALLBACK_WATCHED, FALLBACK_TRYING, FALLBACK_BACK, FALLBACK_OVER };

enum { FALLBACK_ASKED_MOST = 4 };

struct fallback_asked { /* a target that gave a hint */
    char target[256];
    int64_t not_before; /* no hint of it counts until then */
};

struct fallback_row {
    struct fallback_row *next;
    char *identity;
    enum fallback_state state;
    struct tls_identity *before, *fresh; /* counted */
    char upstream[80], target[256]; /* from TRYING on: which refused fresh */
    char text[700];                 /* from BACK on, for people */
    int64_t not_before;             /* no attempt until then, after one that came to nothing by other faults */
    bool hinted;   /* the attempt began with a hint */
    bool no_hints; /* the one before gets the same answer: that was not about certificates */
    struct fallback_asked asked[FALLBACK_ASKED_MOST];
};

struct fallback {
    struct fallback_row *rows; /* owned */
};

struct fallback_refusal { /* by an upstream, of the certificate in use */
    const struct tls_identity *ours;
    const char *upstream, *target, *text;
    bool hint; /* by the status of a response, which an app may send for reasons of its own */
};

void fallback_clear(struct fallback *f);
/* Another snapshot is in use: what it replaced is kept, and what it does not have any more is forgotten. Without memory nothing is kept. */
void fallback_follow(struct fallback *f, const struct rotation *r, const struct snapshot *now_in_use);
/* A refusal is of interest. */
bool fallback_watches(const struct fallback *f);
/* The row that is TRYING from now on: its certificate was not tried yet, and the one before is good. NULL: nothing is to be done. */
struct fallback_row *fallback_refused(struct fallback *f, const struct fallback_refusal *refusal, const struct snapshot *in_use, int64_t now);
/* A hint: the upstream is to be asked now whether it refuses that certificate, which is in use and renewed. At most once a minute for each target. */
bool fallback_hinted(struct fallback *f, const struct fallback_refusal *hint, const struct snapshot *in_use, int64_t now);
/* The one that is TRYING; NULL: none. */
struct fallback_row *fallback_trying(const struct fallback *f);
/* That load has ended. back: the certificate before is in use. refused: the upstream does not accept it either. */
void fallback_tried(struct fallback_row *row, bool back, bool refused, int64_t now);
/* BACK rows whose certificate has expired or was revoked are over; the number of them: the files are to be loaded again. */
size_t fallback_expire(struct fallback *f, const struct snapshot *in_use, int64_t now);
/* Why the certificate before is in use; NULL: it is not. f NULL: nothing is known. */
const char *fallback_text(const struct fallback *f, const char *identity);

/* For a load on another thread: what is to be used instead of what the files hold. */
struct fallback_use {
    struct fallback_use_item { /* counted */
        struct tls_identity *before, *fresh;
    } *items;
    size_t n;
};
/* by_person: who asks for a reload wants the files to count; only a row that is TRYING is in it then. Without memory it is empty. */
void fallback_use_make(const struct fallback *f, bool by_person, struct fallback_use *out);
void fallback_use_clear(struct fallback_use *use);
/* The identity to use instead of this one, not counted; NULL: none. */
struct tls_identity *fallback_use_find(const struct fallback_use *use, const struct tls_identity *loaded);

#endif
