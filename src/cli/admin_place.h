/* SPDX-License-Identifier: Apache-2.0 */
/* Where a running daemon answers: flags --socket and --config of the commands that ask it. */
#ifndef MTLSD_CLI_ADMIN_PLACE_H
#define MTLSD_CLI_ADMIN_PLACE_H

#include "mtlsd/base/address.h"

#include <stdbool.h>

struct admin_place { /* as given; NULL: not */
    const char *socket, *file;
    const char *health; /* of a command that may ask there */
};

/* The path of the admin socket, which the caller frees. NULL: it was said why, and *exit_code is set. */
char *admin_place_find(const struct admin_place *place, int *exit_code);

struct admin_found {
    char *socket; /* the caller frees it; NULL: health */
    struct address health;
};
/* The admin socket, or admin.health where there is none. False: as NULL above. */
bool admin_place_find_health(const struct admin_place *place, struct admin_found *out, int *exit_code);

#endif
