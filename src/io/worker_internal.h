/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the worker. */
#ifndef MTLSD_IO_WORKER_INTERNAL_H
#define MTLSD_IO_WORKER_INTERNAL_H

#include "worker.h"

/* worker.c */
void worker_close_retired(struct worker *w);
void worker_finish_if_empty(struct worker *w); /* once it drains */

/* worker_rejudge.c */
void worker_rejudge_begin(struct worker *w, bool rows_only);

#endif
