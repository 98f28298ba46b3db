/* SPDX-License-Identifier: Apache-2.0 */
/* Input of several commands: a configuration with all its files, or a file of certificates. */
#ifndef MTLSD_CLI_LOAD_H
#define MTLSD_CLI_LOAD_H

#include "mtlsd/control/file_access.h"
#include "mtlsd/control/snapshot.h"
#include "mtlsd/tls/tls_chain.h"

/* NULL: the findings say why. */
struct snapshot *load_snapshot(const char *path, int64_t now, struct findings *findings);
/* NULL: the findings were printed. */
struct snapshot *load_snapshot_or_say(const char *path, int64_t now);
/* The file may hold a key too, which is wiped. */
MUST_CHECK int load_chain(const char *path, struct tls_chain *chain, struct err *err);

/* Applies the rules of mtlsd/control/file_access.h to a key or a CA that is read without a configuration. -1: refused. Warnings become
 * findings; notes may be NULL. */
MUST_CHECK int load_check_file(const char *path, enum file_use use, const struct file_access *access, struct findings *notes, struct err *err);

#endif
