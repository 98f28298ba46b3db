/* SPDX-License-Identifier: Apache-2.0 */
/* Saves the certificates of a drill without keys as FOLDER/KIND.pem, so that other programs can verify them, too. */
#ifndef MTLSD_CLI_DRILL_SAVE_H
#define MTLSD_CLI_DRILL_SAVE_H

#include "mtlsd/base/err.h"
#include "mtlsd/tls/tls_identity.h"

/* Writes one chain, leaf first, as it is sent. NULL: nothing to keep. The folder is made where there is none. */
MUST_CHECK int drill_save(const char *folder, const char *word, const struct tls_identity *identity, struct err *err);

#endif
