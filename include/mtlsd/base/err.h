/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An error in the caller's own memory: a kind to act on and one sentence to show.
 * The first message wins, because the place that failed knows most. Callers above may not overwrite it.
 */
#ifndef MTLSD_BASE_ERR_H
#define MTLSD_BASE_ERR_H

#include "mtlsd/base/attr.h"

enum err_kind {
    ERR_NONE = 0,
    ERR_USAGE,      /* the command line: exit code 2 */
    ERR_CONFIG,     /* the configuration: exit code 3 */
    ERR_CREDENTIAL, /* a certificate, key, CA or CRL: exit code 3 */
    ERR_IO,         /* a file, a socket, an address in use: exit code 1 */
    ERR_PROTOCOL,   /* a peer said something it must not */
    ERR_MEMORY,
    ERR_INTERNAL,
};

struct err {
    enum err_kind kind;
    char text[640];
};

void err_clear(struct err *err);

/* Records kind and text unless something is recorded already. Always -1, so that "return err_set(...)" reads well.
 * A NULL err is allowed: the caller does not want the words. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
