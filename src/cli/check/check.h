/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `mtlsd check`. */
#ifndef MTLSD_CLI_CHECK_H
#define MTLSD_CLI_CHECK_H

#include "page.h"
#include "mtlsd/base/findings.h"
#include "mtlsd/config/config.h"
#include "mtlsd/control/snapshot.h"
#include "mtlsd/io/probe.h"

#include <stdbool.h>

/* The output of `check`: every finding with its place, and what run would load, as a document and as text. */

struct check_sheet { /* all borrowed */
    const char *path;
    const struct findings *findings;
    const struct snapshot *snapshot; /* NULL when nothing could be loaded */
    json_t *connections;             /* of check_connect, NULL: without --connect */
    int64_t now;
};

json_t *check_document(const struct check_sheet *sheet); /* NULL: out of memory */
void check_sheet_print(struct page *page, const json_t *document);

/*
 * `check --connect`: a real connection to the target of every upstream, with the TLS context that run would use. It
 * reads after the handshake, because a TLS 1.3 server refuses our certificate only there. An http upstream gets a HEAD
 * request so that it must answer.
 */

/* Blocks until every target was tried. Gives an array with one object for each, or NULL when memory ran out. */
json_t *check_connect(const struct snapshot *snapshot, int64_t now, size_t *n_refused);

/* The steps of run after a configuration is loaded, and their results: addresses to listen on, the admin socket, the log file, the folder of
 * fetched lists, descriptors. Nothing is created, and a running daemon is not affected. */

void check_places(const struct config *config, struct findings *findings);

/* Does the work of `check`, for `run -t`. Gives an exit code. */
int cmd_check_file(const char *path, bool json);

#endif
