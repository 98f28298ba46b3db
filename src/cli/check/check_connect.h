/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `check --connect`: a real connection to the target of every upstream, with the TLS context that run would use. It
 * reads after the handshake, because a TLS 1.3 server refuses our certificate only there. An http upstream gets a HEAD
 * request so that it must answer.
 */
#ifndef MTLSD_CLI_CHECK_CONNECT_H
#define MTLSD_CLI_CHECK_CONNECT_H

#include "page.h"
#include "mtlsd/control/snapshot.h"

/* Blocks until every target was tried. Gives an array with one object for each, or NULL when memory ran out. */
json_t *check_connect(const struct snapshot *snapshot, int64_t now, size_t *n_refused);

#endif
