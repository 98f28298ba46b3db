/* SPDX-License-Identifier: Apache-2.0 */
/* The view that a status is written from: a listener in front of an upstream with one target, and their counters, without certificates. Tests change one thing of it. */
#ifndef MTLSD_TEST_STATUS_VIEW_H
#define MTLSD_TEST_STATUS_VIEW_H

#include "mtlsd/control/admin.h"
#include "mtlsd/proxy/target_state.h"

struct status_view {
    struct config_listener listener_conf; /* "public" */
    struct plan_listener listener;
    struct plan_route route;
    struct plan_upstream upstream; /* "partner", of the one target 127.0.0.1:9000 */
    struct snapshot snapshot;
    struct counters counters;
    struct bytes out;
    char text[65536];
};

extern struct status_view shown;

/* A fixture of Check's. */
void status_view_set_up(void);
void status_view_tear_down(void);

struct admin_view status_view_make(void);
/* Appends the status to out; the whole of that is the text. */
const char *status_view_text(const struct admin_view *view);

#endif
